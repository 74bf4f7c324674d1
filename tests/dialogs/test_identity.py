"""Before the debt: whom one talks with, and what anybody may hear and ask for."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.catalog import load_catalogs
from dialogs.check import check
from dialogs.facts import Facts
from dialogs.identity import fits, tail
from dialogs.message import Chose, Keys, Reply, Said
from dialogs.render import phrase, render
from dialogs.script import load_scripts, parse_script
from dialogs.state import State
from dialogs.turn import Turn, resume, start
from engine.contact import ChannelKind
from engine.money import money
from engine.outcome import Handover, LinkWanted, OperatorRequested, OptedOut, WrongPerson

NOW = datetime(2026, 3, 11, 9, tzinfo=UTC)
FACTS = Facts(
    today=date(2026, 3, 11),
    name="Ana",
    creditor="Acme",
    amount_due=money("7351.20", "UAH"),
    oldest_due=date(2026, 3, 1),
    days_past_due=10,
    accounts=(),
    consequence_on=date(2026, 3, 25),
    pay_link="https://pay.example/p",
    account_tails=("1001", "2002"),
    link_by_sms=True,
)
LANGUAGES = ["en", "ro", "uk", "ru"]
DEBT = re.compile(
    r"7|351|debt|balance|\bdue|owe|unpaid|overdue|datori|restan|scaden|sold|plat[ăi]|борг|долг|долж|сплат|оплат|залиш",
    re.IGNORECASE,
)


def call(*replies: Reply | str, script: str = "final_notice", language: str = "en", facts: Facts = FACTS) -> Turn:
    version = load_scripts()[script]
    turn = start(version, facts, language, NOW, identified=False)
    for reply in replies:
        stored = State.from_json(turn.state.to_json())
        turn = resume(version, stored, Said(reply) if isinstance(reply, str) else reply, facts, NOW)
    return turn


def words(turn: Turn, script: str = "final_notice", facts: Facts = FACTS) -> str:
    version = load_scripts()[script]
    speech = render(turn.messages, version, facts, turn.state.language, load_catalogs(), ChannelKind.VOICE)
    return "\n".join([*speech.paragraphs, *(choice.spoken for choice in speech.choices)])


def test_the_name_then_the_number_then_the_script() -> None:
    assert call().messages[-1].key == "common.identity.name"
    assert call(Keys("1")).messages[-1].key == "common.identity_proof"
    opened = call(Keys("1"), Keys("2002"))
    assert opened.state.identified
    assert opened.messages[0].key == "common.phrases.who"
    assert "7351 Ukrainian hryvnias 20 kopiykas" in words(opened)


def test_who_is_known_is_not_asked() -> None:
    version = load_scripts()["final_notice"]
    assert start(version, FACTS, "en", NOW).state.identified


@pytest.mark.parametrize(
    "replies",
    [
        (Keys("1"), Keys("9999"), Keys("1"), Keys("0000")),
        ("maybe", "well", "who knows"),
        (Keys("1"), "one two three four", "I forgot", Keys("1010")),
    ],
)
def test_three_tries_then_a_person(replies: tuple[Reply | str, ...]) -> None:
    turn = call(*replies)
    assert turn.outcomes == (OperatorRequested(Handover.IDENTITY),)
    assert turn.state.done
    assert not turn.state.identified


def test_tries_at_the_name_do_not_count_against_the_number() -> None:
    assert call("hm", "what", "yes", Keys("9"), Keys("8"), Keys("1001")).state.identified


def test_who_has_no_number_to_prove_it_by_goes_to_a_person() -> None:
    assert call(Keys("1"), facts=replace(FACTS, account_tails=())).outcomes == (OperatorRequested(Handover.IDENTITY),)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("stop", OptedOut()),
        ("stop calling me", OptedOut()),
        ("wrong number", WrongPerson()),
        ("operator", OperatorRequested(Handover.ASKED)),
        (Chose("operator"), OperatorRequested(Handover.ASKED)),
    ],
)
def test_anybody_may_ask_for_this(reply: Reply | str, outcome: object) -> None:
    for turn in (call(reply), call(Keys("1"), reply)):
        assert turn.outcomes == (outcome,)
        assert not DEBT.search(words(turn))


def test_somebody_else_is_thanked_and_left_alone() -> None:
    turn = call("no")
    assert turn.outcomes == ()
    assert turn.state.done
    assert not DEBT.search(words(turn))


REPLIES = st.one_of(
    st.sampled_from(
        ["yes", "no", "how much", "I'll pay on Friday", "3", "", "stop", "да", "вже сплатив", "в 3 частини"]
    ).map(Said),
    st.text("0123456789*", max_size=4).filter(lambda keys: keys not in FACTS.account_tails).map(Keys),
    st.sampled_from(["yes", "no", "pay_now", "promise", "installments", "paid", "operator", "nonsense"]).map(Chose),
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(load_scripts())), st.sampled_from(LANGUAGES), st.lists(REPLIES, max_size=6))
def test_whatever_is_said_nobody_unknown_hears_of_the_debt(name: str, language: str, replies: list[Reply]) -> None:
    for upto in range(len(replies) + 1):
        turn = call(*replies[:upto], script=name, language=language)
        assert not turn.state.identified
        assert turn.messages
        assert not DEBT.search(words(turn, name))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_machine_hears_names_us_and_a_number(language: str) -> None:
    callback = {"callback": "4 0 3 1"}
    said = phrase("voicemail", load_scripts()["reminder"], FACTS, language, load_catalogs(), callback)
    assert "Acme" in said
    assert "4, 0, 3, 1" in said
    assert not DEBT.search(said)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("1001", True),
        ("1 0 0 1.", True),
        ("ACC-2002", True),
        ("4912001001", True),
        ("101", False),
        ("", False),
        ("one", False),
    ],
)
def test_the_digits_asked_for_or_the_whole_number_will_do(text: str, right: bool) -> None:
    assert fits(text, FACTS.account_tails) is right


@pytest.mark.parametrize(("account", "digits"), [("ACC-1001", "1001"), ("20/44/7", "0447"), ("A1", "1"), ("none", "")])
def test_the_last_four_digits_are_asked_for(account: str, digits: str) -> None:
    assert tail(account) == digits


def test_a_short_number_must_be_given_exactly() -> None:
    assert fits("1", ("1",))
    assert not fits("11", ("1",))


def test_pay_now_wants_a_link_only_where_it_goes_by_another_way() -> None:
    assert call(Keys("1"), Keys("1001"), Chose("pay_now")).outcomes == (LinkWanted(),)
    plain = replace(FACTS, link_by_sms=False)
    assert call(Keys("1"), Keys("1001"), Chose("pay_now"), facts=plain).outcomes == ()


def test_the_checker_finds_a_debt_before_the_identity_step() -> None:
    text = """
spec: 1
script: hasty
start: opening
steps:
  opening:
    say: "Hello."
  identity:
    say: "You owe {amount_due}. Is this {name}?"
    ask: yes_no
    options:
      "yes": {label: "Yes", go: identity_proof}
      "no": {label: "No", go: not_there}
"""
    script = parse_script(text, "hasty.yaml")
    found = [str(issue) for issue in check({"hasty": script}, {}) if "before the identity step" in issue.what]
    assert found == [
        "hasty.yaml identity: hasty.identity: {amount_due} is said before the identity step; say it afterwards"
    ]
