"""Card numbers in what carriers bring: masked in the raw event, before it is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qsl, urlencode

from dialogs.message import Reply, Said
from dialogs.reading.cards import masked

TEXTS = ("text", "caption")
"""The fields of a Telegram update that hold what a person wrote."""


def masked_reply(reply: Reply) -> Reply:
    """The reply without card numbers."""
    return Said(masked(reply.text)) if isinstance(reply, Said) else reply


def masked_event(provider: str, raw: bytes) -> bytes:
    """The event of a provider without card numbers; the same bytes where there is none or where it cannot be read."""
    mask = MASKS.get(provider)
    try:
        return mask(raw) if mask else raw
    except (ValueError, LookupError):
        return raw


def _form(raw: bytes) -> bytes:
    pairs = parse_qsl(raw.decode(), keep_blank_values=True)
    kept = [(name, masked(value) if name == "Body" else value) for name, value in pairs]
    return raw if kept == pairs else urlencode(kept).encode()


def _update(raw: bytes) -> bytes:
    update = json.loads(raw)
    kept = _without_cards(update)
    return raw if kept == update else json.dumps(kept, ensure_ascii=False).encode()


def _without_cards(value: Any, name: str = "") -> Any:
    match value:
        case str():
            return masked(value) if name in TEXTS else value
        case Mapping():
            return {key: _without_cards(inner, key) for key, inner in value.items()}
        case list():
            return [_without_cards(inner, name) for inner in value]
    return value


def _mail(raw: bytes) -> bytes:
    mail = message_from_bytes(raw, policy=policy.default)
    changed = False
    for part in mail.walk():
        if isinstance(part, EmailMessage) and part.get_content_maintype() == "text":
            text = part.get_content()
            if masked(text) != text:
                part.set_content(masked(text), subtype=part.get_content_subtype())
                changed = True
    return bytes(mail) if changed else raw


MASKS: Mapping[str, Callable[[bytes], bytes]] = {"twilio-sms": _form, "telegram": _update, "mail": _mail}
