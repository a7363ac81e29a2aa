# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's configuration files as the server merges them."""

from __future__ import annotations

import os

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_configuration import (
    configuration,
    monitoring,
    resolve,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import liberty_server


@pytest.fixture
def server(tmp_path):
    found = liberty_server({"server": "s", "install_dir": str(tmp_path / "wlp"), "url": "http://127.0.0.1:1"})
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
    assert monitoring(server).configuration == "disabled"
    assert monitoring(server._replace(update_trigger="mbean")).configuration == "mbean"
