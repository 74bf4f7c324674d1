"""Days named in a reply, by patterns of the vocabulary. A wrong day is worse than none: what is unsure is left out.

Conventions: a weekday is strictly after today; numbers are day, then month; a day of the month that has passed rolls
on; a period means its last day; where a reply talks of a payment already made, days lie in the past.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date, timedelta

from dialogs.reading.reading import Day
from dialogs.reading.vocabulary import Vocabulary

NUMERIC = re.compile(r"(?<![\d.,:/-])(\d{1,2})([./-])(\d{1,2})(?:\2(\d{2}|\d{4}))?(?![\d:%]|[.,/-]\d)")
ISO = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
NOT_A_DAY = re.compile(r"\d{1,2}:\d{2}|\d+(?:[ .,]\d{3})+|\d+[.,]\d+|\d{3,}|\d+\s*%")
BARE = re.compile(r"\s*(\d{1,2})\s*[.)]?\s*")

Spans = list[tuple[int, int, Day]]


def mask(text: str) -> str:
    """Digits that are no day of a month, replaced: times, grouped numbers, long numbers, percentages."""
    return NOT_A_DAY.sub(
        " § ", ISO.sub(" § ", NUMERIC.sub(lambda found: " § " if _numeric_shape(found) else found[0], text))
    )


def numeric_days(text: str, today: date, *, past: bool) -> tuple[Day, ...]:
    """Days written in digits: 15.12, 20/03/2026, 2026-04-02. An impossible one (31.04) is left out."""
    days = [_made(int(found[1]), int(found[2]), int(found[3]), "iso") for found in ISO.finditer(text)]
    for found in NUMERIC.finditer(ISO.sub(" ", text)):
        if not _numeric_shape(found):
            continue
        day, month = int(found[1]), int(found[3])
        if found[4]:
            days.append(_made(int(found[4]) % 100 + 2000, month, day, "numeric"))
        else:
            days.append(_day_month(day, month, today, "numeric", past=past))
    return tuple(day for day in days if day)


def spoken_days(row: str, known: Vocabulary, today: date, *, past: bool) -> tuple[Day, ...]:
    """Days in words, in the order they are said; `row` is the masked words of the reply, ending in a space."""
    row = _without(row, known)
    past = past or any(pattern.regex.search(row) for pattern in known.past)
    found: Spans = []
    for rule, pattern in known.dates:
        for hit in pattern.regex.finditer(row):
            start, end = hit.span()
            if any(start < other_end and other_start < end for other_start, other_end, _ in found):
                continue
            day = _by_rule(rule, hit, known, today, past=past)
            if day is not None:
                found.append((start, end, Day(day, rule)))
            elif rule in {"day_month", "month_day"}:
                return ()  # 31 April: the person must say what they mean
    days = tuple(day for _, _, day in sorted(found, key=lambda item: item[0]))
    return tuple(day for day in days if day.rule != "tonight") or days


def bare_day(text: str, known: Vocabulary, row: str, today: date) -> tuple[Day, ...]:
    """A day of the month said alone, where a day was asked for."""
    found = BARE.fullmatch(text)
    day = int(found[1]) if found else known.days.get(row.strip(), 0)
    rolled = _month_day(day, today, past=False)
    return (Day(rolled, "bare day"),) if rolled else ()


def _without(row: str, known: Vocabulary) -> str:
    for pattern in known.not_dates:
        row = pattern.regex.sub("§ ", row)
    return row


def _numeric_shape(found: re.Match[str]) -> bool:
    """D.M in range; `3-4` is a range of something else, and so is `1.5`: one digit behind the point needs a zero."""
    short = not found[4] and (found[2] == "-" or (found[2] == "." and len(found[3]) == 1 and len(found[1]) == 1))
    return not short and 1 <= int(found[3]) <= 12 and 1 <= int(found[1]) <= 31


def _by_rule(rule: str, hit: re.Match[str], known: Vocabulary, today: date, *, past: bool) -> date | None:
    named = {name: value for name, value in hit.groupdict().items() if value}
    if rule.startswith("day"):
        if rule in {"day_month", "day_of_month"}:
            return _in_month(rule, named, known, today, past=past)
        return today + timedelta(days=int(rule.removeprefix("day")))
    if rule in {"in", "ago"}:
        return _shifted(today, _number(named.get("n", "1"), known), known.units[named["unit"]], back=rule == "ago")
    if "weekday" in named:
        return _weekday(rule, known.weekdays[named["weekday"]], today, past=past)
    if rule in {"end_of_named", "middle_of_named"}:
        month = known.months[named["month"]]
        first = date(today.year + (month < today.month), month, 1)
        return _last_day(first) if rule == "end_of_named" else first.replace(day=15)
    return _period(rule, today)


def _in_month(rule: str, named: dict[str, str], known: Vocabulary, today: date, *, past: bool) -> date | None:
    text = named["day"]
    day = int(text) if text.isdigit() else known.days[text]
    if rule == "day_of_month":
        return _month_day(day, today, past=past)
    found = _day_month(day, known.months[named["month"]], today, rule, past=past)
    return found.date if found else None


def _period(rule: str, today: date) -> date | None:
    week_ends = today + timedelta(days=6 - today.weekday())
    next_month = _last_day(today) + timedelta(days=1)
    periods = {
        "tonight": today,
        "end_of_week": week_ends,
        "weekend": week_ends,
        "next_week": week_ends + timedelta(days=7),
        "end_of_month": _last_day(today),
        "start_of_next_month": next_month.replace(day=10),
        "next_month": _last_day(next_month),
    }
    return periods.get(rule)


def _weekday(rule: str, weekday: int, today: date, *, past: bool) -> date:
    if rule == "last_weekday" or past:
        return today - timedelta(days=(today.weekday() - weekday - 1) % 7 + 1)
    if rule == "weekday_next_week":
        return today + timedelta(days=7 - today.weekday() + weekday)
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def _shifted(today: date, count: int, unit: str, *, back: bool) -> date | None:
    if unit != "month":
        days = count * (7 if unit == "week" else 1)
        return today + timedelta(days=-days if back else days)
    month = today.month - 1 + (-count if back else count)
    first = date(today.year + month // 12, month % 12 + 1, 1)
    return first.replace(day=min(today.day, _last_day(first).day))


def _month_day(day: int, today: date, *, past: bool) -> date | None:
    """The nearest such day of a month from today on, or back from today; a month too short is passed over."""
    if not 1 <= day <= 31:
        return None
    for month in _months(today, past=past):
        if day <= _last_day(month).day:
            named = month.replace(day=day)
            if named <= today if past else named >= today:
                return named
    return None


def _months(today: date, *, past: bool) -> Iterator[date]:
    first = today.replace(day=1)
    for _ in range(3):
        yield first
        first = (first - timedelta(days=1)).replace(day=1) if past else _last_day(first) + timedelta(days=1)


def _day_month(day: int, month: int, today: date, rule: str, *, past: bool) -> Day | None:
    named = _made(today.year, month, day, rule)
    if named is None or (named.date > today if past else named.date < today):
        return _made(today.year + (-1 if past else 1), month, day, rule) if named else None
    return named


def _made(year: int, month: int, day: int, rule: str) -> Day | None:
    try:
        return Day(date(year, month, day), rule)
    except ValueError:
        return None


def _number(text: str, known: Vocabulary) -> int:
    return int(text) if text.isdigit() else known.numbers[text]


def _last_day(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
