"""Calls by Twilio. One call is one request; what is said in it is fetched from us turn by turn (`channels.twiml`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode
from uuid import UUID

from twilio.rest.api.v2010.account.call import CallInstance

from channels.port import (
    CLOCKS_APART,
    Capabilities,
    Draft,
    Envelope,
    Inbound,
    Receipt,
    Record,
    Sought,
    StatusReport,
    Unreadable,
)
from channels.twilio_api import TWILIO, Older, TwilioApi
from channels.twiml import spoken
from dialogs.message import Keys, Reply, Said, Speech
from dialogs.wishes import asks_again
from engine.contact import ChannelKind, Delivery

MOST_SILENCES = 2
"""How often a question is put again to somebody who answers nothing; then the call ends with a goodbye."""
NO_SUCH_NUMBER = frozenset({"404", "410", "604"})
"""SIP answers that mean the number does not exist (RFC 3261, 21.4.5, 21.4.11, 21.6.3)."""
OVER = "completed"
OURS = "outbound-api"
"""The direction of the calls we asked for; others from our number are legs of calls passed on to an operator."""
PAGE = 1000
"""As many calls as Twilio lists at once."""

STATES = {
    "queued": Delivery.ACCEPTED,
    "initiated": Delivery.ACCEPTED,
    "ringing": Delivery.ACCEPTED,
    "in-progress": Delivery.SENT,
    "answered": Delivery.SENT,
    OVER: Delivery.FAILED,
    "busy": Delivery.FAILED,
    "no-answer": Delivery.FAILED,
    "failed": Delivery.FAILED,
    "canceled": Delivery.FAILED,
}
"""A call that is over has failed, unless a person heard its message to the end: that ranks above (ARCHITECTURE 16)."""


class AnsweredBy(StrEnum):
    """Who took the call, as Twilio's detection has it. What is unknown may be anybody: it hears no debt word."""

    PERSON = "person"
    MACHINE = "machine"
    FAX = "fax"
    UNKNOWN = "unknown"


class Move(StrEnum):
    """What a call does next, before any script is asked."""

    TURN = "turn"
    REPEAT = "repeat"
    REMIND = "remind"
    GOODBYE = "goodbye"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class CallEvent:
    """News of a call that waits for its next instructions. `event` is the same however often it is posted.

    `person` is the subscriber's number, whoever called whom; `reply` None means that nothing was said or pressed.
    `connected` says whether an operator took the call that was passed on.
    """

    sid: str
    event: str
    person: str
    reply: Reply | None = None
    answered_by: AnsweredBy = AnsweredBy.UNKNOWN
    connected: bool = False

    @property
    def inbound(self) -> Inbound | None:
        """The answer as any channel brings it, None for silence."""
        return Inbound(ChannelKind.VOICE, self.event, self.person, self.reply) if self.reply else None


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """A Twilio account and the number it calls from (+...). `public_url` is where Twilio reaches us.

    Times are in seconds: how long a telephone rings, how long detection may listen, how long a call may last.
    """

    account_sid: str
    auth_token: str
    number: str
    public_url: str
    api_url: str = TWILIO
    connect_timeout: float = 5.0
    read_timeout: float = 15.0
    ringing: int = 25
    detecting: int = 15
    longest: int = 900


class VoiceChannel:
    """The adapter of Twilio's Calls API. Nothing is retried here."""

    kind = ChannelKind.VOICE
    capabilities = Capabilities()

    def __init__(self, settings: VoiceSettings) -> None:
        self._settings = settings
        self._api = TwilioApi(settings)

    def compose(self, speech: Speech, envelope: Envelope) -> Draft:
        """What the call opens with, a line a sentence: it is spoken once somebody has answered."""
        body = "\n".join(spoken(speech))
        return Draft(self.kind, envelope.attempt, envelope.to, body, thread=envelope.thread, first=envelope.first)

    async def send(self, draft: Draft) -> Receipt:
        """Ask for the call once, with our attempt id in the addresses it is conducted and reported by."""
        settings, base = self._settings, call_address(self._settings.public_url, str(draft.attempt))
        request = self._api.client.calls.create_async(
            to=draft.to,
            from_=settings.number,
            url=f"{base}/answer",
            method="POST",
            status_callback=f"{base}/status",
            status_callback_method="POST",
            status_callback_event=["answered", "completed"],
            machine_detection="DetectMessageEnd",
            machine_detection_timeout=settings.detecting,
            timeout=settings.ringing,
            time_limit=settings.longest,
        )
        call = await self._api.once(request)
        return Receipt(str(call.sid))

    async def find(self, sought: Sought, since: datetime) -> Receipt | None:
        """The earliest call to that number made while ours can have been taken. Raises LookupFailed.

        A call's list entry shows neither our address nor the text: number and time are all it is known by.
        Our clock may be behind the carrier's as well as ahead of it.
        """
        since = since.astimezone(UTC).replace(microsecond=0)
        midnight = since.replace(hour=0, minute=0, second=0)
        listing = self._api.client.calls.list_async(
            to=sought.to, from_=self._settings.number, start_time_after=midnight - timedelta(days=1), limit=1000
        )
        calls = await self._api.asked(listing)
        found = [
            (at, call.sid)
            for call in calls
            if (at := call.date_created or call.start_time) and abs(at - since) <= CLOCKS_APART
            if call.sid and call.direction == OURS and call.sid not in sought.known
        ]
        return Receipt(min(found)[1]) if found else None

    async def records(self, since: datetime) -> AsyncIterator[Sequence[Record | Unreadable]]:
        """The calls we made at or after `since` that are over. What would have been said in one to us is lost.

        No list tells the SIP answer of a call that failed: that a number does not exist only a webhook says.
        """
        since = since.astimezone(UTC).replace(microsecond=0)
        listing = self._api.client.calls.page_async(from_=self._settings.number, start_time_after=since, page_size=PAGE)
        async for page in self._api.recorded(listing, lambda one: self._record(one, since)):
            yield page

    def _record(self, call: CallInstance, since: datetime) -> Record | None:
        """None of what is not over, and of the legs of our own calls to operators, which bear our number."""
        at, status = call.date_created or call.start_time, str(call.status or "")
        if (call.start_time or call.date_created) < since:
            raise Older
        if not call.sid or call.direction != OURS or STATES.get(status) is not Delivery.FAILED:
            return None
        raw = urlencode({"CallSid": call.sid, "CallStatus": status}).encode()
        changed = max(at, call.date_updated or at)
        number = self._settings.number
        return Record(f"{call.sid}:{status}", raw, True, call.sid, number, call.to or "", at, changed)  # noqa: FBT003 ours

    async def close(self) -> None:
        """Close the connections to Twilio."""
        await self._api.close()


def call_address(public_url: str, call: str) -> str:
    """The base of a call's webhooks. `call` is our attempt, or the thread of the talk where somebody called us."""
    return f"{public_url.rstrip('/')}/webhooks/twilio/voice/{call}"


def move(event: CallEvent, silent: int) -> Move:
    """What an answer means for the call; `silent` is how often nothing came back to this question before."""
    match event.reply:
        case None:
            return Move.REMIND if silent < MOST_SILENCES else Move.GOODBYE
        case Keys("*"):
            return Move.REPEAT
        case Said(text) if asks_again(text):
            return Move.REPEAT
        case Keys("0"):
            return Move.PERSON
        case _:
            return Move.TURN


def read_call_event(form: Mapping[str, str], step: str) -> CallEvent:
    """A webhook that waits for TwiML; `step` is the place in the call it was posted to. Raises Unreadable."""
    sid, ours = form.get("CallSid"), form.get("Direction", "").startswith("outbound")
    person = form.get("To" if ours else "From")
    if not sid or not person:
        raise Unreadable("a call webhook has CallSid, From and To")
    return CallEvent(
        sid,
        f"{sid}:{step}",
        person,
        _reply(form),
        _answered_by(form.get("AnsweredBy", "")),
        form.get("DialCallStatus") in {"completed", "answered"},
    )


def read_call_status(form: Mapping[str, str], attempt: UUID | None) -> StatusReport:
    """Twilio's news of a call; `attempt` is from the address it was posted to. Raises Unreadable."""
    sid, status = form.get("CallSid"), form.get("CallStatus", "").lower()
    state, sip = STATES.get(status), form.get("SipResponseCode", "")
    if not sid or state is None:
        raise Unreadable(f"a call status has CallSid and a known CallStatus, not '{status[:30]}'")
    dead = status == "failed" and sip in NO_SUCH_NUMBER
    code = "" if state is not Delivery.FAILED else sip if dead else status
    return StatusReport(ChannelKind.VOICE, f"{sid}:{status}", sid, state, attempt, code, address_dead=dead)


def _reply(form: Mapping[str, str]) -> Reply | None:
    digits = "".join(char for char in form.get("Digits", "") if char in "0123456789*")[:32]
    if digits:
        return Keys(digits)
    heard = form.get("SpeechResult", "").replace("\0", "").strip()
    return Said(heard) if heard else None


def _answered_by(word: str) -> AnsweredBy:
    if word == "human":
        return AnsweredBy.PERSON
    if word.startswith("machine"):
        return AnsweredBy.MACHINE
    return AnsweredBy.FAX if word == "fax" else AnsweredBy.UNKNOWN
