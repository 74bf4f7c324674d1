"""`amiable user`: who may sign in, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli.user import user

LONG = "a long and quiet sentence\n"


@pytest.fixture
def amiable(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("AMIABLE_DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, said: str = "") -> Result:
        return CliRunner().invoke(user, list(arguments), input=said)

    return run


def test_a_user_is_added_listed_disabled_and_let_in_again(amiable):
    assert "nobody yet" in amiable("list").output
    assert amiable("add", "Olga", "--name", "Olga Marin", "--password-stdin", said=LONG).exit_code == 0
    listed = amiable("list").output
    assert "olga" in listed
    assert "Olga Marin" in listed
    assert "active" in listed
    assert "cannot sign in" in amiable("disable", "olga").output
    assert "disabled" in amiable("list").output
    assert "new password" in amiable("reset", "OLGA", "--password-stdin", said=LONG).output
    assert "active" in amiable("list").output


@pytest.mark.parametrize(
    ("arguments", "said", "sentence"),
    [
        (("add", "olga", "--password-stdin"), "short\n", "15 to 200 characters"),
        (("reset", "nobody", "--password-stdin"), LONG, "no user 'nobody'"),
        (("disable", "nobody"), "", "no user 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_bad_usage_said_in_a_sentence(amiable, arguments, said, sentence):
    answer = amiable(*arguments, said=said)
    assert answer.exit_code == 2
    assert sentence in " ".join(answer.output.replace("│", " ").split())


def test_a_login_can_be_taken_only_once(amiable):
    assert amiable("add", "olga", "--password-stdin", said=LONG).exit_code == 0
    assert amiable("add", "OLGA", "--password-stdin", said=LONG).exit_code == 2
