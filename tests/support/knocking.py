"""Raw requests to the real web application, for tests that knock as nobody should: no client library tidies them up."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode
from uuid import UUID, uuid4

from fastapi import FastAPI
from given import given_client, given_invoice, given_plans
from pydantic import SecretStr
from sqlalchemy import text

from bot.clock import SimulatedClock
from bot.settings import Settings
from bot.web import web_application
from bot.wiring import Wired, wire
from channels.signatures import FORM, sign_event, sign_form
from engine.calendar import AnyHour
from engine.store.session import WriteSession

PUBLIC = "https://amiable.example"
TOKEN, SECRET, BOT_SECRET, API_TOKEN = "token", "secret", "hush", "api-token-of-thirty-two-characters"
NOWHERE = "http://127.0.0.1:9"
LONGEST_CHUNK = 16 * 1024

TALK = """
insert into conversations (client_id, address_id, channel, currency, script, script_version, language, state, thread,
                           owner, opened_at, last_at)
select c.id, a.id, 'sms', 'RON', 'reminder', '1', 'ro', '{}', 'thread', 'bot', :now, :now
from clients c join addresses a on a.client_id = c.id returning id
"""
MESSAGES = """
with said as (
  insert into messages (conversation_id, author, at, content)
  select :talk, 'bot', :now, '{}' from generate_series(1, :many) returning id
), queued as (
  insert into outbound (message_id, conversation_id, address_id, channel, state, priority, parting, send_from,
                        send_until, tries)
  select said.id, :talk, t.address_id, 'sms', 'sending', 10, false, :now, :now, 1
  from said, conversations t where t.id = :talk returning id
)
insert into attempts (id, outbound_id, no, state, body, digest, started_at)
select gen_random_uuid(), id, 1, 'sending', 'x', 'x', :now from queued returning id
"""
Headers = tuple[tuple[bytes, bytes], ...]
Asgi = Callable[[Any, Any, Any], Awaitable[None]]
"""An application as a server calls it."""


@dataclass(frozen=True, slots=True)
class Knock:
    """One request as it stands on the wire."""

    path: bytes
    headers: Headers
    body: bytes = b""
    method: str = "POST"
    query: bytes = b""

    def but(self, *headers: tuple[bytes, bytes], **other: Any) -> Knock:
        """The same with these headers instead of those of the same names."""
        names = {name for name, _ in headers}
        kept = tuple(header for header in self.headers if header[0] not in names)
        return replace(self, headers=(*headers, *kept), **other)

    def without(self, *names: bytes) -> Knock:
        """The same without these headers."""
        return replace(self, headers=tuple(header for header in self.headers if header[0] not in names))


def signed_form(path: str, **fields: str) -> Knock:
    """A webhook of Twilio's."""
    pairs = list(fields.items())
    signature = sign_form(TOKEN, PUBLIC + path, pairs)
    headers = ((b"content-type", FORM.encode()), (b"x-twilio-signature", signature.encode()))
    return Knock(path.encode(), headers, urlencode(pairs).encode())


def signed_event(now: datetime, **fields: object) -> Knock:
    """A webhook of the payment provider's."""
    body = json.dumps(fields).encode()
    headers = ((b"content-type", b"application/json"), (b"payment-signature", sign_event(SECRET, body, now).encode()))
    return Knock(b"/webhooks/payments", headers, body)


def update(number: int, chat: int, text: str) -> Knock:
    """A webhook of Telegram's: somebody wrote."""
    here = {"id": chat, "type": "private", "first_name": "A"}
    message = {"message_id": number, "date": 0, "chat": here, "from": {**here, "is_bot": False}, "text": text}
    headers = ((b"content-type", b"application/json"), (b"x-telegram-bot-api-secret-token", BOT_SECRET.encode()))
    return Knock(b"/webhooks/telegram", headers, json.dumps({"update_id": number, "message": message}).encode())


def sms(sender: str, words: str) -> Knock:
    """An SMS of a subscriber's."""
    return signed_form("/webhooks/twilio/sms", MessageSid=f"SM{uuid4().hex}", From=sender, To="+1", Body=words)


def status(attempt: object, sid: str, word: str, **more: str) -> Knock:
    """Twilio's news of a message."""
    return signed_form(f"/webhooks/twilio/status/{attempt}", MessageSid=sid, MessageStatus=word, **more)


async def knock(web: Asgi, asked: Knock) -> int:
    """The status of the answer; an error that gets out of the application is a 500."""
    chunks = [asked.body[start : start + LONGEST_CHUNK] for start in range(0, len(asked.body), LONGEST_CHUNK)]
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks) - 1}
        for number, chunk in enumerate(chunks or [b""])
    ][::-1]
    answered: list[int] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": unquote_to_bytes(asked.path).decode("utf-8", "replace"),
        "raw_path": asked.path,
        "query_string": asked.query,
        "root_path": "",
        "headers": list(asked.headers),
        "client": ("203.0.113.9", 1),
        "server": ("127.0.0.1", 80),
    }
    try:
        await web(scope, receive, send)
    except Exception:  # noqa: BLE001 - whatever it was, a server would answer with 500
        return 500
    return answered[0] if answered else 500


@asynccontextmanager
async def open_door(database_url: str, now: datetime) -> AsyncIterator[tuple[FastAPI, Wired]]:
    """The whole web application, every webhook switched on; carriers are nowhere."""
    settings = Settings(
        public_url=PUBLIC,
        twilio_account_sid="AC1",
        twilio_auth_token=SecretStr(TOKEN),
        twilio_number="+12025550100",
        twilio_api_url=NOWHERE,
        voice_number="+12025550100",
        smtp_url="smtp://127.0.0.1:9",
        mail_domain="amiable.example",
        payments_url=NOWHERE,
        payments_key=SecretStr("key"),
        payments_webhook_secret=SecretStr(SECRET),
        telegram_token=SecretStr("123456:AbC"),
        telegram_api_url=NOWHERE,
        telegram_webhook_secret=SecretStr(BOT_SECRET),
        api_token=SecretStr(API_TOKEN),
    )
    wired = wire(settings, database_url, SimulatedClock(now), AnyHour())
    try:
        yield web_application(wired.app, wired.verifier, wired.desk, BOT_SECRET, None, API_TOKEN), wired
    finally:
        await wired.close()


async def under_way(session: WriteSession, many: int, now: datetime) -> list[UUID]:
    """So many messages, each at its carrier in a first attempt; the attempts."""
    await given_plans(session)
    ana = await given_client(session, sms="+40712345678")
    await given_invoice(session, ana, "I1", "200", date(2026, 3, 1))
    talk = await session.scalar(text(TALK), {"now": now})
    return list(await session.scalars(text(MESSAGES), {"talk": talk, "many": many, "now": now}))
