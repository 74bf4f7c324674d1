"""What talks say, written together: words, what of them is queued, and what follows where nobody answers.

A talk says it as soon as its turn is taken; all of a transaction goes to the store in one statement a table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from engine.store.arrays import blobs, texts
from engine.store.session import WriteSession
from engine.store.tables.talk import Author, Conversation

SAY = text("""
with said as materialized (
  select nextval(pg_get_serial_sequence('messages', 'id')) as id, one.*
  from unnest(cast(:talks as bigint[]), cast(:authors as text[]), cast(:moments as timestamptz[]),
              cast(:contents as text[]), cast(:words as bytea[]), cast(:contacts as bigint[]),
              cast(:priorities as int[]), cast(:parting as bool[]), cast(:starts as timestamptz[]),
              cast(:ends as timestamptz[])) with ordinality
    one(talk, author, at, content, words, contact, priority, parting, start, "end", place)
), queued as (
  insert into outbound
    (message_id, conversation_id, contact_id, address_id, channel, state, priority, parting, send_from, send_until)
  select said.id, said.talk, said.contact, t.address_id, t.channel, 'ready', said.priority, said.parting, said.start,
         said."end"
  from said join conversations t on t.id = said.talk where said.priority is not null order by said.place
)
insert into messages (id, conversation_id, author, at, content, text)
select id, talk, author, at, cast(content as jsonb), words from said order by place
""")
AWAIT = text("""
insert into silences (conversation_id, turn, rung, due_at)
select * from unnest(
  cast(:talks as bigint[]), cast(:turns as int[]), cast(:rungs as int[]), cast(:due as timestamptz[]))
""")


@dataclass(frozen=True, slots=True)
class Queued:
    """How something said is to go out: from `start` until `end`, with its rank, and the contact it opens if any."""

    start: datetime
    end: datetime
    priority: int
    contact: int | None
    parting: bool


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said in a talk: its content as it is stored, and its words, which are personal."""

    talk: Conversation
    author: Author
    at: datetime
    content: Mapping[str, Any]
    words: str | None = None
    queued: Queued | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    """The next rung of a question's silence ladder: of the talk's turn of that number."""

    talk: Conversation
    turn: int
    rung: int
    due: datetime


async def write_said(session: WriteSession, said: Sequence[Said]) -> None:
    """Write what was said, in its order."""
    ways = [one.queued for one in said]
    await session.send(
        SAY,
        {
            "talks": [one.talk.id for one in said],
            "authors": texts(one.author.value for one in said),
            "moments": [one.at for one in said],
            "contents": texts(json.dumps(one.content, ensure_ascii=False) for one in said),
            "words": blobs(None if one.words is None else one.words.encode() for one in said),
            "contacts": [way and way.contact for way in ways],
            "priorities": [way and way.priority for way in ways],
            "parting": [way and way.parting for way in ways],
            "starts": [way and way.start for way in ways],
            "ends": [way and way.end for way in ways],
        },
    )


async def write_rungs(session: WriteSession, rungs: Sequence[Rung]) -> None:
    """Write what is to be done where nobody answers."""
    await session.send(
        AWAIT,
        {
            "talks": [one.talk.id for one in rungs],
            "turns": [one.turn for one in rungs],
            "rungs": [one.rung for one in rungs],
            "due": [one.due for one in rungs],
        },
    )
