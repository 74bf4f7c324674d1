"""Markdown that the program writes: figures in a table, and their place in a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterable

END = "<!-- end of the figures -->"


class NoPlace(ValueError):
    """The page has no place for figures: it needs the two comments between which they are written."""


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of texts, each row as wide as its heads."""
    first = tuple(heads)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (first, ["---"] * len(first), *rows))


def put(page: str, begin: str, figures: str) -> str:
    """The page with these figures between the comments `begin` and END, instead of what it has. Raises NoPlace."""
    before, begun, rest = page.partition(begin)
    _, end, after = rest.partition(END)
    if not begun or not end:
        raise NoPlace(f"{NoPlace.__doc__} They are {begin} and {END}")
    return f"{before}{begin}\n\n{figures}\n\n{END}{after}"
