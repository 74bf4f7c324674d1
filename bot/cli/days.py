"""Days as they are typed."""

from __future__ import annotations

from datetime import date


class BadDay(ValueError):
    """The day is not written as 2025-08-01."""


def read_day(text: str) -> date | None:
    """The day of an option, None where it is left out. Raises BadDay."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadDay(f"'{text}' is not a day; write it as 2025-08-01") from None
