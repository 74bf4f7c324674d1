"""What the turns of scripts cost by SMS, in segments, written as they are and in plain letters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dialogs.catalog import Catalog
from dialogs.checks.breath import Breath, breaths
from dialogs.checks.wording import as_text, rendered
from dialogs.flow import SHARED, Script
from dialogs.segments import segments
from engine.contact import ChannelKind


@dataclass(frozen=True, slots=True)
class Segments:
    """SMS segments of a turn, and of the same in plain letters."""

    usual: int = 0
    plain: int = 0

    def __or__(self, other: Segments) -> Segments:
        """The dearer of two turns, each way of writing by itself."""
        return Segments(max(self.usual, other.usual), max(self.plain, other.plain))

    def __add__(self, other: Segments) -> Segments:
        return Segments(self.usual + other.usual, self.plain + other.plain)


@dataclass(frozen=True, slots=True)
class Cost:
    """The dearest first turn of a script and its dearest turn of all, for the specimen client (`dialogs.specimen`).

    Turns of which every word is shared are the cost of SHARED; it has no first turn.
    """

    script: str
    language: str
    first: Segments
    longest: Segments


def costs(scripts: Mapping[str, Script], catalogs: Mapping[str, Catalog]) -> Iterator[Cost]:
    """The costs of all scripts that are written for SMS, the shared turns last, each in every language."""
    texted = [script for name, script in sorted(scripts.items()) if ChannelKind.SMS in script.channels]
    shared: dict[str, Segments] = {}
    for script in texted:
        turns = [(turn, bool(script.own & set(turn.keys))) for turn in breaths(script)]
        for language in catalogs:
            own = [(turn.opens, _measured(script, turn, language, catalogs)) for turn, its in turns if its]
            others = (_measured(script, turn, language, catalogs) for turn, its in turns if not its)
            shared[language] = _dearest(others) | shared.get(language, Segments())
            first = _dearest(taken for opens, taken in own if opens)
            yield Cost(script.name, language, first, _dearest(taken for _, taken in own))
    for language, taken in shared.items():
        yield Cost(SHARED, language, Segments(), taken)


def _dearest(turns: Iterable[Segments]) -> Segments:
    dearest = Segments()
    for taken in turns:
        dearest |= taken
    return dearest


def _measured(script: Script, turn: Breath, language: str, catalogs: Mapping[str, Catalog]) -> Segments:
    speech = rendered(script, turn, language, catalogs, ChannelKind.SMS)
    return Segments(segments(as_text(speech)), segments(as_text(speech, language)))
