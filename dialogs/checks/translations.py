"""The catalogs beside the texts of the scripts: what is missing, stale or different."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from babel.messages.catalog import Message

from dialogs.catalog import Catalog
from dialogs.checks.issue import Issue, Kind
from dialogs.text import Text, is_broken, placeholders


def translations(texts: Mapping[str, Text], catalog: Catalog) -> Iterator[Issue]:
    """The problems of one language."""
    entries = {message.context: message for message in catalog.messages if message.id}
    for key, text in texts.items():
        entry = entries.get(key)
        if entry is None:
            yield _issue(Kind.MISSING_TRANSLATION, key, catalog, "there is no translation", "add it to the catalog")
        elif _ids(entry) != text.forms:
            what = "the translation is stale: the English text has changed"
            yield _issue(Kind.STALE_TRANSLATION, key, catalog, what, "translate it anew")
        elif entry.fuzzy:
            what = "the translation is marked as doubtful"
            yield _issue(Kind.DOUBTFUL_TRANSLATION, key, catalog, what, "review it and remove 'fuzzy'")
        else:
            yield from _forms(key, text, entry, catalog)
    for key in sorted(set(map(str, entries)) - set(texts)):
        yield _issue(
            Kind.UNUSED_TRANSLATION, key, catalog, "no script has a text of this key", "remove it from the catalog"
        )


def _forms(key: str, text: Text, entry: Message, catalog: Catalog) -> Iterator[Issue]:
    found = entry.string if isinstance(entry.string, tuple | list) else (entry.string,)
    forms = tuple(form or "" for form in found)
    wanted = catalog.messages.num_plurals if text.plural else 1
    if len(forms) != wanted or not all(forms):
        what = f"{sum(bool(form) for form in forms)} of {wanted} forms are translated"
        kind = Kind.PLURAL_FORMS if text.plural else Kind.MISSING_TRANSLATION
        yield _issue(kind, key, catalog, what, "translate every form")
        return
    for form in forms:
        if placeholders(form) != text.placeholders or is_broken(form):
            names = ", ".join(f"{{{name}}}" for name in sorted(text.placeholders)) or "none"
            what = f"its placeholders differ from the English: {form}"
            yield _issue(Kind.PLACEHOLDERS, key, catalog, what, f"use exactly {names}")


def _ids(entry: Message) -> tuple[str, ...]:
    return tuple(entry.id) if isinstance(entry.id, tuple | list) else (str(entry.id),)


def _issue(kind: Kind, key: str, catalog: Catalog, what: str, remedy: str) -> Issue:
    return Issue(kind, f"{catalog.language}/LC_MESSAGES/messages.po", key, catalog.language, what, remedy)
