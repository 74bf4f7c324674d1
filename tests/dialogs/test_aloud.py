"""Values for the ear: days, sums, hours and numbers as they are said, in every language."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from dialogs.aloud import spoken_date, spoken_hours, spoken_money, spoken_number
from dialogs.catalog import load_catalogs
from engine.money import Money

TODAY = date(2026, 11, 16)
CATALOGS = load_catalogs()


@pytest.mark.parametrize(
    ("language", "day", "said"),
    [
        ("en", date(2026, 11, 28), "the twenty-eighth of November"),
        ("ro", date(2026, 12, 1), "întâi decembrie"),
        ("uk", date(2026, 12, 15), "п’ятнадцятого грудня"),
        ("ru", date(2026, 12, 23), "двадцать третьего декабря"),
        ("ru", date(2027, 5, 15), "пятнадцатого мая 2027 года"),
        ("uk", date(2027, 5, 2), "другого травня 2027 року"),
    ],
)
def test_a_day_of_the_month_is_said_by_its_word(language: str, day: date, said: str) -> None:
    assert spoken_date(day, TODAY, language, CATALOGS[language].forms.aloud) == said


@pytest.mark.parametrize("language", CATALOGS)
def test_every_day_of_a_year_has_its_own_words(language: str) -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    said = [spoken_date(day, TODAY, language, CATALOGS[language].forms.aloud) for day in days]
    assert len(set(said)) == 365
    assert not any(char.isdigit() for words in said for char in words)


@pytest.mark.parametrize(
    ("language", "amount", "said"),
    [
        ("en", Money(124_050, "UAH"), "1240 Ukrainian hryvnias 50 kopiykas"),
        ("en", Money(101, "USD"), "1 US dollar 1 cent"),
        ("ro", Money(2_000, "RON"), "20 de lei"),
        ("ro", Money(300, "MDL"), "3 lei"),
        ("uk", Money(2_102, "UAH"), "21 гривня 2 копійки"),
        ("uk", Money(50, "EUR"), "50 центів"),
        ("ru", Money(100_005, "RUB"), "1000 рублей 5 копеек"),
        ("ru", Money(550, "PLN"), "5,5 польского злотого"),
        ("ru", Money(1_500, "JPY"), "1500 японских иен"),
    ],
)
def test_a_sum_is_said_in_whole_and_small_money(language: str, amount: Money, said: str) -> None:
    assert spoken_money(amount, language, CATALOGS[language].forms.aloud) == said


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "from 9 a.m. to 6 p.m."),
        ("ro", "de la nouă la optsprezece"),
        ("uk", "з дев’ятої до вісімнадцятої"),
        ("ru", "с девяти до восемнадцати"),
    ],
)
def test_whole_hours_are_said_by_words_and_all_else_stays(language: str, said: str) -> None:
    aloud = CATALOGS[language].forms.aloud
    assert spoken_hours("9:00–18:00", aloud) == said
    for other in ("9:30–18:00", "25:00-26:00", "at 9:00", "24/7"):
        assert spoken_hours(other, aloud) == other


def test_numbers_are_said_digit_by_digit_with_pauses() -> None:
    assert spoken_number("3801-2207") == "3 8 0 1, 2 2 0 7"
    assert spoken_number("+40 21 000 1234") == "4 0, 2 1, 0 0 0, 1 2 3 4"
    assert spoken_number("ACC 12 (internet)") == "ACC 1 2, internet"
