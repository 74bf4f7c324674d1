"""`amiable decide` and `amiable why` as they are typed: what a run would do, what it did, and the reason of it."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import time_machine
from given import given_client, given_invoice, given_plans
from psycopg import sql
from sqlalchemy import make_url, select

from bot.cli import main
from bot.loop import run
from engine.agreements.disputes import dispute
from engine.agreements.pauses import pause
from engine.money import Money
from engine.store.session import Database
from engine.store.tables.portfolio import Client

PLAN = """
groups: [individuals]
plans:
  - plan: retail
    group: individuals
    standard: true
    start: {after_days: 4, min_debt: 10}
    courtesy: [{before_due: 3, send: courtesy_reminder, by: [email]}]
    stages:
      - stage: reminder
        actions: [{send: reminder, by: [email, sms]}]
      - stage: suspension
        after_days: 7
        actions: [{do: suspend_service}, {task: call}]
"""
NOW = datetime(2026, 3, 11, 8, 0, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Iterator[None]:
    """A store with two clients, Ana who owes since ten days and Ion whose bill falls due in three."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setenv("AMIABLE_DATABASE_URL", database_url)
    with time_machine.travel(NOW):
        run(portfolio(database_url))
        yield


async def portfolio(url: str) -> None:
    database = Database(url)
    async with database.write() as session:
        await given_plans(session, PLAN)
        ana = await given_client(session, "ana", email="ana@example.com")
        await given_invoice(session, ana, "I1", "200", TODAY - timedelta(days=10))
        ion = await given_client(session, "ion", email="ion@example.com")
        await given_invoice(session, ion, "I2", "30", TODAY + timedelta(days=3), account="A2")
    await database.close()


def amiable(*words: str) -> int:
    """Type a command. Its exit code."""
    sys.argv = ["amiable", *words]
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def everything(url: str) -> dict[str, str]:
    """A digest of the rows of every table."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    digests = {}
    with psycopg.connect(plain) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        for (table,) in tables:
            every = sql.SQL("select t::text from {} t order by 1").format(sql.Identifier(table))
            rows = connection.execute(every).fetchall()
            digests[table] = hashlib.sha256(repr(rows).encode()).hexdigest()
    assert "cases" in digests
    return digests


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_dry_run_tells_what_would_happen_and_changes_nothing(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = everything(database_url)
    assert amiable("decide", "--dry-run") == 0
    assert everything(database_url) == before
    told = capsys.readouterr().out
    assert "ana, plan retail: real debt 200.00 RON, conditional debt 200.00 RON" in told
    assert (
        "A case began. Stage reminder was entered: conditional debt 200.00 RON reaches the 10.00 RON it needs." in told
    )
    assert "  contact: reminder by email, then sms" in told
    assert "ion, plan retail: courtesy\n  contact: courtesy_reminder by email" in told
    assert (
        f"{TODAY}, dry run: 1 clients looked at; 1 x case open, 1 x contact, 1 x courtesy, 1 x stage entered." in told
    )


def test_a_dry_run_looks_ahead_to_another_day(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert amiable("decide") == 0
    before = everything(database_url)
    capsys.readouterr()
    ahead = TODAY + timedelta(days=7)
    assert amiable("decide", "--dry-run", "--json", "--date", str(ahead)) == 0
    assert everything(database_url) == before
    ana, ion, counts = objects(capsys.readouterr().out)
    assert (ana["client"], ana["from_stage"], ana["stage"], ana["orders"]) == (
        "ana",
        "reminder",
        "suspension",
        [{"verb": "suspend_service", "account": "A1"}],
    )
    assert [task["kind"] for task in ana["tasks"]] == ["call"]
    assert (ion["client"], ion["case"], ion["real_debt"]) == ("ion", "open", "30.00")
    assert counts == {
        "day": str(ahead),
        "dry_run": True,
        "clients": 2,
        "changes": {"case open": 2, "contact": 1, "stage entered": 2, "suspend_service": 1, "task call": 1},
    }


def test_the_run_of_today_is_done_once(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert amiable("decide", "--json") == 0
    told = capsys.readouterr()
    assert objects(told.out) == [
        {
            "day": str(TODAY),
            "dry_run": False,
            "done_before": False,
            "clients": 1,
            "changes": {"case open": 1, "contact": 1, "courtesy": 1, "stage entered": 1},
        }
    ]
    assert told.err == "1 of 1 clients\n"
    before = everything(database_url)
    assert amiable("decide") == 0
    assert "this day's run is done already; nothing was changed" in capsys.readouterr().out
    assert everything(database_url) == before


def test_a_real_run_of_another_day_is_refused(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(database_url)
    assert amiable("decide", "--date", "2025-08-01") == 2
    assert f"a run decides for today, {TODAY}; add --dry-run" in capsys.readouterr().err
    assert everything(database_url) == before


@pytest.mark.parametrize("command", [("decide", "--dry-run"), ("why", "ana")])
def test_a_day_that_is_none_is_refused(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert amiable(*command, "--date", "yesterday") == 2
    assert "'yesterday' is not a day; write it as 2025-08-01" in capsys.readouterr().err


def test_why_of_an_unknown_client_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert amiable("why", "nobody") == 2
    assert "there is no client 'nobody'" in capsys.readouterr().err


def test_why_of_a_day_to_come_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert amiable("why", "ana", "--date", str(TODAY + timedelta(days=2))) == 2
    assert "has not come where ana lives: `amiable decide --dry-run --date" in capsys.readouterr().err


def test_why_before_and_after_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert amiable("why", "ana") == 0
    before = capsys.readouterr().out
    assert "Nothing had been decided on this plan by then." in before
    assert "Preview" in before
    assert amiable("decide") == 0
    capsys.readouterr()
    assert amiable("why", "ana", "--json") == 0
    (answer,) = objects(capsys.readouterr().out)
    (plan,) = answer["plans"]
    assert plan["preview"] is None
    assert (plan["latest"]["stage"], plan["latest"]["real_debt"]) == ("reminder", "200.00")
    assert [contact["script"] for contact in answer["contacts"]] == ["reminder"]
    assert plan["latest"]["waits"] == [
        {
            "term": "after_days",
            "day": str(TODAY + timedelta(days=7)),
            "says": f"The next stage, suspension, waits until {shown(TODAY + timedelta(days=7))}: "
            f"7 days after reminder was entered on {shown(TODAY)}.",
        }
    ]


def test_a_dry_run_tells_what_a_pause_and_a_dispute_hold_back(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert amiable("decide") == 0
    run(held_back(database_url))
    capsys.readouterr()
    assert amiable("decide", "--dry-run") == 0
    told = capsys.readouterr().out
    assert "The case is suspended: only 0.00 RON may be collected now." in told
    assert f"Paused until {shown(TODAY + timedelta(days=20))}." in told
    assert "200.00 RON is frozen: dispute (wrong tariff)." in told


async def held_back(url: str) -> None:
    database = Database(url)
    async with database.write() as session:
        ana = await session.scalar(select(Client.id).where(Client.ref == "ana"))
        await pause(session, ana, 20, "in hospital", "Olga", NOW)
        await dispute(session, ana, Money(20000, "RON"), "wrong tariff", NOW)
    await database.close()


def shown(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
