# SPDX-License-Identifier: GPL-3.0-or-later
"""The instance is thawed with everything else dead or standing still (invariant 4, I3)."""

from __future__ import annotations

import json
import os
import signal
import time

import fault_checker as checker
import pytest
from fault_scene import Scene, until

LIMIT = 4


def is_frozen(scene: Scene) -> bool:
    """Is the instance frozen?"""
    return scene.database.is_frozen(scene.gtm.dataset)


@pytest.mark.parametrize("place", ["freeze:frozen", "freeze:copied"])
def test_all_that_the_controller_began_is_dead(scene: Scene, place: str) -> None:
    """A worker under way, its waiting module and the worker itself are killed; the watchdog is left."""
    scene.gtm.hold_open()
    module = scene.start(
        "backup_set", place + ":stop", root=str(scene.job.root), point="installed", provider="copy",
        freeze_limit=60, worker={"call": "one", "wait": 60},
    )
    (record,) = wait_for_worker(scene)
    until(lambda: checker.state(record) == "T")
    assert is_frozen(scene)
    module.kill()
    assert is_frozen(scene)
    os.kill(record, signal.SIGKILL)
    until(lambda: not is_frozen(scene))
    scene.database.require_writable()
    scene.require_sets()


def wait_for_worker(scene: Scene) -> list[int]:
    """Process numbers in the records of workers."""
    found: list[int] = []

    def look() -> bool:
        for one in (scene.job.ledger.parent / "workers").glob("*/worker.json"):
            record = json.loads(one.read_text())
            if "pid" in record:
                found[:] = [record["pid"]]
        return bool(found)

    until(look)
    return found


def test_a_backup_that_stands_still_is_thawed_at_its_limit_and_void(scene: Scene) -> None:
    scene.gtm.hold_open()
    run = scene.start(
        "backup_set", "freeze:copied:stop", root=str(scene.job.root), point="installed", provider="copy",
        freeze_limit=LIMIT,
    )
    run.until_stopped()
    begun = time.monotonic()
    assert is_frozen(scene)
    until(lambda: not is_frozen(scene))
    assert time.monotonic() - begun < 60
    result = run.result()
    assert "void" in result["msg"], result
    scene.require_sets()
    assert checker.named_sets(scene.job.root) == [scene.before]
    scene.database.require_writable()
