"""What each rule of the grammar of days stands for: from the values of its marks to a day of the calendar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from dialogs.reading import reckoning as on
from dialogs.reading.patterns import NUMBERS, Values

SHORT_WEEKDAYS = {"mon": 0, "luni": 0, "wed": 2, "fri": 4, "sat": 5, "sun": 6}
"""Marks of weekdays whose words mean something else as well."""
MAY = 5
HALF = Decimal("0.5")

Reckon = Callable[[Values, date, bool], date | None]


def reckoned(rule: str, values: Values, today: date, *, past: bool) -> date | None:
    """The day of a rule, None where it has none or there is no such day."""
    reckon = RECKONED.get(rule)
    try:
        return reckon(values, today, past) if reckon else None
    except (ValueError, OverflowError):
        return None


def _numbers(values: Values) -> list[int]:
    """Days and counts in the order of the reply."""
    return [int(value) for value in values.get(NUMBERS, ())] or ([2] if "second" in values else [])


def _weekday(values: Values) -> int:
    if values.get("weekday"):
        return int(values["weekday"][0])
    return next(day for name, day in SHORT_WEEKDAYS.items() if name in values)


def _count(values: Values) -> Decimal:
    return Decimal((values.get("int") or values.get("n") or ["1"])[-1])


def _unit(values: Values) -> str:
    return values["unit"][-1] if values.get("unit") else "month"


def _year(values: Values) -> int | None:
    return int(values["year"][0]) if values.get("year") else None


def _month(values: Values, today: date, *, past: bool) -> date:
    month = int(values["month"][-1]) if values.get("month") else MAY
    return on.first_of(month, today, past=past, year=_year(values))


def _dated(day: int, values: Values, today: date, *, past: bool) -> date | None:
    month, year = int(values["month"][-1]) if values.get("month") else MAY, _year(values)
    if year and year < today.year - 1:
        return None
    return on.made(year, month, day) if year else on.day_month(day, month, today, past=past)


def _day(values: Values, today: date, _past: bool) -> date | None:  # noqa: FBT001 the shape of all rules
    if "ymd" in values:
        year, month, day = map(int, values["ymd"][0].split("-"))
        return on.made(year, month, day)
    return today + timedelta(days=int(values["near"][0]))


def _split(text: str, today: date, *, past: bool) -> date | None:
    day, month = map(int, text.split("."))
    return on.day_month(day, month, today, past=past)


def _part(values: Values) -> str:
    return next((part for part in ("end", "mid", "begin") if part in values), "end")


def _part_at(values: Values, today: date, shift: int) -> date | None:
    return on.part_of(_part(values), _unit(values), today, shift)


def _in_month(values: Values, today: date, shift: int) -> date | None:
    first = on.months_on(today.replace(day=1), shift)
    return on.made(first.year, first.month, _numbers(values)[0])


def _weekday_in(values: Values, month: date) -> date | None:
    place = 0 if "final" in values else _numbers(values)[0]
    return on.weekday_of_month(_weekday(values), place, month)


def _end_of_week(values: Values, month: date) -> date | None:
    """The last day of the first, second.. seven days of a month."""
    return on.made(month.year, month.month, 7 * _numbers(values)[0])


def _week(values: Values, today: date, weeks: int) -> date:
    return on.weekday_of_week(_weekday(values), today, weeks)


def _last_day(values: Values, today: date, *, past: bool) -> date:
    return on.last_of_month(_month(values, today, past=past))


def _after_tomorrow(values: Values, today: date, _past: bool) -> date | None:  # noqa: FBT001 the shape of all rules
    return on.moved(today + timedelta(days=int(values["near"][0])), _count(values), _unit(values))


def _this_month(today: date) -> date:
    return today.replace(day=1)


def _next_month(today: date) -> date:
    return on.months_on(today.replace(day=1), 1)


RECKONED: Mapping[str, Reckon] = {
    "day": _day,
    "tomorrow": lambda _v, t, _p: t + timedelta(days=1),
    "day, month": lambda v, t, p: _dated(_numbers(v)[0], v, t, past=p),
    "day of May": lambda v, t, p: _dated(_numbers(v)[0], v, t, past=p),
    "second of a month": lambda v, t, p: _dated(2, v, t, past=p),
    "range of days of a month": lambda v, t, p: _dated(_numbers(v)[1], v, t, past=p),
    "range of days of May": lambda v, t, p: _dated(_numbers(v)[1], v, t, past=p),
    "day.month": lambda v, t, p: _split(v["dm"][0], t, past=p),
    "day,month": lambda v, t, p: _split(v["dcm"][0], t, past=p),
    "day/month": lambda v, t, p: _split(f"{v['day'][0]}.{v['int'][-1]}", t, past=p),
    "day of the month ahead": lambda v, t, _p: _in_month(v, t, 1),
    "day of the month behind": lambda v, t, _p: _in_month(v, t, -1),
    "day of this month": lambda v, t, _p: _in_month(v, t, 0),
    "last working day": lambda v, t, _p: on.last_working_day(on.months_on(t.replace(day=1), "next" in v)),
    "last day of a month": lambda v, t, p: _last_day(v, t, past=p),
    "last day of May": lambda v, t, p: _last_day(v, t, past=p),
    "last day": lambda _v, t, _p: on.last_of_month(t),
    "last day of the month ahead": lambda _v, t, _p: on.last_of_month(_next_month(t)),
    "week of a month": lambda v, t, p: _end_of_week(v, _month(v, t, past=p)),
    "week of the month": lambda v, t, _p: _end_of_week(v, _next_month(t) if "next" in v else _this_month(t)),
    "weekday of a month": lambda v, t, p: _weekday_in(v, _month(v, t, past=p)),
    "weekday of the month": lambda v, t, _p: _weekday_in(v, _this_month(t)),
    "weekday of the month ahead": lambda v, t, _p: _weekday_in(v, _next_month(t)),
    "part of a month": lambda v, t, p: on.part_of_month(_part(v), _month(v, t, past=p)),
    "part of May": lambda v, t, p: on.part_of_month(_part(v), _month(v, t, past=p)),
    "part ahead": lambda v, t, _p: _part_at(v, t, 1),
    "part behind": lambda v, t, _p: _part_at(v, t, -1),
    "part": lambda v, t, _p: _part_at(v, t, 0),
    "part of a week": lambda _v, t, _p: on.part_of("end", "week", t, 0),
    "weekday ahead in weeks": lambda v, t, _p: _week(v, t, int(_count(v))),
    "weekday and weeks": lambda v, t, _p: on.weekday_on(_weekday(v), t) + timedelta(weeks=int(_count(v))),
    "weekday next week": lambda v, t, _p: _week(v, t, 1),
    "weekday last week": lambda v, t, _p: _week(v, t, -1),
    "weekday this week": lambda v, t, _p: _week(v, t, 0),
    "weekday after next": lambda v, t, _p: _week(v, t, 2),
    "week after next": lambda _v, t, _p: on.part_of("end", "week", t, 2),
    "nearest weekday": lambda v, t, p: on.weekday_on(_weekday(v), t, past=p),
    "next weekday": lambda v, t, _p: _week(v, t, 1),
    "last weekday": lambda v, t, _p: on.weekday_on(_weekday(v), t, past=True),
    "this weekday": lambda v, t, p: t if t.weekday() == _weekday(v) else on.weekday_on(_weekday(v), t, past=p),
    "weekday": lambda v, t, p: on.weekday_on(_weekday(v), t, past=p),
    "Monday": lambda v, t, p: on.weekday_on(0, t, past=p),
    "short weekday": lambda v, t, p: on.weekday_on(_weekday(v), t, past=p),
    "range of units": lambda v, t, _p: on.moved(t, _count(v), _unit(v)),
    "and a half": lambda v, t, _p: on.moved(t, _count(v) + HALF, _unit(v)),
    "one or two": lambda v, t, _p: on.moved(t, Decimal(2), v["unit"][0]),
    "half an hour": lambda _v, t, _p: t,
    "working days": lambda v, t, _p: on.working_days_on(t, int(_count(v))),
    "from now": lambda v, t, _p: on.moved(t, _count(v), _unit(v)),
    "postponed": lambda v, t, _p: on.moved(t, _count(v), _unit(v)),
    "ago": lambda v, t, _p: on.moved(t, _count(v), _unit(v), back=True),
    "from tomorrow": _after_tomorrow,
    "after the weekend": lambda _v, t, _p: on.weekday_of_week(0, t, 1),
    "next weekend": lambda _v, t, _p: on.weekday_of_week(6, t, 1),
    "weekend": lambda _v, t, p: on.weekday_of_week(6, t, -1 if p else 0),
    "range of the month": lambda v, t, p: on.month_day(_numbers(v)[1], t, past=p),
    "day of the month": lambda v, t, p: on.month_day(_numbers(v)[0], t, past=p),
    "second": lambda _v, t, p: on.month_day(2, t, past=p),
    "month ahead": lambda v, t, _p: on.part_of("end", _unit(v), t, 1),
    "month": lambda v, t, _p: on.part_of("end", _unit(v), t, 0),
    "month behind": lambda v, t, p: on.part_of("end", _unit(v), t, -1) if p else None,
    "named month": lambda v, t, p: _last_day(v, t, past=p),
    "named May": lambda v, t, p: _last_day(v, t, past=p),
    "new year": lambda _v, t, _p: on.made(t.year, 12, 31),
    "now": lambda _v, t, _p: t,
    "tonight": lambda _v, t, _p: t,
}
