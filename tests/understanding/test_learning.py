"""Learning is the same everywhere, kept under a hash, and swapped as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from dialogs.reading.evaluation import changes
from dialogs.reading.examples import Example, packaged
from dialogs.reading.model import learn, model, model_of, stamp_of, use
from dialogs.reading.reader import read
from dialogs.reading.reading import Band, Intent

TODAY = date(2026, 3, 11)
SOME = packaged()[::25]
NEW = Example("en", Intent.HARDSHIP, "zorblax frimble")

FINGERPRINT = """
from hashlib import sha256
from dialogs.reading.examples import packaged
from dialogs.reading.model import learn
found = learn(packaged()[::25])
print(sha256(found.intents.weights + repr(found.tongues.to_json()).encode()).hexdigest())
"""


def fingerprint(seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", FINGERPRINT], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_another_process_with_another_hash_seed_learns_the_same_to_the_bit() -> None:
    assert fingerprint("1") == fingerprint("4242")


def test_what_is_kept_is_what_was_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = model_of(SOME)
    (kept,) = (tmp_path / "amiable").iterdir()
    written = kept.stat().st_mtime_ns
    again = model_of(SOME)
    assert (again.stamp, again.intents, again.tongues) == (first.stamp, first.intents, first.tongues)
    assert kept.stat().st_mtime_ns == written


def test_a_user_without_a_home_learns_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_number: int) -> None:
        raise KeyError

    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert model_of(SOME[:60]).intents == learn(SOME[:60]).intents


@pytest.mark.parametrize("damage", ["", "{", '{"stamp": "of another"}'])
def test_a_damaged_file_is_learned_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model_of(SOME[:60])
    (kept,) = (tmp_path / "amiable").iterdir()
    whole = kept.read_text(encoding="utf-8")
    kept.write_text(damage, encoding="utf-8")
    model_of(SOME[:60])
    assert kept.read_text(encoding="utf-8") == whole


def test_an_edited_example_makes_another_model() -> None:
    assert stamp_of(SOME) != stamp_of((*SOME, NEW))
    assert stamp_of(SOME) == stamp_of(tuple(SOME))


def test_edited_examples_show_what_they_change_and_count_once_they_are_in_use() -> None:
    before = model()
    words = [replace(NEW, text=f"zorblax frimble {word}") for word in ("today", "now", "again", "indeed")]
    after = learn((*SOME, NEW, *words))
    assert read(NEW.text, "en", TODAY).intent == Intent.OTHER
    (change,) = changes([NEW], before, after)
    assert (change.before.band, change.after.intent) == (Band.ASK, Intent.HARDSHIP)
    use(after)
    try:
        assert read(NEW.text, "en", TODAY).intent == Intent.HARDSHIP
    finally:
        use(before)
    assert read(NEW.text, "en", TODAY).intent == Intent.OTHER
