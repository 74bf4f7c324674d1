"""Reads script files, spec 1, into Script values, and refuses what is wrong with file, line and remedy."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from dialogs.facts import MATTERS
from dialogs.flow import (
    ENDINGS,
    EVENTS,
    EXPLAINED,
    NEEDS,
    SHARED,
    SPEC,
    Ask,
    AskKind,
    Effect,
    Line,
    Problem,
    Script,
    ScriptError,
    Step,
)
from dialogs.marked import Fault, Marked, read_marked
from dialogs.message import Option
from dialogs.reading.reading import Intent
from dialogs.text import FACTS, Shape, Text, is_broken

__all__ = ["Script", "ScriptError", "load_scripts", "parse_file", "parse_script"]

PACKAGED = Path(__file__).parent / "scripts"
NAME = re.compile(r"[a-z][a-z0-9_]*")
CONDITIONS = frozenset(fact for fact in FACTS if "." not in fact) | frozenset(MATTERS)
WORDINGS = ("sms", "voice")
BY_VALUE = (AskKind.PROMISE_DATE, AskKind.COUNT, AskKind.TEXT)
BESIDES = {AskKind.PROMISE_DATE: "in_time", AskKind.COUNT: "granted"}
"""Where some values of a question lead instead: days that are early enough anyway, parts a policy grants at once."""


@cache
def load_scripts(directory: Path = PACKAGED) -> Mapping[str, Script]:
    """All scripts of a directory by name, the shared one left out: it is no talk of its own. Raises ScriptError."""
    shared = (directory / f"{SHARED}.yaml").read_text(encoding="utf-8")
    files = sorted(path for path in directory.glob("*.yaml") if path.stem != SHARED)
    scripts = (parse_script(path.read_text(encoding="utf-8"), path.name, shared) for path in files)
    return {script.name: script for script in scripts}


def parse_script(text: str, filename: str, shared: str | None = None) -> Script:
    """Build a script from its text and that of the shared file (the packaged one where None). Raises ScriptError."""
    if shared is None:
        shared = (PACKAGED / f"{SHARED}.yaml").read_text(encoding="utf-8")
    base, own = parse_file(shared, f"{SHARED}.yaml"), parse_file(text, filename)
    if not own.start:
        raise ScriptError(f"{filename}: line 1: 'start' is missing; name the step a talk begins with")
    script = Script(
        name=own.name,
        version=hashlib.sha256(f"{shared}\0{text}".encode()).hexdigest()[:16],
        file=filename,
        start=own.start,
        matter=own.matter,
        steps={**base.steps, **own.steps},
        texts={**base.texts, **own.texts},
        repairs={**base.repairs, **own.repairs},
        slots={**base.slots, **own.slots},
        own=frozenset(own.texts),
    )
    _resolve(script)
    return script


def parse_file(text: str, filename: str) -> Script:
    """One file by itself, with references not yet resolved: what catalogs are extracted from. Raises ScriptError."""
    try:
        return _File(read_marked(text), filename).script()
    except Fault as fault:
        raise ScriptError(f"{filename}: {fault}") from None


def _resolve(script: Script) -> None:
    """Every step named must exist, and every slot an effect needs must be declared."""
    for name in (script.start, *script.repairs.values()):
        if name not in script.steps:
            raise ScriptError(f"{script.file}: line 1: there is no step '{name}'; add it or name another")
    for event in EVENTS:
        if event not in script.repairs:
            raise ScriptError(f"{script.file}: line 1: nothing answers '{event}'; name a step for it under 'repairs'")
    _answer_events(script)
    for step in script.steps.values():
        for name in step.targets:
            if name not in script.steps:
                raise ScriptError(
                    f"{step.file}: line {step.line}: step '{step.id}' leads to '{name}', which does not exist; "
                    "add that step or correct the name"
                )
        slot = NEEDS.get(step.emit) if step.emit else step.ask.slot if step.ask else None
        if slot and slot not in script.slots:
            raise ScriptError(
                f"{step.file}: line {step.line}: slot '{slot}' is not declared; add it with its type under 'slots'"
            )


def _answer_events(script: Script) -> None:
    """What happens in any talk is never met with silence, and a hand-over ends the talk."""
    for event in (*ENDINGS, "reopened", "not_understood"):
        step = script.steps[script.repairs[event]]
        silent = not any(not line.when and not line.unless for line in step.lines)
        if silent or (event in ENDINGS and step.targets):
            raise ScriptError(
                f"{step.file}: line {step.line}: step '{step.id}' answers '{event}' but says nothing or does not end; "
                "give it a text without conditions" + (" and no 'next'" if event in ENDINGS else "")
            )


class _File:
    """A file on its way to becoming a script: gathers texts as it meets them."""

    def __init__(self, root: Marked, filename: str) -> None:
        self.root = root
        self.file = filename
        self.name = ""
        self.texts: dict[str, Text] = {}

    def script(self) -> Script:
        root = self.root
        root.only("spec", "script", "about", "matter", "start", "subject", "slots", "repairs", "phrases", "steps")
        if root.text("spec") != SPEC:
            raise Fault(root.at("spec"), f"spec {root.text('spec')} is not known", f"write 'spec: {SPEC}'")
        self.name = _name(root, "script")
        if "subject" in root:
            self._text(f"{self.name}.subject", root["subject"], root.at("subject"))
        phrases = root.mapping("phrases")
        for phrase in phrases:
            self._text(f"{self.name}.phrases.{phrase}", phrases[phrase], phrases.at(phrase))
        steps = root.mapping("steps")
        if not steps:
            raise Fault(root.at("steps"), "there are no steps", "add at least one under 'steps:'")
        return Script(
            name=self.name,
            version="",
            file=self.file,
            start=root.text("start", ""),
            matter=_one_of(root, "matter", MATTERS) if "matter" in root else "",
            steps={name: self._step(name, steps) for name in steps},
            texts=self.texts,
            repairs=self._repairs(),
            slots=dict(self._slots()),
        )

    def _slots(self) -> Iterator[tuple[str, Shape]]:
        slots = self.root.mapping("slots")
        for name in slots:
            if name in FACTS:
                raise Fault(slots.at(name), f"'{name}' is the name of a fact", "choose another name for the slot")
            yield name, Shape(_one_of(slots, name, tuple(Shape)))

    def _repairs(self) -> dict[str, str]:
        repairs = self.root.mapping("repairs")
        repairs.only(*(intent.value for intent in Intent), *EVENTS)
        return {event: repairs.text(event) for event in repairs}

    def _step(self, name: str, steps: Marked) -> Step:
        if not NAME.fullmatch(name):
            raise Fault(steps.at(name), f"'{name}' is no step id", "use small letters, digits and _")
        step = steps.mapping(name)
        step.only("say", "emit", "ask", "slot", "options", "again", "go", "next", *BESIDES.values())
        if "ask" in step and "next" in step:
            raise Fault(step.at("next"), "a step that asks has no 'next'", "write 'go:' or 'options:' instead")
        return Step(
            id=name,
            lines=tuple(self._lines(name, step)),
            emit=Effect(_one_of(step, "emit", tuple(Effect))) if "emit" in step else None,
            ask=self._ask(name, step) if "ask" in step else None,
            next=step.text("next", ""),
            line=steps.at(name),
            file=self.file,
        )

    def _lines(self, name: str, step: Marked) -> Iterator[Line]:
        said = step.get("say")
        key = f"{self.name}.{name}"
        if isinstance(said, str) or (isinstance(said, Marked) and "text" in said):
            yield self._line(key, said, step.at("say"))
        elif said is not None:
            parts = step.mapping("say")
            for part in parts:
                yield self._line(f"{key}.{part}", parts[part], parts.at(part))

    def _line(self, key: str, source: object, line: int) -> Line:
        self._text(key, source, line)
        if not isinstance(source, Marked):
            return Line(key)
        when, unless = source.text("when", ""), source.text("unless", "")
        for condition in filter(None, (when, unless)):
            if condition not in CONDITIONS:
                raise Fault(line, f"there is no fact '{condition}'", f"use one of: {', '.join(sorted(CONDITIONS))}")
        return Line(key, when, unless)

    def _ask(self, name: str, step: Marked) -> Ask:
        kind = AskKind(_one_of(step, "ask", tuple(AskKind)))
        slot, options = "", tuple[Option, ...]()
        if kind in BY_VALUE:
            go = {"given": step.text("go")}
            other = BESIDES.get(kind, "")
            if other in step:
                go[other] = step.text(other)
            slot = step.text("slot")
        elif kind == AskKind.IDENTITY:
            go = {}
        else:
            options, go = self._options(name, step)
        if kind == AskKind.YES_NO and set(go) != {"yes", "no"}:
            raise Fault(step.at("options"), "yes_no needs the options yes and no", "add both, with label and go")
        again = step.mapping("again")
        again.only(*Problem)
        for why in EXPLAINED.get(kind, ()):
            if why not in again:
                raise Fault(step.at("again"), f"step '{name}' has no words for '{why}'", f"add '{why}:' under 'again:'")
        texts = {Problem(why): self._text(f"{self.name}.{name}.{why}", again[why], again.at(why)) for why in again}
        return Ask(kind, go, slot, options, texts)

    def _options(self, name: str, step: Marked) -> tuple[tuple[Option, ...], dict[str, str]]:
        options = step.mapping("options")
        if not options:
            raise Fault(step.at("options"), f"step '{name}' offers no options", "add 'options:' with label and go each")
        go = {}
        for choice in options:
            option = options.mapping(choice)
            option.only("label", "go")
            self._text(f"{self.name}.{name}.{choice}", option.text("label"), option.at("label"))
            go[choice] = option.text("go")
        return tuple(Option(choice, f"{self.name}.{name}.{choice}") for choice in options), go

    def _text(self, key: str, source: object, line: int) -> str:
        """Keep a text, and its wordings for SMS and for the ear under `<key>.sms` and `<key>.voice`."""
        if isinstance(source, Marked):
            source.only("text", "one", "other", "by", *WORDINGS, "when", "unless")
            for wording in WORDINGS:
                if wording in source:
                    self._keep(Text(f"{key}.{wording}", source.text(wording), line=source.at(wording)))
            plural = source.text("other") if "one" in source else ""
            by = source.text("by") if plural else ""
            self._keep(Text(key, source.text("one" if plural else "text"), plural, by, line))
        elif isinstance(source, str):
            self._keep(Text(key, source, line=line))
        else:
            raise Fault(line, f"{key} must be a text", "write the English words")
        return key

    def _keep(self, text: Text) -> None:
        if text.key in self.texts:
            raise Fault(text.line, f"two texts have the key {text.key}", "rename one of the parts")
        if not all(form.strip() for form in text.forms):
            raise Fault(text.line, f"{text.key} says nothing", "write the English words")
        if any(is_broken(form) for form in text.forms):
            raise Fault(text.line, f"{text.key} has a stray brace", "write placeholders as {amount_due}, nothing else")
        self.texts[text.key] = text


def _name(root: Marked, key: str) -> str:
    name = root.text(key)
    if not NAME.fullmatch(name):
        raise Fault(root.at(key), f"'{name}' is no name", "use small letters, digits and _")
    return name


def _one_of(marked: Marked, key: str, known: tuple[str, ...]) -> str:
    value = marked.text(key)
    if value not in known:
        raise Fault(marked.at(key), f"'{value}' is not known as {key}", f"use one of: {', '.join(known)}")
    return value
