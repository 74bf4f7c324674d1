"""Why a reply was understood as it was, in words for the people who work with clients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dialogs.reading.intents import Judged
from dialogs.reading.language import Tongue
from dialogs.reading.model import Model
from dialogs.reading.reading import Band, Intent, Named

MOST = 3
SAYABLE = "kopwe"
"""Kinds of features that can be said in words: rows of letters and lengths say nothing to a person."""
PLAIN = "ke"
"""Kinds that say most to a person."""
TOLD = {
    "ahead": "a day to come",
    "past": "a day gone by",
    "days": "several days",
    "amount": "a sum",
    "amounts": "several sums",
    "count": "a number of parts",
    "share": "a share",
    "periodic": "a sum again and again",
    "full": "the whole sum",
    "yes": "begins with a yes",
    "no": "begins with a no",
    "asks": "a question",
    "shouts": "an exclamation",
    "digits": "figures",
    "sign": "nothing but signs",
    "unpaid": "a payment not made",
    "refused": "a payment refused",
}
BANDS = {Band.ACT: "done at once", Band.CONFIRM: "asked back", Band.ASK: "not acted on"}


def because(told: Sequence[str], judged: Judged, spoken: Tongue, named: Named) -> tuple[str, ...]:
    """One line each: what was wanted and by which words, the language, the values."""
    wanted = f"{judged.intent} {judged.chance:.2f}"
    words = ", ".join(told) or "no word tells"
    also = "and also" if judged.clear else "rather than"
    return (f"{wanted}, {BANDS[judged.band]}: {words}; {also} {_rival(judged)}", spoken.why, *named.why)


def telling(model: Model, judged: Judged) -> Iterator[str]:
    """The features that speak most for the intent, each said in words, none twice, concepts before words. None of a
    reply that was judged by its letters and its length alone.
    """
    rival = _rival(judged)
    if judged.intent not in model.intents.classes or rival not in model.intents.classes:
        return
    said: set[str] = set()
    sayable = [feature for feature in judged.found if feature[0] in SAYABLE]
    told = model.intents.evidence(sayable, judged.intent, rival)
    for weight, feature in sorted(told, key=lambda item: item[1][0] not in PLAIN):
        name = _in_words(feature)
        if len(said) == MOST:
            return
        if weight > 0 and name and name not in said:
            said.add(name)
            yield name


def _rival(judged: Judged) -> Intent:
    return judged.second if judged.second != judged.intent else Intent.OTHER


def _in_words(feature: str) -> str:
    """A feature as a person would say it."""
    kind, name = feature[0], feature[2:].replace("_", " ")
    match kind:
        case "k":
            return name
        case "o":
            return "" if "^" in name or "$" in name else name.replace(">", " then ")
        case "p":
            return name.replace("&", " with ")
        case "w":
            return f"«{name}»"
        case "e":
            return TOLD.get(feature[2:], feature[2:])
    return ""
