"""A problem of a script or catalog: what kind, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dialogs.flow import Script, Step


class Kind(StrEnum):
    """What can be wrong. Each kind is shown by a script in tests/dialogs/broken."""

    OLD_SPEC = "old_spec"
    MISSING_TRANSLATION = "missing_translation"
    STALE_TRANSLATION = "stale_translation"
    DOUBTFUL_TRANSLATION = "doubtful_translation"
    UNUSED_TRANSLATION = "unused_translation"
    PLACEHOLDERS = "placeholders"
    PLURAL_FORMS = "plural_forms"
    PLURAL_COUNT = "plural_count"
    UNKNOWN_FACT = "unknown_fact"
    UNREACHABLE = "unreachable"
    DEAD_END = "dead_end"
    NO_EXIT = "no_exit"
    LOOP = "loop"
    TALKS_ON = "talks_on"
    UNCONFIRMED = "unconfirmed"
    DEBT_BEFORE_IDENTITY = "debt_before_identity"
    TOO_LONG = "too_long"
    UNSPEAKABLE = "unspeakable"
    KEY_COLLISION = "key_collision"
    NO_OPT_OUT = "no_opt_out"
    UNKNOWN_OPTION = "unknown_option"


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem; `language` is empty where it is the script itself."""

    kind: Kind
    file: str
    step: str
    language: str
    what: str
    remedy: str

    def __str__(self) -> str:
        where = " ".join(filter(None, (self.file, self.step, self.language)))
        return f"{where}: {self.what}; {self.remedy}"


def of_step(kind: Kind, step: Step, what: str, remedy: str, language: str = "") -> Issue:
    """A problem of a step; that of a called script is named as its own file names it."""
    return Issue(kind, step.file, step.id.rpartition(".")[2], language, what, remedy)


def of_text(kind: Kind, script: Script, key: str, what: str, remedy: str, language: str = "") -> Issue:
    """A problem of a text: the file and step are those its key names."""
    name, step, *_ = [*key.split("."), ""]
    file = script.file if key in script.own else f"{name}.yaml"
    return Issue(kind, file, step, language, f"{key}: {what}", remedy)
