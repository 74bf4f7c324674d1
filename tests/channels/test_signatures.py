from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.signatures import FORM, TwilioVerifier, form_pairs, sign_event, sign_form, verify_event

# The vectors of Twilio's own SDK: token 12345, address and forms as in its tests.
URL, PATH, QUERY = "https://mycompany.com/myapp.php?foo=1&bar=2", b"/myapp.php", b"foo=1&bar=2"
CALL = (
    b"CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309",
    "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
)
REPEATED = (b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234", "IK+Dwps556ElfBT0I3Rgjkr1wJU=")
VERIFIER = TwilioVerifier("https://mycompany.com", ["12345"])


@pytest.mark.parametrize(("body", "signature"), [CALL, REPEATED])
def test_twilio_s_own_vectors_pass(body: bytes, signature: str) -> None:
    assert sign_form("12345", URL, form_pairs(body)) == signature
    assert VERIFIER.verify(PATH, QUERY, body, FORM, signature)
    assert VERIFIER.verify(PATH, QUERY, body, FORM + "; charset=utf-8", signature)


@pytest.mark.parametrize("public", ["https://mycompany.com/", "https://mycompany.com:443"])
def test_a_signature_holds_with_and_without_the_port(public: str) -> None:
    assert TwilioVerifier(public, ["12345"]).verify(PATH, QUERY, *CALL_AS_SENT)


CALL_AS_SENT = (CALL[0], FORM, CALL[1])


def test_both_tokens_of_a_rotation_pass() -> None:
    assert TwilioVerifier("https://mycompany.com", ["new", "12345"]).verify(PATH, QUERY, *CALL_AS_SENT)
    assert not TwilioVerifier("https://mycompany.com", ["new", ""]).verify(PATH, QUERY, *CALL_AS_SENT)


@pytest.mark.parametrize(
    ("path", "query", "body", "kind", "signature"),
    [
        (PATH, b"foo=1&bar=3", *CALL_AS_SENT),
        (b"/other", QUERY, *CALL_AS_SENT),
        (PATH, QUERY, CALL[0] + b"&Extra=1", FORM, CALL[1]),
        (PATH, QUERY, CALL[0], None, CALL[1]),
        (PATH, QUERY, CALL[0], "application/json", CALL[1]),
        (PATH, QUERY, CALL[0], "multipart/form-data; boundary=x", CALL[1]),
        (PATH, QUERY, CALL[0], FORM, None),
        (PATH, QUERY, CALL[0], FORM, ""),
        (PATH, QUERY, CALL[0], FORM, "ünicode\ud800"),
        (b"/\xff", QUERY, *CALL_AS_SENT),
        (PATH, QUERY, b"\xff\xfe", FORM, CALL[1]),
        (PATH, QUERY, b"&".join([b"a=1"] * 500), FORM, CALL[1]),
    ],
)
def test_anything_else_is_refused(path: bytes, query: bytes, body: bytes, kind: str | None, signature: str) -> None:
    assert not VERIFIER.verify(path, query, body, kind, signature)


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=200), st.text(max_size=60), st.text())
def test_verifying_never_raises(path: bytes, query: bytes, body: bytes, kind: str, signature: str) -> None:
    assert not VERIFIER.verify(path, query, body, FORM, signature)
    assert not VERIFIER.verify(path, query, body, kind, signature)


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=20)), max_size=6))
def test_whatever_is_signed_passes(pairs: list[tuple[str, str]]) -> None:
    body = urlencode(pairs, errors="replace").encode()
    signature = sign_form("12345", URL, form_pairs(body))
    assert VERIFIER.verify(PATH, QUERY, body, FORM, signature)


def test_a_payment_event_passes_within_five_minutes_either_way(now: datetime) -> None:
    header = sign_event("whsec", b"{}", now)
    for minutes in (-5, 0, 5):
        assert verify_event(["old", "whsec"], b"{}", header, now + timedelta(minutes=minutes))
    for minutes in (-6, 6):
        assert not verify_event(["whsec"], b"{}", header, now + timedelta(minutes=minutes))


def test_a_payment_event_of_another_body_or_secret_is_refused(now: datetime) -> None:
    header = sign_event("whsec", b"{}", now)
    assert not verify_event(["whsec"], b"{ }", header, now)
    assert not verify_event(["other"], b"{}", header, now)
    assert not verify_event(["", "other"], b"{}", sign_event("", b"{}", now), now)
    assert not verify_event(["whsec"], b"{}", None, now)
    assert not verify_event(["whsec"], b"{}", header + f",t={int(now.timestamp())}", now)
    assert verify_event(["whsec"], b"{}", header + ",v1=other", now)


@given(st.text(max_size=80) | st.from_regex(r"t=\w{0,20},v1=\w{0,20}", fullmatch=True))
def test_verifying_a_payment_event_never_raises(header: str) -> None:
    assert not verify_event(["whsec"], b"{}", header, datetime.fromisoformat("2026-03-11T08:00:00+00:00"))
