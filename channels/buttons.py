"""Laying options out as buttons, and the payload by which a pressed one comes back."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from uuid import UUID

from channels.layout import numbered, pays
from channels.port import Button, Unreadable
from dialogs.message import Speech

LONGEST_PAYLOAD = 64
"""Bytes of UTF-8 that Telegram lets a button carry."""

SHORT_LABEL = 16
"""Characters up to which two buttons stand side by side without being cut off on a phone."""


def payload_of(option: str, attempt: UUID) -> str:
    """What a button carries: the send it belongs to and the option's id; empty where that is too long for a button."""
    payload = f"o:{urlsafe_b64encode(attempt.bytes).decode().rstrip('=')}:{option}"
    return payload if len(payload.encode()) <= LONGEST_PAYLOAD else ""


def read_payload(payload: str) -> tuple[str, UUID]:
    """The option and the send of a payload. Raises Unreadable: applications can send what they like."""
    kind, _, rest = payload.partition(":")
    attempt, _, option = rest.partition(":")
    try:
        if kind == "o" and option:
            return option, UUID(bytes=urlsafe_b64decode(f"{attempt}=="))
    except ValueError:
        pass
    raise Unreadable("a button was pressed that is not of our making")


def keyboard(speech: Speech, attempt: UUID) -> tuple[tuple[tuple[Button, ...], ...], list[str]]:
    """Rows of buttons below a speech; and the options too long for one, to be typed.

    The pay link is the button of the option that would only send it, else one before all others.
    """
    offered = [
        Button(line, url=speech.link) if pays(choice, speech) else Button(line, payload_of(choice.id, attempt))
        for line, choice in zip(numbered(speech.choices), speech.choices, strict=True)
    ]
    pressed = [button for button in offered if button.payload or button.url]
    apart = speech.link and speech.link_label and not any(button.url for button in offered)
    link = [(Button(speech.link_label, url=speech.link),)] if apart else []
    return (*link, *rows(pressed)), [button.label for button in offered if button not in pressed]


def rows(buttons: Sequence[Button]) -> list[tuple[Button, ...]]:
    """Two short buttons side by side, a long one by itself."""
    laid: list[tuple[Button, ...]] = []
    for button in buttons:
        last = laid[-1] if laid else ()
        if len(last) == 1 and max(len(last[0].label), len(button.label)) <= SHORT_LABEL:
            laid[-1] = (*last, button)
        else:
            laid.append((button,))
    return laid
