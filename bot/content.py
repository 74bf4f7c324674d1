"""What was said, as the store keeps it: typed messages and replies in JSON, so that a text can be rendered later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dialogs.message import Chose, Keys, Message, Option, Reply, Said
from dialogs.state import packed, unpacked


def pack(messages: Sequence[Message]) -> dict[str, Any]:
    """Messages of one turn as JSON."""
    return {
        "messages": [
            {
                "key": message.key,
                "args": {name: packed(value) for name, value in message.args.items()},
                "options": [[option.id, option.key] for option in message.options],
            }
            for message in messages
        ]
    }


def unpack(content: Mapping[str, Any]) -> tuple[Message, ...]:
    """The inverse of `pack`."""
    return tuple(
        Message(
            stored["key"],
            {name: unpacked(value) for name, value in stored["args"].items()},
            tuple(Option(*option) for option in stored["options"]),
        )
        for stored in content["messages"]
    )


def pack_reply(reply: Reply) -> dict[str, Any]:
    """A reply as JSON; its words are kept apart, as personal data."""
    match reply:
        case Said():
            return {"reply": "said"}
        case Chose(option):
            return {"reply": "chose", "option": option}
        case Keys(digits):
            return {"reply": "keys", "digits": digits}
