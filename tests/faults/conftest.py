# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults: without ``--all-faults`` only the slice that ``make test`` runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fault_scene import Scene
from xfs_disk import Disk, new_disk

COUNTS = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-faults", action="store_true", help="every fault, not only the slice of make test")
    parser.addoption("--fault-seconds", type=int, default=600, help="how long to kill at one call after the other")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COUNTS] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Not an option where pytest was started for all tests: this file is loaded too late then.
    if config.getoption("--all-faults", default=False):
        return
    here = [item for item in items if item.path.parent.name == "faults"]
    left = [item for item in here if item.get_closest_marker("slice") is None]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[COUNTS]:
        terminalreporter.section("faults")
        for line in config.stash[COUNTS]:
            terminalreporter.line(line)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> list[str]:
    """Lines for the end of the run."""
    return request.config.stash[COUNTS]


@pytest.fixture(scope="module")
def _scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    place = tmp_path_factory.mktemp("scene")
    made = Scene(place / "w", place / "saved")
    yield made
    made.begin_again()


@pytest.fixture
def scene(_scene: Scene) -> Iterator[Scene]:
    """A host on an ordinary file system."""
    _scene.begin_again()
    yield _scene
    _scene.gtm.close()


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    """An XFS whose power can be cut."""
    made = new_disk(tmp_path_factory.mktemp("disk"))
    yield made
    made.remove()


@pytest.fixture(scope="module")
def _on_disk(disk: Disk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(disk.mount / "w", tmp_path_factory.mktemp("saved") / "w")
    yield made
    made.begin_again()


@pytest.fixture
def on_disk(_on_disk: Scene) -> Iterator[Scene]:
    """A host whose instance, backup sets and ledger all lie on the XFS."""
    _on_disk.begin_again()
    yield _on_disk
    _on_disk.gtm.close()
