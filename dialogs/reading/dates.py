"""Days named in a reply. A wrong day is worse than none: what is unsure, undone or impossible is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from dialogs.reading.day_rules import reckoned
from dialogs.reading.patterns import Grammar, Row, grammar
from dialogs.reading.reading import Asked, Day

PASSING = frozenset({"tonight", "now"})
"""Rules that count only where no other day is named."""
WEEKDAYS = frozenset({"weekday", "Monday", "short weekday", "nearest weekday"})
JOINTS = ("or", "to", "till", "dash", "from", "and", "comma", "slash")
EXACT = frozenset({"day", "day, month", "day of May", "second of a month", "day.month", "day,month", "day/month"})
ROLLING = frozenset({"day of the month", "day of the month ahead", "day of this month", "second"})
NONE = frozenset({"no day", "open"})
SHARES = frozenset({("1", "2"), ("1", "3"), ("2", "3"), ("1", "4"), ("3", "4"), ("1", "5"), ("1", "10")})
MOST_OF_NOW = 4
"""Words up to which a bare now is an answer to when."""

Tense = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Named:
    """A day found, by which rule, and the tokens it takes, from first to last."""

    first: int
    last: int
    rule: str
    day: date | None


@dataclass(frozen=True, slots=True)
class Found:
    """The days meant, in order, the tokens that speak of days, and why days that were named do not count."""

    days: tuple[Day, ...] = ()
    taken: frozenset[int] = frozenset()
    why: tuple[str, ...] = ()


def days(row: Row, today: date, asked: Asked, past: Tense) -> Found:
    """The days a reply means; `past` says of a token whether it speaks of a payment already made."""
    found = _named(row, grammar("days"), today, past)
    if asked == Asked.DATE and not any(named.rule not in NONE | PASSING for named in found):
        found += _named(row, grammar("days-asked"), today, past, {spot for named in found for spot in _spots(named)})
    if asked != Asked.DATE:
        found = [named for named in found if not _is_figure(row, named, asked)]
    taken = _taken(found, asked)
    meant = [named for named in found if named.rule not in NONE]
    if any(named.day is None and named.rule in EXACT for named in meant):
        return Found((), taken, ("a day that does not exist",))
    meant = [named for named in meant if named.day is not None]
    meant = _kept(row, [named for named in meant if not _denied(row, named, meant)])
    one = _agreed(row, meant)
    if one is None:
        return Found((), taken, ("a weekday and a day that differ",))
    last = _chosen(row, one)
    return Found(tuple(dict.fromkeys(Day(named.day, named.rule) for named in last if named.day)), taken)


def _is_figure(row: Row, named: Named, asked: Asked) -> bool:
    """Whether digits that may be a day are a share or a decimal, where no day was asked for: 1/2, 1.5.

    Where a count was asked for, they are one: in 3.
    """
    marked = row.has(named.first - 1, "on", "dayon", "till")
    if asked == Asked.COUNT and named.rule == "day of the month":
        return row.has(named.last, "day") and not row.has(named.last, "ord")
    if named.rule == "day.month":
        return not marked and len(row.value(named.last, "dm")) == len("1.5")
    share = (row.value(named.first, "int"), row.value(named.last, "int"))
    return named.rule == "day/month" and (asked == Asked.AMOUNT or (share in SHARES and not marked))


def _taken(found: list[Named], asked: Asked) -> frozenset[int]:
    """The tokens of days; in how many months, after a question how much, tells of parts as well."""
    meant = [named for named in found if named.rule not in NONE and named.day]
    if asked in {Asked.AMOUNT, Asked.COUNT}:
        meant = [named for named in meant if named.rule != "from now"]
    return frozenset(spot for named in meant for spot in _spots(named))


def _spots(named: Named) -> range:
    return range(named.first, named.last + 1)


def _named(row: Row, rules: Grammar, today: date, past: Tense, used: set[int] | None = None) -> list[Named]:
    found: list[Named] = []
    taken = used or set()
    for rule, first, last, values in rules.hits(row):
        if taken.isdisjoint(range(first, last + 1)):
            found.append(Named(first, last, rule, reckoned(rule, values, today, past=past(first))))
            taken.update(range(first, last + 1))
    return sorted(found, key=lambda named: named.first)


def _denied(row: Row, named: Named, others: list[Named]) -> bool:
    """Not on Friday; I cannot pay on Friday; Friday does not suit. A no that belongs to another day is that day's."""
    spot = named.first - 1
    while row.has(spot, "on", "dayon", "the", "able", "pay", "this") and not row.has(spot, "not", "cannot"):
        if row.has(spot, "till") and not row.has(spot, "on"):
            return False
        spot -= 1
    if row.has(spot, "not", "cannot") and not _is_taken(row, spot, others):
        return not (row.has(named.first, "till") and row.has(spot, "cannot"))
    after = named.last + 1
    while row.has(after, "eve"):
        after += 1
    if row.has(after, "cannot"):
        return True
    closed = after + 1 >= len(row.tokens) or row.has(after + 1, "able", "pay", "stop", "comma")
    return row.has(after, "not") and closed and not any(after < other.first <= after + 3 for other in others)


def _is_taken(row: Row, spot: int, others: list[Named]) -> bool:
    """Whether a no belongs to the day it follows, or stands within one."""
    follows = row.has(spot, "cannot")
    return any(other.first <= spot <= other.last + follows for other in others)


def _kept(row: Row, meant: list[Named]) -> list[Named]:
    """What is said after a correction; a passing now only alone and in a short reply."""
    for place in range(len(meant) - 1, 0, -1):
        between = range(meant[place - 1].last + 1, meant[place].first)
        if any(row.has(spot, "correction") for spot in between):
            return meant[place:]
    sure = [named for named in meant if named.rule not in PASSING]
    if sure:
        return sure
    if len(row.tokens) > MOST_OF_NOW or "cannot" in row.places or "not" in row.places:
        return [named for named in meant if named.rule != "now"]
    return meant


def _agreed(row: Row, meant: list[Named]) -> list[Named] | None:
    """A weekday said beside its day is that day: Friday the 13th. None where the two differ."""
    one: list[Named] = []
    for named in meant:
        before = one[-1] if one else None
        if before is None or not before.day or not named.day or not _beside(row, before, named):
            one.append(named)
            continue
        weekday, dated = (before, named) if before.rule in WEEKDAYS else (named, before)
        if weekday.rule not in WEEKDAYS or dated.rule not in EXACT | ROLLING:
            one.append(named)
            continue
        if weekday.day and dated.day and weekday.day.weekday() != dated.day.weekday():
            return None
        one[-1] = replace(dated, first=before.first, last=named.last)
    return one


def _beside(row: Row, before: Named, named: Named) -> bool:
    between = range(before.last + 1, named.first)
    return len(between) <= 2 and all(
        row.has(spot, "comma", "the", "on", "dayon", "this", "stop", "in") and not row.has(spot, "or", "to")
        for spot in between
    )


def _chosen(row: Row, meant: list[Named]) -> list[Named]:
    """Of a range its last day; a choice stands as it is, the later day last, and so do days said apart."""
    left: list[Named] = []
    for named in meant:
        before = left[-1] if left else None
        if before is None or not _is_joined(row, before, named):
            left.append(named)
        elif _is_range(row, before, named):
            left[-1] = _end(before, named)
        elif before.day and named.day and named.day < before.day:
            left.insert(-1, replace(named, first=before.first, last=before.last))
            left[-1] = replace(before, first=named.first, last=named.last)
        else:
            left.append(named)
    return left


def _end(before: Named, named: Named) -> Named:
    """The last day of a range; from Monday to Friday is the Friday after that Monday."""
    if named.rule in WEEKDAYS and before.day and named.day and named.day < before.day:
        named = replace(named, day=named.day + timedelta(days=7))
    later = max(before, named, key=lambda one: one.day or date.min)
    return replace(later, first=before.first, last=named.last)


def _is_range(row: Row, before: Named, named: Named) -> bool:
    between = range(before.last + 1, named.first)
    if any(row.has(spot, "and") for spot in between):
        return row.has(before.first - 1, "from") or row.has(before.first, "from")
    return any(row.has(spot, "to", "till", "dash") and not row.has(spot, "or") for spot in between)


def _is_joined(row: Row, before: Named, named: Named) -> bool:
    """Whether two days are said in one breath: the second from the first, or one of them."""
    between = range(before.last + 1, named.first)
    if len(between) > 3 or any(row.has(spot, "stop", "n") for spot in between):
        return False
    return not between or any(row.has(spot, *JOINTS) for spot in between)
