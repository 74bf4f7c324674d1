"""A sample telecom portfolio: the same seed gives the same people and debts, on any machine and any day.

Mail goes to example.com and example.org. Phone numbers of the US and the UK are of the ranges kept for fiction
(555-01xx; 07700 900xxx, which number libraries call invalid); the other countries keep none, so theirs are plausible
mobile numbers that may be somebody's: a sample portfolio belongs on sandbox carriers only.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from itertools import count
from pathlib import Path
from random import Random

from engine.calendar import at_local, zone
from engine.money import Money, money
from engine.sample.names import BY_LANGUAGE, mailbox

PLANS = Path(__file__).parent / "plans.yaml"
"""The plans of the sample portfolio."""
INDIVIDUALS, ORGANISATIONS = "individuals", "organisations"
GENTLE_PLAN, PUBLIC_PLAN = "gentle", "public"
SERVICES = {"internet": 1.0, "tv": 0.6, "mobile": 0.8, "telephony": 0.4}
HISTORY_DAYS = 125
HORIZON_DAYS = 42
UNPAID_BILLS = {"prompt": (0, 0), "late": (1, 1), "behind": (2, 3), "stuck": (4, 4)}
MANNERS = {"prompt": 58, "late": 24, "behind": 12, "stuck": 6}


@dataclass(frozen=True, slots=True)
class SampleClient:
    """A row of clients.csv; an empty text is a column left empty."""

    client: str
    group: str
    kind: str
    name: str
    language: str
    timezone: str
    country: str
    plan: str
    email: str
    sms: str
    voice: str
    telegram: str


@dataclass(frozen=True, slots=True)
class SampleAccount:
    """A row of accounts.csv."""

    account: str
    client: str
    provider: str
    service: str
    currency: str
    status: str


@dataclass(frozen=True, slots=True)
class SampleInvoice:
    """A row of invoices.csv. What is missing from `balance` was paid before and is in no row of payments.csv."""

    invoice: str
    account: str
    issued: date
    due: date
    amount: Money
    balance: Money


@dataclass(frozen=True, slots=True)
class SamplePayment:
    """A row of payments.csv: made on the eve, not yet taken off the invoice's balance."""

    payment: str
    account: str
    invoice: str
    paid_at: datetime
    amount: Money
    status: str


Row = SampleClient | SampleAccount | SampleInvoice | SamplePayment


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What the import files of one billing system hold."""

    clients: tuple[SampleClient, ...]
    accounts: tuple[SampleAccount, ...]
    invoices: tuple[SampleInvoice, ...]
    payments: tuple[SamplePayment, ...]


@dataclass(frozen=True, slots=True)
class Country:
    """`share` of the clients live there, in percent; `languages` likewise. `bill` is a usual one, in major units.

    `mobiles` are prefixes that `digits` free digits follow.
    """

    share: int
    code: str
    timezone: str
    currency: str
    languages: dict[str, int]
    bill: int
    mobiles: tuple[str, ...]
    digits: int

    def mobile(self, nth: int) -> str:
        """The nth number of the country, each another one; empty when the ranges are used up."""
        size = 10**self.digits
        if nth >= size * len(self.mobiles):
            return ""
        nth, prefix = divmod(nth, len(self.mobiles))
        step = size * 6_180_339 // 10_000_000 | 1
        while math.gcd(step, size) > 1:
            step += 2
        return f"{self.mobiles[prefix]}{(nth + 1) * step % size:0{self.digits}d}"


AMERICAN = tuple(f"+1{area}55501" for area in (202, 212, 215, 301, 312, 404, 415, 503, 617, 646, 704, 718, 786, 917))
COUNTRIES = (
    Country(26, "RO", "Europe/Bucharest", "RON", {"ro": 94, "en": 6}, 65, ("+40722", "+40733", "+40744", "+40755"), 6),
    Country(18, "MD", "Europe/Chisinau", "MDL", {"ro": 70, "ru": 30}, 280, ("+37368", "+37369", "+37379"), 6),
    Country(26, "UA", "Europe/Kyiv", "UAH", {"uk": 78, "ru": 22}, 350, ("+38050", "+38063", "+38067", "+38097"), 7),
    Country(8, "GB", "Europe/London", "GBP", {"en": 100}, 34, ("+447700900",), 3),
    Country(14, "US", "America/New_York", "USD", {"en": 100}, 62, AMERICAN, 2),
    Country(8, "KZ", "Asia/Almaty", "KZT", {"ru": 100}, 7200, ("+7701", "+7705", "+7777"), 7),
)

SHARES = [country.share for country in COUNTRIES]


def portfolio(seed: int, clients: int, first_day: date) -> Portfolio:
    """Clients with bills of the last four months and of the six weeks after `first_day`, the first day of work."""
    return _Writer(Random(seed), first_day).write(clients)  # noqa: S311 - repeatable, nothing secret


class _Writer:
    """One pass over the clients; the numbers of phones, accounts, bills and payments run through all of them."""

    def __init__(self, random: Random, first_day: date) -> None:
        self._random = random
        self._first_day = first_day
        self._phones = {country.code: count() for country in COUNTRIES}
        self._clients: list[SampleClient] = []
        self._accounts: list[SampleAccount] = []
        self._invoices: list[SampleInvoice] = []
        self._payments: list[SamplePayment] = []

    def write(self, clients: int) -> Portfolio:
        for number in range(1, clients + 1):
            (country,) = self._random.choices(COUNTRIES, SHARES)
            client = self._client(number, country)
            self._clients.append(client)
            self._bills(client, country)
        return Portfolio(tuple(self._clients), tuple(self._accounts), tuple(self._invoices), tuple(self._payments))

    def _client(self, number: int, country: Country) -> SampleClient:
        firm = self._chance(0.14)
        (language,) = self._random.choices(list(country.languages), list(country.languages.values()))
        name = self._firm(language) if firm else self._person(language)
        mobile = country.mobile(next(self._phones[country.code]))
        email = f"{mailbox(name)}.{number}@{self._random.choice(('mail.example.com', 'post.example.org'))}"
        if firm:
            email = f"accounts@firm-{number}.example.com"
        reach = self._random.choices(("both", "phone", "mail"), (78, 12, 10))[0]
        return SampleClient(
            client=f"C{number:05d}",
            group=ORGANISATIONS if firm else INDIVIDUALS,
            kind="organisation" if firm else "person",
            name=name,
            language=language,
            timezone=country.timezone,
            country=country.code,
            plan=self._plan(number, firm=firm),
            email=email if reach != "phone" or not mobile else "",
            sms=mobile if reach != "mail" else "",
            voice=mobile if reach != "mail" or self._chance(0.3) else "",
            telegram=str(700_000_000 + number * 7919) if reach != "mail" and self._chance(0.35) else "",
        )

    def _plan(self, number: int, *, firm: bool) -> str:
        """A plan other than the standard one of the group, for a few."""
        if firm:
            return PUBLIC_PLAN if number % 12 == 0 else ""
        return GENTLE_PLAN if self._chance(0.08) else ""

    def _person(self, language: str) -> str:
        names = BY_LANGUAGE[language]
        woman = self._chance(0.5)
        forms = self._random.choice(names.families).split("|")
        return f"{self._random.choice(names.women if woman else names.men)} {forms[-1] if woman else forms[0]}"

    def _firm(self, language: str) -> str:
        names = BY_LANGUAGE[language]
        return names.firm.format(name=self._random.choice(names.firms))

    def _bills(self, client: SampleClient, country: Country) -> None:
        manner = self._random.choices(list(MANNERS), list(MANNERS.values()))[0]
        usual = country.bill * (3 if client.kind == "organisation" else 1)
        for service in self._random.sample(list(SERVICES), self._random.choices((1, 2, 3), (55, 33, 12))[0]):
            account = f"A{len(self._accounts) + 1:05d}"
            # Whoever is behind pays some accounts all the same.
            own = manner if self._chance(0.8) else "prompt"
            price = money(round(usual * SERVICES[service] * self._random.uniform(0.7, 1.4)), country.currency)
            self._accounts.append(SampleAccount(account, client.client, "acme", service, country.currency, "active"))
            self._account_bills(account, price, own, client.timezone)

    def _account_bills(self, account: str, price: Money, manner: str, timezone: str) -> None:
        dues = self._due_days()
        past = [due for due in dues if due < self._first_day]
        unpaid = self._random.randint(*UNPAID_BILLS[manner])
        for due, issued in ((due, due - timedelta(days=18)) for due in dues):
            if manner == "prompt" and issued > self._first_day:
                continue
            amount = self._amount(price)
            owed = due in past[len(past) - unpaid :] or (due >= self._first_day and manner != "prompt")
            balance = amount if owed else Money(0, amount.currency)
            if due >= self._first_day and not owed and self._chance(0.3):
                balance = amount
            elif owed and due in past[:-1] and self._chance(0.2):
                balance = Money(amount.minor - amount.minor // 3, amount.currency)
            invoice = SampleInvoice(f"I{len(self._invoices) + 1:06d}", account, issued, due, amount, balance)
            self._invoices.append(invoice)
            if balance and due < self._first_day:
                self._eve_payment(invoice, timezone)

    def _due_days(self) -> list[date]:
        """One day a month, from four months before the first day to six weeks after it."""
        day = self._random.randint(1, 28)
        last = self._first_day + timedelta(days=HORIZON_DAYS)
        months = ((last.year * 12 + last.month - 1) - back for back in range(7))
        dues = (date(month // 12, month % 12 + 1, day) for month in months)
        return sorted(due for due in dues if -HISTORY_DAYS <= (due - self._first_day).days <= HORIZON_DAYS)

    def _amount(self, price: Money) -> Money:
        """The month's bill: the price and now and then something on top; tenge and hryvnias come without small coin."""
        extra = price.minor * self._random.choice((0, 0, 0, 4, 9, 17)) // 100
        total = price.minor + extra
        return Money(total - total % 100 if price.currency in {"KZT", "UAH"} else total, price.currency)

    def _eve_payment(self, invoice: SampleInvoice, timezone: str) -> None:
        """For a few: money on its way, which freezes its part of the debt, or come in since billing last counted."""
        draw = self._random.random()
        if draw > 0.06:
            return
        eve = self._first_day - timedelta(days=1)
        moment = at_local(eve, time(self._random.randint(9, 14), self._random.randint(0, 59)), zone(timezone))
        part = invoice.balance if draw < 0.03 else invoice.balance.parts(2)[0]
        self._payments.append(
            SamplePayment(
                payment=f"P{len(self._payments) + 1:05d}",
                account=invoice.account,
                invoice=invoice.invoice,
                paid_at=moment,
                amount=part,
                status="unconfirmed" if draw < 0.04 else "confirmed",
            )
        )

    def _chance(self, share: float) -> bool:
        return self._random.random() < share


def write_csv(sample: Portfolio, directory: Path) -> None:
    """Write clients.csv, accounts.csv, invoices.csv and payments.csv with the columns of the import."""
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / "clients.csv", SampleClient, sample.clients)
    _write(directory / "accounts.csv", SampleAccount, sample.accounts)
    _write(directory / "invoices.csv", SampleInvoice, sample.invoices)
    _write(directory / "payments.csv", SamplePayment, sample.payments)


def _write(path: Path, kind: type[Row], rows: Iterable[Row]) -> None:
    columns = [field.name for field in fields(kind)]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows([_cell(getattr(row, column)) for column in columns] for row in rows)


def _cell(value: str | date | Money) -> str:
    if isinstance(value, Money):
        return str(value.major)
    return value if isinstance(value, str) else value.isoformat()
