"""What is wrong with scripts and catalogs before anybody is written to: each problem with its place and its remedy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from babel.messages.catalog import Message

from dialogs.catalog import SOURCE, Catalog
from dialogs.flow import AskKind, Effect, Script, Step
from dialogs.text import FACTS, PRIVATE, Shape, Text, is_broken, placeholders

HANDED_OVER = (
    Effect.OPERATOR,
    Effect.HARDSHIP,
    Effect.LOST,
    Effect.FAULT,
    Effect.STOP,
    Effect.WRONG_PERSON,
    Effect.IDENTITY,
)


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem; `language` is empty where it is the script itself."""

    file: str
    step: str
    language: str
    what: str
    remedy: str

    def __str__(self) -> str:
        where = " ".join(filter(None, (self.file, self.step, self.language)))
        return f"{where}: {self.what}; {self.remedy}"


def check(scripts: Mapping[str, Script], catalogs: Mapping[str, Catalog]) -> list[Issue]:
    """Every problem found, by file and step, each once."""
    found = [issue for script in scripts.values() for issue in (*_texts(script), *_steps(script))]
    found += _unreached(scripts.values())
    texts = {key: text for script in scripts.values() for key, text in script.texts.items()}
    for catalog in catalogs.values():
        if catalog.language != SOURCE:
            found += _catalog(texts, catalog)
    return sorted(set(found), key=lambda issue: (issue.file, issue.step, issue.language, issue.what))


def _texts(script: Script) -> Iterator[Issue]:
    """Placeholders nobody fills, and plurals that count no integer."""
    for text in script.texts.values():
        for name in sorted(text.placeholders):
            if name not in FACTS and name not in script.slots:
                yield _at(script, text.key, f"{{{name}}} is neither a fact nor a slot", _known(script))
        shape = FACTS.get(text.by) or script.slots.get(text.by)
        if text.plural and shape != Shape.INTEGER:
            yield _at(
                script, text.key, f"the plural counts '{text.by}', which is no integer", "name a count under 'by'"
            )
        if text.plural and text.by not in text.placeholders:
            yield _at(script, text.key, f"the plural does not show {{{text.by}}}", f"write {{{text.by}}} in both forms")


def _unreached(scripts: Collection[Script]) -> Iterator[Issue]:
    """Steps no talk can reach; a shared one is there for any of the scripts."""
    steps = {(step.file, step.id): step for script in scripts for step in script.steps.values()}
    for script in scripts:
        for name in _reached(script, script.start, *script.repairs.values()):
            steps.pop((script.steps[name].file, name), None)
    for step in steps.values():
        yield _step(step, "no talk can reach this step", "lead to it from another step or remove it")


def _steps(script: Script) -> Iterator[Issue]:
    """Questions without words, circles without a question, ends without a word."""
    for step in script.steps.values():
        if step.ask and step.ask.kind != AskKind.CHOICE and not _always_says(step):
            yield _step(step, "it asks without a word", "add a text without conditions under 'say'")
        if not step.ask and not step.next and not _always_says(step) and not _sure(step):
            yield _step(step, "the talk may end here without a word", "add a text without conditions under 'say'")
        if _circles(script, step):
            yield _step(step, "the talk runs in a circle from here without asking", "end it, or ask something")
        if step.next and step.emit in HANDED_OVER:
            yield _step(step, "it hands over and goes on talking", "remove 'next'")
    yield from _before_identity(script)


def _before_identity(script: Script) -> Iterator[Issue]:
    """What is said while anybody may listen shows nothing that is the client's alone (ARCHITECTURE 8)."""
    for name in sorted(_reached(script, script.repairs["identity"], script.repairs["unidentified"])):
        for line in script.steps[name].lines:
            for private in sorted(script.texts[line.key].placeholders & PRIVATE):
                yield _at(script, line.key, f"{{{private}}} is said before the identity step", "say it afterwards")


def _reached(script: Script, *starts: str) -> set[str]:
    waiting = list(starts)
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += script.steps[name].targets
    return reached


def _circles(script: Script, step: Step) -> bool:
    seen: set[str] = set()
    here = step
    while not here.ask and here.next:
        if here.id in seen:
            return True
        seen.add(here.id)
        here = script.steps[here.next]
    return False


def _always_says(step: Step) -> bool:
    return any(not line.when and not line.unless for line in step.lines)


def _sure(step: Step) -> bool:
    """Two lines, one said when a fact is known and one unless it is, always say something."""
    return bool({line.when for line in step.lines if line.when} & {line.unless for line in step.lines if line.unless})


def _catalog(texts: Mapping[str, Text], catalog: Catalog) -> Iterator[Issue]:
    entries = {message.context: message for message in catalog.messages if message.id}
    for key, text in texts.items():
        entry = entries.get(key)
        if entry is None:
            yield _missing(key, catalog, "there is no translation", "add it to the catalog")
        elif _ids(entry) != text.forms:
            yield _missing(key, catalog, "the translation is stale: the English text has changed", "translate it anew")
        elif entry.fuzzy:
            yield _missing(key, catalog, "the translation is marked as doubtful", "review it and remove 'fuzzy'")
        else:
            yield from _forms(key, text, entry, catalog)
    for key in sorted(set(map(str, entries)) - set(texts)):
        yield _missing(key, catalog, "no script has a text of this key", "remove it from the catalog")


def _forms(key: str, text: Text, entry: Message, catalog: Catalog) -> Iterator[Issue]:
    found = entry.string if isinstance(entry.string, tuple | list) else (entry.string,)
    forms = tuple(form or "" for form in found)
    wanted = catalog.messages.num_plurals if text.plural else 1
    if len(forms) != wanted or not all(forms):
        filled = sum(bool(form) for form in forms)
        yield _missing(key, catalog, f"{filled} of {wanted} forms are translated", "translate every form")
        return
    for form in forms:
        if placeholders(form) != text.placeholders or is_broken(form):
            names = ", ".join(f"{{{name}}}" for name in sorted(text.placeholders)) or "none"
            yield _missing(key, catalog, f"its placeholders differ from the English: {form}", f"use exactly {names}")


def _ids(entry: Message) -> tuple[str, ...]:
    return tuple(entry.id) if isinstance(entry.id, tuple | list) else (str(entry.id),)


def _at(script: Script, key: str, what: str, remedy: str) -> Issue:
    name, step, *_ = [*key.split("."), ""]
    return Issue(f"{name}.yaml" if key not in script.own else script.file, step, "", f"{key}: {what}", remedy)


def _step(step: Step, what: str, remedy: str) -> Issue:
    return Issue(step.file, step.id, "", what, remedy)


def _missing(key: str, catalog: Catalog, what: str, remedy: str) -> Issue:
    file = f"{catalog.language}/LC_MESSAGES/messages.po"
    return Issue(file, key, catalog.language, what, remedy)


def _known(script: Script) -> str:
    names: Iterable[str] = sorted((*FACTS, *script.slots))
    return f"use one of: {', '.join(names)}"
