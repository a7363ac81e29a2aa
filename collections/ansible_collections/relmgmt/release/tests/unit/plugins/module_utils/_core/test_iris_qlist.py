# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of an instance, from lines as qlist prints them (FACTS 1.1)."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.iris_qlist import parse
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown

OLD = "CFIS^/opt/cache/^2008.1.1.310.0^running, since Fri May 13 22:07:02 2016^cache.cpf^1972^57772^62972"
NEW = (
    "CFIS^/usr/irissys^2025.3.0.226.0^down, last used Thu Sep 15 18:58:30 2016^iris.cpf^1972^52773^62972^ok^IRIS"
    "^Failover^Primary^/data/iris/^more"
)


def line(**fields):
    names = {"state": 3, "cpf": 4, "health": 8, "product": 9, "type": 10, "status": 11, "data": 12}
    parts = NEW.split("^")
    for name, value in fields.items():
        parts[names[name]] = value
    return "^".join(parts)


def test_a_line_from_before_health_and_mirrors():
    found = parse(OLD, "cfis")
    assert (found.name, found.directory, found.version) == ("CFIS", "/opt/cache", "2008.1.1.310.0")
    assert (found.state, found.detail) == ("running", "since Fri May 13 22:07:02 2016")
    assert (found.health, found.product) == ("ok", "Cache")
    assert (found.dataset_file, found.lock_file) == ("CACHE.DAT", "cache.lck")
    assert found.ready
    assert found.takes_changes
    assert found.data_directory == "/opt/cache"


def test_a_line_of_today_with_fields_that_nobody_knows_yet():
    found = parse("\n" + NEW + "\n", "CFIS")
    assert (found.state, found.ready, found.down) == ("down", False, True)
    assert (found.product, found.dataset_file, found.lock_file) == ("IRIS", "IRIS.DAT", "iris.lck")
    assert found.data_directory == "/data/iris"


@pytest.mark.parametrize("product,shown", [
    ("", "IRIS"), ("''", "IRIS"), ("Ensemble", "Ensemble"), ("HealthConnect", "HealthConnect"),
])
def test_the_product(product, shown):
    assert parse(line(product=product), "CFIS").product == shown


@pytest.mark.parametrize("state,ready", [
    ("running, since today", True), ("running on node ? (cache.ids missing), since", True), ("Running", True),
    ("sign-on inhibited, since", False), ("sign-on inhibited:primary transition", False), ("crashed", False),
    ("starting", False), ("in use by node B", False), ("indeterminate", False),
])
def test_ready_is_what_takes_sessions(state, ready):
    assert parse(line(state=state), "CFIS").ready is ready
    assert not parse(line(state=state), "CFIS").down


@pytest.mark.parametrize("kind,status,takes", [
    ("Failover", "Primary", True), ("Failover", "Backup", False), ("Failover", "Waiting", False),
    ("Disaster Recovery", "Connected", False), ("Not Member", "", True), ("", "", True),
])
def test_a_mirror_member_takes_changes_only_as_the_primary(kind, status, takes):
    assert parse(line(type=kind, status=status), "CFIS").takes_changes is takes


@pytest.mark.parametrize("output", [
    "", "No instance CFIS found\n", "CFIS^/opt^2018.1\n", OLD.replace("CFIS", "OTHER", 1),
])
def test_no_line_of_the_instance_is_unknown_and_never_down(output):
    with pytest.raises(HostStateUnknown, match="qlist has no line for instance CFIS"):
        parse(output, "CFIS")
