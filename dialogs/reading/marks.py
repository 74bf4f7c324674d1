"""A reply as tokens, each with the marks of what it may name; the grammar of days and sums reads the marks.

A word of several meanings bears the marks of all: `/n=3/int=3/digits/day=3/` a number, `/unit=day/` a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dialogs.reading.lexicon import fits, is_known, lexicon, marks_of, repaired
from dialogs.reading.pieces import Piece, pieces

CYRILLIC = ("uk", "ru")
LATIN = ("en", "ro")
FIRST_CYRILLIC = "Ѐ"
ORDINAL_ENDINGS = frozenset(("th", "st", "nd", "rd", "go", "ogo", "e", "oe", "te", "tu", "mu", "omu", "ho", "oho"))
CARDINAL_ENDINGS = frozenset(("h", "ti", "ma", "m", "mi", "oh", "om", "ih", "im"))
FEMININE_ENDINGS = frozenset(("i", "ia", "iu", "a"))
STRONG = ("near=", "weekday=", "month=", "weekend", "cur=")
"""Marks that are believed in a word of another language than the reply's: zavtra in a Romanian text."""
SHORTEST_STRANGER = 4
OWN_LETTERS = 3
"""Letters by which another language must know more of a reply than its own."""
MOST_TOKENS = 120
LONGEST_ROW = 8
"""Words of the longest row of words in the books."""
NOT_A_NUMBER = "/code/"
"""The mark of 5G, 12b: letters behind a number that belong to no word of numbers."""
HARD_H = re.compile("(?<![szc])h")
VARIANTS = str.maketrans({"w": "v", "j": "i"})
"""Other ways of writing Cyrillic in Latin letters: pershoho, wse, otkljuchite."""

Books = tuple[str, ...]
"""Languages whose words count, the likeliest first."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the reply: its words, and its marks, `/` before and behind each."""

    text: str
    marks: str


def tokens(plain: str, language: str, languages: tuple[str, ...]) -> tuple[Token, ...]:
    """Tokens of a normalised text in the words of `language`, then of its neighbours in the same letters."""
    cut = list(pieces(plain))
    cyrillic, latin = _books(cut, language, languages)
    found: list[Token] = []
    place = 0
    while place < len(cut) and len(found) < MOST_TOKENS:
        piece, marks, taken = cut[place], cut[place].marks, 1
        if piece.word:
            marks, taken = _named(cut, place, cyrillic if piece.text[0] >= FIRST_CYRILLIC else latin)
        if piece.glued and not marks and found:
            found[-1] = Token(found[-1].text + piece.text, NOT_A_NUMBER)
        else:
            found.append(Token(piece.text, "/" + marks))
        place += taken
    return tuple(found)


def _books(cut: list[Piece], language: str, languages: tuple[str, ...]) -> tuple[Books, Books]:
    """For Cyrillic and for Latin words the languages whose every mark counts, the likeliest first."""
    cyrillic = [piece.word for piece in cut if len(piece.word) > 1 and piece.text[0] >= FIRST_CYRILLIC]
    latin = [piece.word for piece in cut if len(piece.word) > 1 and piece.text[0] < FIRST_CYRILLIC]
    told = [code for code in dict.fromkeys((language, *languages)) if is_known(code)]
    own = [code for code in told if code in CYRILLIC] or ["ru"]
    first = _spoken(cyrillic, own, language)
    written = _spoken(latin, told or ["en"], "" if language in CYRILLIC else language)
    known = (first, *(code for code in own if code != first))
    if written not in CYRILLIC:
        return known, (written,)
    return known, (written, *(code for code in own if code != written))


def _spoken(words: list[str], candidates: list[str], language: str) -> str:
    """The language whose book knows most letters of the words: short replies are often taken for another's."""
    best, most = candidates[0], 0
    for code in candidates if words else ():
        known = sum(len(word) for word in words if marks_of(word, code)) + OWN_LETTERS * (code == language)
        if known > most:
            best, most = code, known
    return best


def _named(cut: list[Piece], place: int, books: Books) -> tuple[str, int]:
    """Marks of the word or row of words at a place, and how many pieces it takes."""
    piece = cut[place]
    if piece.glued:
        ending = _ending(piece.word)
        if ending:
            return ending, 1
    for book in books:
        rows = lexicon(book).phrases.get(piece.word, ())
        ahead = _ahead(cut, place) if rows else []
        for rest, mark in rows:
            behind = ahead[: len(rest)]
            if len(behind) == len(rest) and fits(rest, (word for _, word in behind)):
                return mark, behind[-1][0] - place + 1
    for book in books:
        marks = marks_of(piece.word, book)
        if marks:
            return (marks if piece.glued else _alone(marks, cut[place + 1 : place + 2], book)), 1
    return _written_otherwise(piece, books) or _stranger(piece.word) or _repaired(piece.word, books), 1


def _ahead(cut: list[Piece], place: int) -> list[tuple[int, str]]:
    """The words behind a place, each with its own; hyphens between words are left out."""
    return [
        (spot, cut[spot].word) for spot in range(place + 1, min(place + LONGEST_ROW, len(cut))) if cut[spot].text != "-"
    ]


def _alone(marks: str, behind: list[Piece], book: str) -> str:
    """The letter that is a thousand behind a number and a preposition before a word: 2к, к пятнице."""
    if "times=" not in marks or "on/" not in marks or not behind or marks_of(behind[0].word, book).startswith("cur="):
        return marks
    return re.sub(r"times=\d+/", "", marks)


def _written_otherwise(piece: Piece, books: Books) -> str:
    """A transliterated word in the spelling of the books."""
    if books[0] not in CYRILLIC or piece.text[0] >= FIRST_CYRILLIC:
        return ""
    other = HARD_H.sub("g", piece.word).translate(VARIANTS)
    return next((marks for book in books if (marks := marks_of(other, book))), "") if other != piece.word else ""


def _ending(word: str) -> str:
    if word in ORDINAL_ENDINGS:
        return "th/"
    if word in FEMININE_ENDINGS:
        return "fem/"
    return "ending/" if word in CARDINAL_ENDINGS else ""


def _stranger(word: str) -> str:
    if len(word) < SHORTEST_STRANGER:
        return ""
    for code in (*LATIN, *CYRILLIC):
        marks = lexicon(code).exact.get(word, "")
        if marks.startswith(STRONG):
            return marks
    return ""


def _repaired(word: str, books: Books) -> str:
    return next((marks for book in books if (marks := repaired(word, book))), "")
