"""Each kind of problem that `amiable check` knows, shown by a script in `broken/` that has that one and no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog as Messages

from dialogs.catalog import Catalog, load_catalogs, read_catalog
from dialogs.check import Issue, Kind, check
from dialogs.script import parse_script

BROKEN = Path(__file__).parent / "broken"
PLACES: dict[Kind, set[str]] = {
    Kind.OLD_SPEC: {""},
    Kind.MISSING_TRANSLATION: {"missing_translation.opening"},
    Kind.STALE_TRANSLATION: {"stale_translation.opening"},
    Kind.DOUBTFUL_TRANSLATION: {"doubtful_translation.opening"},
    Kind.UNUSED_TRANSLATION: {"unused_translation.farewell"},
    Kind.PLACEHOLDERS: {"placeholders.opening"},
    Kind.PLURAL_FORMS: {"plural_forms.opening.hours"},
    Kind.PLURAL_COUNT: {"opening"},
    Kind.UNKNOWN_FACT: {"opening"},
    Kind.UNREACHABLE: {"island"},
    Kind.DEAD_END: {"opening"},
    Kind.NO_EXIT: {"opening"},
    Kind.LOOP: {"opening", "there"},
    Kind.TALKS_ON: {"opening"},
    Kind.UNCONFIRMED: {"booked"},
    Kind.DEBT_BEFORE_IDENTITY: {"identity"},
    Kind.TOO_LONG: {"opening"},
    Kind.UNSPEAKABLE: {"opening"},
    Kind.KEY_COLLISION: {"opening"},
    Kind.NO_OPT_OUT: {"opening"},
    Kind.UNKNOWN_OPTION: {"next_way"},
}
"""The steps at which each fixture is wrong."""
IN_CATALOGS = {kind for kind in Kind if (BROKEN / f"{kind}.po").exists()}


def ukrainian(kind: Kind) -> Catalog:
    """The packaged catalog with what the fixture adds."""
    catalog, merged = load_catalogs()["uk"], Messages(locale="uk")
    added = read_catalog((BROKEN / f"{kind}.po").read_bytes(), "uk")
    for message in (*catalog.messages, *added):
        if message.id:
            merged.add(message.id, message.string, context=message.context, flags=message.flags)
    return replace(catalog, messages=merged)


def found(kind: Kind) -> list[Issue]:
    """What is said of the fixture: of its own file, or of its texts in a catalog."""
    script = parse_script((BROKEN / f"{kind}.yaml").read_text(encoding="utf-8"), f"{kind}.yaml")
    catalogs = {"en": load_catalogs()["en"], "uk": ukrainian(kind)} if kind in IN_CATALOGS else {}
    issues = check({script.name: script}, catalogs)
    return [issue for issue in issues if issue.file == f"{kind}.yaml" or issue.step.startswith(f"{kind}.")]


def test_there_is_a_broken_script_for_every_kind_of_problem() -> None:
    assert {path.stem for path in BROKEN.glob("*.yaml")} == set(Kind) == set(PLACES)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_broken_script_is_found_out_at_its_place_with_a_remedy(kind: Kind) -> None:
    issues = found(kind)
    assert {issue.kind for issue in issues} == {kind}, [*map(str, issues)]
    assert {issue.step for issue in issues} == PLACES[kind]
    assert all(issue.what and issue.remedy for issue in issues)
    assert all((issue.language == "uk") == (kind in IN_CATALOGS) for issue in issues)
