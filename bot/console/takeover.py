"""A person speaks in a conversation instead of the bot: taken over, answered and handed back, each in one transaction.

Taking over bars the bot's queued messages in the same transaction, so nothing of the bot goes out afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from bot.application import Application
from bot.console.access import Operator
from bot.speaking import answer_as
from engine.contact import ChannelKind
from engine.store.history import note
from engine.store.session import ReadSession, WriteSession
from engine.store.tables.people import Custody, Draft, User
from engine.store.tables.talk import Conversation, MessageRow, Owner

LONGEST = 1500


class NoSuchTalk(LookupError):
    """There is no such conversation. It may have been another address; the client's page shows all of them."""


class HeldBy(Exception):
    """Somebody else was faster: `name` has held the conversation since `since`; None where the bot has it again."""

    def __init__(self, name: str | None, since: datetime) -> None:
        super().__init__(name or "the bot")
        self.name, self.since = name, since


class NothingToSay(ValueError):
    """An answer has between 1 and 1500 characters. Nothing was sent."""


class NoWriting(ValueError):
    """Nobody can write on that channel: call the client back instead. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Who holds a conversation, and the epoch a page must show to change that."""

    user: int | None
    name: str | None
    epoch: int
    since: datetime | None


async def holding(session: ReadSession, talk: int) -> Holding:
    """Who holds the conversation now; epoch 0 where nobody ever has."""
    row = (
        await session.execute(
            select(Custody, User.name)
            .outerjoin(User, User.id == Custody.user_id)
            .where(Custody.conversation_id == talk)
            .execution_options(populate_existing=True)
        )
    ).one_or_none()
    if row is None:
        return Holding(None, None, 0, None)
    custody, name = row
    return Holding(custody.user_id, name, custody.epoch, custody.since)


SILENCE = text("""
update outbound o set state = 'refused', settled_at = :now, reason = 'a person has taken over'
from messages m
where m.id = o.message_id and o.conversation_id = :talk and o.state = 'ready' and m.author = 'bot' and not o.parting
""")


async def take_over(session: WriteSession, talk_id: int, who: Operator, epoch: int, now: datetime) -> None:
    """Give the conversation to `who`. `epoch` is the one their page showed. Raises HeldBy for whoever came second."""
    talk = await _locked(session, talk_id)
    held = await holding(session, talk_id)
    if talk.owner == Owner.OPERATOR and held.user == who.id:
        return
    if held.epoch != epoch or talk.owner == Owner.OPERATOR:
        raise HeldBy(held.name, held.since or now)
    await _change_hands(session, talk, Owner.OPERATOR, who.id, now)
    await session.execute(SILENCE, {"talk": talk_id, "now": now})
    _note(session, talk, "taken_over", who, now)


async def hand_back(session: WriteSession, talk_id: int, who: Operator, now: datetime) -> None:
    """Let the bot take the client's next reply; it says nothing by itself. Raises HeldBy if `who` does not hold it."""
    talk = await _mine(session, talk_id, who, now)
    await _change_hands(session, talk, Owner.BOT, None, now)
    await session.execute(delete(Draft).where(Draft.conversation_id == talk_id))
    _note(session, talk, "handed_back", who, now)


async def answer(
    session: WriteSession, app: Application, talk_id: int, who: Operator, written: str, once: str, now: datetime
) -> None:
    """Queue a person's answer. A form sent twice (`once` is its own) is one answer.

    Raises HeldBy, NothingToSay or NoWriting.
    """
    talk = await _mine(session, talk_id, who, now)
    if await _said_already(session, talk_id, once):
        return
    if not can_write(app, talk.channel):
        raise NoWriting
    said = written.replace("\r\n", "\n").strip()
    if not 1 <= len(said) <= LONGEST:
        raise NothingToSay
    answer_as(session, talk, said, {"operator": who.id, "once": once}, now)
    await session.execute(delete(Draft).where(Draft.conversation_id == talk_id, Draft.user_id == who.id))


async def _said_already(session: ReadSession, talk_id: int, once: str) -> bool:
    statement = select(MessageRow.id).where(
        MessageRow.conversation_id == talk_id, MessageRow.content["once"].as_string() == once
    )
    return bool(once) and await session.scalar(statement.limit(1)) is not None


def can_write(app: Application, channel: str) -> bool:
    """Whether a person can answer in words there: a call is over once it is over."""
    return channel != ChannelKind.VOICE and ChannelKind(channel) in app.channels


async def save_draft(session: WriteSession, talk: int, who: Operator, written: str, now: datetime) -> None:
    """Keep a half-written answer; an emptied one is forgotten."""
    if not written.strip():
        await session.execute(delete(Draft).where(Draft.conversation_id == talk, Draft.user_id == who.id))
        return
    values = {"words": written[: LONGEST * 2], "saved_at": now}
    statement = insert(Draft).values(user_id=who.id, conversation_id=talk, **values)
    await session.execute(statement.on_conflict_do_update(constraint="pk_drafts", set_=values))


async def draft_of(session: ReadSession, talk: int, who: Operator) -> str:
    """What they had begun to write there."""
    return await session.scalar(select(Draft.words).where(Draft.conversation_id == talk, Draft.user_id == who.id)) or ""


async def _locked(session: WriteSession, talk_id: int) -> Conversation:
    talk = await session.get(Conversation, talk_id, with_for_update=True, populate_existing=True)
    if talk is None:
        raise NoSuchTalk
    return talk


async def _mine(session: WriteSession, talk_id: int, who: Operator, now: datetime) -> Conversation:
    talk = await _locked(session, talk_id)
    held = await holding(session, talk_id)
    if talk.owner != Owner.OPERATOR or held.user != who.id:
        raise HeldBy(held.name if talk.owner == Owner.OPERATOR else None, held.since or now)
    return talk


async def _change_hands(
    session: WriteSession, talk: Conversation, owner: Owner, user: int | None, now: datetime
) -> None:
    talk.owner = owner
    await session.execute(
        insert(Custody)
        .values(conversation_id=talk.id, user_id=user, epoch=1, since=now)
        .on_conflict_do_update(
            constraint="pk_custody", set_={"user_id": user, "epoch": Custody.epoch + 1, "since": now}
        )
    )


def _note(session: WriteSession, talk: Conversation, kind: str, who: Operator, now: datetime) -> None:
    note(session, talk.client_id, now, kind, operator=who.name, channel=talk.channel, conversation=talk.id)
