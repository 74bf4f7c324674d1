"""However a file is read, in blocks or row by row, its rows are those of Python's csv module, each with its line."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random

import pytest

from engine.intake.feed import BLOCK, Block, Feed
from engine.intake.records import FeedError
from engine.intake.rows import COLUMNS, Kind

COLUMN_NAMES = ["account", "client", "provider", "service", "currency"]
USUAL = ("ana", "acme", "tv", "RON", "home internet", "Ștefan", "12.50", "")
ODD = (
    '"ac""me"',
    '"a,b"',
    '"two\nlines"',
    '"three\r\nlines\r\n"',
    " tv ",
    "a\\b",
    "a\tb",
    '"\r"',
    "\N{NO-BREAK SPACE}x",
)


def some_file(seed: int, end: str, odd: float) -> str:
    """Long enough for several blocks; `odd` is the share of rows that are not plain."""
    random = Random(seed)  # noqa: S311 - repeatable, nothing secret
    rows = [",".join(COLUMN_NAMES)]
    while len(rows) < BLOCK // 8:
        cells = [f"A{len(rows)}", *(random.choice(USUAL) for _ in COLUMN_NAMES[1:])]
        if random.random() < odd:
            cells[random.randrange(5)] = random.choice(ODD)
        rows.append(",".join(cells))
        if random.random() < odd / 10:
            rows.append("")
    return end.join(rows) + random.choice((end, ""))


def expected(path: Path) -> list[tuple[int, list[str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader, line, rows = csv.reader(file, strict=True), 1, []
        for cells in reader:
            if cells:
                rows.append((line, [cell.strip() for cell in cells]))
            line = reader.line_num + 1
    return rows[1:]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("odd", [0, 0.00005, 0.01, 0.5])
def test_rows_and_lines_are_those_of_the_csv_module(tmp_path: Path, end: str, odd: float) -> None:
    path = tmp_path / "a.csv"
    path.write_text(some_file(7, end, odd), encoding="utf-8", newline="")
    feed = Feed(path, COLUMNS[Kind.ACCOUNTS])
    found = [(record.line, [record.cells[name] for name in COLUMN_NAMES]) for record in feed.records()]
    assert found == expected(path)
    blocks = sum(isinstance(block, Block) for block in feed.blocks())
    assert (blocks > 1) is (odd < 0.01), "a plain file is read in blocks, the other row by row"


def test_an_odd_block_among_plain_ones_is_read_row_by_row_and_the_others_are_not(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    plain = some_file(3, "\n", 0).removesuffix("\n")
    path.write_text(f'{plain}\nX,"ana\nb",acme,tv,RON\n{plain.partition(chr(10))[2]}\n', encoding="utf-8", newline="")
    feed = Feed(path, COLUMNS[Kind.ACCOUNTS])
    assert [isinstance(block, Block) for block in feed.blocks()].count(False) == 1
    found = [(record.line, [record.cells[name] for name in COLUMN_NAMES]) for record in feed.records()]
    assert found == expected(path)


def test_a_quote_that_is_never_closed_is_told_where_it_opens_however_far_down(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = some_file(5, "\n", 0.01)
    last = len(expected_lines(text))
    path.write_text(text.removesuffix("\n") + '\nA,"ana,acme,tv,RON\n', encoding="utf-8", newline="")
    with pytest.raises(FeedError, match=rf"a\.csv:{last + 1}: is not CSV"):
        list(Feed(path, COLUMNS[Kind.ACCOUNTS]).records())


def expected_lines(text: str) -> list[str]:
    """Lines as a file opened with newline="" has them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
