"""What is wrong with scripts and catalogs before anybody is written to: each problem with its place and its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dialogs.catalog import SOURCE, Catalog, load_catalogs
from dialogs.checks.issue import Issue, Kind
from dialogs.checks.translations import translations
from dialogs.checks.ways import unreached, ways
from dialogs.checks.wording import before_identity, facts, keys, lengths, opt_out, unspeakable
from dialogs.flow import Script

__all__ = ["Issue", "Kind", "check"]


def check(scripts: Mapping[str, Script], catalogs: Mapping[str, Catalog]) -> list[Issue]:
    """Every problem found, by file and step, each once. Without catalogs, scripts are looked at in English alone."""
    catalogs = catalogs or {SOURCE: load_catalogs()[SOURCE]}
    measured: set[tuple[str, ...]] = set()
    found = list(unreached(scripts.values()))
    for script in scripts.values():
        found += _of(script, catalogs, measured)
    texts = {key: text for script in scripts.values() for key, text in script.texts.items()}
    for catalog in catalogs.values():
        if catalog.language != SOURCE:
            found += translations(texts, catalog)
    return sorted(set(found), key=lambda issue: (issue.file, issue.step, issue.language, issue.what))


def _of(script: Script, catalogs: Mapping[str, Catalog], measured: set[tuple[str, ...]]) -> Iterator[Issue]:
    """The problems of one script. What shows an unknown fact cannot be put into words: that is mended first."""
    languages = list(catalogs.values())
    yield from _outdated(script)
    yield from ways(script)
    unknown = list(facts(script))
    yield from unknown
    yield from before_identity(script, languages)
    yield from unspeakable(script, languages)
    yield from keys(script, languages)
    if not unknown:
        yield from lengths(script, catalogs, measured)
        yield from opt_out(script, catalogs)


def _outdated(script: Script) -> Iterator[Issue]:
    for line, change in script.outdated:
        yield Issue(Kind.OLD_SPEC, script.file, "", "", f"line {line} is written as an older spec has it", change)
