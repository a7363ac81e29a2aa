# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release says of its files, its configuration and the outage it needs."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.release import release_from
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import entries_digest

WAR = {"type": "war", "file": "a.war", "sha256": "1" * 64, "application": "cfis"}
CODE = {"type": "cache_xml", "file": "a.xml", "sha256": "2" * 64}
LIBRARY = {"type": "library", "name": "l", "file": "l.jar", "sha256": "3" * 64}


def release(*packages, **more):
    return release_from({"name": "CFIS001", "packages": packages, **more})


@pytest.mark.parametrize(
    "packages,runs,outage",
    [((WAR,), False, False), ((CODE,), False, True), ((CODE, WAR), False, True), ((CODE, WAR), True, False)],
)
def test_the_entry_is_closed_unless_the_older_war_runs_on_the_newer_database(packages, runs, outage):
    assert release(*packages, older_war_runs_on_newer_database=runs).needs_outage is outage
    assert release(*packages).needs_outage is any(package is CODE for package in packages)


def test_everything_that_hosts_take_from_the_drop_is_named_and_approved():
    mode = {"type": "variable", "name": "m", "value": True}
    found = release(WAR, configuration=[LIBRARY, mode])
    assert found.files == [("a.war", "1" * 64), ("l.jar", "3" * 64)]
    assert found.configuration[1] == {"type": "variable", "name": "m", "value": "true", "state": "present"}
    assert found.approved_digests == ["1" * 64, "3" * 64, entries_digest(found.configuration)]
    assert release(WAR).approved_digests == ["1" * 64]


def test_a_war_names_no_libraries_unless_it_does():
    assert release(WAR).packages_of("war")[0]["libraries"] == []
    assert release({**WAR, "libraries": ["l"]}).packages_of("war")[0]["libraries"] == ["l"]
