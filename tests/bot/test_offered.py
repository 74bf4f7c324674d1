"""What a talk may say of offers, of the agency and of places to pay, read from the case store and the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from given import given_invoice, plan
from loop import Loop, running_loop
from sqlalchemy import select, update

from bot.paypoints import SAMPLE, near, read_pay_points
from bot.settings import BadSettings, Settings, load_settings
from bot.situation import Situations
from dialogs.facts import Due, Facts
from engine.agreements.promises import promise
from engine.apply import Source, apply
from engine.document import DocumentError
from engine.money import Money, money
from engine.outcome import OfferAccepted, OfferKind
from engine.store.session import lock_clients
from engine.store.tables.casework import Contact, Task
from engine.store.tables.portfolio import Client

NOW = datetime(2026, 3, 11, 9, tzinfo=UTC)
TODAY = date(2026, 3, 11)
PLAN = plan("""
    offers: {amnesty: {pay: 60, within: 14}, prepayment: {months: 11, free: 1, price: 440, within: 20}}
    agency: Northern Recovery
    stages:
      - stage: amnesty
        actions: [{send: amnesty_offer, by: [sms]}]
      - stage: agency
        after_days: 10
        actions: [{do: refer_agency, min_account_debt: 100}]
""")


def lei(amount: str | int) -> Money:
    return money(amount, "RON")


@pytest.fixture
async def loop(database_url: str) -> AsyncIterator[Loop]:
    """Ana owes 200 lei; the amnesty has been offered to her today."""
    async with running_loop(database_url, NOW, plan=PLAN) as running:
        await running.decide()
        yield running


async def stands(loop: Loop, later: int = 0, *, of_contact: bool = True) -> Facts:
    app, now = loop.sandbox.wired.app, NOW + timedelta(days=later)
    async with app.database.read() as session:
        contact = await session.scalar(select(Contact.id)) if of_contact else None
        situations = await Situations.read(session, app, [loop.ana], now)
        return situations.facts(await session.get_one(Client, loop.ana), "RON", contact)


async def test_an_offer_names_the_part_the_rest_and_a_day_that_does_not_move(loop: Loop) -> None:
    for later in (0, 3):
        facts = await stands(loop, later)
        assert facts.amnesty == Due(lei(120), TODAY + timedelta(days=14))
        assert facts.cancelled == lei(80)
        assert facts.prepayment == Due(lei(440), TODAY + timedelta(days=20))
        assert (facts.months_paid, facts.months_free) == (11, 1)
    without = await stands(loop, 3, of_contact=False)
    assert without.amnesty == Due(lei(120), TODAY + timedelta(days=17)), "a contact made today would offer that"


async def test_an_offer_is_over_after_its_day(loop: Loop) -> None:
    assert (await stands(loop, 14)).amnesty is not None
    facts = await stands(loop, 15)
    assert (facts.amnesty, facts.cancelled) == (None, None)
    assert facts.prepayment is not None


async def test_an_amnesty_is_of_what_is_free_and_of_nothing_else(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        await promise(session, loop.ana, lei("99.99"), TODAY + timedelta(days=9), NOW)
    facts = await stands(loop)
    assert (facts.amnesty, facts.cancelled) == (Due(lei("60.01"), TODAY + timedelta(days=14)), lei("40.00"))
    async with loop.sandbox.wired.app.database.write() as session:
        await promise(session, loop.ana, lei("100.01"), TODAY + timedelta(days=9), NOW)
    assert (await stands(loop)).amnesty is None


async def test_what_was_taken_stays_what_it_was(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        await lock_clients(session, [loop.ana])
        contact = await session.scalar(select(Contact.id))
        source = Source(loop.ana, 0, "sms", "RON", "event:1", talk=1, contact=contact)
        await apply(session, [OfferAccepted(OfferKind.AMNESTY)], source, NOW + timedelta(days=2))
    facts = await stands(loop, 2)
    assert (facts.amnesty, facts.cancelled) == (Due(lei(120), TODAY + timedelta(days=14)), lei(80))
    assert facts.amount_due == lei(0)


async def test_what_was_offered_is_taken_in_its_time_and_afterwards_a_person_is_asked(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        await lock_clients(session, [loop.ana])
        contact = await session.scalar(select(Contact.id))
        for talk, day in ((1, 20), (2, 21)):
            source = Source(loop.ana, 0, "sms", "RON", f"event:{talk}", talk=talk, contact=contact)
            await apply(session, [OfferAccepted(OfferKind.PREPAYMENT)], source, NOW + timedelta(days=day))
        assert list(await session.scalars(select(Task.reason).order_by(Task.id))) == [
            "pays ahead: send the bill of 440.00 RON for 11 months, and give 1 more free",
            "wishes to pay ahead, 440.00 RON for 11 months, an offer that is over: agree on it",
        ]


async def test_the_agency_gets_the_accounts_that_owe_enough_on_the_day_its_stage_can_come(loop: Loop) -> None:
    async with loop.sandbox.wired.app.database.write() as session:
        await given_invoice(session, loop.ana, "T1", "30", TODAY - timedelta(days=2), account="T", service="tv")
    facts = await stands(loop)
    assert facts.amount_due == lei(230)
    assert facts.agency == Due(lei(200), TODAY + timedelta(days=10))
    assert facts.agency_name == "Northern Recovery"


async def test_places_to_pay_are_those_of_the_clients_country(loop: Loop) -> None:
    assert (await stands(loop)).places == ()
    async with loop.sandbox.wired.app.database.write() as session:
        await session.execute(update(Client).values(country="MD"))
    assert [place.name for place in (await stands(loop)).places] == ["Acme shop", "Post office 12"]


def test_at_most_three_places_are_told(tmp_path: Path) -> None:
    file = tmp_path / "places.yaml"
    rows = "\n".join(f"  - {{name: Kiosk, address: Street {number}, country: RO}}" for number in range(5))
    file.write_text(f"points:\n{rows}\n")
    assert [place.address for place in near(read_pay_points(file), "RO")] == ["Street 0", "Street 1", "Street 2"]
    assert near(read_pay_points(SAMPLE), None) == ()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{name: Bank, address: A}", "p.yaml:3: 'country' is missing"),
        ("{name: Bank, address: A, country: Romania}", "p.yaml:3: 'Romania' is not a country; write its two letters"),
        ("{name: Bank, address: A, country: RO, fax: 1}", "p.yaml:3: unknown key 'fax'"),
        ("{name: Post, address: B, country: RO}", "p.yaml:3: there are two places named 'Post, B'"),
    ],
)
def test_a_wrong_place_is_told_with_its_line(tmp_path: Path, row: str, said: str) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(f"points:\n  - {{name: Post, address: B, country: RO}}\n  - {row}\n")
    with pytest.raises(DocumentError) as wrong:
        read_pay_points(file)
    assert said in str(wrong.value)


def test_the_setting_names_the_file_and_what_is_wrong_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AMIABLE_PAY_POINTS", str(tmp_path / "nowhere.yaml"))
    with pytest.raises(BadSettings, match=r"AMIABLE_PAY_POINTS: .*nowhere.yaml: cannot be read"):
        load_settings(Settings)
