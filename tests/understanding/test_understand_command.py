"""`amiable understand`: the JSON of INTERFACES, tables, and what is said to wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from dialogs.reading.examples import packaged

FIELDS = [
    "text",
    "language",
    "switch",
    "intent",
    "second",
    "margin",
    "band",
    "dates",
    "amounts",
    "count",
    "fraction",
    "percent",
    "periodic",
    "full",
    "why",
]


def told(*arguments: str) -> tuple[int, list[dict[str, object]], str]:
    done = CliRunner().invoke(app, ["understand", *arguments])
    lines = [json.loads(line) for line in done.stdout.splitlines()] if "--json" in arguments else []
    return done.exit_code, lines, done.stdout + done.stderr


def test_one_object_a_text_with_the_fields_that_were_fixed() -> None:
    code, (first, second), _ = told(
        "--json", "--today", "2026-03-11", "I'll pay 200 lei on Friday", "zaplachu v pyatnicu"
    )
    assert code == 0
    assert list(first) == FIELDS
    assert (first["intent"], first["band"], first["switch"]) == ("promise_to_pay", "act", False)
    assert [day["date"] for day in first["dates"]] == ["2026-03-13"]  # type: ignore[attr-defined] JSON
    assert first["amounts"] == [{"value": 200, "currency": "RON"}]
    assert (second["language"], second["script"]) == ("ru", "Latn")


def test_lei_are_those_of_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMIABLE_LEI", "MDL")
    _, (said,), _ = told("--json", "plătesc 200 lei")
    assert said["amounts"] == [{"value": 200, "currency": "MDL"}]


def test_thanks_are_none_of_the_fifteen() -> None:
    _, (said,), _ = told("--json", "--lang", "en", "thanks")
    assert said["intent"] == "other"


def test_a_bare_number_is_a_day_where_a_day_was_asked_for() -> None:
    _, (said,), _ = told("--json", "--today", "2026-03-11", "--lang", "en", "--asked", "date", "15")
    assert [day["date"] for day in said["dates"]] == ["2026-03-15"]  # type: ignore[attr-defined] JSON


def test_a_table_gives_the_language_and_the_day(tmp_path: Path) -> None:
    table = tmp_path / "replies.tsv"
    table.write_text('text\tlang\ttoday\nвідпишіть\tru\t\n"завтра" заплачу\tru\t2026-05-01\n', encoding="utf-8")
    code, (first, second), _ = told("--json", "--tsv", str(table), "--today", "2026-03-11")
    assert (code, first["intent"], second["text"]) == (0, "opt_out", '"завтра" заплачу')
    assert [day["date"] for day in second["dates"]] == ["2026-05-02"]  # type: ignore[attr-defined] JSON


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("txt\nhello\n", "replies.tsv:1: the column text is missing"),
        ("text\tlang\nhello\tfr\n", "replies.tsv:2: 'fr' is no language of the product"),
        ("text\ttoday\nhello\ttomorrow\n", "replies.tsv:2: 'tomorrow' is not a day"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(tmp_path: Path, content: str, complaint: str) -> None:
    table = tmp_path / "replies.tsv"
    table.write_text(content, encoding="utf-8")
    code, _, said = told("--tsv", str(table))
    assert code == 2
    assert complaint in said


@pytest.mark.parametrize("arguments", [[], ["--lang", "fr", "hi"], ["--today", "x", "hi"], ["--tsv", "nowhere.tsv"]])
def test_bad_usage_is_refused(arguments: list[str]) -> None:
    code, _, said = told(*arguments)
    assert code == 2
    assert said.startswith("amiable: ")


def test_people_are_told_the_why_and_the_nearest_example() -> None:
    _, _, said = told("--today", "2026-03-11", "--nearest", "I will pay on Friday")
    assert "promise_to_pay" in said
    assert "2026-03-13" in said
    assert "most alike" in said


def test_the_same_examples_change_no_answer(tmp_path: Path) -> None:
    for language in ("en", "ro", "uk", "ru"):
        rows = [f"{example.intent}\t{example.text}\n" for example in packaged() if example.language == language]
        (tmp_path / f"{language}.tsv").write_text("intent\ttext\n" + "".join(rows), encoding="utf-8")
    code, _, said = told("--compare", str(tmp_path))
    assert (code, said.split()[0]) == (0, "0")


def test_a_table_with_meanings_is_scored(tmp_path: Path) -> None:
    table = tmp_path / "known.tsv"
    table.write_text("lang\tintent\ttext\nen\topt_out\tstop\nru\tother\tстоп\n", encoding="utf-8")
    code, _, said = told("--evaluate", str(table))
    assert code == 0
    assert "| all | 2 | 0.500 |" in said
    assert "other → opt_out 1" in said
