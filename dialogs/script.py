"""Script files into Script values: the shared script and those that are called put together, every reference looked up.

What is wrong is refused with file, line and remedy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path

from dialogs.conditions import Mistyped, type_condition, type_limit
from dialogs.flow import ENDINGS, EVENTS, FILLED, NEEDS, PHRASES, SHARED, Effect, Script, ScriptError, Step
from dialogs.marked import Fault, read_marked
from dialogs.text import Shape
from dialogs.written import Written
from engine.outcome import OfferKind

__all__ = ["Script", "ScriptError", "load_scripts", "parse_file", "parse_script"]

PACKAGED = Path(__file__).parent / "scripts"
DEEPEST = 4
"""How many scripts may stand in one another; a talk never has more to come back to."""
KEPT = 64
"""Files kept as read: the shared one is part of every script."""

Sources = Mapping[str, str]
"""The texts of script files by the name of the file without its ending."""


@cache
def load_scripts(directory: Path = PACKAGED) -> Mapping[str, Script]:
    """All scripts of a directory by name, the shared one left out: it is no talk of its own. Raises ScriptError."""
    sources = _sources(directory)
    scripts = [parse_script(text, f"{stem}.yaml", sources=sources) for stem, text in sources.items() if stem != SHARED]
    return {script.name: script for script in scripts}


def parse_script(text: str, filename: str, shared: str | None = None, sources: Sources | None = None) -> Script:
    """Build a script from its text, that of the shared file, and those of the scripts it calls (where None, the
    packaged ones). Raises ScriptError.
    """
    sources = _sources(PACKAGED) if sources is None else sources
    shared = sources[SHARED] if shared is None else shared
    base, own = parse_file(shared, f"{SHARED}.yaml"), parse_file(text, filename)
    if not own.start:
        raise ScriptError(f"{filename}: line 1: 'start' is missing; name the step a talk begins with")
    called = _Called(sources)
    for step in (*base.steps.values(), *own.steps.values()):
        called.by(step, (own.name,))
    script = Script(
        name=own.name,
        version=hashlib.sha256("\0".join((shared, text, *called.texts)).encode()).hexdigest()[:16],
        file=filename,
        start=own.start,
        matter=own.matter,
        steps={step.id: called.led(step) for step in (*({**base.steps, **own.steps}.values()), *called.steps.values())},
        texts={
            **base.texts,
            **own.texts,
            **{key: text for one in called.scripts.values() for key, text in one.texts.items()},
        },
        repairs={**base.repairs, **own.repairs},
        slots=_slots(base, own, *called.scripts.values()),
        channels=own.channels,
        by_client=own.by_client,
        own=own.own,
        outdated=own.outdated,
    )
    _resolve(script)
    return script


@lru_cache(maxsize=KEPT)
def parse_file(text: str, filename: str) -> Script:
    """One file by itself, with references not yet resolved: what catalogs are extracted from. Raises ScriptError."""
    try:
        return Written(read_marked(text), filename).script()
    except Fault as fault:
        raise ScriptError(f"{filename}: {fault}") from None


@lru_cache(maxsize=KEPT)
def _sources(directory: Path) -> Sources:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(directory.glob("*.yaml"))}


class _Called:
    """The scripts that a script calls, directly or by another, their steps under `<script>.<step>`."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.scripts: dict[str, Script] = {}
        self.steps: dict[str, Step] = {}

    @property
    def texts(self) -> list[str]:
        """The files they were read from."""
        return [self.sources[name] for name in self.scripts]

    def by(self, step: Step, callers: tuple[str, ...]) -> None:
        """Take up the script that the step calls, and those that that one calls."""
        name = step.call
        if not name:
            return
        if name not in self.sources or name == SHARED:
            raise _at(step, f"there is no script '{name}' to call", "add its file or correct the name")
        if name in callers or len(callers) > DEEPEST:
            raise _at(step, f"the call of '{name}' comes back to itself or is too deep", "remove one of the calls")
        script = self.scripts.get(name) or parse_file(self.sources[name], f"{name}.yaml")
        if not script.start or script.name != name:
            raise _at(step, f"'{name}' cannot be called", "give it a 'start', and the name of its file")
        self.scripts[name] = script
        names = {own: f"{name}.{own}" for own in script.steps}
        for own in script.steps.values():
            self.steps[names[own.id]] = _renamed(own, lambda target: names.get(target, target))
            self.by(own, (*callers, name))

    def led(self, step: Step) -> Step:
        """The step with the start of the script that it calls."""
        called = self.scripts.get(step.call)
        return replace(step, call=f"{step.call}.{called.start}") if called else step


def _renamed(step: Step, new: Callable[[str], str]) -> Step:
    ask = step.ask
    if ask:
        ask = replace(ask, go={answer: new(go) for answer, go in ask.go.items()}, lost=new(ask.lost))
    branches = tuple(replace(branch, go=new(branch.go)) for branch in step.branches)
    return replace(step, id=new(step.id), ask=ask, branches=branches, next=new(step.next))


def _slots(*scripts: Script) -> dict[str, Shape]:
    """All slots; the same name is the same slot, of one type."""
    slots: dict[str, Shape] = {}
    for script in scripts:
        for name, shape in script.slots.items():
            if slots.setdefault(name, shape) != shape:
                raise ScriptError(
                    f"{script.file}: line 1: slot '{name}' is {slots[name]} already; rename it or take that type"
                )
    return slots


def _resolve(script: Script) -> None:
    """Every step named must exist, every slot must be declared, and what is compared must be comparable."""
    _complete(script)
    _answer_events(script)
    for step in script.steps.values():
        for name in step.targets:
            if name not in script.steps:
                raise _at(
                    step,
                    f"step '{step.id}' leads to '{name}', which does not exist",
                    "add that step or correct the name",
                )
        reminders = [rung.key for rung in step.ask.silence if rung.key] if step.ask else []
        for key in (*(line.key for line in step.lines), *reminders):
            if key not in script.texts:
                raise _at(step, f"there is no shared phrase '{key}'", "add it under 'phrases', or write the words")
        if step.emit == Effect.OFFER and script.matter not in set(OfferKind):
            offers = " or ".join(f"'matter: {kind}'" for kind in OfferKind)
            raise _at(step, "an offer is taken in a script that is about none", f"write {offers} at its top")
        _fill(script, step)
        _compare(script, step)


def _complete(script: Script) -> None:
    """There is a start, a step for whatever may happen, and the words that are said beside any step."""
    for name in (script.start, *script.repairs.values()):
        if name not in script.steps:
            raise ScriptError(f"{script.file}: line 1: there is no step '{name}'; add it or name another")
    for event in EVENTS:
        if event not in script.repairs:
            raise ScriptError(f"{script.file}: line 1: nothing answers '{event}'; name a step for it under 'repairs'")
    for phrase in PHRASES:
        if f"{SHARED}.phrases.{phrase}" not in script.texts:
            raise ScriptError(f"{SHARED}.yaml: line 1: there is no phrase '{phrase}'; add its words under 'phrases'")


def _fill(script: Script, step: Step) -> None:
    """The slots of a step are declared, of a type that its answers have."""
    for slot in filter(None, (NEEDS.get(step.emit) if step.emit else "", step.ask.slot if step.ask else "")):
        if slot not in script.slots:
            raise _at(step, f"slot '{slot}' is not declared", "add it with its type under 'slots'")
    ask = step.ask
    if ask and ask.slot and script.slots[ask.slot] not in FILLED[ask.kind]:
        raise _at(
            step,
            f"slot '{ask.slot}' is of type {script.slots[ask.slot]}, which no {ask.kind} fills",
            f"declare it as {FILLED[ask.kind][0]}",
        )


def _compare(script: Script, step: Step) -> None:
    try:
        for branch in step.branches:
            type_condition(branch.when, script.slots)
        for bound in filter(None, (step.ask.least, step.ask.most) if step.ask else ()):
            type_limit(step.ask.kind, bound, script.slots)  # type: ignore[union-attr] # a bound belongs to a question
    except Mistyped as error:
        raise _at(step, str(error), "name a fact or slot of that type, or write a literal of it") from None


def _answer_events(script: Script) -> None:
    """What happens in any talk is never met with silence, and a hand-over ends the talk."""
    for event in (*ENDINGS, "reopened", "not_understood"):
        step = script.steps[script.repairs[event]]
        silent = not any(not line.when and not line.unless for line in step.lines)
        if silent or (event in ENDINGS and (step.targets or step.ask)):
            raise _at(
                step,
                f"step '{step.id}' answers '{event}' but says nothing or does not end",
                "give it a text without conditions" + (" and no 'next'" if event in ENDINGS else ""),
            )


def _at(step: Step, what: str, remedy: str) -> ScriptError:
    return ScriptError(f"{step.file}: line {step.line}: {what}; {remedy}")
