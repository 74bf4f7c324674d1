"""kill -9 in the middle of the time-lapse, start again: nothing is lost, nothing is sent twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from engine.store.cluster import Cluster

CLIENTS = 60
KILLS = 4
PATIENCE = 240


def start(data: Path) -> subprocess.Popen[bytes]:
    program = "import sys; from bot.cli import main; sys.argv = sys.argv[1:]; main()"
    words = ["amiable", "demo", "--once", "--clients", str(CLIENTS), "--data", str(data)]
    with (data.parent / "demo.log").open("ab") as log:
        return subprocess.Popen([sys.executable, "-c", program, *words], stdout=log, stderr=log, start_new_session=True)


def reached(data: Path) -> str:
    file = data / "demo" / "progress.json"
    return str(json.loads(file.read_text())["now"]) if file.exists() else ""


def kill_under_way(data: Path, moments: int) -> None:
    """Start, let it get some moments further, and kill it and nothing else."""
    running = start(data)
    before, seen = reached(data), set[str]()
    deadline = time.monotonic() + PATIENCE
    while len(seen) < moments:
        assert running.poll() is None, (data.parent / "demo.log").read_text()
        assert time.monotonic() < deadline, "the demo does not get on"
        seen |= {reached(data)} - {before, ""}
        time.sleep(0.002)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("killed") / "data"
    data.mkdir()
    for round_ in range(KILLS):
        kill_under_way(data, moments=17 + 13 * round_)
    last = start(data)
    assert last.wait(PATIENCE) == 0, (data.parent / "demo.log").read_text()
    return data


@pytest.fixture(scope="module")
def store(played: Path) -> Iterator[psycopg.Connection[Any]]:
    with Cluster(played / "demo-store", durable=False) as cluster:
        url = make_url(cluster.url("amiable")).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection


def journal(data: Path, name: str, event: str) -> list[dict[str, Any]]:
    lines = (data / "demo" / f"{name}.jsonl").read_text().splitlines()
    return [entry for line in lines if (entry := json.loads(line)).get("event") == event]


def rows(store: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return store.execute(query).fetchall()


def test_no_message_reached_a_phone_twice(played: Path, store: psycopg.Connection[Any]) -> None:
    message = dict(rows(store, "select id::text, outbound_id from attempts"))
    taken = Counter(message[entry["callback"].rpartition("/")[2]] for entry in journal(played, "twilio", "sms"))
    assert taken
    assert [number for number, times in taken.items() if times > 1] == []


def test_no_mail_was_offered_twice(played: Path, store: psycopg.Connection[Any]) -> None:
    message = dict(rows(store, "select reference, outbound_id from attempts where reference like '<%'"))
    mails = [line for entry in journal(played, "mail", "mail") for line in entry["raw"].splitlines()]
    numbers = [line.partition(":")[2].strip() for line in mails if line.lower().startswith("message-id:")]
    assert numbers
    assert len(numbers) == len(set(numbers))
    taken = Counter(message[number] for number in numbers if number in message)
    assert [number for number, times in taken.items() if times > 1] == []


def test_what_the_carrier_took_is_known_to_the_store(played: Path, store: psycopg.Connection[Any]) -> None:
    known = {reference for (reference,) in rows(store, "select reference from attempts where reference is not null")}
    assert {entry["sid"] for entry in journal(played, "twilio", "sms")} <= known


def test_nothing_is_left_between_two_states(store: psycopg.Connection[Any]) -> None:
    assert rows(store, "select id from outbound where state = 'sending'") == []
    assert rows(store, "select id from outbound where state = 'unknown' and settled_at is null") == []
    assert rows(store, "select id, error from inbox where state <> 'done'") == []


def test_every_reply_was_heard_once(played: Path, store: psycopg.Connection[Any]) -> None:
    sent = [entry for entry in journal(played, "twilio", "owed") if "webhooks/twilio/sms" in json.dumps(entry)]
    heard = rows(store, "select event from inbox where provider = 'twilio-sms'")
    assert len(heard) == len(sent) > 0
    outside = "select count(*) from inbox where provider in ('twilio-sms', 'mail') and error = 'unknown sender'"
    assert rows(store, outside) == [(0,)]
    mails = rows(store, "select count(*) from inbox where provider = 'mail'")
    said = """
        select t.channel, count(*) from messages m join conversations t on t.id = m.conversation_id
        where m.author = 'client' group by 1"""
    counts = dict(rows(store, said))
    assert counts["sms"] == len(heard)
    assert counts.get("email", 0) == mails[0][0]


def test_the_money_adds_up(store: psycopg.Connection[Any]) -> None:
    astray = """
        select i.ref from invoices i
        where i.balance <> (select sum(e.amount) from ledger_entries e where e.invoice_id = i.id)"""
    assert rows(store, astray) == []
    unshared = """
        select p.ref from payments p where p.status = 'confirmed'
          and p.amount <> -(select sum(e.amount) from ledger_entries e where e.payment_id = p.id)"""
    assert rows(store, unshared) == []
    assert rows(store, "select ref from payments group by ref having count(*) > 1") == []


def test_a_cycle_has_each_contact_once_and_every_contact_an_end(store: psycopg.Connection[Any]) -> None:
    twice = "select coalesce(source, case_id::text), stage, action from contacts group by 1, 2, 3 having count(*) > 1"
    assert rows(store, twice) == []
    assert (
        rows(
            store, "select id from contacts where state = 'planned' and send_until < (select max(at) from case_events)"
        )
        == []
    )
    orphans = """
        select c.id from contacts c where c.state = 'opened'
          and not exists (select from outbound o where o.contact_id = c.id)"""
    assert rows(store, orphans) == []


def test_every_day_was_decided(store: psycopg.Connection[Any]) -> None:
    days = rows(store, "select count(*), max(day) - min(day) + 1 from daily_runs where job = 'decide'")
    assert days == [(days[0][1], days[0][1])]
    assert days[0][0] > 30


def test_no_order_was_answered_twice(store: psycopg.Connection[Any]) -> None:
    told = rows(store, "select detail->>'order' from case_events where kind in ('order_done', 'order_refused')")
    assert told
    assert [order for order, times in Counter(told).items() if times > 1] == []
    assert rows(store, "select count(*) from service_orders where outcome is not null") == [(len(told),)]
