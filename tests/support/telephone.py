"""Voice, by the sandbox of Twilio's Calls API: a line of the contract suite that every adapter passes."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import parse_qsl
from uuid import UUID

from channels.port import Draft, Envelope, Inbound, Receipt, StatusReport
from channels.sandbox.calls import CallsCarrier
from channels.signatures import TwilioVerifier
from channels.twiml import Manner, Place, Utterance, document
from channels.voice import VoiceChannel, VoiceSettings, call_address, read_call_event, read_call_status
from dialogs.message import Speech


class HeardChannel(VoiceChannel):
    """The adapter, waiting until a call it made has been listened to; it remembers what was to be said."""

    def __init__(self, settings: VoiceSettings, carrier: CallsCarrier) -> None:
        super().__init__(settings)
        self.carrier = carrier
        self.drafts: dict[str, Draft] = {}

    def compose(self, speech: Speech, envelope: Envelope) -> Draft:
        draft = super().compose(speech, envelope)
        self.drafts[str(draft.attempt)] = draft
        return draft

    async def send(self, draft: Draft) -> Receipt:
        try:
            return await super().send(draft)
        finally:
            await self.carrier.settle()


class VoiceLine:
    """A message is what the callee hears; an answer is what they say into the telephone."""

    address = "+40712345678"
    FATES: ClassVar = {
        "lost": ("lost", ""),
        "refused": ("refused", "21211"),
        "busy": ("throttled", ""),
        "dead": ("failed", "404"),
    }

    def __init__(self, carrier: CallsCarrier, application: Any) -> None:
        self.carrier, self.application = carrier, application
        settings = VoiceSettings("AC1", "sesame", "+40312345678", application.url, api_url=carrier.url)
        self.channel = HeardChannel(settings, carrier)
        application.says = self.says

    def says(self, path: str) -> str:
        """What the application answers to a call's webhook."""
        _, _, rest = path.partition("/voice/")
        attempt, *step = rest.split("/")
        if attempt not in self.channel.drafts:
            return ""
        turn = int(step[1]) + 1 if step[0] == "turn" else 1
        lines = tuple(self.channel.drafts[attempt].body.split("\n")) if turn == 1 else ("And?",)
        return document(Utterance("en", lines), Place(call_address(self.application.url, attempt), turn), Manner())

    def kept(self) -> list[str]:
        return [call.heard for call in self.carrier.calls if call.person == self.address]

    def script(self, event: str) -> None:
        self.carrier.fate(self.address, *self.FATES[event])

    async def answer(self, text: str) -> list[Inbound]:
        await self.carrier.speak(self.address, text)
        events = [read_call_event(form, path) for path, form in self.posts() if "/turn/" in path]
        return [event.inbound for event in events if event.inbound]

    async def news(self) -> list[StatusReport]:
        await self.carrier.settle()
        return [
            read_call_status(form, UUID(path.split("/")[-2])) for path, form in self.posts() if path.endswith("/status")
        ]

    def posts(self) -> list[tuple[str, dict[str, str]]]:
        verifier = TwilioVerifier(self.application.url, ["sesame"])
        for hook in self.application.webhooks:
            kind, signature = hook.headers["Content-Type"], hook.headers["X-Twilio-Signature"]
            assert verifier.verify(hook.path.encode(), hook.query.encode(), hook.body, kind, signature)
            assert not verifier.verify(hook.path.encode(), b"forged=1", hook.body, kind, signature)
        return [(hook.path, dict(parse_qsl(hook.body.decode(), True))) for hook in self.application.webhooks]
