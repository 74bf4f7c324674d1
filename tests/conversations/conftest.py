"""The option that writes golden talks anew; it is known when pytest is started on tests/conversations."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write the golden talks anew from what the bot says now")
