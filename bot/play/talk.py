"""A talk with a script, turn by turn, as a subscriber would have it: the engine of live talks, without their store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from bot.play.premise import Premise
from dialogs.answers import ASKED, picked
from dialogs.catalog import load_catalogs
from dialogs.flow import AskKind, Rung, Script, Step
from dialogs.labels import by_label
from dialogs.message import Chose, Keys, Reply, Said, Speech
from dialogs.reading.reader import read
from dialogs.reading.reading import Asked, Reading
from dialogs.render import render
from dialogs.silence import silent
from dialogs.state import State
from dialogs.turn import Turn, resume, start
from dialogs.wishes import asks_again
from engine.contact import ChannelKind
from engine.outcome import Outcome

MORNING = time(9)


@dataclass(frozen=True, slots=True)
class Heard:
    """What one turn says and books. `option` is the one a number stood for, else `reading` what words were taken for;
    neither where there were none.
    """

    speech: Speech
    outcomes: tuple[Outcome, ...]
    option: str = ""
    reading: Reading | None = None


def reply_of(line: str) -> Reply:
    """`[promise]` is a button, `#1` keys pressed on a phone, all else is said."""
    if line.startswith("[") and line.endswith("]"):
        return Chose(line[1:-1])
    return Keys(line[1:]) if line.startswith("#") else Said(line)


def _again(reply: Reply) -> bool:
    """Whether a caller wants to hear it once more: that is answered by the call itself."""
    return reply == Keys("*") or (isinstance(reply, Said) and asks_again(reply.text))


class Talk:
    """One talk under way."""

    def __init__(self, script: Script, premise: Premise) -> None:
        self.script = script
        self.premise = premise
        self._now = datetime.combine(premise.today, MORNING, UTC)
        facts, alone = premise.facts, premise.channel is None or not premise.channel.overheard
        self._turn = start(script, facts, premise.language, self._now, identified=alone)
        self.opening = self._heard(self._turn)

    @property
    def state(self) -> State:
        """Where the talk stands."""
        return self._turn.state

    @property
    def now(self) -> datetime:
        """The moment of the talk, at which the next turn would happen."""
        return self._now

    @property
    def waits_at(self) -> Step | None:
        """The step whose answer is awaited; None where the talk is over."""
        state = self._turn.state
        return None if state.done else self.script.steps.get(state.asked)

    def reply(self, line: str) -> Heard:
        """Take a reply, written as in a golden talk."""
        said, stored = reply_of(line), State.from_json(self.state.to_json())
        if self.premise.channel is ChannelKind.VOICE and _again(said):
            return replace(self._heard(self._turn), outcomes=())
        reply = by_label(said, self.script, stored, load_catalogs())
        labelled = reply.option if isinstance(reply, Chose) and reply is not said else ""
        option, reading = (labelled, None) if labelled else self._understood(said)
        self._turn = resume(self.script, stored, reply, self.premise.facts, self._now)
        return self._heard(self._turn, option, reading)

    @property
    def next_rung(self) -> Rung | None:
        """What is done next if nobody answers; None where nothing is."""
        ladder, done = self._ladder, self._turn.state.rungs
        return ladder[done] if done < len(ladder) else None

    def stay_silent(self) -> Heard | None:
        """Let the time pass until the next rung of the silence ladder, and do it; None where there is none."""
        rung, state = self.next_rung, self._turn.state
        if rung is None:
            return None
        self.wait(rung.after - (self._ladder[state.rungs - 1].after if state.rungs else timedelta()))
        turn = silent(self.script, state, state.rungs, self.premise.facts, self._now, turn=state.turn)
        if turn is None:
            return None
        self._turn = turn
        return self._heard(turn)

    def wait(self, span: timedelta) -> None:
        """Let time pass in which nobody says anything."""
        before = self._now.date()
        self._now += span
        self.premise = self.premise.later((self._now.date() - before).days)

    @property
    def _ladder(self) -> tuple[Rung, ...]:
        step = self.waits_at
        return step.ask.silence if step and step.ask else ()

    def _understood(self, reply: Reply) -> tuple[str, Reading | None]:
        """The option offered that a number alone stands for, or else the reading; a free text is taken as it is."""
        ask = self.waits_at.ask if self.waits_at else None
        if not isinstance(reply, Said) or (ask and ask.kind is AskKind.TEXT):
            return "", None
        option = picked(reply.text, self.state.offered)
        if option:
            return option, None
        asked = ASKED.get(ask.kind, Asked.NOTHING) if ask else Asked.NOTHING
        return "", read(reply.text, self.state.language, self.premise.today, asked)

    def _heard(self, turn: Turn, option: str = "", reading: Reading | None = None) -> Heard:
        facts, channel = self.premise.facts, self.premise.channel
        speech = render(turn.messages, self.script, facts, turn.state.language, load_catalogs(), channel)
        return Heard(speech, turn.outcomes, option, reading)
