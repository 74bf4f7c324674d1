"""The turn: a reply in, the next state, messages and outcomes out. Pure; sending and booking happen elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from dialogs.answers import ASKED, bare_count, bare_day, picked, promised, value
from dialogs.facts import Facts
from dialogs.flow import Ask, AskKind, Problem, Script
from dialogs.identity import ask_who, identify
from dialogs.message import Chose, Keys, Message, Option, Reply, Said
from dialogs.reading.reader import read
from dialogs.reading.reading import LANGUAGES, Asked, Band, Intent, Reading
from dialogs.state import State
from dialogs.walk import Walk
from engine.outcome import LanguageChanged, Outcome, PaymentClaimed

MISSES = 2
"""Replies in a row not understood after which a person takes over."""
REFUSALS = 3
"""Replies in a row understood but not possible, such as days too far off."""

ANY_MOMENT = (
    Intent.OPT_OUT,
    Intent.WRONG_PERSON,
    Intent.ALREADY_PAID,
    Intent.DISPUTE,
    Intent.HUMAN,
    Intent.REQUEST_INSTALLMENTS,
    Intent.HARDSHIP,
)
"""What goes before the answer to any question."""
WHILE_EXPLAINING = (Intent.OPT_OUT, Intent.WRONG_PERSON, Intent.HUMAN)
"""What goes before a free text: a complaint may well speak of payments and of hardship."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a talk: what to store, to say, and to book, all in one transaction."""

    state: State
    messages: tuple[Message, ...]
    outcomes: tuple[Outcome, ...]


def start(script: Script, facts: Facts, language: str, now: datetime, *, identified: bool = True) -> Turn:
    """Open a talk; where somebody else may listen (`identified` false), with the question who is there."""
    walk = Walk(script, facts, State(script.name, script.version, language, now, identified=identified))
    if identified:
        walk.go(script.start)
    else:
        ask_who(walk)
    return _turn(walk)


def resume(
    script: Script,
    state: State,
    reply: Reply,
    facts: Facts,
    now: datetime,
    languages: tuple[str, ...] = LANGUAGES,
) -> Turn:
    """Take a reply. `script` is the version the talk began with; `languages` are those the deployment speaks.

    A reply after the end opens the talk again. A state that does not fit the script goes to an operator.
    """
    walk = Walk(script, facts, replace(state, at=now))
    step = script.steps.get(state.asked)
    if state.asked and (step is None or step.ask is None):
        walk.event("fault")
        return _turn(walk)
    ask = step.ask if step and not state.done else None
    if not state.identified:
        identify(walk, ask, reply, languages)
        return _turn(walk)
    option = _option(reply, state, ask)
    if option:
        _choose(walk, ask, option)
    elif isinstance(reply, Said | Keys):
        _hear(walk, ask, reply.text if isinstance(reply, Said) else reply.digits, languages)
    else:
        _miss(walk, ask)
    return _turn(walk)


def answer_first(
    script: Script,
    reply: Reply,
    facts: Facts,
    language: str,
    now: datetime,
    languages: tuple[str, ...] = LANGUAGES,
) -> Turn:
    """Somebody writes first: the answer to what they want, or the script's opening where that is not clear."""
    opening = start(script, facts, language, now)
    answered = resume(script, opening.state, reply, facts, now, languages)
    if not answered.state.misses:
        return answered
    if answered.state.language == language:
        return opening
    return replace(start(script, facts, answered.state.language, now), outcomes=answered.outcomes)


def _turn(walk: Walk) -> Turn:
    state = replace(walk.state, turn=walk.state.turn + 1)
    return Turn(state, tuple(walk.messages), tuple(walk.outcomes))


def _option(reply: Reply, state: State, ask: Ask | None) -> str:
    """The option chosen exactly. A number is one of those offered, unless a date or a count was asked for."""
    if isinstance(reply, Chose):
        return reply.option
    if ask and ask.kind in {AskKind.PROMISE_DATE, AskKind.COUNT}:
        return ""
    return picked(reply.text if isinstance(reply, Said) else reply.digits, state.offered)


def _choose(walk: Walk, ask: Ask | None, option: str) -> None:
    known = walk.script.option(option)
    if ask and ask.kind == AskKind.YES_NO and option in ask.go:
        walk.clear_misses()
        walk.go(ask.go[option])
    elif known:
        walk.forget()
        walk.go(ask.go[option] if ask and option in ask.go else known[1])
    else:
        _miss(walk, ask)


def _hear(walk: Walk, ask: Ask | None, text: str, languages: tuple[str, ...]) -> None:
    asked = ASKED.get(ask.kind, Asked.NOTHING) if ask else Asked.NOTHING
    reading = read(text, walk.state.language, walk.facts.today, asked, languages)
    if reading.switch or reading.chosen:
        walk.speak(reading.language)
        walk.outcomes.append(LanguageChanged(reading.language, reading.chosen))
        if reading.intent == Intent.OTHER and reading.chosen:
            walk.repeat()
            return
    free = ask is not None and ask.kind == AskKind.TEXT
    if reading.acts(*(WHILE_EXPLAINING if free else ANY_MOMENT)):
        _repair(walk, reading)
    elif not (ask and _answered(walk, ask, reading)):
        _otherwise(walk, ask, reading)


def _answered(walk: Walk, ask: Ask, reading: Reading) -> bool:
    """Whether the reply answers the question, and if so the talk has gone on."""
    if ask.kind == AskKind.YES_NO:
        return _confirmed(walk, ask, reading)
    given = None if ask.kind == AskKind.CHOICE else value(ask.kind, reading, walk.facts, asked=True)
    if given is None:
        return False
    if isinstance(given, Problem):
        _refuse(walk, given)
        return True
    walk.clear_misses()
    walk.go(walk.state.asked, reading)
    return True


def _confirmed(walk: Walk, ask: Ask, reading: Reading) -> bool:
    """Yes, no, or a correction: another day, sum or number of parts than read back is read back in its turn.

    Days and sums named on payments in parts are conditions that nobody can agree to here.
    """
    slots = walk.state.slots
    amount = promised(reading, walk.facts, walk.script.matter)
    said = reading.answer if reading.answer is not None else _polarity(reading)
    in_parts = "schedule" in slots
    other_day = not in_parts and any(day.date != slots.get("until") for day in reading.dates)
    other_count = in_parts and reading.count not in {None, slots["count"]}
    if walk.state.filled and (other_day or other_count):
        walk.go(walk.state.filled, reading)
    elif in_parts and (reading.dates or reading.amounts):
        return False
    elif amount and amount != slots.get("amount"):
        walk.keep("amount", amount)
        walk.repeat()
    elif said is None:
        return False
    else:
        walk.clear_misses()
        walk.go(ask.go["yes" if said else "no"])
    return True


def _polarity(reading: Reading) -> bool | None:
    if reading.acts(Intent.AFFIRM, Intent.DENY):
        return reading.intent == Intent.AFFIRM
    return None


def _otherwise(walk: Walk, ask: Ask | None, reading: Reading) -> None:
    """The reply is no answer to the question, or there was none."""
    courteous = reading.acts(Intent.AFFIRM, Intent.THANKS)
    choosing = ask is not None and ask.kind == AskKind.CHOICE
    if courteous and walk.state.done:
        walk.event("thanked")
    elif choosing and bare_day(reading, walk.facts):
        walk.forget()
        walk.go(walk.script.repairs[Intent.PROMISE_TO_PAY], reading)
    elif choosing and bare_count(reading):
        walk.forget()
        walk.go(walk.script.repairs[Intent.REQUEST_INSTALLMENTS], reading)
    elif reading.band == Band.ACT and reading.intent in walk.script.repairs and (choosing or not courteous):
        _repair(walk, reading)
    elif reading.band == Band.CONFIRM and (options := _unsure(walk.script, reading)):
        walk.miss()
        walk.say_step("unsure")
        walk.offer("menu", options)
    elif walk.state.done:
        walk.clear_misses()
        walk.event("reopened")
    else:
        _miss(walk, ask)


def _repair(walk: Walk, reading: Reading) -> None:
    """Do the more binding of two wishes; a payment claimed in the same breath is booked as well."""
    walk.forget()
    if reading.intent in WHILE_EXPLAINING and reading.second == Intent.ALREADY_PAID:
        walk.outcomes.append(PaymentClaimed())
    walk.go(walk.script.repairs[reading.intent], reading)


def _unsure(script: Script, reading: Reading) -> tuple[Option, ...]:
    """The menu entries of the two likeliest intents; nothing where one of them has none."""
    wanted = [script.repairs.get(intent, "") for intent in (reading.intent, reading.second)]
    found = [script.option(step) for step in wanted if step]
    options = tuple(option for option, _ in filter(None, found))
    return options if len(set(options)) == len(wanted) else ()


def _miss(walk: Walk, ask: Ask | None) -> None:
    walk.miss()
    if walk.state.misses >= MISSES:
        walk.event("lost")
    elif ask and Problem.UNCLEAR in ask.again:
        walk.explain(Problem.UNCLEAR)
    else:
        walk.say_step("not_understood")
        walk.repeat()


def _refuse(walk: Walk, problem: Problem) -> None:
    walk.miss()
    if walk.state.misses >= (MISSES if problem == Problem.UNCLEAR else REFUSALS):
        walk.event("lost")
    else:
        walk.explain(problem)
