"""The proof in small: senders are killed and carriers fail, and the books agree; a naive sender is caught."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bot.prove.happenings import Kill, planned
from bot.prove.run import prove
from bot.prove.trial import Trial
from bot.prove.verdict import Verdict
from channels.sandbox.faults import Fault, FaultPlan, Odds
from engine.contact import ChannelKind

CONTACTS, KILLS = 300, 5


async def held(trial: Trial, database_url: str, log: Path) -> Verdict:
    """The verdict of a trial; nothing went wrong in its processes unawares."""
    told: list[tuple[str, int, int]] = []
    verdict = await prove(trial, database_url, lambda *news: told.append(news), log)
    assert "Traceback" not in await asyncio.to_thread(log.read_text)
    assert told[0] == ("clients who owe", 0, 0)
    assert told[-1][0] == "messages the carriers took"
    return verdict


async def test_killed_senders_and_failing_carriers_neither_lose_nor_double(database_url: str, tmp_path: Path) -> None:
    verdict = await held(Trial(seed=7, kills=KILLS, contacts=CONTACTS), database_url, tmp_path / "log")
    assert verdict.holds, verdict
    assert verdict.kills == KILLS
    assert verdict.unknown > 0, "kills leave messages in doubt"
    assert verdict.gaps > 0, "webhooks that never come are found in the carrier's records"
    assert verdict.taken[ChannelKind.SMS] > CONTACTS // 2
    assert verdict.as_json() | {"seconds": 0, "unknown": 0, "resolved": 0} == {
        "seed": 7,
        "kills": KILLS,
        "contacts": CONTACTS,
        "lost": 0,
        "duplicated": 0,
        "unknown": 0,
        "resolved": 0,
        "seconds": 0,
        "control": False,
    }
    assert json.loads(json.dumps(verdict.as_json()))["resolved"] == verdict.unknown


async def test_a_naive_sender_is_caught(database_url: str, tmp_path: Path) -> None:
    verdict = await held(Trial(seed=7, kills=KILLS, contacts=CONTACTS, control=True), database_url, tmp_path / "log")
    assert verdict.duplicated > 0
    assert not verdict.holds


def test_a_seed_draws_the_same_trial_again() -> None:
    first, again, other = planned(Trial(seed=1)), planned(Trial(seed=1)), planned(Trial(seed=2))
    assert first == again != other
    assert sum(isinstance(one, Kill) for one in first) == Trial().kills


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.BROKEN, Fault.LOST, Fault.LATE, Fault.SLOW])
def test_faults_are_as_frequent_as_asked_and_the_same_for_the_same_seed(fault: Fault) -> None:
    odds, addresses = Odds(), [f"+407{number:08}" for number in range(10_000)]
    plan, again = FaultPlan(3, odds), FaultPlan(3, odds)
    assert [plan.next(to) for to in addresses] == [again.next(to) for to in reversed(addresses)][::-1]
    assert getattr(odds, fault.value) - 1 < plan.met[fault] / 100 < getattr(odds, fault.value) + 1
