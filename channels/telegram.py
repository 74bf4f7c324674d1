"""Telegram by its Bot API. A chat is known by its number; a bot can neither look up nor read back what it has sent."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from html import escape, unescape
from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import (
    AiogramError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.methods import TelegramMethod
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
)
from aiohttp import ClientConnectorError, ConnectionTimeoutError, InvalidURL

from channels.buttons import keyboard
from channels.incoming_telegram import Unreachable
from channels.layout import emphasized, letter, numbered
from channels.port import (
    CANNOT_TELL,
    Busy,
    Button,
    CannotTell,
    Capabilities,
    Draft,
    Envelope,
    NotSent,
    Receipt,
    Rejected,
    Sought,
    Uncertain,
    Unreached,
)
from dialogs.message import Speech
from engine.contact import ChannelKind, Delivery

TELEGRAM = "https://api.telegram.org"
UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"]
"""What we ask to be told of; left out, Telegram keeps to what was asked for earlier."""

LONGEST = 4096
TAG = re.compile("<[^<>]*>")
COURTESY_SECONDS = 5
"""How long a courtesy may hold up the handling of what comes in."""

CHAT = re.compile(r"-?[1-9]\d{0,15}", re.ASCII)
GONE = ("chat not found", "user not found", "peer_id_invalid", "user_id_invalid")
CODES: dict[type[TelegramAPIError], str] = {
    TelegramBadRequest: "400",
    TelegramMigrateToChat: "400",
    TelegramNotFound: "404",
    TelegramConflictError: "409",
    TelegramEntityTooLarge: "413",
}


@dataclass(frozen=True, slots=True)
class TelegramSettings:
    """A bot's token and the address of its API. `timeout` bounds one request, in seconds."""

    token: str
    api_url: str = TELEGRAM
    timeout: float = 20.0


@dataclass(frozen=True, slots=True)
class RawUpdate:
    """An update as Telegram keeps it for polling: its number, and its JSON as a webhook would bring it."""

    number: int
    raw: bytes


class _GetUpdates(TelegramMethod[list[dict[str, Any]]]):
    """The API's getUpdates, its answer left unread: an update is stored as it came."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int
    timeout: int
    allowed_updates: list[str]


class TelegramChannel:
    """The adapter of a Telegram bot. One message is one request; nothing is retried here."""

    kind = ChannelKind.TELEGRAM
    capabilities = Capabilities(buttons=True, confirms_delivery=False, limits={"body": LONGEST})

    def __init__(self, settings: TelegramSettings) -> None:
        self._settings = settings
        server = TelegramAPIServer.from_base(settings.api_url)
        # The sender's pace is the bound: whoever waited here for a connection would time out as if it had sent.
        self._bot = Bot(settings.token, session=AiohttpSession(api=server, timeout=settings.timeout, limit=0))

    def compose(self, speech: Speech, envelope: Envelope) -> Draft:
        """Paragraphs as escaped HTML, the sum in bold; options and the pay link as buttons that carry their number.

        An option too long for a button's payload stands in the text, to be answered with its number. One attempt is one
        message: what is too long for one is refused, not split, and goes by the plan's next channel.
        """
        buttons, typed = keyboard(speech, envelope.attempt)
        return Draft(
            self.kind,
            envelope.attempt,
            envelope.to,
            letter(speech.paragraphs, numbered(speech.choices)),
            html=emphasized(escape(letter(speech.paragraphs, typed), quote=False), speech, "b"),
            thread=envelope.thread,
            first=envelope.first,
            buttons=buttons,
        )

    async def send(self, draft: Draft) -> Receipt:
        """Hand the draft to Telegram once. What it takes is in the chat: the receipt says delivered."""
        if not CHAT.fullmatch(draft.to):
            raise Rejected(f"'{draft.to}' is not the number of a chat", "bad_chat", address_dead=True)
        if _length(draft) > LONGEST:
            raise Rejected(f"the message is longer than Telegram's {LONGEST} characters", "too_long")
        try:
            message = await self._bot.send_message(
                int(draft.to),
                draft.html,
                parse_mode=ParseMode.HTML,
                # Telegram would open the pay link to show a preview of it.
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                reply_markup=_keyboard(draft.buttons),
            )
        except TelegramAPIError as error:
            raise _failure(error) from None
        except (AiogramError, OSError, ValueError, TypeError) as error:
            raise Uncertain(f"Telegram's answer made no sense: {type(error).__name__}") from None
        return Receipt(f"{draft.to}:{message.message_id}", Delivery.DELIVERED)

    async def find(self, sought: Sought, since: datetime) -> CannotTell:
        """The Bot API has no way to ask: a pressed button may still tell."""
        return CANNOT_TELL

    async def acknowledge(self, query: str) -> None:
        """Tell a person's application that their press has arrived. Raises Unreachable, also when it is too late."""
        try:
            await self._bot.answer_callback_query(query, request_timeout=COURTESY_SECONDS)
        except (AiogramError, OSError, ValueError, TypeError) as error:
            raise _unreachable(error) from None

    async def listen_at(self, url: str, secret: str) -> None:
        """Have updates posted to `url` with `secret` in a header. Raises Unreachable."""
        try:
            await self._bot.set_webhook(url, secret_token=secret, allowed_updates=UPDATES)
        except (AiogramError, OSError, ValueError, TypeError) as error:
            raise _unreachable(error) from None

    async def stop_posting(self) -> None:
        """Have updates kept for polling instead of posted. Raises Unreachable."""
        try:
            await self._bot.delete_webhook()
        except (AiogramError, OSError, ValueError, TypeError) as error:
            raise _unreachable(error) from None

    async def updates(self, offset: int, wait: int) -> list[RawUpdate]:
        """Updates from number `offset` on; earlier ones are dropped by Telegram. Waits up to `wait` seconds for one.

        Raises Unreachable.
        """
        method = _GetUpdates(offset=offset, timeout=wait, allowed_updates=UPDATES)
        try:
            found = await self._bot(method, request_timeout=wait + int(self._settings.timeout))
            return [RawUpdate(update["update_id"], json.dumps(update).encode()) for update in found]
        except (AiogramError, OSError, ValueError, TypeError, KeyError) as error:
            raise _unreachable(error) from None

    async def close(self) -> None:
        """Close the connections to Telegram."""
        await self._bot.session.close()


def _keyboard(buttons: tuple[tuple[Button, ...], ...]) -> InlineKeyboardMarkup | None:
    if not buttons:
        return None
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [
                InlineKeyboardButton(text=button.label, url=button.url)
                if button.url
                else InlineKeyboardButton(text=button.label, callback_data=button.payload)
                for button in row
            ]
            for row in buttons
        ]
    )


def _length(draft: Draft) -> int:
    """UTF-16 units without markup, by which Telegram counts."""
    return len(unescape(TAG.sub("", draft.html)).encode("utf-16-le")) // 2


def _failure(error: TelegramAPIError) -> NotSent | Rejected | Uncertain:
    said = str(error.message)  # a description may be missing
    reason = f"Telegram answered: {said}"
    match error:
        case TelegramRetryAfter():
            return Busy(reason, retry_after=float(error.retry_after))
        case TelegramForbiddenError():
            # Blocked, deactivated or never started: a refusal of this channel, not of us.
            return Rejected(reason, "403", opted_out=True)
        case TelegramUnauthorizedError():
            return Unreached(reason)
        case TelegramEntityTooLarge():
            return Rejected(reason, "413")
        case TelegramNetworkError():
            cause = error.__cause__
            told = type(cause).__name__  # some of these errors' own words hold the address, and so the bot's token
            if isinstance(cause, ClientConnectorError | ConnectionTimeoutError | InvalidURL):
                return Unreached(f"Telegram cannot be reached: {told}")
            return Uncertain(f"Telegram's answer did not come: {told}")
        case _ if type(error) in CODES:
            gone = any(word in said.lower() for word in GONE)
            return Rejected(reason, CODES[type(error)], address_dead=gone or isinstance(error, TelegramMigrateToChat))
        case _ if said.startswith("Too Many Requests"):
            return Busy(reason)
    return Uncertain(reason)


def _unreachable(error: Exception) -> Unreachable:
    if isinstance(error, TelegramAPIError) and not isinstance(error, TelegramNetworkError):
        return Unreachable(f"Telegram refused: {error.message}")
    return Unreachable(f"Telegram did not answer as it should: {type(error.__cause__ or error).__name__}")
