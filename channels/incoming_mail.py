"""Reading what arrives by mail: answers, automatic mail, bounces. Anyone can send anything here.

Parsing is bounded before it starts: nested and splintered mails cost the parser quadratic time (reliability F17).
"""

from __future__ import annotations

import re
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr
from hashlib import sha256
from html.parser import HTMLParser
from uuid import UUID

from channels.port import Inbound, StatusReport
from channels.quotation import unquoted
from dialogs.message import Chose, Reply, Said
from engine.contact import ChannelKind, Delivery

LARGEST = 11 * 1024 * 1024  # what the mailbox takes, and the lines it adds
PARSED = 1024 * 1024
MOST_NESTED = 60
MOST_PARTS = 1000
LONGEST_HEADER = 2000
LONGEST_PART = 200_000
LONGEST_REPLY = 10_000

UUID_TEXT = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
ATTEMPT_ID = re.compile(rf"<({UUID_TEXT})@", re.IGNORECASE)
BOUNCE_ADDRESS = re.compile(rf"\bbounce\+({UUID_TEXT})@", re.IGNORECASE)
REPLY_ADDRESS = re.compile(r"\breply\+([A-Za-z0-9_-]{1,100})(?:\.([a-z0-9_]{1,60}))?@", re.IGNORECASE)
"""The conversation, and the option where a link for it was followed."""
STOP_ADDRESS = re.compile(r"\bstop\+([A-Za-z0-9_-]{1,100})@", re.IGNORECASE)
STOP = "stop"
"""What is said by a mail to the address of the list header; a word of every language."""
THREAD_ID = re.compile(r"<([A-Za-z0-9_-]{1,100})@")
CHARSETS = re.compile(r"(us-)?ascii|utf-?8|(iso-?8859-?|latin-?|windows-?|cp-?)\d{1,4}|koi8-?[ru]|mac-?cyrillic")
ABOUT_THE_ADDRESS = re.compile(r"5\.1\.(?![78]\b)\d")
RECIPIENT_HEADERS = ("X-Original-To", "Delivered-To", "To", "Cc")
LIST_HEADERS = ("List-Id", "List-Unsubscribe", "X-Autoreply", "X-Autorespond", "X-Auto-Reply")


class MailRefused(ValueError):
    """The mail is too large or too deeply nested to be read safely: it is kept, and a person may look at it."""


def read_mail(raw: bytes) -> Inbound | StatusReport | None:
    """A subscriber's answer, or news of a mail of ours, or None for news that changes nothing (a delay).

    `raw` begins with the Return-Path the mailbox wrote. Raises MailRefused and nothing else.
    """
    _bound(raw)
    try:
        # The old policy reads headers lazily: the new one takes seconds over twenty thousand recipients.
        mail = message_from_bytes(raw[:PARSED])
        event = _event(mail, raw)
        if mail.get_content_type() == "multipart/report":
            if str(mail.get_param("report-type", "")).lower() == "feedback-report":
                return _complaint(mail, event)
            if notice := _delivery_notice(mail):
                return _bounce(mail, notice, event)
        return _answer(mail, event)
    except (RecursionError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise MailRefused(f"the mail cannot be read: {type(error).__name__}") from None


def _bound(raw: bytes) -> None:
    if len(raw) > LARGEST:
        raise MailRefused("the mail is larger than 10 MB")
    head = raw[:PARSED].lower()
    nested = head.count(b"boundary") + head.count(b"message/")
    if nested > MOST_NESTED or head.count(b"\n--") > MOST_PARTS:
        raise MailRefused("the mail has too many parts")
    if head.count(b"\n") * (nested + 1) > 2_000_000:
        raise MailRefused("the mail has too many lines for its parts")


def _answer(mail: Message, event: str) -> Inbound:
    sender = parseaddr(_header(mail, "From") or _header(mail, "Return-Path"))[1].lower()
    thread, attempt = _whereto(mail)
    stops = bool(STOP_ADDRESS.search(_recipients(mail)))
    text = STOP if stops else unquoted(_text(mail))
    chosen = REPLY_ADDRESS.search(_recipients(mail))
    reply: Reply | None = Chose(chosen[2].lower()) if chosen and chosen[2] and not text else None
    subject = _decoded(_header(mail, "Subject"))
    if not text and not re.match(r"\s*(re|fwd?|aw|răsp|на)\s*:", subject, re.IGNORECASE):
        text = subject.strip()
    return Inbound(
        ChannelKind.EMAIL,
        event,
        sender,
        reply or Said(text[:LONGEST_REPLY].replace("\0", "")),
        thread=thread,
        automatic=not sender or (not stops and _automatic(mail, sender)),
        attempt=attempt,
        unsubscribes=stops,
    )


def _whereto(mail: Message) -> tuple[str, UUID | None]:
    """Our conversation's token and the attempt answered: from the address written to, else from the thread's ids."""
    ids = f"{_header(mail, 'References')} {_header(mail, 'In-Reply-To')}"
    attempts = ATTEMPT_ID.findall(ids)
    attempt = UUID(attempts[-1]) if attempts else None
    recipients = _recipients(mail)
    found = STOP_ADDRESS.search(recipients) or REPLY_ADDRESS.search(recipients) or THREAD_ID.search(ids)
    thread = found[1] if found else ""
    return ("" if thread in attempts else thread), attempt


def _automatic(mail: Message, sender: str) -> bool:
    submitted = _header(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    return (
        submitted not in ("", "no")
        or _header(mail, "Return-Path").strip() == "<>"
        or _header(mail, "Precedence").strip().lower() in ("bulk", "list", "junk", "auto_reply")
        or any(name in mail for name in LIST_HEADERS)
        or sender.partition("@")[0] in ("mailer-daemon", "postmaster")
        or mail.get_content_type() == "multipart/report"
    )


def _delivery_notice(mail: Message) -> list[Message]:
    """The groups of fields of a delivery status notification (RFC 3464), empty if there is none."""
    for part in mail.walk():
        if part.get_content_type() == "message/delivery-status":
            groups = part.get_payload() if part.is_multipart() else []
            return [group for group in groups if isinstance(group, Message)]
    return []


def _bounce(mail: Message, notice: list[Message], event: str) -> StatusReport | None:
    states = {"failed": Delivery.FAILED, "delivered": Delivery.DELIVERED, "relayed": Delivery.SENT}
    for group in notice:
        state = states.get(_header(group, "Action").strip().lower())
        if state is None:
            continue
        code = _header(group, "Status").strip().split(" ")[0][:10]
        ours = _original_id(mail)
        found = ATTEMPT_ID.search(ours) or BOUNCE_ADDRESS.search(_recipients(mail))
        return StatusReport(
            ChannelKind.EMAIL,
            event,
            reference=ours,
            state=state,
            attempt=UUID(found[1]) if found else None,
            code=code,
            address_dead=state is Delivery.FAILED and bool(ABOUT_THE_ADDRESS.match(code)),
        )
    return None


def _complaint(mail: Message, event: str) -> StatusReport:
    """Somebody called our mail unwanted (RFC 5965); where the report names none of ours, a person looks at it.

    Providers strike out Message-IDs; then the address bounces go to may still be there, as the report's own recipient
    or as the envelope's sender it quotes.
    """
    ours = _original_id(mail)
    envelopes = " ".join(_header(part, "Original-Mail-From") for part in mail.walk())
    found = ATTEMPT_ID.search(ours) or BOUNCE_ADDRESS.search(f"{_recipients(mail)} {envelopes}")
    return StatusReport(
        ChannelKind.EMAIL,
        event,
        reference=ours,
        state=Delivery.DELIVERED,
        attempt=UUID(found[1]) if found else None,
        complaint=True,
    )


def _recipients(mail: Message) -> str:
    return " ".join(_header(mail, name) for name in RECIPIENT_HEADERS)


def _original_id(mail: Message) -> str:
    """The Message-ID of the mail a notification is about, from the copy of it or of its headers."""
    for part in mail.walk():
        if part is not mail and part.get_content_type() == "text/rfc822-headers":
            part = message_from_bytes(_bytes(part))
        if part is not mail and (found := _header(part, "Message-ID").strip()):
            return found[:200]
    return ""


def _event(mail: Message, raw: bytes) -> str:
    given = _header(mail, "Message-ID").strip()
    return given if 3 <= len(given) <= 200 and given.isprintable() else f"sha256:{sha256(raw).hexdigest()}"


def _header(mail: Message, name: str) -> str:
    """The first header of that name, on one line and bounded, in clean text."""
    value = str(mail.get(name, ""))[:LONGEST_HEADER]
    return value.encode("utf-8", "replace").decode().replace("\r", "").replace("\n", " ").replace("\0", "")


def _decoded(header: str) -> str:
    try:
        parts = decode_header(header)
    except ValueError:
        return header
    return "".join(part if isinstance(part, str) else _words(part, charset or "") for part, charset in parts)


def _text(mail: Message) -> str:
    """The first plain part, else the first HTML part as text; attachments and enclosed mails are left alone."""
    first_html = ""
    for part in _own_parts(mail):
        kind, charset = part.get_content_type(), part.get_param("charset", "")
        if kind == "text/plain":
            if words := _words(_bytes(part), charset).strip():
                return words
        elif kind == "text/html" and not first_html:
            first_html = _from_html(_words(_bytes(part), charset))
    return first_html


def _own_parts(mail: Message) -> list[Message]:
    parts, waiting = [], [mail]
    while waiting:
        part = waiting.pop()
        if part.is_multipart():
            inside = part.get_payload() if part.get_content_maintype() == "multipart" else []
            waiting.extend(reversed([inner for inner in inside if isinstance(inner, Message)]))
        elif part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment":
            parts.append(part)
    return parts


def _bytes(part: Message) -> bytes:
    del part["Content-Type"]  # or the library runs whatever codec the mail names as its charset
    payload = part.get_payload(decode=True)
    return payload[:LONGEST_PART] if isinstance(payload, bytes) else b""


def _words(data: bytes, charset: object) -> str:
    name = str(charset).strip().lower()
    if not CHARSETS.fullmatch(name):
        name = "utf-8"  # also keeps away codecs that are slow or no charsets at all
    try:
        return data.decode(name, "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


class _Text(HTMLParser):
    """The visible text of an HTML mail; quotations, styles and scripts are passed over."""

    SILENT = frozenset({"head", "style", "script", "title", "blockquote"})
    BREAKS = frozenset({"p", "div", "br", "li", "tr", "hr", "h1", "h2", "h3", "table"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":
            self._silent = 0  # whatever was left open before it
        elif tag in self.SILENT:
            self._silent += 1
        elif tag in self.BREAKS:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in self.BREAKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(" ".join(data.split()) + " " * data[-1:].isspace())


def _from_html(html: str) -> str:
    reader = _Text()
    try:
        reader.feed(html)
        reader.close()
    except AssertionError:
        pass  # the parser's own complaint about broken markup: what was read so far stands
    return "\n".join(line.strip() for line in "".join(reader.words).splitlines() if line.strip())
