"""The ways through a script: what cannot be reached or left, and what is booked without having been read back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from dialogs.checks.issue import Issue, Kind, of_step
from dialogs.flow import GRANTED, HANDED_OVER, Ask, AskKind, Effect, Relation, Script, Step
from dialogs.text import FACTS

LEAVING = (AskKind.IDENTITY, AskKind.LANGUAGE)
"""Questions whose answer leads where no step says: into the script, or back."""
BEGUN = (AskKind.PROMISE_DATE, AskKind.AMOUNT, AskKind.COUNT, AskKind.YES_NO, AskKind.TEXT)
"""Questions in the middle of something: silence there must have a way out. That of a menu is the plan's next stage."""
READ_BACK: Mapping[Effect, frozenset[str]] = {
    Effect.PROMISE: frozenset({"amount", "until"}),
    Effect.INSTALLMENTS: frozenset({"schedule"}),
}
"""What binds, and the values that must have been read back and confirmed."""

Edges = Callable[[Step], Iterable[str]]


def ways(script: Script) -> Iterator[Issue]:
    """The problems of one script's steps."""
    leaving = _can_end(script)
    for step in script.steps.values():
        yield from _words(step)
        if _circles(script, step):
            yield of_step(Kind.LOOP, step, "the talk runs in a circle from here without asking", "end it, or ask")
        elif step.id not in leaving:
            yield of_step(Kind.LOOP, step, "no answer leads out of here to an end", "let one lead to a step that ends")
        if step.emit in HANDED_OVER and step.targets:
            yield of_step(Kind.TALKS_ON, step, "it hands over and goes on talking", "remove what follows")
        if step.ask:
            yield from _exits(script, step, step.ask)
        yield from _choices(script, step)
    for effect, shown in READ_BACK.items():
        yield from _unconfirmed(script, effect, shown)


def unreached(scripts: Collection[Script]) -> Iterator[Issue]:
    """Steps no talk can reach. A shared one is there for any of the scripts; beside a single one it may stand idle."""
    steps = {(step.file, step.id.rpartition(".")[2]): step for script in scripts for step in script.steps.values()}
    for script in scripts:
        for name in reached(script, script.start, *script.repairs.values()):
            step = script.steps[name]
            steps.pop((step.file, step.id.rpartition(".")[2]), None)
    own = {script.file for script in scripts}
    for step in steps.values():
        if len(scripts) > 1 or step.file in own:
            yield of_step(
                Kind.UNREACHABLE, step, "no talk can reach this step", "lead to it from another step or remove it"
            )


def reached(script: Script, *starts: str, edges: Edges = lambda step: step.targets) -> set[str]:
    """The steps that can be reached from those, they among them."""
    waiting = list(starts)
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += edges(script.steps[name])
    return found


def always_says(step: Step) -> bool:
    """Whether there is a word in any talk: a line without conditions, or two of which one holds."""
    everywhere = [line for line in step.lines if not line.channels]
    if any(not line.when and not line.unless for line in everywhere):
        return True
    return bool({line.when for line in everywhere if line.when} & {line.unless for line in everywhere if line.unless})


def _words(step: Step) -> Iterator[Issue]:
    """Questions and ends without a word."""
    if step.ask and step.ask.kind != AskKind.CHOICE and not always_says(step):
        yield of_step(Kind.DEAD_END, step, "it asks without a word", "add a text without conditions under 'say'")
    if not step.targets and not step.ask and not always_says(step):
        yield of_step(
            Kind.DEAD_END, step, "the talk may end here without a word", "add a text without conditions under 'say'"
        )


def _circles(script: Script, step: Step) -> bool:
    """Whether the talk can come back to the step without a question in between."""
    onward: Edges = lambda one: () if one.ask else one.targets  # noqa: E731 a name for what is said in one breath
    return not step.ask and step.id in reached(script, *onward(step), edges=onward)


def _can_end(script: Script) -> set[str]:
    """The steps from which the talk can come to an end by answers alone, without a wish for something else."""
    before: dict[str, set[str]] = {}
    for step in script.steps.values():
        for target in step.targets:
            before.setdefault(target, set()).add(step.id)
    ends = [
        step.id
        for step in script.steps.values()
        if (step.ask.kind in LEAVING if step.ask else not step.targets or step.emit in HANDED_OVER)
    ]
    return reached(script, *ends, edges=lambda step: before.get(step.id, ()))


def _exits(script: Script, step: Step, ask: Ask) -> Iterator[Issue]:
    """What becomes of a question that is met with silence, or with what is not understood."""
    anybody = reached(script, script.repairs["identity"])
    if ask.kind in BEGUN and not ask.silence and step.id not in anybody:
        yield of_step(
            Kind.NO_EXIT,
            step,
            "nothing is done where nobody answers",
            "add 'silence:', such as {after: 4h, do: remind, say: ...}",
        )
    if not ask.lost:
        return
    after = reached(script, ask.lost, edges=lambda one: () if one.id == step.id else one.targets)
    ended = any(not script.steps[name].targets and not script.steps[name].ask for name in after)
    if not ended:
        yield of_step(
            Kind.NO_EXIT,
            step,
            f"what is never understood leads by '{ask.lost}' to no end",
            "let 'lost' lead to a person, or remove it",
        )


def _choices(script: Script, step: Step) -> Iterator[Issue]:
    """Branches on a choice that nobody can make."""
    for when in (branch.when for branch in step.branches if branch.when.relation == Relation.IS):
        filling = [one.ask for one in script.steps.values() if one.ask and one.ask.slot == when.name]
        known = sorted({option.id for ask in filling for option in ask.options})
        chosen = filling and all(ask.kind == AskKind.CHOICE for ask in filling)
        if chosen and when.than not in {*known, *FACTS, *script.slots}:
            what = f"'{when.name}' is never '{when.than}': no option of a choice that fills it has that id"
            yield of_step(Kind.UNKNOWN_OPTION, step, what, f"write one of: {', '.join(known)}")


def _unconfirmed(script: Script, effect: Effect, shown: frozenset[str]) -> Iterator[Issue]:
    """Steps that bind, and can be reached otherwise than by the yes to a question that shows what is bound to."""

    def edges(step: Step) -> Iterator[str]:
        ask = step.ask
        requests = effect == Effect.INSTALLMENTS and any(branch.when.name == GRANTED for branch in step.branches)
        for target in step.targets:
            confirmed = ask and ask.kind == AskKind.YES_NO and target == ask.go["yes"] and shown <= _shown(script, step)
            only_asked = requests and ask and target == ask.go.get("given")
            if not confirmed and not only_asked:
                yield target

    for name in sorted(reached(script, script.start, *script.repairs.values(), edges=edges)):
        if script.steps[name].emit == effect:
            yield of_step(
                Kind.UNCONFIRMED,
                script.steps[name],
                f"it books {effect} that may not have been read back",
                f"lead to it by the yes to a question that shows {', '.join(f'{{{one}}}' for one in sorted(shown))}",
            )


def _shown(script: Script, step: Step) -> set[str]:
    sure = [line for line in step.lines if not line.when and not line.unless and not line.channels]
    return {name for line in sure for name in script.texts[line.key].placeholders}
