"""Reading a reply: normalise, opt-out words, language, values, intent. Pure, deterministic, never an exception."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from dialogs.reading.because import because, telling
from dialogs.reading.concepts import concepts
from dialogs.reading.intents import NOBODY, Judged, judged
from dialogs.reading.language import Tongue, tongue
from dialogs.reading.model import Model, model
from dialogs.reading.reading import LANGUAGES, Asked, Band, Intent, Named, Reading
from dialogs.reading.skeleton import normalise, words
from dialogs.reading.traits import Traits, kins_of, slots
from dialogs.reading.values import values
from dialogs.reading.vocabulary import vocabulary
from dialogs.reading.word_rules import (
    ANSWERS,
    WHOLE_REPLY,
    PlainWords,
    is_hard_opt_out,
    is_sign_of_yes,
    is_thanks,
    plain_words,
)

TIMELY = frozenset(
    {
        "today",
        "tomorrow",
        "yesterday",
        "weekday",
        "week_month",
        "month_name",
        "end_of",
        "until",
        "next",
        "number_word",
        "day_number",
        "clock",
        "weekly_time",
        "this_that",
        "later",
        "soon",
        "salary",
        "i_word",
        "you",
        "maybe",
        "now",
    }
)
"""Concepts that name a time and want nothing by themselves."""
ONESELF = frozenset({"i_word", "this_that", "first_name", "call", "clock"})
"""Concepts of the words by which one says who one is: in sunt and am, the last two are found."""
CALLING = frozenset({"call", "call_me", "i_word", "you"})
"""Concepts of the words by which one asks to be called and for nobody in particular."""
IN_PARTS = frozenset({"installments", "split", "monthly", "half", "gradually", "schedule", "in_parts_idiom"})
"""Concepts of paying a debt in more than one payment."""
SHORT_WORD = 3
"""Letters of a word that may stand beside a time and say nothing: on, by, the."""
PLAIN_ANSWER = 2
"""Words up to which a yes or a no is an answer where nothing was asked: more of them say something else."""
POSSIBLE = 0.05
"""Chance from which words of a language are looked for."""


def read(
    text: str,
    language: str,
    today: date,
    asked: Asked = Asked.NOTHING,
    languages: tuple[str, ...] = LANGUAGES,
    learned: Model | None = None,
) -> Reading:
    """What the bot makes of a reply. `language` is that of the talk (empty: unknown), `today` the subscriber's day.

    `learned` is another model than the one in use, for comparing the two.
    """
    mind = learned or model()
    plain = normalise(text)
    row = words(plain) + " "
    everyone = tuple(vocabulary(code) for code in _first(language, languages))
    spoken = tongue(plain, row, language, languages, mind.tongues)
    if is_hard_opt_out(plain, everyone):
        why = ("opt_out 1.00, done at once: an opt-out word",)
        return Reading(
            plain, language or spoken.language, text, intent=Intent.OPT_OUT, margin=1.0, band=Band.ACT, why=why
        )
    known = tuple(vocabulary(code) for code in _first(spoken.language, languages))
    kins = kins_of(plain, [code for code, chance in spoken.chances.items() if chance >= POSSIBLE])
    heard = plain_words(plain, row, known, kins)
    named = values(plain, row, spoken.language, languages, today, asked, past=False)
    whole = Traits(tuple(row.split()), kins, slots(plain, row, named, heard, today))
    if asked == Asked.CONFIRM and is_sign_of_yes(plain, everyone):
        heard = replace(heard, answer=True, wavers=False)
    thanked = is_thanks(row, known) or (bool(plain) and not whole.tokens and is_sign_of_yes(plain, everyone))
    wish = _ruled(judged(mind, plain, whole, asked, heard.never), whole, heard, asked, thanked=thanked)
    if wish.intent == Intent.REQUEST_INSTALLMENTS and _is_one_payment(whole, named):
        wish = replace(wish, intent=Intent.PROMISE_TO_PAY, second=Intent.REQUEST_INSTALLMENTS)
    if asked == Asked.COUNT and named.count is not None and wish.intent == Intent.OTHER:
        wish = replace(wish, intent=Intent.REQUEST_INSTALLMENTS, second=Intent.OTHER, margin=0.0)
    promises = wish.intent == Intent.PROMISE_TO_PAY and wish.band == Band.ACT
    if _is_a_number(whole) or (not promises and (named.dates or asked == Asked.DATE) and _is_a_time(whole)):
        wish = NOBODY
    if wish.intent == Intent.ALREADY_PAID:
        named = values(plain, row, spoken.language, languages, today, asked, past=True)
    if Intent.PROMISE_TO_PAY in heard.never:
        named = replace(named, dates=())
    told = tuple(telling(mind, wish))
    reading = Reading(plain, spoken.language, text, untold=not told, why=because(told, wish, spoken, named))
    return _with_values(_with_wish(reading, language, spoken, wish, heard), named)


def _with_wish(reading: Reading, language: str, spoken: Tongue, wish: Judged, heard: PlainWords) -> Reading:
    return replace(
        reading,
        script=spoken.script,
        switch=spoken.language != language and bool(language) and not (wish.intent == Intent.OPT_OUT and wish.sure),
        chosen=spoken.chosen,
        intent=wish.intent,
        second=wish.second,
        margin=wish.margin,
        band=Band.ACT if wish.intent == Intent.THANKS else wish.band,
        answer=None if heard.answer and wish.intent == Intent.DENY else heard.answer,
    )


def _with_values(reading: Reading, named: Named) -> Reading:
    return replace(
        reading,
        dates=named.dates,
        amounts=named.amounts,
        count=named.count,
        fraction=named.fraction,
        percent=named.percent,
        periodic=named.periodic,
        full=named.full,
        ranged=named.range,
    )


def _first(language: str, languages: tuple[str, ...]) -> tuple[str, ...]:
    """The talk's language first, then the others of the deployment: people mix them."""
    return (*filter(None, [language]), *(code for code in languages if code != language))


def _is_a_time(whole: Traits) -> bool:
    """Whether a reply names a time and nothing else: what is meant depends on what was asked."""
    found = zip(whole.tokens, concepts().found(whole.tokens, whole.kins), strict=True)
    return all(
        set(names) & TIMELY if names else len(token) <= SHORT_WORD or any(char.isdigit() for char in token)
        for token, names in found
    )


def _is_a_number(whole: Traits) -> bool:
    """Whether a reply has figures and no word."""
    return bool(whole.tokens) and not any(char.isalpha() for token in whole.tokens for char in token)


def _is_one_payment(whole: Traits, named: Named) -> bool:
    """Whether one sum is named by one day, and no word speaks of parts: can I pay 100 on the 20th?"""
    parts = named.count is not None or named.fraction is not None or named.periodic is not None
    spoken_of = set().union(*concepts().found(whole.tokens, whole.kins))
    return len(named.amounts) == len(named.dates) == 1 and not parts and not spoken_of & IN_PARTS


def _ruled(wish: Judged, whole: Traits, heard: PlainWords, asked: Asked, *, thanked: bool) -> Judged:
    """The judgment where no rule of plain words goes before it. `thanked` holds for a thumb up as well."""
    weak, asked_so = not wish.sure, asked == Asked.CONFIRM
    short = len(whole.tokens) <= (WHOLE_REPLY if asked_so else PLAIN_ANSWER)
    nothing = wish.intent == Intent.OTHER and (weak or asked_so) and short
    oneself = asked_so and short and wish.intent == Intent.WRONG_PERSON and _names_oneself(whole)
    called = asked_so and short and wish.intent == Intent.HUMAN and _behind(whole) <= CALLING
    faint = weak and wish.intent in ANSWERS and (short or asked_so)
    if heard.answer is not None and (nothing or oneself or called or faint):
        return Judged(Intent.AFFIRM if heard.answer else Intent.DENY, Intent.OTHER, 1.0, 1.0, found=wish.found)
    if weak and heard.wavers:
        return replace(wish, margin=0.0)
    if thanked and (wish.intent == Intent.OTHER or (weak and wish.intent == Intent.AFFIRM)):
        return Judged(Intent.THANKS, Intent.OTHER, 1.0, 1.0)
    return wish


def _names_oneself(whole: Traits) -> bool:
    """Whether behind a yes or no one says who one is and nothing else: no, I am Ana. Whose name it is, is not known."""
    return "i_word" in (names := _behind(whole)) and names <= ONESELF


def _behind(whole: Traits) -> set[str]:
    """The concepts of the words behind the first."""
    return set().union(*concepts().found(whole.tokens[1:], whole.kins))
