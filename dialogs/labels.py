"""A reply in the words of an offered option: they choose that option, as its number or button does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dialogs.answers import MOST_WORDS
from dialogs.catalog import SOURCE, Catalog
from dialogs.flow import Script
from dialogs.message import Chose, Option, Reply, Said
from dialogs.reading.reader import read
from dialogs.reading.skeleton import normalise, words
from dialogs.state import State
from dialogs.text import WORDS
from dialogs.turn import ANY_MOMENT
from engine.contact import ChannelKind


def by_label(reply: Reply, script: Script, state: State, catalogs: Mapping[str, Catalog]) -> Reply:
    """The reply, or the option that it chooses in the language of the talk: by its label on any channel, or by words of
    it in a short reply that wants nothing else.

    Case, diacritics, quotes and punctuation do not count. `state` is where the talk stood when it was said.
    """
    catalog = catalogs.get(state.language) or catalogs[SOURCE]
    said = words(normalise(reply.text)) if isinstance(reply, Said) else ""
    offered = tuple(_offered(script, state)) if said else ()
    for option in offered:
        keys = (option.key, *(f"{option.key}.{channel}" for channel in ChannelKind))
        if any(said == words(normalise(catalog.text(script.texts[key]))) for key in keys if key in script.texts):
            return Chose(option.id)
    named = _named(f" {said} ", offered, script, catalog)
    return Chose(named) if named and not _wants_else(said, reply, state) else reply


def named_by(option: Option, script: Script, catalog: Catalog) -> tuple[str, ...]:
    """The words that choose an option wherever they are said, as `words` writes them."""
    text = script.texts.get(f"{option.key}.{WORDS}")
    return tuple(words(normalise(one)) for one in catalog.text(text).split(",")) if text else ()


def _named(said: str, offered: Iterable[Option], script: Script, catalog: Catalog) -> str:
    """The option whose words are said, the longest counting: an internet bank is no bank. Nothing where two fit."""
    found = {
        option.id: max(
            (one.count(" ") + 1 for one in named_by(option, script, catalog) if f" {one} " in said), default=0
        )
        for option in offered
    }
    longest = max(found.values(), default=0)
    best = [name for name, length in found.items() if length == longest]
    return best[0] if longest and len(best) == 1 else ""


def _wants_else(said: str, reply: Reply, state: State) -> bool:
    """Whether words that choose an option stand in something that goes before it: paid at the bank, on Friday there."""
    if not isinstance(reply, Said) or len(said.split()) > MOST_WORDS:
        return True
    reading = read(reply.text, state.language, state.at.date())
    return bool(reading.dates) or reading.acts(*ANY_MOMENT)


def _offered(script: Script, state: State) -> Iterable[Option]:
    """The options under the last message: those of its question, or of other steps where it asked what was meant."""
    step = script.steps.get(state.asked)
    own = {option.id: option for option in step.ask.options} if step and step.ask else {}
    others = {name: known[0] for name in state.offered if (known := script.option(name))}
    return filter(None, map((others | own).get, state.offered))
