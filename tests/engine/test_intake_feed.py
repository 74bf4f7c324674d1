"""The files a billing system may leave, as they are: marks, encodings, line ends, and what is no table at all."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from engine.intake.feed import Feed, write_rejects
from engine.intake.importing import BadRows
from engine.intake.records import FeedError, Record
from engine.intake.rows import COLUMNS, ImportProblem, Kind

HEADER = "account,client,provider,service,currency"
ROW = {"account": "A1", "client": "ana", "provider": "acme", "service": "tv", "currency": "RON"}


def feed(directory: Path, name: str, content: str | bytes) -> Feed:
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Feed(path, COLUMNS[Kind.ACCOUNTS])


def fault(directory: Path, name: str, content: str | bytes) -> str:
    with pytest.raises(FeedError) as refused:
        list(feed(directory, name, content).records())
    return str(refused.value).replace(str(directory), "")


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\nA1,ana,acme,tv,RON\n",
        f"{HEADER}\r\nA1,ana,acme,tv,RON\r\n\r\n",
        f"\ufeff{HEADER}\nA1,ana,acme,tv,RON",
        f"{HEADER.replace(',', ';')}\nA1;ana;acme;tv;RON\n",
        'Account , CLIENT,"provider",service,currency\n"A1", ana ,acme,tv,RON\n',
    ],
)
def test_csv_is_read_with_either_mark_and_with_or_without_a_byte_order_mark(tmp_path: Path, text: str) -> None:
    assert list(feed(tmp_path, "a.csv", text).records()) == [Record(2, ROW, {})]


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.JSONL"])
def test_json_lines_keep_numbers_exact_and_null_empty(tmp_path: Path, name: str) -> None:
    text = '{"account": 12, "currency": null, "status": 0.10}\n\n{"client": ["a", "b"]}\n'
    assert list(feed(tmp_path, name, text).records()) == [
        Record(1, {"account": "12", "currency": "", "status": "0.10"}, {}),
        Record(3, {"client": "a,b"}, {}),
    ]


def test_a_line_that_is_no_object_is_a_bad_row_and_not_the_end(tmp_path: Path) -> None:
    text = '{"account": \n[1]\n{"account": true, "client": "ana"}\n'
    records = list(feed(tmp_path, "a.jsonl", text).records())
    assert [record.faults for record in records] == [
        {"": "is not JSON; write one object a line"},
        {"": "is not a JSON object with the columns as its keys"},
        {"account": "is neither a text nor a number"},
    ]


def test_the_line_of_a_record_is_where_it_begins(tmp_path: Path) -> None:
    text = f'{HEADER}\nA1,ana,"ac\nme",tv,RON\nA2,ana,acme\n\nA3,ana,acme,tv,RON\n'
    first, short, last = feed(tmp_path, "a.csv", text).records()
    assert (first.line, first.faults) == (2, {"provider": "holds a control character or half a character"})
    assert (short.line, short.faults) == (4, {"": "has 3 cells, and the header has 5"})
    assert (last.line, last.faults) == (6, {})


def test_what_the_database_could_not_keep_is_a_bad_row(tmp_path: Path) -> None:
    text = '{"account": "A\\u0000", "client": "\\ud800", "provider": "%s"}\n' % ("x" * 501)
    (record,) = feed(tmp_path, "a.jsonl", text).records()
    assert set(record.faults) == {"account", "client", "provider"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "/a.csv:1: the first line must name the columns, and it is empty"),
        ("a.csv", "account,client\n", "/a.csv:1: the column 'provider' is missing"),
        ("a.csv", f"{HEADER},account\n", "/a.csv:1: there are two columns 'account'"),
        (
            "a.csv",
            HEADER.replace(",", "\t"),
            "/a.csv:1: the columns are divided by tabs; divide all of them by commas, or all of them by semicolons",
        ),
        (
            "a.csv",
            HEADER.replace(",", ";", 1),
            "/a.csv:1: the columns are divided by semicolons and commas; "
            "divide all of them by commas, or all of them by semicolons",
        ),
        (
            "a.csv",
            f"{HEADER},iban\n",
            "/a.csv:1: unknown column 'iban'; the columns are: account, client, provider, service, currency, status",
        ),
        (
            "a.jsonl",
            '{"account": "A1"}\n{"iban": "A1"}\n',
            "/a.jsonl:2: unknown column 'iban'; the columns are: account, client, provider, service, currency, status",
        ),
        (
            "a.csv",
            f"{HEADER}\nA1,ana,acme,tv,RON\n".encode("utf-16"),
            "/a.csv:1: is not UTF-8 text; save the file as UTF-8",
        ),
        (
            "a.csv",
            f"{HEADER}\nA1,ană,acme,tv,RON\n".encode("iso-8859-2"),
            "/a.csv:2: is not UTF-8 text; save the file as UTF-8",
        ),
        (
            "a.csv",
            f'{HEADER}\nA1,ana,acme,tv,RON\nA2,"ana,acme,tv,RON\n',
            "/a.csv:3: is not CSV: unexpected end of data; a cell with a quote in it doubles the quote",
        ),
        ("a.xlsx", "PK", "/a.xlsx: the name of the file must end in .csv, .jsonl, .ndjson or .parquet"),
    ],
)
def test_a_file_that_is_no_table_is_refused_whole(tmp_path: Path, name: str, content: str, message: str) -> None:
    assert fault(tmp_path, name, content) == message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = Feed(tmp_path / "gone.csv", COLUMNS[Kind.ACCOUNTS])
    with pytest.raises(FeedError, match=r"gone\.csv: cannot be read: No such file or directory"):
        list(missing.records())
    with pytest.raises(FeedError, match=r"gone\.csv: cannot be read"):
        missing.lines()


def test_rejected_rows_keep_their_columns_and_gain_line_and_reason(tmp_path: Path) -> None:
    source = feed(tmp_path, "a.csv", f"{HEADER},line,reason\nA1,ana,acme,tv,RON,7,old\nA2,bob,acme,tv,RON,8,old\n")
    write_rejects(source, {3: "client: there is no client 'bob'"}, tmp_path / "bad.csv")
    with (tmp_path / "bad.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            [*HEADER.split(","), "line", "reason"],
            ["A2", "bob", "acme", "tv", "RON", "3", "client: there is no client 'bob'"],
        ]


def test_rejected_rows_never_overwrite_their_source(tmp_path: Path) -> None:
    source = feed(tmp_path, "a.csv", f"{HEADER}\nA1,ana,acme,tv,RON\n")
    with pytest.raises(FeedError, match="cannot go into the file they come from"):
        write_rejects(source, {2: "any"}, tmp_path / "a.csv")
    with pytest.raises(FeedError, match="cannot be written"):
        write_rejects(source, {2: "any"}, tmp_path / "no" / "bad.csv")


def test_fifty_problems_are_shown_and_the_others_counted() -> None:
    problems = [ImportProblem(line, "amount", "is empty") for line in range(2, 72)]
    lines = str(BadRows(Path("i.csv"), problems)).splitlines()
    assert lines[0] == "i.csv:2: amount: is empty"
    assert lines[49:51] == ["i.csv:51: amount: is empty", "and 20 more problems"]
    assert lines[51].startswith("i.csv: 70 rows are bad and nothing was written")
