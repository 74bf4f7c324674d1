"""A call in the hands of the sandbox carrier: how it is answered, what is said in it, and what its callee does."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum

from aiohttp import web

from channels.sandbox.account import NUMBER, asked_time, error
from channels.sandbox.journal import Entry
from dialogs.message import Keys, Said


class Pickup(StrEnum):
    """What becomes of a call that is asked for."""

    PERSON = "person"
    RINGS = "rings"
    """Rings until somebody picks up, turns it away, or time moves on."""
    MACHINE = "machine"
    FAX = "fax"
    UNKNOWN = "unknown"
    """Answered, and the detection cannot tell by whom."""
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    """Could not be put through; the error given is a SIP code."""
    REFUSED = "refused"
    """Answered with 400 and the error given."""
    THROTTLED = "throttled"
    """Answered with 429; not taken."""
    BROKEN = "broken"
    """Answered with 500; not taken."""
    LOST = "lost"
    """Taken and answered by a person, and the connection dropped instead of an answer to the request."""


DETECTED = {
    Pickup.PERSON: "human",
    Pickup.LOST: "human",
    Pickup.MACHINE: "machine_end_beep",
    Pickup.FAX: "fax",
    Pickup.UNKNOWN: "unknown",
}
"""How Twilio's detection words who answered."""
OVER = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing is said or pressed until the patience of the question ends."""


@dataclass(frozen=True, slots=True)
class HangsUp:
    """The callee puts the telephone down instead of answering."""


Deed = Keys | Said | Silence | HangsUp
"""What a callee does at a question."""


class Speaker(StrEnum):
    """Who said a line of a call."""

    US = "us"
    CALLEE = "callee"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a call's transcript; keys pressed are written as `#12`."""

    by: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What was arranged for the next call to a number."""

    pickup: Pickup
    error: str = ""


@dataclass(slots=True)
class Call:
    """One call. `person` is the subscriber's number; `asks` the address that waits for an answer, or nothing.

    `deeds` are what the callee will do at the next questions by themselves; `passed_to` an operator's number.
    """

    sid: str
    person: str
    inbound: bool
    url: str
    at: datetime
    callback: str = ""
    pickup: Pickup = Pickup.PERSON
    error: str = ""
    status: str = "queued"
    asks: str = ""
    passed_to: str = ""
    transcript: list[Line] = field(default_factory=list)
    deeds: deque[Deed] = field(default_factory=deque)

    @property
    def heard(self) -> str:
        """All the callee heard, a line each."""
        return "\n".join(line.text for line in self.transcript if line.by is Speaker.US)

    @property
    def over(self) -> bool:
        """Whether the call has ended."""
        return self.status in OVER

    @property
    def entry(self) -> Entry:
        """What a journal keeps of a call at its beginning."""
        kept = {name: str(getattr(self, name)) for name in ("sid", "person", "url", "callback", "pickup", "error")}
        return {"event": "call", **kept, "inbound": "yes" if self.inbound else "no", "at": self.at.isoformat()}

    def form(self, account: str, number: str) -> dict[str, str]:
        """What Twilio says of a call in everything it posts; `number` is ours."""
        ends = (self.person, number) if self.inbound else (number, self.person)
        return {
            "CallSid": self.sid,
            "AccountSid": account,
            "From": ends[0],
            "To": ends[1],
            "CallStatus": self.status,
            "Direction": "inbound" if self.inbound else "outbound-api",
            "ApiVersion": "2010-04-01",
        }

    def resource(self, account: str, number: str) -> dict[str, object]:
        """The call as Twilio's API shows it."""
        at, form = format_datetime(self.at.astimezone(UTC)), self.form(account, number)
        return {
            "sid": self.sid,
            "account_sid": account,
            "api_version": "2010-04-01",
            "to": form["To"],
            "from": form["From"],
            "status": self.status,
            "direction": form["Direction"],
            "answered_by": DETECTED.get(self.pickup) if self.status == "in-progress" else None,
            "date_created": at,
            "date_updated": at,
            "start_time": None if self.status == "queued" else at,
            "uri": f"/2010-04-01/Accounts/{account}/Calls/{self.sid}.json",
        }


def fault_of(form: Mapping[str, str], fate: Fate) -> web.Response | None:
    """Why a call asked for is not taken, as Twilio answers it."""
    if fate.pickup is Pickup.THROTTLED:
        return error(429, "20429", {"Retry-After": "1"})
    if fate.pickup is Pickup.BROKEN:
        return error(500, "20500")
    wrongs = (
        ("21211", not NUMBER.fullmatch(form.get("To", ""))),
        ("21212", not NUMBER.fullmatch(form.get("From", ""))),
        ("21205", not form.get("Url", "").startswith(("http://", "https://"))),
        (fate.error or "21211", fate.pickup is Pickup.REFUSED),
    )
    return next((error(400, code) for code, wrong in wrongs if wrong), None)


def asked_for(calls: Iterable[Call], query: Mapping[str, str], account: str, number: str) -> list[Call]:
    """The calls a query asks for, newest first. Raises ValueError."""
    after, before = (asked_time(query.get(f"StartTime{sign}", "")) for sign in (">", "<"))
    wanted = {(name, query[name]) for name in ("To", "From") if name in query}
    return [
        call
        for call in reversed(list(calls))
        if (after is None or call.at >= after) and (before is None or call.at <= before)
        if wanted <= call.form(account, number).items()
    ]


def recalled(entries: Iterable[Entry]) -> list[Call]:
    """The calls a journal tells of."""
    known: dict[str, Call] = {}
    for entry in entries:
        if entry["event"] == "call":
            known[entry["sid"]] = Call(
                sid=entry["sid"],
                person=entry["person"],
                inbound=entry["inbound"] == "yes",
                url=entry["url"],
                callback=entry["callback"],
                pickup=Pickup(entry["pickup"]),
                error=entry["error"],
                at=datetime.fromisoformat(entry["at"]),
            )
        elif entry["event"] == "line":
            known[entry["sid"]].transcript.append(Line(Speaker(entry["by"]), entry["text"]))
        elif entry["event"] == "over":
            known[entry["sid"]].status = entry["status"]
    return list(known.values())
