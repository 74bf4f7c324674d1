"""The rules of the house that no linter knows. Each message says what to do instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("engine", "dialogs", "channels", "bot")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
WRITTEN = [path for path in MODULES if "migrations" not in path.parts]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LONGEST_FILE, LONGEST_FUNCTION = 300, 45

SDK_HOMES = {
    "twilio": {
        "channels/twilio_api.py",
        "channels/twiml.py",
        "channels/signatures.py",
        "channels/sms.py",
        "channels/voice.py",
    },
    "aiogram": {"channels/telegram.py"},
    "aiosmtplib": {"channels/email.py", "channels/sandbox/smtp.py"},
    "apscheduler": {"engine/jobs.py"},
    "langdetect": {"dialogs/reading/language.py", "bot/bench/understand.py"},
}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", WRITTEN, ids=_name)
def test_a_file_fits_in_a_head(path: Path) -> None:
    lines = path.read_text().count("\n")
    assert lines <= LONGEST_FILE, f"{_name(path)} has {lines} lines: split it along a noun of the field"


@pytest.mark.parametrize("path", WRITTEN, ids=_name)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, FUNCTIONS):
            length = _lines(node) - sum(_lines(inner) for inner in node.body if isinstance(inner, FUNCTIONS))
            assert length <= LONGEST_FUNCTION, f"{_name(path)}: {node.name} has {length} lines: give its parts names"


@pytest.mark.parametrize("path", WRITTEN, ids=_name)
def test_what_is_public_says_what_a_reader_cannot_see(path: Path) -> None:
    tree = ast.parse(path.read_text())
    if path.name != "__init__.py" or tree.body:
        assert ast.get_docstring(tree), f"{_name(path)}: say in a line what the module is for"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{_name(path)}: {node.name} needs a docstring: units, zone, errors"


def test_only_the_session_commits() -> None:
    found = [_name(path) for path in WRITTEN if re.search(r"\.commit\(|\.begin\(", path.read_text())]
    assert found == ["engine/store/session.py"], "open a transaction with Database.write() instead"


def test_only_the_clock_reads_the_time() -> None:
    pattern = re.compile(r"datetime\.now\(|datetime\.utcnow\(|time\.time\(|date\.today\(")
    found = [_name(path) for path in WRITTEN if pattern.search(path.read_text())]
    assert found == ["bot/clock.py"], "take `now` as an argument"


def test_a_vendor_is_known_only_in_its_own_module() -> None:
    strangers = [
        f"{_name(path)} imports {module}"
        for path in WRITTEN
        for module in _imports(path)
        if (homes := SDK_HOMES.get(module.partition(".")[0])) and _name(path) not in homes
    ]
    assert strangers == [], "go through the channel's adapter instead"


def test_there_are_no_cupboards() -> None:
    cupboards = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
    found = [_name(path) for path in MODULES if path.stem in cupboards]
    assert found == [], "name the module for what it holds"


def test_the_packages_are_ours() -> None:
    for package in PACKAGES:
        assert Path(__import__(package).__path__[0]).resolve() == ROOT / package, f"another '{package}' is installed"


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
    found = [_name(path) for path in MODULES if marks.search(path.read_text())]
    assert found == [], "do it, or record it as an issue"
