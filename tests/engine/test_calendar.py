"""Contact hours on the subscriber's own clock, over both changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import AnyHour, SendWindow, UnknownZone, at_local, local_day, zone

WINDOW = SendWindow(time(9), time(20))
ZONES = st.sampled_from(
    ["Europe/Bucharest", "Europe/Chisinau", "Europe/Kyiv", "America/New_York", "Asia/Almaty", "Asia/Kolkata"]
)
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, ZONES)
def test_a_contact_never_starts_outside_the_hours(now: datetime, name: str) -> None:
    start, end = WINDOW.next_span(now, zone(name))
    assert now <= start < end
    assert start - now < timedelta(days=1, hours=1)
    for moment in (start, end - timedelta(microseconds=1)):
        assert time(9) <= moment.astimezone(zone(name)).time() < time(20)


@given(MOMENTS, ZONES)
def test_without_hours_a_contact_may_go_at_once_and_ends_with_the_day(now: datetime, name: str) -> None:
    start, end = AnyHour().next_span(now, zone(name))
    assert start == now < end
    assert local_day(end - timedelta(microseconds=1), zone(name)) == local_day(now, zone(name))


def test_the_end_of_the_hours_is_outside_them() -> None:
    eight = at_local(datetime(2026, 3, 11, tzinfo=UTC).date(), time(20), zone("Europe/Bucharest"))
    start, _ = WINDOW.next_span(eight, zone("Europe/Bucharest"))
    assert start == eight + timedelta(hours=13)


def test_a_zone_that_is_none_is_named() -> None:
    with pytest.raises(UnknownZone, match="Mars/Olympus"):
        zone("Mars/Olympus")
