"""Telegram's Bot API on loopback: takes messages with buttons, and lets people write, press, open links and block."""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from channels.sandbox.chat import BadMarkup, ChatFate, SentButton, SentChat, plain
from channels.sandbox.journal import Entry
from channels.sandbox.loopback import HttpCarrier
from channels.sandbox.outbox import Parcel

LONGEST, LONGEST_PAYLOAD = 4096, 64
WAIT = 2
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 the name of a header
FATES = {
    ChatFate.BLOCKED: (403, "Forbidden: bot was blocked by the user"),
    ChatFate.NOT_FOUND: (400, "Bad Request: chat not found"),
    ChatFate.REFUSED: (400, "Bad Request: the message cannot be sent"),
    ChatFate.BUSY: (429, f"Too Many Requests: retry after {WAIT}"),
    ChatFate.BROKEN: (500, "Internal Server Error"),
}


class TelegramCarrier(HttpCarrier):
    """One bot. Updates go to the webhook that was set, each chat's in order; without one they wait for getUpdates."""

    def __init__(
        self, *, token: str, name: str, now: Callable[[], datetime], public_url: str = "", journal: Path | None = None
    ) -> None:
        super().__init__(public_url, now, journal)
        self._token, self._name = token, name
        self._webhook, self._secret = "", ""
        self._scripts: dict[str, list[ChatFate]] = {}
        self._blocked: set[str] = set()
        self._languages: dict[str, str] = {}
        self._written: dict[str, int] = {}
        self._waiting: dict[int, str] = {}
        self._arrived = asyncio.Event()
        # Numbers start anywhere, as Telegram's do, so that a new sandbox never repeats those of an earlier one.
        self._last_update, self._last_message = secrets.randbits(30), 0
        self.sent: list[SentChat] = []
        self.acknowledged: list[str] = []

    def fate(self, chat: str, result: ChatFate | str, times: int = 1) -> None:
        """Script the next `times` sends to `chat` ("*" for any). Queues up."""
        self._scripts.setdefault(chat, []).extend([ChatFate(result)] * times)

    def speaks(self, chat: str, language: str) -> None:
        """Set the language of a person's application; English without."""
        self._languages[chat] = language

    async def answer(self, sender: str, text: str) -> str:
        """A person writes. Returns the update's number."""
        message = self._message(sender, text=text)
        self._written[sender] = message["message_id"]
        return self._happen(sender, "message", message)

    async def edit(self, sender: str, text: str) -> str:
        """A person puts other words in the place of what they wrote last."""
        again = self._message(sender, text=text) | {"message_id": self._written[sender]}
        return self._happen(sender, "edited_message", again)

    async def share_contact(self, sender: str, phone: str, owner: str) -> str:
        """A person shares a contact card: their own, or that of `owner`."""
        card = {"phone_number": phone, "first_name": "Somebody", "user_id": int(owner)}
        return self._happen(sender, "message", self._message(sender, contact=card))

    async def open(self, chat: str, token: str = "") -> str:
        """A person opens the bot by a deep link, or plainly; one who had blocked it lets it in again."""
        await self.unblock(chat)
        return await self.answer(chat, f"/start {token}".strip())

    async def press(self, chat: str, wanted: str) -> str:
        """A person presses a button of the latest message that has it, by label or payload. Raises LookupError."""
        for message in reversed(self.sent):
            button = message.button(wanted) if message.chat == chat else None
            if button is not None and button.payload:
                below = self._message(chat, text=message.text) | {"message_id": message.number}
                query = {"id": secrets.token_hex(8), "message": below, "data": button.payload, "chat_instance": chat}
                return self._happen(chat, "callback_query", query | {"from": self._person(chat)})
        raise LookupError(f"no message in chat {chat} has a button '{wanted}'")

    async def block(self, chat: str) -> str:
        """A person shuts the bot out."""
        record = {"event": "blocked", "chat": chat}
        self._mark(record)
        return self._happen(chat, "my_chat_member", self._membership(chat, "kicked"), record)

    async def unblock(self, chat: str) -> None:
        """A person lets the bot in again; nothing happens where it was not shut out."""
        if chat in self._blocked:
            record = {"event": "unblocked", "chat": chat}
            self._mark(record)
            self._happen(chat, "my_chat_member", self._membership(chat, "member"), record)

    def _routes(self) -> Sequence[web.RouteDef]:
        return [web.post("/bot{token}/{method}", self._call)]

    def _recall(self, entries: list[Entry]) -> None:
        for entry in entries:
            if entry["event"] == "chat":
                self.sent.append(SentChat.from_entry(entry))
            self._mark(entry)
        self._last_message = max((message.number for message in self.sent), default=0)

    def _mark(self, entry: Entry) -> None:
        if entry["event"] == "blocked":
            self._blocked.add(entry["chat"])
        elif entry["event"] == "unblocked":
            self._blocked.discard(entry["chat"])

    def _headers(self, url: str, body: str) -> Mapping[str, str]:
        return {"Content-Type": "application/json", SECRET_HEADER: self._secret}

    def _happen(self, chat: str, kind: str, what: dict[str, Any], record: Entry | None = None) -> str:
        self._last_update += 1
        body = json.dumps({"update_id": self._last_update, kind: what})
        if self._webhook:
            self._outbox.owe(Parcel(str(self._last_update), chat, self._webhook, body), record=record)
        else:
            self._journal.write(*([record] if record else []))
            self._waiting[self._last_update] = body
            self._arrived.set()
        return str(self._last_update)

    def _person(self, chat: str) -> dict[str, Any]:
        language = self._languages.get(chat, "en")
        return {"id": int(chat), "is_bot": False, "first_name": f"Person {chat}", "language_code": language}

    def _message(self, chat: str, **content: Any) -> dict[str, Any]:
        self._last_message += 1
        here = {"id": int(chat), "type": "private", "first_name": f"Person {chat}"}
        head = {"message_id": self._last_message, "date": int(self._now().timestamp()), "chat": here}
        return {**head, "from": self._person(chat), **content}

    def _membership(self, chat: str, status: str) -> dict[str, Any]:
        before = "member" if status == "kicked" else "kicked"
        us = {"id": int(self._token.partition(":")[0]), "is_bot": True, "first_name": self._name}
        head = {key: value for key, value in self._message(chat).items() if key in ("chat", "from", "date")}
        return {
            **head,
            "old_chat_member": {"user": us, "status": before},
            "new_chat_member": {"user": us, "status": status},
        }

    async def _call(self, request: web.Request) -> web.StreamResponse:
        if not hmac.compare_digest(request.match_info["token"].encode(), self._token.encode()):
            return _error(401, "Unauthorized")
        form = {name: str(value) for name, value in (await request.post()).items()}
        method = request.match_info["method"].lower()
        match method:
            case "sendmessage":
                return self._send(request, form)
            case "answercallbackquery":
                self.acknowledged.append(form["callback_query_id"])
                return _answer(True)  # noqa: FBT003 the API's own answer
            case "setwebhook":
                return self._set_webhook(form.get("url", ""), form.get("secret_token", ""))
            case "deletewebhook":
                return self._set_webhook("", "")
            case "getwebhookinfo":
                return _answer(
                    {
                        "url": self._webhook,
                        "has_custom_certificate": False,
                        "pending_update_count": len(self._waiting),
                    }
                )
            case "getupdates":
                return await self._get_updates(int(form.get("offset", "0")), int(form.get("timeout", "0")))
            case "getme":
                number = int(self._token.partition(":")[0])
                return _answer({"id": number, "is_bot": True, "first_name": self._name, "username": self._name})
        return _error(404, "Not Found: method not found")

    def _set_webhook(self, url: str, secret: str) -> web.Response:
        self._webhook, self._secret = self._below_public(url), secret
        if url:
            owed, self._waiting = self._waiting, {}
            lane = "since before the webhook"
            self._outbox.owe(*(Parcel(str(number), lane, self._webhook, body) for number, body in owed.items()))
        return _answer(True)  # noqa: FBT003 the API's own answer

    async def _get_updates(self, offset: int, wait: int) -> web.Response:
        if self._webhook:
            return _error(409, "Conflict: can't use getUpdates method while webhook is active")
        self._waiting = {number: body for number, body in self._waiting.items() if number >= offset}
        if not self._waiting and wait:
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), wait)
            except TimeoutError:
                return _answer([])
        return _answer([json.loads(body) for body in self._waiting.values()])

    def _send(self, request: web.Request, form: Mapping[str, str]) -> web.Response:
        chat = form.get("chat_id", "")
        fate = self._next_fate(chat)
        if fate in FATES:
            return _error(*FATES[fate])
        if not chat.lstrip("-").isdigit():
            return _error(*FATES[ChatFate.NOT_FOUND])
        if chat in self._blocked:
            return _error(*FATES[ChatFate.BLOCKED])
        html = form.get("text", "") if form.get("parse_mode") == "HTML" else ""
        try:
            text = plain(html) if html else form.get("text", "")
        except BadMarkup as error:
            return _error(400, f"Bad Request: can't parse entities: {error}")
        buttons = _buttons(form.get("reply_markup", ""))
        if wrong := _fault(text, buttons):
            return _error(400, f"Bad Request: {wrong}")
        self._last_message += 1
        message = SentChat(chat, self._last_message, text, buttons, self._now(), html)
        self.sent.append(message)
        self._journal.write(message.to_entry())
        if fate is ChatFate.LOST and request.transport is not None:
            request.transport.abort()
        here = {"id": int(chat), "type": "private", "first_name": f"Person {chat}"}
        head = {"message_id": message.number, "date": int(message.at.timestamp()), "chat": here}
        return _answer({**head, "text": text})

    def _next_fate(self, chat: str) -> ChatFate:
        for key in (chat, "*"):
            if self._scripts.get(key):
                return self._scripts[key].pop(0)
        return ChatFate.TAKEN


def _buttons(markup: str) -> tuple[tuple[SentButton, ...], ...]:
    rows = json.loads(markup)["inline_keyboard"] if markup else []
    return tuple(
        tuple(SentButton(one["text"], one.get("callback_data", ""), one.get("url", "")) for one in row) for row in rows
    )


def _fault(text: str, buttons: Sequence[Sequence[SentButton]]) -> str:
    if not text.strip():
        return "message text is empty"
    if len(text.encode("utf-16-le")) // 2 > LONGEST:
        return "message is too long"
    for button in (button for row in buttons for button in row):
        if len(button.payload.encode()) > LONGEST_PAYLOAD or not (button.payload or button.url):
            return "BUTTON_DATA_INVALID"
    return ""


def _answer(result: object) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _error(status: int, description: str) -> web.Response:
    body: dict[str, object] = {"ok": False, "error_code": status, "description": description}
    if status == 429:
        body["parameters"] = {"retry_after": WAIT}
    return web.json_response(body, status=status)
