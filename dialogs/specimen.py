"""A client who stands for all: values as long as they usually are, for measuring what is said before it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from dialogs.facts import MATTERS, AccountDue, Due, Facts, PayPoint
from dialogs.flow import Script
from dialogs.message import Value
from dialogs.text import Shape
from engine.money import Money

TODAY = date(2026, 11, 16)
SUM = Money(124_050, "UAH")
SATURDAY = TODAY + timedelta(days=12)
SPECIMEN = Facts(
    today=TODAY,
    name="Oleksandra",
    creditor="Ukrtelecom",
    amount_due=SUM,
    oldest_due=date(2026, 9, 25),
    days_past_due=52,
    accounts=(AccountDue("3801-2207", "internet", SUM),),
    consequence_on=SATURDAY,
    pay_link="https://pay.example.com/p/Ab3dEf9hKm",
    account_tails=("2207",),
    promised=SUM,
    all_due=SUM,
    upcoming_accounts=(AccountDue("3801-2207", "internet", SUM),),
    granted=SUM,
    restored="3801-2207 (internet)",
    restricted_on=date(2026, 11, 9),
    cancelled=SUM,
    months_paid=11,
    months_free=1,
    agency_name="Credex",
    places=(PayPoint("Ukrposhta 12", "Shevchenka 18", "9:00–18:00"), PayPoint("EasyPay", "Myru 7")),
    **dict.fromkeys(MATTERS, Due(SUM, SATURDAY)),  # type: ignore[arg-type] # every one of them is a Due
)
WORDS: Mapping[Shape, Value] = {
    Shape.TEXT: "380 44 123 45 67",
    Shape.MONEY: SUM,
    Shape.DATE: SATURDAY,
    Shape.DAY: SATURDAY,
    Shape.INTEGER: 3,
    Shape.SCHEDULE: tuple((TODAY + timedelta(days=30 * part), SUM) for part in (1, 2, 3)),
}


def bound(script: Script) -> dict[str, Value]:
    """A value of its type for every slot of the script."""
    return {name: WORDS[shape] for name, shape in script.slots.items() if shape in WORDS}
