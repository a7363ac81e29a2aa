# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores of a dataset of which a part was changed: against one read, and against copying it back.

Every restore ends with the dataset as it was, which is looked at outside the timing. The
product's restores are verified; of the peers only "copy back and verify" is.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from . import peers
from .backup_rows import plain_file
from .datasets import CLUSTERED, SCATTERED, Changes, apply_changes, require_same
from .harness import READ_RATE, WRITE_RATE, Contestant, Step
from .plain_storage import take_proof_back
from .rows import Promise, constant, fastest, seconds, which_is_fastest, written
from .suites import FREE_RATE, Suite, ours

FEW, MANY = 0.001, 0.05
FLOOR, BACK = "floor", "copy back and verify"
FEW_OURS, MANY_OURS = "ours, 0.1 % scattered", "ours, 5 % scattered"
FREE_PEERS = ("dd", "cp", "rsync", "restic", "borg")


class RestoreSuite(Suite):
    """A live dataset, and a backup set of what it was."""

    @cached_property
    def kept(self) -> Path:
        """The backup set."""
        return self.directory / "before"

    @property
    def live(self) -> Path:
        """The dataset that is restored."""
        return self.files.directory / "live.dat"

    def prepare(self, names: Sequence[str]) -> None:
        self.files.live()
        peers.carry_out(ours("backup", self.live, self.kept))

    def spoiling(self, changes: Changes) -> Callable[[], None]:
        """Prepares a run: the live dataset with these changes."""
        return lambda: apply_changes(self.live, changes, self.files.material)

    def require_restored(self) -> None:
        """Raise BenchError unless the live dataset is as it was."""
        require_same(self.live, self.files.fingerprint)

    def restored(self, name: str, pattern: str, share: float, guess: float) -> Contestant:
        """The product restores the live dataset."""
        step = ours("restore", self.live, self.kept, sync=self.files.directory)
        changes = self.files.changes(pattern, share)

        def check() -> None:
            take_proof_back(self.live)
            self.require_restored()

        return Contestant(name, [step], guess, self.spoiling(changes), check, compared=True)


class RestoreThrottled(RestoreSuite):
    """Restores at the speed of the change."""

    name = "restore, throttled"
    throttled = True
    _digest = ""

    @property
    def promises(self) -> Sequence[Promise]:
        few = "restore, 0.1 % scattered, verified, throttled"
        many = "restore, 5 % scattered, verified, throttled"
        changed = self.files.changes(SCATTERED, MANY).bytes
        return [
            Promise(few, "floor: one read", "s", 1.05, (FEW_OURS, FLOOR), seconds(FEW_OURS), seconds(FLOOR)),
            Promise(many, FLOOR, "s", 1.2, (MANY_OURS, FLOOR), seconds(MANY_OURS), seconds(FLOOR)),
            Promise(many, BACK, "s", 0.4, (MANY_OURS, BACK), seconds(MANY_OURS), seconds(BACK)),
            Promise(
                "restore, bytes written", "changed bytes", "bytes", 1.05, (MANY_OURS,), written(MANY_OURS),
                constant(changed),
            ),
        ]

    @property
    def contestants(self) -> Sequence[Contestant]:
        read = self.at(READ_RATE)
        changed = self.at(WRITE_RATE, MANY) + self.at(READ_RATE, MANY)
        return [
            Contestant(FLOOR, [Step([peers.dd_read(self.live)])], read),
            self.restored(FEW_OURS, SCATTERED, FEW, read),
            self.restored(MANY_OURS, SCATTERED, MANY, read + changed),
            self.restored("ours, 5 % clustered", CLUSTERED, MANY, read + changed),
            self._copied_back(read + self.at(WRITE_RATE)),
        ]

    def needs(self, name: str) -> Sequence[str]:
        return ["openssl"] if name == BACK else []

    def prepare(self, names: Sequence[str]) -> None:
        super().prepare(names)
        self._digest = peers.said(peers.digest_of(self.live)).split()[0]

    def _copied_back(self, guess: float) -> Contestant:
        # The cheapest proof: the digest was noted with the backup, the restored file is read once.
        copy = Step([peers.dd_copy(plain_file(self.kept), self.live)], sync=self.files.directory)
        verify = Step([peers.digest_of(self.live)], says=self._digest)
        spoil = self.spoiling(self.files.changes(SCATTERED, MANY))
        return Contestant(BACK, [copy, verify], guess, spoil, self.require_restored, compared=True)


class RestoreFree(RestoreSuite):
    """A verified restore against unverified ones, un-throttled."""

    name = "restore, un-throttled"

    @property
    def promises(self) -> Sequence[Promise]:
        return [
            Promise(
                "restore, 5 % scattered, un-throttled", "the fastest of dd, cp, rsync, restic, borg", "s", 1.1,
                (MANY_OURS, *FREE_PEERS), seconds(MANY_OURS), fastest(FREE_PEERS), which_is_fastest(FREE_PEERS),
            )
        ]

    @property
    def contestants(self) -> Sequence[Contestant]:
        size, kept = self.setting.size, plain_file(self.kept)
        dd = Step([peers.dd_copy(kept, self.live)], sync=self.files.directory)
        return [
            self.restored(MANY_OURS, SCATTERED, MANY, self.at(FREE_RATE, 1.5)),
            self._in_place("dd", dd, 1.2),
            self._in_place("cp", peers.copy_step(kept, self.live, size), 1.6),
            self._in_place("rsync", peers.rsync_step(kept, self.live, size), 2.3),
            self._elsewhere("restic", self.restic.restore(self.out, size), 2.1),
            self._elsewhere("borg", self.borg.restore(self.out, size), 2.6),
        ]

    @property
    def out(self) -> Path:
        """Where the backup programs restore to."""
        return self.directory / "out"

    @property
    def borg(self) -> peers.Borg:
        """Its repository."""
        return peers.Borg(self.directory / "borg")

    @property
    def restic(self) -> peers.Restic:
        """Its repository."""
        return peers.Restic(self.directory / "restic")

    def needs(self, name: str) -> Sequence[str]:
        return [name] if name in FREE_PEERS else []

    def prepare(self, names: Sequence[str]) -> None:
        super().prepare(names)
        for name, peer in (("restic", self.restic), ("borg", self.borg)):
            if name in names:
                peer.start()
                peers.carry_out(peer.backup(self.files.before, self.setting.size))

    def _in_place(self, name: str, step: Step, passes: float) -> Contestant:
        spoil = self.spoiling(self.files.changes(SCATTERED, MANY))
        return Contestant(name, [step], self.at(FREE_RATE, passes), spoil, self.require_restored, compared=True)

    def _elsewhere(self, name: str, step: Step, passes: float) -> Contestant:
        def prepare() -> None:
            shutil.rmtree(self.out, ignore_errors=True)
            self.out.mkdir()

        def check() -> None:
            found = next(iter(self.out.rglob("before.dat")), self.out)
            require_same(found, self.files.fingerprint)

        return Contestant(name, [step], self.at(FREE_RATE, passes), prepare, check, compared=True)
