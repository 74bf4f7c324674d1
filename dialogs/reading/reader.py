"""Reading a reply: normalise, opt-out words, language, values, intent. Pure, deterministic, never an exception."""

from __future__ import annotations

from datetime import date

from dialogs.reading.amounts import parts, sums
from dialogs.reading.dates import bare_day, mask, numeric_days, spoken_days
from dialogs.reading.intents import (
    WHOLE_REPLY,
    Wish,
    answer,
    is_hard_opt_out,
    is_refused,
    is_sign_of_yes,
    is_thanks,
    wishes,
)
from dialogs.reading.language import CYRILLIC, Tongue, tongue
from dialogs.reading.reading import Asked, Band, Day, Intent, Reading
from dialogs.reading.skeleton import normalise, words
from dialogs.reading.vocabulary import Vocabulary, vocabulary

LANGUAGES = ("en", "ro", "uk", "ru")
"""The languages of the product; a deployment may offer fewer."""


def read(
    text: str,
    language: str,
    today: date,
    asked: Asked = Asked.NOTHING,
    languages: tuple[str, ...] = LANGUAGES,
) -> Reading:
    """What the bot makes of a reply. `language` is that of the talk, `today` the subscriber's day."""
    plain = normalise(text)
    row = words(plain) + " "
    everyone = tuple(vocabulary(code) for code in _first(language, languages))
    if is_hard_opt_out(plain, everyone):
        return Reading(plain, language, text, intent=Intent.OPT_OUT, margin=1.0, band=Band.ACT, why=("opt-out word",))
    spoken = tongue(plain, language, languages)
    known = tuple(vocabulary(code) for code in _first(spoken.language, languages))
    days = _days(plain, row, known, today, asked)
    count = parts(row, known[0], asked=asked == Asked.COUNT)
    found = wishes(plain, known, _hints(days, count))
    if any(wish.intent == Intent.ALREADY_PAID for wish in found[:1]):
        days = _days(plain, row, known, today, asked, past=True)
    if is_refused(plain, known) and all(wish.intent != Intent.PROMISE_TO_PAY for wish in found):
        days = ()
    said = True if asked == Asked.CONFIRM and is_sign_of_yes(plain, everyone) else answer(row, known)
    intent, second, margin, band = _decided(found, row, said=said)
    if not found and said is None and is_thanks(row, known):
        intent, margin, band = Intent.THANKS, 1.0, Band.ACT
    return Reading(
        text=plain,
        language=spoken.language,
        said=text,
        switch=spoken.language != language and intent != Intent.OPT_OUT,
        chosen=spoken.chosen,
        intent=intent,
        second=second,
        margin=margin,
        band=band,
        answer=None if said and intent == Intent.DENY else said,
        dates=days,
        amounts=sums(plain, known[0], asked=asked == Asked.AMOUNT),
        count=count,
        why=_why(spoken, found, days),
    )


def _first(language: str, languages: tuple[str, ...]) -> tuple[str, ...]:
    """The talk's language first, then the others of the deployment: people mix them."""
    return (language, *(code for code in languages if code != language))


def _days(
    text: str, row: str, known: tuple[Vocabulary, ...], today: date, asked: Asked, *, past: bool = False
) -> tuple[Day, ...]:
    """Days by the language of the reply, or by its neighbour in the same alphabet where that finds none."""
    days = numeric_days(text, today, past=past)
    masked = words(mask(text)) + " "
    for words_of in _neighbours(known):
        if not days:
            days = spoken_days(masked, words_of, today, past=past)
        if not days and asked == Asked.DATE:
            days = bare_day(text, words_of, row, today)
    if any(pattern.regex.search(row) for words_of in known for pattern in words_of.ranges):
        return tuple(sorted(days, key=lambda day: day.date)[-1:])
    return days


def _neighbours(known: tuple[Vocabulary, ...]) -> tuple[Vocabulary, ...]:
    if known[0].language not in CYRILLIC:
        return known[:1]
    return tuple(words_of for words_of in known if words_of.language in CYRILLIC)


def _hints(days: tuple[Day, ...], count: int | None) -> dict[Intent, float]:
    hints: dict[Intent, float] = {}
    if days:
        hints[Intent.PROMISE_TO_PAY] = 0.5
    if count:
        hints[Intent.REQUEST_INSTALLMENTS] = 4.0
    return hints


def _decided(found: tuple[Wish, ...], row: str, *, said: bool | None) -> tuple[Intent, Intent, float, Band]:
    """The intent, the runner-up, the margin between them in 0..1, and what may be done with it.

    Two intents in clauses of their own are both meant; two that the same words speak for are a doubt.
    """
    if not found:
        if said is None or len(row.split()) > WHOLE_REPLY:
            return Intent.OTHER, Intent.OTHER, 0.0, Band.ASK
        return (Intent.AFFIRM if said else Intent.DENY), Intent.OTHER, 1.0, Band.ACT
    first = found[0]
    if len(found) == 1:
        return first.intent, Intent.OTHER, 1.0, Band.ACT
    second = found[1]
    certain = first.clause != second.clause or first.intent == Intent.OPT_OUT
    return first.intent, second.intent, float(certain), Band.ACT if certain else Band.CONFIRM


def _why(spoken: Tongue, found: tuple[Wish, ...], days: tuple[Day, ...]) -> tuple[str, ...]:
    return (spoken.why, *(wish.why for wish in found), *(f"{day.date.isoformat()}: {day.rule}" for day in days))
