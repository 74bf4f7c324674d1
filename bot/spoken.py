"""What was said in a call, kept with the turn it belongs to, so that it can be said again word for word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from channels.twiml import Then, Utterance
from engine.store.session import ReadSession
from engine.store.tables.talk import Author, MessageRow

KEY = "call"


@dataclass(frozen=True, slots=True)
class Spoken:
    """The words of one turn of a call, and the webhook they answer. `sid` is the carrier's name of the call."""

    event: str
    sid: str
    turn: int
    words: Utterance

    @property
    def text(self) -> str:
        """The words, a line each."""
        return "\n".join(self.words.lines)

    def content(self) -> dict[str, Any]:
        """All but the words: it stands beside the content of the message that was spoken."""
        words = self.words
        return {
            KEY: {
                "event": self.event,
                "sid": self.sid,
                "turn": self.turn,
                "language": words.language,
                "then": words.then,
                "one_key": words.one_key,
                "hints": list(words.hints),
            },
        }

    def write_on(self, row: MessageRow) -> None:
        """Keep it on a message that was not spoken yet when it was written."""
        row.text = self.text
        row.content = {**row.content, **self.content()}


def said_in(row: MessageRow) -> Spoken | None:
    """What a message said in a call, None where it has not been said in one."""
    kept = row.content.get(KEY)
    if kept is None:
        return None
    words = Utterance(
        kept["language"],
        tuple((row.text or "").split("\n")),
        Then(kept["then"]),
        kept["one_key"],
        tuple(kept["hints"]),
    )
    return Spoken(kept["event"], kept["sid"], kept["turn"], words)


async def said_rows(session: ReadSession, talk: int) -> Sequence[MessageRow]:
    """The bot's messages of a talk, oldest first."""
    rows = select(MessageRow).where(MessageRow.conversation_id == talk, MessageRow.author == Author.BOT)
    return (await session.scalars(rows.order_by(MessageRow.id))).all()
