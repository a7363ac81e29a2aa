# SPDX-License-Identifier: GPL-3.0-or-later
"""A dataset and the sets taken of it, on a real file system."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import copying, manifest, patch
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import Sum
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import (
    BLOCKS,
    PLAIN,
    Base,
    DatasetCopy,
    Manifest,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import SHA256, Layout

FILE = "CFIS/DEFAULT.dat"


class Sets:
    """A live dataset, its point `before` as a plain file, its point `installed` as blocks."""

    def __init__(self, root: Path, size: int, block_size: int = 8192, algorithm: str = SHA256, seed: int = 0) -> None:
        self.root = root
        self.live = str(root / "live.dat")
        self.layout = Layout(block_size, algorithm)
        self.random = random.Random(seed)
        self.before, self.installed = str(root / "before"), str(root / "installed")
        Path(self.live).write_bytes(self.random.randbytes(size))

    @property
    def content(self) -> bytes:
        return Path(self.live).read_bytes()

    def dirty(self, blocks: list[int]) -> None:
        """Change a byte in each of these blocks, as far as they exist."""
        size = os.path.getsize(self.live)
        with open(self.live, "r+b") as stream:
            for start in (number * self.layout.block_size for number in blocks):
                if start < size:
                    at = start + self.random.randrange(min(self.layout.block_size, size - start))
                    stream.seek(at)
                    old = stream.read(1)
                    stream.seek(at)
                    stream.write(bytes([old[0] ^ self.random.randrange(1, 256)]))

    def resize(self, size: int) -> None:
        """Cut the dataset off, or let it grow by bytes that are not zero."""
        now = os.path.getsize(self.live)
        with open(self.live, "r+b") as stream:
            stream.truncate(size)
            if size > now:
                stream.seek(now)
                stream.write(self.random.randbytes(size - now))

    def take_before(self) -> Stored:
        """Point `before`."""
        with manifest.begin(self.before) as part:
            done = copying.copy_file(self.live, *self._paths(part), self.layout)
            return self._publish(part, self.before, done, PLAIN, None)

    def take_installed(self, base: Stored, meanwhile: Callable[[], None] = lambda: None) -> Stored:
        """Point `installed`, in two passes; ``meanwhile`` happens between them."""
        with manifest.begin(self.installed) as part:
            target, digests = self._paths(part)
            done = copying.copy_changed(self.live, base, target, digests, self.layout)
            meanwhile()
            done = copying.copy_changed_again(self.live, base, target, digests, self.layout)
            root = read_manifest(self.before).root_digest
            return self._publish(part, self.installed, done, BLOCKS, Base("../before", root))

    def restore(self, stored: Stored) -> patch.Changes:
        """What a restore does to one dataset."""
        changes = patch.compare(self.live, stored)
        patch.verify_changes(stored, changes)
        patch.mark_unopenable(self.live, stored, self.before)
        patch.rewrite(self.live, stored, changes)
        patch.rewrite_header(self.live, stored)
        return changes

    def _paths(self, part: str) -> tuple[str, str]:
        target = os.path.join(part, FILE)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        return target, target + ".digests"

    def _publish(self, part: str, path: str, done: Sum, stored: str, base: Base | None) -> Stored:
        copy = DatasetCopy(
            "DEFAULT", FILE, "database", self.live, done.size, done.root, 0o640, os.geteuid(), os.getegid(),
            None, *self.layout, stored,
        )
        made = Manifest(
            "gtm", "CFIS", "CFIS001", "CHG1", 1, os.path.basename(path), "2026-12-05T10:00:00+00:00", "a freeze",
            "copy", 0.5, base, (copy,),
        )
        manifest.publish(part, path, made)
        return Stored.of(path, copy, made)


@pytest.fixture(scope="session")
def new_sets() -> Callable[..., AbstractContextManager[Sets]]:
    """``with new_sets(size, ...) as sets``: for properties, which need a fresh one each time."""

    @contextmanager
    def made(size: int, **options: object) -> Iterator[Sets]:
        with tempfile.TemporaryDirectory(prefix="relmgmt-") as root:
            yield Sets(Path(root), size, **options)  # type: ignore[arg-type]

    return made


@pytest.fixture
def sets(tmp_path: Path) -> Sets:
    """A dataset of two stripes and a bit, the last block short; nothing taken yet."""
    return Sets(tmp_path, (4 << 20) + 3 * 8192 + 77)
