# SPDX-License-Identifier: GPL-3.0-or-later
"""The power is cut during backup, publication and restore: XFS is shut down without its log, then mounted again."""

from __future__ import annotations

import fault_checker as checker
import pytest
from fault_scene import Run, Scene
from xfs_disk import Disk

BACKUP = ("copy:stripe", "copy:done", "backup:copied", "backup:hashed", "backup:verified")
PUBLISH = ("backup:manifest", "backup:published", "backup:unrecorded")
RESTORE = ("restore:marked", "restore:fenced", "restore:closed", "restore:verified", "restore:marked-block",
           "restore:rewriting", "restore:rewritten", "restore:header", "restore:routines", "restore:journaled-AUX",
           "restore:finished-AUX", "restore:finished-DEFAULT", "restore:opened")
SLICE = ("backup:manifest", "restore:rewriting")


def places(names: tuple[str, ...]) -> list[object]:
    """The names, those of the slice marked."""
    return [pytest.param(name, marks=[pytest.mark.slice] if name in SLICE else []) for name in names]


def lose_power(disk: Disk, scene: Scene, run: Run) -> None:
    """Cut the power while a module stands still at its place, and boot again."""
    run.until_stopped()
    disk.cut()
    run.kill()
    disk.detach()
    disk.attach()
    scene.forget_memory()


@pytest.mark.parametrize("name", places(BACKUP + PUBLISH))
def test_a_backup_that_lost_power_leaves_the_last_good_set(disk: Disk, on_disk: Scene, name: str) -> None:
    disk.sync()
    run = on_disk.start("backup_set", name + ":stop", root=str(on_disk.job.root), point="installed")
    lose_power(disk, on_disk, run)
    on_disk.require_sets()
    acts, points = checker.ledger(on_disk.job.ledger)
    assert [act["outcome"] for act in acts if act["module"] == "backup_set"] == ["done", None]
    assert [point["point"] for point in points] == ["before"]
    if name in ("backup:published", "backup:unrecorded"):
        assert on_disk.before.with_name("installed") in checker.named_sets(on_disk.job.root)
    done = on_disk.backup()
    assert not done["failed"], done
    on_disk.require_backed_up()
    on_disk.require_unharmed()


@pytest.mark.parametrize("name", places(RESTORE))
def test_a_restore_that_lost_power_shows_one_point_or_none(disk: Disk, on_disk: Scene, name: str) -> None:
    disk.sync()
    run = on_disk.start("restore", name + ":stop", path=str(on_disk.before))
    lose_power(disk, on_disk, run)
    on_disk.require_never_half()
    on_disk.require_sets()
    acts, _points = checker.ledger(on_disk.job.ledger)
    assert [act["outcome"] for act in acts if act["module"] == "restore"] == [None]
    done = on_disk.restore()
    assert not done["failed"], done
    assert on_disk.restore()["changed"] is False
    on_disk.require_restored()
