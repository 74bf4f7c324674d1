"""Money is exact: it reads, splits and adds without losing a unit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.money import BadAmount, Money, OtherCurrency, is_currency, money

CURRENCIES = st.sampled_from(["USD", "RON", "JPY", "KWD", "UAH"])


@given(st.integers(-(10**15), 10**15), CURRENCIES)
def test_what_is_written_is_read_back(minor: int, currency: str) -> None:
    assert money(Money(minor, currency).major, currency) == Money(minor, currency)


@given(st.integers(0, 10**12), st.integers(1, 60), CURRENCIES)
def test_parts_add_up_and_differ_by_one_unit_at_most(minor: int, count: int, currency: str) -> None:
    parts = Money(minor, currency).parts(count)
    assert sum(part.minor for part in parts) == minor
    assert max(part.minor for part in parts) - min(part.minor for part in parts) <= 1


@pytest.mark.parametrize(
    "text", ["", "abc", "1,50", "1 000", "NaN", "Infinity", "12.345", "9" * 20, "--1", "6e1", "+5", "5.", "1_000"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BadAmount):
        money(text, "USD")


def test_decimals_are_those_of_the_currency() -> None:
    assert money("1500", "JPY").minor == 1500
    assert money("1.234", "KWD").minor == 1234
    assert str(money("7", "RON")) == "7.00 RON"
    assert money("7.1", "RON").major == Decimal("7.10")
    with pytest.raises(BadAmount):
        money("1.5", "JPY")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(OtherCurrency):
        _ = Money(1, "USD") + Money(1, "EUR")
    assert is_currency("RON")
    assert not is_currency("XXY")
