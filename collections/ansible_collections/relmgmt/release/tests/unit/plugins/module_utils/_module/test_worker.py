# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as the same work, and what a worker answers; its life and death: tests/integration/test_worker.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import SILENT
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module import worker
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome

spec = importlib.util.spec_from_file_location("module_double", Path(__file__).with_name("module_double.py"))
assert spec is not None
assert spec.loader is not None
doubles = importlib.util.module_from_spec(spec)
spec.loader.exec_module(doubles)

INSTANCE = {"name": "CFIS", "environment": {"LANG": "C"}}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(str(tmp_path / "state" / "ledger.db"))
    attempt(made, 1)
    return made


def attempt(ledger: Ledger, number: int) -> None:
    ledger.add_receipt(
        change="CHG1", attempt=number, release="R", bundle_digest="b", plan_digest="p", environment="e", packages=[],
        report={}, clock="", expires=4e9,
    )


def job(
    ledger: Ledger, name: str = "restore", check: bool = False, secrets: set[str] | None = None, **more: Any
) -> Any:
    values = {"change": "CHG1", "lease": 1, "ledger": ledger.path, "instance": INSTANCE, "path": "/b/before",
              "worker": {"call": "a", "wait": 1}, **more}
    module = doubles.ModuleDouble(check, **values)
    module.tmpdir = "/home/ops/.ansible/tmp/ansible-moduletmp-1/"
    module.no_log_values = secrets or set()
    return worker._job(module, name)


def test_who_asks_and_under_which_lease_does_not_make_it_other_work(ledger: Ledger) -> None:
    same = {
        job(ledger, **more).record["id"]
        for more in ({}, {"lease": 2}, {"phase": "rollback"}, {"worker": {"call": "b", "wait": 9}})
    }
    assert len(same) == 1


def test_other_options_another_attempt_or_check_mode_make_it_other_work(ledger: Ledger) -> None:
    seen = [
        job(ledger, **more).record["id"]
        for more in ({}, {"name": "rollback"}, {"check": True}, {"path": "/b/installed"}, {"change": "CHG2"},
                     {"instance": {**INSTANCE, "environment": {"LANG": "de"}}})
    ]
    attempt(ledger, 2)
    seen.append(job(ledger).record["id"])
    assert len(set(seen)) == len(seen)


def test_an_id_says_nothing_of_a_secret(ledger: Ledger) -> None:
    seen = {
        job(ledger, secrets={secret}, instance={**INSTANCE, "hosts": [{"password": secret}]}).record["id"]
        for secret in ("4321", "4322")
    }
    assert len(seen) == 1


def test_check_mode_works_beside_ansibles_own_files(ledger: Ledger, tmp_path: Path) -> None:
    assert job(ledger).workers == str(tmp_path / "state" / "workers")
    assert job(ledger, check=True).workers.startswith("/home/ops/.ansible/tmp/relmgmt-workers-")


def test_without_the_option_the_work_is_done_here_and_in_silence(tmp_path: Path) -> None:
    def work(host: Host) -> Outcome:
        assert host.progress is SILENT
        return Outcome(True, {"here": True}, after="x")

    module = doubles.ModuleDouble(ledger=str(tmp_path / "ledger.db"), worker=None)
    with pytest.raises(doubles.Exit) as exit_:
        worker.run_supervised(module, "restore", work)
    assert exit_.value.result == {"here": True, "changed": True, "msg": "", "diff": {"before": "", "after": "x"}}
    assert not (tmp_path / "workers").exists()


def test_a_crash_of_the_work_is_an_answer(ledger: Ledger) -> None:
    def work(host: Host) -> Outcome:
        raise KeyError("DEFAULT")

    asked = job(ledger)
    module = doubles.ModuleDouble(ledger=ledger.path, change="CHG1")
    result = worker._answer(module, work, asked, SILENT)
    assert result["failed"]
    assert "unexpected KeyError: 'DEFAULT'" in result["msg"]
    assert "in work" in result["exception"]
