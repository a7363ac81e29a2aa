# SPDX-License-Identifier: GPL-3.0-or-later
"""``backup_retention``: what goes, what stays, and what a crash in the middle leaves (T4, invariants 7, 8 and 10)."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import copying, manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.clone import folder_of
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import layout_for
from ansible_collections.relmgmt.release.plugins.module_utils._backup.lock import alone
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.verify import find_sets
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import (
    Base,
    DatasetCopy,
    Manifest,
    set_path,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    DatasetError,
    InvalidInput,
    ReceiptMissing,
    Refused,
)
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module.backup_retention import retain
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome

spec = importlib.util.spec_from_file_location("module_double", Path(__file__).with_name("module_double.py"))
assert spec is not None
assert spec.loader is not None
doubles = importlib.util.module_from_spec(spec)
spec.loader.exec_module(doubles)
COLLECTIONS = Path(copying.__file__).parents[6]


class Site:
    """A backup root with sets of CFIS, and the ledger that knows them. CHG9 is the change under way."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.root = base / "backup"
        self.live = base / "live" / "A.dat"
        self.live.parent.mkdir()
        self.live.write_bytes(b"live" * 3000)
        self.ledger = str(base / "state" / "ledger.db")
        ledger = Ledger(self.ledger)
        ledger.set_host(environment="sandbox", protected=True, sandbox=True)
        ledger.take_lease("CHG9", {}, 1)
        self.receipt(ledger, "CHG9")
        ledger.close()

    def receipt(self, ledger: Ledger, change: str, verdict: str = "") -> None:
        ledger.add_receipt(
            change=change, attempt=1, release="R", bundle_digest="b", plan_digest="p", environment="sandbox",
            packages=[], report={}, clock="", expires=4e9,
        )
        if verdict:
            ledger.close_receipt(change, 1, verdict)

    def take(self, number: int, point: str = "before", recorded: bool = True, instance: str = "CFIS") -> Path:
        """A set of CHG<number>, taken on that day of December."""
        change = f"CHG{number}"
        path = set_path(str(self.root), "R", change, 1, instance, point)
        layout = layout_for(8192)
        with manifest.begin(path) as part:
            copy = Path(part, "A.dat")
            copy.write_bytes(f"{change} {point} ".encode() * 2000)
            done = copying.hash_file(str(copy), str(copy) + ".digests", layout)
            made = Manifest(
                "gtm", instance, "R", change, 1, point, f"2026-12-{number:02d}T0{point == 'installed':d}:00:00+00:00",
                "online", "native", None, Base("../before", "0" * 64) if point == "installed" else None,
                (DatasetCopy("A", "A.dat", "database", str(self.live), done.size, done.root, 0o640, 0, 0, None,
                             layout.block_size, layout.algorithm),),
            )
            manifest.publish(part, path, made)
        if recorded:
            ledger = Ledger(self.ledger)
            ledger.add_point(change=change, attempt=1, instance=instance, point=point, path=path,
                             root_digest=made.root_digest, taken_at=float(number), detail={})
            ledger.close()
        return Path(path)

    def params(self, keep: int, **more: Any) -> dict[str, Any]:
        gtm = {"dist": "/nonexistent", "global_directory": str(self.base / "live" / "cfis.gld"),
               "source_directory": "/nonexistent", "object_directory": "/nonexistent", "environment": {}}
        return {
            "instance": {"name": "CFIS", "engine": "gtm", "gtm": gtm}, "root": str(self.root), "keep_releases": keep,
            "verify": False, "ledger": self.ledger, "change": "CHG9", "lease": 1, **more,
        }

    def retain(self, keep: int, check: bool = False, **more: Any) -> Outcome:
        return retain(Host(doubles.ModuleDouble(check, **self.params(keep, **more))))

    def sets(self) -> list[str]:
        return sorted(str(Path(path).relative_to(self.root / "R")) for path in find_sets(str(self.root))[0])

    def reader(self) -> Ledger:
        return Ledger(self.ledger, readonly=True)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def five(site: Site) -> Site:
    """CHG1 to CHG4 are old, CHG9 is the one under way; each has both points."""
    for number in (1, 2, 3, 4, 9):
        for point in ("before", "installed"):
            site.take(number, point)
    return site


def why(outcome: Outcome) -> dict[str, str]:
    return {Path(one["path"]).parts[-3]: one["why"] for one in outcome.record["kept"]}


def test_steps_of_a_removal(five: Site) -> None:
    everything = five.sets()
    for _run in range(2):
        planned = five.retain(2, check=True)
        assert planned.changed
        assert len(planned.record["removed"]) == 6
        assert five.sets() == everything
    assert f"{five.root}/R/CHG3-1/CFIS/before\n" in planned.before
    assert "CHG3-1" not in planned.after
    assert "CHG4-1/CFIS/before (of the newest 2 good attempts)" in planned.after

    done = five.retain(2)
    assert (done.changed, done.record["removed"]) == (True, planned.record["removed"])
    assert done.record["problems"] == []
    assert five.sets() == [f"CHG{number}-1/CFIS/{point}" for number in (4, 9) for point in ("before", "installed")]
    assert sorted(path.name for path in (five.root / "R").iterdir()) == ["CHG4-1", "CHG9-1"]
    assert {point["change"] for point in five.reader().points()} == {"CHG4", "CHG9"}
    (act,) = five.reader().acts()
    assert (act["module"], act["outcome"]) == ("backup_retention", "done")
    assert act["detail"]["removed"] == done.record["removed"]

    again = five.retain(2)
    assert (again.changed, again.record["removed"], again.before) == (False, [], again.after)
    assert len(five.reader().acts()) == 1


def test_the_cycle_under_way_keeps_its_sets_and_so_does_the_release_in_force(five: Site) -> None:
    ledger = Ledger(five.ledger)
    for change in ("CHG1", "CHG2"):
        five.receipt(ledger, change, "done")
        number = ledger.begin_act(change=change, attempt=1, release="R", phase="install", module="cache_package",
                                  target="CFIS", intent={}, undo={"kind": "globals"})
        ledger.finish_act(number, "done", {})
    ledger.close()
    five.take(12)
    outcome = five.retain(1)
    assert why(outcome) == {
        "CHG12-1": "of the newest 1 good attempts", "CHG9-1": "CHG9 may still go back to it",
        "CHG2-1": "CHG2 may still go back to it",
    }


def test_damaged_unknown_and_foreign_ones_stay(site: Site) -> None:
    for number in (1, 2):
        site.take(number)
    broken = site.take(3) / "manifest.json"
    broken.write_bytes(broken.read_bytes().replace(b"online", b"onlinE"))
    site.take(4, recorded=False)
    other = site.take(5, instance="OTHER")
    writing = Path(str(site.take(6, recorded=False)))
    writing.rename(f"{writing}.part")
    byhand = site.root / "R" / "CHG7-1" / "CFIS" / "by-hand"
    byhand.mkdir(parents=True)
    outcome = site.retain(1)
    assert [Path(path).parts[-3] for path in outcome.record["removed"]] == ["CHG1-1"]
    reasons = why(outcome)
    assert "was changed after it was written" in reasons["CHG3-1"]
    assert reasons["CHG4-1"] == "the ledger of this host does not know it: a person decides"
    assert set(reasons) == {"CHG2-1", "CHG3-1", "CHG4-1"}
    assert other.exists()
    assert byhand.exists()
    assert Path(f"{writing}.part", "manifest.json").exists()


def test_t4_a_newest_set_that_is_damaged_keeps_an_older_one(five: Site) -> None:
    victim = five.root / "R/CHG4-1/CFIS/before/A.dat"
    data = bytearray(victim.read_bytes())
    data[9000] ^= 1
    victim.write_bytes(bytes(data))
    outcome = five.retain(2, verify=True, check=True)
    assert {Path(path).parts[-3] for path in outcome.record["removed"]} == {"CHG1-1", "CHG2-1"}
    reasons = {one["path"]: one["why"] for one in outcome.record["kept"]}
    assert "is not what its digest says" in reasons[str(victim.parent)]
    assert "another set of its attempt is in doubt" in reasons[str(victim.parent.with_name("installed"))]
    assert why(outcome)["CHG3-1"] == "of the newest 2 good attempts"
    assert "CHG3-1" not in why(five.retain(2, check=True))


def test_a_set_whose_restore_is_not_finished_stays(five: Site) -> None:
    path = str(five.root / "R/CHG1-1/CFIS/before")
    marker = {"path": path + "/", "names": ["A"], "confirmed_by": ""}
    (five.base / "live" / "cfis.gld.relmgmt-restoring").write_text(json.dumps(marker))
    assert why(five.retain(1))["CHG1-1"] == "a restore of it is not finished"
    assert Path(path).exists()


CRASH = """
import json, sys
sys.path.insert(0, sys.argv[1])
import module_double
from ansible_collections.relmgmt.release.plugins.module_utils._module.backup_retention import retain
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host
retain(Host(module_double.ModuleDouble(**json.load(sys.stdin))))
"""


@pytest.mark.parametrize("point", ["retention:renamed", "retention:clones"])
def test_a_crash_leaves_no_half_set_and_the_next_run_finishes(five: Site, point: str) -> None:
    clones = Path(folder_of(str(five.live), "CHG1-1-CFIS-before"))
    clones.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-c", CRASH, str(Path(__file__).parent)], input=json.dumps(five.params(1)), text=True,
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS), "RELMGMT_FAILPOINT": point}, check=False,
    )
    assert done.returncode == -signal.SIGKILL
    left = five.root / "R/CHG1-1/CFIS/before.removing"
    assert left.exists()
    assert not left.with_suffix("").exists()
    assert str(left) in find_sets(str(five.root))[1]
    with pytest.raises(DatasetError, match="being removed"):
        read_manifest(str(left))
    assert five.retain(1, check=True).changed
    outcome = five.retain(1)
    assert str(left.with_suffix("")) in outcome.record["removed"]
    assert not left.parent.exists()
    assert not clones.exists()
    assert not any(point["path"].startswith(str(left.parent)) for point in five.reader().points())
    assert not five.retain(1).changed


def test_one_that_cannot_go_is_told_and_stops_nothing(five: Site) -> None:
    with alone(str(five.root / "R/CHG2-1/CFIS"), "takes a backup set"):
        outcome = five.retain(1)
    assert outcome.changed
    gone = [Path(path).parts[-3] for path in outcome.record["removed"]]
    assert gone == [f"CHG{number}-1" for number in (1, 3, 4) for _run in range(2)]
    assert len(outcome.record["problems"]) == len(outcome.record["warnings"]) == 2
    assert "another process takes or removes a backup set" in outcome.record["problems"][0]
    assert (five.root / "R/CHG2-1/CFIS/before").exists()


def test_nothing_goes_without_a_permit_or_with_nothing_kept(five: Site) -> None:
    everything = five.sets()
    with pytest.raises(ReceiptMissing):
        five.retain(1, change="CHG1")
    with pytest.raises(InvalidInput, match="keep_releases is 0"):
        five.retain(0)
    assert five.sets() == everything


def test_the_end_of_the_window_does_not_keep_a_cycle_open(five: Site) -> None:
    ledger = Ledger(five.ledger)
    ledger.renew_receipt(
        change="CHG9", attempt=1, release="R", bundle_digest="b", plan_digest="p", environment="sandbox",
        packages=[], report={}, clock="", expires=1.0,
    )
    ledger.close()
    assert five.retain(2).changed, "closing needs the lease alone"
    with pytest.raises(Refused, match="lease number 2 is not the current one"):
        five.retain(1, lease=2)


def test_clones_of_sets_that_stay_are_left_alone(five: Site) -> None:
    make: Callable[[str], Path] = lambda label: Path(folder_of(str(five.live), label))  # noqa: E731
    for label in ("CHG1-1-CFIS-before", "CHG9-1-CFIS-before"):
        make(label).mkdir(parents=True)
    five.retain(1)
    assert not make("CHG1-1-CFIS-before").exists()
    assert make("CHG9-1-CFIS-before").exists()
