"""The turn: a reply in, the next state, messages and outcomes out. Pure; sending and booking happen elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from dialogs.answers import ASKED, FEWEST_WORDS, bare_count, bare_day, other_day, picked, value
from dialogs.confirmation import confirmed, corrected
from dialogs.facts import Facts
from dialogs.flow import VALUED, Ask, AskKind, Problem, Script
from dialogs.identity import ask_who, identify
from dialogs.message import Chose, Keys, Message, Option, Reply, Said
from dialogs.reading.reader import read
from dialogs.reading.reading import LANGUAGES, Asked, Band, Intent, Reading
from dialogs.reading.vocabulary import vocabulary
from dialogs.reading.word_rules import is_sign_of_yes
from dialogs.state import State
from dialogs.succession import succeeded
from dialogs.telling import StepFault
from dialogs.walk import Walk
from dialogs.wishes import Wish, wish_of
from engine.outcome import OperatorRequested, Outcome, PaymentClaimed

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
GOES_BEFORE = {
    AskKind.TEXT: WHILE_EXPLAINING,
    AskKind.AMOUNT: tuple(intent for intent in ANY_MOMENT if intent != Intent.REQUEST_INSTALLMENTS),
}
"""What goes before the answer to questions of these kinds: half of it is a sum where a sum was asked for."""

DEFECTS = (LookupError, TypeError, ValueError, ArithmeticError)
"""What a defect in a step, or in this program, shows itself by."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a talk: what to store, to say, and to book, all in one transaction."""

    state: State
    messages: tuple[Message, ...]
    outcomes: tuple[Outcome, ...]


def start(script: Script, facts: Facts, language: str, now: datetime, *, identified: bool = True) -> Turn:
    """Open a talk; where somebody else may listen (`identified` false), with the question who is there."""
    walk = Walk(script, facts, State(script.name, script.version, language, now, identified=identified))
    return _turn(walk, lambda: walk.go(script.start) if identified else ask_who(walk))


def resume(
    script: Script,
    state: State,
    reply: Reply,
    facts: Facts,
    now: datetime,
    languages: tuple[str, ...] = LANGUAGES,
) -> Turn:
    """Take a reply. `script` is the version the talk began with, or the one there is now (`dialogs.succession`);
    `languages` are those the deployment speaks.

    A reply after the end opens the talk again. A state that does not fit the script goes to an operator.
    """
    walk = Walk(script, facts, succeeded(replace(state, at=now), script), languages)
    return _turn(walk, lambda: _take(walk, reply))


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


def _turn(walk: Walk, act: Callable[[], None]) -> Turn:
    """What comes of an act. Whatever is wrong with a step, the person is not met with silence."""
    before = walk.state
    try:
        act()
        if not walk.messages and not any(isinstance(outcome, OperatorRequested) for outcome in walk.outcomes):
            raise StepFault("the script had nothing to say")
    except (StepFault, *DEFECTS) as fault:
        walk.state = before
        walk.fault(str(fault) if isinstance(fault, StepFault) else repr(fault))
    state = replace(walk.state, turn=walk.state.turn + 1, rungs=0)
    return Turn(state, tuple(walk.messages), tuple(walk.outcomes))


def _take(walk: Walk, reply: Reply) -> None:
    state = walk.state
    step = walk.script.steps.get(state.asked)
    if state.asked and (step is None or step.ask is None):
        raise StepFault(f"the talk stands at '{state.asked}', which asks nothing")
    ask = step.ask if step and not state.done else None
    if not state.identified:
        identify(walk, ask, reply)
        return
    option = _option(reply, state, ask)
    if option:
        _choose(walk, ask, option)
    elif isinstance(reply, Said | Keys):
        _hear(walk, ask, reply.text if isinstance(reply, Said) else reply.digits)
    else:
        _miss(walk, ask)


def _option(reply: Reply, state: State, ask: Ask | None) -> str:
    """The option chosen exactly. A number is one of those offered, unless a value was asked for."""
    if isinstance(reply, Chose):
        return reply.option
    if ask and ask.kind in {AskKind.PROMISE_DATE, AskKind.COUNT, AskKind.AMOUNT}:
        return ""
    return picked(reply.text if isinstance(reply, Said) else reply.digits, state.offered)


def _choose(walk: Walk, ask: Ask | None, option: str) -> None:
    """An option of the question goes on with its values, unless it begins a matter of its own, as an old one does."""
    known = walk.script.option(option)
    if ask and ask.kind == AskKind.LANGUAGE and option in walk.languages:
        walk.speak(option, chosen=True)
        walk.resume()
    elif ask and option in ask.go and ask.kind not in VALUED:
        if ask.go[option] in walk.script.repairs.values() and ask.kind == AskKind.CHOICE:
            walk.forget()
        walk.clear_misses()
        _take_option(walk, ask, option)
    elif known:
        walk.forget()
        _take_option(walk, known[1], option)
    else:
        _miss(walk, ask)


def _take_option(walk: Walk, ask: Ask, option: str) -> None:
    if ask.slot:
        walk.keep(ask.slot, option)
    walk.go(ask.go[option])


def _hear(walk: Walk, ask: Ask | None, text: str) -> None:
    asked = ASKED.get(ask.kind, Asked.NOTHING) if ask else Asked.NOTHING
    reading = read(text, walk.state.language, walk.facts.today, asked, walk.languages)
    if reading.switch or reading.chosen:
        walk.speak(reading.language, chosen=reading.chosen)
        if reading.intent == Intent.OTHER and reading.chosen:
            walk.resume()
            return
    wish = wish_of(reading, walk.languages)
    if wish in {Wish.HELP, Wish.LANGUAGE}:
        _of_the_talk(walk, wish)
    elif wish == Wish.BEREAVED:
        walk.event("bereaved")
    elif reading.acts(*(GOES_BEFORE.get(ask.kind, ANY_MOMENT) if ask else ANY_MOMENT)):
        _repair(walk, reading)
    elif not (wish and corrected(walk, reading)) and not (ask and _answered(walk, ask, reading)):
        _otherwise(walk, ask, reading)


def _of_the_talk(walk: Walk, wish: Wish) -> None:
    """Help is given and the question put again; which language is asked, and the question come back to."""
    walk.clear_misses()
    if wish == Wish.LANGUAGE:
        walk.ask_language()
    else:
        walk.say_step("help")
        walk.repeat()


def _answered(walk: Walk, ask: Ask, reading: Reading) -> bool:
    """Whether the reply answers the question, and if so the talk has gone on."""
    if ask.kind == AskKind.YES_NO:
        return confirmed(walk, ask, reading)
    given = value(ask, reading, walk.facts, walk.bound(), asked=True, matter=walk.script.matter)
    if given is None:
        return False
    if ask.kind == AskKind.TEXT and len(reading.said.split()) < FEWEST_WORDS and not walk.state.misses:
        given = Problem.UNCLEAR  # a word or two is asked about, once
    if isinstance(given, Problem):
        _refuse(walk, ask, given)
        return True
    walk.clear_misses()
    walk.take(walk.script.steps[walk.state.asked], ask, given, reading)
    return True


def _otherwise(walk: Walk, ask: Ask | None, reading: Reading) -> None:
    """The reply is no answer to the question, or there was none."""
    courteous = reading.acts(Intent.AFFIRM, Intent.THANKS) or (walk.state.done and _nods(walk, reading))
    choosing = ask is not None and ask.kind == AskKind.CHOICE
    if courteous and walk.state.done:
        walk.event("thanked")
    elif walk.state.done and ((_other_day(walk, reading) and corrected(walk, reading)) or _tells_more(walk, reading)):
        return
    elif (choosing or walk.state.done) and bare_day(reading, walk.facts):
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


def _nods(walk: Walk, reading: Reading) -> bool:
    """Whether the reply is a thumb, or another sign of yes, and nothing else."""
    return is_sign_of_yes(reading.text, tuple(map(vocabulary, walk.languages)))


def _other_day(walk: Walk, reading: Reading) -> bool:
    """Whether a day is named for the promise of this talk, which is not over yet."""
    booked = walk.state.booked
    return booked is not None and booked[1] >= walk.facts.today and other_day(reading, walk.facts)


def _tells_more(walk: Walk, reading: Reading) -> bool:
    """Take what is said right after a complaint was noted as more of it, if it is some words and no other wish."""
    asking = walk.script.steps.get(walk.state.filled)
    wordy = len(reading.said.split()) > FEWEST_WORDS and reading.intent in (Intent.OTHER, Intent.DISPUTE)
    if not (wordy and asking and asking.ask and asking.ask.kind == AskKind.TEXT):
        return False
    told = value(asking.ask, reading, walk.facts, walk.bound(), asked=True, matter=walk.script.matter)
    if told is None or isinstance(told, Problem):
        return False
    walk.clear_misses()
    walk.take(asking, asking.ask, told, reading)
    return True


def _repair(walk: Walk, reading: Reading) -> None:
    """Do the more binding of two wishes; a payment claimed in the same breath is booked as well."""
    walk.forget()
    if reading.intent in WHILE_EXPLAINING and reading.second == Intent.ALREADY_PAID:
        walk.outcomes.append(PaymentClaimed())
    walk.go(walk.script.repairs[reading.intent], reading)


def _unsure(script: Script, reading: Reading) -> tuple[Option, ...]:
    """The menu entries of the two likeliest intents; nothing where one has none, unless to stop is one."""
    likeliest = (reading.intent, reading.second)
    wanted = [script.repairs.get(intent, "") for intent in likeliest]
    if Intent.OPT_OUT in likeliest and not all(map(script.option, wanted)):
        wanted = [script.repairs[Intent.OPT_OUT], "more"]
    options = tuple(option for option, _ in filter(None, map(script.option, wanted)))
    return options if len(set(options)) == len(wanted) else ()


def _miss(walk: Walk, ask: Ask | None) -> None:
    walk.miss()
    if walk.state.misses >= (ask.tries if ask and ask.tries else MISSES):
        walk.give_up(ask)
    elif ask and Problem.UNCLEAR in ask.again:
        walk.explain(Problem.UNCLEAR)
    else:
        walk.say_step("not_understood")
        walk.repeat()


def _refuse(walk: Walk, ask: Ask, problem: Problem) -> None:
    walk.miss()
    if walk.state.misses >= (ask.tries or (MISSES if problem == Problem.UNCLEAR else REFUSALS)):
        walk.give_up(ask)
    else:
        walk.explain(problem)
