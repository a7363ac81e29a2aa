# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of interfaces on a real Liberty: server.xml, bootstrap.properties, and what its adapter has words for."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Any

import pytest
from liberty_server import create_server

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import interfaces_of
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError, InvalidInput, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.choose import places_of
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context

EXTRA = """\
<!-- the port of CATS -->
    <variable name="cats.port" value="5100"/>
    <mimeTypes><type>xxx=text/p${cats.port}</type></mimeTypes>"""
MARK = ".relmgmt-pending-@interfaces"
BY_XML, BY_BOOTSTRAP, BY_VARIABLE = (
    {"hosts": "web", "place": "liberty", "type": kind, "name": name}
    for kind, name in (("server_xml", "cats.port"), ("bootstrap_property", "cats.boot"), ("variable", "cats.kept"))
)
BY_PROPERTY = {"hosts": "web", "place": "websphere", "type": "jvm_property", "name": "cats.jvm"}


class Site:
    """A server, and the places of one interface on it."""

    def __init__(self, server):
        self.server = server
        self.xml = server.directory / "server.xml"
        self.bootstrap = server.directory / "bootstrap.properties"

    def places(self, *settings: dict[str, Any]):
        document = {
            "name": "CATS", "direction": "outbound", "settings": list(settings),
            "production": {"host": "p.test", "port": 5100}, "test": {"host": "t.test", "port": 5101},
        }
        (found,) = places_of(interfaces_of([document])[0].settings, self.context)
        return found

    @property
    def context(self):
        return Context(None, self.server.websphere(), str(self.server.user_dir))

    @property
    def log(self):
        return (self.server.directory / "logs/messages.log").read_text()


def values(places, mode):
    return {one.key: getattr(one, mode) for one in places.settings}


def only(places):
    (value,) = places.read().values()
    return value


@pytest.fixture(scope="module")
def started(runtime, tmp_path_factory):
    server = create_server(tmp_path_factory.mktemp("usr"), "interfaces", runtime=runtime, extra=EXTRA)
    (server.directory / "bootstrap.properties").write_text("# ours\ncats.boot = 5100\nother=1\n")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def site(started):
    site = Site(started)
    yield site
    started.options.clear()
    for path in (started.directory / "configDropins/overrides").glob("*"):
        path.unlink()


@pytest.mark.both_runtimes
def test_server_xml_is_edited_and_taken_in_while_it_runs(site):
    before, pid = site.xml.read_bytes(), site.server.pid
    with closing(site.places(BY_XML)) as places:
        assert only(places) == "5100"
        places.check(values(places, "test"))
        told = site.log.count("CWWKG0017I")
        places.write(values(places, "test"))
        assert site.log.count("CWWKG0017I") == told + 1
        assert site.xml.read_bytes() == before.replace(b'"5100"', b'"5101"')
        assert (places.pending(), only(places), site.server.pid) == ("", "5101", pid)
        told = len(site.log)
        places.write(values(places, "test"))
        assert len(site.log) == told
        places.write(values(places, "production"))
    assert site.xml.read_bytes() == before
    assert not (site.server.directory / MARK).exists()


@pytest.mark.both_runtimes
def test_what_was_cut_off_before_the_server_was_seen_to_take_it_in_is_told_and_finished(site):
    """A crash between the file and the server's word; the file stands, and the server is asked to look again."""
    (site.server.directory / MARK).write_text("files")
    with closing(site.places(BY_XML)) as places:
        assert "was not seen to take in" in places.pending()
        told = site.log.count("CWWKG0016I")
        places.write(values(places, "production"))
        assert site.log.count("CWWKG0016I") > told
        assert places.pending() == ""
    assert not (site.server.directory / MARK).exists()


def test_an_editor_in_between_is_noticed(site):
    before = site.xml.read_text()
    with closing(site.places(BY_XML)) as places:
        places.read()
        site.xml.write_text(before.replace('"5100"', '"5109"'))
        with pytest.raises(RelmgmtError, match="changed between looking and writing"):
            places.write(values(places, "test"))
        assert '"5109"' in site.xml.read_text()
        assert "was not seen to take in" in places.pending()  # nobody knows, so it is not said to be in force
        site.xml.write_text(before)
        places.read()
        places.write(values(places, "production"))
        assert places.pending() == ""


def test_another_file_that_decides_is_told_and_refused_before_anything(site):
    override = site.server.directory / "configDropins/overrides/z.xml"
    override.parent.mkdir(parents=True, exist_ok=True)
    override.write_text('<server><variable name="cats.port" value="1"/><variable name="cats.kept" value="1"/></server>')
    for setting in (BY_XML, BY_VARIABLE):
        with closing(site.places(setting)) as places:
            assert f"is decided by {override}" in places.pending()
            with pytest.raises(AppServerError, match="is decided by"):
                places.check(values(places, "test"))


@pytest.mark.both_runtimes
def test_a_variable_of_ours_is_set_and_put_back(site):
    override = site.server.directory / "configDropins/overrides/relmgmt@configuration.xml"
    with closing(site.places(BY_VARIABLE)) as places:
        (key,) = places.read()
        assert only(places) is None
        places.check(values(places, "production"))
        places.write(values(places, "production"))
        assert (only(places), places.pending()) == ("5100", "")
        places.write(values(places, "test"))
        assert '<variable name="cats.kept" value="5101"/>' in override.read_text()
        places.write({key: None})
        assert only(places) is None
    assert not override.exists()


def test_somebody_elses_change_of_a_variable_is_noticed(site):
    with closing(site.places(BY_VARIABLE)) as places, closing(site.places(BY_VARIABLE)) as others:
        places.write(values(places, "production"))
        (key,) = places.read()
        others.write({key: "5109"})
        with pytest.raises(AppServerError, match="changed between looking and writing; nothing was written"):
            places.write(values(places, "test"))
        assert only(places) == "5109"


def test_a_bootstrap_property_without_leave_to_restart_is_pending(site):
    before, pid = site.bootstrap.read_text(), site.server.pid
    with closing(site.places(BY_BOOTSTRAP)) as places:
        assert (only(places), places.pending()) == ("5100", "")
        places.check(values(places, "test"))
        places.write(values(places, "test"))
        assert site.bootstrap.read_text() == before.replace("5100", "5101")
        assert (only(places), site.server.pid) == ("5101", pid)
        said = f"{site.bootstrap} was changed after the server was started"
        assert places.pending() == said
        # a person restarts it
        site.server.call("stop")
        assert places.pending() == ""
        site.server.start()
        assert places.pending() == ""
        # a hand that changes it unseen is seen too
        os.utime(site.bootstrap)
        assert places.pending() == said


@pytest.mark.both_runtimes
def test_a_bootstrap_property_is_in_force_after_a_restart_that_is_allowed(site):
    site.server.options["may_restart"] = True
    pid = site.server.pid
    with closing(site.places(BY_BOOTSTRAP, BY_XML)) as places:
        places.write(values(places, "test"))
        assert site.server.pid != pid
        assert (set(places.read().values()), places.pending()) == ({"5101"}, "")
        pid = site.server.pid
        places.write(values(places, "test"))
        assert site.server.pid == pid
        os.utime(site.bootstrap)  # not the value, but who knows what the process runs by
        places.write(values(places, "test"))
        assert site.server.pid != pid
        places.write(values(places, "production"))
        assert places.pending() == ""


def test_a_server_that_takes_nothing_while_it_runs_is_restarted_if_that_is_allowed(site):
    before, pid = site.xml.read_bytes(), site.server.pid
    site.server.options["update_trigger"] = "disabled"
    with closing(site.places(BY_XML)) as places:
        places.check(values(places, "test"))
        places.write(values(places, "test"))
        assert (only(places), site.server.pid) == ("5101", pid)
        assert places.pending() == f"{site.xml} was changed after the server was started"
    site.server.options["may_restart"] = True
    with closing(site.places(BY_XML)) as places:
        places.write(values(places, "test"))
        assert (places.pending(), site.server.pid == pid) == ("", False)
        places.write(values(places, "production"))
        assert places.pending() == ""
    assert site.xml.read_bytes() == before


def test_a_server_that_wants_to_be_told_and_cannot_be_is_left_alone(site):
    before = site.xml.read_bytes()
    site.server.options["update_trigger"] = "mbean"
    with closing(site.places(BY_XML)) as places:
        for act in (places.check, places.write):
            with pytest.raises(AppServerError, match=r"wants to be told of changes .*Cure: give .*admin"):
                act(values(places, "test"))
    assert site.xml.read_bytes() == before


def test_a_restart_that_failed_is_made_up_for_by_the_next(site):
    site.server.options.update(may_restart=True, restart_command=["/bin/false"])
    with closing(site.places(BY_BOOTSTRAP)) as places, pytest.raises(AppServerError, match="the restart failed"):
        places.write(values(places, "test"))
    site.server.options.pop("restart_command")
    with closing(site.places(BY_BOOTSTRAP)) as places:
        assert only(places) == "5101"
        assert "was changed after the server was started" in places.pending()
        places.write(values(places, "test"))
        assert places.pending() == ""
        places.write(values(places, "production"))


def test_a_property_that_the_configuration_decides_is_told(site):
    with closing(site.places({**BY_BOOTSTRAP, "name": "cats.port"})) as places:
        assert f"is decided by {site.xml}" in places.pending()


def test_a_jvm_property_needs_leave_to_restart(site):
    with closing(site.places(BY_PROPERTY)) as places:
        assert only(places) is None
        for act in (places.check, places.write):
            with pytest.raises(AppServerError, match="may not be restarted"):
                act(values(places, "test"))
        assert only(places) is None


def test_a_server_that_is_down_gets_its_files(site):
    site.server.call("stop")
    (site.server.directory / MARK).write_text("files")
    for setting in (BY_XML, BY_BOOTSTRAP):
        with closing(site.places(setting)) as places:
            places.write(values(places, "test"))
            assert (only(places), places.pending()) == ("5101", "")
            places.write(values(places, "production"))
    assert not (site.server.directory / MARK).exists()
    site.server.start()


def test_a_setting_that_is_there_twice_is_refused(site):
    with pytest.raises(InvalidInput, match="named twice"):
        site.places(BY_VARIABLE, {**BY_VARIABLE, "place": "websphere"})
