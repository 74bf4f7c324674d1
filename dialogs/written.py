"""One script file, read by itself: its steps and texts, with references to other steps not yet looked up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dialogs.facts import MATTERS
from dialogs.flow import (
    EXPLAINED,
    FILLED,
    GRANTED,
    IN_TIME,
    SHARED,
    VALUED,
    Ask,
    AskKind,
    Branch,
    Condition,
    Effect,
    Line,
    Problem,
    Relation,
    Rung,
    RungKind,
    Script,
    Step,
)
from dialogs.grammar import CONDITIONS, NAME, PARTS, SLOT_TYPES, SPAN, WORDINGS
from dialogs.marked import Fault, Marked
from dialogs.message import Option
from dialogs.reading.reading import LANGUAGES
from dialogs.text import FACTS, WORDS, Shape, Text, is_broken
from dialogs.upgrades import current
from engine.contact import ChannelKind

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
OFFERING = (AskKind.CHOICE, AskKind.YES_NO, AskKind.LANGUAGE)
WORDED = frozenset({"text", "one", "phrase"})
"""What makes a mapping under 'say' one line rather than several by their names."""
SAID = ("when", "unless", "channels")
"""What says when a line is said."""


class Written:
    """A file on its way to becoming a script: gathers texts as it meets them."""

    def __init__(self, root: Marked, filename: str) -> None:
        self.root, self.outdated = current(root)
        self.file = filename
        self.name = ""
        self.texts: dict[str, Text] = {}

    def script(self) -> Script:
        """The parts of the file. Raises Fault."""
        root = self.root
        root.only(*PARTS["script"])
        self.name = _name(root, "script")
        if "subject" in root:
            self._plain_text(f"{self.name}.subject", root["subject"], root.at("subject"))
        phrases = root.mapping("phrases")
        for phrase in phrases:
            self._text(f"{self.name}.phrases.{phrase}", phrases[phrase], phrases.at(phrase))
        steps = root.mapping("steps")
        if not steps:
            raise Fault(root.at("steps"), "there are no steps", "add at least one under 'steps:'")
        repairs = root.mapping("repairs")
        repairs.only(*PARTS["script"]["repairs"].holds["propertyNames"]["enum"])
        return Script(
            name=self.name,
            version="",
            file=self.file,
            start=root.text("start", ""),
            matter=_one_of(root, "matter", MATTERS) if "matter" in root else "",
            steps={name: self._step(name, steps) for name in steps},
            texts=self.texts,
            repairs={event: repairs.text(event) for event in repairs},
            slots=dict(self._slots()),
            channels=_channels(root) or frozenset(ChannelKind),
            by_client="begun_by" in root and _one_of(root, "begun_by", ("us", "client")) == "client",
            own=frozenset(self.texts),
            outdated=self.outdated,
        )

    def _slots(self) -> Iterator[tuple[str, Shape]]:
        slots = self.root.mapping("slots")
        for name in slots:
            if name in FACTS or name in MATTERS or name in {IN_TIME, GRANTED}:
                raise Fault(slots.at(name), f"'{name}' is the name of a fact", "choose another name for the slot")
            yield _plain(slots, name), Shape(_one_of(slots, name, SLOT_TYPES))

    def _step(self, name: str, steps: Marked) -> Step:
        _plain(steps, name)
        step = steps.mapping(name)
        step.only(*PARTS["step"])
        for other in ("next", "call"):
            if "ask" in step and other in step:
                raise Fault(step.at(other), f"a step that asks has no '{other}'", "write 'go:' or 'options:' instead")
        for one in ("branch", "call"):
            if one in step and "ask" not in step and "next" not in step:
                raise Fault(step.at(one), f"'{one}' without 'next' leaves no way on", "add 'next:' with a step")
        if "branch" in step and "call" in step:
            raise Fault(step.at("branch"), "a step that calls has no 'branch'", "branch in the step after it")
        return Step(
            id=name,
            lines=tuple(self._lines(name, step)),
            emit=Effect(_one_of(step, "emit", tuple(Effect))) if "emit" in step else None,
            ask=self._ask(name, step) if "ask" in step else None,
            branches=tuple(_branches(step)),
            call=_name(step, "call") if "call" in step else "",
            next=step.text("next", ""),
            line=steps.at(name),
            file=self.file,
        )

    def _lines(self, name: str, step: Marked) -> Iterator[Line]:
        said = step.get("say")
        key = f"{self.name}.{name}"
        if isinstance(said, str) or (isinstance(said, Marked) and not WORDED.isdisjoint(said)):
            yield self._line(key, said, step.at("say"))
        elif said is not None:
            parts = step.mapping("say")
            for part in parts:
                if part in PARTS["line"]:
                    raise Fault(parts.at(part), f"'{part}' names no part", "write 'text:' beside it, or rename it")
                yield self._line(f"{key}.{part}", parts[part], parts.at(part))

    def _line(self, key: str, source: object, line: int) -> Line:
        if not isinstance(source, Marked):
            return Line(self._text(key, source, line))
        when, unless = source.text("when", ""), source.text("unless", "")
        for condition in filter(None, (when, unless)):
            if condition not in CONDITIONS:
                raise Fault(line, f"there is no fact '{condition}'", f"use one of: {', '.join(sorted(CONDITIONS))}")
        channels = _channels(source)
        if "phrase" in source:
            source.only("phrase", *SAID)
            return Line(f"{SHARED}.phrases.{_name(source, 'phrase')}", when, unless, channels)
        source.only(*PARTS["line"])
        words = Marked(source.line, {part: words for part, words in source.items() if part not in SAID})
        return Line(self._text(key, words, line), when, unless, channels)

    def _ask(self, name: str, step: Marked) -> Ask:
        kind = AskKind(_one_of(step, "ask", tuple(AskKind)))
        valued, limited = kind in VALUED, {limit: step.text(limit, "") for limit in ("min", "max")}
        fits = {"slot": kind in FILLED, "options": kind in OFFERING, "go": valued, "min": valued, "max": valued}
        for key, fit in fits.items():
            if key in step and not fit:
                raise Fault(step.at(key), f"a question of type {kind} has no '{key}'", f"remove '{key}'")
        options, go = self._options(name, step, kind) if kind in OFFERING else ((), {})
        if valued:
            go = {"given": step.text("go")}
        if kind == AskKind.YES_NO and set(go) != {"yes", "no"}:
            raise Fault(step.at("options"), "yes_no needs the options yes and no", "add both, with label and go")
        return Ask(
            kind,
            go,
            slot=step.text("slot") if valued else step.text("slot", ""),
            options=options,
            again=self._again(name, step, kind),
            silence=tuple(self._silence(name, step)),
            least=limited["min"],
            most=limited["max"],
            tries=int(_one_of(step, "tries", tuple("123456789"))) if "tries" in step else 0,
            lost=step.text("lost", ""),
        )

    def _again(self, name: str, step: Marked, kind: AskKind) -> dict[Problem, str]:
        """The words for every refusal that the question can come to."""
        again = step.mapping("again")
        again.only(*Problem)
        bounded = [why for key, why in (("min", Problem.BELOW), ("max", Problem.BEYOND)) if key in step]
        for why in (*EXPLAINED.get(kind, ()), *bounded):
            if why not in again:
                raise Fault(step.at("again"), f"step '{name}' has no words for '{why}'", f"add '{why}:' under 'again:'")
        return {Problem(why): self._text(f"{self.name}.{name}.{why}", again[why], again.at(why)) for why in again}

    def _options(self, name: str, step: Marked, kind: AskKind) -> tuple[tuple[Option, ...], dict[str, str]]:
        options = step.mapping("options")
        if not options:
            raise Fault(step.at("options"), f"step '{name}' offers no options", "add 'options:' with label and go each")
        go = {}
        for choice in options:
            option = options.mapping(choice)
            option.only(*PARTS["option"])
            if "label" not in option:
                raise Fault(option.line, f"option '{choice}' has no label", "add 'label:'")
            key = f"{self.name}.{name}.{choice}"
            self._plain_text(key, option["label"], option.at("label"))
            if "words" in option:
                self._plain_text(f"{key}.{WORDS}", option.text("words"), option.at("words"))
            if kind != AskKind.LANGUAGE:
                go[choice] = option.text("go")
            elif "go" in option or choice not in LANGUAGES:
                raise Fault(options.at(choice), f"'{choice}' is no choice of language", "write its code, no 'go'")
        return tuple(Option(choice, f"{self.name}.{name}.{choice}") for choice in options), go

    def _silence(self, name: str, step: Marked) -> Iterator[Rung]:
        """The ladder of a question. A reminder's key names its time: it keeps its translation when others move."""
        before = timedelta()
        for rung in step.rows("silence"):
            rung.only(*PARTS["rung"])
            said, do = rung.text("after"), RungKind(_one_of(rung, "do", tuple(RungKind)))
            after = _span(said, rung.at("after"))
            if after <= before:
                raise Fault(rung.at("after"), f"'{said}' is not later than the rung before", "let the times rise")
            before = after
            if ("say" in rung) != (do == RungKind.REMIND):
                raise Fault(rung.line, f"'{do}' and 'say' do not fit", "a reminder, and nothing else, has a 'say'")
            if isinstance(rung.get("say"), Marked):
                rung["say"].only("phrase", *PARTS["text"])
            key = f"{self.name}.{name}.after_{said}"
            yield Rung(after, do, self._line(key, rung["say"], rung.at("say")).key if "say" in rung else "")

    def _plain_text(self, key: str, source: object, line: int) -> None:
        """A label or a subject: it is shown beside any turn, so that it knows no values of the talk."""
        if not self.texts[self._text(key, source, line)].placeholders <= FACTS.keys():
            raise Fault(line, f"{key} shows what is no fact", "show facts here, and no slots")

    def _text(self, key: str, source: object, line: int) -> str:
        """Keep a text, and its wordings for single channels under `<key>.<channel>`."""
        if isinstance(source, Marked):
            source.only(*PARTS["text"])
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


def _channels(part: Marked) -> frozenset[ChannelKind]:
    return frozenset(ChannelKind(name) for name in part.words("channels", WORDINGS))


def _branches(step: Marked) -> Iterator[Branch]:
    for branch in step.rows("branch"):
        branch.only(*PARTS["branch"])
        when = branch.get("when")
        yield Branch(_condition(when, branch) if isinstance(when, Marked) else _word(branch), branch.text("go"))


def _word(branch: Marked) -> Condition:
    """A fact, slot or named condition by itself: that it is known, or holds."""
    return Condition(branch.text("when"), line=branch.at("when"))


def _condition(when: Marked, branch: Marked) -> Condition:
    """`{fact: amount_due, above: 100}`: one name, one test."""
    when.only(*PARTS["condition"])
    names = [key for key in ("fact", "slot") if key in when]
    tests = [test for test in Relation if test in when]
    if len(names) != 1 or len(tests) != 1:
        raise Fault(branch.at("when"), "a condition is one fact or slot and one test", "write {fact: NAME, above: 100}")
    than = when.text(tests[0])
    if tests[0] == Relation.KNOWN and than not in {"yes", "no"}:
        raise Fault(branch.at("when"), f"'known: {than}' is no test", "write 'known: yes' or 'known: no'")
    return Condition(when.text(names[0]), tests[0], than, branch.at("when"))


def _span(said: str, line: int) -> timedelta:
    found = SPAN.fullmatch(said)
    if not found:
        raise Fault(line, f"'{said}' is no span of time", "write minutes, hours or days: 30m, 4h, 2d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _name(root: Marked, key: str) -> str:
    name = root.text(key)
    if not NAME.fullmatch(name):
        raise Fault(root.at(key), f"'{name}' is no name", "use small letters, digits and _")
    return name


def _plain(steps: Marked, name: str) -> str:
    if not NAME.fullmatch(name):
        raise Fault(steps.at(name), f"'{name}' is no step id", "use small letters, digits and _")
    return name


def _one_of(marked: Marked, key: str, known: tuple[str, ...]) -> str:
    value = marked.text(key)
    if value not in known:
        raise Fault(marked.at(key), f"'{value}' is not known as {key}", f"use one of: {', '.join(known)}")
    return value
