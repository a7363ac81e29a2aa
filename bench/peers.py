# SPDX-License-Identifier: GPL-3.0-or-later
"""The peers' commands, with the flags that make each fastest, and where they come from.

borg: lz4 and the fixed chunker, which its documentation recommends for disk images (a sixth
faster here than the default, and deduplication gains nothing on scattered blocks); no
encryption. restic: repository version 2 as it comes; without compression it was as fast and
wrote twice as much. rsync: whole file, in place. dd: 4 MiB, direct.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .errors import BenchError, NotMeasurable
from .harness import Step

#: a program that a peer needs, and Debian's package of it
PACKAGES = {
    "borg": "borgbackup", "restic": "restic", "rsync": "rsync", "openssl": "openssl", "mkfs.xfs": "xfsprogs",
    "dd": "coreutils", "cp": "coreutils", "cmp": "diffutils",
}
VERSION = {
    "borg": ["borg", "--version"], "restic": ["restic", "version"], "rsync": ["rsync", "--version"],
    "dd": ["dd", "--version"], "cp": ["cp", "--version"], "cmp": ["cmp", "--version"],
    "openssl": ["openssl", "version"], "mkfs.xfs": ["mkfs.xfs", "-V"],
}
GIB = 1 << 30


def install(programs: Sequence[str]) -> None:
    """What Debian has and this machine lacks, if we are root; what stays missing shows in its row."""
    missing = sorted({PACKAGES[one] for one in programs if shutil.which(one) is None})
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)


def require(*programs: str) -> None:
    """Raise NotMeasurable, naming what is not installed."""
    missing = [one for one in programs if shutil.which(one) is None]
    if missing:
        packages = ", ".join(sorted({PACKAGES[one] for one in missing}))
        raise NotMeasurable(f"{', '.join(missing)} is not installed (Debian: {packages})")


def versions() -> dict[str, str]:
    """What each installed program says of itself, in one line."""
    return {name: _first_line(argv) for name, argv in VERSION.items() if shutil.which(argv[0])}


def _first_line(argv: Sequence[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().split("\n")[0]


# -- dd: what the device can do ----------------------------------------------------------


def dd_read(path: Path) -> list[str]:
    """One direct read of a file."""
    return ["dd", f"if={path}", "of=/dev/null", "bs=4M", "iflag=direct", "status=none"]


def dd_write(path: Path, size: int) -> list[str]:
    """Direct writes of ``size`` bytes."""
    return [
        "dd", "if=/dev/zero", f"of={path}", "bs=4M", f"count={size}", "iflag=count_bytes,fullblock", "oflag=direct",
        "conv=fsync", "status=none",
    ]


def dd_copy(source: Path, target: Path) -> list[str]:
    """A direct copy in place."""
    return [
        "dd", f"if={source}", f"of={target}", "bs=4M", "iflag=direct", "oflag=direct", "conv=notrunc,fsync",
        "status=none",
    ]


def digest_of(path: Path) -> list[str]:
    """The SHA-256 of a file, read past the page cache; openssl uses the processor's instructions for it."""
    return ["bash", "-o", "pipefail", "-c", f"{' '.join(dd_read(path))} | openssl dgst -sha256 -r"]


# -- copying files -----------------------------------------------------------------------


def copy_step(source: Path, target: Path, size: int) -> Step:
    """``cp``, synced."""
    return Step([["cp", "--reflink=never", str(source), str(target)]], sync=target.parent, memory=2 * size)


def compare_step(left: Path, right: Path, size: int) -> Step:
    """``cmp``."""
    return Step([["cmp", str(left), str(right)]], memory=2 * size)


def rsync_step(source: Path, target: Path, size: int) -> Step:
    """``rsync`` of the whole file, in place."""
    command = ["rsync", "--whole-file", "--inplace", "--ignore-times", str(source), str(target)]
    return Step([command], sync=target.parent, memory=2 * size)


# -- backup programs ---------------------------------------------------------------------


class Borg(NamedTuple):
    """A borg repository of one file."""

    repository: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """No question is asked, and nothing is left in a home directory."""
        return {
            "BORG_BASE_DIR": str(self.repository.with_name("borg-home")),
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes", "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
        }

    def start(self) -> None:
        """An empty repository."""
        _remove(self.repository)
        _run(["borg", "init", "--encryption=none", str(self.repository)], self.environment)

    def backup(self, source: Path, size: int) -> Step:
        """``borg create``."""
        command = [
            "borg", "create", "--compression", "lz4", "--chunker-params", "fixed,4194304",
            f"{self.repository}::one", source.name,
        ]
        return self._step(command, int(size * 1.6), source.parent, self.repository)

    def check(self, size: int) -> Step:
        """Every byte of the repository, read and verified."""
        return self._step(["borg", "check", "--verify-data", str(self.repository)], int(size * 0.7))

    def restore(self, directory: Path, size: int) -> Step:
        """``borg extract`` into a directory."""
        return self._step(["borg", "extract", f"{self.repository}::one"], int(size * 1.6), directory, directory)

    def _step(self, command: list[str], memory: int, directory: Path | None = None, sync: Path | None = None) -> Step:
        return Step(
            [command], sync=sync, memory=memory, directory=directory, environment=self.environment,
            warm=VERSION["borg"],
        )


class Restic(NamedTuple):
    """A restic repository of one file."""

    repository: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """Its password and its cache's place."""
        cache = str(self.repository.with_name("restic-cache"))
        return {"RESTIC_PASSWORD": "bench", "RESTIC_CACHE_DIR": cache, "RESTIC_REPOSITORY": str(self.repository)}

    def start(self) -> None:
        """An empty repository."""
        _remove(self.repository)
        _run(["restic", "init", "--quiet", "--repository-version", "2"], self.environment)

    def backup(self, source: Path, size: int) -> Step:
        """``restic backup``."""
        return self._step(["restic", "backup", "--quiet", source.name], int(size * 1.5), source.parent, self.repository)

    def check(self, size: int) -> Step:
        """Every byte of the repository, read and verified."""
        return self._step(["restic", "check", "--read-data"], int(size * 0.6))

    def restore(self, directory: Path, size: int) -> Step:
        """``restic restore`` into a directory; the file lies there under its whole path."""
        command = ["restic", "restore", "latest", "--quiet", "--target", str(directory)]
        return self._step(command, int(size * 1.5), directory, directory)

    def _step(self, command: list[str], memory: int, directory: Path | None = None, sync: Path | None = None) -> Step:
        return Step(
            [command], sync=sync, memory=memory, directory=directory, environment=self.environment,
            warm=VERSION["restic"],
        )


def carry_out(step: Step) -> None:
    """Run a step's commands untimed: a repository to restore from."""
    for command in step.commands:
        _run(command, step.environment, step.directory)


def said(command: Sequence[str]) -> str:
    """What a command prints."""
    return _run(command, {})


def _run(command: Sequence[str], environment: Mapping[str, str], directory: Path | None = None) -> str:
    done = subprocess.run(
        command, env={**os.environ, **environment}, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False,
    )
    if done.returncode:
        raise BenchError(f"{' '.join(command)} ended with status {done.returncode}: {done.stderr.strip()[-1000:]}")
    return done.stdout


def _remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
