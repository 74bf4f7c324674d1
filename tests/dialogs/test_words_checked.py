"""Where the checker looks: every way of a turn, what is said again and after silence, and what anybody may hear."""

from __future__ import annotations

import pytest

from dialogs.check import check
from dialogs.checks.breath import WAYS, breaths
from dialogs.checks.issue import Kind
from dialogs.script import PACKAGED, ScriptError, load_scripts, parse_script

COMMON = (PACKAGED / "common.yaml").read_text(encoding="utf-8")
LONG = "There is much to be told about a bill, and here it is told at length. " * 9
GATE = """
spec: 2
script: gate
begun_by: client
start: opening
steps:
  opening: {say: "Hello."}
  identity:
    say: "Is this {name}?"
    ask: yes_no
    silence: [{after: 1d, do: remind, say: "Are you there?"}]
    options:
      "yes": {label: "Yes", go: identity_proof}
      "no": {label: "No", go: not_there}
  identity_proof:
    say: "The last four digits, please."
    ask: identity
    again: {unclear: "These do not match."}
"""


FIRST = """
spec: 2
script: first
start: opening
steps:
  opening:
    say: "Hello."
    branch: [{when: amount_due, go: owing}]
    next: nothing
  owing:
    say: {due: "A bill waits.", stop: {phrase: stop, channels: [sms, email]}}
  nothing:
    say: {fine: "All is well.", stop: {phrase: stop, channels: [sms, email]}}
"""
CALLED = """
spec: 2
script: called
start: told
steps:
  told: {say: "One moment."}
"""
ASKED = """
spec: 2
script: asked
begun_by: client
start: opening
steps:
  opening:
    say: "Which day?"
    ask: promise_date
    slot: until
    go: promise_check
    again: {unclear: "One day?", past: "A later one?", beyond: "An earlier one?"}
    silence: [{after: 1d, do: remind, say: "Still there?"}]
"""


def found(kind: Kind, text: str, shared: str = COMMON) -> list[str]:
    script = parse_script(text, "seen.yaml", shared, {"called": CALLED})
    return [issue.step for issue in check({script.name: script}, {}) if issue.kind == kind]


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("Are you there?", "Your debt waits."),
        ("These do not match.", "That was not unpaid."),
        ('label: "No"', 'label: "I owe nothing"'),
        ("Is this {name}?", "Is this the debtor?"),
    ],
)
def test_a_word_for_debt_is_found_wherever_somebody_not_known_may_hear_it(said: str, written: str) -> None:
    assert found(Kind.DEBT_BEFORE_IDENTITY, GATE) == []
    assert len(found(Kind.DEBT_BEFORE_IDENTITY, GATE.replace(said, written))) == 1


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("This is a message from {creditor}.", "This is {creditor} about your debt."),
        ("We do not know the number you are calling from.", "Nothing is overdue by your number."),
        ("To reach a person, please call", "To speak of your bill, please call"),
        ("I am connecting you.", "I am connecting you about what you owe."),
    ],
)
def test_a_machine_and_a_stranger_hear_no_word_for_debt(said: str, written: str) -> None:
    assert said in COMMON
    assert len(found(Kind.DEBT_BEFORE_IDENTITY, GATE, COMMON.replace(said, written))) == 1


@pytest.mark.parametrize("step", ["A bill waits.", "All is well."])
def test_a_first_message_says_how_to_stop_more_by_every_branch(step: str) -> None:
    without = FIRST.replace(f'"{step}", stop: {{phrase: stop, channels: [sms, email]}}', f'"{step}"')
    assert without != FIRST
    assert found(Kind.NO_OPT_OUT, FIRST) == []
    assert set(found(Kind.NO_OPT_OUT, without)) == {"opening"}


def test_what_follows_a_called_script_belongs_to_the_same_turn() -> None:
    opening = FIRST.replace(
        "    branch: [{when: amount_due, go: owing}]\n    next: nothing", "    call: called\n    next: owing"
    )
    assert found(Kind.NO_OPT_OUT, opening) == []
    assert found(Kind.TOO_LONG, opening) == []
    assert "opening" in found(Kind.TOO_LONG, opening.replace("A bill waits.", LONG))


@pytest.mark.parametrize("said", ["A bill waits.", "All is well."])
def test_a_turn_is_measured_by_every_branch(said: str) -> None:
    assert set(found(Kind.TOO_LONG, FIRST.replace(said, LONG))) == {"opening"}


@pytest.mark.parametrize("said", ["One day?", "A later one?", "An earlier one?", "Still there?"])
def test_what_is_said_again_and_after_a_silence_is_measured(said: str) -> None:
    assert found(Kind.TOO_LONG, ASKED) == []
    assert set(found(Kind.TOO_LONG, ASKED.replace(said, LONG))) == {"opening"}


def test_a_reminder_is_measured_together_with_its_question() -> None:
    half = LONG[: len(LONG) // 2 + 40]
    assert found(Kind.TOO_LONG, ASKED.replace("Which day?", half)) == []
    both = ASKED.replace("Which day?", half).replace("Still there?", half)
    assert set(found(Kind.TOO_LONG, both)) == {"opening"}


def test_the_turns_of_a_packaged_script_are_few_enough_to_look_at_all() -> None:
    for script in load_scripts().values():
        turns = list(breaths(script))
        assert {turn.head for turn in turns} <= set(script.steps)
        assert sum(turn.opens for turn in turns) >= 1
        assert len(turns) < WAYS


def test_a_reminder_by_a_phrase_that_there_is_not_is_refused() -> None:
    with pytest.raises(ScriptError, match="there is no shared phrase"):
        parse_script(ASKED.replace('say: "Still there?"', "say: {phrase: nudge}"), "asked.yaml")
