"""Normalising: one form of letters for what people type, in any alphabet, with or without diacritics."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 2000
"""Characters read of one reply; what a person wants stands before them."""

LINK = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\S+")
SPACE = re.compile(r"\s+")
APART = re.compile(r"[^a-z0-9§ ]+")
MIXED = re.compile(r"\b(?=\w*[a-z])(?=\w*[а-яіїєґ])\w+\b")

LETTERS = str.maketrans({"ş": "ș", "ţ": "ț", "’": "'", "ʼ": "'", "`": "'", "‘": "'", "´": "'"})
LATIN = str.maketrans(
    dict(zip("абвгдезиіклмнопрстуфхцыэґєy", "abvgdeziiklmnoprstufhciegei", strict=True))
    | {"ж": "zh", "ч": "ch", "ш": "sh", "щ": "sh", "ю": "iu", "я": "ia", "ь": "", "ъ": "", "'": ""}
)
LOOKALIKES = dict(zip("авекмнорстухі", "abekmhopctyxi", strict=True))
TO_LATIN = str.maketrans(LOOKALIKES)
TO_CYRILLIC = str.maketrans({latin: cyrillic for cyrillic, latin in LOOKALIKES.items()})
SPELLINGS = ((re.compile("shch|sch"), "sh"), (re.compile("kh"), "h"), (re.compile("c(?!h)"), "ts"))


def normalise(text: str) -> str:
    """Small letters, plain apostrophes and spaces, no links, no control characters; cut at LONGEST."""
    text = unicodedata.normalize("NFKC", text[:LONGEST]).lower().translate(LETTERS)
    text = LINK.sub(" ", text)
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(char).startswith("C") else char for char in text)
    return SPACE.sub(" ", text).strip()


def skeleton(text: str) -> str:
    """A Latin form in which Cyrillic, transliterated and bare spellings of one word meet: zaplachu, piatnicu."""
    text = MIXED.sub(_plain, text.lower())
    text = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    text = text.translate(LATIN)
    for spelling, one in SPELLINGS:
        text = spelling.sub(one, text)
    return text


def words(text: str) -> str:
    """The skeleton with everything but letters and digits turned into single spaces."""
    return " ".join(filter(None, map(_word, text.split())))


@lru_cache(maxsize=50_000)
def _word(text: str) -> str:
    return SPACE.sub(" ", APART.sub(" ", skeleton(text))).strip()


def _plain(found: re.Match[str]) -> str:
    """A word of mixed alphabets in one of them: cтоп with a Latin c is Cyrillic, stоp with a Cyrillic о is Latin."""
    cyrillic = found[0].translate(TO_CYRILLIC)
    return found[0].translate(TO_LATIN) if re.search("[a-z]", cyrillic) else cyrillic
