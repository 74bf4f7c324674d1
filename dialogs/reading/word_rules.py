"""Rules that need no learning: opt-out words, a plain yes or no, thanks, and what denies what others seem to say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from dialogs.reading.concepts import CYRILLIC, concepts
from dialogs.reading.reading import Intent
from dialogs.reading.skeleton import normalise, words
from dialogs.reading.vocabulary import Vocabulary, vocabulary

WHOLE_REPLY = 4
"""Words up to which a yes, a no or thanks is the whole reply and not its opening."""
NO_SIGN = re.compile("[\\s.!\ufe0f\U0001f3fb-\U0001f3ff]")
"""What may stand around a sign: spaces, stress, and the variants of an emoji."""
SPEAKING = {
    Intent.ALREADY_PAID: frozenset({"paid", "receipt"}),
    Intent.PROMISE_TO_PAY: frozenset({"pay", "will_pay"}),
}
"""The concepts that must be left of a reply, once what denies the intent is taken out, for it to be meant."""
CLAUSE = re.compile(
    r"(?<!\d)[.,](?!\d)|[;!?]+|\s-\s|\b(?:but|and|dar|iar|și|si|но|а|и|але|та|і|so|also|poi|apoi|поэтому|тому)\b"
    r"|(?<=\D)[.,]|[.,](?=\s)"
)
NEVER_IN_CLAUSES = 300
"""Characters beyond which a text is not cut into clauses: it is a letter, not a reply."""
YES_NO = ("yes", "no")
ANSWERS = frozenset({Intent.AFFIRM, Intent.DENY})
LEAD = re.compile(r"[.,;:!?\n]")


@dataclass(frozen=True, slots=True)
class PlainWords:
    """What plain words say. `answer` is the yes or no a reply begins with, None for neither.

    `wavers` says that it begins with one that is none (not sure, yes but no); `never` are intents that cannot be meant:
    what would say so is denied.
    """

    answer: bool | None
    wavers: bool
    never: frozenset[Intent]


def plain_words(plain: str, row: str, known: tuple[Vocabulary, ...], kins: tuple[str, ...]) -> PlainWords:
    """What a normalised text, `row` being its words, says by rule; `kins` are the tables of concepts that fit it."""
    said = answer(row, known)
    wavers = said is None and any(_joined(words_of.language, kind).match(row) for words_of in known for kind in YES_NO)
    return PlainWords(said, wavers, _denied(plain, row, known, kins) | (ANSWERS if wavers else frozenset()))


def _denied(plain: str, row: str, known: tuple[Vocabulary, ...], kins: tuple[str, ...]) -> frozenset[Intent]:
    """The intents that nothing is left to speak for. Words deny what stands in the same clause."""
    denied = set()
    for intent, speaking in SPEAKING.items():
        if _meant(row, known, intent) == row:
            continue
        clauses = CLAUSE.split(plain) if len(plain) <= NEVER_IN_CLAUSES else [plain]
        left = "".join(_meant(words(clause) + " ", known, intent) for clause in clauses)
        if not speaking & {name for found in concepts().found(tuple(left.split()), kins) for name in found}:
            denied.add(intent)
    return frozenset(denied)


@cache
def _joined(language: str, kind: str) -> re.Pattern[str]:
    """All patterns of a kind as one, longest first; for what is not meant, the kind is the intent."""
    words_of = vocabulary(language)
    rows = {"yes": words_of.yes, "no": words_of.no}.get(kind)
    if rows is None:
        rows = words_of.not_meant.get(Intent(kind), ())
    sources = sorted((row.regex.pattern for row in rows), key=lambda source: (-len(source), source))
    return re.compile("|".join(f"(?:{source})" for source in sources) or "(?!)")


def _meant(row: str, known: tuple[Vocabulary, ...], intent: Intent) -> str:
    """The row without the words that deny the intent, in any language: people mix them."""
    for words_of in known:
        row = _joined(words_of.language, intent).sub("§ ", row)
    return row


def answer(row: str, known: tuple[Vocabulary, ...]) -> bool | None:
    """The yes or no that the words begin with. A yes with a no behind it is neither."""
    row = _meant(row, known, Intent.DENY)
    for words_of in known:
        if _joined(words_of.language, "no").match(row):
            return False
        yes = _joined(words_of.language, "yes").match(row)
        if yes:
            return None if _taken_back(row[yes.end() :], known) else True
    return None


def _taken_back(rest: str, known: tuple[Vocabulary, ...]) -> bool:
    """A no right behind the yes, behind one word more (but, wait), or at the very end.

    In a talk in Cyrillic letters, only their words count: the Russian «ну» looks like the Romanian no.
    """
    if known[0].language in CYRILLIC:
        known = tuple(words_of for words_of in known if words_of.language in CYRILLIC)
    after = rest.split()
    tails = {" ".join(after[place:]) + " " for place in (0, 1, len(after) - 1) if 0 <= place < len(after)}
    return any(_joined(words_of.language, "no").match(tail) for tail in tails for words_of in known)


def is_thanks(row: str, known: tuple[Vocabulary, ...]) -> bool:
    """Whether a short reply thanks."""
    short = len(row.split()) <= WHOLE_REPLY
    return short and any(pattern.regex.search(row) for words_of in known for pattern in words_of.thanks)


def is_sign_of_yes(text: str, known: tuple[Vocabulary, ...]) -> bool:
    """Whether the whole reply is a sign such as y, + or a thumb up, however often and in whatever skin tone."""
    signs = frozenset[str]().union(*(words_of.agree for words_of in known))
    sign = NO_SIGN.sub("", text)
    return sign in signs or (len(set(sign)) == 1 and sign[0] in signs)


def is_hard_opt_out(text: str, known: tuple[Vocabulary, ...]) -> bool:
    """Whether the whole message, or its first word set off by punctuation, is an opt-out word of any language.

    Among them are the eight that Twilio acts on by itself, wherever in a talk they come.
    """
    stops = frozenset[str]().union(*(words_of.opt_out for words_of in known))
    return words(text) in stops or words(LEAD.split(text.strip(), maxsplit=1)[0]) in stops


def is_opt_in(text: str, known: tuple[Vocabulary, ...]) -> bool:
    """Whether the whole message is a word by which one who had opted out asks for messages again."""
    return words(normalise(text)) in frozenset[str]().union(*(words_of.opt_in for words_of in known))
