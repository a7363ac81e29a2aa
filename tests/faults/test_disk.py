# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that are full, cannot be read, or have turned a bit over; datasets that are gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fault_checker as checker
import pytest
from fault_scene import Scene
from gtm_change import flip, tree
from xfs_disk import Disk, new_disk

FULL_AT = ("copy:stripe", "backup:copied", "backup:hashed", "backup:verified", "backup:manifest")


@pytest.mark.parametrize("name", FULL_AT)
def test_a_disk_that_fills_up_under_a_backup_costs_no_good_set(disk: Disk, on_disk: Scene, name: str) -> None:
    """Ledger, sets and instance share the disk that is full to the last byte."""
    run = on_disk.start("backup_set", name + ":stop", root=str(on_disk.job.root), point="installed", reserve=0)
    run.until_stopped()
    hog = disk.fill()
    try:
        result = run.result()
    finally:
        hog.unlink()
    on_disk.require_sets()
    on_disk.require_unharmed()
    if result["failed"]:
        assert result["msg"].count("Cure") == 1, result
    done = on_disk.backup()
    assert not done["failed"], done
    on_disk.require_backed_up()


@pytest.mark.parametrize("name", ["restore:closed", "restore:verified", "restore:marked-block", "restore:rewritten"])
def test_a_disk_that_fills_up_under_a_restore_leaves_it_to_the_next_run(disk: Disk, on_disk: Scene, name: str) -> None:
    run = on_disk.start("restore", name + ":stop", path=str(on_disk.before), reserve=0)
    run.until_stopped()
    hog = disk.fill()
    try:
        result = run.result()
    finally:
        hog.unlink()
    if result["failed"]:
        on_disk.require_never_half()
    on_disk.require_sets()
    done = on_disk.restore()
    assert not done["failed"], (done, result)
    on_disk.require_restored()


def test_a_disk_that_is_full_before_a_restore_is_no_half_restore(disk: Disk, on_disk: Scene) -> None:
    hog = disk.fill()
    try:
        result = on_disk.restore(reserve=0)
    finally:
        hog.unlink()
    if result["failed"]:
        on_disk.require_never_half()
    assert not on_disk.restore()["failed"], result
    on_disk.require_restored()


@pytest.fixture
def torn(tmp_path: Path) -> Iterator[Disk]:
    """A disk for one test alone: what is torn stays torn."""
    made = new_disk(tmp_path)
    yield made
    made.remove()


def test_a_dataset_that_cannot_be_read_gives_no_set(torn: Disk, tmp_path: Path) -> None:
    scene = Scene(torn.mount / "w", tmp_path / "saved")
    root = tmp_path / "backup"
    torn.tear(scene.gtm.dataset)
    for provider in ("native", "copy"):
        result = scene.backup(root=str(root), provider=provider)
        assert result["failed"], result
        assert str(scene.gtm.dataset) in result["msg"] or "DEFAULT" in result["msg"]
        assert checker.named_sets(root) == []
        assert list(root.rglob("*.part")) == []
    scene.forget_memory()


def test_a_set_that_cannot_be_read_writes_nothing(torn: Disk, scene: Scene) -> None:
    root = torn.mount / "backup"
    made = scene.backup(root=str(root), incremental="never")
    assert made["changed"], made
    scene.gtm.m("SET ^CASE(1)=1")
    scene.gtm.settle()
    before = tree(scene.gtm.base)
    torn.tear(Path(made["path"]) / "DEFAULT.dat")
    result = scene.job.restore(made["path"], lose_writes_confirmed_by="maria.lopez", verify="all")
    assert made["path"] in result["msg"], result
    assert "Input/output error" in result["msg"]
    assert tree(scene.gtm.base) == before
    scene.database.require_writable()


def test_a_flipped_bit_anywhere_in_a_set_is_found_and_nothing_is_written(scene: Scene, tell: list[str]) -> None:
    made = scene.backup()
    assert made["changed"], made
    second = Path(made["path"])
    scene.gtm.m("SET ^CASE(1)=1,^AUXLOG(1)=1")
    scene.gtm.settle()
    live, tried = tree(scene.gtm.base), 0
    for path in (scene.before, second):
        for file in sorted(one for one in path.rglob("*") if one.is_file()):
            size = file.stat().st_size
            for offset in sorted({0, size // 2, size - 1} if size else set()):
                flip(file, offset)
                looked = scene.job.look(path=str(path), verify=True)
                assert looked["failed"], (file, offset)
                if file.name != "assemble.py":  # a restore needs no help of the script for people
                    refused = scene.job.restore(str(path), lose_writes_confirmed_by="maria.lopez", verify="all")
                    assert file.name.partition(".")[0] in refused["msg"], (file, offset, refused)
                flip(file, offset)
                tried += 1
    assert tree(scene.gtm.base) == live
    tell.append(f"flipped bits in every file of two sets: {tried}, all found, nothing written")
    assert scene.job.restore(str(second), lose_writes_confirmed_by="maria.lopez", verify="all")["changed"]


@pytest.mark.parametrize("region", ["cfis.dat", "aux.dat"])
def test_a_vanished_dataset_gives_no_set_and_comes_back(scene: Scene, region: str) -> None:
    (scene.gtm.base / region).unlink()
    result = scene.backup()
    assert str(scene.gtm.base / region) in result["msg"], result
    assert checker.named_sets(scene.job.root) == [scene.before]
    assert scene.restore(lose_writes_confirmed_by="maria.lopez")["changed"]
    scene.require_restored()
