# SPDX-License-Identifier: GPL-3.0-or-later
"""After CFIS002 was rolled back: both halves are CFIS001's again (invariant 9)."""

from __future__ import annotations

import pytest

SOURCES = "/srv/cfis/hosts/db1/cfis/r"


def test_the_routines_are_those_of_before(machines):
    database = machines("db1")
    assert database.file(f"{SOURCES}/CFISLTR.m").exists
    assert not database.file(f"{SOURCES}/CFISNOT.m").exists


@pytest.mark.parametrize("name", ["app1", "app2"])
def test_a_server_serves_both_tiers_of_the_release_before(machines, name):
    said = machines.status(name, f"http://{machines(name).check_output('hostname -i')}:9080")
    assert (said["war"]["release"], said["database"]["release"]) == ("CFIS001", "CFIS001")


def test_the_static_content_is_that_of_before(machines, current):
    assert machines.digests("web1", "/srv/cfis/hosts/web1/static/current") == current.static


def test_users_are_back(machines):
    assert "Web release CFIS001" in machines.page("drop1", f"{machines.entry}/cfis/")


@pytest.mark.parametrize("name", ["db1", "app1", "app2", "web1"])
def test_a_ledger_says_that_the_change_was_rolled_back(machines, name):
    assert {release for (release,) in machines.ledger(name, "select release from current")} == {"CFIS001"}
    assert machines.ledger(name, "select verdict from receipt where change = 'CHG0000002'") == [["rolled_back"]]
