"""What operators do about offers: send scripts that no plan sends, call back on a day, approve what is cancelled."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from bot.ticks import day_tick
from engine.agreements.amnesties import take_amnesty
from engine.apply import Source, apply
from engine.calendar import AnyHour, local_day, zone
from engine.ledger import Received, receive
from engine.money import money
from engine.offer import Amnesty
from engine.outcome import CallbackWanted
from engine.promise import PromiseTerms
from engine.run import decide_clients
from engine.store.session import lock_clients
from engine.store.tables.casework import Contact
from engine.store.tables.ledger import Promise
from engine.store.tables.portfolio import Client

ANA = "/console/clients/ana"
DO = f"{ANA}/acts"


@pytest.fixture
async def worked(signed_in):
    """Ana's case on her 120.50 has begun."""
    await day_tick(signed_in.running.wired.app, signed_in.clock())
    await signed_in.running.settle()
    return signed_in


async def ana_of(session) -> int:
    return await session.scalar(select(Client.id).where(Client.ref == "ana"))


async def today(desk) -> date:
    async with desk.database.read() as session:
        return local_day(desk.clock(), zone(await session.scalar(select(Client.timezone))))


async def amnesty(desk, *, paid: bool) -> str:
    """Ana has taken an amnesty of 60 percent, and has perhaps paid her part."""
    day, now = await today(desk), desk.clock()
    async with desk.database.write() as session:
        ana = await ana_of(session)
        await lock_clients(session, [ana])
        debt, until = money("120.50", "RON"), day + timedelta(days=14)
        assert await take_amnesty(session, ana, Amnesty(60, 14), debt, until, now, PromiseTerms("sms"))
        if paid:
            await receive(session, Received("p1", ana, money("72.30", "RON"), now, "billing"), now)
        await decide_clients(session, [ana], now, AnyHour())
        return str(await session.scalar(select(Promise.id)))


async def press(desk, act: str, **fields: str):
    return await desk.olga.press(f"{DO}/{act}", ANA, **{"reason": "as agreed", **fields})


async def test_scripts_that_no_plan_sends_are_offered_where_what_they_are_about_is_there(worked):
    page = await worked.olga.see(ANA)
    for sent in ("reminder", "hardship_help", "installment_offer", "callback_arrangement"):
        assert f'<option value="{sent}"' in page
    for silent in ("stranger", "inbound", "payment_received", "promise_broken", "amnesty_offer", "service_restored"):
        assert f'<option value="{silent}"' not in page
    assert '<optgroup label="Help and arrangements">' in page
    answer = await press(worked, "contact", script="hardship_help", sms="yes")
    assert answer.status_code == 303
    async with worked.database.read() as session:
        assert "hardship_help" in set(await session.scalars(select(Contact.script)))
    refused = await press(worked, "contact", script="promise_broken", sms="yes")
    assert "Choose one of the scripts of the list." in refused.text


async def test_a_kept_amnesty_is_settled_by_a_person_and_closes_the_case(worked):
    which = await amnesty(worked, paid=True)
    page = await worked.olga.see(ANA)
    assert "cancel the remaining 48.20 RON by a credit memo" in page
    assert "At most 48.20 RON can be cancelled" in (await press(worked, "cancel", amnesty=which, cancelled="50")).text
    assert (await press(worked, "cancel", amnesty=which, cancelled="48.20")).status_code == 303
    page = await worked.olga.see(ANA)
    assert "Olga Marin settled the amnesty" in page
    assert f"{DO}/cancel" not in page
    assert "case closed: the debt is gone" in page


async def test_an_amnesty_still_to_be_kept_offers_nothing_to_settle(worked):
    await amnesty(worked, paid=False)
    page = await worked.olga.see(ANA)
    assert f"{DO}/cancel" not in page
    assert "took the amnesty" in page
    assert "cancelled by an amnesty" in page


async def test_a_callback_stands_in_the_work_list_on_its_day_with_its_place(worked):
    day = await today(worked)
    async with worked.database.write() as session:
        for talk, on, place in ((5, day, "At the bank"), (6, day + timedelta(days=2), "Post office")):
            source = Source(await ana_of(session), 0, "sms", "RON", "event:1", talk=talk)
            await apply(session, [CallbackWanted(on, place)], source, worked.clock())
    now, later = [await worked.olga.see(f"/console/work?show={view}") for view in ("callback", "later")]
    assert ("pay: At the bank" in now, "pay: Post office" in now) == (True, False)
    assert ("pay: At the bank" in later, "pay: Post office" in later) == (False, True)
