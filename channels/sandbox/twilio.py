"""Twilio's Messages API on loopback: takes SMS, reports on them by signed callbacks, lets subscribers answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Unpack
from urllib.parse import urlencode
from uuid import uuid4

from aiohttp import web

from channels.sandbox.account import NUMBER, Particulars, TwilioAccount, asked_time, error, page_of
from channels.sandbox.journal import Entry
from channels.sandbox.outbox import Parcel
from channels.sandbox.sms import Fate, ReceivedSms, Script, SentSms, course
from dialogs.segments import segments

LONGEST = 1600
ENDS = {"To": "to", "From": "sender"}
INBOUND = "/webhooks/twilio/sms"
STOP_WORDS = frozenset({"stop", "unsubscribe", "end", "quit", "stopall", "revoke", "optout", "cancel"})
START_WORDS = frozenset({"start", "unstop", "yes"})


class TwilioCarrier(TwilioAccount):
    """One Twilio account with one `number`. Inbound SMS are posted below `public_url`.

    With `handles_stop` the account does as Twilio does by default: STOP blocks the subscriber (error 21610).
    """

    def __init__(self, *, handles_stop: bool = False, **account: Unpack[Particulars]) -> None:
        super().__init__(**account)
        self._handles_stop = handles_stop
        self._blocked: set[str] = set()
        self._scripts: dict[str, list[Script]] = {}
        self.sent: list[SentSms] = []
        self.received: list[ReceivedSms] = []

    def fate(self, number: str, result: Fate | str, error: str = "", delay: float = 0.0, times: int = 1) -> None:
        """Script the next `times` sends to `number` ("*" for any). `delay` in seconds, for LATE. Queues up."""
        self._scripts.setdefault(number, []).extend([Script(Fate(result), error, delay)] * times)

    async def answer(self, sender: str, text: str, to: str = "") -> str:
        """A subscriber's SMS to our number, posted until acknowledged. Returns its MessageSid."""
        sid, to, word = f"SM{uuid4().hex}", to or self._number, text.strip().lower()
        form = {
            "ToCountry": "",
            "SmsMessageSid": sid,
            "NumMedia": "0",
            "SmsSid": sid,
            "SmsStatus": "received",
            "Body": text,
            "To": to,
            "NumSegments": str(segments(text)),
            "MessageSid": sid,
            "AccountSid": self._account,
            "From": sender,
            "ApiVersion": "2010-04-01",
        }
        if self._handles_stop and word in STOP_WORDS | START_WORDS:
            form["OptOutType"] = "STOP" if word in STOP_WORDS else "START"
            self._journal.write({"event": form["OptOutType"], "number": sender})
            self._mark({"event": form["OptOutType"], "number": sender})
        sms = ReceivedSms(sid, sender, to, text, self._now())
        self.received.append(sms)
        parcel = Parcel(sid, f"from {sender}", INBOUND, urlencode(form))
        self._owe(sender, parcel, record={"event": "received", **asdict(sms), "at": sms.at.isoformat()})
        return sid

    def _owe(self, _number: str, *parcels: Parcel, record: Entry) -> None:
        """Take on to post these, which concern a subscriber's number."""
        self._outbox.owe(*parcels, record=record)

    def _routes(self) -> Sequence[web.RouteDef]:
        path = "/2010-04-01/Accounts/{account}/Messages.json"
        return [web.post(path, self._create), web.get(path, self._list)]

    def _recall(self, entries: list[Entry]) -> None:
        for entry in entries:
            if entry["event"] == "sms":
                fields = {key: value for key, value in entry.items() if key not in ("event", "at", "fate")}
                at = datetime.fromisoformat(entry["at"])
                self.sent.append(SentSms(**fields, fate=Fate(entry["fate"]), at=at))
            elif entry["event"] == "received":
                fields = {key: value for key, value in entry.items() if key not in ("event", "at")}
                self.received.append(ReceivedSms(**fields, at=datetime.fromisoformat(entry["at"])))
            self._mark(entry)

    def _mark(self, entry: Entry) -> None:
        if entry["event"] == "STOP":
            self._blocked.add(entry["number"])
        elif entry["event"] == "START":
            self._blocked.discard(entry["number"])

    async def _create(self, request: web.Request) -> web.StreamResponse:
        if not self._is_ours(request):
            return error(401, "20003")
        form = {name: str(value) for name, value in (await request.post()).items()}
        script = self._next_script(form.get("To", ""))
        fault = self._fault(form, script)
        if fault is not None:
            return fault
        sms = await self._outbox.run(self._taken(form, script)) if script.delay else self._accept(form, script)
        if script.fate is Fate.LOST and request.transport is not None:
            request.transport.abort()
        return web.json_response(self._resource(sms, "accepted"), status=201)

    def _next_script(self, number: str) -> Script:
        for key in (number, "*"):
            if self._scripts.get(key):
                return self._scripts[key].pop(0)
        return Script(Fate.DELIVERED, "", 0.0)

    def _fault(self, form: Mapping[str, str], script: Script) -> web.Response | None:
        if script.fate is Fate.BUSY:
            return error(429, "20429", {"Retry-After": "1"})
        if script.fate is Fate.BROKEN:
            return error(500, "20500")
        wrongs = (
            ("21211", not NUMBER.fullmatch(form.get("To", ""))),
            ("21603", not (form.get("From") or form.get("MessagingServiceSid"))),
            ("21602", not form.get("Body")),
            ("21617", len(form.get("Body", "")) > LONGEST),
            ("21610", form.get("To") in self._blocked),
            (script.error or "21211", script.fate is Fate.REFUSED),
        )
        return next((error(400, code) for code, wrong in wrongs if wrong), None)

    async def _taken(self, form: Mapping[str, str], script: Script) -> SentSms:
        await asyncio.sleep(script.delay)
        return self._accept(form, script)

    def _accept(self, form: Mapping[str, str], script: Script) -> SentSms:
        sms = SentSms(
            sid=f"SM{uuid4().hex}",
            to=form["To"],
            sender=form.get("From") or self._number,
            body=form["Body"],
            callback=self._below_public(form.get("StatusCallback", "")),
            fate=script.fate,
            error=script.error,
            at=self._now(),
        )
        self.sent.append(sms)
        record = {"event": "sms", **asdict(sms), "at": sms.at.isoformat()}
        self._owe(sms.to, *self._callbacks(sms), record=record)
        return sms

    def _callbacks(self, sms: SentSms) -> list[Parcel]:
        if not sms.callback:
            return []
        return [
            Parcel(f"{sms.sid}:{status}", sms.sid, sms.callback, urlencode(self._report(sms, status, error)))
            for status, error in course(sms)
        ]

    def _report(self, sms: SentSms, status: str, error: str) -> dict[str, str]:
        form = {
            "SmsSid": sms.sid,
            "SmsStatus": status,
            "MessageStatus": status,
            "To": sms.to,
            "MessageSid": sms.sid,
            "AccountSid": self._account,
            "From": sms.sender,
            "ApiVersion": "2010-04-01",
        }
        return form | ({"ErrorCode": error} if error else {})

    async def _list(self, request: web.Request) -> web.Response:
        if not self._is_ours(request):
            return error(401, "20003")
        query = request.query
        try:
            after, before = (asked_time(query.get(f"DateSent{sign}", "")) for sign in (">", "<"))
        except ValueError:
            return error(400, "20001")
        known: list[SentSms | ReceivedSms] = [*self.sent, *self.received]
        found = [
            sms
            for sms in known
            if all(query.get(name, getattr(sms, end)) == getattr(sms, end) for name, end in ENDS.items())
            if (after is None or sms.at >= after) and (before is None or sms.at <= before)
        ]
        found.sort(key=lambda sms: sms.at)
        found.reverse()  # of one moment the last comes first
        return web.json_response(page_of("messages", found, self._shown, query, request.path, self.most_listed))

    def _shown(self, sms: SentSms | ReceivedSms) -> dict[str, object]:
        if isinstance(sms, SentSms):
            statuses = course(sms)
            return self._resource(sms, statuses[-1][0] if statuses else "accepted")
        alike = SentSms(sms.sid, sms.to, sms.sender, sms.body, "", Fate.SILENT, "", sms.at)
        return self._resource(alike, "received") | {"direction": "inbound"}

    def _resource(self, sms: SentSms, status: str) -> dict[str, object]:
        at = format_datetime(sms.at.astimezone(UTC))
        return {
            "sid": sms.sid,
            "account_sid": self._account,
            "api_version": "2010-04-01",
            "to": sms.to,
            "from": sms.sender,
            "body": sms.body,
            "status": status,
            "direction": "outbound-api",
            "date_created": at,
            "date_updated": at,
            "date_sent": None if status == "accepted" else at,
            "num_segments": str(segments(sms.body)),
            "num_media": "0",
            "error_code": int(sms.error) if sms.error and status != "accepted" else None,
            "error_message": None,
            "uri": f"/2010-04-01/Accounts/{self._account}/Messages/{sms.sid}.json",
        }
