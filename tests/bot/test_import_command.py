"""`amiable import` as it is typed: its words, its exit codes, and that nothing is half done."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
import typer
from sqlalchemy import make_url
from typer.testing import CliRunner

from bot.cli import app as amiable

HEADER = "client,group,name,language,timezone,sms\n"
ANA = "ana,individuals,Ana,ro,Europe/Bucharest,+40712345678\n"
BOB = "bob,individuals,Bob,ro,Mars,+40712345679\n"


@pytest.fixture
def app(database_url: str, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setenv("AMIABLE_DATABASE_URL", database_url)
    with psycopg.connect(_plain(database_url)) as connection:
        connection.execute("insert into plan_groups (name) values ('individuals')")
    return amiable


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def clients(url: str) -> list[str]:
    with psycopg.connect(_plain(url)) as connection:
        return [row[0] for row in connection.execute("select ref from clients order by ref")]


def test_a_good_file_goes_in_and_is_summed_up(app: typer.Typer, tmp_path: Path, database_url: str) -> None:
    (tmp_path / "clients.csv").write_text(HEADER + ANA)
    done = CliRunner().invoke(app, ["import", "clients", str(tmp_path / "clients.csv")])
    assert (done.exit_code, done.stdout) == (0, "clients: 1 read, 1 added, 0 changed, 0 the same\n")
    assert clients(database_url) == ["ana"]


def test_a_bad_row_is_told_on_stderr_and_nothing_goes_in(app: typer.Typer, tmp_path: Path, database_url: str) -> None:
    file = tmp_path / "clients.csv"
    file.write_text(HEADER + ANA + BOB)
    done = CliRunner().invoke(app, ["import", "clients", str(file)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{file}:3: timezone: 'Mars' is not a time zone" in done.stderr
    assert clients(database_url) == []


def test_with_rejects_the_good_rows_go_in(app: typer.Typer, tmp_path: Path, database_url: str) -> None:
    (tmp_path / "clients.csv").write_text(HEADER + ANA + BOB)
    bad = tmp_path / "bad.csv"
    done = CliRunner().invoke(app, ["import", "clients", str(tmp_path / "clients.csv"), "--rejects", str(bad)])
    assert done.exit_code == 0
    assert done.stdout.endswith(f"1 added, 0 changed, 0 the same, 1 rejected and written to {bad}\n")
    assert bad.read_text().splitlines()[1].startswith("bob,")
    assert clients(database_url) == ["ana"]


@pytest.mark.parametrize("rejects", ["no/bad.csv", "clients.csv"])
def test_rejects_that_cannot_be_written_keep_everything_out(
    app: typer.Typer, tmp_path: Path, database_url: str, rejects: str
) -> None:
    (tmp_path / "clients.csv").write_text(HEADER + ANA + BOB)
    arguments = ["import", "clients", str(tmp_path / "clients.csv"), "--rejects", str(tmp_path / rejects)]
    assert CliRunner().invoke(app, arguments).exit_code == 2
    assert clients(database_url) == []


@pytest.mark.parametrize(
    "arguments", [["people", "x.csv"], ["clients"], ["clients", "gone.csv"], ["clients", "x.parquet"]]
)
def test_what_cannot_be_imported_is_bad_usage(app: typer.Typer, arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["import", *arguments]).exit_code == 2
