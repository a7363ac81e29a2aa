# SPDX-License-Identifier: GPL-3.0-or-later
"""``restore`` on a real GT.M instance (A15, invariants 3, 7, 8, 13, 14; T5, T6, T42, T43)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gtm_change import CHANGE, Change, TwoRegions, flip, positions, tree
from gtm_instance import find_dist

from ansible_collections.relmgmt.release.plugins.module_utils._backup import fence
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import write_digests
from ansible_collections.relmgmt.release.plugins.module_utils._backup.lock import alone
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import parse, render
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_journal import writes_since
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module.restore import others_since, undo_datasets
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import UndoContext

pytestmark = pytest.mark.skipif(not find_dist(), reason="untested: no GT.M found; set RELMGMT_GTM_DIST")

WRITE = 'SET ^CASE(1)="closed",^CASE("new")=1,^AUXLOG(1)="x" KILL ^CASE(2)'


@pytest.fixture
def gtm(tmp_path: Path) -> Iterator[TwoRegions]:
    made = TwoRegions(tmp_path / "i")
    made.create()
    yield made
    made.close()


class Point:
    """A set of point `before`, and what the instance held at it."""

    def __init__(self, job: Change) -> None:
        self.job = job
        self.gtm = job.gtm
        self.made = job.backup()
        assert self.made["changed"], self.made
        self.path = Path(self.made["path"])
        self.globals = self.gtm.extract()
        self.sources = tree(self.gtm.sources)
        self.gtm.settle()

    def change(self) -> None:
        """What a release does: globals in both regions, one routine changed, one new, one gone."""
        self.job.write_as_release(WRITE)
        self.gtm.routine("CASE", "CASE()\tQUIT 100\n")
        self.gtm.routine("CASENEW", "CASENEW()\tQUIT 3\n")
        (self.gtm.sources / "_CFUTIL.m").unlink()
        (self.gtm.objects / "_CFUTIL.o").unlink()
        self.gtm.settle()

    def restore(self, **options: Any) -> dict[str, Any]:
        return self.job.restore(str(self.path), **options)

    def require_reached(self) -> None:
        """Globals, routines, journals, integrity are those of the point; writes work."""
        assert self.gtm.extract() == self.globals
        assert tree(self.gtm.sources) == self.sources
        assert self.gtm.m("WRITE $$^CASE()") == "1"
        assert not (self.gtm.objects / "CASENEW.o").exists()
        assert {one.journal for one in self.gtm.info().datasets} == {
            str(self.gtm.base / "cfis.mjl"), str(self.gtm.base / "aux.mjl")
        }
        integ = self.gtm.engine.mupip("integ", "-region", "*")
        assert integ.rc == 0, integ.err
        assert list(self.gtm.base.glob("*relmgmt-restoring")) == []
        assert list(self.gtm.base.glob(".*.relmgmt-restore")) == []


@pytest.fixture
def point(tmp_path: Path, gtm: TwoRegions) -> Point:
    return Point(Change(tmp_path, gtm))


def test_twelve_steps_of_a_restore(point: Point) -> None:
    assert not point.restore(check=True)["changed"]
    untouched = tree(point.gtm.base)
    unchanged = point.restore()
    assert not unchanged["changed"], unchanged
    # the restore looked for users' shared memory, which may touch a header, never a block behind it
    assert set(tree(point.gtm.base)) == set(untouched)

    point.change()
    before = tree(point.gtm.base)
    planned = point.restore(check=True)
    for _ in range(2):
        planned = point.restore(check=True)
        assert planned["changed"], planned
        assert 0 < planned["blocks_differing"] < planned["blocks_total"]
        assert planned["routines_written"] == ["CASE.m", "_CFUTIL.m"]
        assert planned["routines_removed"] == ["CASENEW.m"]
        assert "routine CASE.m: differs" in planned["diff"]["before"]
    assert tree(point.gtm.base) == before

    done = point.restore()
    assert done["changed"], done
    assert done["blocks_differing"] == planned["blocks_differing"]
    again = point.restore()
    assert not again["changed"], again
    assert again["blocks_differing"] == 0
    assert not point.restore(check=True)["changed"]
    point.require_reached()

    missing = point.job.restore(str(point.path) + "-gone")
    assert "there is no backup set" in missing["msg"]
    assert "manifest.json" in missing["msg"]


def test_t43_reading_the_database_does_not_make_a_restore_change_it(point: Point) -> None:
    point.change()
    assert point.restore()["changed"]
    digest = tree(point.gtm.base)["cfis.dat"]
    assert point.gtm.m("WRITE ^CASE(1)") == "open"
    assert tree(point.gtm.base)["cfis.dat"] != digest
    assert not point.restore(check=True)["changed"]
    assert not point.restore()["changed"]
    point.gtm.m("SET ^CASE(1)=2")
    assert point.restore(lose_writes_confirmed_by="maria.lopez")["changed"]


def test_the_proof_of_a_write_leaves_no_node(point: Point) -> None:
    point.change()
    assert point.restore()["changed"]
    assert [line for line in point.gtm.extract() if "relmgmt" in line] == []
    assert point.gtm.m("WRITE $DATA(^%relmgmt)") == "0"


def test_t42_a_frozen_copy_does_not_hang_the_first_writer(point: Point) -> None:
    # A copy as `freeze -on` and cp make it, with the digests it deserves.
    point.gtm.engine.require(point.gtm.engine.mupip("freeze", "-on", "*"), "freeze")
    (point.path / "DEFAULT.dat").write_bytes(point.gtm.dataset.read_bytes())
    point.gtm.engine.require(point.gtm.engine.mupip("freeze", "-off", "*"), "thaw")
    _seal_again(point)
    point.change()
    done = point.restore()
    assert done["changed"], done
    writer = point.gtm.engine.mumps("-run", "%XCMD", "SET ^CASE(1)=^CASE(1)", deadline=20)
    assert writer.rc == 0
    point.require_reached()


def _seal_again(point: Point) -> None:
    manifest = parse((point.path / "manifest.json").read_bytes(), "test")
    datasets = []
    for one in manifest.datasets:
        done = write_digests(str(point.path / one.file), str(point.path / one.digests))
        datasets.append(one._replace(size=done.size, root=done.root))
    (point.path / "manifest.json").write_bytes(render(manifest._replace(datasets=tuple(datasets))))
    with_points = point.job.ledger
    with_points.unlink()
    Change(point.job.root.parent, point.gtm)


FILES = ["AUX.dat", "DEFAULT.dat", "routines.tar", "AUX.dat.digests", "routines.tar.digests", "manifest.json"]


def test_a_flipped_bit_anywhere_is_refused_and_nothing_is_written(point: Point) -> None:
    point.change()
    before = tree(point.gtm.base)
    for number, file in enumerate(FILES * 3):
        victim = point.path / file
        offset = int(victim.stat().st_size * (0.0, 0.5, 0.999)[number // len(FILES)])
        flip(victim, offset)
        refused = point.restore(lose_writes_confirmed_by="maria.lopez")
        assert refused["error"]["kind"] == "DatasetError", refused
        assert file.replace(".digests", "") in refused["msg"]
        if not file.endswith((".json", ".digests")):
            assert refused["error"]["block"] == offset // 8192
        assert tree(point.gtm.base) == before
        flip(victim, offset)
    flip(victim, 0)
    assert point.restore(check=True)["failed"]
    flip(victim, 0)
    assert point.restore(check=True)["changed"]


def test_a_file_missing_from_the_set_is_named(point: Point) -> None:
    point.change()
    before = tree(point.gtm.base)
    for file in FILES:
        (point.path / file).rename(point.path / "away")
        refused = point.restore()
        assert refused["failed"]
        assert str(point.path / file) in refused["msg"]
        (point.path / "away").rename(point.path / file)
    assert tree(point.gtm.base) == before


def test_a_set_that_is_not_the_recorded_one_is_refused(point: Point) -> None:
    point.change()
    manifest = parse((point.path / "manifest.json").read_bytes(), "test")
    (point.path / "manifest.json").write_bytes(render(manifest._replace(release="CFIS009")))
    assert "not the one that the ledger recorded" in point.restore()["msg"]


def test_an_open_dataset_is_refused_naming_the_process(point: Point) -> None:
    point.change()
    user = point.gtm.hold_open()
    planned = point.restore(check=True)
    assert planned["changed"]
    assert planned["attached"] == [user.pid]
    refused = point.restore()
    assert refused["error"]["pids"] == [user.pid]
    assert str(user.pid) in refused["msg"]
    assert "quiesce" in refused["msg"]
    point.gtm.close()
    assert point.restore()["changed"]


def test_two_restores_at_once_one_is_refused(point: Point) -> None:
    point.change()
    with alone(str(point.gtm.base), "restores an instance"):
        assert "another process restores" in point.restore()["msg"]
    assert point.restore()["changed"]


@pytest.mark.parametrize("region", ["cfis.dat", "aux.dat"])
def test_t6_a_vanished_dataset_comes_back(point: Point, region: str) -> None:
    (point.gtm.base / region).unlink()
    refused = point.restore()
    assert "unknown" in refused["msg"]
    assert point.restore(lose_writes_confirmed_by="maria.lopez")["changed"]
    point.require_reached()
    assert not point.restore()["changed"]


def test_a_damaged_dataset_comes_back(point: Point) -> None:
    with point.gtm.dataset.open("r+b") as stream:
        stream.write(b"\0" * 100000)
    done = point.restore(lose_writes_confirmed_by="maria.lopez")
    assert done["changed"], done
    point.require_reached()


def test_shared_memory_of_killed_users_is_no_obstacle(point: Point) -> None:
    point.change()
    process = point.gtm.start('SET ^CASE("killed")=1 WRITE "x",! HANG 60')
    process.kill()
    process.wait(10)
    refused = point.restore()
    assert refused["error"]["data_loss"]["writes"]["globals"] == {"^CASE": 1}
    assert point.restore(lose_writes_confirmed_by="maria.lopez")["changed"]
    point.require_reached()


def test_a_full_disk_is_refused_with_everything_as_before(point: Point) -> None:
    point.change()
    changed = point.gtm.extract()
    refused = point.restore(reserve=1 << 50)
    assert "are free" in refused["msg"]
    assert point.gtm.extract() == changed
    assert list(point.gtm.base.glob("*relmgmt*")) == []


def test_a_failure_while_staging_leaves_everything_as_before(point: Point) -> None:
    point.change()
    changed = point.gtm.extract()
    assert "the datasets are as before" in point.restore(failpoint="restore:staged-AUX:error")["msg"]
    assert point.gtm.extract() == changed
    assert list(point.gtm.base.glob(".*relmgmt*")) == []
    assert fence.read_marker(point.gtm.engine.global_directory) is None


def test_a_failure_after_the_cut_over_keeps_the_instance_closed(point: Point) -> None:
    point.change()
    assert "stays closed" in point.restore(failpoint="restore:routines:error")["msg"]
    with pytest.raises(DatasetError, match="not finished"):
        fence.refuse_half_restored(point.gtm.engine.global_directory)
    assert point.restore()["changed"]
    point.require_reached()


STEPS = [
    "restore:marked", "restore:fenced", "restore:staged-AUX", "restore:staged", "restore:replaced-AUX",
    "restore:routines", "restore:journaled-AUX", "restore:finished-AUX", "restore:finished-DEFAULT", "restore:opened",
]


@pytest.mark.parametrize("step", STEPS)
def test_a_restore_that_was_killed_is_finished_by_the_next_run(point: Point, step: str) -> None:
    point.change()
    killed = point.restore(failpoint=step)
    assert killed["status"] == -signal.SIGKILL
    assert point.gtm.dataset.is_file()
    assert point.gtm.second.is_file()
    if step not in ("restore:marked", "restore:opened"):
        # no program of the application can open a half-restored instance, reboot and autostart included
        opened = point.gtm.engine.mumps("-run", "%XCMD", "SET ^CASE(9)=9")
        assert opened.rc != 0
        assert opened.has("ZGBLDIRACC")
    assert "not finished" in point.job.backup(point="installed")["msg"]
    assert point.restore(check=True)["changed"]
    assert point.restore()["changed"]
    point.require_reached()
    assert not point.restore()["changed"]


def test_the_word_given_to_a_killed_restore_holds_for_the_run_that_finishes_it(point: Point) -> None:
    point.change()
    point.gtm.m('SET ^CASE("user")=1,^AUXLOG("user")=1')
    point.gtm.settle()
    person = {"lose_writes_confirmed_by": "maria.lopez"}
    assert point.restore(failpoint="restore:replaced-AUX", **person)["status"] == -signal.SIGKILL
    done = point.restore()
    assert done["changed"], done
    assert done["data_loss"]["confirmed_by"] == "maria.lopez"
    point.require_reached()


def test_an_unfinished_act_of_a_killed_restore_stays_in_the_ledger(point: Point) -> None:
    point.change()
    point.restore(failpoint="restore:staged")
    acts = [act for act in point.job.read_ledger().acts(CHANGE) if act["module"] == "restore"]
    assert [act["outcome"] for act in acts] == [None]
    assert acts[0]["intent"]["path"] == str(point.path)


def test_old_journals_are_kept(point: Point) -> None:
    point.change()
    before = {name: digest for name, digest in tree(point.gtm.base).items() if ".mjl" in name}
    assert point.restore()["changed"]
    after = tree(point.gtm.base)
    assert set(before) - {"cfis.mjl", "aux.mjl"} <= set(after)
    assert len([name for name in after if ".mjl" in name]) == len(before) + 2
    found = writes_since(point.gtm.engine, positions(point.made), (), str(point.gtm.base))
    assert (found.unknown, found.total) == ("", 0)


def test_owner_and_mode_of_a_dataset_stay(point: Point) -> None:
    point.change()
    point.gtm.dataset.chmod(0o640)
    assert point.restore()["changed"]
    assert point.gtm.dataset.stat().st_mode & 0o7777 == 0o640
    assert point.gtm.dataset.stat().st_uid == os.getuid()


# -- nobody's writes are lost without a word -------------------------------------------


def test_invariant_13_a_users_write_needs_a_named_person(point: Point) -> None:
    point.change()
    point.gtm.m('SET ^CASE("user")="mine"')
    point.gtm.settle()
    planned = point.restore(check=True)
    assert planned["data_loss"]["writes"]["count"] == 1
    refused = point.restore()
    assert refused["failed"]
    loss = refused["error"]["data_loss"]
    assert loss["writes"]["rows"][0]["reference"] == '^CASE("user")'
    assert loss["taken_at"] == point.made["taken_at"]
    assert point.gtm.m('WRITE ^CASE("user")') == "mine"
    assert "loses 1 writes" in refused["msg"]
    done = point.restore(lose_writes_confirmed_by="maria.lopez")
    assert done["changed"]
    assert done["data_loss"]["confirmed_by"] == "maria.lopez"
    acts = point.job.read_ledger().acts(CHANGE)
    assert acts[0]["intent"]["lose_writes_confirmed_by"] == "maria.lopez"
    point.require_reached()


def test_an_unknown_past_needs_a_named_person(point: Point) -> None:
    point.change()
    point.gtm.engine.require(point.gtm.engine.mupip("set", "-journal=off", "-region", "*"), "off")
    refused = point.restore()
    assert refused["failed"]
    assert "unknown" in refused["msg"]
    assert point.restore(lose_writes_confirmed_by="maria.lopez")["changed"]
    point.require_reached()


def test_others_since_feeds_the_rollbacks_decision(point: Point) -> None:
    pid = point.job.write_as_release(WRITE)
    taken = point.job.read_ledger().points()[0]
    recipe = {"instance": point.gtm.instance}
    assert others_since(taken, recipe, [pid]).others == ()
    point.gtm.m("SET ^CASE(5)=5")
    found = others_since(taken, recipe, [pid]).others
    assert found is not None
    assert [one.reference for one in found] == ["^CASE(5)"]
    point.gtm.engine.require(point.gtm.engine.mupip("set", "-journal=off", "-region", "*"), "off")
    assert others_since(taken, recipe, [pid]).others is None


def test_the_undo_restores_once(point: Point, tmp_path: Path) -> None:
    point.change()
    recipe = {"kind": "datasets", "instance": point.gtm.instance, "path": str(point.path)}
    context = UndoContext(str(tmp_path), str(tmp_path))
    assert undo_datasets(recipe, context)["changed"]
    assert not undo_datasets(recipe, context)["changed"]
    point.require_reached()


@pytest.mark.parametrize("step", ["restore:marked", "restore:replaced-AUX", "restore:opened"])
def test_a_rollback_that_was_killed_while_restoring_finds_the_same_way_again(
    point: Point, tmp_path: Path, step: str
) -> None:
    pid = point.job.write_as_release(WRITE)
    point.gtm.settle()
    taken = point.job.read_ledger().points()[0]
    recipe = {"kind": "datasets", "instance": point.gtm.instance, "path": str(point.path)}
    assert point.restore(failpoint=step)["status"] == -signal.SIGKILL
    assert others_since(taken, recipe, [pid]).others == ()
    assert undo_datasets(recipe, UndoContext(str(tmp_path), str(tmp_path)))["changed"]
    point.require_reached()


def test_invariant_14_an_expired_receipt_does_not_forbid_going_back(point: Point) -> None:
    point.change()
    ledger = Ledger(str(point.job.ledger))
    ledger.close_receipt(CHANGE, 1, "done")
    ledger.close()
    assert point.restore()["changed"]


def test_a_stale_lease_is_refused(point: Point) -> None:
    point.change()
    before = tree(point.gtm.base)
    refused = point.job.restore(str(point.path), lease=0)
    assert refused["error"]["kind"] == "Refused"
    assert tree(point.gtm.base) == before
