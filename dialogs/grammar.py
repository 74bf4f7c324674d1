"""The keys of script files, spec 2, declared once: for the reader that refuses others, for editors that offer them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dialogs.facts import MATTERS
from dialogs.flow import EVENTS, GRANTED, IN_TIME, SPEC, AskKind, Effect, Problem, Relation, RungKind
from dialogs.reading.reading import Intent
from dialogs.text import FACTS, Shape
from engine.contact import ChannelKind

NAME = re.compile(r"[a-z][a-z0-9_]*")
SPAN = re.compile(r"([1-9]\d{0,2})([mhd])")
WORDINGS = tuple(channel.value for channel in ChannelKind)
"""Channels on which a text may be worded on its own."""
CONDITIONS = tuple(fact for fact in FACTS if "." not in fact) + MATTERS
"""What a line may be said `when`, or `unless`, it is known."""

SLOT_TYPES = tuple(shape for shape in Shape if shape not in (Shape.ACCOUNTS, Shape.PLACES))
"""Types of values that a talk can have; accounts are always the client's own, and places stand in a file."""

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a part of a script: the JSON Schema of what it holds, and what an editor says of it."""

    holds: Schema
    about: str
    needed: bool = False


def _words(names: Iterable[str]) -> Schema:
    return {"enum": [str(name) for name in names]}


def _pattern(pattern: re.Pattern[str]) -> Schema:
    return {"type": "string", "pattern": f"^(?:{pattern.pattern})$"}


def _named(holds: Schema) -> Schema:
    return {"type": "object", "additionalProperties": holds, "minProperties": 1}


def _listed(part: str) -> Schema:
    return {"type": "array", "items": _part(part), "minItems": 1}


def _part(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


WORDS: Schema = {"type": "string", "minLength": 1}
SCALAR: Schema = {"type": ["string", "number", "boolean"]}
ID = _pattern(NAME)
STEP_NAME: Schema = {"type": "string"}
TEXT: Schema = {"anyOf": [WORDS, _part("text")]}
CHANNELS: Schema = {"type": "array", "items": _words(ChannelKind), "minItems": 1, "uniqueItems": True}
FACT = _words(CONDITIONS)

PARTS: Mapping[str, Mapping[str, Key]] = {
    "script": {
        "spec": Key({"enum": [SPEC, str(SPEC)]}, "The version of this format.", needed=True),
        "script": Key(ID, "The script's name: that of its file.", needed=True),
        "about": Key(WORDS, "What the script is for, for its readers."),
        "matter": Key(_words(MATTERS), "The fact the script is about, where that is not the debt as a whole."),
        "channels": Key(CHANNELS, "The channels the script is written for; without it, all."),
        "begun_by": Key(_words(("us", "client")), "Who begins: 'client' where the script answers."),
        "start": Key(STEP_NAME, "The step a talk begins with."),
        "subject": Key(TEXT, "The subject of mails: it names no debt and no sum."),
        "slots": Key(_named(_words(SLOT_TYPES)), "Values of the talk, each with its type."),
        "repairs": Key(
            {"type": "object", "propertyNames": _words((*Intent, *EVENTS)), "additionalProperties": STEP_NAME},
            "Which step answers what can be said, or happen, at any moment.",
        ),
        "phrases": Key(_named(TEXT), "Texts said by more than one step, or beside any step of a call."),
        "steps": Key(_named(_part("step")), "The steps by their ids, which are never used again.", needed=True),
    },
    "step": {
        "say": Key({"anyOf": [_part("line"), _part("lines")]}, "One text, or several in order, each with a name."),
        "emit": Key(_words(Effect), "What the step tells the case store."),
        "ask": Key(_words(AskKind), "The type of answer the step waits for."),
        "slot": Key(ID, "The slot the answer fills."),
        "min": Key(SCALAR, "The least value: a literal, a fact or a slot."),
        "max": Key(SCALAR, "The greatest value: a literal, a fact or a slot."),
        "tries": Key({"enum": [*range(1, 10), *map(str, range(1, 10))]}, "Replies in a row that may lead nowhere."),
        "lost": Key(STEP_NAME, "Where the talk goes after that many; without it, to a person."),
        "options": Key(_named(_part("option")), "The ways to answer, by their ids."),
        "again": Key(
            {"type": "object", "propertyNames": _words(Problem), "additionalProperties": TEXT},
            "What is said where an answer cannot be taken.",
        ),
        "silence": Key(_listed("rung"), "What is done where nobody answers, in rising times."),
        "go": Key(STEP_NAME, "Where a value leads."),
        "branch": Key(_listed("branch"), "Where the talk goes instead, by the first condition that holds."),
        "call": Key(ID, "Another script, whose steps are walked before 'next'."),
        "next": Key(STEP_NAME, "Where a step that does not ask goes on."),
    },
    "text": {
        "text": Key(WORDS, "The English words."),
        "one": Key(WORDS, "The English words for one."),
        "other": Key(WORDS, "The English words for any other number."),
        "by": Key({"type": "string"}, "The fact or slot that is counted."),
        **{channel: Key(WORDS, f"Other words for this channel: {channel}.") for channel in WORDINGS},
    },
    "option": {
        "label": Key(TEXT, "The words of the option.", needed=True),
        "words": Key(WORDS, "Words that choose it wherever they are said, with commas between them."),
        "go": Key(STEP_NAME, "The step it leads to; a language leads back to where the talk was."),
    },
    "rung": {
        "after": Key(_pattern(SPAN), "Counted from the question: 30m, 4h, 2d.", needed=True),
        "do": Key(_words(RungKind), "What is done then.", needed=True),
        "say": Key(_part("line"), "The words of a reminder; the question follows."),
    },
    "branch": {
        "when": Key(
            {"anyOf": [_words((IN_TIME, GRANTED)), STEP_NAME, _part("condition")]}, "A condition.", needed=True
        ),
        "go": Key(STEP_NAME, "The step it leads to.", needed=True),
    },
    "condition": {
        "fact": Key(_words((*FACTS, *MATTERS)), "The fact that is tested."),
        "slot": Key(ID, "The slot that is tested."),
        **{test: Key(SCALAR, f"Whether it is {test.replace('_', ' ')} this.") for test in Relation},
    },
}
PARTS = {
    **PARTS,
    "line": {
        **PARTS["text"],
        "phrase": Key(ID, "A shared phrase, said instead of words of its own."),
        "when": Key(FACT, "Said only if this fact is known and not nothing."),
        "unless": Key(FACT, "Said only if this fact is not known, or nothing."),
        "channels": Key(CHANNELS, "Said on these channels only."),
    },
}


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a script file, for editors. References between steps are not part of it."""
    definitions = {name: _object(name) for name in PARTS if name != "script"}
    definitions["line"] = {"anyOf": [WORDS, definitions["line"]]}
    definitions["lines"] = {**_named(_part("line")), "propertyNames": {"not": _words(PARTS["line"])}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A script of Amiable",
        **_object("script"),
        "$defs": definitions,
    }


def _object(name: str) -> dict[str, Any]:
    keys = PARTS[name]
    return {
        "type": "object",
        "properties": {str(key): {**held.holds, "description": held.about} for key, held in keys.items()},
        "required": [str(key) for key, held in keys.items() if held.needed],
        "additionalProperties": False,
    }
