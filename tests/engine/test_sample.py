"""The sample portfolio is repeatable, plausible and consistent."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import phonenumbers
import pytest

from engine import document
from engine.money import money
from engine.sample.portfolio import COUNTRIES, GENTLE_PLAN, PLANS, PUBLIC_PLAN, Portfolio, portfolio, write_csv
from engine.store.plans import read_plans

FIRST_DAY = date(2026, 10, 12)


@pytest.fixture(scope="module")
def sample() -> Portfolio:
    return portfolio(7, 500, FIRST_DAY)


def test_a_seed_gives_one_portfolio_and_another_seed_another(sample: Portfolio) -> None:
    assert portfolio(7, 500, FIRST_DAY) == sample
    assert portfolio(8, 500, FIRST_DAY) != sample


def test_there_are_as_many_clients_as_asked_for(sample: Portfolio) -> None:
    assert len(sample.clients) == 500
    assert portfolio(7, 0, FIRST_DAY) == Portfolio((), (), (), ())


def test_clients_spread_over_languages_zones_and_currencies(sample: Portfolio) -> None:
    languages = Counter(client.language for client in sample.clients)
    assert set(languages) == {"en", "ro", "uk", "ru"}
    assert min(languages.values()) >= 50
    assert {client.timezone for client in sample.clients} == {country.timezone for country in COUNTRIES}
    assert {account.currency for account in sample.accounts} == {"RON", "MDL", "UAH", "GBP", "USD", "KZT"}


def test_names_are_written_with_the_letters_of_their_language(sample: Portfolio) -> None:
    written = {
        language: "".join(client.name for client in sample.clients if client.language == language)
        for language in ("ro", "uk", "ru", "en")
    }
    assert set("ȘșȚț") & set(written["ro"])
    assert not set("ŞşŢţ") & set(written["ro"])
    assert "’" in written["uk"]
    assert set("іїєґ") & set(written["uk"])
    assert not set("ыэъё") & set(written["uk"])
    assert not set("іїєґ") & set(written["ru"])
    assert (written["en"] + written["ro"]).isprintable()


def test_phone_numbers_are_unique_possible_and_of_their_country(sample: Portfolio) -> None:
    phones = [client.sms for client in sample.clients if client.sms]
    assert len(set(phones)) == len(phones)
    for client in sample.clients:
        for phone in filter(None, (client.sms, client.voice)):
            number = phonenumbers.parse(phone)
            assert phonenumbers.is_possible_number(number)
            assert client.country == "GB" or phonenumbers.is_valid_number(number), phone
            if client.country == "GB":
                assert phone.startswith("+447700900")
            if client.country == "US":
                assert phone[5:10] == "55501"


def test_a_country_out_of_fictional_numbers_gives_no_number_twice() -> None:
    (britain,) = (country for country in COUNTRIES if country.code == "GB")
    numbers = [britain.mobile(nth) for nth in range(1001)]
    assert len(set(numbers[:1000])) == 1000
    assert numbers[1000] == ""


def test_mail_goes_to_example_domains_only_and_is_unique(sample: Portfolio) -> None:
    mails = [client.email for client in sample.clients if client.email]
    assert len(set(mails)) == len(mails)
    assert all(mail.isascii() and mail.split(".", 1)[1].endswith(("example.com", "example.org")) for mail in mails)


def test_everybody_can_be_reached_somehow_but_not_everybody_by_everything(sample: Portfolio) -> None:
    assert all(client.sms or client.email for client in sample.clients)
    assert sum(not client.email for client in sample.clients) >= 20
    assert sum(not client.sms for client in sample.clients) >= 20
    assert sum(bool(client.telegram) for client in sample.clients) >= 50


def test_every_plan_and_group_is_in_the_sample_plans(sample: Portfolio) -> None:
    plans = [terms for terms, _ in read_plans(document.read(PLANS), "USD")]
    assert {client.group for client in sample.clients} == {terms.group for terms in plans if terms.standard}
    others = {(terms.name, terms.group) for terms in plans if terms.name in (GENTLE_PLAN, PUBLIC_PLAN)}
    chosen = [client for client in sample.clients if client.plan]
    assert 10 <= len(chosen) <= 80
    assert {(client.plan, client.group) for client in chosen} == others


def test_a_client_has_one_to_three_accounts_in_the_currency_of_the_country(sample: Portfolio) -> None:
    held = Counter(account.client for account in sample.accounts)
    assert set(held) == {client.client for client in sample.clients}
    assert set(held.values()) == {1, 2, 3}
    currencies = {country.code: country.currency for country in COUNTRIES}
    home = {client.client: currencies[client.country] for client in sample.clients}
    assert all(account.currency == home[account.client] for account in sample.accounts)


def test_bills_come_monthly_and_fall_due_before_and_during_the_six_weeks(sample: Portfolio) -> None:
    dues: dict[str, list[date]] = {}
    for invoice in sample.invoices:
        assert invoice.issued < invoice.due
        dues.setdefault(invoice.account, []).append(invoice.due)
    assert all(27 < (later - earlier).days < 32 for days in dues.values() for earlier, later in pairwise(days))
    latest = max(invoice.due for invoice in sample.invoices)
    assert FIRST_DAY + timedelta(days=35) < latest <= FIRST_DAY + timedelta(days=42)


def test_debts_are_a_minority_and_reach_back_four_months(sample: Portfolio) -> None:
    assert all(0 <= invoice.balance.minor <= invoice.amount.minor for invoice in sample.invoices)
    overdue = [invoice for invoice in sample.invoices if invoice.balance and invoice.due < FIRST_DAY]
    owners = {account.account: account.client for account in sample.accounts}
    assert 0.2 < len({owners[invoice.account] for invoice in overdue}) / len(sample.clients) < 0.5
    assert timedelta(days=100) < FIRST_DAY - min(invoice.due for invoice in overdue) <= timedelta(days=125)
    assert any(invoice.balance < invoice.amount for invoice in overdue)


def test_payments_of_the_eve_fit_an_open_invoice(sample: Portfolio) -> None:
    invoices = {invoice.invoice: invoice for invoice in sample.invoices}
    assert {payment.status for payment in sample.payments} == {"confirmed", "unconfirmed"}
    for payment in sample.payments:
        invoice = invoices[payment.invoice]
        assert payment.account == invoice.account
        assert 0 < payment.amount.minor <= invoice.balance.minor
        assert payment.paid_at.date() < FIRST_DAY


def test_the_files_have_the_columns_of_the_import_and_exact_sums(sample: Portfolio, tmp_path: Path) -> None:
    write_csv(sample, tmp_path)
    headers = {
        "clients": "client,group,kind,name,language,timezone,country,plan,email,sms,voice,telegram",
        "accounts": "account,client,provider,service,currency,status",
        "invoices": "invoice,account,issued,due,amount,balance",
        "payments": "payment,account,invoice,paid_at,amount,status",
    }
    for name, header in headers.items():
        assert (tmp_path / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0] == header
    with (tmp_path / "invoices.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row, invoice in zip(rows, sample.invoices, strict=True):
        assert money(row["amount"], invoice.amount.currency) == invoice.amount
        assert date.fromisoformat(row["due"]) == invoice.due
