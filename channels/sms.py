"""SMS by Twilio's Messages API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from twilio.rest.api.v2010.account.message import MessageInstance

from channels.layout import text_message
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
    Uncertain,
    Unreadable,
    digest,
)
from channels.twilio_api import NOBODY_THERE, OPTED_OUT, TWILIO, Older, TwilioApi
from dialogs.message import Said, Speech
from engine.contact import ChannelKind, Delivery

OUT_OF_VALIDITY = "30036"
PAGE = 1000
"""As many as Twilio gives at once."""
SHORTEST_VALIDITY, LONGEST_VALIDITY = 10, 36_000
"""In seconds; what is asked to last for less Twilio may drop before it is tried."""

STATES = {
    "accepted": Delivery.ACCEPTED,
    "scheduled": Delivery.ACCEPTED,
    "queued": Delivery.ACCEPTED,
    "sending": Delivery.ACCEPTED,
    "sent": Delivery.SENT,
    "partially_delivered": Delivery.SENT,
    "delivered": Delivery.DELIVERED,
    "read": Delivery.READ,
    "undelivered": Delivery.FAILED,
    "failed": Delivery.FAILED,
    "canceled": Delivery.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """A Twilio account. `sender` is a number (+...), an alphanumeric id or a Messaging Service (MG...).

    `public_url` is where Twilio reaches us; times are in seconds. `validity` bounds how late the carrier may still
    deliver, as the hours of the contact do. `plain` are the languages written in plain Latin letters
    where that is cheaper.
    """

    account_sid: str
    auth_token: str
    sender: str
    public_url: str
    api_url: str = TWILIO
    connect_timeout: float = 5.0
    read_timeout: float = 15.0
    validity: int | None = None
    plain: frozenset[str] = frozenset()


class SmsChannel:
    """The adapter of Twilio SMS. One message is one request; nothing is retried here."""

    kind = ChannelKind.SMS
    capabilities = Capabilities(limits={"body": 1600})

    def __init__(self, settings: SmsSettings) -> None:
        self._settings = settings
        self._api = TwilioApi(settings)

    def compose(self, speech: Speech, envelope: Envelope) -> Draft:
        """Paragraphs and numbered options as lines, in the spelling the settings ask for."""
        return Draft(
            self.kind,
            envelope.attempt,
            envelope.to,
            text_message(speech, self._settings.plain),
            thread=envelope.thread,
            first=envelope.first,
            lasts=envelope.lasts,
        )

    async def send(self, draft: Draft) -> Receipt:
        """Hand the draft to Twilio once, with our attempt id in the address it reports to."""
        message = await self._api.once(self._api.client.messages.create_async(**self._request(draft)))
        if not message.sid:
            raise Uncertain("Twilio's answer names no message")
        return Receipt(message.sid)

    async def find(self, sought: Sought, since: datetime) -> Receipt | None:
        """The earliest message to that number with that text at or after `since`. Raises LookupFailed."""
        # Twilio filters by day for certain and keeps whole seconds: the exact time is compared here.
        since = since.astimezone(UTC).replace(microsecond=0) - CLOCKS_APART
        midnight = since.replace(hour=0, minute=0, second=0)
        listing = self._api.client.messages.list_async(
            to=sought.to, date_sent_after=midnight - timedelta(days=1), limit=1000
        )
        messages = await self._api.asked(listing)
        found = [
            (at, message.sid)
            for message in messages
            if (at := message.date_created or message.date_sent) and at >= since
            if digest(message.body or "") == sought.digest and message.sid not in sought.known
        ]
        return Receipt(min(found)[1]) if found else None

    async def records(self, since: datetime) -> AsyncIterator[Sequence[Record | Unreadable]]:
        """What Twilio sent and received for us at or after `since`, newest first, a page a request.

        It lists by when it sent a message, and may filter by the day only: the exact time is compared here, and what is
        older asked for no further.
        """
        since = since.astimezone(UTC).replace(microsecond=0)
        listing = self._api.client.messages.page_async(date_sent_after=since, page_size=PAGE)
        async for page in self._api.recorded(listing, lambda one: self._record(one, since)):
            yield page

    async def close(self) -> None:
        """Close the connections to Twilio."""
        await self._api.close()

    def _request(self, draft: Draft) -> dict[str, object]:
        settings = self._settings
        request: dict[str, object] = {
            "to": draft.to,
            "body": draft.body,
            "status_callback": f"{settings.public_url.rstrip('/')}/webhooks/twilio/status/{draft.attempt}",
        }
        service = settings.sender.startswith("MG")
        request["messaging_service_sid" if service else "from_"] = settings.sender
        bounds = [bound for bound in (settings.validity, draft.lasts) if bound is not None]
        if bounds:
            request["validity_period"] = min(max(int(min(bounds)), SHORTEST_VALIDITY), LONGEST_VALIDITY)
        return request

    def _record(self, message: MessageInstance, since: datetime) -> Record | None:
        """None of what another user of the account sent or received, and of Twilio's own answers to STOP and START."""
        at, sent = message.date_created or message.date_sent, message.date_sent or message.date_created
        if sent < since:
            raise Older
        if message.direction == "outbound-reply":
            return None
        inbound = message.direction == "inbound"
        sender, person = (message.to, message.from_) if inbound else (message.from_, message.to)
        status = str(message.status or "")
        if self._settings.sender not in (sender, message.messaging_service_sid) or not message.sid:
            return None
        form = {"MessageSid": message.sid, "From": message.from_, "To": message.to}
        told = STATES.get(status, Delivery.ACCEPTED).rank > Delivery.ACCEPTED.rank
        event = message.sid if inbound else f"{message.sid}:{status}" if told else ""
        if inbound:
            form["Body"] = message.body or ""
        else:
            form |= {"MessageStatus": status, "ErrorCode": str(message.error_code or "")}
        return Record(
            event,
            urlencode(form, errors="replace").encode(),
            not inbound,
            message.sid,
            sender or self._settings.sender,
            person or "",
            at,
            max(at, message.date_updated or at),
            b"" if inbound else digest(message.body or ""),
        )


def read_sms(form: Mapping[str, str]) -> Inbound:
    """A subscriber's SMS from Twilio's webhook form. Raises Unreadable where a field it always has is missing."""
    sid, sender = form.get("MessageSid") or form.get("SmsSid"), form.get("From")
    if not sid or not sender:
        raise Unreadable("an SMS webhook has MessageSid and From")
    # PostgreSQL keeps no NUL in text.
    return Inbound(ChannelKind.SMS, sid, sender, Said(form.get("Body", "").replace("\0", "")))


def read_status(form: Mapping[str, str], attempt: UUID | None) -> StatusReport:
    """Twilio's news of a message; `attempt` is from the address it was posted to. Raises Unreadable."""
    sid, status = form.get("MessageSid") or form.get("SmsSid"), form.get("MessageStatus", "").lower()
    state, code = STATES.get(status), form.get("ErrorCode", "")
    if not sid or state is None:
        raise Unreadable(f"a status webhook has MessageSid and a known MessageStatus, not '{status[:30]}'")
    if state is Delivery.FAILED and code == OUT_OF_VALIDITY:
        state = Delivery.EXPIRED
    return StatusReport(
        ChannelKind.SMS,
        event=f"{sid}:{status}",
        reference=sid,
        state=state,
        attempt=attempt,
        code=code,
        address_dead=code in NOBODY_THERE,
        opted_out=code in OPTED_OUT,
    )
