"""Walking a script within one turn: says, tells, and stops at a question or at the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from dialogs.answers import in_time, latest, promisable, promised, value
from dialogs.conditions import holds, is_said
from dialogs.facts import Facts
from dialogs.flow import (
    GRANTED,
    HANDED_OVER,
    IN_TIME,
    Ask,
    AskKind,
    Condition,
    Effect,
    Line,
    Problem,
    Script,
    Step,
)
from dialogs.message import Message, Option, Schedule, Value
from dialogs.reading.reading import LANGUAGES, Reading
from dialogs.state import Slot, State
from dialogs.telling import TAKEN, StepFault, told
from dialogs.text import PRIVATE
from engine.outcome import Handover, LanguageChanged, OfferAccepted, OperatorRequested, OptedOut, Outcome, PromiseMade

STEPS = 50
"""Steps of one turn after which the script is taken to run in a circle, and a person takes over."""
DEEPEST = 5
"""Steps that a talk can have to come back to."""


class Walk:
    """One turn in the making. `messages` and `outcomes` gather in order; `state` is replaced, never changed."""

    def __init__(self, script: Script, facts: Facts, state: State, languages: tuple[str, ...] = LANGUAGES) -> None:
        self.script = script
        self.facts = facts
        self.state = state
        self.languages = languages
        self.messages: list[Message] = []
        self.outcomes: list[Outcome] = []

    def go(self, name: str, reading: Reading | None = None, *answered: AskKind) -> None:
        """Walk from that step on. What `reading` holds answers the questions on the way without their being put, one
        question of each kind, and none of the kinds it has answered already. Raises StepFault.
        """
        taken = set(answered)
        for _ in range(STEPS):
            step = self.script.steps[name]
            if self._promises(step) and promisable(self.facts, self.script.matter) is None:
                name, reading = self.script.repairs["nothing_to_promise"], None
                continue
            if step.emit == Effect.INSTALLMENTS and self._rescheduled():
                name = self._after(self.script.steps[self.script.asking("count")], self.state.slots["count"])
                continue
            ask = step.ask
            if ask and reading and ask.kind not in taken:
                taken.add(ask.kind)
                given = value(ask, reading, self.facts, self.bound(), asked=False, matter=self.script.matter)
                if isinstance(given, Problem):
                    self._keep_amount(ask, reading)
                    self._refuse(name, given)
                    return
                if given is not None:
                    name = self._fill(step, ask, given, reading)
                    continue
            problem = self._tell(step)
            if problem:
                self._refuse(self.script.asking("until"), problem)
                return
            self.say(step.lines)
            onward = "" if ask else self._onward(step)
            if not onward:
                self._stop(step)
                return
            name = onward
        raise StepFault(f"the talk went {STEPS} steps without a question, the last of them '{name}'")

    def take(self, asked: Step, ask: Ask, given: Slot, reading: Reading) -> None:
        """Go on from the question that was put, with the value that answers it."""
        self.go(self._fill(asked, ask, given, reading), reading, ask.kind)

    def _fill(self, step: Step, ask: Ask, given: Slot, reading: Reading) -> str:
        """Keep the answer to a question, and say where it leads."""
        self._keep_amount(ask, reading)
        self.keep(ask.slot, given)
        self.state = replace(self.state, filled=step.id)
        return self._after(step, given)

    def _onward(self, step: Step) -> str:
        """Where a step that does not ask goes on; nothing where the talk ends. The end of a called script is none."""
        if step.call:
            if len(self.state.stack) >= DEEPEST:
                raise StepFault(f"step '{step.id}' calls too deep")
            self.state = replace(self.state, stack=(*self.state.stack, step.next))
            return step.call
        onward = self._branch(step) or step.next
        if onward or not self.state.stack or step.emit in HANDED_OVER:
            return onward
        return self.come_back()

    def come_back(self) -> str:
        """Take the step to come back to from the stack; nothing where there is none."""
        *others, back = self.state.stack or ("",)
        self.state = replace(self.state, stack=tuple(others))
        return back

    def _branch(self, step: Step) -> str:
        """Where the first branch that holds leads; nothing where none does."""
        for branch in step.branches:
            if self._holds(branch.when):
                return branch.go
        return ""

    def _holds(self, condition: Condition) -> bool:
        until = self.state.slots.get("until")
        if condition.name == IN_TIME:
            return isinstance(until, date) and in_time(until, self.facts, self.script.matter)
        if condition.name == GRANTED:
            return "schedule" in self.state.slots
        return holds(condition, self.facts, self.bound(), self.script.slots)

    def event(self, name: str) -> None:
        """Walk the step that answers an event of any talk."""
        self.go(self.script.repairs[name])

    def fault(self, reason: str) -> None:
        """Something is wrong with the script: all of this turn but a stop is dropped, and a person takes over."""
        stops = [outcome for outcome in self.outcomes if isinstance(outcome, OptedOut)]
        self.messages = []
        step = self.script.steps[self.script.repairs["fault"]]
        self.say(step.lines)
        self._stop(step)
        self.outcomes = [*stops, OperatorRequested(Handover.FAULT, reason)]

    def give_up(self, ask: Ask | None) -> None:
        """Too many replies in a row led nowhere: the question's own way out, or else a person."""
        if ask and ask.lost:
            self.clear_misses()
            self.go(ask.lost)
        else:
            self.event("lost")

    def ask_language(self) -> None:
        """Ask which language; the question that stands is come back to."""
        asked = self.script.steps.get(self.state.asked)
        if asked and asked.ask and asked.ask.kind != AskKind.LANGUAGE:
            self.state = replace(self.state, stack=(*self.state.stack, asked.id))
        self.event("language")

    def speak(self, language: str, *, chosen: bool) -> None:
        """Go on in that language."""
        self.state = replace(self.state, language=language)
        self.outcomes.append(LanguageChanged(language, chosen))

    def resume(self) -> None:
        """Put the question again that the choice of language came between, or the one that stands."""
        step = self.script.steps.get(self.state.asked)
        if step and step.ask and step.ask.kind == AskKind.LANGUAGE:
            back = self.come_back()
            self.state = replace(self.state, asked=back)
        self.clear_misses()
        self.repeat()

    def say_step(self, event: str) -> None:
        """Say the lines that answer an event, and stay where the talk is."""
        self.say(self.script.steps[self.script.repairs[event]].lines)

    def repeat(self) -> None:
        """Put the present question again, or offer what the talk can do where there is none."""
        step = self.script.steps.get(self.state.asked)
        if step and step.ask:
            self.say(step.lines)
            self.offer(step.id, self._options(step.ask))
        else:
            self.event("reopened")

    def explain(self, problem: Problem) -> None:
        """Say why the value cannot be taken, and wait for another."""
        step = self.script.steps[self.state.asked]
        if step.ask:
            self.say((Line(step.ask.again[problem]),))
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
        """A new matter begins: the values of the last but that an offer is taken, misses, and the stack are gone."""
        slots = {name: value for name, value in self.state.slots.items() if name == TAKEN}
        self.state = replace(self.state, slots=slots, filled="", misses=0, stack=(), booked=None, corrects=False)

    def say(self, lines: tuple[Line, ...]) -> None:
        """Say those of the lines that hold now, and that may be heard by whoever listens."""
        for line in lines:
            wanted = self.script.texts[line.key].placeholders
            if not self.state.identified and wanted & PRIVATE:
                continue
            if is_said(line, self.facts):
                self.messages.append(Message(line.key, {k: v for k, v in self.bound().items() if k in wanted}))

    def bound(self) -> dict[str, Value]:
        """The values of the talk; an amount not named is all that can be promised."""
        return {
            "amount": promisable(self.facts, self.script.matter) or self.facts.amount_due,
            "latest": latest(self.facts, self.script.matter),
            **self.state.slots,
        }

    def _promises(self, step: Step) -> bool:
        """Whether the step asks for a promise or makes one."""
        return step.emit == Effect.PROMISE or bool(step.ask and step.ask.kind == AskKind.PROMISE_DATE)

    def _after(self, asking: Step, given: Slot) -> str:
        """The step that a value leads to, once it is kept."""
        if any(branch.when.name == GRANTED for branch in asking.branches):
            self._keep_schedule(self.facts.schedules.get(given) if isinstance(given, int) else None)
        return self._branch(asking) or (asking.ask.go["given"] if asking.ask else "")

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
            self.offer(step.id, self._options(step.ask))
        else:
            self.state = replace(self.state, asked="", offered=(), misses=0, done=True, stack=(), corrects=False)

    def _options(self, ask: Ask) -> tuple[Option, ...]:
        """The options that are offered; of languages, those that the deployment speaks."""
        choosing = ask.kind == AskKind.LANGUAGE
        return tuple(option for option in ask.options if not choosing or option.id in self.languages)

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
        """Add the outcome of a step, or say why there is none."""
        outcome = told(step, self.state, self.facts, self.script)
        if isinstance(outcome, Problem):
            return outcome
        if outcome is not None:
            self.outcomes.append(outcome)
        if isinstance(outcome, OfferAccepted):
            self.keep(TAKEN, outcome.offer)
        if isinstance(outcome, PromiseMade):
            booked = (outcome.amount, outcome.until) if outcome.amount else None
            self.state = replace(self.state, booked=booked, corrects=False)
        return None
