"""The format of script files: specs old and new, the schema for editors, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from schemas import faults

from dialogs.flow import GRANTED, IN_TIME, SPEC, Ask
from dialogs.grammar import PARTS, schema
from dialogs.marked import read_marked
from dialogs.script import PACKAGED, Script, ScriptError, load_scripts, parse_script
from dialogs.upgrades import UPGRADES, current

BROKEN = Path(__file__).parent / "broken"
HEAD = "spec: 2\nscript: small\nbegun_by: client\nstart: opening\n"
ASKS = HEAD + (
    "slots: {sum: money, people: integer, note: text}\n"
    "steps:\n"
    "  opening:\n"
    "    say: How much?\n"
    "    ask: amount\n"
    "    slot: sum\n"
    "    go: end\n"
    "    again: {unclear: A sum, below: More, beyond: Less}\n"
)
END = "  end: {say: Thank you.}\n"


def refusal(text: str) -> str:
    with pytest.raises(ScriptError) as refused:
        parse_script(text, "small.yaml")
    return str(refused.value)


def question(script: Script, step: str) -> Ask:
    ask = script.steps[step].ask
    assert ask is not None
    return ask


def as_editors_read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_every_older_spec_has_a_step_to_the_next() -> None:
    assert sorted(UPGRADES) == list(range(1, SPEC))


def test_a_file_of_the_first_spec_means_what_it_meant() -> None:
    old = (BROKEN / "old_spec.yaml").read_text(encoding="utf-8")
    new = old.replace("spec: 1", "spec: 2").replace("in_time: fine", "branch: [{when: in_time, go: fine}]")
    before, after = parse_script(old, "old_spec.yaml"), parse_script(new, "old_spec.yaml")
    assert before.steps == after.steps
    assert [branch.go for branch in before.steps["opening"].branches] == ["fine"]
    assert (before.outdated, after.outdated) != ((), ())
    assert [how for _, how in before.outdated] == ["write 'spec: 2'", "write 'branch: [{when: in_time, go: fine}]'"]
    assert after.outdated == ()


def test_an_upgrade_leaves_the_file_as_read_alone() -> None:
    root = read_marked((BROKEN / "old_spec.yaml").read_text(encoding="utf-8"))
    new, _ = current(root)
    assert IN_TIME in root["steps"]["opening"]
    assert IN_TIME not in new["steps"]["opening"]
    assert GRANTED not in new["steps"]["opening"]


def test_a_file_of_a_newer_spec_is_refused_with_what_to_do() -> None:
    assert refusal(HEAD.replace("spec: 2", "spec: 3") + "steps:\n" + END) == (
        "small.yaml: line 1: spec 3 is newer than this program; upgrade the program, or write 'spec: 2'"
    )


@pytest.mark.parametrize("path", sorted(PACKAGED.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_packaged_script_fits_the_schema(path: Path) -> None:
    assert list(faults(as_editors_read(path), schema(), schema())) == []


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("spec: 2", "spec: 9"),
        ("start: opening", "begin: opening"),
        ("script: small", "script: Small Talk"),
        ("ask: amount", "ask: riddle"),
        ("sum: money", "sum: gold"),
        ("unclear: A sum", "unheard: A sum"),
        ("say: How much?", "say: [How, much]"),
        ("say: How much?", "say: {text: How much, when: {fact: sum}}"),
        ("    go: end\n", "    go: end\n    silence: [{after: soon, do: remind}]\n"),
        ("    go: end\n", "    go: end\n    tries: 99\n"),
        ("    go: end\n", "    go: end\n    branch: [{when: {slot: sum, over: 3}, go: end}]\n"),
    ],
)
def test_what_an_editor_marks_is_refused_as_well(was: str, becomes: str) -> None:
    assert list(faults(yaml.safe_load(ASKS + END), schema(), schema())) == []
    wrong = (ASKS + END).replace(was, becomes)
    assert list(faults(yaml.safe_load(wrong), schema(), schema()))
    assert "small.yaml: line" in refusal(wrong)


def test_every_key_says_what_it_is_for() -> None:
    assert all(key.about.endswith(".") for keys in PARTS.values() for key in keys.values())


@pytest.mark.parametrize(
    ("added", "line", "what"),
    [
        ("    min: lots\n", 7, "'lots' is neither a fact, nor a slot, nor a value of type money"),
        ("    max: days_past_due\n", 7, "'days_past_due' is of type integer, which is not compared with money"),
        ("    branch: [{when: weather, go: end}]\n", 7, "'weather' is neither a fact nor a slot"),
        ("    branch: [{when: {slot: note, below: 3}, go: end}]\n", 7, "'note' cannot be tested by 'below'"),
        ("    branch: [{when: {fact: consequence_on, below: soon}, go: end}]\n", 7, "'soon' is neither"),
        ("    branch: [{when: {slot: sum, below: 3, above: 1}, go: end}]\n", 13, "one fact or slot and one test"),
        ("    branch: [{when: {slot: sum, known: maybe}, go: end}]\n", 13, "'known: maybe' is no test"),
        ("    branch: [{when: {slot: sum, below: 3}, go: gone}]\n", 7, "leads to 'gone', which does not exist"),
        ("    lost: gone\n", 7, "leads to 'gone', which does not exist"),
        ("    tries: 0\n", 13, "'0' is not known as tries"),
        ("    silence: [{after: 2d, do: operator}, {after: 4h, do: call}]\n", 13, "not later than the rung before"),
        ("    silence: [{after: 2d, do: call, say: Hello}]\n", 13, "a reminder, and nothing else, has a 'say'"),
        ("    silence: [{after: 2d, do: remind}]\n", 13, "a reminder, and nothing else, has a 'say'"),
        ("    silence: [{after: 0m, do: call}]\n", 13, "'0m' is no span of time"),
        ("    next: end\n", 13, "a step that asks has no 'next'"),
        ("    call: reminder\n", 13, "a step that asks has no 'call'"),
        ("    options: {a: {label: A, go: end}}\n", 13, "a question of type amount has no 'options'"),
        ("  on: {say: On, branch: [{when: note, go: end}]}\n", 13, "'branch' without 'next' leaves no way on"),
        ("  on: {say: On, call: nowhere, next: end}\n", 13, "there is no script 'nowhere' to call"),
        ("  on: {say: On, call: small, next: end}\n", 13, "there is no script 'small' to call"),
        ("  on: {say: On, ask: choice, options: {a: {label: 'Pay {sum}', go: end}}}\n", 13, "shows what is no fact"),
        ("  on: {say: {phrase: gone}}\n", 13, "there is no shared phrase 'common.phrases.gone'"),
        ("  on: {say: {sms: On}}\n", 13, "'sms' names no part"),
        ("  on: {say: {a: {text: On, channels: [pigeon]}}}\n", 13, "'channels' must be a list of known words"),
        ("  on: {ask: language, say: Which, options: {en: {label: English, go: end}}}\n", 13, "no choice of language"),
    ],
)
def test_what_cannot_work_is_refused_with_its_line(added: str, line: int, what: str) -> None:
    said = refusal(ASKS + added + END)
    assert what in said
    assert said.startswith(f"small.yaml: line {line}: ")


def test_a_slot_takes_only_the_values_of_its_type() -> None:
    said = refusal(ASKS.replace("slot: sum", "slot: people") + END)
    assert "slot 'people' is of type integer, which no amount fills; declare it as money" in said
    assert "'accounts' is not known as sum" in refusal(ASKS.replace("sum: money", "sum: accounts") + END)
    assert "slot 'amount' is money already" in refusal(ASKS.replace("sum: money", "amount: text") + END)


def test_the_shared_script_has_the_words_that_are_said_beside_any_step() -> None:
    common = (PACKAGED / "common.yaml").read_text(encoding="utf-8").replace('  goodbye: "Goodbye."\n', "")
    with pytest.raises(ScriptError, match=r"common.yaml: line 1: there is no phrase 'goodbye'"):
        parse_script(HEAD + "steps:\n  opening: {say: Hello}\n", "small.yaml", common)


def test_scripts_that_call_one_another_in_a_circle_are_refused() -> None:
    common = (PACKAGED / "common.yaml").read_text(encoding="utf-8")
    one = HEAD.replace("small", "one") + "steps:\n  opening: {call: two, next: end}\n" + END
    two = one.replace("script: one", "script: two").replace("call: two", "call: one")
    with pytest.raises(ScriptError, match=r"two.yaml: line 6: the call of 'one' comes back to itself"):
        parse_script(one, "one.yaml", sources={"common": common, "one": one, "two": two})


def test_words_may_differ_by_channel_and_reminders_share_a_phrase() -> None:
    script = load_scripts()["reminder"]
    ladder = question(script, "promise_check").silence
    assert [rung.key for rung in ladder] == ["common.phrases.unanswered"]
    channels = parse_script(
        HEAD + "steps:\n  opening: {say: {text: Hello, email: Dear client, telegram: Hi}}\n", "small.yaml"
    )
    assert {"small.opening.email", "small.opening.telegram"} <= set(channels.texts)
