# SPDX-License-Identifier: GPL-3.0-or-later
"""One sandbox with three application servers for the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from environment import Environment

TURNS = 3


def pytest_addoption(parser: pytest.Parser) -> None:
    """--turn: which of the rotating tests."""
    parser.addoption("--turn", default="all", help="of the rotating tests a third, by this number; or all")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the rotating tests those whose turn it is."""
    turn = config.getoption("--turn", "all")
    if turn == "all":
        return
    rotating = [item for item in items if item.get_closest_marker("rotating")]
    waiting = [item for place, item in enumerate(rotating) if place % TURNS != int(turn) % TURNS]
    config.hook.pytest_deselected(items=waiting)
    items[:] = [item for item in items if item not in waiting]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A sandbox that is up; nothing is installed."""
    # Not below pytest's own long path: sockets of ssh have short names only.
    environment = Environment(Path(tmp_path_factory.mktemp("sb")))
    try:
        environment.sandbox("up", "--app-servers", "3")
        yield environment
    finally:
        environment.sandbox("down")


@pytest.fixture
def installed(sandbox: Environment) -> Environment:
    """The sandbox with CFIS001 current, whatever a test before left."""
    if "CFIS001" not in sandbox.entry("/cfis/api/status")[1]:
        for ticket in ("CHG0000003", "CHG0000002"):
            sandbox.play("rollback", ticket)
        run = sandbox.release("CHG0000001")
        assert run.verdict in ("done", "nothing_to_do"), run.output
    return sandbox
