"""The parts of a script: steps that say, ask and tell. Written in YAML (`dialogs.script`), held immutable.

A script builds on the shared one (`scripts/common.yaml`): its steps come on top, and a step of the same id replaces
the shared one. Branches test typed values, never words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dialogs.message import Option
from dialogs.text import Shape, Text

SPEC = "1"
SHARED = "common"


class ScriptError(ValueError):
    """The script cannot be used: the message names file, line, what is wrong and what to do."""


class AskKind(StrEnum):
    """What type of value a step waits for."""

    CHOICE = "choice"
    PROMISE_DATE = "promise_date"
    COUNT = "count"
    YES_NO = "yes_no"
    TEXT = "text"
    IDENTITY = "identity"


class Effect(StrEnum):
    """What a step tells the case store. `lost` hands over because two replies in a row were not understood, `identity`
    because somebody did not prove who they are; `link` wants a pay link where this channel cannot carry it.
    """

    PROMISE = "promise"
    INSTALLMENTS = "installments"
    PAID = "paid"
    DISPUTE = "dispute"
    OPERATOR = "operator"
    HARDSHIP = "hardship"
    LOST = "lost"
    FAULT = "fault"
    STOP = "stop"
    WRONG_PERSON = "wrong_person"
    IDENTITY = "identity"
    LINK = "link"


NEEDS: Mapping[Effect, str] = {
    Effect.PROMISE: "until",
    Effect.INSTALLMENTS: "count",
    Effect.DISPUTE: "reason",
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
)
"""What can happen in any talk besides an intent: a script says by `repairs` which step answers."""


class Problem(StrEnum):
    """Why a value was refused; an asking step explains each kind by a text under `again`."""

    UNCLEAR = "unclear"
    PAST = "past"
    BEYOND = "beyond"


EXPLAINED: Mapping[AskKind, tuple[Problem, ...]] = {
    AskKind.PROMISE_DATE: (Problem.UNCLEAR, Problem.PAST, Problem.BEYOND),
    AskKind.COUNT: (Problem.UNCLEAR, Problem.BEYOND),
    AskKind.TEXT: (Problem.UNCLEAR,),
    AskKind.IDENTITY: (Problem.UNCLEAR,),
}
"""The refusals each kind of question must have words for."""

ENDINGS = ("lost", "fault", "unidentified")
"""Events whose step must say something and end the talk; `reopened` must say something."""


@dataclass(frozen=True, slots=True)
class Line:
    """A text of a step, said `when` that fact is known and not nothing, or `unless` it is."""

    key: str
    when: str = ""
    unless: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A typed question. `go` maps an answer to the step it leads to: an option's id, or `given` for a value.

    A value asked for may lead elsewhere: `in_time` a day no later than that of the script's matter, `granted` a number
    of parts for which there is a schedule. A proof of identity leads to the start of whichever script is played: its
    `go` is empty.
    """

    kind: AskKind
    go: Mapping[str, str]
    slot: str = ""
    options: tuple[Option, ...] = ()
    again: Mapping[Problem, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """Says its lines, tells its effect, then asks, goes on to `next`, or ends the talk."""

    id: str
    lines: tuple[Line, ...] = ()
    emit: Effect | None = None
    ask: Ask | None = None
    next: str = ""
    line: int = 0
    file: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        """The steps this one can lead to by itself."""
        return tuple(self.ask.go.values()) if self.ask else (self.next,) if self.next else ()


@dataclass(frozen=True, slots=True)
class Script:
    """One version of a script, shared steps included. `version` is a hash of the content it was built from.

    `matter` names the fact it is about (one of `dialogs.facts.MATTERS`); empty where that is the debt as a whole.
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
    own: frozenset[str] = frozenset()
    """Keys of the texts written in this script's own file."""

    def option(self, wanted: str) -> tuple[Option, str] | None:
        """An option of any step by its id, with the step it leads to: an old button still works."""
        for step in self.steps.values():
            if step.ask and step.ask.kind == AskKind.CHOICE:
                for option in step.ask.options:
                    if option.id == wanted:
                        return option, step.ask.go[wanted]
        return None

    def asking(self, slot: str) -> str:
        """The id of the step that asks for a slot."""
        return next(step.id for step in self.steps.values() if step.ask and step.ask.slot == slot)

    @property
    def subject_key(self) -> str:
        """The key of the mail subject: the script's own, or else the shared one."""
        own = f"{self.name}.subject"
        return own if own in self.texts else f"{SHARED}.subject"
