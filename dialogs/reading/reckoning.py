"""Reckoning with the calendar: the days that words of a reply stand for, seen from a day. Pure arithmetic of dates.

A weekday is strictly after today; a day of the month that has passed rolls on; a period means its last day; where the
reply talks of the past, days lie before today. None is returned for a day that does not exist or lies out of reach.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

WEEK = 7
FARTHEST = 3700
"""Days from today beyond which nothing is promised."""
DAYS = {"day": 1, "week": WEEK, "fortnight": 2 * WEEK, "decade": 10, "halfmonth": 15}
HOURS_OF_TODAY = 6
"""Hours that are still today at any time when people write."""
BEGINNING = 5
"""The day of a month by which its beginning is over, as people say it."""
MIDDLE = 15


def made(year: int, month: int, day: int) -> date | None:
    """A day of the calendar, or None where it has none such (31 April)."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def last_of_month(day: date) -> date:
    """The last day of the month of a day."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def months_on(today: date, count: int) -> date:
    """The same day of the month some months on or back; the last one where the month is too short."""
    month = today.month - 1 + count
    first = date(today.year + month // 12, month % 12 + 1, 1)
    return first.replace(day=min(today.day, last_of_month(first).day))


def moved(today: date, count: Decimal, unit: str, *, back: bool = False) -> date | None:
    """So many units on, or back; hours by whole days, and none where they may end on either of two days."""
    if count > FARTHEST:
        return None
    sign = -1 if back else 1
    if unit in {"month", "year"}:
        months = count * (12 if unit == "year" else 1)
        whole = int(months)
        rest = round((months - whole) * 30)
        return months_on(today, sign * whole) + timedelta(days=sign * rest) if whole <= FARTHEST / 30 else None
    if unit == "minute":
        return today
    if unit == "hour":
        return _hours_on(today, int(count), sign)
    return today + timedelta(days=sign * _up(count * DAYS[unit]))


def working_days_on(today: date, count: int) -> date | None:
    """So many working days on, Saturdays and Sundays left out."""
    if count > FARTHEST // 2:
        return None
    day = today
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def day_month(day: int, month: int, today: date, *, past: bool) -> date | None:
    """The next such day from today on, or the last one before."""
    for years in range(9):
        year = today.year + (-years if past else years)
        named = made(year, month, day)
        if named is None and (month, day) != (2, 29):
            return None
        if named and (named <= today if past else named >= today):
            return named
    return None


def month_day(day: int, today: date, *, past: bool) -> date | None:
    """The nearest such day of a month from today on, or back; a month too short is passed over."""
    if not 1 <= day <= 31:
        return None
    for month in _months(today, past=past):
        if day <= last_of_month(month).day:
            named = month.replace(day=day)
            if named <= today if past else named >= today:
                return named
    return None


def weekday_on(weekday: int, today: date, *, past: bool = False) -> date:
    """The first such weekday after today, or the last before."""
    if past:
        return today - timedelta(days=(today.weekday() - weekday - 1) % WEEK + 1)
    return today + timedelta(days=(weekday - today.weekday() - 1) % WEEK + 1)


def weekday_of_week(weekday: int, today: date, weeks: int) -> date:
    """A weekday of the week that lies some weeks on; weeks begin on Monday."""
    return today + timedelta(days=weeks * WEEK - today.weekday() + weekday)


def weekday_of_month(weekday: int, place: int, month: date) -> date | None:
    """The first, second.. such weekday of a month, the last for 0."""
    last = last_of_month(month)
    if not place:
        return last - timedelta(days=(last.weekday() - weekday) % WEEK)
    first = month.replace(day=1)
    found = first + timedelta(days=(weekday - first.weekday()) % WEEK + (place - 1) * WEEK)
    return found if found <= last else None


def last_working_day(month: date) -> date:
    """The last day of a month that is no Saturday or Sunday."""
    last = last_of_month(month)
    return last - timedelta(days=max(0, last.weekday() - 4))


def first_of(month: int, today: date, *, past: bool, year: int | None = None) -> date:
    """The first day of a named month: this one, or the next or last of its name."""
    if year is None:
        year = today.year - (month > today.month) if past else today.year + (month < today.month)
    return date(year, month, 1)


def part_of(part: str, unit: str, today: date, shift: int) -> date | None:
    """The end, middle or beginning of this (0), the next (1) or the last (-1) week, month or year."""
    if unit == "week":
        return weekday_of_week({"end": 6, "mid": 2, "begin": 0}[part], today, shift)
    if unit == "year":
        return {"end": made(today.year + shift, 12, 31), "begin": made(today.year + shift, 1, MIDDLE)}.get(part)
    if unit == "month":
        first = months_on(today.replace(day=1), shift)
        return part_of_month(part, first)
    return today if unit == "day" and part == "end" else None


def part_of_month(part: str, first: date) -> date:
    """The end, the middle or the beginning of a month."""
    return {"end": last_of_month(first), "mid": first.replace(day=MIDDLE), "begin": first.replace(day=BEGINNING)}[part]


def _months(today: date, *, past: bool) -> Iterator[date]:
    first = today.replace(day=1)
    for _ in range(3):
        yield first
        first = months_on(first, -1 if past else 1)


def _hours_on(today: date, hours: int, sign: int) -> date | None:
    if hours <= HOURS_OF_TODAY:
        return today
    return today + timedelta(days=sign * (hours // 24)) if hours % 24 == 0 else None


def _up(days: Decimal) -> int:
    return int(-(-days // 1))
