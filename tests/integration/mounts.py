# SPDX-License-Identifier: GPL-3.0-or-later
"""File systems of a test's own, in a loop file or in memory: fixtures ``xfs``, ``btrfs``, ``small``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from programs import tool

SIZE = 300 << 20
MAKE = {"xfs": ("xfsprogs", "mkfs.xfs", "-q", "-m", "reflink=1"), "btrfs": ("btrfs-progs", "mkfs.btrfs", "-q")}


@contextmanager
def loop_mount(kind: str, place: Path) -> Iterator[Path]:
    """A fresh file system of this kind; the test is skipped where that is impossible."""
    require_root()
    image, mount = place / f"{kind}.img", place / kind
    make_image(kind, image)
    mount.mkdir()
    with _mounted(["-t", kind, "-o", "loop", str(image)], mount):
        yield mount
    image.unlink()


def require_root() -> None:
    """Skip the test of anybody else."""
    if os.geteuid() != 0:
        pytest.skip("untested: only root mounts")


def make_image(kind: str, image: Path) -> None:
    """An empty file system in a file."""
    with image.open("wb") as stream:
        stream.truncate(SIZE)
    package, name, *options = MAKE[kind]
    _run(tool(package, name), *options, str(image))


@contextmanager
def _mounted(what: list[str], mount: Path) -> Iterator[None]:
    done = subprocess.run(["mount", *what, str(mount)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"untested: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(mount)], check=True)


@pytest.fixture(scope="module")
def xfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An XFS that clones."""
    with loop_mount("xfs", tmp_path_factory.mktemp("mount")) as mount:
        yield mount


@pytest.fixture(scope="module")
def btrfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A btrfs."""
    with loop_mount("btrfs", tmp_path_factory.mktemp("mount")) as mount:
        yield mount


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB in memory, to be filled."""
    require_root()
    mount = tmp_path / "small"
    mount.mkdir()
    with _mounted(["-t", "tmpfs", "-o", "size=24m", "none"], mount):
        yield mount


@contextmanager
def logical_volume(place: Path, group: str) -> Iterator[Path]:
    """A mounted logical volume ``data`` in a volume group in a loop file, with room for a snapshot."""
    image, mount = place / "group.img", place / "volume"
    with image.open("wb") as stream:
        stream.truncate(SIZE)
    mount.mkdir()
    with ExitStack() as stack:
        device = _run("losetup", "--find", "--show", str(image)).strip()
        stack.callback(_run, "losetup", "--detach", device)
        _run("vgcreate", group, device)
        stack.callback(_run, "vgremove", "--yes", "--force", group)
        _run("lvcreate", "-y", "-L", "128M", "-n", "data", group)
        _run("mkfs.ext4", "-q", f"/dev/{group}/data")
        with _mounted([f"/dev/{group}/data"], mount):
            yield mount


def _run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout
