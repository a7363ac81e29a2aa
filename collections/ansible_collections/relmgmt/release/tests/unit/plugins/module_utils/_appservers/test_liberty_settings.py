# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a Liberty server that is only files: what is observed, refused, laid down."""

from __future__ import annotations

import hashlib
import os

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import (
    LibertyServer,
    liberty_server,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_settings import LibertySettings
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_update import Updates
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import Setting
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError, HostStateUnknown

OPTION = Setting("jvm_option", "-Xmx", "-Xmx1g")
VARIABLE = Setting("variable", "a", "1")


class Still(LibertyServer):
    """A server of which nothing but its state is known."""

    is_running = False
    arguments = None

    def state(self):
        return "running" if self.is_running else "stopped"

    def jvm_options(self):
        return self.arguments

    def restart(self):
        with open(self.log, "a") as stream:
            stream.writelines(f"[1/1/26 0:00:00:000 UTC] 0000002d x.Y A {said}\n" for said in self.says)

    says = ()


@pytest.fixture
def server(tmp_path):
    options = {"server": "s", "install_dir": str(tmp_path / "wlp"), "url": "http://127.0.0.1:1", "may_restart": True}
    found = Still(*liberty_server(options))
    os.makedirs(os.path.dirname(found.log))
    with open(found.log, "w"):
        return found


@pytest.fixture
def settings(server):
    return LibertySettings(server, Updates(server))


def library(tmp_path, text="jar"):
    path = tmp_path / "common.jar"
    path.write_text(text)
    return Setting("library", "common", hashlib.sha256(text.encode()).hexdigest(), "common.jar"), str(path)


def test_nothing_is_there_at_first(settings):
    assert settings.observe([OPTION, VARIABLE]) == ({"jvm_option -Xmx": None, "variable a": None}, "")


def test_a_stopped_server_gets_its_files_and_loses_them_again(settings, server, tmp_path):
    wanted, path = library(tmp_path)
    seen = settings.apply([OPTION, VARIABLE, wanted], {wanted.key: path})
    assert (seen["server"], seen["changed"]) == ("stopped", True)
    observed = settings.observe([OPTION, VARIABLE, wanted])
    assert observed.values == {"jvm_option -Xmx": "-Xmx1g", "variable a": "1", wanted.key: wanted.value}
    assert settings.apply([OPTION, VARIABLE, wanted], {})["changed"] is False
    gone = [one._replace(value=None) for one in (OPTION, VARIABLE, wanted)]
    assert settings.apply(gone, {})["changed"] is True
    assert os.listdir(server.overrides) == []


def test_a_library_that_was_changed_or_removed_by_hand_is_seen(settings, server, tmp_path):
    wanted, path = library(tmp_path)
    settings.apply([wanted], {wanted.key: path})
    laid = os.path.join(server.config_dir, "relmgmt", f"common-{wanted.value[:12]}.jar")
    with open(laid, "a") as stream:
        stream.write("more")
    assert settings.observe([wanted]).values[wanted.key] != wanted.value
    os.unlink(laid)
    assert settings.observe([wanted]).values[wanted.key] == ""


def test_files_are_kept_before_a_change(settings, tmp_path):
    """T1"""
    wanted, path = library(tmp_path)
    settings.apply([wanted, VARIABLE], {wanted.key: path})
    kept = tmp_path / "kept"
    kept.mkdir()
    names = settings.keep([VARIABLE, wanted], str(kept))
    assert list(names) == [wanted.key]
    assert (kept / names[wanted.key]).read_text() == "jar"


def test_an_option_that_the_process_lacks_is_pending(settings, server):
    settings.apply([OPTION], {})
    server.__class__.is_running = True
    try:
        server.__class__.arguments = ["-Xmx512m"]
        assert settings.observe([OPTION]).pending == "the server runs without -Xmx1g"
        server.__class__.arguments = ["-Xmx512m", "-Xmx1g"]
        assert settings.observe([OPTION]).pending == ""
        server.__class__.arguments = None
        with pytest.raises(HostStateUnknown):
            settings.observe([OPTION])
    finally:
        server.__class__.is_running = False


def test_a_fragment_that_is_refused_after_a_restart_ends_the_wait(settings, server, monkeypatch, tmp_path):
    """T13; what the server complained of before the restart is not this change's fault."""
    monkeypatch.setattr(Still, "is_running", True)
    monkeypatch.setattr(Still, "arguments", [])
    older, newer = "CWWKF0001E: nothing found for old", "CWWKF0001E: nothing found for x"
    launch, ready = "CWWKE0001I: The server s has been launched.", "CWWKF0011I: The server s is ready."
    monkeypatch.setattr(Still, "says", [older])
    server.restart()
    monkeypatch.setattr(Still, "says", [launch, older, ready])
    assert settings.apply([OPTION], {})["errors"] == [older]
    path = tmp_path / "x.xml"
    path.write_text("<server/>")
    fragment = Setting("fragment", "x", hashlib.sha256(b"<server/>").hexdigest(), "x.xml")
    monkeypatch.setattr(Still, "says", [launch, older, newer, ready])
    with pytest.raises(AppServerError, match="found for x"):
        settings.apply([OPTION._replace(value="-Xmx2g"), fragment], {fragment.key: str(path)})
    assert "without -Xmx2g" in settings.observe([OPTION]).pending


def test_options_that_all_servers_share_are_not_lost(settings, server):
    """Liberty leaves etc/jvm.options out as soon as a server has options of its own."""
    common = os.path.join(server.install_dir, "etc", "jvm.options")
    settings.check([OPTION], {})
    os.makedirs(os.path.dirname(common))
    with open(common, "w") as stream:
        stream.write("-Xmx2g\n")
    with pytest.raises(AppServerError, match="takes its options from the runtime's") as caught:
        settings.check([OPTION], {})
    assert caught.value.place == common
    with open(os.path.join(server.config_dir, "jvm.options"), "w") as stream:
        stream.write("-Xmx2g\n")
    settings.check([OPTION], {})


def test_leave_to_restart_is_asked_for_options_and_for_a_server_that_takes_nothing_up(server):
    forbidden = server._replace(may_restart=False)
    settings = LibertySettings(forbidden, Updates(forbidden))
    with pytest.raises(AppServerError, match="may not be restarted"):
        settings.check([OPTION], {})
    settings.check([VARIABLE], {})
    with open(os.path.join(forbidden.config_dir, "server.xml"), "w") as stream:
        stream.write('<server><config updateTrigger="disabled"/></server>')
    with pytest.raises(AppServerError, match="updateTrigger is disabled"):
        settings.check([VARIABLE], {})


def test_without_a_log_nothing_would_tell_and_nothing_is_touched(settings, server):
    os.unlink(server.log)
    with pytest.raises(AppServerError, match="nothing would tell"):
        settings.check([VARIABLE], {})


def test_a_resource_is_refused(settings):
    with pytest.raises(AppServerError, match="Liberty has no resource"):
        settings.check([Setting("resource", "DataSource:A", "1", "", "b")], {})
