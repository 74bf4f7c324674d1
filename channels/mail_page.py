"""The HTML of a mail: one column, one button, links that answer. Readable without styles, in the dark, at 320 px.

Tables lay it out and every style stands in its tag, as some mail programs know nothing else; what only newer ones know
(dark colours) stands in the head. Colours are those of the console; text on its ground has a contrast of 4.5 or more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from urllib.parse import quote

from babel import Locale, UnknownLocaleError

from channels.layout import emphasized, pays
from dialogs.message import Choice, Speech

INK, QUIET, PAPER, ACT, ON_ACT, LINE = "#1f2328", "#5f6672", "#fbfaf7", "#0f766e", "#ffffff", "#e4e1da"
FONT = "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif"
HIDDEN = "display:none;max-height:0;overflow:hidden;opacity:0;mso-hide:all"
LAYOUT = 'role="presentation" cellpadding="0" cellspacing="0" border="0"'
DARK = (
    ":root{color-scheme:light dark;supported-color-schemes:light dark}"
    "@media (prefers-color-scheme:dark){"
    ".paper{background:#15171a!important}.ink{color:#e8e6e1!important}.quiet{color:#9ca3af!important}"
    ".line{border-color:#2b2f36!important}a.link{color:#2dd4bf!important}"
    ".act{background:#2dd4bf!important}.act a{color:#15171a!important}}"
)
LONGEST_LOCAL_PART = 64
"""Characters before the @ (RFC 5321, 4.5.3.1.1)."""

Answer = Callable[[Choice], str]
"""The address a link for an option leads to; empty where there can be none."""


def answer_by_mail(choice: Choice, thread: str, domain: str) -> str:
    """A link that opens a mail to send as it is: the address it goes to holds the option, its subject the words."""
    person = f"reply+{thread}.{choice.id}"
    return f"mailto:{person}@{domain}?subject={quote(choice.label)}" if len(person) <= LONGEST_LOCAL_PART else ""


def mail_page(speech: Speech, answer: Answer) -> str:
    """A speech as the HTML of a mail. The button stands below the paragraph that holds the pay link."""
    body = "".join([*_paragraphs(speech), *_options(speech, answer), *_footer(speech)])
    return (
        f'<!doctype html><html lang="{escape(speech.language)}" dir="{_direction(speech.language)}"><head>'
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
        f"<title>{escape(speech.subject)}</title><style>{DARK}</style></head>"
        f'<body class="paper" style="margin:0;padding:0;background:{PAPER}">{_preview(speech.preview)}'
        f'<table {LAYOUT} width="100%" class="paper" style="background:{PAPER}"><tr>'
        '<td align="center" style="padding:24px 16px">'
        f'<table {LAYOUT} width="100%" style="max-width:560px"><tr>'
        f'<td class="ink" style="{FONT};color:{INK};text-align:start;overflow-wrap:anywhere">{body}</td>'
        "</tr></table></td></tr></table></body></html>"
    )


def _preview(text: str) -> str:
    """What a list of mails shows beside the subject. The spaces keep it from showing the mail itself behind it."""
    return f'<div style="{HIDDEN}">{escape(text)}{"&#847;&zwnj;&nbsp;" * 60}</div>' if text else ""


def _paragraphs(speech: Speech) -> Iterator[str]:
    href = escape(_web_address(speech))
    anchor = f'<a class="link" style="color:{ACT}" href="{href}">{href}</a>'
    button = _button(href, escape(speech.link_label or speech.link))
    said = emphasized("\0".join(escape(paragraph) for paragraph in speech.paragraphs), speech, "strong")
    waits = bool(href)
    for paragraph in said.replace("\n", "<br>").split("\0"):
        linked = bool(href) and href in paragraph
        yield _paragraph(paragraph.replace(href, anchor) if linked else paragraph)
        if linked and waits:
            yield button
            waits = False


def _paragraph(inside: str) -> str:
    return f'<p style="margin:0 0 16px">{inside}</p>'


def _button(href: str, label: str) -> str:
    return (
        f'<table {LAYOUT} style="margin:0 0 24px"><tr>'
        f'<td class="act" align="center" style="background:{ACT};border-radius:8px">'
        f'<a href="{href}" style="{FONT};display:inline-block;padding:12px 24px;color:{ON_ACT};font-weight:600;'
        f'text-decoration:none">{label}</a></td></tr></table>'
    )


def _options(speech: Speech, answer: Answer) -> Iterator[str]:
    if not speech.choices:
        return
    if speech.how:
        yield _paragraph(escape(speech.how))
    lines = []
    for choice in speech.choices:
        href, label = _web_address(speech) if pays(choice, speech) else answer(choice), escape(choice.label)
        link = f'<a class="link" style="color:{ACT}" href="{escape(href)}">{label}</a>' if href else label
        lines.append(f'<li style="padding:4px 0">{link}</li>')
    yield f'<ol style="margin:0 0 16px;padding-inline-start:24px">{"".join(lines)}</ol>'


def _footer(speech: Speech) -> Iterator[str]:
    if speech.footer:
        style = f"margin:24px 0 0;padding:16px 0 0;border-top:1px solid {LINE};color:{QUIET}"
        yield f'<p class="quiet line" style="{style}">{escape(speech.footer)}</p>'


def _web_address(speech: Speech) -> str:
    return speech.link if speech.link.startswith(("https://", "http://")) else ""


def _direction(language: str) -> str:
    try:
        return Locale.parse(language, sep="-").text_direction
    except (UnknownLocaleError, ValueError):
        return "auto"
