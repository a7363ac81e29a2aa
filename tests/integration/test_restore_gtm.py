# SPDX-License-Identifier: GPL-3.0-or-later
"""``restore`` on a real GT.M instance (A15, invariants 3, 7, 8, 13, 14; T5, T6, T42, T43)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from gtm_change import CHANGE, Change, flip, positions, tree
from gtm_point import NEW, OLD, PERSON, WRITE, Point, open_each

from ansible_collections.relmgmt.release.plugins.module_utils._backup import fence
from ansible_collections.relmgmt.release.plugins.module_utils._backup.copying import hash_file
from ansible_collections.relmgmt.release.plugins.module_utils._backup.lock import alone
from ansible_collections.relmgmt.release.plugins.module_utils._backup.patch import is_marked
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import parse, render
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import Layout
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import Answer
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_journal import writes_since
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, Refused
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module.restore import others_since, undo_datasets
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import UndoContext


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Point]:
    made = Point(tmp_path_factory.mktemp("restore") / "w").save()
    yield made
    made.gtm.close()


@pytest.fixture
def point(scene: Point) -> Iterator[Point]:
    scene.begin_again()
    yield scene
    scene.gtm.close()


def test_twelve_steps_of_a_restore(point: Point) -> None:
    assert not point.restore(check=True)["changed"]
    untouched = tree(point.gtm.base)
    unchanged = point.restore()
    assert not unchanged["changed"], unchanged
    assert tree(point.gtm.base) == untouched

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
        assert "blocks differ (delta)" in planned["diff"]["before"]
        assert f"{planned['blocks_differing']} of {planned['blocks_total']} blocks would change" in planned["msg"]
        assert planned["bytes_written"] == planned["blocks_differing"] * planned["datasets"][0]["block_size"]
        assert {(one["way"], one["bytes_written"] > 0) for one in planned["datasets"]} == {("delta", True)}
        assert "only the release wrote" in planned["data_loss"]["statement"]
    assert tree(point.gtm.base) == before

    done = point.restore()
    assert done["changed"], done
    assert done["blocks_differing"] == planned["blocks_differing"]
    assert done["bytes_written"] == planned["bytes_written"]
    again = point.restore()
    assert not again["changed"], again
    assert (again["blocks_differing"], again["bytes_written"]) == (0, 0)
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
    assert point.restore(**PERSON)["changed"]


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
        layout = Layout(one.block_size, one.algorithm)
        done = hash_file(str(point.path / one.file), str(point.path / one.digests), layout)
        datasets.append(one._replace(size=done.size, root=done.root))
    (point.path / "manifest.json").write_bytes(render(manifest._replace(datasets=tuple(datasets))))
    point.job.ledger.unlink()
    Change(point.root, point.gtm)


FILES = ["AUX.dat", "DEFAULT.dat", "routines.tar", "AUX.dat.digests", "routines.tar.digests", "manifest.json"]


def test_invariant_3_a_flipped_bit_is_refused_and_nothing_is_written(point: Point) -> None:
    point.change()
    before = tree(point.gtm.base)
    for check, file in [(False, one) for one in FILES] + [(True, "DEFAULT.dat"), (True, "manifest.json")]:
        flip(point.path / file, 10)
        refused = point.restore(check=check, **PERSON)
        assert refused["error"]["kind"] == "DatasetError", refused
        assert file.replace(".digests", "") in refused["msg"]
        if not file.endswith((".json", ".digests")):
            assert refused["error"]["block"] == 0
        assert tree(point.gtm.base) == before
        flip(point.path / file, 10)
    assert point.restore(check=True)["changed"]


def test_a_bad_block_that_is_not_written_stops_a_restore_only_if_all_is_verified(point: Point) -> None:
    point.change()
    before = tree(point.gtm.base)
    victim = point.path / "DEFAULT.dat"
    offset = victim.stat().st_size - 5000
    flip(victim, offset)
    refused = point.restore(verify="all")
    assert refused["error"]["block"] == offset // point.restore(check=True)["datasets"][1]["block_size"]
    assert tree(point.gtm.base) == before
    assert point.restore()["changed"]
    point.require_reached()


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
    assert point.restore(**PERSON)["changed"]
    point.require_reached()
    assert not point.restore()["changed"]


def test_a_damaged_dataset_comes_back(point: Point) -> None:
    with point.gtm.dataset.open("r+b") as stream:
        stream.write(b"\0" * 100000)
    done = point.restore(**PERSON)
    assert done["changed"], done
    point.require_reached()


def test_shared_memory_of_killed_users_is_no_obstacle(point: Point) -> None:
    point.change()
    process = point.gtm.start('SET ^CASE("killed")=1 WRITE "x",! HANG 60')
    process.kill()
    process.wait(10)
    refused = point.restore()
    assert refused["error"]["data_loss"]["writes"]["globals"] == {"^CASE": 1}
    assert point.restore(**PERSON)["changed"]
    point.require_reached()


def test_a_dataset_that_grew_has_its_size_again(point: Point) -> None:
    size = point.gtm.dataset.stat().st_size
    point.job.write_as_release('FOR i=1:1:20000 SET ^CASE(i)=$JUSTIFY(i,200)')
    point.gtm.settle()
    assert point.gtm.dataset.stat().st_size > size
    assert point.restore()["changed"]
    assert point.gtm.dataset.stat().st_size == size
    point.require_reached()


# -- a crash anywhere --------------------------------------------------------------------


def autostart(point: Point) -> list[Answer]:
    """What the wrapper `gtm` and a boot script run before the application."""
    engine = point.gtm.engine
    return [
        engine.mupip("journal", "-recover", "-backward", "*"),
        engine.mupip("set", "-journal=on,before", "-region", "*"),
        engine.mupip("rundown", "-region", "*"),
        engine.mumps("-run", "%XCMD", "SET ^CASE(9)=9"),
    ]


#: where a restore dies, and whether AUX and DEFAULT are then the old one, the point's (new), or not to be opened
STEPS = {
    "restore:marked": (OLD, OLD), "restore:fenced": (OLD, OLD), "restore:closed": (OLD, OLD),
    "restore:verified": (OLD, OLD), "restore:marked-block": (None, OLD), "restore:rewriting": (None, None),
    "restore:rewritten": (None, None), "restore:header": (NEW, None), "restore:routines": (NEW, NEW),
    "restore:journaled-AUX": (NEW, NEW), "restore:finished-AUX": (NEW, NEW),
    "restore:finished-DEFAULT": (NEW, NEW), "restore:opened": (NEW, NEW),
}


@pytest.mark.parametrize("step", STEPS)
def test_invariant_8_a_killed_restore_never_opens_half_restored_and_is_finished_by_the_next_run(
    point: Point, step: str
) -> None:
    point.change()
    point.kill_restore_at(step)
    if step not in ("restore:marked", "restore:opened"):
        assert point.gtm.engine.mumps("-run", "%XCMD", "SET ^CASE(9)=9").has("ZGBLDIRACC")
    wanted = {
        node: (kind or {}).get(node, "") for node, kind in zip(("^AUXLOG(1)", "^CASE(1)"), STEPS[step], strict=True)
    }
    assert open_each(point) == wanted
    assert point.restore_here()
    assert not point.restore_here()
    point.require_reached()


def test_after_a_killed_restore_nothing_but_the_restore_goes_on(point: Point) -> None:
    point.change()
    assert point.restore(failpoint="restore:rewriting")["status"] == -signal.SIGKILL
    half = tree(point.gtm.base)
    assert all(answer.rc != 0 for answer in autostart(point))
    refused = point.job.backup(point="installed")
    assert "not finished" in refused["msg"], refused
    assert tree(point.gtm.base) == half
    assert point.restore(check=True)["changed"]
    done = point.restore()
    assert done["changed"], done
    point.require_reached()
    assert not point.restore()["changed"]


def test_a_failure_while_writing_keeps_the_instance_closed(point: Point) -> None:
    point.change()
    assert "stays closed" in point.restore(failpoint="restore:routines:error")["msg"]
    with pytest.raises(DatasetError, match="not finished"):
        fence.refuse_half_restored(point.gtm.engine.global_directory)
    assert point.restore()["changed"]
    point.require_reached()


def test_a_failure_before_the_first_write_leaves_everything_as_before(point: Point) -> None:
    point.change()
    before = tree(point.gtm.base)
    assert "the datasets are as before" in point.restore(failpoint="restore:closed:error")["msg"]
    assert tree(point.gtm.base) == before


def test_the_word_given_to_a_killed_restore_holds_for_the_run_that_finishes_it(point: Point) -> None:
    point.change()
    point.gtm.m('SET ^CASE("user")=1,^AUXLOG("user")=1')
    point.gtm.settle()
    assert point.restore(failpoint="restore:header", **PERSON)["status"] == -signal.SIGKILL
    done = point.restore()
    assert done["changed"], done
    assert done["data_loss"]["confirmed_by"] == "maria.lopez"
    point.require_reached()


def test_invariant_13_who_writes_past_the_fence_of_a_killed_restore_is_asked_about(point: Point) -> None:
    point.change()
    point.restore(failpoint="restore:marked-block")
    other = point.other_directory()
    other.require(other.mumps("-run", "%XCMD", 'SET ^CASE("user")=1'), "a user's write")
    refused = point.restore()
    assert refused["error"]["data_loss"]["writes"]["globals"] == {"^CASE": 1}
    assert refused["error"]["data_loss"]["datasets"] == ["DEFAULT"]
    assert point.restore(**PERSON)["changed"]
    point.require_reached()


def test_another_set_completes_a_killed_restore_with_a_named_persons_word(point: Point) -> None:
    point.change()
    second = point.job.backup(point="installed")
    assert second["changed"], second
    held = point.gtm.extract()
    point.gtm.settle()
    point.job.write_as_release('SET ^CASE(3)="later",^AUXLOG(3)="later"')
    point.gtm.settle()
    assert point.restore(failpoint="restore:rewriting", **PERSON)["status"] == -signal.SIGKILL
    refused = point.job.restore(second["path"])
    assert "half restored" in refused["msg"], refused
    assert is_marked(str(point.gtm.dataset)) == str(point.path)
    assert point.job.restore(second["path"], **PERSON)["changed"]
    assert point.gtm.extract() == held
    assert point.restore(**PERSON)["changed"]
    point.require_reached()


def test_the_second_point_is_restored_alone_by_the_same_command(point: Point) -> None:
    point.change()
    second = point.job.backup(point="installed")
    held, sources = point.gtm.extract(), tree(point.gtm.sources)
    assert point.restore()["changed"]
    point.require_reached()
    done = point.job.restore(second["path"], **PERSON)
    assert done["changed"], done
    assert point.gtm.extract() == held
    assert tree(point.gtm.sources) == sources
    assert not point.job.restore(second["path"])["changed"]


def test_an_unfinished_act_of_a_killed_restore_stays_in_the_ledger(point: Point) -> None:
    point.change()
    point.restore(failpoint="restore:rewriting")
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
    assert "loses 1 write from" in refused["msg"]
    done = point.restore(**PERSON)
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
    assert point.restore(**PERSON)["changed"]
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
    with pytest.raises(Refused, match=r"loses 4 writes .*\^CASE"):
        undo_datasets({**recipe, "writer_pids": [1], "since": 0.0}, context)
    assert undo_datasets(recipe, context)["changed"]
    assert not undo_datasets(recipe, context)["changed"]
    point.require_reached()


@pytest.mark.parametrize("step", ["restore:marked", "restore:header", "restore:opened"])
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
