"""Laying options out as text, for channels whose answers are typed."""

from __future__ import annotations

from collections.abc import Sequence

from dialogs.message import Choice


def numbered(choices: Sequence[Choice]) -> list[str]:
    """One line an option, numbered from 1: the number or the words can be typed back."""
    return [f"{number} {choice.label}" for number, choice in enumerate(choices, start=1)]
