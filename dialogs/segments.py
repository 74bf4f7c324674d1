"""What a text costs as SMS: how many segments it takes, and spellings of it that take fewer.

Source of the rules: 3GPP TS 23.038 (GSM 7-bit default alphabet and its extension table) and TS 23.040 (concatenation).
"""

from __future__ import annotations

from collections.abc import Iterable

from dialogs.plain import plain

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")
GSM = GSM_BASIC | GSM_EXTENDED

NO_BREAK_SPACES = str.maketrans(dict.fromkeys("\u00a0\u202f\u2007", " "))
TYPOGRAPHY = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "…": "...", "«": '"', "»": '"'}
)


def is_gsm(text: str) -> bool:
    """Whether the text fits the GSM 7-bit alphabet; one character outside it doubles the cost of all others."""
    return GSM.issuperset(text)


def segments(text: str) -> int:
    """Messages the carrier bills: 160 septets alone or 153 each when joined; 70 or 67 UTF-16 units otherwise.

    An escaped character and an astral one are never split over two segments. An empty text counts as one.
    """
    if is_gsm(text):
        return _packed((1 if char in GSM_BASIC else 2 for char in text), alone=160, joined=153)
    return _packed((1 if ord(char) < 0x10000 else 2 for char in text), alone=70, joined=67)


def _packed(widths: Iterable[int], alone: int, joined: int) -> int:
    count, total, used = 1, 0, 0
    for width in widths:
        total += width
        if used + width > joined:
            count, used = count + 1, 0
        used += width
    return 1 if total <= alone else count


def economical(text: str, language: str = "") -> str:
    """The text with plain spaces, and with plain quotes and dashes where that alone spares it from UCS-2.

    Babel writes money with no-break spaces, which would force UCS-2 on every message with an amount. With a `language`
    its letters are plain as well (`dialogs.plain`), unless that saves no segment.
    """
    text = text.translate(NO_BREAK_SPACES)
    typed = text.translate(TYPOGRAPHY)
    if is_gsm(typed):
        return typed
    folded = plain(text, language).translate(TYPOGRAPHY)
    return folded if segments(folded) < segments(text) else text
