"""Messages into words: texts from script and catalog, values by Babel in the language of the talk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

from dialogs.aloud import spoken_date, spoken_hours, spoken_money, spoken_number
from dialogs.catalog import SOURCE, Catalog
from dialogs.facts import AccountDue, Due, Facts
from dialogs.flow import SHARED, Script
from dialogs.message import Choice, Message, Option, Schedule, Speech, Value
from dialogs.services import service_named, services_named
from dialogs.text import FACTS, Shape, Text, fill
from engine.contact import ChannelKind
from engine.money import Money

AS_READ = ChannelKind.TELEGRAM
"""Without a channel, what a chat would show is said."""
NO_BREAK = "\N{NO-BREAK SPACE}"
LINK = "pay_link"
NUMBERS = frozenset({"restored", "callback"})
"""Texts that are numbers of accounts and telephones: for the ear they go digit by digit."""
LINK_LABEL = "common.menu.pay_now"
PREVIEW, HOW, FOOTER = (f"{SHARED}.phrases.{name}" for name in ("preview", "answer", "why"))


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
    voice = _Voice(script, facts, catalog, channel, catalogs.get(SOURCE, catalog))
    linked = any(LINK in voice.text(message.key).placeholders for message in messages)
    paragraphs = tuple(voice.paragraphs(messages))
    total = voice.first_sum
    choices = voice.choices([option for message in messages for option in message.options])
    mailed = channel == ChannelKind.EMAIL
    return Speech(
        language=catalog.language,
        paragraphs=paragraphs,
        choices=choices,
        link=facts.pay_link if linked else "",
        link_label=voice.optional(LINK_LABEL) if linked else "",
        sum=total,
        subject=voice.optional(script.subject_key),
        preview=voice.optional(PREVIEW) if mailed else "",
        how=voice.optional(HOW) if mailed and choices else "",
        footer=voice.optional(FOOTER) if mailed else "",
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
    return _Voice(script, facts, catalog, ChannelKind.VOICE, catalogs.get(SOURCE, catalog)).phrase(name, args)


class _Voice:
    """One language speaking of one client's facts."""

    def __init__(
        self, script: Script, facts: Facts, catalog: Catalog, channel: ChannelKind | None, english: Catalog
    ) -> None:
        self.script, self.facts, self.catalog, self.channel = script, facts, catalog, channel
        self.english = english
        self.spoken = channel == ChannelKind.VOICE
        self.first_sum = ""

    def text(self, key: str) -> Text:
        own = self.script.texts.get(f"{key}.{self.channel}") if self.channel else None
        return own or self.script.texts[key]

    def optional(self, key: str) -> str:
        """The text of that key, nothing where an older script has none."""
        return self.say(self.script.texts[key]) if key in self.script.texts else ""

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
        if not self.spoken:
            return tuple(Choice(name, label) for name, label in labels)
        return tuple(
            Choice(name, label, self.phrase("press", {"label": label, "digit": digit}))
            for digit, (name, label) in enumerate(labels, start=1)
        )

    def say(self, text: Text, args: Mapping[str, Value] | None = None) -> str:
        values = args or {}
        count = values.get(text.by, getattr(self.facts, text.by, None)) if text.by else None
        form = self.catalog.text(text, count if isinstance(count, int) else None)
        if form in text.forms and self.catalog is not self.english and not self.catalog.has(text):
            return self._untranslated(text, values)
        return fill(form, lambda name: self._shown(name, values))

    def _untranslated(self, text: Text, values: Mapping[str, Value]) -> str:
        """The English text, its values as English has them."""
        voice = _Voice(self.script, self.facts, self.english, self.channel, self.english)
        said = voice.say(text, values)
        self.first_sum = self.first_sum or voice.first_sum
        return said

    def _shown(self, name: str, values: Mapping[str, Value]) -> str:
        shape = FACTS.get(name) or self.script.slots[name]
        if shape == Shape.ACCOUNTS:
            return "\n".join(self._account(account) for account in getattr(self.facts, name))
        if shape == Shape.PLACES:
            places = "\n".join(", ".join(filter(None, astuple(place))) for place in self.facts.places)
            return spoken_hours(places, self.catalog.forms.aloud) if self.spoken else places
        value = values[name] if name in values else self._fact(name)
        if isinstance(value, Money):
            return self._money(value)
        if isinstance(value, tuple):
            return self._schedule(value)
        if isinstance(value, date):
            return self._date(value, weekday=shape == Shape.DAY)
        told = services_named(str(value), self.catalog.language) if name == "restored" else str(value)
        return self._spoken(name, told) if self.spoken else told

    def _fact(self, name: str) -> Value:
        owner, _, part = name.partition(".")
        value: Value | Due | None = getattr(self.facts, owner, None)
        value = getattr(value, part, None) if part else value
        if value is None or isinstance(value, Due):
            raise NothingToShow(f"there is no {name} to show any more")
        return value

    def _spoken(self, name: str, value: str) -> str:
        """A text for the ear: numbers digit by digit, hours by words."""
        return spoken_number(value) if name in NUMBERS else spoken_hours(value, self.catalog.forms.aloud)

    def _schedule(self, schedule: Schedule) -> str:
        """Payments one below the other, for the ear in one row."""
        parts = [self.phrase("part", {"amount": amount, "day": day}) for day, amount in schedule]
        return (", " if self.spoken else "\n").join(parts)

    def _account(self, account: AccountDue) -> str:
        service = service_named(account.service, self.catalog.language)
        if self.spoken:
            return ", ".join(filter(None, (spoken_number(account.account), service, self._money(account.amount))))
        return f"{account.account}{f' ({service})' if service else ''}: {self._money(account.amount)}"

    def _date(self, day: date, *, weekday: bool) -> str:
        forms, today = self.catalog.forms, self.facts.today
        if not self.spoken:
            return shown_date(day, self.catalog, today, weekday=weekday)
        said = spoken_date(day, today, self.catalog.language, forms.aloud)
        return f"{_weekday(day, self.catalog)}, {said}" if weekday else said

    def _money(self, amount: Money) -> str:
        if self.spoken:
            return spoken_money(amount, self.catalog.language, self.catalog.forms.aloud)
        shown = shown_money(amount, self.catalog)
        self.first_sum = self.first_sum or shown
        return shown


def shown_money(amount: Money, catalog: Catalog) -> str:
    """A sum as the language writes it, whole sums without decimals; a no-break space before the currency."""
    major = amount.major
    decimals = "" if major == major.to_integral_value() else "." + "0" * -int(Decimal(major).as_tuple().exponent)
    number = format_decimal(major, format=f"#,##0{decimals}", locale=catalog.language)
    return f"{number}{NO_BREAK}{catalog.forms.currencies.get(amount.currency, amount.currency)}"


def shown_date(day: date, catalog: Catalog, today: date, *, weekday: bool) -> str:
    """A day as the language writes it, with its weekday where asked, with its year where that is not this one."""
    pattern = "d MMMM" if day.year == today.year else "d MMMM y"
    shown = format_date(day, pattern, locale=catalog.language)
    return f"{_weekday(day, catalog)}, {shown}" if weekday else shown


def _weekday(day: date, catalog: Catalog) -> str:
    names = catalog.forms.weekdays
    return names[day.weekday()] if names else format_date(day, "EEEE", locale=catalog.language)
