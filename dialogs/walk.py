"""Walking a script within one turn: says, tells, and stops at a question or at the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from dialogs.answers import in_time, latest, promisable, promised, refused, value
from dialogs.facts import Facts
from dialogs.flow import Ask, AskKind, Effect, Line, Problem, Script, Step
from dialogs.message import Message, Option, Schedule, Value
from dialogs.reading.reading import Reading
from dialogs.state import Slot, State
from dialogs.text import FACTS, PRIVATE, Shape
from engine.money import Money
from engine.outcome import (
    Disputed,
    Handover,
    InstallmentsRequested,
    LinkWanted,
    OperatorRequested,
    OptedOut,
    Outcome,
    PaymentClaimed,
    PromiseMade,
    WrongPerson,
)

STEPS = 50
"""Steps of one turn after which the script is taken to run in a circle, and a person takes over."""

PLAIN: dict[Effect, Outcome] = {
    Effect.PAID: PaymentClaimed(),
    Effect.OPERATOR: OperatorRequested(Handover.ASKED),
    Effect.HARDSHIP: OperatorRequested(Handover.HARDSHIP),
    Effect.LOST: OperatorRequested(Handover.NOT_UNDERSTOOD),
    Effect.FAULT: OperatorRequested(Handover.FAULT),
    Effect.STOP: OptedOut(),
    Effect.WRONG_PERSON: WrongPerson(),
    Effect.IDENTITY: OperatorRequested(Handover.IDENTITY),
}
"""Effects that need no value."""


class Walk:
    """One turn in the making. `messages` and `outcomes` gather in order; `state` is replaced, never changed."""

    def __init__(self, script: Script, facts: Facts, state: State) -> None:
        self.script = script
        self.facts = facts
        self.state = state
        self.messages: list[Message] = []
        self.outcomes: list[Outcome] = []

    def go(self, name: str, reading: Reading | None = None) -> None:
        """Walk from that step on. What `reading` holds answers the questions on the way without their being put."""
        for _ in range(STEPS):
            step = self.script.steps[name]
            if self._promises(step) and promisable(self.facts, self.script.matter) is None:
                name, reading = self.script.repairs["nothing_to_promise"], None
                continue
            if step.emit == Effect.INSTALLMENTS and self._rescheduled():
                name = self._after(self.script.asking("count"), self.state.slots["count"])
                continue
            ask = step.ask
            given = value(ask.kind, reading, self.facts, asked=False) if ask and reading else None
            if ask and reading and isinstance(given, Problem):
                self._keep_amount(ask, reading)
                self._refuse(name, given)
                return
            if ask and reading and given is not None:
                self._keep_amount(ask, reading)
                self.keep(ask.slot, given)
                self.state = replace(self.state, filled=name)
                name, reading = self._after(name, given), None
                continue
            problem = self._tell(step)
            if problem:
                self._refuse(self.script.asking("until"), problem)
                return
            self._say(step.lines)
            if ask or not step.next:
                self._stop(step)
                return
            name = step.next
        self.event("fault")

    def event(self, name: str) -> None:
        """Walk the step that answers an event of any talk."""
        if name == "fault":
            self.messages, self.outcomes = [], []
        self.go(self.script.repairs[name])

    def say_step(self, event: str) -> None:
        """Say the lines that answer an event, and stay where the talk is."""
        self._say(self.script.steps[self.script.repairs[event]].lines)

    def repeat(self) -> None:
        """Put the present question again, or offer what the talk can do where there is none."""
        step = self.script.steps.get(self.state.asked)
        if step and step.ask:
            self._say(step.lines)
            self.offer(step.id, step.ask.options)
        else:
            self.event("reopened")

    def explain(self, problem: Problem) -> None:
        """Say why the value cannot be taken, and wait for another."""
        step = self.script.steps[self.state.asked]
        if step.ask:
            self._say((Line(step.ask.again[problem]),))
        self.state = replace(self.state, offered=(), done=False)

    def offer(self, name: str, options: tuple[Option, ...]) -> None:
        """Stop at the question, its options under the last message."""
        if options and self.messages:
            self.messages[-1] = replace(self.messages[-1], options=options)
        elif options:
            self.event("reopened")
            return
        offered = tuple(option.id for option in options)
        self.state = replace(self.state, asked=name, offered=offered, done=False)

    def miss(self) -> None:
        """One more reply in a row that led nowhere."""
        self.state = replace(self.state, misses=self.state.misses + 1)

    def clear_misses(self) -> None:
        """A reply led somewhere."""
        self.state = replace(self.state, misses=0)

    def keep(self, slot: str, given: Slot) -> None:
        """Remember a value of the talk."""
        self.state = replace(self.state, slots={**self.state.slots, slot: given})

    def identified(self) -> None:
        """From here on the debt may be spoken of."""
        self.state = replace(self.state, identified=True, misses=0)

    def forget(self) -> None:
        """A new matter begins: values of the last one, and misses, are gone."""
        self.state = replace(self.state, slots={}, filled="", misses=0)

    def speak(self, language: str) -> None:
        """Go on in that language."""
        self.state = replace(self.state, language=language)

    def _say(self, lines: tuple[Line, ...]) -> None:
        for line in lines:
            wanted = self.script.texts[line.key].placeholders
            if not self.state.identified and wanted & PRIVATE:
                continue
            if (not line.when or self._known(line.when)) and not (line.unless and self._known(line.unless)):
                self.messages.append(Message(line.key, {k: v for k, v in self._args().items() if k in wanted}))

    def _args(self) -> dict[str, Value]:
        """The values of the talk; an amount not named is all that can be promised."""
        return {
            "amount": promisable(self.facts, self.script.matter) or self.facts.amount_due,
            "latest": latest(self.facts),
            **self.state.slots,
        }

    def _known(self, fact: str) -> bool:
        """Whether there is anything to show; accounts are shown only where there are several."""
        known = getattr(self.facts, fact)
        return len(known) > 1 if FACTS.get(fact) == Shape.ACCOUNTS else bool(known)

    def _promises(self, step: Step) -> bool:
        """Whether the step asks for a promise or makes one."""
        return step.emit == Effect.PROMISE or bool(step.ask and step.ask.kind == AskKind.PROMISE_DATE)

    def _after(self, asking: str, given: Slot) -> str:
        """The step that a value leads to: a day early enough, or parts granted at once, have one of their own."""
        ask = self.script.steps[asking].ask
        go = ask.go if ask else {}
        if isinstance(given, date) and "in_time" in go and in_time(given, self.facts, self.script.matter):
            return go["in_time"]
        schedule = self.facts.schedules.get(given) if isinstance(given, int) and "granted" in go else None
        self._keep_schedule(schedule)
        return go["granted" if schedule else "given"]

    def _keep_schedule(self, schedule: Schedule | None) -> None:
        """Remember the payments that are read back: they are what is booked, or nothing is."""
        kept = {name: value for name, value in self.state.slots.items() if name not in {"schedule", "total"}}
        if schedule:
            first, *others = (part for _, part in schedule)
            kept |= {"schedule": schedule, "total": sum(others, start=first)}
        self.state = replace(self.state, slots=kept)

    def _rescheduled(self) -> bool:
        """Whether the payments that were read back are not those that would be granted now."""
        slots = self.state.slots
        read_back, count = slots.get("schedule"), slots.get("count")
        return read_back is not None and isinstance(count, int) and self.facts.schedules.get(count) != read_back

    def _stop(self, step: Step) -> None:
        if step.ask:
            self.offer(step.id, step.ask.options)
        else:
            self.state = replace(self.state, asked="", offered=(), misses=0, done=True)

    def _refuse(self, name: str, problem: Problem) -> None:
        self.miss()
        self.state = replace(self.state, asked=name)
        self.explain(problem)

    def _keep_amount(self, ask: Ask, reading: Reading) -> None:
        """Remember the sum a promise is about: what is read back is what is booked, even if the debt changes."""
        if ask.kind != AskKind.PROMISE_DATE:
            return
        matter = self.script.matter
        named = promised(reading, self.facts, matter)
        amount = named or self.state.slots.get("amount") or promisable(self.facts, matter)
        if amount:
            self.keep("amount", amount)

    def _tell(self, step: Step) -> Problem | None:
        """Add the outcome of a step; a promise confirmed too late is not made."""
        if step.emit is None:
            return None
        slots = self.state.slots
        until, amount = slots.get("until"), slots.get("amount")
        if step.emit == Effect.PROMISE and isinstance(until, date):
            problem = refused(until, self.facts)
            if problem:
                return problem
            self.outcomes.append(PromiseMade(amount if isinstance(amount, Money) else None, until))
        elif step.emit == Effect.INSTALLMENTS and isinstance(count := slots.get("count"), int):
            self.outcomes.append(InstallmentsRequested(count))
        elif step.emit == Effect.DISPUTE:
            self.outcomes.append(Disputed(str(slots.get("reason", ""))))
        elif step.emit == Effect.LINK and self.facts.link_by_sms:
            self.outcomes.append(LinkWanted())
        elif step.emit in PLAIN:
            self.outcomes.append(PLAIN[step.emit])
        return None
