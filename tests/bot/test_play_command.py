"""Talking to a script in the terminal: what is shown, what is kept, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.play.golden import read_goldens, replay
from dialogs.flow import SPEC
from dialogs.script import load_scripts

TODAY = ("--today", "2026-05-11")
LADDER = f"""
spec: {SPEC}
script: question
start: opening
steps:
  opening:
    say: "Which day suits you?"
    ask: promise_date
    slot: until
    go: promise_check
    again: {{unclear: "Which day?", past: "A later one?", beyond: "An earlier one?"}}
    silence:
      - {{after: 4h, do: remind, say: "Are you still there?"}}
      - {{after: 3d, do: operator}}
"""


def play(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["play", *arguments], input=typed)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_sms_is_shown_with_its_segments_and_what_is_understood_and_booked() -> None:
    done = play("reminder", *TODAY, "--fact", "due=70", typed="2\nfriday\nyes\n")
    assert done.exit_code == 0
    assert "SMS, 2 segments\n  | Acme, automatic assistant." in done.stdout
    assert "understood: the option promise" in done.stdout
    assert re.search("^understood: .*2026-05-15$", done.stdout, flags=re.M)
    assert "  | So you plan to pay 70 USD by Friday, 15 May. Is that right?" in done.stdout
    assert "waits at promise_check for: yes no" in done.stdout
    assert "booked: a promise of 70.00 USD by 2026-05-15" in done.stdout


def test_a_mail_has_its_subject_and_a_chat_its_buttons() -> None:
    assert "mail, subject: Un mesaj de la Acme" in play("reminder", "--channel", "email", "--lang", "ro").stdout
    chat = play("reminder", "--channel", "telegram", typed="[promise]\n").stdout
    assert "[1 Pay now]  [2 Name a day]" in chat
    assert "waits at promise for: promise date" in chat


def test_a_call_is_spoken_with_its_keys_and_begins_with_who_is_there() -> None:
    said = play("warning", "--channel", "voice", typed="1\n1001\n").stdout
    before, proved, after = said.partition("last four digits")
    assert proved
    assert "Yes: press 1." in before
    assert "120" not in before
    assert "120 US dollars" in after


def test_silence_and_days_can_pass(here: Path) -> None:
    (here / "question.yaml").write_text(LADDER)
    told = play("question.yaml", *TODAY, typed="/silence\n/day +2\ntomorrow\nyes\n/silence\n").stdout
    assert "no answer after 4 h: remind" in told
    assert "  | Are you still there?" in told
    assert "no answer after 3 d: operator" in told
    assert "Thursday, 14 May" in told, "two days later tomorrow is another day"
    assert "nothing more follows if there is no answer" in told


def test_the_operator_comes_when_the_ladder_ends(here: Path) -> None:
    (here / "question.yaml").write_text(LADDER)
    assert "booked: a person takes over (silence)" in play("question.yaml", typed="/silence\n/silence\n").stdout


def test_a_talk_is_kept_as_a_test_that_passes(here: Path) -> None:
    kept = here / "talk.yaml"
    done = play(
        *("promise_reminder", *TODAY, "--channel", "sms", "--lang", "ro", "--save", "talk.yaml"),
        *("--fact", "due=0", "--fact", "promise=[70, 2026-05-13]", "--fact", "currency=RON"),
        typed="2\n/day +1\nvineri\n",
    )
    assert "Kept in talk.yaml." in done.stdout
    (golden,) = read_goldens(kept)
    assert replay(load_scripts()["promise_reminder"], golden.premise, golden.lines) == golden.lines
    assert sum("subscriber" in line for line in golden.lines) == 2
    again = play("promise_reminder", "--facts", "talk.yaml", "--lang", "ro", typed="2\n")
    assert "13 mai" in again.stdout, "facts and the day of a kept talk can be taken up"


@pytest.mark.parametrize("name", [name for name, script in load_scripts().items() if script.matter])
def test_a_script_has_usual_facts_of_its_matter_and_a_talk_with_them_is_kept(here: Path, name: str) -> None:
    done = play(name, *TODAY, "--save", "usual.yaml")
    assert done.exit_code == 0, done.stderr
    assert "70 USD" in done.stdout
    (golden,) = read_goldens(here / "usual.yaml")
    assert replay(load_scripts()[name], golden.premise, golden.lines) == golden.lines


def test_a_saved_name_goes_to_the_golden_talks_and_replaces_none(here: Path) -> None:
    (here / "tests" / "conversations").mkdir(parents=True)
    assert play("reminder", "--save", "en-new", typed="stop\n").exit_code == 0
    assert (here / "tests" / "conversations" / "en-new.yaml").is_file()
    again = play("reminder", "--save", "en-new")
    assert again.exit_code == 2
    assert "is there already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["remindr"], "there is no script 'remindr'; choose one of: agency_notice, "),
        (["nowhere.yaml"], "there is no file nowhere.yaml"),
        (["broken.yaml"], "broken.yaml: line 1: "),
        (["reminder", "--channel", "fax"], "'fax' is not one of"),
        (["reminder", "--lang", "fr"], "there are no texts in 'fr'; choose one of: en, ro, ru, uk"),
        (["reminder", "--fact", "debt=1"], "'debt=1' is not a fact; write NAME=VALUE with one of: name, "),
        (["reminder", "--fact", "due"], "'due' is not a fact"),
        (["reminder", "--today", "friday"], "'friday' is not a day"),
        (["reminder", "--save", "nowhere/talk.yaml"], "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_choices(here: Path, arguments: list[str], told: str) -> None:
    (here / "broken.yaml").write_text("script: broken\n")
    done = play(*arguments)
    assert done.exit_code == 2
    assert told in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ("due=much", "'much' is not an amount"),
        ("currency=XXY", "'XXY' is not the code of a currency"),
        ("promise=70", "expected a list"),
        ("promise=[70]", "expected a sum and its day, such as [100, 2026-05-13]"),
        ("broken=[70, soon]", "'soon' is not a day"),
        ("accounts=[[A1, 40]]", "expected an account, its service and a sum"),
        ("parts=few", "expected a whole number"),
        ("due=[", "not YAML"),
    ],
)
def test_a_fact_that_is_wrong_is_refused_by_its_name(fact: str, told: str) -> None:
    done = CliRunner().invoke(app, ["play", "reminder", "--fact", fact])
    assert told in str(done.exception)
    assert f"--fact {fact.partition('=')[0]}:1:" in str(done.exception)


def test_a_command_that_is_none_tells_those_there_are() -> None:
    assert "/quit ends the talk" in play("reminder", typed="/help\n").stdout
    assert "waits at" not in play("reminder", typed="/quit\n2\n").stdout.partition("/quit")[2]


def test_days_beyond_reason_are_no_command_and_lose_nothing(here: Path) -> None:
    done = play("reminder", *TODAY, "--save", "talk.yaml", typed="2\n/day 99999999999\n/day +999\nfriday\n")
    assert done.exit_code == 0
    assert "/day +1 lets days pass" in done.stdout
    assert [line["days"] for line in read_goldens(here / "talk.yaml")[0].lines if "days" in line] == ["999"]


def test_a_talk_is_kept_even_where_its_end_is_a_fault(here: Path) -> None:
    done = play("reminder", *TODAY, "--save", "talk.yaml", typed="2\n" + "/day 999\n" * 3000)
    assert isinstance(done.exception, OverflowError | ValueError), "the calendar ends with the year 9999"
    assert any(line.get("subscriber") == "2" for line in read_goldens(here / "talk.yaml")[0].lines)


@pytest.mark.parametrize("again", ["*", "more slowly", "repeat please"])
def test_a_call_says_again_what_it_said_and_books_nothing_twice(again: str) -> None:
    said = play("warning", "--channel", "voice", typed=f"{again}\n").stdout
    assert said.count("Yes: press 1.") == 2
    booked = play("warning", "--channel", "voice", typed=f"1\n1001\nstop\n{again}\n").stdout
    assert booked.count("booked:") == 1


def test_a_kept_talk_names_its_language_once(here: Path) -> None:
    play("reminder", "--lang", "ro", "--save", "ro-payday.yaml")
    assert read_goldens(here / "ro-payday.yaml")[0].about == "ro payday"


def test_an_untranslated_text_has_its_sums_and_days_in_english_too(here: Path) -> None:
    (here / "draft.yaml").write_text(
        'spec: 2\nscript: draft\nbegun_by: client\nstart: a\nsteps: {a: {say: "{amount_due}, since {oldest_due}."}}\n'
    )
    assert (
        "  | 120 RON, since 1 May."
        in play("draft.yaml", *TODAY, "--lang", "ro", "--fact", "currency=RON", "--fact", "since=2026-05-01").stdout
    )
