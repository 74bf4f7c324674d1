"""Script files, catalogs, words on the screen, and the checker."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog as Messages
from babel.messages.extract import DEFAULT_KEYWORDS
from babel.messages.extract import extract as extract_messages
from babel.messages.pofile import read_po

from dialogs.catalog import LOCALES, load_catalogs
from dialogs.check import check
from dialogs.facts import MATTERS, AccountDue, Due, Facts
from dialogs.message import Message
from dialogs.render import render
from dialogs.script import PACKAGED, ScriptError, load_scripts, parse_script
from dialogs.segments import economical, segments
from dialogs.turn import start
from engine.contact import ChannelKind
from engine.money import money

NOW = datetime(2026, 5, 11, 9, tzinfo=UTC)
FACTS = Facts(
    today=date(2026, 5, 11),
    name="Ana",
    creditor="Acme {amount_due}",
    amount_due=money("1300.50", "UAH"),
    oldest_due=date(2025, 12, 1),
    days_past_due=10,
    accounts=(AccountDue("A1", "internet", money(60, "UAH")), AccountDue("A2", "tv", money("1240.50", "UAH"))),
    pay_link="https://pay.example/p/Ab3",
)
COURTESIES = [name for name, script in load_scripts().items() if script.matter]
SUNDAY = date(2026, 5, 17)
SMALL = "spec: 1\nscript: small\nstart: hello\nsteps:\n  hello:\n    say: Hello\n"


def read_back(language: str) -> str:
    message = Message("common.promise_check", {"amount": money(300, "UAH"), "until": date(2026, 5, 15)})
    speech = render([message], load_scripts()["reminder"], FACTS, language, load_catalogs())
    return speech.paragraphs[0].replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "So you plan to pay 300 UAH by Friday, 15 May. Is that right?"),
        ("ro", "Așadar, veți achita 300 UAH până vineri, 15 mai. Este corect?"),
        ("uk", "Отже, Ви плануєте сплатити 300 грн до п’ятниці, 15 травня. Правильно?"),
        ("ru", "Итак, Вы планируете оплатить 300 грн до пятницы, 15 мая. Верно?"),
    ],
)
def test_a_promise_is_read_back_with_weekday_date_and_sum(language: str, words: str) -> None:
    assert read_back(language) == words


@pytest.mark.parametrize(
    ("language", "count", "words"),
    [
        ("en", 3, "3 parts"),
        ("ro", 3, "3 rate"),
        ("ro", 20, "20 de rate"),
        ("uk", 2, "2 частини."),
        ("uk", 5, "5 частин."),
        ("ru", 2, "2 части"),
        ("ru", 5, "5 частей"),
    ],
)
def test_words_agree_with_their_number(language: str, count: int, words: str) -> None:
    message = Message("common.installments_made.noted", {"count": count})
    speech = render([message], load_scripts()["reminder"], FACTS, language, load_catalogs())
    assert words in speech.paragraphs[0]


def test_an_opening_shows_accounts_a_link_and_a_discreet_subject() -> None:
    script = load_scripts()["reminder"]
    turn = start(script, FACTS, "en", NOW)
    speech = render(turn.messages, script, replace(FACTS, creditor="Acme"), "en", load_catalogs())
    assert "A1 (internet): 60\N{NO-BREAK SPACE}UAH\nA2 (tv): 1,240.50\N{NO-BREAK SPACE}UAH" in speech.paragraphs[2]
    assert (speech.link, speech.link_label) == (FACTS.pay_link, "Pay now")
    assert any(FACTS.pay_link in paragraph for paragraph in speech.paragraphs)
    assert speech.subject == "A message from Acme"
    assert [choice.id for choice in speech.choices] == ["pay_now", "promise", "installments", "more"]


def test_a_value_with_braces_is_not_read_again() -> None:
    script = load_scripts()["payment_received"]
    speech = render(start(script, FACTS, "en", NOW).messages, script, FACTS, "en", load_catalogs())
    assert speech.paragraphs[0] == "Thank you, Acme {amount_due} has received your payment."


def test_a_year_is_named_where_it_is_not_this_one() -> None:
    speech = render([Message("common.balance.due")], load_scripts()["reminder"], FACTS, "en", load_catalogs())
    assert "1 December 2025" in speech.paragraphs[0]


@pytest.mark.parametrize("language", ["en", "ro", "uk", "ru"])
@pytest.mark.parametrize("name", ["reminder", "warning", "final_notice", "inbound", *COURTESIES])
def test_sms_openings_are_short(name: str, language: str) -> None:
    script = load_scripts()[name]
    facts = replace(FACTS, creditor="Acme", amount_due=money(300, "UAH"), accounts=(), consequence_on=date(2026, 5, 25))
    facts = replace(facts, oldest_due=date(2026, 5, 1), **dict.fromkeys(MATTERS, Due(facts.amount_due, SUNDAY)))
    facts = replace(facts, cancelled=facts.amount_due, months_paid=10, months_free=2)
    speech = render(
        start(script, facts, language, NOW).messages, script, facts, language, load_catalogs(), ChannelKind.SMS
    )
    body = "\n".join((*speech.paragraphs, *(f"{n} {c.label}" for n, c in enumerate(speech.choices, 1))))
    most = 4 if name in {"warning", "final_notice", "promise_broken", "agency_notice", "amnesty_offer"} else 3
    assert segments(economical(body)) <= most, body


@pytest.mark.parametrize("language", ["en", "ro", "uk", "ru"])
def test_someone_who_writes_first_reads_no_sum(language: str) -> None:
    script = load_scripts()["inbound"]
    opening = start(script, FACTS, language, NOW)
    used = {name for message in opening.messages for name in script.texts[message.key].placeholders}
    assert used <= {"creditor", "operator_hours"}


def test_packaged_scripts_and_catalogs_have_no_issue() -> None:
    assert check(load_scripts(), load_catalogs()) == []


def test_the_template_holds_the_texts_of_the_scripts() -> None:
    template = read_po(io.BytesIO((LOCALES / "messages.pot").read_bytes()))
    kept = {(message.context, message.id) for message in template if message.id}
    found = set()
    for path in PACKAGED.glob("*.yaml"):
        with path.open("rb") as file:
            for _, ids, _, context in extract_messages("dialogs.catalog:extract", file, DEFAULT_KEYWORDS):
                found.add((context, ids))
    assert found == kept


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("spec: 3\nscript: small\n", 1, "newer"),
        (SMALL + "    next: gone\n", 5, "gone"),
        (SMALL + "    tone: kind\n", 7, "tone"),
        (SMALL + "    next: hello\n    next: hello\n", 8, "twice"),
        (SMALL.replace("Hello", "Hello {amount"), 6, "brace"),
        (SMALL + "    ask: riddle\n", 7, "riddle"),
        (SMALL + "    ask: promise_date\n    slot: until\n    go: hello\n", 6, "unclear"),
        (SMALL + "  Bad-Id: {say: Hello}\n", 7, "step id"),
        (SMALL.replace("say: Hello", "say: {a: {text: Hello, when: rain}}"), 6, "rain"),
        ("spec: 1\n  script: [", 2, "YAML"),
        ("- a list", 1, "named parts"),
    ],
)
def test_a_wrong_script_is_refused_with_its_line(text: str, line: int, word: str) -> None:
    with pytest.raises(ScriptError) as refused:
        parse_script(text, "small.yaml")
    assert str(refused.value).startswith(f"small.yaml: line {line}: ")
    assert word in str(refused.value)


def test_a_script_is_known_by_its_content() -> None:
    assert parse_script(SMALL, "a.yaml").version == parse_script(SMALL, "b.yaml").version
    assert parse_script(SMALL, "a.yaml").version != parse_script(SMALL.replace("Hello", "Hi"), "a.yaml").version


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (SMALL + "  island: {say: Alone}\n", "no talk can reach"),
        (SMALL.replace("Hello", "Owed {weather}"), "neither a fact nor a slot"),
        (SMALL.replace("say: Hello", "say: {a: {text: Hello, when: pay_link}}"), "without a word"),
        (SMALL + "    next: hello\n", "circle"),
        (SMALL + "    emit: operator\n    next: menu\n", "hands over and goes on"),
        (SMALL.replace("say: Hello", "say: {a: {one: 'a part', other: parts, by: pay_link}}"), "no integer"),
    ],
)
def test_the_checker_finds_what_is_wrong_with_a_script(text: str, what: str) -> None:
    issues = check({"small": parse_script(text, "small.yaml")}, {})
    assert any(what in issue.what and issue.remedy and issue.file == "small.yaml" for issue in issues), issues


def _changed(key: str, english: str | tuple[str, str], words: str | tuple[str, ...]) -> list[str]:
    """What the checker says of the Russian catalog when one entry of it is replaced."""
    catalog = load_catalogs()["ru"]
    messages = Messages(locale="ru")
    for message in catalog.messages:
        if message.id and message.context != key:
            messages.add(message.id, message.string, context=message.context)
    messages.add(english, words, context=key)
    return [issue.what for issue in check(load_scripts(), {"ru": replace(catalog, messages=messages)})]


def test_the_checker_finds_what_is_wrong_with_a_catalog() -> None:
    plural = load_scripts()["reminder"].texts["common.installments_made.noted"]
    assert "stale" in _changed("common.thanked", "Thanks a lot.", "Спасибо.")[0]
    assert (
        "placeholders differ" in _changed("common.pay_now.link", "You can pay here: {pay_link}", "Оплатить {link}")[0]
    )
    assert "1 of 3 forms" in _changed("common.installments_made.noted", plural.forms, ("{count} часть", "", ""))[0]
    assert "no script has a text" in " ".join(_changed("common.gone", "Gone", "Нет"))


def test_missing_translations_are_named() -> None:
    empty = replace(load_catalogs()["uk"], messages=Messages(locale="uk"))
    issues = check(load_scripts(), {"uk": empty})
    assert {issue.what for issue in issues} == {"there is no translation"}
    assert {issue.language for issue in issues} == {"uk"}


def test_romanian_is_written_with_comma_below() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in Path(LOCALES / "ro").rglob("*.po"))
    assert not set("şţŞŢ") & set(texts)
