# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups: the first one against the device's floor and against other programs, and the second point.

The floors are programs: ``dd`` reads the source while another one writes as many bytes as the
copy has, then reads them back. A tenth of the dataset is zeros, which the product leaves as
holes; so that this is no head start, the floor neither writes nor reads back that tenth.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Sequence
from pathlib import Path

from . import peers
from .datasets import BLOCK, CLUSTERED, SCATTERED, ZERO_TAIL, Changes, require_same
from .errors import BenchError
from .harness import READ_RATE, WRITE_RATE, Contestant, Step
from .rows import Promise, seconds
from .suites import FREE_RATE, Suite, ours

PROVEN = "backup, proven"
THROTTLED = "backup, proven by read-back, throttled"
SECOND = "backup, second point, 5 % scattered, proven"
FLOOR = "floor"
OURS = "ours"


class FirstThrottled(Suite):
    """A first backup at the speed of the disk."""

    name = "backup, throttled"
    throttled = True

    @property
    def promises(self) -> Sequence[Promise]:
        peer = "floor: max(read, write) then read"
        return [Promise(THROTTLED, peer, "s", 1.05, (OURS, FLOOR), seconds(OURS), seconds(FLOOR))]

    @property
    def contestants(self) -> Sequence[Contestant]:
        guess = self.at(WRITE_RATE, 1 - ZERO_TAIL) + self.at(READ_RATE)
        return [_floor(self, guess), first_backup(self, guess)]

    def prepare(self, names: Sequence[str]) -> None:
        _ = self.files.fingerprint


class FirstFree(Suite):
    """A first backup against other programs, un-throttled, each proven by reading everything back."""

    name = "backup, proven"

    @property
    def promises(self) -> Sequence[Promise]:
        rows = (("cp --reflink=never then cmp", "cp", 0.95), ("borg + check", "borg", 0.65),
                ("restic + check", "restic", 0.4))
        return [
            Promise(PROVEN, peer, "s", target, (OURS, name), seconds(OURS), seconds(name))
            for peer, name, target in rows
        ]

    @property
    def contestants(self) -> Sequence[Contestant]:
        size, source = self.setting.size, self.files.directory / "before.dat"
        copy = self.directory / "copy.dat"
        borg, restic = self.borg, self.restic
        return [
            first_backup(self, self.at(FREE_RATE, 2.4)),
            Contestant(
                "cp", [peers.copy_step(source, copy, size), peers.compare_step(source, copy, size)],
                self.at(FREE_RATE, 2.6), prepare=lambda: copy.unlink(missing_ok=True),
            ),
            Contestant(
                "borg", [borg.backup(source, size), borg.check(size)], self.at(FREE_RATE, 3.9), prepare=borg.start
            ),
            Contestant(
                "restic", [restic.backup(source, size), restic.check(size)], self.at(FREE_RATE, 6.7),
                prepare=restic.start,
            ),
        ]

    @property
    def borg(self) -> peers.Borg:
        """Its repository."""
        return peers.Borg(self.directory / "borg")

    @property
    def restic(self) -> peers.Restic:
        """Its repository."""
        return peers.Restic(self.directory / "restic")

    def needs(self, name: str) -> Sequence[str]:
        return {"cp": ["cp", "cmp"], "borg": ["borg"], "restic": ["restic"]}.get(name, [])

    def prepare(self, names: Sequence[str]) -> None:
        _ = self.files.fingerprint


class SecondPoint(Suite):
    """The second point of an attempt: only what differs is stored. Throttled, for its peer is a floor."""

    name = "backup, second point"
    throttled = True
    share = 0.05

    @property
    def promises(self) -> Sequence[Promise]:
        peer = "floor: one read plus the changed blocks"
        return [Promise(SECOND, peer, "s", 1.2, (OURS, FLOOR), seconds(OURS), seconds(FLOOR))]

    @property
    def contestants(self) -> Sequence[Contestant]:
        changed, out = int(self.setting.size * self.share), self.directory / "floor"
        guess = self.at(READ_RATE) + changed / WRITE_RATE + changed / READ_RATE
        source = self.files.directory / f"{SCATTERED}.dat"
        floor = Contestant(FLOOR, [
            Step([peers.dd_read(source)]),
            Step([peers.dd_write(out, changed)], sync=self.directory),
            Step([peers.dd_read(out)]),
        ], guess)
        return [floor, self._ours(OURS, SCATTERED, guess), self._ours(f"{OURS}, {CLUSTERED}", CLUSTERED, guess)]

    def prepare(self, names: Sequence[str]) -> None:
        for pattern in (SCATTERED, CLUSTERED):
            self.files.changed(self.files.changes(pattern, self.share))
        peers.carry_out(ours("backup", self.files.before, self.directory / "before"))

    def clean(self) -> None:
        if not self.setting.keep:
            for pattern in (SCATTERED, CLUSTERED):
                (self.files.directory / f"{pattern}.dat").unlink(missing_ok=True)
        super().clean()

    def _ours(self, name: str, pattern: str, guess: float) -> Contestant:
        changes = self.files.changes(pattern, self.share)
        source, target = self.files.directory / f"{pattern}.dat", self.directory / "installed"
        step = ours("second", source, target, "--base", self.directory / "before", sync=self.directory)
        return Contestant(
            name, [step], guess, prepare=lambda: shutil.rmtree(target, ignore_errors=True),
            check=lambda: require_second(target, source, changes),
        )


def first_backup(suite: Suite, guess: float) -> Contestant:
    """The product takes a backup set of the dataset and proves it."""
    target = suite.directory / "set"
    step = ours("backup", suite.files.directory / "before.dat", target, sync=suite.directory)

    def check() -> None:
        require_same(plain_file(target), suite.files.fingerprint)

    return Contestant(
        OURS, [step], guess, prepare=lambda: shutil.rmtree(target, ignore_errors=True), check=check, compared=True
    )


def plain_file(set_path: Path) -> Path:
    """The one dataset of a set that the benchmark took."""
    return set_path / "dataset.dat"


def require_second(set_path: Path, source: Path, changes: Changes) -> None:
    """Raise BenchError unless the set holds exactly the changed blocks, as the source has them."""
    index = (set_path / "dataset.dat.index").read_bytes()
    numbers = struct.unpack(f"<{len(index) // 8}Q", index)
    if numbers != changes.numbers:
        raise BenchError(f"{set_path} holds {len(numbers)} blocks, {len(changes.numbers)} were changed")
    with source.open("rb") as live, (set_path / "dataset.dat.blocks").open("rb") as kept:
        for number in numbers:
            live.seek(number * BLOCK)
            if live.read(BLOCK) != kept.read(BLOCK):
                raise BenchError(f"block {number} of {set_path} is not what {source} has")


def _floor(suite: Suite, guess: float) -> Contestant:
    out = suite.directory / "floor"
    filled = int(suite.setting.size * (1 - ZERO_TAIL))
    both = [peers.dd_read(suite.files.directory / "before.dat"), peers.dd_write(out, filled)]
    return Contestant(
        FLOOR, [Step(both, sync=suite.directory), Step([peers.dd_read(out)])], guess,
        prepare=lambda: out.unlink(missing_ok=True),
    )

