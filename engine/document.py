"""YAML documents people write (plans, scenarios), read as text with the line of every value for clear errors.

Scalars stay text: `on` is a key and not true, `0.10` is exact, `2025-08-01` is a day only where a day is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import yaml

Word = TypeVar("Word", bound=StrEnum)
Plain = str | None | list["Plain"] | dict[str, "Plain"]


class DocumentError(ValueError):
    """A document cannot be used: file, line, what is wrong and what would be right."""

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}" if line else f"{file}: {message}")
        self.file, self.line, self.message = file, line, message


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a document and where it stands. The typed readers raise DocumentError naming the place."""

    file: str
    line: int
    value: str | list[Node] | dict[str, Node] | None

    def wrong(self, message: str) -> DocumentError:
        """The error for this place."""
        return DocumentError(self.file, self.line, message)

    def mapping(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Node]:
        """The keys of a mapping. Unknown ones are refused by name."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"expected keys ({', '.join(required) or ', '.join(optional)}), found {self._kind()}")
        known = {*required, *optional}
        for key, node in self.value.items():
            if key not in known:
                raise node.wrong(f"unknown key '{key}'; the keys here are: {', '.join(sorted(known))}")
        for key in required:
            if key not in self.value:
                raise self.wrong(f"'{key}' is missing")
        return self.value

    def items(self) -> list[Node]:
        """The entries of a list."""
        if not isinstance(self.value, list):
            raise self.wrong(f"expected a list, found {self._kind()}")
        return self.value

    def text(self) -> str:
        """A text that is not empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.wrong(f"expected a text, found {self._kind()}")
        return self.value

    def texts(self) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(node.text() for node in self.items())

    def whole(self) -> int:
        """A whole number, not negative."""
        text = self.text()
        if not text.isascii() or not text.isdigit():
            raise self.wrong(f"expected a whole number, found '{text}'")
        return int(text)

    def flag(self) -> bool:
        """true or false."""
        text = self.text()
        if text not in ("true", "false"):
            raise self.wrong(f"expected true or false, found '{text}'")
        return text == "true"

    def word(self, words: type[Word]) -> Word:
        """One of an enumeration's words."""
        text = self.text()
        try:
            return words(text)
        except ValueError:
            raise self.wrong(f"'{text}' is not one of: {', '.join(words)}") from None

    def day(self) -> date:
        """A day as YYYY-MM-DD."""
        text = self.text()
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise self.wrong(f"'{text}' is not a day; write it as 2025-08-01") from None

    def moment(self) -> datetime:
        """A local time as YYYY-MM-DDTHH:MM, without a zone."""
        text = self.text()
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            raise self.wrong(f"'{text}' is not a time; write it as 2025-08-01T09:30") from None
        if value.tzinfo is not None:
            raise self.wrong(f"'{text}' names a zone; write the local time of the client without one")
        return value

    def plain(self) -> Plain:
        """The value as JSON would hold it, every scalar a text."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def _kind(self) -> str:
        match self.value:
            case dict():
                return "keys"
            case list():
                return "a list"
            case None | "":
                return "nothing"
            case _:
                return f"'{self.value}'"


def unique(nodes: Iterable[Node], names: Iterable[str], what: str) -> None:
    """Refuse the second of two entries of one name."""
    seen: set[str] = set()
    for node, name in zip(nodes, names, strict=True):
        if name in seen:
            raise node.wrong(f"there are two {what} named '{name}'; change one, or leave it out")
        seen.add(name)


def stored(value: Plain, file: str) -> Node:
    """A node of what `Node.plain` gave, read back from the store."""
    if isinstance(value, dict):
        return Node(file, 0, {key: stored(inner, file) for key, inner in value.items()})
    if isinstance(value, list):
        return Node(file, 0, [stored(inner, file) for inner in value])
    return Node(file, 0, value)


def read(path: Path) -> Node:
    """The document in a file. Raises DocumentError where it cannot be read or is not YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError(str(path), 0, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DocumentError(str(path), 0, "is not UTF-8 text") from error
    return parse(text, str(path))


def parse(text: str, file: str) -> Node:
    """The document in a text; `file` names it in errors."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise DocumentError(file, line, f"not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise DocumentError(file, 0, f"not YAML: {error}") from error
    if root is None:
        raise DocumentError(file, 1, "the file is empty")
    return _node(root, file)


def _node(node: yaml.Node, file: str) -> Node:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return Node(file, line, [_node(item, file) for item in node.value])
    if isinstance(node, yaml.MappingNode):
        pairs: dict[str, Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise DocumentError(file, key.start_mark.line + 1, "a key must be a plain word")
            if key.value in pairs:
                raise DocumentError(file, key.start_mark.line + 1, f"the key '{key.value}' stands twice")
            pairs[key.value] = _node(value, file)
        return Node(file, line, pairs)
    null = node.tag == "tag:yaml.org,2002:null"
    return Node(file, line, None if null else node.value)
