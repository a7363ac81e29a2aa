# SPDX-License-Identifier: GPL-3.0-or-later
"""Several runs at once: eight starters, one that does the work, none that spoils it."""

from __future__ import annotations

from pathlib import Path

import fault_checker as checker
import pytest
from fault_scene import Scene

STARTERS = 8


@pytest.mark.slice
def test_eight_backups_at_once_make_one_set(scene: Scene) -> None:
    runs = [scene.start("backup_set", root=str(scene.job.root), point="installed") for _ in range(STARTERS)]
    results = [run.result() for run in runs]
    assert [one["changed"] for one in results].count(True) == 1
    for one in results:
        assert not one["failed"] or "another process" in one["msg"], one
    scene.require_backed_up()
    points = [point["point"] for point in checker.ledger(scene.job.ledger)[1]]
    assert sorted(points) == ["before", "installed"]
    scene.require_unharmed()


def test_eight_callers_of_a_worker_share_one(scene: Scene) -> None:
    runs = [
        scene.start("backup_set", root=str(scene.job.root), point="installed", worker={"call": str(number), "wait": 60})
        for number in range(STARTERS)
    ]
    results = [run.result() for run in runs]
    begun = [one for one in results if not one["worker"]["joined"]]
    joined = [one for one in results if one["worker"]["joined"]]
    assert not any(one["failed"] for one in results)
    # Who comes after the end of the first finds its set.
    assert [one["changed"] for one in begun].count(True) == 1
    assert len(begun) + len(joined) == STARTERS
    assert len({one["root_digest"] for one in results}) == 1
    acts = [act for act in checker.ledger(scene.job.ledger)[0] if act["module"] == "backup_set"]
    assert len(acts) == 2
    scene.require_backed_up()


def test_eight_restores_at_once_make_one(scene: Scene) -> None:
    runs = [scene.start("restore", path=str(scene.before)) for _ in range(STARTERS)]
    results = [run.result() for run in runs]
    assert [one["changed"] for one in results].count(True) == 1
    for one in results:
        assert not one["failed"] or "another process" in one["msg"], one
    assert scene.restore()["changed"] is False
    scene.require_restored()


def test_a_backup_and_a_restore_at_once_mix_nothing(scene: Scene) -> None:
    stopped = scene.start("restore", "restore:rewriting:stop", path=str(scene.before))
    stopped.until_stopped()
    refused = scene.backup()
    assert "not finished" in refused["msg"], refused
    assert stopped.result()["changed"]

    scene.begin_again()
    stopped = scene.start("backup_set", "copy:stripe:stop", root=str(scene.job.root), point="installed")
    stopped.until_stopped()
    result = scene.restore()
    stopped.result()
    assert not result["failed"], result
    for path in checker.require_no_torn_set(scene.job.root):
        assert isinstance(path, Path)
