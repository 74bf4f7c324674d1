"""What somebody says outright: read in every language of the deployment, for it counts where no script hears it."""

from __future__ import annotations

from datetime import datetime

from dialogs.message import Reply, Said
from dialogs.reading.reader import read
from dialogs.reading.reading import Band, Intent
from dialogs.reading.vocabulary import vocabulary
from dialogs.reading.word_rules import is_opt_in


def says_start(reply: Reply, languages: tuple[str, ...]) -> bool:
    """Whether a reply is a word by which one who had opted out asks for our messages again, and nothing else."""
    return isinstance(reply, Said) and is_opt_in(reply.text, tuple(vocabulary(code) for code in languages))


def says_stop(reply: Reply, now: datetime, languages: tuple[str, ...]) -> bool:
    """Whether a reply is a STOP."""
    return _says(Intent.OPT_OUT, reply, now, languages)


def says_wrong_person(reply: Reply, now: datetime, languages: tuple[str, ...]) -> bool:
    """Whether a reply is that of somebody who is not the client."""
    return _says(Intent.WRONG_PERSON, reply, now, languages)


def language_of(reply: Reply, known: str, now: datetime, languages: tuple[str, ...]) -> str:
    """The language a reply is written in; the one `known`, where a word alone does not tell."""
    return read(reply.text, known, now.date(), languages=languages).language if isinstance(reply, Said) else known


def _says(intent: Intent, reply: Reply, now: datetime, languages: tuple[str, ...]) -> bool:
    if not isinstance(reply, Said):
        return False
    readings = (read(reply.text, language, now.date(), languages=languages) for language in languages)
    return any(reading.intent is intent and reading.band is Band.ACT for reading in readings)
