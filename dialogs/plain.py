"""Languages in plain Latin letters, for SMS: what is read at a glance is kept, what doubles the price is not.

Sources of the rules: for Ukrainian, resolution 55 of the Cabinet of Ministers of 27 January 2010; for Russian, ICAO
Doc 9303 part 3, section 6 B, by which passports are written; Romanian letters lose their marks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping


def _table(letters: str, latin: str) -> Mapping[str, str]:
    return dict(zip(letters, latin.split(), strict=True))


APOSTROPHES = "’'ʼ"
ROMANIAN = str.maketrans("ăâîșțşţĂÂÎȘȚŞŢ", "aaiststAAISTST")
BOTH = {**_table("абвдежзклмнопрстуфхцчшщ", "a b v d e zh z k l m n o p r s t u f kh ts ch sh shch"), "ь": ""}
RUSSIAN = {**BOTH, **_table("гёийъыэюя", "g e i i ie y e iu ia"), **_table("ґєії", "g ie i i")}
"""With the letters of Ukrainian names."""
UKRAINIAN = {
    **BOTH,
    **_table("гґєиіїйюя", "h g ie y i i i iu ia"),
    **_table("ёыэ", "e y e"),  # of Russian names
    **dict.fromkeys(f"ъ{APOSTROPHES}", ""),
    "зг": "zgh",
}
UKRAINIAN_FIRST = _table("єїйюя", "ye yi y yu ya")
"""At the beginning of a word."""

UKRAINIAN_SPELLED = re.compile(rf"зг|[а-яёґєії]|(?<=[а-яґєії])[{APOSTROPHES}](?=[єїюя])", re.IGNORECASE)
INSIDE = re.compile(rf"\w[{APOSTROPHES}]?$")
RUSSIAN_SPELLED = re.compile("[а-яёґєії]", re.IGNORECASE)
SIGNS = str.maketrans({"№": "No.", "₽": "RUB"})

LANGUAGES = ("ro", "uk", "ru")
"""Those that can be written plainly; others stay as they are."""


def plain(text: str, language: str) -> str:
    """The text of that language in plain letters; unchanged where the language is none of LANGUAGES."""
    match language.partition("-")[0]:
        case "ro":
            return text.translate(ROMANIAN)
        case "uk":
            return UKRAINIAN_SPELLED.sub(_ukrainian, text).translate(SIGNS)
        case "ru":
            return RUSSIAN_SPELLED.sub(lambda found: _cased(found, RUSSIAN[found[0].lower()]), text).translate(SIGNS)
    return text


def _ukrainian(found: re.Match[str]) -> str:
    letters, start = found[0].lower(), found.start()
    first = INSIDE.search(found.string[max(start - 2, 0) : start]) is None
    return _cased(found, UKRAINIAN_FIRST.get(letters, UKRAINIAN[letters]) if first else UKRAINIAN[letters])


def _cased(found: re.Match[str], latin: str) -> str:
    """In the case of what stood there: a capital alone is one letter of a name, beside another one of a heading."""
    if not found[0][:1].isupper():
        return latin
    around = found.string[found.end() : found.end() + 1] or found.string[max(found.start() - 1, 0) : found.start()]
    return latin.upper() if around.isupper() else latin.capitalize()
