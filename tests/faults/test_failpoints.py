# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at every named place of backup, restore, load, retention and worker, each judged by the independent checker.

The places are collected from the source: a new one without a test here turns this file red. Those of the fence and
of test mode are tried where these are tested.
"""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fault_checker as checker
import gtm_change
import pytest
from fault_scene import Scene, until
from gtm_instance import GtmSandbox
from module_runner import COLLECTIONS
from package_cycle import Cycle, global_xml, routine_xml

from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger

INTEGRATION = Path(__file__).parents[1] / "integration"
PLUGINS = COLLECTIONS / "ansible_collections/relmgmt/release/plugins"
CALL = re.compile(r'failpoint\(\s*"([^"]+)"(\s*\+)?')
REGIONS = ("AUX", "DEFAULT")

NATIVE = ("backup:copied", "backup:hashed", "backup:verified", "backup:manifest", "backup:published",
          "backup:unrecorded", "copy:stripe", "copy:done")
COPY = ("freeze:armed", "freeze:frozen", "freeze:copied", "freeze:thawed")
DELTA = ("restore:marked", "restore:fenced", "restore:closed", "restore:verified", "restore:marked-block",
         "restore:rewriting", "restore:rewritten", "restore:header", "restore:routines", "restore:opened",
         "restore:journaled-AUX", "restore:journaled-DEFAULT", "restore:finished-AUX", "restore:finished-DEFAULT")
CLONE = ("restore:staged-AUX", "restore:staged-DEFAULT", "restore:replaced-AUX", "restore:replaced-DEFAULT")
LOAD = ("package.begun", "package.source", "package.compiled", "package.removed", "package.globals", "package.written")
STEP = ("package.step", "package.stepped")
RETENTION = ("retention:renamed", "retention:clones")
WORKER = ("worker:locked", "worker:begun", "worker:done", "worker:unnamed")
ELSEWHERE = {"fence:": ("test_interface_fence.py", "test_fence_boot.py"), "test_mode:": ("test_test_mode_gtm.py",)}
TESTED = (*NATIVE, *COPY, *DELTA, *CLONE, *LOAD, *STEP, *RETENTION, *WORKER)


def collected() -> Iterator[str]:
    """Every name in the source; one that ends in a region's name once for each region."""
    for path in sorted(PLUGINS.rglob("*.py")):
        for name, goes_on in CALL.findall(path.read_text(encoding="utf-8")):
            yield from (name + region for region in REGIONS) if goes_on else [name]


@pytest.mark.slice
def test_every_failpoint_of_the_source_has_its_test_here() -> None:
    assert {name for name in collected() if not name.startswith(tuple(ELSEWHERE))} == set(TESTED)


@pytest.mark.slice
@pytest.mark.parametrize("prefix", ELSEWHERE)
def test_every_failpoint_of_test_mode_has_its_test_elsewhere(prefix: str) -> None:
    tried = "".join((INTEGRATION / name).read_text(encoding="utf-8") for name in ELSEWHERE[prefix])
    names = {name.removeprefix(prefix) for name in collected() if name.startswith(prefix)}
    assert names
    assert {name for name in names if f'"{name}"' not in tried and f'"{prefix}{name}"' not in tried} == set()


def require_killed(result: dict[str, Any]) -> None:
    """The fault has fired."""
    assert result["status"] == -signal.SIGKILL, result


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.slice] if name == "backup:manifest" else []) for name in NATIVE
])
def test_a_killed_backup_leaves_no_torn_set(scene: Scene, name: str) -> None:
    require_killed(scene.backup(failpoint=name))
    scene.require_sets()
    scene.require_unharmed()
    assert not scene.backup()["failed"]
    scene.require_backed_up()
    assert scene.backup()["changed"] is False


@pytest.mark.parametrize("name", COPY)
def test_a_killed_freeze_is_thawed(scene: Scene, name: str) -> None:
    scene.gtm.hold_open()
    require_killed(scene.backup(failpoint=name, provider="copy"))
    scene.database.require_writable()
    scene.require_sets()
    scene.gtm.close()
    scene.require_unharmed()
    assert scene.backup(provider="copy")["changed"]
    scene.require_backed_up()


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.slice] if name == "restore:rewriting" else []) for name in DELTA
])
def test_a_killed_restore_shows_one_point_or_none(scene: Scene, name: str) -> None:
    require_killed(scene.restore(failpoint=name))
    scene.require_never_half()
    scene.require_sets()
    done = scene.restore()
    assert not done["failed"], done
    assert scene.restore()["changed"] is False
    scene.require_restored()


@pytest.mark.parametrize("name", CLONE)
def test_a_killed_restore_of_vanished_datasets_shows_one_point_or_none(on_disk: Scene, name: str) -> None:
    """Where everything differs, whole clones or copies are put in place."""
    for path in (on_disk.gtm.dataset, on_disk.gtm.second):
        path.unlink()
    word = {"lose_writes_confirmed_by": "maria.lopez"}
    require_killed(on_disk.restore(failpoint=name, **word))
    on_disk.require_never_half()
    on_disk.require_sets()
    done = on_disk.restore(**word)
    assert not done["failed"], done
    on_disk.require_restored()


def test_a_restore_killed_twice_is_finished_by_the_third(scene: Scene) -> None:
    for name in ("restore:rewriting", "restore:header"):
        require_killed(scene.restore(failpoint=name))
        scene.require_never_half()
    assert not scene.restore()["failed"]
    scene.require_restored()


# -- load --------------------------------------------------------------------------------

OLD, NEXT = 'CASE ;\n write "old",!\n quit\n', 'CASE ;\n write "next",!\n quit\n'


@pytest.fixture
def cycle(tmp_path: Path) -> Iterator[Cycle]:
    gtm = GtmSandbox(tmp_path / "i")
    gtm.create()
    gtm.routine("CASE", OLD)
    gtm.routine("CASEOLD", OLD.replace("CASE", "CASEOLD"))
    gtm.m('set ^CFISCFG("port")=7001,^USER(1)="data"')
    yield Cycle(tmp_path, gtm)
    gtm.close()


def load(cycle: Cycle) -> dict[str, Any]:
    return cycle.begin(
        "CFIS002", routine_xml("CASE.MAC", NEXT), routine_xml("CASENEW.MAC", NEXT.replace("CASE", "CASENEW")),
        global_xml("^CFISCFG", {("port",): "9001"}), drops=["CASEOLD.MAC"],
        globals=[{"name": "^CFISCFG", "mode": "merge"}],
    )


def seen(cycle: Cycle) -> tuple[dict[str, bytes], list[str], list[str]]:
    """Sources, nodes, and what a user who runs each routine is told."""
    database = checker.Database(cycle.gtm.dist, cycle.gtm.engine.environment())
    names = sorted(path.stem for path in cycle.gtm.sources.iterdir())
    said = [database.m(f"do ^{name}").stdout for name in names]
    sources = {path.name: path.read_bytes() for path in cycle.gtm.sources.iterdir()}
    return sources, database.nodes(cycle.gtm.base / "seen.zwr"), said


@pytest.mark.parametrize("name", LOAD)
@pytest.mark.parametrize("then", ["go back", "go on"])
def test_a_killed_load_can_go_back_and_on(cycle: Cycle, name: str, then: str) -> None:
    before, args = seen(cycle), load(cycle)
    require_killed(gtm_change.run("cache_package", args, failpoint=name))
    if then == "go back":
        cycle.roll_back(args)
        assert seen(cycle) == before
        return
    done = gtm_change.run("cache_package", args)
    assert not done["failed"], done
    sources, nodes, said = seen(cycle)
    assert sorted(sources) == ["CASE.m", "CASENEW.m"]
    assert said == ["next\n", "next\n"]
    assert nodes == ['^CFISCFG("port")="9001"', '^USER(1)="data"']
    assert gtm_change.run("cache_package", args)["changed"] is False
    cycle.roll_back(args)
    assert seen(cycle) == before


INDEX = """CFISCNV ;post-install
INDEX() set ^CFISIDX("a")=1 quit 1
DROP() kill ^CFISIDX quit 1
"""


@pytest.mark.parametrize("name", STEP)
def test_a_killed_step_is_never_run_again_and_goes_back(cycle: Cycle, name: str) -> None:
    """What a step did before it died is unknown: nobody goes on from there, its undo is run."""
    undo = {"call": "$$DROP^CFISCNV", "expect": "1"}
    step = {"name": "index", "call": "$$INDEX^CFISCNV", "expect": "1", "undo": undo}
    before = seen(cycle)
    args = cycle.begin("CFIS002", routine_xml("CFISCNV.MAC", INDEX), steps=[step])
    require_killed(gtm_change.run("cache_package", args, failpoint=name))
    refused = gtm_change.run("cache_package", args)
    assert "roll back" in refused["msg"], refused
    cycle.roll_back(args)
    assert seen(cycle) == before
    done = gtm_change.run("cache_package", args)
    assert not done["failed"], done
    assert '^CFISIDX("a")="1"' in seen(cycle)[1]


# -- retention and worker -----------------------------------------------------------------


@pytest.mark.parametrize("name", RETENTION)
def test_a_killed_removal_leaves_no_torn_set(scene: Scene, name: str) -> None:
    assert scene.backup()["changed"]
    older = scene.job.root / "CFIS001" / "CHG0000001-1" / "CFIS" / "before"
    older.parent.mkdir(parents=True)
    earlier(scene, older)
    options = {**scene.job.common, "root": str(scene.job.root), "keep_releases": 1}
    require_killed(gtm_change.run("backup_retention", options, failpoint=name))
    scene.require_sets()
    assert not older.exists()
    done = gtm_change.run("backup_retention", options)
    assert done["removed"] == [str(older)]
    scene.require_backed_up()
    assert not older.parents[2].exists()
    assert gtm_change.run("backup_retention", options)["changed"] is False


def earlier(scene: Scene, path: Path) -> None:
    """A good set of a change before, as this host's ledger knows it."""
    values = checker.manifest(scene.before)
    del values["root_digest"]
    values.update(change="CHG0000001", release="CFIS001", taken_at="2026-01-03T10:00:00+00:00")
    shutil.copytree(scene.before, path)
    root_digest = checker.seal(path, values)
    ledger = Ledger(str(scene.job.ledger))
    ledger.add_point(change="CHG0000001", attempt=1, instance="CFIS", point="before", path=str(path),
                     root_digest=root_digest, taken_at=1.0, detail={})
    ledger.close()


@pytest.mark.parametrize("name", WORKER)
def test_a_killed_worker_leaves_no_torn_set_and_blocks_nobody(scene: Scene, name: str) -> None:
    def ask(call: str, failpoint: str = "") -> dict[str, Any]:
        return scene.backup(failpoint=failpoint, worker={"call": call, "wait": 60})

    died = ask("first", name)
    assert died["failed"]
    assert "ended" in died["msg"], died
    workers = list((scene.job.ledger.parent / "workers").glob("*/lock"))
    assert workers
    until(lambda: not any(is_locked(one) for one in workers))
    scene.require_sets()
    scene.require_unharmed()
    done = ask("second")
    assert not done["failed"], done
    assert done["worker"]["joined"] is False
    scene.require_backed_up()


def is_locked(path: Path) -> bool:
    """Does the kernel list a lock on this file?"""
    inode = f":{path.stat().st_ino} "
    return any(inode in line for line in Path("/proc/locks").read_text().splitlines())

