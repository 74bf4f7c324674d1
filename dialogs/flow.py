"""The parts of a script: steps that say, ask and tell. Written in YAML (`dialogs.script`), held immutable.

A script builds on the shared one (`scripts/common.yaml`): its steps come on top, and a step of the same id replaces
the shared one. Steps of a script that it calls stand beside them as `<script>.<step>`. Branches test typed values,
never words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from dialogs.message import Option
from dialogs.text import Shape, Text
from engine.contact import ChannelKind

SPEC = 2
SHARED = "common"


class ScriptError(ValueError):
    """The script cannot be used: the message names file, line, what is wrong and what to do."""


class AskKind(StrEnum):
    """What type of value a step waits for."""

    CHOICE = "choice"
    PROMISE_DATE = "promise_date"
    AMOUNT = "amount"
    COUNT = "count"
    YES_NO = "yes_no"
    TEXT = "text"
    IDENTITY = "identity"
    LANGUAGE = "language"


class Effect(StrEnum):
    """What a step tells the case store. `lost` hands over because two replies in a row were not understood, `identity`
    because somebody did not prove who they are, `bereaved` because somebody died; `link` wants a pay link where this
    channel cannot carry it; `callback` wants a call on the day just named; `offer` takes what the matter offers.
    """

    PROMISE = "promise"
    INSTALLMENTS = "installments"
    PAID = "paid"
    DISPUTE = "dispute"
    OPERATOR = "operator"
    HARDSHIP = "hardship"
    BEREAVED = "bereaved"
    LOST = "lost"
    FAULT = "fault"
    STOP = "stop"
    WRONG_PERSON = "wrong_person"
    IDENTITY = "identity"
    LINK = "link"
    CALLBACK = "callback"
    OFFER = "offer"


NEEDS: Mapping[Effect, str] = {
    Effect.PROMISE: "until",
    Effect.INSTALLMENTS: "count",
    Effect.DISPUTE: "reason",
    Effect.CALLBACK: "until",
}
"""The slot an effect is made of."""

EVENTS = (
    "not_understood",
    "lost",
    "fault",
    "reopened",
    "unsure",
    "thanked",
    "identity",
    "unidentified",
    "nothing_to_promise",
    "help",
    "language",
    "bereaved",
)
"""What can happen in any talk besides an intent: a script says by `repairs` which step answers."""


PHRASES = (
    *("part", "press", "help", "silent", "goodbye", "voicemail", "connecting", "call_back", "stranger", "reach"),
    *("preview", "answer", "why"),
)
"""Phrases of the shared script that stand beside any step, in a call or a mail, whatever a script says."""


class Problem(StrEnum):
    """Why a value was refused; an asking step explains each kind by a text under `again`."""

    UNCLEAR = "unclear"
    PAST = "past"
    BELOW = "below"
    BEYOND = "beyond"


EXPLAINED: Mapping[AskKind, tuple[Problem, ...]] = {
    AskKind.PROMISE_DATE: (Problem.UNCLEAR, Problem.PAST, Problem.BEYOND),
    AskKind.AMOUNT: (Problem.UNCLEAR,),
    AskKind.COUNT: (Problem.UNCLEAR, Problem.BEYOND),
    AskKind.TEXT: (Problem.UNCLEAR,),
    AskKind.IDENTITY: (Problem.UNCLEAR,),
}
"""The refusals each kind of question must have words for; `below` as well where it has a `min`, `beyond` a `max`."""

VALUED: Mapping[AskKind, tuple[Shape, ...]] = {
    AskKind.PROMISE_DATE: (Shape.DAY, Shape.DATE),
    AskKind.AMOUNT: (Shape.MONEY,),
    AskKind.COUNT: (Shape.INTEGER,),
    AskKind.TEXT: (Shape.TEXT,),
}
"""The kinds that ask for a value and fill a slot with it, and the types it may have."""

FILLED: Mapping[AskKind, tuple[Shape, ...]] = {**VALUED, AskKind.CHOICE: (Shape.TEXT,)}
"""The kinds that may have a slot; that of a choice keeps the id of the option taken."""

HANDED_OVER = (
    Effect.OPERATOR,
    Effect.HARDSHIP,
    Effect.BEREAVED,
    Effect.LOST,
    Effect.FAULT,
    Effect.STOP,
    Effect.WRONG_PERSON,
    Effect.IDENTITY,
)
"""Effects after which the bot says no more: no calling script is come back to."""

ENDINGS = ("lost", "fault", "unidentified")
"""Events whose step must say something and end the talk; `reopened` must say something."""


class Relation(StrEnum):
    """How a value stands to another; `known` is about itself alone."""

    KNOWN = "known"
    IS = "is"
    BELOW = "below"
    ABOVE = "above"
    AT_MOST = "at_most"
    AT_LEAST = "at_least"


IN_TIME, GRANTED = "in_time", "granted"
"""Conditions that are no fact: the day just named is no later than that of the script's matter; there is a schedule
for the number of parts just named, which is then read back."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of a fact or slot, or of a named condition. What is not known meets no test but `known: no`.

    `than` is what it is compared with: the name of a fact or slot, or a literal (`dialogs.conditions`).
    """

    name: str
    relation: Relation = Relation.KNOWN
    than: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Branch:
    """Where the talk goes if a condition holds."""

    when: Condition
    go: str


@dataclass(frozen=True, slots=True)
class Line:
    """A text of a step, said `when` that fact is known and not nothing, or `unless` it is, and on those channels only;
    on all where there are none.
    """

    key: str
    when: str = ""
    unless: str = ""
    channels: frozenset[ChannelKind] = frozenset()


class RungKind(StrEnum):
    """What is done when nobody answers."""

    REMIND = "remind"
    OTHER_CHANNEL = "other_channel"
    CALL = "call"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung of a silence ladder: `after` is counted from the question; `key` is the text of a reminder."""

    after: timedelta
    do: RungKind
    key: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A typed question. `go` maps an answer to the step it leads to: an option's id, or `given` for a value, unless a
    branch of the step holds. A proof of identity leads to the start of whichever script is played, a choice of language
    back to where the talk was: their `go` is empty.

    `least` and `most` bound a value (the name of a fact or slot, or a literal; empty: the bounds of its kind alone).
    After `tries` replies in a row that led nowhere (0: as usual) it goes to the step `lost` (empty: to a person).
    """

    kind: AskKind
    go: Mapping[str, str]
    slot: str = ""
    options: tuple[Option, ...] = ()
    again: Mapping[Problem, str] = field(default_factory=dict)
    silence: tuple[Rung, ...] = ()
    least: str = ""
    most: str = ""
    tries: int = 0
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Says its lines, tells its effect, then asks, or goes the first branch that holds, or calls another script's step
    and comes back to `next`, or goes on to `next`, or ends the talk.
    """

    id: str
    lines: tuple[Line, ...] = ()
    emit: Effect | None = None
    ask: Ask | None = None
    branches: tuple[Branch, ...] = ()
    call: str = ""
    next: str = ""
    line: int = 0
    file: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        """The steps this one can lead to by itself."""
        asked = (*self.ask.go.values(), self.ask.lost) if self.ask else ()
        return tuple(filter(None, (*asked, *(branch.go for branch in self.branches), self.call, self.next)))


@dataclass(frozen=True, slots=True)
class Script:
    """One version of a script, shared and called steps included. `version` is a hash of the content it was built from.

    `matter` names the fact it is about (one of `dialogs.facts.MATTERS`); empty where that is the debt as a whole.
    `outdated` says, by line, how a file of an older spec would be written now.
    """

    name: str
    version: str
    file: str
    start: str
    steps: Mapping[str, Step]
    texts: Mapping[str, Text]
    repairs: Mapping[str, str]
    slots: Mapping[str, Shape]
    matter: str = ""
    channels: frozenset[ChannelKind] = frozenset(ChannelKind)
    """Those it is written for."""
    by_client: bool = False
    """Whether it answers somebody who wrote, called or asked first."""
    own: frozenset[str] = frozenset()
    """Keys of the texts written in this script's own file."""
    outdated: tuple[tuple[int, str], ...] = ()

    def option(self, wanted: str) -> tuple[Option, Ask] | None:
        """An option of any step by its id, with its question: an old button still works."""
        for step in self.steps.values():
            if step.ask and step.ask.kind == AskKind.CHOICE:
                for option in step.ask.options:
                    if option.id == wanted:
                        return option, step.ask
        return None

    def asking(self, slot: str) -> str:
        """The id of the step that asks for a slot; empty where none does."""
        return next((step.id for step in self.steps.values() if step.ask and step.ask.slot == slot), "")

    @property
    def subject_key(self) -> str:
        """The key of the mail subject: the script's own, or else the shared one."""
        own = f"{self.name}.subject"
        return own if own in self.texts else f"{SHARED}.subject"
