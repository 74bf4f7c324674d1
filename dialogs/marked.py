"""YAML whose parts remember their lines, so that an error in a script can say where it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

try:
    from yaml import CBaseLoader as BaseLoader  # ten times as fast, where libyaml is at hand
except ImportError:
    from yaml import BaseLoader  # type: ignore[assignment] # both read every scalar as text


class Fault(Exception):
    """The file is not what it should be: `what` is wrong at `line`, `remedy` says how to put it right."""

    def __init__(self, line: int, what: str, remedy: str) -> None:
        super().__init__(f"line {line}: {what}; {remedy}")
        self.line, self.what, self.remedy = line, what, remedy


class Marked(dict[str, Any]):
    """A YAML mapping, every scalar of it text as written (`yes`, `on` and `1` stay words), each key with its line."""

    def __init__(self, line: int, parts: Mapping[str, Any] | None = None) -> None:
        super().__init__(parts or {})
        self.line = line
        self.lines: dict[str, int] = dict.fromkeys(self, line)

    def at(self, key: str) -> int:
        """The line of the key, or of the mapping where it has no such key."""
        return self.lines.get(key, self.line)

    def but(self, without: str, line: int, **parts: Any) -> Marked:
        """Another mapping like this one, without that key, and with those parts in their place or at the end."""
        other = Marked(self.line, {key: part for key, part in {**self, **parts}.items() if key != without})
        other.lines = {key: self.lines.get(key, line) for key in other}
        return other

    def only(self, *known: str) -> None:
        """Raise Fault if there is any key but these."""
        for key in self:
            if key not in known:
                raise Fault(self.at(key), f"'{key}' is not known here", f"use one of: {', '.join(known)}")

    def text(self, key: str, default: str | None = None) -> str:
        """The scalar under the key. Raises Fault where it is missing without default, or is no scalar."""
        value = self.get(key, default)
        if value is None:
            raise Fault(self.line, f"'{key}' is missing", f"add '{key}:'")
        if not isinstance(value, str):
            raise Fault(self.at(key), f"'{key}' must be a plain text", f"write '{key}: some text' on one line")
        return value

    def mapping(self, key: str) -> Marked:
        """The mapping under the key, empty where it is missing. Raises Fault where it is something else."""
        value = self.get(key, Marked(self.line))
        if not isinstance(value, Marked):
            raise Fault(self.at(key), f"'{key}' must hold named parts", f"indent 'name: value' lines under '{key}:'")
        return value

    def words(self, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
        """The words in the list under the key, none where it is missing. Raises Fault where one is not known."""
        value = self.get(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str) and word in known for word in value):
            raise Fault(self.at(key), f"'{key}' must be a list of known words", f"write [{', '.join(known)}]")
        return tuple(value)

    def rows(self, key: str) -> tuple[Marked, ...]:
        """The mappings in the list under the key, none where it is missing. Raises Fault where it is something else."""
        value = self.get(key, [])
        if not isinstance(value, list) or not all(isinstance(row, Marked) for row in value):
            raise Fault(self.at(key), f"'{key}' must be a list", f"write lines '- {{name: value}}' under '{key}:'")
        return tuple(value)


class _Loader(BaseLoader):
    """Reads every scalar as text."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Marked:
    marked = Marked(node.start_mark.line + 1)
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise Fault(line, "a key must be a plain word", "write 'name: value'")
        if key_node.value in marked:
            raise Fault(line, f"'{key_node.value}' is there twice", "remove or rename one of them")
        marked[key_node.value] = loader.construct_object(value_node, deep=True)
        marked.lines[key_node.value] = line
    return marked


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_marked(text: str) -> Marked:
    """Parse YAML that is one mapping. Raises Fault."""
    try:
        root = yaml.load(text, _Loader)  # noqa: S506 a BaseLoader makes nothing but texts, lists and mappings
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Fault(
            line, f"this is not YAML: {error.problem}", "put texts in double quotes, and indent with spaces"
        ) from None
    except (yaml.YAMLError, RecursionError, UnicodeError):
        raise Fault(1, "this is not YAML", "save the file as UTF-8 text without control characters") from None
    if not isinstance(root, Marked):
        raise Fault(1, "the file must hold named parts", "begin with 'spec: 2'")
    return root
