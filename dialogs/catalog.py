"""Catalogs: the texts of scripts in other languages. `.po` files are read as they are; nothing is compiled on disk.

A message's context is its key, its id the English text, so a changed English text makes its translation stale.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import yaml
from babel.messages.catalog import Catalog as Messages
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.support import Translations

from dialogs.aloud import Aloud
from dialogs.script import parse_file
from dialogs.text import Text

LOCALES = Path(__file__).parents[1] / "locales"
SOURCE = "en"
DOMAIN = "messages"
"""The catalogs of scripts; the pay pages have one of their own."""


class CatalogError(ValueError):
    """The catalog of a language cannot be read: the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Forms:
    """How a language shows values: words for currencies, weekdays (Monday first) in the case that dates need; and how
    it says them.

    `debt` are the beginnings of words that speak of a debt, which nobody hears before the identity step.
    """

    currencies: Mapping[str, str]
    weekdays: tuple[str, ...]
    debt: tuple[str, ...]
    aloud: Aloud


@dataclass(frozen=True, slots=True)
class Catalog:
    """The texts of one language. English has no messages of its own: they stand in the scripts."""

    language: str
    forms: Forms
    messages: Messages
    translations: Translations

    def text(self, source: Text, count: int | None = None) -> str:
        """The text in this language, in the plural form for `count`; English where there is no translation."""
        if source.plural:
            number = 1 if count is None else count
            return self.translations.npgettext(source.key, source.english, source.plural, number)
        return str(self.translations.pgettext(source.key, source.english))

    def has(self, source: Text) -> bool:
        """Whether the text is translated."""
        entry = self.messages.get(source.forms if source.plural else source.english, context=source.key)
        return entry is not None and bool(entry.string)

    def all_forms(self, source: Text) -> tuple[str, ...]:
        """Every form the text has in this language; the English ones where there is no translation."""
        entry = self.messages.get(source.forms if source.plural else source.english, context=source.key)
        found = entry.string if entry is not None else source.forms
        return tuple(filter(None, found if isinstance(found, tuple | list) else (found,))) or source.forms


@cache
def load_catalogs(directory: Path = LOCALES, domain: str = DOMAIN) -> Mapping[str, Catalog]:
    """All languages that have a directory, by code, with the texts of that domain. Raises CatalogError."""
    return {path.name: _load(path, domain) for path in sorted(directory.iterdir()) if (path / "format.yaml").is_file()}


def _load(path: Path, domain: str) -> Catalog:
    shown = yaml.load((path / "format.yaml").read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506 texts only
    forms = Forms(
        shown.get("currencies") or {}, tuple(shown.get("weekdays") or ()), tuple(shown["debt"]), _aloud(shown["aloud"])
    )
    if path.name == SOURCE:
        return Catalog(path.name, forms, Messages(locale=path.name), Translations())
    file = path / "LC_MESSAGES" / f"{domain}.po"
    try:
        messages = read_catalog(file.read_bytes(), path.name)
    except (OSError, PoFileError, ValueError) as error:
        raise CatalogError(f"{file}: {error}; correct it with a .po editor or restore it") from None
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Catalog(path.name, forms, messages, Translations(compiled))


def _aloud(said: Mapping[str, Any]) -> Aloud:
    return Aloud(
        said["day"],
        said["year"],
        tuple(said["days"]),
        said["hours"],
        tuple(said["clock"]),
        said["money"],
        said["cents"],
    )


def read_catalog(po: bytes, language: str) -> Messages:
    """Parse a `.po` file. Raises PoFileError, or ValueError where it is no UTF-8."""
    return read_po(io.BytesIO(po), locale=language, abort_invalid=True)


def extract(
    fileobj: BinaryIO, keywords: Iterable[str], comment_tags: Iterable[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, str, tuple[str, ...], list[str]]]:
    """Babel's extractor for script files: each text with its key as context, plurals as pairs. See babel.cfg."""
    name = Path(getattr(fileobj, "name", "script.yaml")).name
    for text in parse_file(fileobj.read().decode("utf-8"), name).texts.values():
        function = "npgettext" if text.plural else "pgettext"
        yield text.line, function, (text.key, *text.forms), []
