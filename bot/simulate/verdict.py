"""Holding what was expected of a scenario against what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from bot.sandbox import Carriers
from bot.simulate.deeds import Deed, contacts_sent, orders_given, tasks_made, texts_received
from bot.simulate.expectation import CLIENT_STATES, NOTHING, PLAN_STATES, Expectation
from bot.simulate.observation import Snapshot
from bot.simulate.scenario import Scenario
from engine.store.session import Database

NOT_LOOKED_AT = Snapshot()


@dataclass(frozen=True, slots=True)
class Judge:
    """What is known after a run: the store, the carriers, and how each client stood at the ends of days asked about.

    `plain` gives a text about a client with their accounts and invoices named as in the file.
    """

    scenario: Scenario
    database: Database
    carriers: Carriers
    clients: Mapping[str, int]
    snapshots: Mapping[tuple[str, date], Snapshot]
    plain: Callable[[str, str], str]

    async def failures(self) -> list[str]:
        """Every expectation that does not hold, with its line and what was found instead."""
        return [
            f"{self.scenario.file}:{expected.line}: {expected}: {reason}"
            for expected in self.scenario.expectations
            for reason in await self._check(expected)
        ]

    async def _check(self, expected: Expectation) -> list[str]:
        snapshot = self.snapshots.get((expected.client, expected.last), NOT_LOOKED_AT)
        wrong = _compare_plans(expected, snapshot)
        for key in CLIENT_STATES:
            found = snapshot.values.get(key, frozenset())
            if key in expected.wants and expected.wants[key] not in found:
                wrong.append(f"{key} is {', '.join(sorted(found)) or 'not there'}")
        return wrong + await self._check_deeds(expected)

    async def _check_deeds(self, expected: Expectation) -> list[str]:
        person = next(one for one in self.scenario.people if one.client == expected.client)
        client, zone, wants = self.clients[expected.client], ZoneInfo(person.timezone), expected.wants
        wrong = []
        if "sent" in wants:
            sent = await contacts_sent(self.database, client, zone)
            wrong += _compare(expected, sent, wants["sent"], wants.get("script"))
        if "did" in wants:
            done = self._plain(expected.client, await orders_given(self.database, client, zone))
            wrong += _compare(expected, done, wants["did"], wants.get("account"))
        if "task" in wants:
            wrong += _compare(expected, await tasks_made(self.database, client, zone), wants["task"], None)
        if "received" in wants:
            texts = self._plain(expected.client, texts_received(self.carriers, person, zone))
            wrong += _compare_texts(expected, texts, wants["received"], wants.get("by"))
        return wrong

    def _plain(self, client: str, deeds: list[Deed]) -> list[Deed]:
        return [replace(one, what=self.plain(client, one.what), detail=self.plain(client, one.detail)) for one in deeds]


def _compare_plans(expected: Expectation, snapshot: Snapshot) -> list[str]:
    """All that is wanted of a plan must be so by one and the same: the one named, or any."""
    wanted = {key: expected.wants[key] for key in PLAN_STATES if key in expected.wants}
    if not wanted:
        return []
    looked_at = {name: states for name, states in snapshot.plans.items() if expected.plan in ("", name)}
    others = {
        name: [f"{key} is {states[key]}" for key, value in wanted.items() if states[key] != value]
        for name, states in looked_at.items()
    }
    if not all(others.values()):
        return []
    if len(others) == 1:
        return next(iter(others.values()))
    return ["; ".join(f"by {name} {', '.join(wrong)}" for name, wrong in others.items())]


def _compare(expected: Expectation, deeds: list[Deed], what: str, detail: str | None) -> list[str]:
    found = [deed for deed in _within(expected, deeds) if expected.plan in ("", deed.plan) or not deed.plan]
    told = "; ".join(map(str, found)) or NOTHING
    asked = [deed for deed in found if detail in (None, deed.detail)]
    if what == NOTHING:
        return [f"there was {told}"] if asked else []
    return [] if any(deed.what == what for deed in asked) else [f"there was {told}"]


def _compare_texts(expected: Expectation, deeds: list[Deed], text: str, channel: str | None) -> list[str]:
    found = [deed for deed in _within(expected, deeds) if channel in (None, deed.detail)]
    if any(text in " ".join(deed.what.split()) or text in deed.what for deed in found):
        return []
    return ["received " + ("; ".join(repr(deed.what) for deed in found) or NOTHING)]


def _within(expected: Expectation, deeds: list[Deed]) -> list[Deed]:
    return [deed for deed in deeds if expected.first <= deed.day <= expected.last]
