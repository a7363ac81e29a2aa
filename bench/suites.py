# SPDX-License-Identifier: GPL-3.0-or-later
"""A suite: contestants that share files and rules, and the rows that come out of their runs."""

from __future__ import annotations

import contextlib
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple

from . import datasets
from .datasets import Changes, Material
from .harness import Contestant, Step
from .rows import Promise

REPOSITORY = Path(__file__).resolve().parents[1]
GIB = 1 << 30
FULL_SIZE = 4 * GIB
#: guesses for the estimate, bytes a second: the device and its peers when nothing throttles them
FREE_RATE = 1.0 * GIB


class Setting(NamedTuple):
    """Where and how large. ``size``: of the dataset, in bytes; ``keep``: it is wanted for another run."""

    directory: Path
    size: int
    rounds: int
    keep: bool = False

    @property
    def full(self) -> bool:
        """Whether this is what is promised for, and not a try."""
        return self.size == FULL_SIZE


class Files:
    """The files that suites share, each made when it is first needed."""

    def __init__(self, setting: Setting) -> None:
        self.directory = setting.directory
        self.size = setting.size
        self._keep = setting.keep

    def make_room(self) -> None:
        """Remove what later suites do not need; whoever does makes it again."""
        if not self._keep:
            for path in self.directory.glob("*.dat"):
                path.unlink()
            self.__dict__.pop("before", None)

    @cached_property
    def material(self) -> Material:
        """What blocks are cut from."""
        return Material()

    @cached_property
    def before(self) -> Path:
        """The dataset as it was."""
        path = self.directory / "before.dat"
        datasets.make_dataset(path, self.size, self.material)
        return path

    @cached_property
    def fingerprint(self) -> tuple[bytes, ...]:
        """Of the dataset as it was."""
        return datasets.fingerprint(self.before)

    def changes(self, pattern: str, share: float) -> Changes:
        """Which blocks are changed."""
        return Changes.of(pattern, share, self.size)

    def changed(self, changes: Changes) -> Path:
        """The dataset with these changes, in a file of its own."""
        path = self.directory / f"{changes.pattern}.dat"
        if not path.exists():
            datasets.copy_dataset(self.before, path)
            datasets.apply_changes(path, changes, self.material)
        return path

    def live(self) -> Path:
        """A dataset that restores write to."""
        path = self.directory / "live.dat"
        if not path.exists() or datasets.fingerprint(path) != self.fingerprint:
            datasets.copy_dataset(self.before, path)
        return path


class Suite(ABC):
    """Contestants that run in the same rounds. ``throttled``: at 500 and 250 MiB/s; ``cold``: from the disk."""

    name: ClassVar[str]
    throttled: ClassVar[bool] = False
    cold: ClassVar[bool] = True

    def __init__(self, setting: Setting, files: Files) -> None:
        self.setting = setting
        self.files = files
        self.directory = setting.directory / self.name.replace(" ", "-").replace(",", "")

    @property
    @abstractmethod
    def promises(self) -> Sequence[Promise]:
        """The rows, in the order of the table."""

    @property
    @abstractmethod
    def contestants(self) -> Sequence[Contestant]:
        """Everybody, also those that only ``rounds.json`` tells of; cheap, nothing is made yet."""

    def needs(self, name: str) -> Sequence[str]:
        """Programs that a contestant cannot run without."""
        return ()

    @abstractmethod
    def prepare(self, names: Sequence[str]) -> None:
        """Make what these contestants need; may raise NotMeasurable."""

    def clean(self) -> None:
        """Remove what the suite alone used."""
        shutil.rmtree(self.directory, ignore_errors=True)

    @contextlib.contextmanager
    def opened(self, names: Sequence[str]) -> Iterator[None]:
        """The suite's files are there while this lasts."""
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            self.prepare(names)
            yield
        finally:
            self.clean()

    # -- for the estimate ----------------------------------------------------------------

    @property
    def setup_seconds(self) -> float:
        """About how long ``prepare`` takes."""
        return 5 + self.at(FREE_RATE, 3)

    def at(self, rate: float, share: float = 1.0) -> float:
        """Seconds for a share of the dataset at a rate."""
        return self.setting.size * share / rate


def ours(*arguments: object, memory: int = 0, sync: Path | None = None) -> Step:
    """The product's own code, in a fresh process."""
    paths = f"{REPOSITORY}:{REPOSITORY / 'collections'}"
    command = [sys.executable, "-m", "bench.ours", *map(str, arguments)]
    return Step(
        [command], sync=sync, memory=memory, environment={"PYTHONPATH": paths}, warm=[*command[:3], "load"],
    )
