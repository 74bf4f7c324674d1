"""Card numbers are masked before anything is kept; other numbers stay as they are."""

from __future__ import annotations

import json
from email.message import EmailMessage
from urllib.parse import parse_qs, urlencode

import pytest

from bot.cards import masked_event, masked_reply
from dialogs.message import Chose, Said
from dialogs.reading.cards import masked

CARD = "4111 1111 1111 1111"
HIDDEN = "************1111"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"here is my card {CARD} exp 12/27", f"here is my card {HIDDEN} exp 12/27"),
        ("карта 5500005555555559!", "карта ************5559!"),
        ("3782-822463-10005", "***********0005"),
        ("4111-1111-1111-1111", HIDDEN),
        ("договір 4111111111111112", "договір 4111111111111112"),
        ("+40 700 000 001", "+40 700 000 001"),
        ("0000000000000000", "0000000000000000"),
        ("iban MD24AG000225100013104168", "iban MD24AG000225100013104168"),
        ("https://pay.example/4111111111111111", "https://pay.example/4111111111111111"),
    ],
)
def test_only_card_numbers_are_masked(text: str, kept: str) -> None:
    assert masked(text) == kept


def test_a_reply_loses_its_card_number_and_a_button_stays() -> None:
    assert masked_reply(Said(f"pay with {CARD}")) == Said(f"pay with {HIDDEN}")
    assert masked_reply(Chose("promise")) == Chose("promise")


def test_a_text_message_is_stored_without_the_number_and_with_its_identifiers() -> None:
    form = {"MessageSid": "SM4111111111111111", "From": "+37360000001", "Body": f"card {CARD}"}
    kept = parse_qs(masked_event("twilio-sms", urlencode(form).encode()).decode())
    assert kept == {"MessageSid": [form["MessageSid"]], "From": [form["From"]], "Body": [f"card {HIDDEN}"]}


def test_an_update_is_stored_without_the_number() -> None:
    update = {"update_id": 4111111111111111, "message": {"text": CARD, "chat": {"id": 4111111111111111}}}
    kept = json.loads(masked_event("telegram", json.dumps(update).encode()))
    assert kept == {"update_id": 4111111111111111, "message": {"text": HIDDEN, "chat": {"id": 4111111111111111}}}


@pytest.mark.parametrize("encoding", ["7bit", "base64", "quoted-printable"])
def test_a_mail_is_stored_without_the_number_however_it_is_encoded(encoding: str) -> None:
    mail = EmailMessage()
    mail["Message-ID"] = "<4111111111111111@mail.example>"
    mail.set_content(f"My card is {CARD}.\n", cte=encoding)
    kept = masked_event("mail", bytes(mail))
    assert b"4111 1111" not in kept
    assert b"<4111111111111111@mail.example>" in kept


@pytest.mark.parametrize(
    ("provider", "raw"), [("telegram", b"{"), ("payments", CARD.encode()), ("twilio-sms", b"\xff")]
)
def test_what_cannot_be_read_is_kept_as_it_came(provider: str, raw: bytes) -> None:
    assert masked_event(provider, raw) == raw
