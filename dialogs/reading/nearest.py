"""The example most like a reply: what an operator is shown beside the why."""

from __future__ import annotations

from collections.abc import Iterable

from dialogs.reading.concepts import concepts
from dialogs.reading.examples import Example
from dialogs.reading.features import repaired
from dialogs.reading.model import Model
from dialogs.reading.skeleton import normalise, words
from dialogs.reading.traits import kins_of


def nearest(plain: str, model: Model, examples: Iterable[Example]) -> Example | None:
    """The example that shares most words and concepts with a normalised text; None where none shares any.

    It looks at every example: a tenth of a second, for a person who asks, not for the turn of a talk.
    """
    wanted = _signs(plain, model, ("en", "ro", "uk", "ru"))
    best, found = 0.0, None
    for example in examples:
        have = _signs(normalise(example.text), model, (example.language,))
        alike = len(wanted & have) / max(1, len(wanted | have))
        if alike > best:
            best, found = alike, example
    return found


def _signs(plain: str, model: Model, languages: tuple[str, ...]) -> set[str]:
    tokens = repaired(tuple(words(plain).split()), model.known, concepts())
    named = concepts().found(tokens, kins_of(plain, languages))
    return {*tokens, *(f"={name}" for row in named for name in row)}
