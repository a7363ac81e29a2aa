# SPDX-License-Identifier: GPL-3.0-or-later
"""An XFS of its own in a loop file, whose power can be cut."""

from __future__ import annotations

import errno
import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from mounts import make_image, require_root
from programs import tool


class Disk:
    """``mount``: where ``attach`` mounts it. The image lies in ``place``."""

    def __init__(self, place: Path) -> None:
        self._image = place / "disk.img"
        self.mount = place / "disk"
        self.mount.mkdir()
        make_image("xfs", self._image)

    def attach(self) -> None:
        """Mount it; after a cut the journal is replayed here."""
        _run("mount", "-t", "xfs", "-o", "loop", str(self._image), str(self.mount))

    def detach(self) -> None:
        """Unmount it."""
        _run("umount", str(self.mount))

    def sync(self) -> None:
        """Everything that was written is durable."""
        _run("sync", "-f", str(self.mount))

    def cut(self) -> None:
        """Nothing reaches the disk from now on; what was not synced is lost. Proven by a write that fails."""
        _run(tool("xfsprogs", "xfs_io"), "-x", "-c", "shutdown", str(self.mount))
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            (self.mount / "proof").write_text("x")

    def fill(self) -> Path:
        """Leave no room; the file that holds it all."""
        hog = self.mount / "hog"
        with hog.open("wb", buffering=0) as stream:
            for size in (1 << 20, 4096, 1):
                with suppress(OSError):
                    while True:
                        stream.write(b"x" * size)
            with suppress(OSError):
                os.fsync(stream.fileno())
        status = os.statvfs(self.mount)
        assert status.f_bavail * status.f_frsize < 1 << 20
        return hog

    def tear(self, path: Path) -> None:
        """The device ends in the middle of this file: whoever reads on gets EIO. Proven by reading."""
        self.sync()
        lines = _run(tool("e2fsprogs", "filefrag"), "-v", "-b512", str(path)).splitlines()
        extents = [re.match(r"\s*\d+:\s*(\d+)\.\.\s*(\d+):\s*(\d+)\.\.", line) for line in lines]
        logical, last, physical = max(
            (tuple(map(int, one.groups())) for one in extents if one), key=lambda one: one[1] - one[0]
        )
        middle = (last - logical) // 2 // 8 * 8
        os.truncate(self._image, (physical + middle) * 512)
        _forget(path)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            path.read_bytes()
        _forget(path)

    def remove(self) -> None:
        """Unmount and delete it."""
        self.detach()
        self._image.unlink()


def new_disk(place: Path) -> Disk:
    """A fresh disk; the test is skipped where that is impossible."""
    require_root()
    made = Disk(place)
    try:
        made.attach()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"untested: {error.stderr}")
    return made


def _run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def _forget(path: Path) -> None:
    """Nothing of the file is in the page cache."""
    descriptor = os.open(path, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)
