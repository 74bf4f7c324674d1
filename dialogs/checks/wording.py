"""The words of a script in every language: what must not be said, cannot be spoken, costs too much, or is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from dialogs.catalog import Catalog
from dialogs.checks.breath import Breath, breaths
from dialogs.checks.issue import Issue, Kind, of_step, of_text
from dialogs.checks.ways import reached
from dialogs.flow import PHRASES, SHARED, AskKind, Effect, Script, Step
from dialogs.labels import named_by
from dialogs.message import Message, Option, Speech
from dialogs.reading.skeleton import normalise, words
from dialogs.reading.vocabulary import vocabulary
from dialogs.render import NothingToShow, render
from dialogs.segments import economical, segments
from dialogs.specimen import SPECIMEN, bound
from dialogs.text import FACTS, PRIVATE, Shape, Text
from engine.contact import ChannelKind

SEGMENTS = 4
"""SMS segments that one turn may take; what is longer is a letter."""
MENU_KEYS = 9
LINKS = re.compile(r"https?:|www\.|\{pay_link\}")
QUOTED = re.compile(r"[\"«„“](\w+)[\"»”“]")
"""A word to reply with, as texts show it."""
PICTURES = re.compile("[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]")
WRITTEN = (ChannelKind.SMS, ChannelKind.EMAIL)
"""Channels on which a first message must say how to stop more of them."""
ANYBODY = (Effect.STOP, Effect.OPERATOR, Effect.WRONG_PERSON, Effect.BEREAVED, Effect.IDENTITY)
"""What is told to, and answered, whoever it is that listens."""
OVERHEARD = tuple(phrase for phrase in PHRASES if phrase != "part")
"""Phrases that anybody may hear: all but a payment of a schedule."""


def facts(script: Script) -> Iterator[Issue]:
    """Placeholders nobody fills, and plurals that count no integer."""
    for text in script.texts.values():
        for name in sorted(text.placeholders):
            if name not in FACTS and name not in script.slots:
                remedy = f"use one of: {', '.join(sorted((*FACTS, *script.slots)))}"
                yield of_text(Kind.UNKNOWN_FACT, script, text.key, f"{{{name}}} is neither a fact nor a slot", remedy)
        shape = FACTS.get(text.by) or script.slots.get(text.by)
        if text.plural and shape != Shape.INTEGER:
            what = f"the plural counts '{text.by}', which is no integer"
            yield of_text(Kind.PLURAL_COUNT, script, text.key, what, "name a count under 'by'")
        if text.plural and text.by not in text.placeholders:
            what = f"the plural does not show {{{text.by}}}"
            yield of_text(Kind.PLURAL_COUNT, script, text.key, what, f"write {{{text.by}}} in both forms")


def before_identity(script: Script, catalogs: Iterable[Catalog]) -> Iterator[Issue]:
    """What is said while anybody may listen: no fact that is the client's alone, no word for debt (ARCHITECTURE 8)."""
    gate = reached(script, script.repairs["identity"], script.repairs["unidentified"])
    for name in sorted(gate | {script.repairs["not_understood"], *_asked_by_anybody(script)}):
        for key in _texts(script.steps[name]):
            private = sorted(script.texts[key].placeholders & PRIVATE)
            for fact in private if name in gate else ():
                what = f"{{{fact}}} is said before the identity step"
                yield of_text(Kind.DEBT_BEFORE_IDENTITY, script, key, what, "say it afterwards")
            if not private:
                yield from _debt_words(script, _as_spoken(script, key), catalogs)
    for phrase in OVERHEARD:
        text = _as_spoken(script, f"{SHARED}.phrases.{phrase}")
        yield from _debt_words(script, text, catalogs)
    subject = script.texts.get(script.subject_key)
    for fact in sorted(subject.placeholders & PRIVATE) if subject else ():
        what = f"{{{fact}}} stands in the subject, which others may read"
        yield of_text(Kind.DEBT_BEFORE_IDENTITY, script, script.subject_key, what, "say it in the mail")
    if subject:
        yield from _debt_words(script, subject, catalogs)


def _texts(step: Step) -> Iterator[str]:
    """The keys of all that a step says, before its question, beside it and when it is not answered."""
    yield from (line.key for line in step.lines)
    if step.ask:
        yield from step.ask.again.values()
        yield from (option.key for option in step.ask.options)
        yield from (rung.key for rung in step.ask.silence if rung.key)


def _asked_by_anybody(script: Script) -> Iterator[str]:
    return (name for name in script.repairs.values() if script.steps[name].emit in ANYBODY)


def _debt_words(script: Script, text: Text, catalogs: Iterable[Catalog]) -> Iterator[Issue]:
    for catalog in catalogs:
        for form in catalog.all_forms(text):
            for word in re.findall(r"\w+", form.lower()):
                if word.startswith(catalog.forms.debt):
                    what = f"'{word}' is said before the identity step"
                    yield of_text(
                        Kind.DEBT_BEFORE_IDENTITY, script, text.key, what, "say it afterwards", catalog.language
                    )


def unspeakable(script: Script, catalogs: Iterable[Catalog]) -> Iterator[Issue]:
    """Links and pictures where a voice reads."""
    if ChannelKind.VOICE not in script.channels:
        return
    for key in sorted(_spoken(script)):
        text = _as_spoken(script, key)
        for catalog in catalogs:
            if any(LINKS.search(form) or PICTURES.search(form) for form in catalog.all_forms(text)):
                what = "a link or a picture cannot be spoken"
                worded = text.key != key
                remedy = "add a 'voice:' wording, or name the other 'channels'"
                remedy = "take it out of the 'voice:' wording" if worded else remedy
                yield of_text(Kind.UNSPEAKABLE, script, text.key, what, remedy, catalog.language)


def _spoken(script: Script) -> set[str]:
    """The keys of all that a voice may say."""
    keys = set()
    for step in script.steps.values():
        written = {line.key for line in step.lines if line.channels and ChannelKind.VOICE not in line.channels}
        keys |= set(_texts(step)) - written
    return keys


def _as_spoken(script: Script, key: str) -> Text:
    return script.texts.get(f"{key}.{ChannelKind.VOICE}") or script.texts[key]


def keys(script: Script, catalogs: Sequence[Catalog]) -> Iterator[Issue]:
    """Options that one key or one word cannot tell apart."""
    leads: dict[str, str] = {}
    for step in script.steps.values():
        ask = step.ask
        if ask is None:
            continue
        if len(ask.options) > MENU_KEYS:
            what = f"it offers {len(ask.options)} options, a telephone has {MENU_KEYS} keys for them"
            yield of_step(Kind.KEY_COLLISION, step, what, "ask in two steps")
        for option, go in ask.go.items() if ask.kind == AskKind.CHOICE else ():
            if leads.setdefault(option, go) != go:
                what = f"option '{option}' leads elsewhere in another step: an old button of it would mislead"
                yield of_step(Kind.KEY_COLLISION, step, what, "give one of them another id")
        yield from _same_labels(script, step, ask.options, catalogs)


def _same_labels(script: Script, step: Step, options: Iterable[Option], catalogs: Sequence[Catalog]) -> Iterator[Issue]:
    for catalog in catalogs:
        seen: dict[str, str] = {}
        for option in options:
            label = words(normalise(catalog.text(script.texts[option.key])))
            for one in sorted({label, *named_by(option, script, catalog)}):
                if seen.setdefault(one, option.id) == option.id:
                    continue
                what = f"'{seen[one]}' and '{option.id}' have the same label or word"
                yield of_step(Kind.KEY_COLLISION, step, what, "word one of them otherwise", catalog.language)


def lengths(script: Script, catalogs: Mapping[str, Catalog], measured: set[tuple[str, ...]]) -> Iterator[Issue]:
    """Turns of too many SMS segments. `measured` are turns of other scripts that say the very same."""
    if ChannelKind.SMS not in script.channels:
        return
    for breath in breaths(script):
        head = breath.head
        what = (script.steps[head].file, head, *breath.keys, *(option.id for option in breath.options))
        if what in measured:
            continue
        measured.add(what)
        for language in catalogs:
            body = as_text(rendered(script, breath, language, catalogs, ChannelKind.SMS))
            if segments(body) > SEGMENTS:
                yield of_step(
                    Kind.TOO_LONG,
                    script.steps[head],
                    f"it takes {segments(body)} SMS segments, {len(body)} characters",
                    f"shorten it, or add an 'sms:' wording, down to {SEGMENTS}",
                    language,
                )


def opt_out(script: Script, catalogs: Mapping[str, Catalog]) -> Iterator[Issue]:
    """First messages that do not say how to stop them."""
    if script.by_client:
        return
    first = [breath for breath in breaths(script) if breath.opens]
    for breath, channel in product(first, WRITTEN):
        for language in catalogs if channel in script.channels else ():
            body = as_text(rendered(script, breath, language, catalogs, channel)).lower()
            if not vocabulary(language).opt_out & set(map(words, QUOTED.findall(body))):
                yield of_step(
                    Kind.NO_OPT_OUT,
                    script.steps[script.start],
                    f"the first message by {channel} does not say how to stop them",
                    "add {phrase: stop, channels: [sms, email]} to what it says",
                    language,
                )


def rendered(
    script: Script,
    breath: Breath,
    language: str,
    catalogs: Mapping[str, Catalog],
    channel: ChannelKind,
) -> Speech:
    """A turn as the specimen client gets it; nothing where it shows what they do not have."""
    values = bound(script)
    messages = [Message(key, values) for key in breath.keys]
    if messages:
        messages[-1] = replace(messages[-1], options=breath.options)
    try:
        return render(messages, script, SPECIMEN, language, catalogs, channel)
    except NothingToShow:
        return Speech(language, ())  # a shared phrase shows what is not said beside it


def as_text(speech: Speech, plainly: str = "") -> str:
    """A turn as SMS carry it (`channels.layout`); in plain letters where `plainly` is its language."""
    options = (f"{number} {choice.label}" for number, choice in enumerate(speech.choices, start=1))
    return economical("\n".join((*speech.paragraphs, *options)), plainly)
