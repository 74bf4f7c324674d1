"""Whoever knocks at the webhooks without being let in leaves nothing behind; whoever knocks twice is heard once.

2,000 PROPERTY_STEPS are 50,000 requests that are not genuine and 5,000 repetitions of genuine ones.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from knocking import API_TOKEN, Asgi, Knock, knock, open_door, signed_event, signed_form, sms, status, under_way, update
from sqlalchemy import text

from bot.inbox import handle_inbox
from channels.signatures import NotAForm, form_pairs
from engine.store.session import Database

STEPS = int(os.environ.get("PROPERTY_STEPS", "2000"))
KNOCKS, REPEATED = 25 * STEPS, 5 * STEPS // 2
SIGNATURES = (b"x-twilio-signature", b"payment-signature", b"x-telegram-bot-api-secret-token", b"authorization")
AT_ONCE, TIMES = 32, 10

CHECKOUTS = """
with link as (
  insert into pay_links (digest, client_id, currency, created_at) select 'x', id, 'RON', :now from clients returning id
)
insert into checkouts (id, pay_link_id, amount, created_at)
select gen_random_uuid(), link.id, 100, :now from link, generate_series(1, :many) returning id
"""
EFFECTS = """
select (select count(*) from payments), (select sum(amount) from payments),
       (select count(*) from attempts where state = 'delivered'),
       (select count(*) from outbound where state = 'delivered')
"""

Mutation = Callable[[Knock, Random], Knock]


def genuine(draw: Random, now: datetime) -> Knock:
    """A request as a carrier, a provider or a system around us makes it."""
    call, attempt, place = f"CA{draw.getrandbits(64):x}", uuid4(), "/webhooks/twilio/voice"
    caller = {"CallSid": call, "From": "+40712345678", "To": "+12025550100", "Direction": "inbound"}
    kinds: list[Callable[[], Knock]] = [
        partial(sms, "+40712345678", "Plătesc vineri"),
        partial(status, attempt, f"SM{draw.getrandbits(64):x}", "delivered"),
        partial(signed_form, f"{place}/inbound", **caller),
        partial(signed_form, f"{place}/{attempt}/answer", **caller, AnsweredBy="human"),
        partial(signed_form, f"{place}/{attempt}/turn/1/0/0", **caller, SpeechResult="da"),
        partial(signed_form, f"{place}/{attempt}/end/2", **caller),
        partial(signed_form, f"{place}/{attempt}/dialed/2", **caller, DialCallStatus="completed"),
        partial(signed_form, f"{place}/{attempt}/status", **caller, CallStatus="completed"),
        partial(signed_event, now, id="evt_1", type="checkout.paid", checkout="c", amount=1, currency="RON"),
        partial(update, draw.getrandbits(40), 555, "Bună"),
        partial(Knock, b"/api/orders/1", ((b"authorization", f"Bearer {API_TOKEN}".encode()),), b'{"outcome": "done"}'),
    ]
    return draw.choice(kinds)()


def unsigned(asked: Knock, draw: Random) -> Knock:
    return asked.without(*SIGNATURES)


def flipped(asked: Knock, draw: Random) -> Knock:
    """One bit of what proves it is another."""
    name, proof = next(header for header in asked.headers if header[0] in SIGNATURES)
    return asked.but((name, _flip(proof, draw)))


def tampered(asked: Knock, draw: Random) -> Knock:
    """One bit of the form is another, and it says something else."""
    if b"x-twilio-signature" not in dict(asked.headers):
        return flipped(asked, draw)
    while True:
        body = _flip(asked.body, draw)
        try:
            if form_pairs(body) != form_pairs(asked.body):
                return asked.but(body=body)
        except NotAForm:
            return asked.but(body=body)


def elsewhere(asked: Knock, draw: Random) -> Knock:
    """What was signed for one address is posted to another, or with a query."""
    if b"x-twilio-signature" not in dict(asked.headers):
        return unsigned(asked, draw)
    if draw.random() < 0.5:
        return asked.but(query=b"a=%00&b")
    return asked.but(path=b"/webhooks/twilio/status/" + str(uuid4()).encode())


def strange_proof(asked: Knock, draw: Random) -> Knock:
    name, _ = next(header for header in asked.headers if header[0] in SIGNATURES)
    strange = [
        "é".encode(),
        "ș".encode("latin-1", "replace"),
        b"\xff\xfe",
        b"",
        b"a" * 60_000,
        b"Bearer \xff",
        b"t=,v1=",
    ]
    return asked.but((name, draw.choice(strange)))


def strange_type(asked: Knock, draw: Random) -> Knock:
    """A form that is none, beside a proof that is none."""
    boundary = b'--b\r\ncontent-disposition: form-data; name="Body"; filename="x.png"\r\n\r\n\x89PNG\r\n--b--\r\n'
    types = [
        (b"multipart/form-data; boundary=b", boundary),
        (b"multipart/form-data", boundary),
        (b"application/json", b"[" * 10_000),
        (b"application/x-www-form-urlencoded; charset=utf-7", b"Body=+AGE-"),
        (b"text/plain", b"\0" * 100),
        (b"\xff/\xff", b"a=1"),
        (b"", b""),
    ]
    kind, body = draw.choice(types)
    return flipped(asked, draw).but((b"content-type", kind), body=body)


STRANGE_BODIES = [
    b"Body=%00&MessageSid=SM%00",
    b"Body=%ED%A0%80&From=%ED%B0%80",
    "Body=ș".encode(),
    b"\xff" * 500,
    b"&".join(b"f%d=1" % number for number in range(5_000)),
    urlencode([("MessageSid", f"SM{number}") for number in range(150)]).encode(),
    b"Body=" + b"a" * 70_000,
    b"Body=" + b"a" * 1_200_000,
    b"%" * 3_000,
    b"=&=&;" * 100,
    b'{"update_id": 1e400, "message": ' + b"[" * 5_000,
    b'{"id": "\\ud800"}',
]


def strange_body(asked: Knock, draw: Random) -> Knock:
    return flipped(asked, draw).but(body=draw.choice(STRANGE_BODIES))


def spoofed(asked: Knock, draw: Random) -> Knock:
    """It claims to have come another way."""
    ways = ((b"host", b"evil.example"), (b"x-forwarded-host", b"amiable.example"), (b"x-forwarded-proto", b"https"))
    return flipped(asked, draw).but(*ways, (b"x-forwarded-for", b"127.0.0.1"), (b"content-length", b"-1"))


def another_method(asked: Knock, draw: Random) -> Knock:
    return unsigned(asked, draw).but(method=draw.choice(("GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "QUERY")))


def strange_path(asked: Knock, draw: Random) -> Knock:
    tails = [b"%00", b"%ff%fe", b"/../sms", b"/" * 50, b"/%ED%A0%80", b"/" + b"9" * 5_000, b"/-1/0/0", b"?a=1"]
    return asked.but(path=asked.path.rstrip(b"/") + draw.choice(tails))


MUTATIONS: list[Mutation] = [
    *(unsigned, flipped, flipped, tampered, tampered, elsewhere, strange_proof),
    *(strange_type, strange_body, spoofed, another_method, strange_path),
]


def _flip(what: bytes, draw: Random) -> bytes:
    place, other = draw.randrange(8 * len(what)), bytearray(what)
    other[place // 8] ^= 1 << place % 8
    return bytes(other)


async def rows(database: Database) -> dict[str, int]:
    """How many rows each table has."""
    async with database.read() as session:
        tables = await session.scalars(text("select relname from pg_stat_user_tables order by 1"))
        return {name: int(await session.scalar(text(f'select count(*) from "{name}"')) or 0) for name in tables}  # noqa: S608


@dataclass(frozen=True, slots=True)
class Held:
    """What this process holds: bytes of memory, and objects of all those that can hold others."""

    memory: int
    objects: int

    @classmethod
    def now(cls) -> Held:
        gc.collect()
        memory = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return cls(memory, len(gc.get_objects()))

    def flat_after(self, before: Held, knocks: int) -> bool:
        """Whether nothing has been kept of so many requests: not an object of one in ten, nor a kilobyte of each."""
        return self.objects - before.objects < knocks / 10 and self.memory - before.memory < 1024 * knocks


async def knock_strangely(web: Asgi, draw: Random, now: datetime, knocks: int) -> Counter[int]:
    """Knock in every way in turn. How often each status was the answer."""
    met = Counter[int]()
    for number in range(knocks):
        mutation = MUTATIONS[number % len(MUTATIONS)]
        one = mutation(genuine(draw, now), draw)
        answered = await knock(web, one)
        assert 300 <= answered < 500, (mutation.__name__, answered, one)
        met[answered] += 1
    return met


async def test_what_is_not_genuine_breaks_nothing_and_leaves_nothing(database_url: str, now: datetime) -> None:
    draw = Random(5)  # noqa: S311 - it guards nothing
    async with open_door(database_url, now) as (web, wired):
        before = await rows(wired.app.database)
        met = await knock_strangely(web, draw, now, KNOCKS // 4)
        held = Held.now()
        met += await knock_strangely(web, draw, now, KNOCKS - KNOCKS // 4)
        assert Held.now().flat_after(held, KNOCKS - KNOCKS // 4)
        assert await rows(wired.app.database) == before
        assert {401, 403, 404, 405, 413} <= set(met), met
        assert await knock(web, sms("+40700000001", "hello")) == 200, "the door opens to who has the key"


@pytest.mark.parametrize("part", ["path", "headers"])
async def test_an_application_that_keeps_something_of_each_request_is_caught(
    database_url: str, now: datetime, part: str
) -> None:
    kept, draw, knocks = [], Random(6), KNOCKS // 50  # noqa: S311 - it guards nothing
    async with open_door(database_url, now) as (web, _):

        async def keeping(scope: dict[str, Any], *ends: Any) -> None:
            kept.append([scope[part]])
            await web(scope, *ends)

        await knock_strangely(keeping, draw, now, knocks)
        held = Held.now()
        await knock_strangely(keeping, draw, now, knocks)
        assert not Held.now().flat_after(held, knocks)


async def test_what_carriers_repeat_has_one_effect(database_url: str, now: datetime) -> None:
    draw, many = Random(4), REPEATED // (4 * TIMES)  # noqa: S311 - it guards nothing
    async with open_door(database_url, now) as (web, wired):
        database = wired.app.database
        async with database.write() as session:
            attempts = await under_way(session, many, now)
            checkouts = list(await session.scalars(text(CHECKOUTS), {"many": many, "now": now}))
        paid = {"type": "checkout.paid", "amount": 100, "currency": "RON"}
        events = [
            *(status(attempt, f"SM{attempt.hex}", "delivered") for attempt in attempts),
            *(signed_event(now, id=f"evt_{one}", checkout=f"c_{one}", reference=str(one), **paid) for one in checkouts),
            *(sms("+40799999999", f"number {number}") for number in range(many)),
            *(update(number, -555, "in a group") for number in range(many)),
        ]
        posts = events * TIMES
        draw.shuffle(posts)
        for start in range(0, len(posts), AT_ONCE):
            answered = await asyncio.gather(*(knock(web, one) for one in posts[start : start + AT_ONCE]))
            assert set(answered) <= {200, 204}
            await handle_inbox(wired.app, now)
        async with database.read() as session:
            assert await session.scalar(text("select count(*) from inbox where state = 'done'")) == len(events)
            assert (await session.execute(text(EFFECTS))).one() == (many, 100 * many, many, many)


STRANGE_FIELDS: list[dict[str, str]] = [
    {"MessageSid": "SM1", "From": "+4071\0", "Body": "\0"},
    {"MessageSid": "SM2", "From": "+40712345678", "Body": "\ud7ff\U0010ffff" * 2_000},
    {"MessageSid": "SM3", "From": "é" * 3_000, "Body": ""},
    {"MessageSid": "", "From": ""},
    {"MessageSid": "SM4", "MessageStatus": "delivered\0", "CallStatus": "\0", "CallSid": "CA4"},
    {"MessageSid": "SM5", "MessageStatus": "undelivered", "ErrorCode": "9" * 3_000, "To": "\0"},
    {"CallSid": "CA6", "From": "+40712345678", "To": "+12025550100", "CallStatus": "completed", "Digits": "\0" * 99},
    {"CallSid": "CA7", "From": "+40712345678", "To": "", "CallStatus": "failed", "SipResponseCode": "404"},
    {},
]
STRANGE_EVENTS: list[dict[str, object]] = [
    {"id": "evt_1", "type": "checkout.paid", "checkout": "c", "reference": "é\x7f", "amount": 1, "currency": "RON"},
    {"id": "evt_2", "type": "checkout.paid", "checkout": "c", "reference": "r", "amount": 10**40, "currency": "RON"},
    {"id": "evt_3", "type": "checkout.paid", "checkout": "c", "reference": "r", "amount": -1, "currency": "XXX"},
    {"id": "evt_4", "type": "é", "checkout": "c" * 9_000, "reference": "é", "amount": 1, "currency": "RON"},
    {"id": "evt_5", "amount": {"amount": []}},
]
VOICE = "/webhooks/twilio/voice"
PLACES = ("/webhooks/twilio/sms", f"/webhooks/twilio/status/{uuid4()}", f"{VOICE}/inbound", f"{VOICE}/{uuid4()}/answer")
IN_CALLS = (f"{VOICE}/k/turn/1/0/0", f"{VOICE}/k/turn/{9**40}/-1/0", f"{VOICE}/k/end/2", f"{VOICE}/{uuid4()}/status")


async def test_what_is_genuine_and_strange_breaks_nothing_either(database_url: str, now: datetime) -> None:
    async with open_door(database_url, now) as (web, wired):
        knocks = [signed_form(place, **fields) for place in (*PLACES, *IN_CALLS) for fields in STRANGE_FIELDS]
        knocks += [signed_event(now, **fields) for fields in STRANGE_EVENTS]
        knocks += [update(number, chat, "\0\ud7ff") for number, chat in ((1, 5), (-1, 0), (2**62, 2**62), (10**30, 1))]
        met = {(one.path, one.body[:80]): await knock(web, one) for one in knocks}
        assert {one: answered for one, answered in met.items() if answered >= 500} == {}
        await handle_inbox(wired.app, now)
        async with wired.app.database.read() as session:
            assert await session.scalar(text("select count(*) from inbox where state = 'new'")) == 0


UNKEEPABLE = ("SM\0", "\0", "x" * 5_000)
"""Names of messages and calls that PostgreSQL can keep in no text or in no index. A form holds no lone surrogate."""


async def test_what_is_signed_and_has_a_name_that_cannot_be_kept_is_refused(database_url: str, now: datetime) -> None:
    caller = {"From": "+40712345678", "To": "+12025550100", "Direction": "inbound"}
    paid = {"type": "checkout.paid", "checkout": "c", "reference": "r", "amount": 1, "currency": "RON"}
    knocks = [
        *(signed_form(PLACES[0], MessageSid=name, From="+40712345678", Body="hi") for name in UNKEEPABLE),
        *(status(uuid4(), name, "delivered") for name in UNKEEPABLE),
        *(signed_form(place, CallSid=name, **caller) for name in UNKEEPABLE for place in (PLACES[2], PLACES[3])),
        *(signed_form(IN_CALLS[3], CallSid=name, CallStatus="completed") for name in UNKEEPABLE),
        signed_form(PLACES[2], CallSid="CA1", **(caller | {"From": "+4071\0"})),
        signed_form(f"{VOICE}/k%00/turn/1/0/0", CallSid="CA1", **caller),
        *(signed_event(now, id=name, **paid) for name in (*UNKEEPABLE, "evt\ud800")),
    ]
    async with open_door(database_url, now) as (web, wired):
        before = await rows(wired.app.database)
        assert [await knock(web, one) for one in knocks] == [400] * len(knocks)
        assert await rows(wired.app.database) == before
