"""What is learned from the examples, kept on disk under the hash of all that it depends on, and swapped as a whole.

Equal files give equal numbers in every process; where the hash is known already, nothing is learned again.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from dialogs.reading.concepts import concepts
from dialogs.reading.examples import Example, packaged
from dialogs.reading.features import features, repaired
from dialogs.reading.linear import Linear, learned
from dialogs.reading.spoken import Spoken, spoken_from
from dialogs.reading.traits import Traits, kins_of, traits
from dialogs.reading.vocabulary import LOCALES

TELLING = frozenset("wke")
"""Kinds of features that say something by themselves: words, concepts, values."""
HERE = Path(__file__).parent
KEPT = "understanding-{}.json"
MOST_KEPT = 2
"""Models of edited examples that stay on disk: the one in use, and the one before it."""


@dataclass(frozen=True, slots=True)
class Model:
    """All that was learned; `stamp` is the hash of what it was learned from, `known` the words slips are mended to."""

    stamp: str
    intents: Linear
    tongues: Spoken
    known: frozenset[str]

    def chances(self, found: Sequence[str]) -> dict[str, float]:
        """How likely each intent is by the features of a reply; nothing where no word of it was ever seen."""
        if not any(name[0] in TELLING and name in self.intents.rows for name in found):
            return {}
        return dict(zip(self.intents.classes, self.intents.chances(found), strict=True))

    def found(self, traits: Traits) -> list[str]:
        """The features of a reply or clause, slips of the pen mended."""
        return features(repaired(traits.tokens, self.known, concepts()), concepts(), traits.kins, traits.slots)


class _InUse:
    """The model of this process. One assignment swaps it; a reply is read with one model from beginning to end."""

    model: Model | None = None


def folder() -> Path | None:
    """Where learned models are kept: the user's cache. None for a user without a home, as containers have them."""
    with suppress(RuntimeError):
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "amiable"
    return None


def model() -> Model:
    """The model in use; on first use that of the packaged examples, from disk where it was learned before."""
    if _InUse.model is None:
        _InUse.model = model_of(packaged())
    return _InUse.model


def use(new: Model) -> None:
    """Read all further replies with this model."""
    _InUse.model = new


def model_of(examples: Sequence[Example]) -> Model:
    """The model of these examples, from disk or learned now, which takes seconds: not on the thread that answers."""
    stamp, cache = stamp_of(examples), folder()
    if cache is None:
        return learn(examples, stamp)
    path = cache / KEPT.format(stamp[:24])
    kept = _kept(path, stamp)
    if kept is None:
        kept = learn(examples, stamp)
        _keep(path, kept)
    return kept


def stamp_of(examples: Sequence[Example]) -> str:
    """The hash of the examples, of the words and rules they are read by, and of the Python that adds the numbers."""
    digest = sha256(repr(sys.version_info[:2]).encode())
    for path in sorted((*HERE.glob("*.py"), *(HERE / "data").iterdir(), *LOCALES.glob("*/reading.yaml"))):
        digest.update(path.read_bytes())
    for example in examples:
        digest.update(f"{example.language}\t{example.intent}\t{example.text}\n".encode())
    return digest.hexdigest()


def learn(examples: Sequence[Example], stamp: str = "") -> Model:
    """Learn from examples, in one process and without a cache."""
    seen = [traits(example.text, example.language, kins_of(example.text, (example.language,))) for example in examples]
    mended = concepts().known | _frequent(seen)
    rows = [features(repaired(one.tokens, mended, concepts()), concepts(), one.kins, one.slots) for one in seen]
    intents = learned([(row, str(example.intent)) for row, example in zip(rows, examples, strict=True)])
    return _made(stamp, intents, spoken_from(examples))


def _frequent(seen: Sequence[Traits]) -> set[str]:
    once: set[str] = set()
    twice: set[str] = set()
    for one in seen:
        for token in set(one.tokens):
            (twice if token in once else once).add(token)
    return twice


def _made(stamp: str, intents: Linear, tongues: Spoken) -> Model:
    words = (name[2:] for name in intents.rows if name.startswith("w:"))
    return Model(stamp, intents, tongues, frozenset(concepts().known.union(words)))


def _keep(path: Path, model: Model) -> None:
    """Write beside and rename, so that another process sees the whole or nothing. A disk that is full is no fault."""
    data = {
        "stamp": model.stamp,
        "classes": model.intents.classes,
        "features": list(model.intents.rows),
        "weights": base64.b64encode(model.intents.weights).decode(),
        "tongues": model.tongues.to_json(),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        try:
            fresh.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        for old in _left_behind(path.parent):
            old.unlink(missing_ok=True)
    except OSError:
        return


def _left_behind(cache: Path) -> list[Path]:
    """What was kept before the newest, save for the model of the packaged examples, which every process begins with."""
    first = KEPT.format(stamp_of(packaged())[:24])
    later = [path for path in cache.glob(KEPT.format("*")) if path.name != first]
    return sorted(later, key=lambda path: path.stat().st_mtime_ns)[:-MOST_KEPT]


def _kept(path: Path, stamp: str) -> Model | None:
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if data.get("stamp") != stamp:
        return None
    weights = base64.b64decode(data["weights"])
    return _made(stamp, Linear.of(data["classes"], data["features"], weights), Spoken.from_json(data["tongues"]))
