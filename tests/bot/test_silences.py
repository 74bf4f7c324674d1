"""Nobody answers: what a ladder says is done when its time comes, once, and not at all when the talk has gone on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from sending import Carrier, Post, post

from bot.silences import break_silences
from dialogs.flow import SPEC
from dialogs.script import Script, parse_script
from engine.agreements.pauses import pause
from engine.calendar import SendWindow
from engine.contact import ChannelKind
from engine.ledger import Received, receive
from engine.money import money
from engine.run import decide_clients
from engine.store.session import lock_clients

LADDER = """
      - {after: 4h, do: remind, say: "Are you still there?"}
      - {after: 1d, do: other_channel}
      - {after: 2d, do: call}
      - {after: 3d, do: operator}
"""
CALLED = """
      - {after: 1d, do: call}
      - {after: 2d, do: operator}
"""
ASKED = "By which day can you pay?"
LATE = "select due_at from silences"


def with_ladder(ladder: str, channels: str = "sms, email, voice") -> Script:
    return parse_script(
        f"""
spec: {SPEC}
script: reminder
channels: [{channels}]
start: opening
steps:
  opening:
    say: "Your balance is {{amount_due}}."
    next: menu
  promise:
    say: "{ASKED}"
    ask: promise_date
    slot: until
    go: promise_check
    again: {{unclear: "Which day?", past: "A later day?", beyond: "An earlier day?"}}
    silence:{ladder}
""",
        "reminder.yaml",
    )


@pytest.fixture
async def office(database_url: str, now: datetime) -> AsyncIterator[Post]:
    async with reminded(database_url, now, mailboxes=True) as running:
        yield running


@asynccontextmanager
async def reminded(
    database_url: str, now: datetime, clients: int = 1, *, mailboxes: bool = False
) -> AsyncIterator[Post]:
    """Clients who have got a reminder whose script has a ladder."""
    async with post(database_url, now, clients, mailboxes=mailboxes) as running:
        running.app = replace(running.app, scripts={**running.app.scripts, "reminder": with_ladder(LADDER)})
        await running.queue()
        await running.send()
        yield running


async def broken(office: Post, due: datetime) -> None:
    """All but the first client are in talks that cannot be read, with a rung that falls due."""
    await office.store(
        "insert into silences (conversation_id, turn, rung, due_at) "
        "select id, 1, 0, :due from conversations where client_id > 1",
        due=due,
    )
    await office.store('update conversations set state = \'{"schema": 99, "turn": 1}\' where client_id > 1')


async def asked(office: Post) -> None:
    """The client wants to name a day, and is asked for it."""
    await office.says("2")
    assert texts(office)[-1] == ASKED


async def later(office: Post, **by: float) -> None:
    office.clock.advance(office.clock() + timedelta(**by))
    await office.talk()


def texts(office: Post) -> list[str]:
    return [draft.body for draft in office.sms.sent]


async def paid(office: Post) -> None:
    async with office.app.database.write() as session:
        await lock_clients(session, [1])
        await receive(session, Received("b1", 1, money(200, "RON"), office.clock(), "bank"), office.clock())
        await decide_clients(session, [1], office.clock(), office.app.hours)


async def test_who_had_begun_is_reminded_once_with_the_question(office: Post) -> None:
    await asked(office)
    await later(office, hours=3, minutes=59)
    assert texts(office)[-1] == ASKED
    await later(office, minutes=1)
    assert texts(office)[-1] == f"Are you still there?\n{ASKED}"
    told = len(texts(office))
    await later(office, hours=1)
    assert len(texts(office)) == told
    await office.says("vineri")
    assert "13 martie" in texts(office)[-1], "the answer after a reminder is an answer to its question"


async def test_who_has_not_begun_is_not_reminded(office: Post) -> None:
    told = len(texts(office))
    await later(office, days=5)
    assert len(texts(office)) == told
    assert await office.asks(LATE) == []


async def test_an_answer_makes_the_ladder_void(office: Post) -> None:
    await asked(office)
    await later(office, hours=2)
    await office.says("vineri")
    told = len(texts(office))
    await later(office, hours=20)
    assert len(texts(office)) == told, "what was asked is answered, and the new question has its own time"


async def test_a_payment_makes_it_void(office: Post) -> None:
    await asked(office)
    await paid(office)
    told = len(texts(office))
    await later(office, days=4)
    assert (len(texts(office)), office.mail.sent) == (told, [])
    assert await office.asks("select count(*) from tasks") == [(0,)]


@pytest.mark.parametrize("words", ["STOP", "vreau un operator"])
async def test_stop_and_a_wish_for_a_person_make_it_void(office: Post, words: str) -> None:
    await asked(office)
    await office.says(words)
    told = len(texts(office))
    await later(office, days=1)
    assert (len(texts(office)), office.mail.sent) == (told, [])


async def test_a_person_who_takes_over_makes_it_void(office: Post) -> None:
    await asked(office)
    await office.store("update conversations set owner = 'operator'")
    told = len(texts(office))
    await later(office, days=1)
    assert len(texts(office)) == told
    assert await office.asks(LATE) == []


async def test_a_program_that_was_down_for_days_does_one_rung_and_keeps_the_distance(office: Post) -> None:
    await asked(office)
    await later(office, days=6)
    assert texts(office)[-1] == f"Are you still there?\n{ASKED}"
    assert office.mail.sent == []
    assert await office.asks(LATE) == [(office.clock() + timedelta(hours=20),)]
    await later(office, hours=20)
    assert len(office.mail.sent) == 1


async def test_two_clocks_at_once_remind_once(office: Post) -> None:
    await asked(office)
    office.clock.advance(office.clock() + timedelta(hours=5))
    done = await asyncio.gather(*(break_silences(office.app, office.clock()) for _ in range(4)))
    assert sum(done) == 1
    await office.talk()
    assert [text for text in texts(office) if "still there" in text] == [texts(office)[-1]]


async def test_a_process_that_dies_over_a_rung_leaves_it_to_the_next(office: Post) -> None:
    await asked(office)
    office.clock.advance(office.clock() + timedelta(hours=5))
    async with office.app.database.write() as session, asyncio.timeout(120):
        await lock_clients(session, [1])
        dying = asyncio.create_task(break_silences(office.app, office.clock()))
        while not await office.asks("select from pg_locks where not granted"):  # noqa: ASYNC110 - no bell is rung by it
            await asyncio.sleep(0.01)
        dying.cancel()
        with suppress(asyncio.CancelledError):
            await dying
    await office.talk()
    await office.talk()
    assert [text for text in texts(office) if "still there" in text] == [texts(office)[-1]]


async def test_the_talk_goes_on_where_the_client_can_be_reached_as_well(office: Post) -> None:
    await asked(office)
    await later(office, hours=4)
    await later(office, hours=20)
    [mail] = office.mail.sent
    assert mail.first
    assert "Acme" in mail.body, "the first words there say who writes"
    assert ASKED in mail.body
    await later(office, days=1)
    assert await office.asks("select kind, reason from tasks") == [
        ("call", "gives no answer to a question of the bot's")
    ]
    await later(office, days=1)
    assert ("review", "conversation handed over: silence") in await office.asks("select kind, reason from tasks")
    assert await office.asks("select channel, owner from conversations order by id") == [
        ("sms", "bot"),
        ("email", "waiting"),
    ]


async def test_who_cannot_be_reached_elsewhere_is_not_forgotten(office: Post) -> None:
    await office.store("update addresses set dead_since = now() where channel = 'email'")
    await asked(office)
    for _ in range(4):
        await later(office, days=1)
    assert office.mail.sent == []
    assert await office.asks("select owner from conversations") == [("waiting",)]


async def telephone(office: Post, script: Script) -> Carrier:
    """Calls are made, and the client has a telephone for them."""
    phone = Carrier(ChannelKind.VOICE)
    office.app = replace(
        office.app,
        channels={**office.app.channels, ChannelKind.VOICE: phone},
        scripts={**office.app.scripts, "reminder": script},
    )
    await office.store(
        "insert into addresses (client_id, channel, sealed, lookup) "
        "select client_id, 'voice', sealed, lookup || '\\x00' from addresses where channel = 'sms'"
    )
    return phone


async def test_a_call_is_made_where_there_is_a_telephone_to_call(office: Post) -> None:
    phone = await telephone(office, with_ladder(CALLED))
    await asked(office)
    await later(office, days=1)
    [call] = phone.sent
    assert "Client 0" in call.body, "whom one talks with is asked before the debt"
    assert "200" not in call.body
    assert await office.asks("select count(*) from tasks") == [(0,)]
    await later(office, days=1)
    assert await office.asks("select reason from tasks") == [("conversation handed over: silence",)]


async def test_who_answers_the_call_is_not_waited_for_any_more(office: Post) -> None:
    await telephone(office, with_ladder(CALLED))
    await asked(office)
    await later(office, days=1)
    office.clock.advance(office.clock() + timedelta(minutes=1))
    await office.store(
        "with heard as (update conversations set last_at = :now where channel = 'voice' returning id) "
        "insert into messages (conversation_id, author, at, content) select id, 'client', :now, '{}' from heard",
        now=office.clock(),
    )
    await later(office, days=2)
    assert await office.asks("select reason from tasks") == []


async def test_a_script_that_is_not_for_the_telephone_calls_nobody(office: Post) -> None:
    phone = await telephone(office, with_ladder(CALLED, "sms, email"))
    await asked(office)
    await later(office, days=1)
    assert phone.sent == []
    assert await office.asks("select kind from tasks") == [("call",)]


@pytest.mark.parametrize("reads", [True, False])
async def test_who_fell_silent_on_the_telephone_is_reminded_by_what_they_can_read_or_not_at_all(
    office: Post, reads: bool
) -> None:
    phone = Carrier(ChannelKind.VOICE)
    office.app = replace(office.app, channels={**office.app.channels, ChannelKind.VOICE: phone})
    await asked(office)
    await office.store("update conversations set channel = 'voice'")
    if not reads:
        await office.store("update addresses set dead_since = now()")
    told = len(texts(office))
    await later(office, hours=4)
    assert [ASKED in text for text in texts(office)[told:]] == [True] * reads
    assert phone.sent == []


async def test_a_reminder_keeps_to_the_hours_of_the_client(office: Post) -> None:
    office.app = replace(office.app, hours=SendWindow(time(9), time(20)))
    office.clock.advance(office.clock().replace(hour=15))
    await asked(office)
    told = len(texts(office))
    await later(office, hours=4)
    assert len(texts(office)) == told, "21:00 in Bucharest"
    await later(office, hours=12)
    assert texts(office)[told:] == [f"Are you still there?\n{ASKED}"]


@pytest.mark.parametrize("reason", ["the talk has gone on", "the debt is frozen or paid", "a person has taken over"])
async def test_a_reminder_that_waits_for_the_morning_is_not_sent_when_it_is_over_by_then(
    office: Post, reason: str
) -> None:
    office.app = replace(office.app, hours=SendWindow(time(9), time(20)))
    office.clock.advance(office.clock().replace(hour=15))
    await asked(office)
    await later(office, hours=4)
    match reason:
        case "the talk has gone on":
            await office.says("vineri")
        case "the debt is frozen or paid":
            await paid(office)
        case _:
            await office.store("update conversations set owner = 'operator'")
    await later(office, hours=12)
    assert not any("still there" in text for text in texts(office))
    assert (reason,) in await office.asks("select reason from outbound where state = 'refused'")


@pytest.mark.parametrize(("days", "mails"), [(1, 1), (10, 0)])
async def test_a_pause_holds_for_reminders_too_and_the_ladder_goes_on(office: Post, days: int, mails: int) -> None:
    await asked(office)
    async with office.app.database.write() as session:
        await lock_clients(session, [1])
        await pause(session, 1, days, "in hospital", "maria", office.clock())
    told = len(texts(office))
    for hours in (4, 20, 24, 24):
        await later(office, hours=hours)
    assert (len(texts(office)), len(office.mail.sent)) == (told, mails)
    assert ("review", "conversation handed over: silence") in await office.asks("select kind, reason from tasks")


async def test_another_contact_within_the_distance_of_the_plan_leaves_no_room_for_a_reminder(office: Post) -> None:
    await office.store("update plans set terms = terms || '{\"min_days_between_contacts\": 7}'")
    await asked(office)
    await office.store(
        "insert into contacts (client_id, case_id, plan_id, currency, occasion, stage, action, touch, script, "
        "channels, state, planned_at, send_from, send_until) select client_id, case_id, plan_id, currency, occasion, "
        "stage, 7, 0, script, channels, 'planned', planned_at, send_from + interval '9 days', "
        "send_until + interval '9 days' from contacts"
    )
    told = len(texts(office))
    await later(office, hours=4)
    assert len(texts(office)) == told


async def test_a_fault_in_a_rung_hands_the_talk_to_a_person_and_stops_no_other(
    database_url: str, now: datetime
) -> None:
    async with reminded(database_url, now, clients=2) as office:
        await asked(office)
        await broken(office, office.clock() + timedelta(hours=1))
        await later(office, hours=5)
        assert "still there" in texts(office)[-1]
        [(client, reason)] = await office.asks("select client_id, reason from tasks")
        assert client == 2
        assert str(reason).startswith("conversation handed over: fault: UnknownSchema(")
        assert await office.asks("select owner from conversations order by client_id") == [("bot",), ("waiting",)]


async def test_rungs_that_cannot_even_be_handed_over_wait_and_stop_no_other(database_url: str, now: datetime) -> None:
    async with reminded(database_url, now, clients=4) as office:
        await asked(office)
        await broken(office, office.clock())
        await office.store("alter table tasks add constraint nobody_is_there check (false) not valid")
        office.clock.advance(office.clock() + timedelta(hours=5))
        assert await break_silences(office.app, office.clock()) == 4
        await office.talk()
        assert "still there" in texts(office)[-1]
        assert (
            await office.asks("select turn, due_at from silences where rung = 0")
            == [(1, office.clock() + timedelta(hours=1))] * 3
        )
        assert await office.asks("select distinct owner from conversations") == [("bot",)]
