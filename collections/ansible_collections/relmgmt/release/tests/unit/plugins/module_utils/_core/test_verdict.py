# SPDX-License-Identifier: GPL-3.0-or-later
"""Invariant 15: a verdict says what the hosts say."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.verdict import (
    HostReport,
    screen,
    verdict,
)

DONE = {"change": "CHG1", "verdict": "done", "to_undo": 2}
BACK = {"change": "CHG1", "verdict": "rolled_back", "to_undo": 0}
OPEN = {"change": "CHG1", "verdict": None, "to_undo": 2}
ON: dict[str, Any] = {"test_mode": "on", "look": {"ok": True}}
FAILURE = {"phase": "install", "message": "no", "unreachable": False}


def host(name: str = "db1", **changes: Any) -> HostReport:
    values: dict[str, Any] = {
        "name": name, "reachable": True, "failures": [], "receipt": DONE, "drift": [],
        "current": {"war:cfis": {"release": "CFIS002"}}, "undone": [], "notes": [],
    }
    return HostReport(**{**values, **changes})


@pytest.mark.parametrize(
    "hosts, options, word",
    [
        ([host(), host("app1")], {}, "done"),
        ([host(), host("app1", receipt=BACK)], {}, "differs"),
        ([host(drift=[{"component": "war:cfis"}])], {}, "differs"),
        ([host()], {"needed": False}, "nothing_to_do"),
        ([host(), host("app1", reachable=False)], {"needed": False, "going_back": True}, "unknown"),
        ([host()], {"check": True}, "checked"),
        ([host(), host("app1", reachable=False)], {"check": True}, "unknown"),
        ([host(failures=[FAILURE], receipt=BACK), host("app1", receipt=BACK)], {}, "restored"),
        ([host(failures=[FAILURE], receipt={**BACK, "to_undo": 1})], {}, "differs"),
        ([host(failures=[FAILURE, {**FAILURE, "phase": "rollback"}], receipt=BACK)], {}, "differs"),
        ([host(failures=[FAILURE], receipt=BACK), host("app1", reachable=False)], {}, "unknown"),
        ([host(failures=[FAILURE], receipt=BACK, at_work=["restore of CHG1, begins"])], {}, "unknown"),
        ([host(receipt=BACK)], {"going_back": True}, "rolled_back"),
        ([host(receipt=BACK, at_work=["restore of CHG1, begins"])], {"going_back": True}, "unknown"),
        ([host(receipt=BACK, failures=[{**FAILURE, "phase": "rollback"}])], {"going_back": True}, "differs"),
        ([host(receipt=OPEN, **ON), host("app1", receipt=OPEN, **ON)], {"entering": True}, "testing"),
        ([host(receipt=OPEN, **ON), host("app1", receipt=OPEN)], {"entering": True}, "differs"),
        ([host(receipt=OPEN, **{**ON, "look": {"ok": False}})], {"entering": True}, "differs"),
        ([host(receipt=OPEN, **{**ON, "look": None})], {"entering": True}, "differs"),
        ([host(receipt=OPEN, **ON)], {"entering": True, "needed": False}, "testing"),
        ([host(receipt=OPEN, **ON), host("app1", reachable=False)], {"entering": True}, "unknown"),
        ([host(failures=[FAILURE], receipt=BACK, test_mode="fenced")], {"entering": True}, "differs"),
        ([host(test_mode="fenced")], {}, "differs"),
        ([host(receipt=BACK, test_mode="leaving")], {"going_back": True}, "differs"),
        ([host(receipt=BACK, failures=[{**FAILURE, "phase": "leave_test_mode"}])], {"going_back": True}, "differs"),
    ],
)
def test_verdicts(hosts: list[HostReport], options: dict[str, bool], word: str) -> None:
    given = {"check": False, "needed": True, "going_back": False, **options}
    assert verdict(hosts, **given) == word


def test_the_screen_names_failure_undo_and_the_unreachable_host() -> None:
    hosts = [
        host(failures=[FAILURE], receipt=BACK, undone=["CFISELIG.MAC (cache_package)"], notes=["3 writes kept"]),
        host("app2", reachable=False), host("db2", at_work=["restore of CHG1, copying: 1 of 2 GiB"]),
    ]
    text = screen("CHG1", "unknown", hosts, ["db1:/b/before"], ["mend it"])
    for expected in ("db1: install: no", "CFISELIG.MAC", "app2             UNREACHABLE",
                     "db2              AT WORK STILL: restore of CHG1", "3 writes kept",
                     "db1:/b/before", "mend it"):
        assert expected in text
