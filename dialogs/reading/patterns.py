"""Patterns over the marks of a reply: the grammar in which days and sums are read, the same for every language.

A pattern is a row of items, one for each token: `unit=month` a mark with its value, `unit` any value, kept for the
rule; `a|b` either; `item?` may be missing; `..` up to three tokens of any kind; `!a|b` not followed by; `^` and `$`
the ends of the reply. A word that may be there is taken where it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

DATA = Path(__file__).parent / "data"
NAMING = re.compile(r"[A-Z_]+ = ")
NAME = re.compile(r"(?<!=)\b[A-Z_]{2,}\b")

Values = dict[str, list[str]]
Marks = Mapping[str, str]

NUMBERS = "numbers"
"""The name under which days, counts and ordinals stand together in the order of the reply."""
NUMBERED = frozenset({"day", "int", "ord", "free", "spoken", "nth"})
GAP = 3
COMMON = frozenset(
    (
        "on",
        "the",
        "of",
        "a",
        "int",
        "n",
        "day",
        "in",
        "for",
        "over",
        "dayon",
        "comma",
        "about",
        "to",
        "till",
        "dash",
        "unit",
    )
)
"""Marks that many replies bear; a rule is looked up by a rarer one."""


@dataclass(frozen=True, slots=True)
class Row:
    """The tokens of a reply as their marks, and where each mark stands."""

    tokens: tuple[Marks, ...]
    places: Mapping[str, list[int]]

    def has(self, number: int, *marks: str) -> bool:
        """Whether a token bears one of the marks; no token stands outside the reply."""
        return 0 <= number < len(self.tokens) and any(mark in self.tokens[number] for mark in marks)

    def value(self, number: int, mark: str) -> str:
        """What a mark of a token stands for; empty for none."""
        return self.tokens[number].get(mark, "") if 0 <= number < len(self.tokens) else ""


@dataclass(frozen=True, slots=True)
class Item:
    """One step of a pattern: the marks that will do, each with a value or with any."""

    marks: tuple[tuple[str, str | None], ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A rule's row of items, the place of the item it is looked up by, and the marks it cannot do without."""

    rule: str
    items: tuple[Item, ...]
    key: int
    needs: tuple[frozenset[str], ...]

    def hits(self, row: Row) -> Iterator[tuple[int, int, Values]]:
        """First and last token of each fit, left to right, and what each mark stood for; empty for bare marks."""
        if any(need.isdisjoint(row.places) for need in self.needs):
            return
        after = 0
        for start in self._starts(row):
            if start < after:
                continue
            kept: list[tuple[str, str]] = []
            end = self._fit(row.tokens, 0, start, kept)
            if end > start:
                after = end
                yield start, end - 1, _values(kept)

    def _starts(self, row: Row) -> list[int]:
        """Where the pattern may begin, seen from its key."""
        before = sum(GAP if item.kind == ".." else 1 for item in self.items[: self.key] if item.kind in {"", "?", ".."})
        spots = {spot for mark, _ in self.items[self.key].marks for spot in row.places.get(mark, ())}
        return sorted({start for spot in spots for start in range(max(0, spot - before), spot + 1)})

    def _fit(self, tokens: tuple[Marks, ...], step: int, spot: int, kept: list[tuple[str, str]]) -> int:
        """The token behind the fit of the items from `step` on, -1 where they do not fit."""
        while step < len(self.items):
            item = self.items[step]
            if item.kind in {"?", ".."}:
                return self._fit_loosely(tokens, step, spot, kept)
            if item.kind == "":
                mark = _marked(item, tokens, spot)
                if mark is None:
                    return -1
                kept.append(mark)
                spot += 1
            elif not _stands(item, tokens, spot):
                return -1
            step += 1
        return spot

    def _fit_loosely(self, tokens: tuple[Marks, ...], step: int, spot: int, kept: list[tuple[str, str]]) -> int:
        item, length = self.items[step], len(kept)
        if item.kind == "..":
            ends = (self._fit(tokens, step + 1, spot + gap, kept) for gap in range(GAP + 1))
            return next((end for end in ends if end >= 0), -1)
        mark = _marked(item, tokens, spot)
        if mark is not None:
            kept.append(mark)
            end = self._fit(tokens, step + 1, spot + 1, kept)
            if end >= 0:
                return end
            del kept[length:]
        end = self._fit(tokens, step + 1, spot, kept)
        if end < 0:
            del kept[length:]
        return end


@dataclass(frozen=True, slots=True)
class Grammar:
    """Patterns in the order in which they are tried, found by their keys."""

    patterns: tuple[Pattern, ...]
    keyed: Mapping[str, tuple[int, ...]]

    def hits(self, row: Row) -> Iterator[tuple[str, int, int, Values]]:
        """All fits: rule, first and last token, values; earlier rules first."""
        found = {place for mark in row.places for place in self.keyed.get(mark, ())}
        for place in sorted(found):
            one = self.patterns[place]
            for first, last, values in one.hits(row):
                yield one.rule, first, last, values


@cache
def grammar(name: str) -> Grammar:
    """A grammar of `data/<name>.rules`: lines of `rule: pattern`, names in capitals for marks, `#` for remarks."""
    patterns: list[Pattern] = []
    named: dict[str, str] = {}
    for line in (DATA / f"{name}.rules").read_text(encoding="utf-8").splitlines():
        if NAMING.match(line):
            stands, _, marks = line.partition(" = ")
            named[stands] = marks
        elif line and not line.startswith("#"):
            rule, _, source = line.partition(": ")
            patterns.append(pattern(rule, NAME.sub(lambda found: named[found[0]], source)))
    keyed: dict[str, list[int]] = {}
    for place, one in enumerate(patterns):
        for mark, _ in one.items[one.key].marks:
            keyed.setdefault(mark, []).append(place)
    return Grammar(tuple(patterns), {mark: tuple(places) for mark, places in keyed.items()})


def pattern(rule: str, source: str) -> Pattern:
    """One pattern read."""
    items = tuple(_item(text) for text in source.split())
    needed = [place for place, item in enumerate(items) if item.kind == ""]
    key = min(needed, key=lambda place: (_is_common(items[place]), len(items[place].marks)))
    return Pattern(rule, items, key, tuple(frozenset(mark for mark, _ in items[place].marks) for place in needed))


def row_over(texts: Iterable[str]) -> Row:
    """The row over tokens whose marks are parted by slashes, each `name` or `name=value`."""
    return row_of(_marks(text) for text in texts)


def row_of(tokens: Iterable[Marks]) -> Row:
    """The row over tokens, with the places of their marks."""
    row = tuple(tokens)
    places: dict[str, list[int]] = {}
    for spot, token in enumerate(row):
        for name in token:
            places.setdefault(name, []).append(spot)
    return Row(row, places)


@lru_cache(maxsize=20_000)
def _marks(text: str) -> Marks:
    if text == "/":
        return {"word": ""}
    return {name: value for mark in text.split("/") if mark for name, _, value in (mark.partition("="),)}


def _item(text: str) -> Item:
    if text in {"^", "$", ".."}:
        return Item((), text)
    kind = "!" if text.startswith("!") else "?" if text.endswith("?") else ""
    marks = dict.fromkeys(text.removeprefix("!").removesuffix("?").split("|"))
    return Item(tuple((mark.partition("=")[0], mark.partition("=")[2] or None) for mark in marks), kind)


def _is_common(item: Item) -> bool:
    return any(mark in COMMON and value is None for mark, value in item.marks)


def _marked(item: Item, tokens: tuple[Marks, ...], spot: int) -> tuple[str, str] | None:
    """The first of the item's marks that the token bears."""
    if spot >= len(tokens):
        return None
    token = tokens[spot]
    for mark, value in item.marks:
        found = token.get(mark)
        if found is not None and (value is None or found == value):
            return mark, found
    return None


def _stands(item: Item, tokens: tuple[Marks, ...], spot: int) -> bool:
    if item.kind == "^":
        return spot == 0
    return spot == len(tokens) if item.kind == "$" else _marked(item, tokens, spot) is None


def _values(kept: list[tuple[str, str]]) -> Values:
    values: Values = {}
    for mark, value in kept:
        values.setdefault(mark, []).append(value)
        if mark in NUMBERED:
            values.setdefault(NUMBERS, []).append(value)
    return values
