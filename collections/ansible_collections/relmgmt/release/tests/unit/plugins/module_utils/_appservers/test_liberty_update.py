# SPDX-License-Identifier: GPL-3.0-or-later
"""How a server is told of changes, and what becomes of the wait."""

from __future__ import annotations

import os

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_log import LibertyLog
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_rest import Changed
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import (
    LibertyServer,
    liberty_server,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_update import Updates, changed_file
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
