"""An address that was opted out is let back by an operator, who says who asked for it: told, proven, confirmed once."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
from consoles import ANA as PHONE
from given import given_client
from sqlalchemy import select, text

from bot.consenting import let_back
from engine.calendar import SendWindow
from engine.store.consents import Consent, Means, Proof, book_consent
from engine.store.tables.portfolio import Address

ANA = "/console/clients/ana"
AGAIN = f"{ANA}/acts/write-again"
LINES = "select channel, what, means, evidence, reason from consents order by id"
ASKED = "she asked for it by telephone on 10 March"


async def asks(desk, query: str):
    async with desk.database.read() as session:
        return [tuple(row) for row in await session.execute(text(query))]


async def opted_out(desk, channel: str, means: Means) -> int:
    async with desk.database.write() as session:
        address = await session.scalar(select(Address.id).where(Address.channel == channel))
        await book_consent(session, Consent.OPTED_OUT, [address], Proof(means, "attempt:1"), desk.clock())
    return address


@pytest.fixture
async def stopped(signed_in):
    """Ana has written STOP, which was confirmed."""
    await signed_in.ana_writes("STOP")
    assert len(signed_in.texts) == 1
    return signed_in


async def test_it_is_proven_by_the_operator_told_in_the_history_and_confirmed_once(stopped):
    answer = await stopped.olga.press(AGAIN, ANA, reason=ASKED)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ANA}#reached")
    await stopped.running.settle()
    assert (await asks(stopped, LINES))[1:] == [("sms", "opted_in", "operator", "Olga Marin", ASKED)]
    page = await stopped.olga.see(ANA)
    assert f"SMS: wants messages again (said by Olga Marin: {ASKED})" in page
    assert AGAIN not in page
    assert "opted out" not in page
    assert len(stopped.texts) == 2
    assert "again" in stopped.texts[-1]
    await stopped.ana_writes("How much do I owe?")
    assert len(stopped.texts) == 3


async def test_without_a_reason_nothing_changes(stopped):
    answer = await stopped.olga.press(AGAIN, ANA, reason="  ")
    assert answer.status_code == 422
    assert "Say who asked for it, and how" in answer.text
    assert f'action="{AGAIN}"' in answer.text
    await stopped.running.settle()
    assert [what for _, what, *_ in await asks(stopped, LINES)] == ["opted_out"]
    assert len(stopped.texts) == 1


async def test_two_operators_let_it_back_once(stopped):
    hidden = {"form": "again-1", "subject": "reached", "reason": ASKED, "to": ANA}
    page = await stopped.ion.see(ANA)
    token = page.split('name="token" value="')[1].split('"')[0]
    address = page.split('name="address" value="')[1].split('"')[0]
    assert (await stopped.olga.press(AGAIN, ANA, reason=ASKED)).status_code == 303
    late = await stopped.ion.web.post(AGAIN, data={**hidden, "token": token, "address": address})
    assert late.status_code == 422
    assert "That address may be written to already." in late.text
    await stopped.running.settle()
    assert [what for _, what, *_ in await asks(stopped, LINES)] == ["opted_out", "opted_in"]
    assert len(stopped.texts) == 2


async def test_an_address_that_nobody_stopped_has_no_such_act(signed_in):
    assert AGAIN not in await signed_in.olga.see(ANA)


@pytest.mark.parametrize(
    ("means", "warning"),
    [
        (Means.COMPLAINT, "They complained of our messages to their provider."),
        (Means.CARRIER, "They have stopped us at their carrier"),
        (Means.LINK, None),
    ],
)
async def test_who_complained_is_written_to_again_only_past_a_warning(signed_in, means, warning):
    await opted_out(signed_in, "email", means)
    page = await signed_in.olga.see(ANA)
    assert "Write to ana@example.com again" in page
    assert ('<p class="state warm">' in page) is (warning is not None)
    assert warning is None or warning in page


async def test_another_clients_address_is_out_of_reach(stopped):
    async with stopped.database.write() as session:
        await given_client(session, "dan", sms="+40722000009")
        foreign = await session.scalar(select(Address.id).order_by(Address.id.desc()))
        await book_consent(session, Consent.OPTED_OUT, [foreign], Proof(Means.WORD, "x:1"), stopped.clock())
    answer = await stopped.olga.press(AGAIN, ANA, reason=ASKED, address=str(foreign))
    assert answer.status_code == 422
    assert "That belongs to another client" in answer.text
    assert "opted_in" not in [what for _, what, *_ in await asks(stopped, LINES)]


async def test_where_others_share_the_address_all_are_let_back_and_nobody_is_told(stopped):
    async with stopped.database.write() as session:
        await given_client(session, "dan", sms=PHONE)
        await book_consent(
            session,
            Consent.OPTED_OUT,
            (await session.scalars(select(Address.id).where(Address.channel == "sms"))).all(),
            Proof(Means.WORD, "x:1"),
            stopped.clock(),
        )
    assert (await stopped.olga.press(AGAIN, ANA, reason=ASKED)).status_code == 303
    await stopped.running.settle()
    assert await asks(stopped, "select count(*) from addresses where opted_out_at is not null") == [(0,)]
    assert len(stopped.texts) == 1


async def test_a_colleagues_talk_is_not_cut_into(stopped):
    async with stopped.database.write() as session:
        await session.execute(text("update conversations set owner = 'waiting'"))
    assert (await stopped.olga.press(AGAIN, ANA, reason=ASKED)).status_code == 303
    await stopped.running.settle()
    assert len(stopped.texts) == 1


async def test_it_is_confirmed_in_the_clients_contact_hours(stopped):
    night = stopped.clock() + timedelta(hours=14)
    app = replace(stopped.running.wired.app, hours=SendWindow(time(9), time(20)))
    async with stopped.database.write() as session:
        address = await session.scalar(select(Address).where(Address.channel == "sms"))
        assert await let_back(session, app, address, Proof(Means.OPERATOR, "Olga Marin", ASKED), night)
    ((begins,),) = await asks(stopped, "select send_from from outbound order by id desc limit 1")
    assert begins - night == timedelta(hours=9)
