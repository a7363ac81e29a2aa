# SPDX-License-Identifier: GPL-3.0-or-later
"""Emulated instances as fixtures; every product, or one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from emulated.emulator import Emulator
from emulated.facts import PRODUCTS

Make = Callable[..., Emulator]


@pytest.fixture
def make_emulator(tmp_path: Path) -> Iterator[Make]:
    """Makes instances of a product, each in a directory of its own, and ends them."""
    made: list[Emulator] = []

    def make(product: str = "iris2025", name: str = "CFIS", start: bool = True) -> Emulator:
        emulator = Emulator(tmp_path / f"{product}-{len(made)}", product, name)
        made.append(emulator)
        if start:
            emulator.start()
        return emulator

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    emulator = Emulator(tmp_path_factory.mktemp("shared") / "i", "iris2025")
    emulator.start()
    yield emulator
    emulator.close()


@pytest.fixture
def shared(_shared: Emulator) -> Emulator:
    """One running IRIS for all tests of a file, cleaned for each."""
    _shared.clean()
    return _shared


@pytest.fixture(params=sorted(PRODUCTS))
def emulated(make_emulator: Make, request: pytest.FixtureRequest) -> Emulator:
    """A running instance of each product."""
    return make_emulator(request.param)


@pytest.fixture
def iris2025(make_emulator: Make) -> Emulator:
    return make_emulator("iris2025")


@pytest.fixture
def cache2018(make_emulator: Make) -> Emulator:
    return make_emulator("cache2018")


@pytest.fixture
def cache2008(make_emulator: Make) -> Emulator:
    return make_emulator("cache2008")
