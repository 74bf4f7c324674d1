"""What the sandbox's Twilio services share: one account that signs what it posts, lets only itself in, words errors."""

from __future__ import annotations

import hmac
import re
from abc import ABC
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NotRequired, Protocol, TypedDict, TypeVar, Unpack
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from aiohttp import web

from channels.sandbox.loopback import HttpCarrier
from channels.signatures import FORM, sign_form

NUMBER = re.compile(r"\+[1-9]\d{6,14}")
REASONS = {
    "20003": "Authenticate",
    "20404": "The requested resource was not found",
    "20429": "Too Many Requests",
    "20500": "An internal server error has occurred",
    "21205": "The Url of a call is not valid",
    "21211": "Invalid 'To' Phone Number",
    "21212": "Invalid 'From' Number",
    "21602": "Message body is required",
    "21603": "A 'From' phone number is required",
    "21610": "Attempt to send to unsubscribed recipient",
    "21617": "The concatenated message body exceeds the 1600 character limit",
}


class Particulars(TypedDict):
    """What an account is made of."""

    account_sid: str
    auth_token: str
    number: str
    now: Callable[[], datetime]
    public_url: NotRequired[str]
    journal: NotRequired[Path | None]


class TwilioAccount(HttpCarrier, ABC):
    """One Twilio account with one `number`. What it posts goes below `public_url`. It lists `most_listed` at once."""

    most_listed = 1000

    def __init__(self, **account: Unpack[Particulars]) -> None:
        super().__init__(account.get("public_url", ""), account["now"], account.get("journal"))
        self._account, self._token, self._number = account["account_sid"], account["auth_token"], account["number"]

    def _headers(self, url: str, body: str) -> Mapping[str, str]:
        pairs = parse_qsl(body, keep_blank_values=True)
        return {
            "Content-Type": FORM,
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": sign_form(self._token, url, pairs),
            "I-Twilio-Idempotency-Token": str(uuid4()),
        }

    def _is_ours(self, request: web.Request) -> bool:
        login = f"{self._account}:{self._token}".encode()
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        return request.match_info["account"] == self._account and hmac.compare_digest(
            given, b"Basic " + b64encode(login)
        )


def asked_time(text: str) -> datetime | None:
    """A day or a moment of a query, in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text) if text else None
    return moment.replace(tzinfo=UTC) if moment else None


class Listed(Protocol):
    """A message or a call of a list."""

    @property
    def sid(self) -> str: ...


One = TypeVar("One", bound=Listed)


def page_of(
    kind: str,
    found: Sequence[One],
    resource: Callable[[One], Mapping[str, object]],
    query: Mapping[str, str],
    path: str,
    most: int,
) -> Mapping[str, object]:
    """One page of a list, newest first, with the address of the next: it goes on after what was shown last, whatever
    has come since. A long list is paged through often: only what is shown becomes a `resource`."""
    size, token = min(int(query.get("PageSize", "50")), most), query.get("PageToken")
    first = next((no for no, one in enumerate(found, 1) if f"PA{one.sid}" == token), 0) if token else 0
    shown, asked = found[first : first + size], {name: value for name, value in query.items() if name != "PageToken"}
    following = None
    if first + size < len(found):
        following = f"{path}?{urlencode({**asked, 'PageSize': str(size), 'PageToken': f'PA{shown[-1].sid}'})}"
    return {
        "page": 0,
        "page_size": size,
        "uri": path,
        "next_page_uri": following,
        kind: [resource(one) for one in shown],
    }


def error(status: int, code: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """A refusal as Twilio words it."""
    body = {
        "code": int(code),
        "message": REASONS.get(code, "The request was refused"),
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return web.json_response(body, status=status, headers=headers)
