"""Twilio's Calls API on loopback, with subscribers in memory who answer, listen, press keys, speak and hang up.

What is said in a call is fetched from the application over real HTTP, signed, a webhook a turn, as Twilio does it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode
from uuid import uuid4
from xml.etree import ElementTree

from aiohttp import ClientError, web

from channels.sandbox.account import error, page_of
from channels.sandbox.call import (
    DETECTED,
    Call,
    Deed,
    HangsUp,
    Line,
    Pickup,
    Silence,
    Speaker,
    asked_for,
    fault_of,
    recalled,
)
from channels.sandbox.exchange import Exchange
from channels.sandbox.journal import Entry
from channels.sandbox.outbox import Parcel
from dialogs.message import Keys, Said

INBOUND = "/webhooks/twilio/voice/inbound"
API = "/2010-04-01/Accounts/{account}/Calls"
FAULT = "We are sorry, an application error has occurred. Goodbye."
MOST_DOCUMENTS = 50
Step = tuple[str, Mapping[str, str]]
"""An address to fetch instructions from, and what is posted to it beside the call's own fields."""


class NoCall(LookupError):
    """There is no call with that number that rings or waits for an answer."""


class CallsCarrier(Exchange):
    """The voice side of a Twilio account. A call waits at a question until its callee does something."""

    async def pick_up(self, number: str) -> Call:
        """Somebody answers the call that rings. Raises NoCall."""
        call = self._ringing(number)
        call.pickup = Pickup.PERSON
        await self._outbox.run(self._conduct(call))
        return call

    def decline(self, number: str) -> Call:
        """The call that rings is turned away. Raises NoCall."""
        call = self._ringing(number)
        self._end(call, "busy")
        return call

    async def press(self, number: str, digits: str) -> Call:
        """Keys pressed in the call that waits. Raises NoCall."""
        return await self._do(number, Keys(digits))

    async def speak(self, number: str, text: str) -> Call:
        """Words spoken in the call that waits. Raises NoCall."""
        return await self._do(number, Said(text))

    async def keep_silent(self, number: str) -> Call:
        """Nothing comes to the question that waits. Raises NoCall."""
        return await self._do(number, Silence())

    async def hang_up(self, number: str) -> Call:
        """The telephone is put down. Raises NoCall."""
        return await self._do(number, HangsUp())

    async def let_go(self) -> int:
        """Open questions are left unanswered and telephones put down; what rings stops. How many calls that were."""
        open_calls = self.waiting
        for call in open_calls:
            for deed in (Silence(), HangsUp()):
                if call.asks:
                    await self._outbox.run(self._follow(call, self._react(call, deed)))
        ringing = self.ringing
        for call in ringing:
            self._end(call, "no-answer")
        return len(open_calls) + len(ringing)

    async def call_in(self, number: str, *deeds: Deed) -> Call:
        """A subscriber calls our number; returns once the call waits at a question or is over."""
        call = Call(
            sid=f"CA{uuid4().hex}",
            person=number,
            inbound=True,
            url=INBOUND,
            at=self._now(),
            deeds=self._deeds_of(number, *deeds),
        )
        self._keep(call)
        await self._outbox.run(self._conduct(call))
        return call

    def _routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post(f"{API}.json", self._create),
            web.get(f"{API}.json", self._list),
            web.post(f"{API}/{{sid}}.json", self._update),
        ]

    def _recall(self, entries: list[Entry]) -> None:
        self.calls = recalled(entries)
        for call in self.calls:
            if not call.over:
                self._end(call, "failed")  # a line does not outlive the exchange

    async def _create(self, request: web.Request) -> web.StreamResponse:
        if not self._is_ours(request):
            return error(401, "20003")
        form = {name: str(value) for name, value in (await request.post()).items()}
        fate = self._next_fate(form.get("To", ""))
        fault = fault_of(form, fate)
        if fault is not None:
            return fault
        call = Call(
            sid=f"CA{uuid4().hex}",
            person=form["To"],
            inbound=False,
            url=self._below_public(form["Url"]),
            callback=self._below_public(form.get("StatusCallback", "")),
            pickup=fate.pickup,
            error=fate.error,
            at=self._now(),
            deeds=self._deeds_of(form["To"]),
        )
        self._keep(call)
        created = call.resource(self._account, self._number)
        self._outbox.run(self._conduct(call))
        if call.pickup is Pickup.LOST and request.transport is not None:
            request.transport.abort()
        return web.json_response(created, status=201)

    def _keep(self, call: Call) -> None:
        self.calls.append(call)
        self._journal.write(call.entry)

    async def _conduct(self, call: Call) -> None:
        """From the first ring to the first question, or to the end."""
        if call.pickup is Pickup.RINGS:
            call.status = "ringing"
            return
        if call.pickup in {Pickup.BUSY, Pickup.NO_ANSWER, Pickup.FAILED}:
            self._end(call, call.pickup)
            return
        call.status = "in-progress"
        self._report(call)
        detected = {} if call.inbound else {"AnsweredBy": DETECTED[call.pickup]}
        await self._follow(call, (call.url, detected))

    async def _follow(self, call: Call, step: Step | None) -> None:
        """Fetch and perform documents until the call waits or is over."""
        for _ in range(MOST_DOCUMENTS):
            if step is None or call.over:
                return
            document = await self._fetch(call, *step)
            if document is None:
                self._hear(call, FAULT)
                break
            step = self._perform(call, document)
        self._end(call, "completed")

    async def _fetch(self, call: Call, to: str, beside: Mapping[str, str]) -> ElementTree.Element | None:
        url = self.public_url.rstrip("/") + to if to.startswith("/") else to
        body = urlencode({**call.form(self._account, self._number), **beside})
        try:
            async with self._session().post(url, data=body.encode(), headers=self._headers(url, body)) as answer:
                text = await answer.text()
                return ElementTree.fromstring(text) if answer.status == 200 else None  # noqa: S314 our own application
        except (ClientError, TimeoutError, OSError, ValueError, ElementTree.ParseError):
            return None

    def _perform(self, call: Call, document: ElementTree.Element) -> Step | None:
        """Do what a document says. The next address to ask, or None where the call waits or is over."""
        for verb in document:
            match verb.tag:
                case "Say":
                    self._hear(call, "".join(verb.itertext()))
                case "Gather":
                    for said in verb.iter("Say"):
                        self._hear(call, "".join(said.itertext()))
                    call.asks = self._below_public(verb.get("action", call.url))
                    return self._react(call, call.deeds.popleft()) if call.deeds else None
                case "Redirect":
                    return self._below_public(verb.text or ""), {}
                case "Dial":
                    call.passed_to = "".join(number.text or "" for number in verb.iter("Number"))
                    return self._below_public(verb.get("action", call.url)), {"DialCallStatus": "completed"}
                case _:
                    break
        self._end(call, "completed")
        return None

    def _react(self, call: Call, deed: Deed) -> Step | None:
        asked, call.asks = call.asks, ""
        match deed:
            case Keys(digits):
                self._write(call, Line(Speaker.CALLEE, f"#{digits}"))
                return asked, {"Digits": digits}
            case Said(text):
                self._write(call, Line(Speaker.CALLEE, text))
                return asked, {"SpeechResult": text, "Confidence": "0.9"}
            case Silence():
                return asked, {}
            case HangsUp():
                self._end(call, "completed")
                return None

    def _ringing(self, number: str) -> Call:
        call = next((one for one in self.ringing if one.person == number), None)
        if call is None:
            raise NoCall(f"no call to {number} rings")
        return call

    async def _do(self, number: str, deed: Deed) -> Call:
        call = next((one for one in reversed(self.waiting) if one.person == number), None)
        if call is None:
            raise NoCall(f"no call with {number} waits for an answer")
        await self._outbox.run(self._follow(call, self._react(call, deed)))
        return call

    def _hear(self, call: Call, text: str) -> None:
        self._write(call, Line(Speaker.US, text))

    def _write(self, call: Call, line: Line) -> None:
        call.transcript.append(line)
        self._journal.write({"event": "line", "sid": call.sid, "by": line.by, "text": line.text})

    def _end(self, call: Call, status: str) -> None:
        if not call.over:
            call.status, call.asks = str(status), ""
            self._report(call, {"event": "over", "sid": call.sid, "status": call.status})

    def _report(self, call: Call, record: Entry | None = None) -> None:
        form = call.form(self._account, self._number) | {"CallbackSource": "call-progress-events"}
        if call.status == "failed" and call.error:
            form["SipResponseCode"] = call.error
        owed = [Parcel(f"{call.sid}:{call.status}", call.sid, call.callback, urlencode(form))] if call.callback else []
        self._outbox.owe(*owed, record=record)

    async def _list(self, request: web.Request) -> web.Response:
        if not self._is_ours(request):
            return error(401, "20003")
        try:
            found = asked_for(self.calls, request.query, self._account, self._number)
        except ValueError:
            return error(400, "20001")
        return web.json_response(page_of("calls", found, self._resource, request.query, request.path, self.most_listed))

    def _resource(self, call: Call) -> dict[str, object]:
        return call.resource(self._account, self._number)

    async def _update(self, request: web.Request) -> web.Response:
        if not self._is_ours(request):
            return error(401, "20003")
        call = next((one for one in self.calls if one.sid == request.match_info["sid"]), None)
        if call is None:
            return error(404, "20404")
        if (await request.post()).get("Status") in {"completed", "canceled"}:
            self._end(call, "completed" if call.status == "in-progress" else "canceled")
        return web.json_response(self._resource(call))
