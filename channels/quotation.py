"""What a person wrote in a mail, without what their mail program put around it.

Knows the marks of the usual programs in English, Romanian, Ukrainian and Russian.
"""

from __future__ import annotations

import re

WROTE = re.compile(
    r"(wrote|a scris|au scris|пише|пишет|написал|написала|написал\(а\)|написав|написала|написав\(ла\)|написав\(-ла\)|"
    r"написал\(-а\))\s*(<[^<>]{1,200}>|[\w.+-]{1,64}@[\w.-]{1,100})?\s*[:：]\s*$",
    re.IGNORECASE,
)
DATED_ADDRESS = re.compile(r"\s*(\w{2,3}\.?,\s)?\d.{0,200}<[^<>@\s]{1,64}@[^<>\s]{1,250}>\s*:\s*$")
OPENS_ATTRIBUTION = re.compile(r"\s*(on|at|în|in|la|pe data de|в|у|о|пн|вт|ср|чт|пт|сб|нд|вс|\d)", re.IGNORECASE)
HAS_DATE_OR_ADDRESS = re.compile(r"\d|@|<")
SIGNATURE = re.compile(r"--\s?$|_{5,}\s*$")
RULE = re.compile(
    r"\s*-{2,}\s*(original message|mesaj original|mesajul original|mesaj redirecționat|forwarded message|"
    r"исходное сообщение|пересылаемое сообщение|оригінальне повідомлення|початкове повідомлення|"
    r"переслане повідомлення)\s*-{2,}\s*$",
    re.IGNORECASE,
)
FROM = re.compile(r"\s*\*?(from|de la|від|от|expeditor|отправитель|відправник)\s*:\*?\s*\S", re.IGNORECASE)
BESIDE_FROM = re.compile(
    r"\s*\*?(sent|date|to|subject|trimis|data|către|catre|subiect|надіслано|дата|кому|тема|отправлено)\s*:\*?",
    re.IGNORECASE,
)
FROM_A_PHONE = re.compile(
    r"\s*(sent from|get outlook for|trimis de pe|trimis din|надіслано з|отправлено с|отправлено из|"
    r"надіслано із)\s.{0,80}$",
    re.IGNORECASE,
)
LONGEST_LINE = 2000
MOST_LINES = 5000


def unquoted(text: str) -> str:
    """The person's own lines, above, between or below the quoted ones."""
    lines = [line[:LONGEST_LINE].rstrip() for line in text.splitlines()[:MOST_LINES]]
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if SIGNATURE.match(line) or RULE.match(line) or _header_block(lines, at):
            break
        if line.lstrip().startswith(">"):
            at += 1
            continue
        if height := _attribution(lines, at):
            at += height
            if not _quoted_next(lines, at):
                break
            continue
        if not FROM_A_PHONE.match(line):
            kept.append(line)
        at += 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _attribution(lines: list[str], at: int) -> int:
    """How many lines the "On such a day somebody wrote:" beginning here takes, up to three; 0 if there is none."""
    if not lines[at].strip():
        return 0
    for height in (1, 2, 3):
        joined = " ".join(line.strip() for line in lines[at : at + height])
        if DATED_ADDRESS.match(joined):  # Russian mail programs leave the verb out
            return height
        if not WROTE.search(joined):
            continue
        starts = height == 1 or OPENS_ATTRIBUTION.match(lines[at])
        return height if starts and HAS_DATE_OR_ADDRESS.search(joined) else 0
    return 0


def _header_block(lines: list[str], at: int) -> bool:
    """Whether Outlook's block of headers begins here: a sender, and two more headers within the next five lines."""
    return bool(FROM.match(lines[at])) and sum(bool(BESIDE_FROM.match(line)) for line in lines[at + 1 : at + 6]) >= 2


def _quoted_next(lines: list[str], at: int) -> bool:
    """Whether the first line with text is a quoted one: then an answer may stand below the quotation."""
    return next((line.lstrip().startswith(">") for line in lines[at:] if line.strip()), False)
