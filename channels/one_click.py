"""Unsubscribing by one click (RFC 8058): what a mail says of it, what a mail program posts, and what that means.

The relay that signs mails with DKIM must sign both headers; without that mail programs do not offer it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.policy import Policy

from channels.incoming_mail import STOP
from channels.port import Inbound
from channels.signatures import NotAForm, form_pairs
from dialogs.message import Said
from engine.contact import ChannelKind

PATH = "/stop"
FIELD, VALUE = "List-Unsubscribe", "One-Click"
IN_PARTS = re.compile(rb'name="?List-Unsubscribe"?[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\nOne-Click\r\n--')
"""The field in a body of multipart/form-data."""
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,100}")


class _Places(UnstructuredHeader, BaseHeader):
    """Addresses in angle brackets, a line for each: a long one may not be broken, nor encoded as words are."""

    def fold(self, *, policy: Policy) -> str:
        lines = str(self).replace(", ", f",{policy.linesep} ")
        return f"{self.name}: {lines}{policy.linesep}"


HEADERS = HeaderRegistry()
HEADERS.map_to_type(FIELD, _Places)


def list_headers(thread: str, domain: str, public_url: str) -> Mapping[str, str]:
    """The headers by which a talk's address is unsubscribed: by mail, and by one click where HTTPS reaches us."""
    by_mail = f"<mailto:stop+{thread}@{domain}>"
    if not public_url.startswith("https://"):
        return {FIELD: by_mail}
    return {FIELD: f"<{public_url.rstrip('/')}{PATH}/{thread}>, {by_mail}", f"{FIELD}-Post": f"{FIELD}={VALUE}"}


def is_one_click(body: bytes) -> bool:
    """Whether a body is the form that unsubscribes, in either of the encodings of forms."""
    try:
        return (FIELD, VALUE) in form_pairs(body) or IN_PARTS.search(body) is not None
    except NotAForm:
        return IN_PARTS.search(body) is not None


def read_one_click(raw: bytes) -> Inbound:
    """What the token of a talk says when it is posted. Nobody knows who did."""
    return Inbound(ChannelKind.EMAIL, "", "", Said(STOP), thread=raw.decode(), unsubscribes=True)
