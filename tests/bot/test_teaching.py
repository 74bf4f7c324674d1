"""A deployment's own examples: learned while it runs, refused where they are at fault, put to use as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.settings import BadSettings, StoreSettings, load_settings
from bot.teaching import Teaching, teaching_ticks
from dialogs.reading.examples import Example, packaged
from dialogs.reading.model import Model, learn, model, use
from dialogs.reading.reader import read
from dialogs.reading.reading import Intent

TODAY = date(2026, 3, 11)
SOME = packaged()[::60]
BROKE = "intent\ttext\n" + "".join(
    f"hardship\tzorblax frimble {word}\n" for word in ("now", "indeed", "today", "again")
)
TEXT = "zorblax frimble"


@pytest.fixture(autouse=True)
def _as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before: Model = model()
    use(learn(SOME))
    yield
    use(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "examples"
    place.mkdir()
    return place


def meant(text: str) -> Intent:
    return read(text, "en", TODAY).intent


async def test_what_is_written_is_learned_by_another_process_and_taken_back_when_it_goes(folder: Path) -> None:
    teaching = Teaching(folder, SOME)
    await teaching.look()
    assert meant(TEXT) == Intent.OTHER
    (folder / "en.tsv").write_text(BROKE, encoding="utf-8")
    with capture_logs() as told:
        await teaching.look()
    assert meant(TEXT) == Intent.HARDSHIP
    assert told[0]["event"] == "examples learned"
    assert any(line.get("change", "").endswith("-> hardship/act: zorblax frimble now") for line in told), told
    (folder / "en.tsv").unlink()
    await teaching.look()
    assert meant(TEXT) == Intent.OTHER


async def test_examples_at_fault_are_told_of_once_and_change_nothing(folder: Path) -> None:
    teaching, before = Teaching(folder, SOME), model()
    (folder / "en.tsv").write_text("intent\ttext\nhardship\tno money\npay\thello\n", encoding="utf-8")
    with capture_logs() as told:
        await teaching.look()
        await teaching.look()
    (line,) = told
    assert f"{folder / 'en.tsv'}:3: 'pay'" in line["fault"]
    assert model() is before


async def test_files_that_stay_the_same_are_not_learned_again(folder: Path) -> None:
    (folder / "en.tsv").write_text(BROKE, encoding="utf-8")
    teaching = Teaching(folder, SOME)
    await teaching.look()
    learned = model()
    (folder / "en.tsv").write_text(BROKE, encoding="utf-8")
    await teaching.look()
    assert model() is learned


async def test_an_equal_text_means_what_the_deployment_says(folder: Path) -> None:
    known = Example("en", Intent.HARDSHIP, "Zorblax now")
    (folder / "en.tsv").write_text("intent\ttext\nhuman\tzorblax NOW\n", encoding="utf-8")
    with capture_logs() as told:
        await Teaching(folder, (*SOME, *[known] * 3)).look()
    assert told[0]["known"] == len({*SOME, known}) + 1
    assert meant("zorblax now") == Intent.HUMAN


def test_nothing_is_watched_without_a_folder(folder: Path) -> None:
    assert teaching_ticks(None) == []
    assert [tick.name for tick in teaching_ticks(folder)] == ["teaching"]


def test_a_folder_that_is_not_there_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMIABLE_EXAMPLES", str(folder / "nowhere"))
    with pytest.raises(BadSettings, match="AMIABLE_EXAMPLES: there is no folder"):
        load_settings(StoreSettings)
    monkeypatch.setenv("AMIABLE_EXAMPLES", "")
    assert load_settings(StoreSettings).examples is None
