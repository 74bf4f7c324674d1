"""The rows of a feed's file as text, whatever kind of file it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LONGEST = 500
SLICE = 5000
"""Records at a time."""
UNSTORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class FeedError(ValueError):
    """The file cannot be read at all: which file and line, what is wrong, and what would be right."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}" if line else f"{path}: {message}")


@dataclass(frozen=True, slots=True)
class Record:
    """One row as text. `cells` lacks what the file does not state; `faults` says, by column, what is no cell at all.

    `first` is the line that already has what identifies it. `wording` is a digest of what of it never changes.
    """

    line: int
    cells: Mapping[str, str]
    faults: Mapping[str, str]
    first: int | None = None
    wording: int | None = None


def faults_of(cells: Mapping[str, str]) -> dict[str, str]:
    """What no cell may be, by column."""
    faults = {name: f"is longer than {LONGEST} characters" for name, cell in cells.items() if len(cell) > LONGEST}
    for name, cell in cells.items():
        if not cell.isprintable() and UNSTORABLE.search(cell):
            faults[name] = "holds a control character or half a character"
    return faults
