# SPDX-License-Identifier: GPL-3.0-or-later
"""One sandbox with three application servers for the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from environment import Environment


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A sandbox that is up; nothing is installed."""
    # Not below pytest's own long path: sockets of ssh have short names only.
    environment = Environment(Path(tmp_path_factory.mktemp("sb")))
    environment.sandbox("up", "--app-servers", "3")
    yield environment
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
