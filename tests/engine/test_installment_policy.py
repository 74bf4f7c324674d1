"""What a policy grants, and the schedule that follows: sums exact to the minor unit, dates people can pay on."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import working_day
from engine.installment import Answer, Every, InstallmentPolicy, Part, granted, schedule

policies = st.builds(
    InstallmentPolicy,
    most_parts=st.integers(2, 24),
    least_part=st.integers(1, 500_00),
    first_share=st.integers(0, 99),
    interest=st.decimals(0, 40, places=2),
    fee=st.integers(0, 50_00),
    approval_above=st.none() | st.integers(1, 5000_00),
    every=st.sampled_from(Every),
)
days = st.dates(date(2000, 1, 1), date(2060, 12, 31))


def weekday(day: date) -> bool:
    return day.weekday() < 5


def any_day(day: date) -> bool:
    return True


@given(st.integers(1, 10**12), st.integers(2, 24), policies, days)
def test_what_is_granted_adds_up_and_falls_due_on_working_days(
    amount: int, parts: int, policy: InstallmentPolicy, today: date
) -> None:
    if granted(amount, parts, policy).answer is Answer.REFUSED:
        return
    agreed = schedule(amount, parts, policy, today, weekday)
    assert len(agreed) == parts
    assert sum(part.amount for part in agreed) == amount
    assert min(part.amount for part in agreed) >= policy.least_part
    assert sum(part.fee for part in agreed) == policy.fee
    assert all(part.interest >= 0 for part in agreed)
    dues = [part.due for part in agreed]
    assert all(weekday(due) for due in dues)
    assert today < dues[0]
    assert all(before < after for before, after in pairwise(dues))


@given(st.integers(100, 10**9), st.integers(2, 12), st.decimals(0, 40, places=2), days)
def test_interest_is_at_most_that_of_the_whole_debt_to_the_end(
    amount: int, parts: int, rate: Decimal, today: date
) -> None:
    agreed = schedule(amount, parts, InstallmentPolicy(12, interest=rate), today, any_day)
    whole = Decimal(amount) * rate / 100 * (agreed[-1].due - today).days / 365
    assert sum(part.interest for part in agreed) <= whole + parts


def test_interest_is_simple_on_what_is_unpaid_until_each_part_falls_due() -> None:
    policy = InstallmentPolicy(3, interest=Decimal(12), fee=500, every=Every.MONTH)
    assert schedule(1000_00, 2, policy, date(2026, 6, 10), any_day) == (
        Part(date(2026, 7, 10), 500_00, interest=986, fee=500),
        Part(date(2026, 8, 10), 500_00, interest=510),
    ), "1000.00 x 12 % x 30/365 = 9.863, 500.00 x 12 % x 31/365 = 5.096"


def test_the_first_part_may_be_larger_and_takes_what_does_not_divide() -> None:
    equal = schedule(100_00, 3, InstallmentPolicy(3), date(2026, 6, 1), any_day)
    assert [part.amount for part in equal] == [33_34, 33_33, 33_33]
    down = schedule(100_01, 3, InstallmentPolicy(3, first_share=40), date(2026, 6, 1), any_day)
    assert [part.amount for part in down] == [40_01, 30_00, 30_00]


def test_the_end_of_a_month_is_the_end_of_each_month() -> None:
    agreed = schedule(300, 3, InstallmentPolicy(3), date(2027, 12, 31), any_day)
    assert [part.due for part in agreed] == [date(2028, 1, 31), date(2028, 2, 29), date(2028, 3, 31)]


def test_weeks_and_fortnights() -> None:
    for every, step in ((Every.WEEK, 7), (Every.TWO_WEEKS, 14)):
        agreed = schedule(300, 3, InstallmentPolicy(3, every=every), date(2026, 6, 1), any_day)
        assert [part.due for part in agreed] == [date(2026, 6, 1) + timedelta(days=step * n) for n in (1, 2, 3)]


def test_days_off_move_a_part_to_the_next_working_day() -> None:
    agreed = schedule(200, 2, InstallmentPolicy(2), date(2025, 12, 1), lambda day: working_day(day, "RO"))
    assert [part.due for part in agreed] == [date(2026, 1, 5), date(2026, 2, 2)], "2 January is a holiday in Romania"


def test_a_long_holiday_never_lays_two_parts_on_one_day() -> None:
    def off_for_a_fortnight(day: date) -> bool:
        return not date(2026, 6, 8) <= day <= date(2026, 6, 24)

    agreed = schedule(300, 3, InstallmentPolicy(3, every=Every.WEEK), date(2026, 6, 1), off_for_a_fortnight)
    assert [part.due for part in agreed] == [date(2026, 6, 25), date(2026, 6, 26), date(2026, 6, 27)]


@pytest.mark.parametrize(
    ("amount", "parts", "answer", "reason"),
    [
        (300_00, 3, Answer.GRANTED, None),
        (300_00, 1, Answer.REFUSED, "one payment is no installment plan"),
        (300_00, 5, Answer.REFUSED, "too many parts: the plan grants at most 4"),
        (200_00, 4, Answer.REFUSED, "the parts would be smaller than the plan grants"),
        (0, 2, Answer.REFUSED, "the parts would be smaller than the plan grants"),
        (500_01, 2, Answer.NEEDS_APPROVAL, "the debt is above the sum the plan grants without approval"),
        (500_00, 2, Answer.GRANTED, None),
    ],
)
def test_the_answer_of_a_policy_comes_with_its_reason(
    amount: int, parts: int, answer: Answer, reason: str | None
) -> None:
    verdict = granted(amount, parts, InstallmentPolicy(4, least_part=60_00, approval_above=500_00))
    assert (verdict.answer, verdict.reason) == (answer, reason)


@pytest.mark.parametrize(
    ("day", "country", "works"),
    [
        (date(2026, 4, 13), "RO", False),
        (date(2026, 4, 13), "US", True),
        (date(2026, 7, 3), "US", False),
        (date(2026, 3, 13), "EG", False),
        (date(2026, 3, 15), "EG", True),
        (date(2026, 1, 1), None, True),
        (date(2026, 1, 3), None, False),
        (date(2026, 1, 3), "ZZ", False),
    ],
)
def test_working_days_are_those_of_the_country(day: date, country: str | None, works: bool) -> None:
    assert working_day(day, country) is works
