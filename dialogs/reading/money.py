"""Sums, counts and shares named in a reply. Numbers are read as people type them, never by rules of a locale."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from dialogs.reading.patterns import Grammar, Row, Values, grammar
from dialogs.reading.reading import Asked, Named, Periodic, Sum

SMALLEST_BARE = 32
"""A number below it with no currency beside it may be a day of the month, children, parts."""
SMALLEST_BESIDE_UNKNOWN = 20
"""A bare number below it in a reply with unknown words may count whatever these name."""
SHARES = frozenset({(1, 2), (1, 3), (2, 3), (1, 4), (3, 4), (1, 5), (2, 5), (3, 5), (4, 5), (1, 10)})
SMALLEST_PERIODIC = 5
SHORT = 3
MOST_PARTS = 120
CENTS = 100
PAYING = ("pay", "already")
BESIDE_ALL = ("able", "now", "near", "on", "eve", "day_taken", "please")
COUNTED = frozenset({"count", "count in", "months", "years"})
SUMS = frozenset({"sum", "cents", "cents only"})


@dataclass(frozen=True, slots=True)
class _Hit:
    first: int
    last: int
    rule: str
    values: Values


def money(row: Row, asked: Asked) -> Named:
    """What a row of marks says of money, not of days: these are masked already, so that their numbers are not sums."""
    hits = list(_hits(row, grammar("money")))
    if asked in {Asked.AMOUNT, Asked.COUNT} and not any(hit.rule in COUNTED for hit in hits):
        answers = [*_hits(row, grammar("money-asked"))]
        if asked == Asked.COUNT:
            answers += _hits(row, grammar("count-asked"))
        hits = [*answers, *(hit for hit in hits if not any(_is_within(hit, answer) for answer in answers))]
    sums, ranged = _sums(row, [hit for hit in hits if hit.rule in SUMS], hits, asked)
    found = Named(
        amounts=tuple(named for _, named in sums),
        count=next(filter(None, (_count(hit) for hit in hits if _is_plan(row, hit, asked))), None),
        fraction=next(filter(None, (_fraction(row, hit, asked) for hit in hits)), None),
        percent=next((_percent(hit) for hit in hits if hit.rule == "percent"), None),
        periodic=next(filter(None, (_periodic(hit) for hit in hits if hit.rule == "periodic")), None),
        full=_is_full(row, asked),
        range=ranged,
    )
    return replace(found, why=tuple(_why(found)))


def _why(found: Named) -> Iterator[str]:
    """What was found, each in a word or two."""
    yield from (f"{named.value:f} {named.currency}".strip() for named in found.amounts)
    if found.periodic:
        yield f"{found.periodic.value:f} {found.periodic.currency} a {found.periodic.period}".replace("  ", " ")
    if found.count:
        yield f"{found.count} parts or months"
    if found.fraction:
        yield f"{found.fraction} of the debt"
    if found.percent is not None:
        yield f"{found.percent:f} %"
    if found.full:
        yield "all of the debt"


def _hits(row: Row, rules: Grammar) -> Iterator[_Hit]:
    taken: set[int] = set()
    found = []
    for rule, first, last, values in rules.hits(row):
        if taken.isdisjoint(range(first, last + 1)):
            found.append(_Hit(first, last, rule, values))
            taken.update(range(first, last + 1))
    yield from sorted(found, key=lambda hit: hit.first)


def _is_within(hit: _Hit, other: _Hit) -> bool:
    return other.first <= hit.first and hit.last <= other.last


def _count(hit: _Hit) -> int | None:
    if hit.rule == "twice":
        return 2
    if hit.rule == "months" and "half_year" in hit.values:
        return 6
    if hit.rule not in COUNTED:
        return None
    count = int((hit.values.get("int") or hit.values.get("small") or ["1"])[-1]) * (12 if hit.rule == "years" else 1)
    return count if 2 <= count <= MOST_PARTS else None


def _is_plan(row: Row, hit: _Hit, asked: Asked) -> bool:
    """Months are a plan where a sum was asked for or the reply speaks of paying; else they only tell of time."""
    if hit.rule not in {"months", "years"} or asked in {Asked.AMOUNT, Asked.COUNT} or len(row.tokens) <= SHORT:
        return True
    return not row.places.keys().isdisjoint(("cut", "split", "plan", "part", "pay"))


def _fraction(row: Row, hit: _Hit, asked: Asked) -> Fraction | None:
    if hit.rule == "half":
        return Fraction(1, 2)
    if hit.rule == "share":
        above, below = map(int, hit.values["int"])
        return Fraction(above, below) if (above, below) in SHARES else None
    if hit.rule not in {"shares", "share word"}:
        return None
    above, below = map(int, hit.values["frac"][0].split(":"))
    alone = hit.rule == "shares" or not row.has(hit.first, "ord") or (asked == Asked.AMOUNT and len(row.tokens) == 1)
    times = int(hit.values["int"][0]) if hit.values.get("int") else 1
    share = Fraction(above * times, below)
    return share if alone and 0 < share < 1 else None


def _percent(hit: _Hit) -> Decimal:
    return Decimal(hit.values["n"][0])


def _periodic(hit: _Hit) -> Periodic | None:
    if not hit.values.get("cur") and Decimal(hit.values["n"][0]) < SMALLEST_PERIODIC:
        return None
    weekly = "weekly" in hit.values or hit.values.get("unit") == ["week"] or "week" in hit.values
    period = "week" if weekly else "month"
    return Periodic(Decimal(hit.values["n"][0]), (hit.values.get("cur") or [""])[0], period)


def _sums(row: Row, hits: list[_Hit], others: list[_Hit], asked: Asked) -> tuple[list[tuple[_Hit, Sum]], bool]:
    sums = [(hit, _sum(hit)) for hit in hits if _is_money(row, hit, asked)]
    sums = [(hit, named) for hit, named in sums if named.value > 0]
    sums = _meant(row, sums, others)
    ranged = False
    for place in range(len(sums) - 1):
        (before, first), (behind, second) = sums[place], sums[place + 1]
        if not _is_range(row, before, behind):
            continue
        ranged = True
        scaled = int(row.value(behind.first, "scaled") or 1)
        value = first.value if first.value >= scaled or row.has(before.first, "scaled") else first.value * scaled
        sums[place] = (before, Sum(value, first.currency or second.currency))
    return sums, ranged


def _sum(hit: _Hit) -> Sum:
    value = Decimal(hit.values["n"][0])
    currency = (hit.values.get("cur") or [""])[0]
    if hit.rule == "cents":
        return Sum(value + Decimal(hit.values["int"][-1]) / CENTS, currency)
    if hit.rule == "cents only" or currency == "CENT":
        return Sum(value / CENTS)
    return Sum(value, currency)


def _is_money(row: Row, hit: _Hit, asked: Asked) -> bool:
    if hit.values.get("cur"):
        return True
    value = Decimal(hit.values["n"][0])
    if row.has(hit.first, "scaled"):
        return True
    if not row.has(hit.first, "int", "digits", "decimal"):
        return False
    if _is_told_apart(row, hit):
        return False
    if asked != Asked.AMOUNT:
        return value >= SMALLEST_BARE
    if value < SMALLEST_BESIDE_UNKNOWN and (row.has(hit.first - 1, "outof", "of") or "word" in row.places):
        return False
    return not row.has(hit.first, "a")


def _is_told_apart(row: Row, hit: _Hit) -> bool:
    """Three fifty: spoken numbers side by side may be 350 or 3.50."""
    return row.has(hit.first, "spoken") and (row.has(hit.last + 1, "spoken") or row.has(hit.first - 1, "spoken"))


def _meant(row: Row, sums: list[tuple[_Hit, Sum]], others: list[_Hit]) -> list[tuple[_Hit, Sum]]:
    """Without what is denied or only mentioned: not 500 but 300, 150 out of 450, I owe 500 and can pay 200."""
    for place in range(len(sums) - 1, 0, -1):
        between = range(sums[place - 1][0].last + 1, sums[place][0].first)
        corrected = any(
            row.has(spot, "correction") or (row.has(spot, "not") and row.has(spot + 1, "comma", "stop"))
            for spot in between
        )
        if corrected:
            sums = sums[place:]
            break
    sums = [one for one in sums if not _is_behind(row, one[0], "not", "able", "pay")] or sums
    shares = [hit.last for hit in others if hit.rule in {"percent", "shares", "share word", "half", "share"}]
    kept: list[tuple[_Hit, Sum]] = []
    for hit, named in sums:
        before = kept[-1][0].last if kept else -9
        if (
            _is_behind(row, hit, "outof")
            and not row.has(hit.last + 1, "to", "dash")
            and any(0 < hit.first - spot <= 4 for spot in [before, *shares])
        ):
            continue
        kept.append((hit, named))
    own = [one for one in kept if not _is_behind(row, one[0], "owe", "word", "able")]
    return own or kept


def _is_behind(row: Row, hit: _Hit, mark: str, *beside: str) -> bool:
    """Whether a sum stands behind a mark, with no more than two small words between."""
    spot = hit.first - 1
    for _ in range(2):
        if row.has(spot, mark):
            return True
        if not row.has(spot, "about", "atleast", "the", "on", "colon", "a", "be", "of", *beside):
            return False
        spot -= 1
    return row.has(spot, mark)


def _is_range(row: Row, before: _Hit, behind: _Hit) -> bool:
    between = range(before.last + 1, behind.first)
    if not between or len(between) > 3 or (len(between) == 1 and row.has(between[0], "each")):
        return False
    plain = [
        spot
        for spot in between
        if row.has(spot, "dash", "or", "to", "and") or not row.has(spot, "about", "atleast", "each")
    ]
    if any(row.has(spot, "and") for spot in plain):
        return row.has(before.first - 1, "from") or row.has(before.first - 2, "from")
    return (
        bool(plain)
        and all(row.has(spot, "dash", "or", "to", "comma") for spot in plain)
        and any(row.has(spot, "dash", "or", "to") for spot in plain)
    )


def _is_full(row: Row, asked: Asked) -> bool:
    return any(
        _says_full(row, spot, asked) and not _is_refused(row, spot)
        for mark in ("full", "single", "fully", "all")
        for spot in row.places.get(mark, ())
    )


def _is_refused(row: Row, spot: int) -> bool:
    """Whether a no stands before, or behind in the same breath: всю сумму за раз не потяну."""
    if any(row.has(near, "not", "cannot") for near in range(spot - 4, spot)):
        return True
    behind = itertools.takewhile(lambda near: not row.has(near, "stop", "comma", "n"), range(spot + 1, spot + 4))
    return any(row.has(near, "not", "cannot") for near in behind)


def _says_full(row: Row, spot: int, asked: Asked) -> bool:
    """All is the whole debt beside paying; fully too, or where a sum was asked for; the full sum always."""
    if row.has(spot, "full", "single"):
        return True
    if row.has(spot, "fully"):
        return asked == Asked.AMOUNT or not row.places.keys().isdisjoint(PAYING)
    if row.has(spot - 1, *PAYING) or row.has(spot + 1, *PAYING):
        return True
    alone = all(row.has(other, "stop", "comma", "the") for other in range(len(row.tokens)) if other != spot)
    return asked == Asked.AMOUNT and (alone or row.has(spot - 1, *BESIDE_ALL) or row.has(spot + 1, *BESIDE_ALL))
