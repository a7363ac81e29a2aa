# SPDX-License-Identifier: GPL-3.0-or-later
"""An application on a Liberty server that is only files: what is refused, and what an unknown state leaves open."""

from __future__ import annotations

import errno
import os

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._appservers import liberty, liberty_dropins
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty import Liberty
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_pending import Pending
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import (
    LibertyServer,
    liberty_server,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_update import Updates
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import render_override
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import WebApp
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import Setting
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError, HostStateUnknown

APP = WebApp("cfis", "/cfis")
VARIABLE = Setting("variable", "a", "1")


class Silent(LibertyServer):
    """A server of which nothing but its state is known."""

    now = "running"

    def state(self):
        return self.now


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setattr(Silent, "now", "running")
    options = {"server": "s", "install_dir": str(tmp_path / "wlp"), "url": "http://127.0.0.1:1", "start_timeout": 1}
    found = Silent(*liberty_server(options))
    for folder in ("logs", "apps", "dropins", "configDropins/overrides"):
        os.makedirs(os.path.join(found.config_dir, folder))
    with open(found.log, "w"):
        return found


def write(server, name, data=b"war"):
    path = os.path.join(server.config_dir, name)
    with open(path, "wb") as stream:
        stream.write(data)
    return path


def kept(tmp_path, dropin=None):
    """What `keep` noted before a change."""
    directory = tmp_path / "kept"
    directory.mkdir()
    (directory / "prior-override.xml").write_bytes(render_override("cfis", "/cfis", "cfis-0.war"))
    (directory / "prior.war").write_bytes(b"")
    sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" if dropin else ""
    return {
        "directory": str(directory), "war": "prior.war", "override": None if dropin else "prior-override.xml",
        "sha256": sha256, "dropin": dropin, "location": dropin,
    }


@pytest.mark.parametrize("place", ["apps", "dropins"])
def test_an_unknown_state_lays_the_files_of_the_way_back_but_leaves_it_open(server, tmp_path, monkeypatch, place):
    """Not as a stopped server: it may go on with the newer release."""
    monkeypatch.setattr(Silent, "now", "unknown")
    dropin = os.path.join(server.config_dir, "dropins", "cfis.war")
    recipe = kept(tmp_path, dropin if place == "dropins" else None)
    with pytest.raises(HostStateUnknown, match="the files are back"):
        Liberty(server).put_back(APP, recipe)
    override = os.path.join(server.overrides, "relmgmt-cfis.xml")
    assert os.path.exists(dropin if place == "dropins" else override)
    assert Pending(server.config_dir).of("cfis") == {place}
    monkeypatch.setattr(Silent, "now", "stopped")
    assert Liberty(server).put_back(APP, recipe)["server"] == "stopped"
    assert Pending(server.config_dir).of("cfis") == set()


def test_so_it_is_with_settings(server, monkeypatch):
    monkeypatch.setattr(Silent, "now", "unknown")
    with pytest.raises(HostStateUnknown, match="the files are back"):
        Liberty(server).apply_settings([VARIABLE], {})
    observed = Liberty(server).observe_settings([VARIABLE])
    assert observed.values == {"variable a": "1"}
    assert "not seen to take in" in observed.pending


def test_leave_to_restart_is_asked_for_the_place_that_an_application_leaves_too(server):
    monitor = b'<server><applicationMonitor updateTrigger="disabled"/></server>'
    write(server, "server.xml", monitor)
    Liberty(server).require_ready(APP)
    write(server, "dropins/cfis.war")
    moving = Liberty(server._replace(placement="apps"))
    with pytest.raises(AppServerError, match="updateTrigger is disabled"):
        moving.require_ready(APP)
    Liberty(server._replace(placement="apps", may_restart=True)).require_ready(APP)


def test_a_server_that_wants_to_be_told_and_cannot_is_an_error(server):
    with pytest.raises(AppServerError, match="updateTrigger is mbean"):
        Updates(server).announce("mbean", None)


def test_an_application_in_both_places_is_refused(server):
    """T1: only one of them would be kept."""
    path = write(server, "dropins/cfis.war")
    write(server, "configDropins/overrides/relmgmt-cfis.xml", render_override("cfis", "/cfis", "cfis-0.war"))
    with pytest.raises(AppServerError, match="both fight for its name") as caught:
        Liberty(server).require_ready(APP)
    assert caught.value.place == path


@pytest.mark.parametrize("placement", ["apps", "dropins"])
def test_a_full_disk_takes_nothing_out_of_service(server, tmp_path, monkeypatch, placement):
    """The next WAR is copied first."""
    def full(source, target, mode):
        raise OSError(errno.ENOSPC, "no space left", target)

    running = write(server, "dropins/cfis.war")
    (tmp_path / "next.war").write_bytes(b"next")
    for module in (liberty, liberty_dropins):
        monkeypatch.setattr(module, "copy_durably", full)
    with pytest.raises(OSError, match="no space left"):
        Liberty(server._replace(placement=placement)).deploy(APP, str(tmp_path / "next.war"))
    assert os.path.exists(running)
