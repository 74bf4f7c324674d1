"""A reply cut into pieces: words, signs, and the shapes of numbers, dates and times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from dialogs.reading.lexicon import skeleton_of

SIGNS = {"$": "cur=USD/", "€": "cur=EUR/", "₴": "cur=UAH/", "₽": "cur=RUB/", "£": "cur=GBP/", "%": "percent/"}
SIGNS |= {
    "№": "account/",
    "#": "account/",
    "/": "slash/",
    "⁄": "slash/",
    "+": "and/plus/",
    "-": "dash/",
    "–": "dash/",
    "—": "dash/",
}
SIGNS |= {",": "comma/", ";": "stop/", ".": "stop/", "!": "stop/", "?": "stop/", ":": "colon/", "…": "stop/"}
LONGEST_NUMBER = 7
"""Digits from which a number names an account, a card or a telephone."""
MOST_PARTS = 36
"""The largest number that may tell into how many parts without saying so."""
EARLIEST_YEAR, LATEST_YEAR = 1950, 2099

TOKEN = re.compile(
    r"(?P<spelt>2m\w+|2nite|2day)"
    r"|(?P<iso>(?<!\d)\d{4}[-./]\d{1,2}[-./]\d{1,2}(?!\d))"
    r"|(?P<full>(?<![\d.,])\d{1,2}(?P<mark>[./-])\d{1,2}(?P=mark)(?:\d{4}|\d{2})(?![\d:]))"
    r"|(?P<dashed>(?<![\d.,-])(?:[12]?\d|3[01])-0[1-9](?![\d:-]))"
    r"|(?P<clock>(?<!\d)\d{1,2}:\d{2}(?::\d{2})?(?!\d))"
    r"|(?P<long>\+?\d(?:[ ()-]{0,2}\d){8,}|\d{7,}|\d+(?:[-/]\d+){2,}|\d+[.,]\d{4,}|0[.,]\d{3,})"
    r"|(?P<number>[1-9]\d{0,2}(?:[ '.,]\d{3})+(?!\d)(?:[.,]\d{1,2}(?!\d))?|\d+[.,]\d{1,2}(?![\d])|\d+)"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)"
    r"|(?P<sign>[%$€₴₽£№#/⁄+,;.!?:…–—-])"
)
GROUPED = re.compile(r"[1-9]\d{0,2}(?:[ '.,]\d{3})+(?:[.,]\d{1,2})?")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the reply; marks of a sign or a shape, or the skeleton of a word.

    `glued` says that a word stands right behind a number, with or without a hyphen: 5th, 20-го, 2k.
    """

    text: str
    marks: str = ""
    word: str = ""
    glued: bool = False


def pieces(plain: str) -> Iterator[Piece]:
    """The pieces of a normalised text, left to right."""
    behind = -1  # where a number ended that letters may be glued to
    for hit in TOKEN.finditer(plain):
        kind, text = "full" if hit["full"] else str(hit.lastgroup), hit[0]
        if kind in {"word", "spelt"}:
            yield Piece(text, word=skeleton_of(text), glued=hit.start() == behind)
        elif text == "-" and hit.start() == behind and plain[hit.end() : hit.end() + 1].isalpha():
            behind = hit.end()
            continue
        else:
            yield Piece(text, SIGNS[text] if kind == "sign" else _shape(kind, text))
        behind = hit.end() if kind in {"number", "full"} else -1


def _shape(kind: str, text: str) -> str:
    if kind == "iso":
        year, month, day = re.split(r"[-./]", text)
        return f"ymd={year}-{month}-{day}/"
    if kind == "full":
        day, month, year = re.split(r"[-./]", text)
        return f"ymd={int(year) % 100 + 2000}-{month}-{day}/"
    if kind == "dashed":
        return f"dm={text.replace('-', '.')}/"
    if kind in {"clock", "long"}:
        return f"{kind}/"
    return _number(text)


def _number(text: str) -> str:
    """1.500 is fifteen hundred, 1.50 one and a half: three digits behind one mark are thousands."""
    if text.isdigit():
        if len(text) >= LONGEST_NUMBER:
            return "long/"
        value = int(text)
        day = f"day={value}/" if 1 <= value <= 31 and len(text) <= 2 else ""
        year = f"year={value}/" if EARLIEST_YEAR <= value <= LATEST_YEAR else ""
        small = f"small={value}/" if 2 <= value <= MOST_PARTS else ""
        return f"n={value}/int={value}/digits/{day}{year}{small}"
    plain = text.replace(" ", "").replace("'", "")
    if GROUPED.fullmatch(text):
        head, mark, tail = plain.rpartition("." if plain.rfind(".") > plain.rfind(",") else ",")
        whole, cents = (plain, "") if not mark or len(tail) == 3 else (head, "." + tail)
        grouped = Decimal(re.sub(r"[.,]", "", whole) + cents)
        return "long/" if grouped >= 10**LONGEST_NUMBER else f"n={grouped}/digits/"
    amount = Decimal(plain.replace(",", "."))
    if amount >= 10**LONGEST_NUMBER:
        return "long/"
    left, mark, right = re.split(r"([.,])", text)
    dotted = (
        f"{'dm' if mark == '.' else 'dcm'}={left}.{right}/" if 1 <= int(left) <= 31 and 1 <= int(right) <= 12 else ""
    )
    return f"n={amount}/decimal/{dotted if len(left) <= 2 else ''}"
