# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore on file systems that clone, fill up, and lose power (invariants 3, 8; T6)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gtm_change import CHANGE, tree
from gtm_point import NEW, OLD, PERSON, Point, open_each
from mounts import loop_mount, small, xfs
from programs import tool

from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import VARIABLE

__all__ = ["small", "xfs"]


# -- cloning -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scene(xfs: Path) -> Iterator[Point]:
    """Datasets and set on one file system that clones."""
    made = Point(xfs / "w").save()
    yield made
    made.gtm.close()


@pytest.fixture
def point(scene: Point) -> Iterator[Point]:
    scene.begin_again()
    yield scene
    scene.gtm.close()


def test_a_vanished_dataset_is_cloned_back_whatever_the_free_space(point: Point) -> None:
    point.gtm.second.unlink()
    planned = point.restore(check=True, reserve=1 << 40)
    assert [(one["way"], one["reason"]) for one in planned["datasets"] if not one["same"]] == [
        ("clone", "there is no dataset")
    ]
    done = point.restore(reserve=1 << 40, **PERSON)
    assert done["changed"], done
    point.require_reached()
    assert not point.restore()["changed"]
    extents = subprocess.run([tool("e2fsprogs", "filefrag"), "-v", str(point.gtm.second)], capture_output=True,
                             text=True, check=True).stdout
    assert "shared" in extents


@pytest.mark.parametrize("step", ["restore:staged-AUX", "restore:marked-block", "restore:replaced-AUX"])
def test_a_crash_while_clones_change_places_is_completed(point: Point, step: str) -> None:
    point.change()
    point.gtm.second.unlink()
    point.kill_restore_at(step)
    assert point.restore_here()
    point.require_reached()


def test_invariant_3_a_bad_block_anywhere_forbids_a_clone(point: Point) -> None:
    point.change()
    point.gtm.second.unlink()
    with (point.path / "AUX.dat").open("r+b") as stream:
        stream.seek(-3000, os.SEEK_END)
        stream.write(b"rot")
    before = tree(point.gtm.base)
    refused = point.restore(**PERSON)
    assert refused["error"]["kind"] == "DatasetError"
    assert tree(point.gtm.base) == before


@pytest.mark.parametrize("rot, way", [(False, "clone"), (True, "delta")])
def test_a_clone_that_was_kept_beside_the_datasets_serves_if_it_is_the_sets(
    point: Point, tmp_path: Path, rot: bool, way: str
) -> None:
    elsewhere = tmp_path / "before"
    shutil.copytree(point.path, elsewhere)
    kept = point.gtm.base / ".relmgmt-clones" / f"{CHANGE}-1-CFIS-before" / "aux.dat"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(elsewhere / "AUX.dat", kept)
    if rot:
        with kept.open("r+b") as stream:
            stream.seek(-3000, os.SEEK_END)
            stream.write(b"rot")
    point.change()
    point.gtm.second.unlink()
    done = point.job.restore(str(elsewhere), **PERSON)
    assert [one["way"] for one in done["datasets"]] == [way, "delta"], done
    point.require_reached()


# -- a full disk ---------------------------------------------------------------------------


@pytest.fixture
def filling(small: Path, tmp_path: Path) -> Iterator[Point]:
    """Datasets on a small file system, the set on another."""
    made = Point(small / "w", reserve=0)
    elsewhere = tmp_path / "backup"
    shutil.copytree(made.root / "backup", elsewhere)
    made.path = elsewhere / made.path.relative_to(made.root / "backup")
    yield made
    made.gtm.close()


def stopped_at(point: Point, step: str, then: list[str]) -> str:
    """A restore in a process of its own; what it raised after ``then`` was done while it stood still at ``step``."""
    answer, told = os.pipe()
    child = os.fork()
    if not child:
        os.environ[VARIABLE] = f"{step}:stop"
        try:
            point.restore_here()
            os.write(told, b"done")
        except Exception as error:
            os.write(told, str(error).encode())
        os._exit(0)
    os.close(told)
    os.waitpid(child, os.WUNTRACED)
    fill(point, *then)
    os.kill(child, signal.SIGCONT)
    os.waitpid(child, 0)
    with os.fdopen(answer, "rb") as stream:
        return stream.read().decode()


def fill(point: Point, name: str, leave: str) -> None:
    """Use the space of the datasets' file system up, but for so many bytes."""
    status = os.statvfs(point.gtm.base)
    size = status.f_bavail * status.f_frsize - int(leave)
    with (point.gtm.base / name).open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, size)


def test_a_disk_that_fills_while_a_copy_is_made_leaves_everything_as_before(filling: Point) -> None:
    filling.change()
    filling.gtm.second.unlink()
    before = tree(filling.gtm.base)
    said = stopped_at(filling, "restore:closed", ["filler", str(1 << 20)])
    assert "No space left on device" in said or "are free" in said
    (filling.gtm.base / "filler").unlink()
    assert tree(filling.gtm.base) == before
    assert filling.restore_here()
    filling.require_reached()


def test_a_disk_that_is_full_when_the_journals_begin_keeps_the_instance_closed(filling: Point) -> None:
    filling.change()
    said = stopped_at(filling, "restore:verified", ["filler", "4096"])
    assert "stays closed until a second run" in said, said
    (filling.gtm.base / "filler").unlink()
    assert filling.restore_here()
    filling.require_reached()


# -- a power cut ---------------------------------------------------------------------------

#: where the power goes, and what AUX and DEFAULT may be afterwards
CUTS = {
    "restore:closed": (OLD, OLD), "restore:marked-block": (None, OLD), "restore:rewritten": (None, None),
    "restore:header": (NEW, None), "restore:journaled-AUX": (NEW, NEW), "restore:opened": (NEW, NEW),
}


def test_invariant_8_a_power_cut_anywhere_never_opens_half_restored_and_a_second_run_completes(
    tmp_path: Path,
) -> None:
    with loop_mount("xfs", tmp_path) as mount:
        point = Point(mount / "w").save()
        for step, kinds in CUTS.items():
            point.begin_again()
            point.change()
            os.sync()
            cut_power(point, step, mount)
            nodes = ("^AUXLOG(1)", "^CASE(1)")
            assert open_each(point) == {
                node: (kind or {}).get(node, "") for node, kind in zip(nodes, kinds, strict=True)
            }, step
            if step != "restore:opened":
                assert point.gtm.engine.mumps("-run", "%XCMD", "SET ^CASE(9)=9").has("ZGBLDIRACC")
            assert point.restore_here()
            point.require_reached()
            assert not point.restore_here()
        point.gtm.close()


def cut_power(point: Point, step: str, mount: Path) -> None:
    """The restore stands still at ``step``, the file system loses what is not on the device, all processes die."""
    child = os.fork()
    if not child:
        os.environ[VARIABLE] = f"{step}:stop"
        try:
            point.restore_here()
        finally:
            os._exit(7)
    _pid, status = os.waitpid(child, os.WUNTRACED)
    assert os.WIFSTOPPED(status), f"{step} was never reached"
    subprocess.run([tool("xfsprogs", "xfs_io"), "-x", "-c", "shutdown", str(mount)], check=True)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    _unmount(mount)
    subprocess.run(["mount", "-o", "loop", str(mount.with_suffix(".img")), str(mount)], check=True)


def _unmount(mount: Path) -> None:
    for _ in range(50):
        if subprocess.run(["umount", str(mount)], check=False, capture_output=True).returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError(f"{mount} cannot be unmounted")
