"""A person speaks instead of the bot: one at a time, on the client's channel, and the bot is silent meanwhile."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from bot.outreach import open_contacts
from bot.ticks import day_tick
from engine.contact import Delivery
from engine.store.tables.talk import Outbound


async def test_a_client_who_asks_for_a_person_appears_in_the_inbox(signed_in, escalated):
    page = await signed_in.olga.see("/console/inbox/waiting")
    assert "Ana" in page
    assert "I want to speak to a person" in page
    assert f"/console/inbox/waiting/{escalated}" in page
    assert "Nobody is waiting" not in page
    assert "You hold no conversation" in await signed_in.olga.see("/console/inbox/mine")


async def test_two_operators_take_over_at_once_and_the_second_is_told_who_won(signed_in, escalated):
    desk, path, page = signed_in, f"/console/talks/{escalated}/take-over", f"/console/inbox/waiting/{escalated}"
    answers = await asyncio.gather(desk.olga.press(path, page), desk.ion.press(path, page))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    lost = next(answer for answer in answers if answer.status_code == 409)
    winner = "Olga Marin" if answers[0].status_code == 303 else "Ion Rusu"
    assert f"{winner} has this conversation" in lost.text


async def test_a_page_that_has_not_seen_the_change_of_hands_cannot_take_over(signed_in, escalated):
    desk, path, page = signed_in, f"/console/talks/{escalated}/take-over", f"/console/inbox/all/{escalated}"
    await desk.olga.press(path, page)
    await desk.olga.press(f"/console/talks/{escalated}/hand-back", page)
    token = (await desk.ion.see(page)).split('name="token" value="')[1].split('"')[0]
    late = await desk.ion.web.post(path, data={"token": token, "epoch": "0"})
    assert late.status_code == 409
    assert "The bot has this conversation again" in late.text


async def test_an_answer_goes_out_on_the_clients_channel_as_it_was_written(signed_in, escalated):
    desk, page = signed_in, f"/console/inbox/mine/{escalated}"
    await desk.olga.press(f"/console/talks/{escalated}/take-over", f"/console/inbox/waiting/{escalated}")
    words = "Hello Ana, this is Olga.\nYou can pay 60 RON now & the rest on {friday}."
    answer = await desk.olga.press(f"/console/talks/{escalated}/answer", page, words=words)
    assert answer.status_code == 303
    await desk.running.settle()
    assert desk.texts[-1] == words
    shown = await desk.olga.see(page)
    assert "Olga Marin" in shown
    assert "60 RON now &amp; the rest" in shown
    assert "delivered" in shown


async def test_an_answer_by_mail_is_a_mail_of_that_talk(signed_in):
    desk = signed_in
    await desk.running.carriers.relay.answer(
        "ana@example.com", "I want to speak to a person", "billing@amiable.example"
    )
    await desk.running.settle()
    talk = await desk.talk()
    await desk.olga.press(f"/console/talks/{talk}/take-over", f"/console/inbox/waiting/{talk}")
    await desk.olga.press(f"/console/talks/{talk}/answer", f"/console/inbox/mine/{talk}", words="Here I am <b>.")
    await desk.running.settle()
    mails = [mail.message.get_body(("plain",)).get_content() for mail in desk.running.carriers.relay.sent]
    assert "Here I am <b>." in mails[-1]


async def test_a_form_sent_twice_is_one_answer(signed_in, escalated):
    desk, page = signed_in, f"/console/inbox/all/{escalated}"
    await desk.olga.press(f"/console/talks/{escalated}/take-over", page)
    html = await desk.olga.see(page)
    token, once = (html.split(f'name="{name}" value="')[1].split('"')[0] for name in ("token", "once"))
    before = len(desk.texts)
    for _ in range(2):
        form = {"token": token, "once": once, "words": "Once only."}
        await desk.olga.web.post(f"/console/talks/{escalated}/answer", data=form)
    await desk.running.settle()
    assert desk.texts[before:] == ["Once only."]


async def test_the_bot_is_silent_while_a_person_has_the_conversation(signed_in, escalated):
    desk = signed_in
    await desk.olga.press(f"/console/talks/{escalated}/take-over", f"/console/inbox/waiting/{escalated}")
    before = len(desk.texts)
    await desk.ana_writes("I will pay tomorrow")
    assert len(desk.texts) == before
    assert "I will pay tomorrow" in await desk.olga.see("/console/clients/ana")


async def test_what_the_bot_had_queued_does_not_go_out_after_a_takeover(signed_in):
    desk = signed_in
    await day_tick(desk.running.wired.app, desk.clock())
    await open_contacts(desk.running.wired.app, desk.clock())
    talk = await desk.talk()
    await desk.olga.press(f"/console/talks/{talk}/take-over", "/console/clients/ana")
    async with desk.database.read() as session:
        row = (await session.scalars(select(Outbound))).one()
    assert (row.state, row.reason) == (Delivery.REFUSED, "a person has taken over")
    await desk.running.settle()
    assert desk.texts == []


async def test_the_bot_says_nothing_when_handed_back_and_takes_the_next_reply(signed_in, escalated):
    desk, page = signed_in, f"/console/inbox/all/{escalated}"
    await desk.olga.press(f"/console/talks/{escalated}/take-over", page)
    await desk.running.settle()
    before = len(desk.texts)
    await desk.olga.press(f"/console/talks/{escalated}/hand-back", page)
    await desk.running.settle()
    assert len(desk.texts) == before
    await desk.ana_writes("How much do I owe?")
    assert len(desk.texts) > before
    assert "120.5" in desk.texts[-1]
    assert "handed the SMS conversation back to the bot" in await desk.olga.see("/console/clients/ana")


async def test_only_who_holds_a_conversation_can_answer_or_hand_back(signed_in, escalated):
    desk, page = signed_in, f"/console/inbox/all/{escalated}"
    await desk.olga.press(f"/console/talks/{escalated}/take-over", page)
    token = (await desk.ion.see(page)).split('name="token" value="')[1].split('"')[0]
    before = len(desk.texts)
    form = {"token": token, "words": "Not mine to say", "once": "x"}
    answer = await desk.ion.web.post(f"/console/talks/{escalated}/answer", data=form)
    assert answer.status_code == 409
    assert "Olga Marin has this conversation" in answer.text
    assert "Not mine to say" in answer.text
    back = await desk.ion.web.post(f"/console/talks/{escalated}/hand-back", data={"token": token})
    assert back.status_code == 409
    await desk.running.settle()
    assert len(desk.texts) == before


async def test_a_half_written_answer_is_kept_for_its_writer_alone(signed_in, escalated):
    desk, page = signed_in, f"/console/inbox/all/{escalated}"
    await desk.olga.press(f"/console/talks/{escalated}/take-over", page)
    token = (await desk.olga.see(page)).split('name="token" value="')[1].split('"')[0]
    draft = {"token": token, "words": "Dear Ana, </textarea> & so on"}
    assert (await desk.olga.web.post(f"/console/talks/{escalated}/draft", data=draft)).status_code == 204
    assert "Dear Ana, &lt;/textarea&gt; &amp; so on</textarea>" in await desk.olga.see(page)
    assert "Dear Ana" not in await desk.ion.see(page)
    await desk.olga.press(f"/console/talks/{escalated}/answer", page, words="Dear Ana.")
    assert "so on</textarea>" not in await desk.olga.see(page)


async def test_an_empty_or_endless_answer_is_refused_in_words(signed_in, escalated):
    desk, page = signed_in, f"/console/inbox/all/{escalated}"
    await desk.olga.press(f"/console/talks/{escalated}/take-over", page)
    for words in ("  \n ", "a" * 1501):
        answer = await desk.olga.press(f"/console/talks/{escalated}/answer", page, words=words)
        assert answer.status_code == 422
        assert "Nothing was sent" in answer.text
