"""Days and contact hours in the subscriber's own zone. Aware UTC in, aware UTC out; the clock is never read here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holidays import HolidayBase, country_holidays, list_supported_countries

SATURDAY = 5


class UnknownZone(ValueError):
    """The time zone is not in the IANA database; write a name such as Europe/Bucharest."""


def zone(name: str) -> ZoneInfo:
    """The zone of that IANA name. Raises UnknownZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownZone(f"'{name}' is not a time zone; write an IANA name such as Europe/Bucharest") from None


def local_day(now: datetime, tz: ZoneInfo) -> date:
    """The calendar day it is at `now` where `tz` applies."""
    return now.astimezone(tz).date()


def at_local(day: date, wall: time, tz: ZoneInfo) -> datetime:
    """The UTC instant of a wall-clock time. In a gap of the clocks it is the later reading, in a fold the earlier."""
    return datetime.combine(day, wall, tz).astimezone(UTC)


def working_day(day: date, country: str | None) -> bool:
    """Whether people work on `day` in a country (ISO 3166 code): no day off of its week, no public holiday.

    Of a country that is not known only the weekend, Saturday and Sunday, is.
    """
    known = _holidays(country) if country else None
    return known.is_working_day(day) if known is not None else day.weekday() < SATURDAY


@lru_cache(maxsize=64)
def _holidays(country: str) -> HolidayBase | None:
    return country_holidays(country) if country in list_supported_countries() else None


@dataclass(frozen=True, slots=True)
class SendWindow:
    """Hours of the subscriber's day in which the engine may start a contact: `[opens, closes)` on the wall clock."""

    opens: time
    closes: time

    def next_span(self, now: datetime, tz: ZoneInfo) -> tuple[datetime, datetime]:
        """The span `[from, until)` in UTC that is open at `now`, or else opens next."""
        day = local_day(now, tz)
        for start in (day, day + timedelta(days=1)):
            opens, closes = at_local(start, self.opens, tz), at_local(start, self.closes, tz)
            if now < closes:
                return max(now, opens), closes
        raise AssertionError("a day's window always closes after some later now")


@dataclass(frozen=True, slots=True)
class AnyHour:
    """No rule on hours: a contact may go at once, and expires with the subscriber's day."""

    def next_span(self, now: datetime, tz: ZoneInfo) -> tuple[datetime, datetime]:
        """From `now` to the subscriber's next midnight, in UTC."""
        return now, at_local(local_day(now, tz) + timedelta(days=1), time(), tz)


Hours = SendWindow | AnyHour
