"""Typed questions: limits, branches on values, bounded tries with a way out, calls of other scripts, channels."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from talking import OWING
from talking import talk as talk_with

from dialogs.catalog import load_catalogs
from dialogs.facts import Facts
from dialogs.message import Chose, Reply
from dialogs.render import render
from dialogs.script import PACKAGED, Script, parse_script
from dialogs.turn import Turn
from engine.contact import ChannelKind
from engine.money import money
from engine.outcome import Handover, OperatorRequested, PromiseMade

FACTS = replace(OWING, pay_link="", consequence_on=date(2026, 3, 18))
COMMON = (PACKAGED / "common.yaml").read_text(encoding="utf-8")
HEAD = "spec: 2\nscript: {}\nbegun_by: client\nstart: opening\n"
PART = (
    HEAD.format("part")
    + """
slots: {share: money}
steps:
  opening:
    say: "How much can you pay now?"
    ask: amount
    slot: share
    min: 20
    max: amount_due
    tries: 3
    lost: another_way
    go: check
    branch:
      - {when: {slot: share, is: amount_due}, go: all_of_it}
      - {when: {slot: share, below: 50}, go: little}
    again:
      unclear: "A sum, please."
      below: "At least 20."
      beyond: "That is more than {amount_due}."
    silence: [{after: 2d, do: operator}]
  little: {say: "That is a beginning: {share}.", next: check}
  all_of_it: {say: "That settles it, thank you."}
  check:
    say: "So {share} now?"
    ask: yes_no
    options:
      "yes": {label: "Yes", go: thanks}
      "no": {label: "No", go: opening}
    silence: [{after: 2d, do: operator}]
  thanks: {say: "Thank you for {share}."}
  another_way: {say: "Let us do it another way.", next: menu}
"""
)
CALLING = (
    HEAD.format("calling")
    + """
steps:
  opening: {say: "A word first.", call: survey, next: after}
  after: {say: "Back again.", branch: [{when: {slot: people, above: 3}, go: many}], next: few}
  many: {say: "You are many."}
  few: {say: "You are few."}
"""
)
SURVEY = (
    HEAD.format("survey")
    + """
slots: {people: integer}
steps:
  opening:
    say: "How many are you?"
    ask: count
    slot: people
    min: 1
    max: 8
    go: noted
    again: {unclear: "A number.", below: "One at least.", beyond: "Eight at most."}
    silence: [{after: 2d, do: operator}]
  noted: {say: "Noted: {people}."}
"""
)


def parsed(text: str, **others: str) -> Script:
    return parse_script(text, "tried.yaml", sources={"common": COMMON, **others})


def talk(script: Script, *replies: str | Reply, facts: Facts = FACTS) -> Turn:
    return talk_with(*replies, script=script, facts=facts)


def words(script: Script, turn: Turn, channel: ChannelKind | None = None, facts: Facts = FACTS) -> str:
    speech = render(turn.messages, script, facts, "en", load_catalogs(), channel)
    return " ".join(speech.paragraphs).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("60", "So 60 RON now?"),
        ("60 lei", "So 60 RON now?"),
        ("I can pay 80.50 now", "So 80.50 RON now?"),
        ("half", "So 60 RON now?"),
        ("25", "That is a beginning: 25 RON. So 25 RON now?"),
        ("120", "That settles it, thank you."),
        ("all of it", "That settles it, thank you."),
        ("10", "At least 20."),
        ("200", "That is more than 120 RON."),
        ("50 or 60", "A sum, please."),
        ("60 dollars", "A sum, please."),
    ],
)
def test_a_sum_is_taken_within_its_limits_and_leads_by_its_value(reply: str, said: str) -> None:
    script = parsed(PART)
    assert words(script, talk(script, reply)) == said


def test_a_sum_read_back_is_corrected_by_another() -> None:
    script = parsed(PART)
    turn = talk(script, "60", "no, I meant 80")
    assert words(script, turn) == "So 80 RON now?"
    assert words(script, talk(script, "60", "no, I meant 80", "yes")) == "Thank you for 80 RON."


def test_after_its_tries_a_question_leads_where_it_says() -> None:
    script = parsed(PART)
    assert talk(script, "10", "5").state.asked == "opening"
    turn = talk(script, "10", "5", "purple")
    assert (words(script, turn), turn.state.asked) == ("Let us do it another way.", "menu")
    assert (turn.outcomes, turn.state.misses) == ((), 0)


def test_a_limit_in_another_currency_or_unknown_is_none() -> None:
    script = parsed(PART.replace("max: amount_due", "max: promise.amount"))
    assert words(script, talk(script, "5000")) == "So 5,000 RON now?"


@pytest.mark.parametrize(
    ("condition", "fact", "goes"),
    [
        ("consequence_on", FACTS.consequence_on, "there"),
        ("consequence_on", None, "here"),
        ("{fact: consequence_on, known: no}", None, "there"),
        ("{fact: consequence_on, at_most: +7d}", date(2026, 3, 18), "there"),
        ("{fact: consequence_on, at_most: +7d}", date(2026, 3, 19), "here"),
        ("{fact: consequence_on, at_most: +7d}", None, "here"),
        ("{fact: consequence_on, above: 2026-03-17}", date(2026, 3, 18), "there"),
        ("{fact: consequence_on, is: oldest_due}", date(2026, 3, 1), "there"),
        ("{fact: consequence_on, at_least: oldest_due}", date(2026, 2, 28), "here"),
    ],
)
def test_a_branch_tests_typed_values(condition: str, fact: date | None, goes: str) -> None:
    text = HEAD.format("tried") + (
        f"steps:\n  opening: {{say: Hello, branch: [{{when: {condition}, go: there}}], next: here}}\n"
        "  here: {say: here}\n  there: {say: there}\n"
    )
    script = parsed(text)
    facts = replace(FACTS, consequence_on=fact)
    assert words(script, talk(script, facts=facts), facts=facts) == f"Hello {goes}"


@pytest.mark.parametrize(
    ("condition", "goes"),
    [
        ("{fact: amount_due, above: 119.99}", "there"),
        ("{fact: amount_due, above: 120}", "here"),
        ("{fact: days_past_due, at_least: 10}", "there"),
        ("{fact: days_past_due, below: parts}", "here"),
        ("{fact: creditor, is: Acme}", "there"),
        ("{fact: promise, known: yes}", "here"),
        ("{fact: promise.amount, below: amount_due}", "here"),
    ],
)
def test_sums_counts_and_words_are_compared_too(condition: str, goes: str) -> None:
    text = HEAD.format("tried") + (
        f"steps:\n  opening: {{say: Hello, branch: [{{when: {condition}, go: there}}], next: here}}\n"
        "  here: {say: here}\n  there: {say: there}\n"
    )
    script = parsed(text)
    assert words(script, talk(script)) == f"Hello {goes}"


def test_a_called_script_is_walked_and_come_back_from() -> None:
    script = parsed(CALLING, survey=SURVEY)
    asked = talk(script)
    assert (words(script, asked), asked.state.asked) == ("A word first. How many are you?", "survey.opening")
    assert asked.state.stack == ("after",)
    ended = talk(script, "9", "5")
    assert words(script, ended) == "Noted: 5. Back again. You are many."
    assert (ended.state.done, ended.state.stack) == (True, ())
    assert words(script, talk(script, "2")) == "Noted: 2. Back again. You are few."


def test_a_new_matter_does_not_come_back_to_the_script_that_called() -> None:
    script = parsed(CALLING, survey=SURVEY)
    turn = talk(script, "I want to talk to a person")
    assert (turn.outcomes, turn.state.stack) == ((OperatorRequested(Handover.ASKED),), ())
    assert (
        words(script, turn) == "I'll pass this to a colleague. You will get an answer here; our hours are 9:00–18:00."
    )


def test_a_called_script_is_part_of_the_version() -> None:
    other = SURVEY.replace("Noted", "Written down")
    assert parsed(CALLING, survey=SURVEY).version != parsed(CALLING, survey=other).version


def test_values_outlive_a_choice_that_begins_no_matter_of_its_own() -> None:
    asked = (
        PART.replace("go: check\n    branch", "go: how\n    branch")
        + """
  how:
    say: "How?"
    ask: choice
    options:
      card: {label: "By card", go: check}
      cash: {label: "In cash", go: check}
"""
    )
    script = parsed(asked)
    assert words(script, talk(script, "60", Chose("cash"))) == "So 60 RON now?"


def test_one_reply_answers_questions_of_different_kinds() -> None:
    text = (
        HEAD.format("tried")
        + """
slots: {share: money}
steps:
  opening:
    say: "How much?"
    ask: amount
    slot: share
    max: amount_due
    go: promise
    again: {unclear: "A sum.", beyond: "Less."}
    silence: [{after: 2d, do: operator}]
"""
    )
    script = parsed(text)
    turn = talk(script, "60 on Friday")
    assert words(script, turn) == "So you plan to pay 60 RON by Friday, 13 March. Is that right?"
    assert talk(script, "60 on Friday", "yes").outcomes == (PromiseMade(money(60, "RON"), date(2026, 3, 13)),)


def test_a_line_may_be_for_some_channels_and_have_words_of_its_own_there() -> None:
    text = HEAD.format("tried") + (
        "steps:\n  opening:\n    say:\n"
        "      hello: {text: Hello, email: Dear client, telegram: Hi}\n"
        "      more: {text: Written, channels: [sms, email]}\n"
    )
    script = parsed(text)
    turn = talk(script)
    said = {channel: words(script, turn, channel) for channel in ChannelKind}
    assert said == {"sms": "Hello Written", "voice": "Hello", "email": "Dear client Written", "telegram": "Hi"}
    assert words(script, turn) == "Hello"


def test_a_word_or_two_of_complaint_are_asked_about_once() -> None:
    script = parsed(HEAD.format("tried") + "steps:\n  opening: {say: Hello, next: menu}\n")
    assert talk(script, Chose("dispute"), "wrong").state.asked == "dispute"
    assert talk(script, Chose("dispute"), "wrong", "meter").state.done
    assert talk(script, Chose("dispute"), "the meter was read twice").state.done
