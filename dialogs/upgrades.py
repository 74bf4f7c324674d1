"""Script files of older specs, as they would be written now: a chain of pure steps, one for each spec that is past."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from dialogs.flow import GRANTED, IN_TIME, SPEC
from dialogs.marked import Fault, Marked

NUMBER = re.compile(r"[1-9][0-9]{0,5}")
Change = tuple[int, str]
"""The line of an older file, and how it is written now."""


def current(root: Marked) -> tuple[Marked, tuple[Change, ...]]:
    """The file in the present spec, and what was changed for that. Raises Fault where the spec is newer or none."""
    if "spec" not in root:
        raise Fault(root.line, "'spec' is missing", f"add 'spec: {SPEC}'")
    said, line = root.text("spec"), root.at("spec")
    if not NUMBER.fullmatch(said):
        raise Fault(line, f"spec '{said}' is not known", f"write 'spec: {SPEC}'")
    if int(said) > SPEC:
        raise Fault(line, f"spec {said} is newer than this program", f"upgrade the program, or write 'spec: {SPEC}'")
    changes: list[Change] = []
    for spec in range(int(said), SPEC):
        root, changed = UPGRADES[spec](root)
        changes += [(line, f"write 'spec: {spec + 1}'"), *changed]
    return root, tuple(changes)


def _from_1(root: Marked) -> tuple[Marked, list[Change]]:
    """Spec 1 had keys of their own for a day in time and for parts that are granted: now they are branches."""
    steps, changes = root.mapping("steps"), list[Change]()
    for name in steps:
        step = steps.mapping(name)
        for condition in (IN_TIME, GRANTED):
            if condition in step:
                go, line = step.text(condition), step.at(condition)
                branch = Marked(line, {"when": condition, "go": go})
                step = step.but(condition, line, branch=[*step.rows("branch"), branch])
                changes.append((line, f"write 'branch: [{{when: {condition}, go: {go}}}]'"))
        steps = steps.but("", steps.at(name), **{name: step})
    return root.but("", root.at("steps"), steps=steps), changes


UPGRADES: Mapping[int, Callable[[Marked], tuple[Marked, list[Change]]]] = {1: _from_1}
"""By the spec they start from."""
