"""The cells of one record, read as what they mean; everything that is wrong with them is collected."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from babel import Locale, UnknownLocaleError

from engine.calendar import UnknownZone, zone
from engine.contact import ChannelKind
from engine.intake.records import Record
from engine.intake.rows import ImportProblem
from engine.money import BadAmount, Money, is_currency, money
from engine.store.addresses import BadAddress, normal

Word = TypeVar("Word", bound=StrEnum)

YEARS = range(1970, 2100)


class Cells:
    """Typed readers of one record. Each gives None where there is nothing usable, having noted why."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self.problems = [ImportProblem(record.line, column, reason) for column, reason in record.faults.items()]

    def wrong(self, column: str, reason: str) -> None:
        """Note a problem; a cell that could not be read at all keeps to the one it has."""
        if column not in self._record.faults:
            self.problems.append(ImportProblem(self._record.line, column, reason))

    def stated(self, column: str) -> str | None:
        """A cell that may be missing (None) or empty."""
        return self._record.cells.get(column)

    def needed(self, column: str) -> str:
        """A cell that must say something; empty where it does not."""
        text = self._record.cells.get(column, "")
        if not text:
            self.wrong(column, "is empty")
        return text

    def word(self, column: str, words: type[Word]) -> Word | None:
        """One of an enumeration's words, in any case of letters; None where nothing is said."""
        text = self.stated(column)
        if not text:
            return None
        try:
            return words(text.lower())
        except ValueError:
            self.wrong(column, f"'{text}' is not one of: {', '.join(words)}")
            return None

    def day(self, column: str) -> date | None:
        """A day as YYYY-MM-DD."""
        text = self.needed(column)
        try:
            value = date.fromisoformat(text) if text else None
        except ValueError:
            self.wrong(column, f"'{text}' is not a day; write it as 2025-08-01")
            return None
        return value if value is None else self._plausible(column, value)

    def moment(self, column: str, zone_name: str) -> datetime | None:
        """An instant in UTC; a time without a zone, or a day (its first minute), is where the client lives."""
        text = self.needed(column)
        try:
            value = datetime.fromisoformat(text) if text else None
        except ValueError:
            self.wrong(column, f"'{text}' is not a time; write it as 2025-08-01 or 2025-08-01T09:30")
            return None
        if value is None or self._plausible(column, value) is None:
            return None
        return (value if value.tzinfo else value.replace(tzinfo=zone(zone_name))).astimezone(UTC)

    def amount(self, column: str, currency: str) -> Money | None:
        """A sum, in digits with a point; None without a problem where the cell is missing or empty."""
        text = self.stated(column)
        if not text:
            return None
        try:
            return money(text, currency)
        except BadAmount as error:
            self.wrong(column, str(error))
            return None

    def positive(self, column: str, currency: str) -> Money | None:
        """A sum above zero, which must be there."""
        value = self.amount(column, currency) if self.needed(column) else None
        if value is not None and value.minor <= 0:
            self.wrong(column, f"{value} is not more than zero")
            return None
        return value

    def currency(self, column: str) -> str | None:
        """An ISO 4217 code."""
        code = (self.stated(column) or "").upper()
        if code and not is_currency(code):
            self.wrong(column, f"'{code}' is not a currency; write its three letters, such as RON")
            return None
        return code or None

    def address(self, channel: ChannelKind) -> str | None:
        """An address in its normal form; empty where the client has none."""
        text = self.stated(channel)
        if not text:
            return text
        try:
            return normal(channel, text)
        except BadAddress as error:
            self.wrong(channel, str(error))
            return None

    def zone(self, column: str) -> str:
        """An IANA time zone."""
        name = self.needed(column)
        if name and not _is_zone(name):
            self.wrong(column, f"'{name}' is not a time zone; write an IANA name such as Europe/Bucharest")
        return name

    def language(self, column: str) -> str:
        """A BCP-47 tag of a language that CLDR knows, as CLDR writes it: RO is ro."""
        tag = self.needed(column)
        written = _language(tag) if tag else ""
        if written is None:
            self.wrong(column, f"'{tag}' is not a language; write its tag, such as ro or ru-MD")
        return written or tag

    def country(self, column: str) -> str | None:
        """An ISO 3166 code of two letters."""
        text = self.stated(column)
        if text and text.upper() not in _countries():
            self.wrong(column, f"'{text}' is not a country; write its two letters, such as RO")
        return text if text is None else text.upper()

    def _plausible(self, column: str, value: date) -> date | None:
        if value.year in YEARS:
            return value
        self.wrong(
            column, f"{value.isoformat()[:10]} cannot be right: the year is not between {YEARS[0]} and {YEARS[-1]}"
        )
        return None


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> bool:
    try:
        zone(name)
    except UnknownZone:
        return False
    return True


@lru_cache(maxsize=1024)
def _language(tag: str) -> str | None:
    try:
        return str(Locale.parse(tag.replace("_", "-"), sep="-")).replace("_", "-")
    except (UnknownLocaleError, ValueError):
        return None


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    codes = map(str, Locale("en").territories)
    return frozenset(code for code in codes if len(code) == 2 and code.isalpha())
