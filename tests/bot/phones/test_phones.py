"""What a visitor does with a subscriber's phones reaches the bot by the carriers, and its answers show."""

from __future__ import annotations

import re

from sqlalchemy import update

from engine.store.tables.portfolio import Client

HOME = "/console/phones"
EVIL = """<script>alert(1)</script><img src=x onerror="alert(1)">'"}}{{ 7*7 }} javascript:alert(1)"""


async def test_an_sms_answered_from_the_page_reaches_the_talk_and_the_bots_answer_shows(visitor):
    await visitor.decide("sms")
    assert "200" in await visitor.screen("sms")
    answer = await visitor.does("write/sms", words="I'll pay on Friday")
    assert answer.headers["location"] == f"{HOME}/ana#sms"
    shown = await visitor.screen("sms")
    assert "I'll pay on Friday" in shown
    assert shown.index("Is that right?") > shown.index("I'll pay on Friday")
    await visitor.does("write/sms", words="yes")
    assert await visitor.asks("select state, amount, channel from promises") == [("open", 20000, "sms")]


async def test_what_was_written_shows_at_once_and_is_marked_as_read_later(visitor):
    token = re.search(r'name="token" value="([^"]+)"', await visitor.sees())
    answer = await visitor.web.post(
        f"{HOME}/ana/write/sms", data={"token": token[1], "words": "hello"}, headers={"hx-request": "true"}
    )
    assert answer.status_code == 200
    assert "hello" in answer.text
    assert "on its way" in answer.text
    assert "<html" not in answer.text
    await visitor.running.settle()
    later = await visitor.live()
    assert later.count("hello") == 1
    assert "on its way" not in later


async def test_the_pay_link_of_an_sms_opens_the_real_pay_page(visitor):
    await visitor.decide("sms")
    link = re.search(r'<a href="([^"]+/pay/[^"]+)"', await visitor.live())
    page = await visitor.web.get(link[1])
    assert page.status_code == 200
    assert "200" in page.text


async def test_a_chat_is_joined_by_invitation_and_its_buttons_press_for_real(visitor):
    assert "Not joined" in await visitor.screen("telegram")
    await visitor.does("join")
    page = await visitor.live()
    payload, label = re.search(r'name="payload" value="([^"]+)">(\d \w[^<]*day[^<]*)<', page).groups()
    await visitor.does("press", payload=payload)
    shown = await visitor.screen("telegram")
    assert f"You pressed “{label}”" in shown
    assert shown.rindex("day") > shown.index("You pressed")
    await visitor.does("write/telegram", words="on Friday")
    assert "Is that right?" in await visitor.screen("telegram")
    assert await visitor.asks("select count(*) from telegram_links where used_at is not null") == [(1,)]
    await visitor.does("join")
    assert await visitor.asks("select count(*) from telegram_links") == [(1,)]


async def test_a_mail_is_answered_and_its_formatted_twin_can_do_nothing_but_open_links(visitor):
    await visitor.decide("email")
    assert "No mail yet" not in await visitor.screen("email")
    frame = re.search(r'<iframe[^>]*sandbox="([^"]*)"[^>]*src="([^"]+)"', await visitor.live())
    assert frame[1] == "allow-popups allow-popups-to-escape-sandbox"
    mail = await visitor.web.get(frame[2])
    policy = mail.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert '<base target="_blank">' in mail.text
    await visitor.does("write/email", words="I'll pay on Friday.")
    letters = await visitor.screen("email")
    assert letters.index("Is that right?") < letters.index("You answered") < letters.index("I'll pay on Friday.")


async def test_who_never_got_a_mail_may_write_one(visitor):
    await visitor.does("write/email", words="how much do I owe?")
    assert "200" in await visitor.screen("email")


async def test_a_call_of_the_plan_rings_until_it_is_answered_and_takes_keys(visitor):
    await visitor.decide("voice")
    assert "is calling" in await visitor.screen("voice")
    assert "ringing-dot" in await visitor.live()
    await visitor.does("telephone", deed="answer")
    assert "Am I speaking with Ana?" in await visitor.screen("voice")
    for keys in ("1", "1001", "2", "13", "1"):
        await visitor.does("telephone", deed="press", keys=keys)
    shown = await visitor.screen("voice")
    assert "200 Romanian lei by Friday, the thirteenth of March" in shown
    assert shown.endswith("the call is over")
    assert await visitor.asks("select state, amount, channel from promises") == [("open", 20000, "voice")]


async def test_a_declined_call_has_reached_nobody(visitor):
    await visitor.decide("voice")
    await visitor.does("telephone", deed="decline")
    assert "declined" in await visitor.screen("voice")
    assert await visitor.asks("select state from attempts") == [("failed",)]


async def test_an_answering_machine_hears_nothing_of_the_debt(visitor):
    await visitor.decide("voice")
    await visitor.does("telephone", deed="machine")
    heard = await visitor.screen("voice")
    assert "left on your answering machine" in heard
    assert not re.search("200|lei|balance|debt", heard)


async def test_a_subscriber_calls_the_company_speaks_and_hangs_up(visitor):
    await visitor.does("telephone", deed="call")
    assert "You called" in await visitor.screen("voice")
    await visitor.does("telephone", deed="speak", words="yes, speaking")
    assert "last four digits" in await visitor.screen("voice")
    await visitor.does("telephone", deed="hang_up")
    assert "the call is over" in await visitor.screen("voice")


async def test_what_cannot_be_done_is_said_and_does_nothing(visitor):
    for deed, fields in [
        ("telephone", {"deed": "answer"}),
        ("telephone", {"deed": "press", "keys": "x"}),
        ("telephone", {"deed": "nothing"}),
        ("write/telegram", {"words": "hello"}),
        ("write/voice", {"words": "hello"}),
        ("write/sms", {"words": "  "}),
        ("press", {"payload": "o:stolen"}),
    ]:
        assert "That cannot be done on this phone now." in (await visitor.does(deed, **fields)).text, (deed, fields)
    assert await visitor.asks("select count(*) from inbox") == [(0,)]


async def test_hostile_words_are_shown_as_words(visitor):
    async with visitor.running.wired.app.database.write() as session:
        await session.execute(update(Client).where(Client.ref == "ana").values(name=EVIL))
    await visitor.does("join")
    for kind in ("sms", "telegram", "email"):
        await visitor.does(f"write/{kind}", words=EVIL)
    await visitor.does("telephone", deed="call")
    await visitor.does("telephone", deed="speak", words=EVIL)
    for page in (await visitor.sees(), await visitor.sees(f"{HOME}?q=ana"), await visitor.live()):
        assert "<script>alert" not in page
        assert "<img" not in page
        assert 'href="javascript' not in page
    assert (await visitor.live()).count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4
    assert "{{ 7*7 }}" in await visitor.live()


async def test_a_subscriber_is_found_or_chosen_from_those_in_work(visitor):
    assert "Nobody is in work" in await visitor.sees(HOME)
    assert f'href="{HOME}/ana"' in await visitor.sees(f"{HOME}?q=ACC-1001")
    assert "Nobody found" in await visitor.sees(f"{HOME}?q=nobody")
    await visitor.decide("sms")
    assert f'href="{HOME}/ana"' in await visitor.sees(HOME)
    assert "No such client" in await visitor.sees(f"{HOME}/nobody", 404)
