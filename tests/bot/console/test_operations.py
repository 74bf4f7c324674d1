"""The operations page: what is shown when all is well and when it is not, and what people do about parked items."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from bot.bell import INBOX, OUTBOUND, bell
from bot.sending.acknowledging import acknowledge
from bot.sending.claim import Claimed, Lane
from bot.sending.pace import FUSE, learn
from bot.sending.parking import MOST_TRIES
from bot.ticks import day_tick
from channels.port import Busy, Draft, NotSent, Unreached
from engine.contact import ChannelKind
from engine.store.tables.casework import CaseEvent, Task
from engine.store.tables.portfolio import Client
from engine.store.tables.talk import Attempt, Gap, InboxEvent, Outbound

PAGE = "/console/operations"
ANA_PAGE = "/console/clients/ana"
QUEUED = text("""
with said as (
  insert into messages (conversation_id, author, at, content, text)
  select id, 'operator', :now, '{"messages": [], "operator": 1}', convert_to('We call you at ten.', 'utf8')
  from conversations
  returning id, conversation_id
)
insert into outbound (message_id, conversation_id, address_id, channel, state, priority, parting, send_from, send_until,
                      tries)
select said.id, t.id, t.address_id, 'sms', :state, 0, false, :now, cast(:now as timestamptz) + interval '1 hour', :tries
from said join conversations t on t.id = said.conversation_id returning id
""")


@pytest.fixture
async def at_work(signed_in) -> AsyncIterator[object]:
    """Somebody sends and somebody reads what comes in; the day's run is over."""
    await day_tick(signed_in.running.wired.app, signed_in.clock())
    await signed_in.running.settle()
    async with AsyncExitStack() as stack:
        for name in (INBOX, OUTBOUND):
            await stack.enter_async_context(bell(signed_in.database, name))
        while (await signed_in.olga.see(PAGE)).count("1 process") < 2:
            pass
        yield signed_in


async def queue(desk, state: str = "ready", tries: int = 0) -> int:
    async with desk.database.write() as session:
        return await session.scalar(QUEUED, {"now": desk.clock(), "state": state, "tries": tries})


async def park_answer(desk) -> int:
    """An answer whose carrier took it in none of its tries, as the sender writes it down."""
    number = await queue(desk, "sending", MOST_TRIES)
    attempt = uuid4()
    async with desk.database.write() as session:
        values = {"no": MOST_TRIES, "state": "sending", "body": "x", "digest": b"x", "started_at": desk.clock()}
        session.add(Attempt(id=attempt, outbound_id=number, **values))
    draft = Draft(ChannelKind.SMS, attempt, "+40722000001", "x")
    job = Claimed(number, attempt, Lane(ChannelKind.SMS, 0), MOST_TRIES, answers=True, draft=draft)
    await acknowledge(desk.running.wired.app, [(job, NotSent("no route to the carrier"))], desk.clock())
    return number


PAID = b'{"id": "evt", "type": "checkout.paid", "checkout": "c", "reference": "r", "amount": 1, "currency": "RON"}'


async def park_events(desk, *names: str) -> None:
    async with desk.database.write() as session:
        for name in names:
            told = {"provider": "payments", "state": "parked", "tries": 5, "error": "no such checkout"}
            session.add(InboxEvent(event=name, received_at=desk.clock(), raw=PAID, **told))


async def stored(desk, number: int) -> Outbound:
    async with desk.database.read() as session:
        return await session.get_one(Outbound, number)


async def test_one_sentence_says_that_all_is_well(at_work):
    page = await at_work.olga.see(PAGE)
    assert "All is well" in page
    assert "Nothing is parked" in page
    assert "Every outcome is known" in page
    assert "1 client looked at in 1 slice" in page
    assert "answers" in page, "Ana's reminder was taken by its carrier"


async def test_nobody_at_work_and_a_run_that_did_not_come_are_told_first(signed_in):
    page = await signed_in.olga.see(PAGE)
    assert "No sender is running" in page
    assert "Nobody reads what comes in" in page
    assert "All is well" not in page
    assert "Today’s run is not over" in page


async def test_what_is_queued_and_how_long_it_waits(at_work):
    await queue(at_work)
    at_work.later(timedelta(minutes=14))
    page = await at_work.olga.see(PAGE)
    assert '<td data-name="Oldest due"><time datetime="' in page
    assert "All is well" in page
    at_work.later(timedelta(minutes=2))
    assert "SMS is behind:" in await at_work.olga.see(PAGE)


async def test_an_open_breaker_and_a_pause_are_shown_with_the_next_try(at_work):
    async with at_work.database.write() as session:
        await learn(session, {ChannelKind.SMS: [Unreached("down")] * FUSE}, at_work.clock())
        await learn(session, {ChannelKind.EMAIL: [Busy("slow down", retry_after=240)]}, at_work.clock())
    at_work.later(timedelta(seconds=10))
    page = await at_work.olga.see(PAGE)
    assert "SMS: the carrier is not reached." in page
    assert f"{FUSE} tries in a row; open since" in page
    assert "Email: the carrier asked for a pause," in page


async def test_the_oldest_doubt_is_shown_with_its_client_and_words(at_work):
    number = await queue(at_work, "unknown", 1)
    async with at_work.database.write() as session:
        asked = {"no": 1, "state": "unknown", "digest": b"x", "started_at": at_work.clock()}
        session.add(Attempt(id=uuid4(), outbound_id=number, body="We call you at ten.", **asked))
    page = await at_work.olga.see(PAGE)
    assert "1 message is in doubt." in page
    assert '<blockquote class="words">We call you at ten.</blockquote>' in page
    assert f'<a href="{ANA_PAGE}">Ana</a>' in page


async def test_a_parked_answer_is_tried_again_by_name_and_reaches_the_client(at_work):
    desk = at_work
    number = await park_answer(desk)
    page = await desk.olga.see(PAGE)
    assert "no route to the carrier" in page
    assert "1 item waits for your decision" in page.replace("</a>", "").replace(">", " ")
    answer = await desk.olga.press(f"/console/parked/messages/{number}/again", PAGE)
    assert answer.headers["location"] == f"{PAGE}#parked"
    await desk.running.settle()
    assert desk.texts[-1] == "We call you at ten."
    assert "All is well" in await desk.olga.see(PAGE)
    assert "Olga Marin had a parked message by sms tried again" in await desk.olga.see(ANA_PAGE)
    async with desk.database.read() as session:
        task = await session.scalar(select(Task).where(Task.source == f"outbound:{number}:parked"))
    assert task.done_at is not None, "the task that told of it is done"


async def test_a_parked_message_is_given_up_for_a_reason_that_stands_in_the_history(at_work):
    desk, number = at_work, await park_answer(at_work)
    path = f"/console/parked/messages/{number}/give-up"
    silent = await desk.olga.press(path, PAGE, reason=" ")
    assert silent.status_code == 422
    assert "Say in a few words why" in silent.text
    await desk.olga.press(path, PAGE, reason="called her instead")
    row = await stored(desk, number)
    assert (row.state, row.parked_at) == ("failed", None)
    assert row.reason.endswith("given up by Olga Marin: called her instead")
    assert "Olga Marin gave a parked message by sms up: called her instead" in await desk.olga.see(ANA_PAGE)
    assert "Nothing is parked" in await desk.olga.see(PAGE)


async def test_the_second_to_decide_is_told_that_it_was_seen_to(at_work):
    desk, number = at_work, await park_answer(at_work)
    token = (await desk.ion.see(PAGE)).split('name="token" value="')[1].split('"')[0]
    await desk.olga.press(f"/console/parked/messages/{number}/give-up", PAGE, reason="called")
    for deed in ("again", "give-up"):
        form = {"token": token, "reason": "too late"}
        late = await desk.ion.web.post(f"/console/parked/messages/{number}/{deed}", data=form)
        assert late.status_code == 409
        assert "Somebody else has seen to it" in late.text
    assert (await desk.ion.web.post("/console/parked/messages/999/again", data={"token": token})).status_code == 409
    async with desk.database.read() as session:
        kinds = (await session.scalars(select(CaseEvent.kind))).all()
    assert "tried_again" not in kinds


TWICE = {
    "a contact's opening": "update outbound set contact_id = (select min(id) from contacts) where id = :id",
    "an attempt a carrier may have": "update attempts set state = 'unknown' where outbound_id = :id",
}


@pytest.mark.parametrize("doubt", TWICE)
async def test_what_could_reach_a_client_twice_is_never_tried_again(at_work, doubt):
    desk, number = at_work, await park_answer(at_work)
    async with desk.database.write() as session:
        await session.execute(text(TWICE[doubt]), {"id": number})
    page = await desk.olga.see(PAGE)
    assert ("next channel by itself" in page) == (doubt == "a contact's opening")
    token = page.split('name="token" value="')[1].split('"')[0]
    refused = await desk.olga.web.post(f"/console/parked/messages/{number}/again", data={"token": token})
    assert refused.status_code == 409
    assert (await stored(desk, number)).state == "failed"


async def test_parked_events_are_decided_together_but_never_those_nobody_has_seen(at_work):
    desk = at_work
    await park_events(desk, "one", "two")
    page = await desk.olga.see(PAGE)
    assert '<span class="count">× 2</span>' in page
    newest = page.split("/console/parked/events/")[1].split("/")[0]
    await park_events(desk, "three")
    token = page.split('name="token" value="')[1].split('"')[0]
    said = {"token": token, "reason": "a test of the relay"}
    await desk.olga.web.post(f"/console/parked/events/{newest}/give-up", data=said)
    async with desk.database.read() as session:
        found = await session.scalars(select(InboxEvent).where(InboxEvent.provider == "payments"))
        events = {one.event: one for one in found}
    assert [events[name].state for name in ("one", "two", "three")] == ["done", "done", "parked"]
    assert events["one"].error == "no such checkout; given up by Olga Marin: a test of the relay"
    await desk.olga.press(f"/console/parked/events/{events['three'].id}/again", PAGE)
    await desk.running.settle()
    async with desk.database.read() as session:
        three = await session.scalar(select(InboxEvent).where(InboxEvent.event == "three"))
    assert (three.state, three.tries) == ("parked", 1), "it was handled once more, to the same end"


async def test_gaps_between_the_carriers_records_and_ours_are_shown(at_work):
    async with at_work.database.write() as session:
        await session.execute(
            text(
                "insert into gaps (kind, channel, sender, subject, found_at, mended_by, mended_at) values "
                "('report', 'sms', '+12025550100', 'SM1:delivered', :now, 'put into the inbox', :now), "
                "('stranger', 'sms', '+12025550100', 'SM2', :now, null, null)"
            ),
            {"now": at_work.clock()},
        )
    page = await at_work.olga.see(PAGE)
    assert "Reports that never came" in page
    assert "1 gap is open" in page
    assert "<code>SM2</code>" in page
    assert "<code>SM1:delivered</code>" not in page, "it is mended"


async def strange(desk, subject: str, *, known: bool = True) -> int:
    """A carrier has sent a message that we know nothing of; `known`: to Ana."""
    async with desk.database.write() as session:
        told = {"kind": "stranger", "channel": "sms", "sender": "+12025550100", "found_at": desk.clock()}
        session.add(gap := Gap(subject=subject, **told))
        if known:
            client = await session.scalar(select(Client.id).where(Client.ref == "ana"))
            source = {"source": f"gap:sms:{subject}", "created_at": desk.clock()}
            session.add(Task(client_id=client, kind="review", reason="a strange message", **source))
        await session.flush()
        return gap.id


async def mended(desk, number: int) -> str | None:
    async with desk.database.read() as session:
        return (await session.get_one(Gap, number)).mended_by


async def test_a_gap_is_closed_for_a_reason_and_with_it_the_task_that_told_of_it(at_work):
    desk, number = at_work, await strange(at_work, "SM2")
    path = f"/console/gaps/{number}/close"
    assert path in await desk.olga.see(PAGE)
    assert (await desk.olga.press(path, PAGE, reason=" ")).status_code == 422
    answer = await desk.olga.press(path, PAGE, reason="a colleague sent it by hand")
    assert answer.headers["location"] == f"{PAGE}#records"
    assert await mended(desk, number) == "closed by Olga Marin: a colleague sent it by hand"
    assert "Olga Marin closed the gap of SM2 by sms: a colleague sent it by hand" in await desk.olga.see(ANA_PAGE)
    assert "All is well" in await desk.olga.see(PAGE)
    async with desk.database.read() as session:
        task = await session.scalar(select(Task).where(Task.source == "gap:sms:SM2"))
    assert (task.done_at, task.note) == (desk.clock(), "a colleague sent it by hand")
    token = (await desk.ion.see(ANA_PAGE)).split('name="token" value="')[1].split('"')[0]
    assert (await desk.ion.web.post(path, data={"token": token, "reason": "late"})).status_code == 409


async def test_a_gap_that_concerns_no_client_is_closed_too(at_work):
    number = await strange(at_work, "SM3", known=False)
    await at_work.olga.press(f"/console/gaps/{number}/close", PAGE, reason="a test")
    assert await mended(at_work, number) == "closed by Olga Marin: a test"


async def test_whoever_finishes_the_task_of_a_gap_has_closed_it(at_work):
    number, other = await strange(at_work, "SM2"), await strange(at_work, "SM22")
    async with at_work.database.read() as session:
        task = await session.scalar(select(Task.id).where(Task.source == "gap:sms:SM2"))
    await at_work.olga.press(f"/console/tasks/{task}/done", ANA_PAGE, result="other", note="it was ours")
    assert await mended(at_work, number) == "closed by Olga Marin: it was ours"
    assert await mended(at_work, other) is None


async def test_the_page_is_for_those_who_are_signed_in(desk):
    assert (await desk.olga.web.get(PAGE)).status_code == 303
    assert (await desk.olga.web.post("/console/parked/messages/1/again")).status_code == 303
