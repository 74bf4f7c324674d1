"""Who a webhook comes from. Verifying answers True or False and never raises, whatever an unknown caller sends."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

from twilio.request_validator import RequestValidator

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 200
TOLERANCE = timedelta(minutes=5)

Pairs = Sequence[tuple[str, str]]


class NotAForm(ValueError):
    """The body is not a URL-encoded form."""


def form_pairs(body: bytes) -> list[tuple[str, str]]:
    """The fields of a URL-encoded body in order, blank and repeated ones kept. Raises NotAForm."""
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise NotAForm("the body is not a URL-encoded form") from None


class _Fields:
    """A form as RequestValidator wants it: each name with all its values."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def __iter__(self) -> object:
        return iter([name for name, _ in self._pairs])

    def __len__(self) -> int:
        return len(self._pairs)

    def getall(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]


def sign_form(token: str, url: str, pairs: Pairs) -> str:
    """The X-Twilio-Signature of a form posted to `url`, as Twilio computes it."""
    return str(RequestValidator(token).compute_signature(url, _Fields(pairs)))


class TwilioVerifier:
    """Checks that a webhook was signed by Twilio for our public address.

    `public_url` is what Twilio was told, not what a request says of itself; `tokens` are the auth tokens live now,
    two while one replaces the other.
    """

    def __init__(self, public_url: str, tokens: Sequence[str]) -> None:
        self._bases = _with_and_without_port(public_url)
        self._tokens = tuple(token for token in tokens if token)

    def verify(
        self, raw_path: bytes, raw_query: bytes, body: bytes, content_type: str | None, signature: str | None
    ) -> bool:
        """Whether one live token signed this request; path and query as they stood on the wire, undecoded."""
        if not signature or (content_type or "").partition(";")[0].strip().lower() != FORM:
            return False
        try:
            fields = form_pairs(body)
            tail = raw_path.decode("ascii") + ("?" + raw_query.decode("ascii") if raw_query else "")
        except (NotAForm, UnicodeDecodeError):
            return False
        given = signature.encode("utf-8", "replace")
        return any(
            hmac.compare_digest(sign_form(token, base + tail, fields).encode(), given)
            for token in self._tokens
            for base in self._bases
        )


def _with_and_without_port(public_url: str) -> tuple[str, ...]:
    """Twilio's back ends differ on whether the signed address has its port: both are tried, as its own SDK does."""
    parts = urlsplit(public_url.rstrip("/"))
    host = parts.netloc.removesuffix(f":{parts.port}") if parts.port else parts.netloc
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return tuple(parts._replace(netloc=netloc).geturl() for netloc in (host, f"{host}:{port}"))


def sign_event(secret: str, body: bytes, now: datetime) -> str:
    """The header of a payment event: `t=<unix seconds>,v1=<HMAC-SHA256 of "t.body">`."""
    stamp = str(int(now.timestamp()))
    return f"t={stamp},v1={_digest(secret, stamp, body)}"


def verify_event(
    secrets: Sequence[str], body: bytes, header: str | None, now: datetime, tolerance: timedelta = TOLERANCE
) -> bool:
    """Whether one of the live secrets signed the body, not longer ago than `tolerance` nor further ahead."""
    fields = [item.strip().partition("=") for item in (header or "")[:1000].split(",")]
    stamps = [value for name, _, value in fields if name == "t"]
    given = [value for name, _, value in fields if name == "v1"]
    if len(stamps) != 1 or not (stamps[0].isascii() and stamps[0].isdigit() and len(stamps[0]) <= 12):
        return False
    if abs(now.timestamp() - int(stamps[0])) > tolerance.total_seconds():
        return False
    return any(
        hmac.compare_digest(_digest(secret, stamps[0], body).encode(), value.encode("utf-8", "replace"))
        for secret in secrets
        if secret
        for value in given
    )


def is_secret(expected: str, given: str | None) -> bool:
    """Whether a header holds the secret Telegram was told; an empty secret is never right."""
    return bool(expected) and hmac.compare_digest(expected.encode(), (given or "").encode("utf-8", "replace"))


def _digest(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
