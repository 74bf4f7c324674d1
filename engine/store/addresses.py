"""Addresses by their blind index: the only way they are compared, so that what is stored may become a ciphertext."""

from __future__ import annotations

from hashlib import sha256

import phonenumbers

from engine.contact import ChannelKind


class BadAddress(ValueError):
    """The address does not fit its channel: a phone in international form (+373...), a mail address, a chat number."""


def normal(channel: ChannelKind, address: str) -> str:
    """The one form of an address: E.164 for phones, lower case for mail. Raises BadAddress."""
    text = address.strip()
    match channel:
        case ChannelKind.SMS | ChannelKind.VOICE:
            return _phone(text)
        case ChannelKind.EMAIL:
            name, at, host = text.rpartition("@")
            if not (at and name and "." in host) or any(mark in text for mark in ' \r\n\t<>,;"'):
                raise BadAddress(f"'{address}' is not a mail address")
            return text.lower()
        case ChannelKind.TELEGRAM:
            if not text.lstrip("-").isdigit():
                raise BadAddress(f"'{address}' is not the number of a Telegram chat")
            return text


def _phone(text: str) -> str:
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise BadAddress(f"'{text}' is not a phone number in international form, such as +40712345678") from None
    if not phonenumbers.is_possible_number(number):
        raise BadAddress(f"'{text}' has too few or too many digits for its country")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def blind_index(channel: ChannelKind, address: str) -> bytes:
    """What an address is looked up by: a digest of its normal form and channel. Raises BadAddress."""
    return sha256(f"{channel}:{normal(channel, address)}".encode()).digest()
