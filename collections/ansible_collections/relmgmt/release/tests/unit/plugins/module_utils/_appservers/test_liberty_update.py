# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's configuration files as the server merges them, and how it is told of changes."""

from __future__ import annotations

import os

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_log import LibertyLog
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_rest import Changed
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import (
    LibertyServer,
    liberty_server,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_update import (
    Updates,
    changed_file,
    configuration,
    resolve,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_messages import Watch
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError


class Ended(LibertyServer):
    """A server that is down."""

    def state(self):
        return "stopped"


@pytest.fixture
def server(tmp_path):
    options = {"server": "s", "install_dir": str(tmp_path / "wlp"), "url": "http://127.0.0.1:1", "start_timeout": 1}
    found = Ended(*liberty_server(options))
    os.makedirs(os.path.join(found.overrides))
    os.makedirs(os.path.join(found.config_dir, "configDropins", "defaults"))
    return found


def write(server, name, text="<server/>"):
    path = os.path.join(server.config_dir, name)
    with open(path, "w") as stream:
        stream.write(text)
    return path


def test_files_come_in_the_order_of_their_merge_with_what_they_include(server):
    own = write(server, "server.xml", '<server><include location="${server.config.dir}/more.xml"/></server>')
    more = write(server, "more.xml", '<server><include location="server.xml"/></server>')  # round in a circle
    override = write(server, "configDropins/overrides/B.xml")
    first = write(server, "configDropins/overrides/a.XML")
    default = write(server, "configDropins/defaults/z.xml")
    write(server, "configDropins/overrides/.a.xml.relmgmt-new")
    write(server, "configDropins/overrides/jvm.options", "-Xmx1g")
    paths = [path for path, _data in configuration(server)]
    assert paths[:1] + paths[-2:] == [default, first, override]
    assert {own, more} <= set(paths[1:-2])


@pytest.mark.parametrize(
    "location,path",
    [
        ("a.xml", "/beside/a.xml"),
        ("/etc/a.xml", "/etc/a.xml"),
        ("${wlp.user.dir}/a.xml", "{user_dir}/a.xml"),
        ("${shared.config.dir}/a.xml", "{user_dir}/shared/config/a.xml"),
    ],
)
def test_locations_are_resolved(server, location, path):
    assert resolve(server, location, "/beside") == path.format(user_dir=server.user_dir)


def test_what_is_elsewhere_is_nowhere(server):
    included = '<include location="http://x.test/a.xml"/><include location="${my}/b"/>'
    write(server, "server.xml", f"<server>{included}</server>")
    assert len(configuration(server)) == 1


def test_the_inventory_counts_instead_of_the_files(server):
    write(server, "server.xml", '<server><config updateTrigger="disabled"/></server>')
    assert Updates(server).monitoring().configuration == "disabled"
    assert Updates(server._replace(update_trigger="mbean")).monitoring().configuration == "mbean"


def test_what_has_become_of_a_file(server):
    path = write(server, "x.xml")
    assert changed_file(path, True) == Changed(modified=[path])
    assert changed_file(path, False) == Changed(created=[path])
    os.unlink(path)
    assert changed_file(path, True) == Changed(deleted=[path])


def test_the_wait_ends_with_the_server(server):
    """T13: not after the time-out."""
    updates = Updates(server._replace(start_timeout=3600), sleep=lambda seconds: None)
    log = LibertyLog(os.path.join(server.config_dir, "messages.log"))
    with pytest.raises(AppServerError, match="the server stopped while application cfis was changed"):
        updates.follow(log, Watch("cfis"), lambda: False, float("inf"), "application cfis", "did not start")


def test_the_wait_ends_in_time_and_names_the_log(server):
    """T15: seconds."""
    updates = Updates(server, sleep=lambda seconds: None)
    log = LibertyLog(os.path.join(server.config_dir, "messages.log"))
    with pytest.raises(AppServerError, match="application cfis did not start within 1 s") as caught:
        updates.follow(log, Watch("cfis"), lambda: False, 0.0, "application cfis", "did not start")
    assert server.log in caught.value.cure
