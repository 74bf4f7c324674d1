"""Messages into words: texts from script and catalog, values by Babel in the language of the talk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal, get_currency_name

from dialogs.catalog import SOURCE, Catalog
from dialogs.facts import AccountDue, Due, Facts
from dialogs.flow import SHARED, Script
from dialogs.message import Choice, Message, Option, Schedule, Speech, Value
from dialogs.text import FACTS, Shape, Text, fill
from engine.contact import ChannelKind
from engine.money import Money

AS_READ = ChannelKind.TELEGRAM
"""Without a channel, what a chat would show is said."""
NO_BREAK = "\N{NO-BREAK SPACE}"
LINK = "pay_link"
LINK_LABEL = "common.menu.pay_now"


class NothingToShow(LookupError):
    """A text shows a fact that does not stand any more, so it is not said."""


def render(
    messages: Iterable[Message],
    script: Script,
    facts: Facts,
    language: str,
    catalogs: Mapping[str, Catalog],
    channel: ChannelKind | None = None,
) -> Speech:
    """Put a turn's messages into words. On SMS a text's short wording is used where the script has one, for the ear
    the spoken one; there sums are spelled and options come with their keys. Lines for other channels are left out.

    Facts are read as given now, values of the talk as the turn bound them. A language without catalog gets English.
    A line said only when a fact stands is left out once it does not; for any other, NothingToShow is raised.
    """
    messages = tuple(messages)
    catalog = catalogs.get(language) or catalogs[SOURCE]
    voice = _Voice(script, facts, catalog, channel)
    linked = any(LINK in voice.text(message.key).placeholders for message in messages)
    return Speech(
        language=catalog.language,
        paragraphs=tuple(voice.paragraphs(messages)),
        choices=voice.choices([option for message in messages for option in message.options]),
        link=facts.pay_link if linked else "",
        link_label=voice.say(script.texts[LINK_LABEL]) if linked and LINK_LABEL in script.texts else "",
        subject=voice.say(script.texts[script.subject_key]) if script.subject_key in script.texts else "",
    )


def phrase(
    name: str,
    script: Script,
    facts: Facts,
    language: str,
    catalogs: Mapping[str, Catalog],
    args: Mapping[str, Value] | None = None,
) -> str:
    """A phrase of the shared script, for the ear, said beside any step; see `phrases` in `scripts/common.yaml`."""
    catalog = catalogs.get(language) or catalogs[SOURCE]
    return _Voice(script, facts, catalog, ChannelKind.VOICE).phrase(name, args)


class _Voice:
    """One language speaking of one client's facts."""

    def __init__(self, script: Script, facts: Facts, catalog: Catalog, channel: ChannelKind | None) -> None:
        self.script, self.facts, self.catalog, self.channel = script, facts, catalog, channel

    def text(self, key: str) -> Text:
        own = self.script.texts.get(f"{key}.{self.channel}") if self.channel else None
        return own or self.script.texts[key]

    def paragraphs(self, messages: Iterable[Message]) -> Iterator[str]:
        lines = [line for step in self.script.steps.values() for line in step.lines]
        conditional = {line.key for line in lines if line.when}
        unsaid = {line.key for line in lines if line.channels and (self.channel or AS_READ) not in line.channels}
        for message in messages:
            if message.key in unsaid:
                continue
            try:
                yield self.say(self.text(message.key), message.args)
            except NothingToShow:
                if message.key not in conditional:
                    raise

    def phrase(self, name: str, args: Mapping[str, Value] | None = None) -> str:
        return self.say(self.text(f"{SHARED}.phrases.{name}"), args)

    def choices(self, options: Iterable[Option]) -> tuple[Choice, ...]:
        labels = [(option.id, self.say(self.text(option.key))) for option in options]
        if self.channel != ChannelKind.VOICE:
            return tuple(Choice(name, label) for name, label in labels)
        return tuple(
            Choice(name, label, self.phrase("press", {"label": label, "digit": digit}))
            for digit, (name, label) in enumerate(labels, start=1)
        )

    def say(self, text: Text, args: Mapping[str, Value] | None = None) -> str:
        values = args or {}
        count = values.get(text.by, getattr(self.facts, text.by, None)) if text.by else None
        form = self.catalog.text(text, count if isinstance(count, int) else None)
        return fill(form, lambda name: self._shown(name, values))

    def _shown(self, name: str, values: Mapping[str, Value]) -> str:
        shape = FACTS.get(name) or self.script.slots[name]
        if shape == Shape.ACCOUNTS:
            return "\n".join(self._account(account) for account in getattr(self.facts, name))
        if shape == Shape.PLACES:
            return "\n".join(", ".join(filter(None, astuple(place))) for place in self.facts.places)
        value = values[name] if name in values else self._fact(name)
        if isinstance(value, Money):
            return self._money(value)
        if isinstance(value, tuple):
            return self._schedule(value)
        if isinstance(value, date):
            return shown_date(value, self.catalog, self.facts.today, weekday=shape == Shape.DAY)
        return str(value)

    def _fact(self, name: str) -> Value:
        owner, _, part = name.partition(".")
        value: Value | Due | None = getattr(self.facts, owner, None)
        value = getattr(value, part, None) if part else value
        if value is None or isinstance(value, Due):
            raise NothingToShow(f"there is no {name} to show any more")
        return value

    def _schedule(self, schedule: Schedule) -> str:
        """Payments one below the other, for the ear in one row."""
        parts = [self.phrase("part", {"amount": amount, "day": day}) for day, amount in schedule]
        return (", " if self.channel == ChannelKind.VOICE else "\n").join(parts)

    def _account(self, account: AccountDue) -> str:
        service = f" ({account.service})" if account.service else ""
        return f"{account.account}{service}: {self._money(account.amount)}"

    def _money(self, amount: Money) -> str:
        spell = spoken_money if self.channel == ChannelKind.VOICE else shown_money
        return spell(amount, self.catalog)


def shown_money(amount: Money, catalog: Catalog) -> str:
    """A sum as the language writes it, whole sums without decimals; a no-break space before the currency."""
    major = amount.major
    decimals = "" if major == major.to_integral_value() else "." + "0" * -int(Decimal(major).as_tuple().exponent)
    number = format_decimal(major, format=f"#,##0{decimals}", locale=catalog.language)
    return f"{number}{NO_BREAK}{catalog.forms.currencies.get(amount.currency, amount.currency)}"


def spoken_money(amount: Money, catalog: Catalog) -> str:
    """A sum for the ear: digits, and the currency's name in the form the number wants."""
    major = amount.major
    number = int(major) if major == major.to_integral_value() else major
    name = get_currency_name(amount.currency, count=number, locale=catalog.language)
    return f"{format_decimal(number, locale=catalog.language)} {name}"


def shown_date(day: date, catalog: Catalog, today: date, *, weekday: bool) -> str:
    """A day as the language writes it, with its weekday where asked, with its year where that is not this one."""
    pattern = "d MMMM" if day.year == today.year else "d MMMM y"
    shown = format_date(day, pattern, locale=catalog.language)
    if not weekday:
        return shown
    names = catalog.forms.weekdays
    name = names[day.weekday()] if names else format_date(day, "EEEE", locale=catalog.language)
    return f"{name}, {shown}"
