# SPDX-License-Identifier: GPL-3.0-or-later
"""Both tiers in one table."""

from __future__ import annotations

from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_table import lines, rows
from ansible_collections.relmgmt.release.plugins.module_utils._core.verdict import HostReport

DATABASE: dict[str, Any] = {
    "verdict": "test", "ok": False, "problems": ["a connection to production stands"], "notes": [],
    "interfaces": [
        {"name": "MEDS", "key": "MEDS global_node ^CFISCFG(MEDS)", "value": None, "means": "absent"},
        {"name": "CATS", "key": "CATS global_node ^CFISCFG(CATS)", "value": "5101", "means": "test"},
    ],
    "fence": {"stands": True, "differences": [], "stopped": {"CATS": 3, "MEDS": 0}},
    "connections": [{"interface": "CATS", "local": "a", "remote": "b", "pid": 1}],
}
SERVER: dict[str, Any] = {**DATABASE, "interfaces": [], "problems": [], "connections": [],
                          "fence": {"stands": False, "differences": ["rule 2 is missing"], "stopped": {}}}


def report(name: str, look: dict[str, Any] | None) -> HostReport:
    return HostReport(name, True, [], None, [], {}, [], [], test_mode="on", held_by="CHG1, on, since 1", look=look,
                      ends_at=3600.0)


def test_a_row_for_each_setting_of_either_tier() -> None:
    found = rows({"db1": DATABASE, "app1": SERVER, "web1": None})
    assert [(row["interface"], row["host"], row["value"], row["means"], row["fence"], row["connections"])
            for row in found] == [
        ("CATS", "db1", "5101", "test", "stands", "1"), ("MEDS", "db1", "-", "absent", "stands", "0"),
        ("", "app1", "", "", "DIFFERS", "0"), ("", "web1", "", "unknown", "?", "?"),
    ]
    assert found[0]["setting"] == "global_node ^CFISCFG(CATS)"


def test_below_it_who_holds_it_until_when_and_what_is_wrong() -> None:
    text = "\n".join(lines([report("db1", DATABASE), report("app1", SERVER)]))
    for said in ("db1, app1: CHG1, on", "ends at 1970-01-01T01:00", "stopped 3 packets of CATS",
                 "db1: a connection to production stands"):
        assert said in text
    assert "packets of MEDS" not in text


def test_there_is_no_table_where_nobody_looked() -> None:
    assert lines([report("db1", None)]) == []
