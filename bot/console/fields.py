"""What an operator typed into a form, read field by field: faults are collected, so that all are told at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from engine.money import BadAmount, Money, money

FARTHEST = timedelta(days=366)
LONGEST = 300


class Unfilled(ValueError):
    """A form cannot be acted on. `faults` are sentences by the name of the field, '' for the form as a whole."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = faults


class Fields:
    """The fields of one form; `today` is the client's day. What has a fault reads as some value of its type."""

    def __init__(self, form: Mapping[str, str], today: date) -> None:
        self._form, self._today = form, today
        self._faults: dict[str, str] = {}

    def sound(self) -> None:
        """Go on only if nothing is wrong so far. Raises Unfilled."""
        if self._faults:
            raise Unfilled(self._faults)

    def fault(self, name: str, sentence: str) -> None:
        """Note what is wrong with a field; the first fault of a field is told."""
        self._faults.setdefault(name, sentence)

    def said(self, name: str) -> str:
        """What stands in a field; empty where nothing does."""
        return self._form.get(name, "").strip()

    def reason(self) -> str:
        """Why it is done: what everyone reads in the client's history later."""
        return self.text("reason", "Say why: the reason stays in the client's history.")

    def text(self, name: str, missing: str, most: int = LONGEST) -> str:
        """Some words. `missing` is said where there are none."""
        words = self.said(name)
        if not words:
            self.fault(name, missing)
        elif len(words) > most:
            self.fault(name, f"Write at most {most} characters.")
        return words

    def number(self, name: str) -> int:
        """The number of a row that the page named."""
        words = self.said(name)
        if words.isascii() and words.isdigit() and len(words) < 19:
            return int(words)
        self.fault(name, "Choose one of the list.")
        return 0

    def days(self, name: str, most: int) -> int:
        """How many days, from 1."""
        words = self.said(name)
        if words.isascii() and words.isdigit() and 1 <= int(words) <= most:
            return int(words)
        self.fault(name, f"Give a number of days from 1 to {most}.")
        return 1

    def coming(self, name: str, *, least: int = 0) -> date:
        """A day of the coming year, at least so many days from today."""
        first = self._today + timedelta(days=least)
        try:
            day = date.fromisoformat(self.said(name))
        except ValueError:
            self.fault(name, "Give a day, such as 2026-04-15.")
            return first
        if not first <= day <= self._today + FARTHEST:
            self.fault(name, f"Choose {'today' if not least else 'tomorrow'} or a later day within a year.")
        return day

    def amount(self, name: str, currency: str, *, least: int = 1) -> Money:
        """A sum of at least so many minor units: 1, or 0 where nothing is an answer too."""
        try:
            found = money(self.said(name), currency)
        except BadAmount:
            found = Money(-1, currency)
        if found.minor < least:
            wanted = "above 0" if least else "of 0 or more"
            self.fault(name, f"Give a sum {wanted} in {currency}, such as 120.50.")
        return found
