# SPDX-License-Identifier: GPL-3.0-or-later
"""After CFIS002 was carried out on five machines: what each of them holds and serves (A9, A15, invariant 15)."""

from __future__ import annotations

import pytest

SOURCES = "/srv/cfis/hosts/db1/cfis/r"
OBJECTS = "/srv/cfis/hosts/db1/cfis/o"
STATIC = "/srv/cfis/hosts/web1/static"


def test_the_database_holds_the_added_routine_and_not_the_dropped_one(machines):
    database = machines("db1")
    assert database.file(f"{SOURCES}/CFISNOT.m").exists
    assert not database.file(f"{SOURCES}/CFISLTR.m").exists
    assert not database.file(f"{OBJECTS}/CFISLTR.o").exists


def test_every_routine_is_compiled(machines):
    database = machines("db1")
    sources, objects = (set(database.file(place).listdir()) for place in (SOURCES, OBJECTS))
    assert len(sources) == 9
    assert {name.replace(".m", ".o") for name in sources} == objects


@pytest.mark.parametrize("name", ["app1", "app2"])
def test_a_server_serves_both_tiers_of_the_release(machines, name):
    said = machines.status(name, f"http://{machines(name).check_output('hostname -i')}:9080")
    assert said["server"] == name
    assert (said["war"]["release"], said["database"]["release"]) == ("CFIS002", "CFIS002")
    assert said["database"]["copy_fee"] == "0.15"


@pytest.mark.parametrize("name", ["app1", "app2"])
def test_a_server_holds_the_bundles_war_and_the_one_before(machines, name, current, following):
    held = machines.digests(name, f"/srv/cfis/hosts/{name}/wlp-usr/servers/cfis/apps")
    assert {current.sha256["war"], following.sha256["war"]} <= set(held.values())


def test_the_prior_war_is_kept_in_the_shared_folder(machines, current):
    assert current.sha256["war"] in machines.digests("app1", "/srv/shared").values()


def test_the_static_content_is_the_bundles_file_for_file(machines, following):
    assert machines.digests("web1", f"{STATIC}/current") == following.static


def test_users_reach_the_release_through_the_entry(machines):
    page = machines.page("drop1", f"{machines.entry}/cfis/")
    assert "Web release CFIS002" in page
    assert "Database release CFIS002" in page
    assert "different releases" not in page


@pytest.mark.parametrize("name", ["db1", "app1", "app2", "web1"])
def test_a_ledger_says_what_is_current_and_holds_nothing_open(machines, name):
    assert {release for (release,) in machines.ledger(name, "select release from current")} == {"CFIS002"}
    cycles = machines.ledger(name, "select change, verdict from receipt order by change")
    assert cycles == [["CHG0000001", "done"], ["CHG0000002", "done"]]
    assert machines.ledger(name, "select count(*) from act where outcome is null or outcome != 'done'") == [[0]]


def test_the_backup_set_of_the_attempt_is_there(machines):
    place = machines("db1").file("/srv/backup/CFIS002/CHG0000002-1/CFIS/before")
    assert {"manifest.json", "DEFAULT.dat"} <= set(place.listdir())


def test_the_interfaces_of_the_application_run_again(machines):
    control = "/srv/cfis/hosts/db1/bin/cfis status "
    assert [machines("db1").run(control + part).rc for part in ("server", "interfaces")] == [0, 0]


def test_the_drop_holds_the_delivered_bundle(machines, following):
    drop = machines("drop1")
    folder, = drop.check_output("ls -d /srv/drop/CFIS002-*").splitlines()
    assert drop.file(f"{folder}/MANIFEST.json").user == "release"
    assert set(following.sha256.values()) <= set(machines.digests("drop1", folder).values())
