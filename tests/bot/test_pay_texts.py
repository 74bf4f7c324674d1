"""The texts of the pay pages: complete in every language, with the values the English has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
METHODS = [("**", "jinja2.ext:babel_extract")]
LANGUAGES = sorted(path.name for path in (ROOT / "locales").iterdir() if path.is_dir() and path.name != "en")


def catalog(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def texts(messages: Catalog) -> dict[str, Message]:
    return {str(message.id): message for message in messages if message.id}


def values(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


def test_the_template_catalog_holds_what_the_pages_say() -> None:
    pages = {str(text) for _, _, text, _, _ in extract_from_dir(ROOT / "bot" / "pay" / "templates", METHODS)}
    services = {str(text) for _, text, _, _ in extract_from_file("python", ROOT / "dialogs" / "services.py")}
    assert pages | services == set(texts(catalog(ROOT / "locales" / "pages.pot")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    translated = catalog(ROOT / "locales" / language / "LC_MESSAGES" / "pages.po")
    messages = texts(translated)
    assert set(messages) == set(texts(catalog(ROOT / "locales" / "pages.pot")))
    for text, message in messages.items():
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        assert not message.fuzzy, f"{language}: confirm the translation of {text}"
        assert all(forms), f"{language}: translate {text}"
        assert not message.pluralizable or len(forms) == translated.num_plurals
        assert all(values(form) == values(text) for form in forms), f"{language}: {text} shows other values"
