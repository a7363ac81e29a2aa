# SPDX-License-Identifier: GPL-3.0-or-later
"""An application that the administrator placed in dropins/, on real Liberty servers (A9, A15, T13)."""

from __future__ import annotations

import shutil

import pytest
from liberty_server import create_server
from web_application import Web
from web_host import BROKEN_WEB_XML, build_zip, newest_act, run, sha256

from ansible_collections.relmgmt.release.plugins.module_utils._module.web_app import undo_war


@pytest.fixture(scope="module")
def server(runtime, tmp_path_factory):
    server = create_server(tmp_path_factory.mktemp("usr"), "dropped", runtime=runtime)
    (server.directory / "dropins").mkdir()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def web(server, tmp_path, request):
    """The application as the administrator has placed it, and answering."""
    web = Web(server, tmp_path, "app" + str(abs(hash(request.node.name)))[:8])
    build_zip(tmp_path / "placed.war", {"index.html": "by the administrator"})
    shutil.copy(tmp_path / "placed.war", web.file)
    web.until((200, "by the administrator"))
    yield web
    server.options.clear()
    web.file.unlink(missing_ok=True)
    (server.directory / f"configDropins/overrides/relmgmt-{web.name}.xml").unlink(missing_ok=True)


def test_it_is_seen_where_it_is(web):
    info = run("websphere_app_info", {
        "websphere": web.server.websphere(), "application": web.name, "ledger": str(web.ledger),
    })
    seen = (info["sha256"], info["context_root"], info["state"])
    assert seen == (sha256(web.file), f"/{web.name}", "started")


def test_it_stays_there_and_goes_back(web):
    """The 12-step rule."""
    placed = web.file.read_bytes()
    first = web.package("CFIS001", "one")
    before = web.everything()
    for _ in range(2):
        checked = run("websphere_app", first, check=True)
        assert (checked["changed"], checked["action"], checked["failed"]) == (True, "update", False), checked
    assert web.everything() == before
    done = run("websphere_app", first)
    assert (done["state"], done["action"]) == ("started", "update"), done
    assert done["diff"] == checked["diff"]
    assert "CWWKZ000" in done["started"]
    assert web.page() == (200, "one")
    assert sha256(web.file) == first["sha256"]
    assert not list((web.server.directory / "apps").glob(f"{web.name}*.war"))
    after = web.everything()
    for check in (True, False):
        again = run("websphere_app", first, check=check)
        assert (again["changed"], again["action"]) == (False, "nothing"), again
    assert web.everything() == after
    recipe = newest_act(web.ledger)["undo"]
    assert web.undo()["restored"] is True
    assert web.file.read_bytes() == placed
    assert web.page() == (200, "by the administrator")
    assert undo_war(recipe, None) == {"server": "running", "restored": False}


def test_a_war_that_does_not_start_ends_the_wait_at_once_and_goes_back(web):
    """T13"""
    failed = run("websphere_app", web.package("CFIS001", "one", **{"WEB-INF/web.xml": BROKEN_WEB_XML}))
    assert "CWWKZ000" in failed["msg"], failed
    assert web.undo()["restored"] is True
    assert web.page() == (200, "by the administrator")


def test_another_context_root_moves_nothing_unless_the_inventory_says_so(web):
    """In dropins/ the file's name is the path: it is taken over below apps/, and back."""
    options = {**web.package("CFIS001", "one"), "context_root": f"/{web.name}/new"}
    before = web.everything()
    failed = run("websphere_app", options)
    assert "cannot be given the context root" in failed["msg"]
    assert "placement: apps" in failed["msg"]
    assert web.everything() == before
    web.server.options["placement"] = "apps"
    options = {**web.package("CFIS002", "two"), "context_root": f"/{web.name}/new"}
    done = run("websphere_app", options)
    assert (done["state"], done["context_root"]) == ("started", f"/{web.name}/new"), done
    assert not web.file.exists()
    assert web.page()[0] == 404
    assert web.undo()["restored"] is True
    assert web.page() == (200, "by the administrator")
    assert not list((web.server.directory / "apps").glob(f"{web.name}*.war"))


def test_a_new_application_goes_there_if_the_inventory_says_so(web):
    web.file.unlink()
    web.until((404, None))
    web.server.options["placement"] = "dropins"
    done = run("websphere_app", web.package("CFIS001", "one"))
    assert (done["action"], done["state"]) == ("install", "started"), done
    assert web.file.exists()
    assert web.undo()["restored"] is True
    assert not web.file.exists()
    assert web.page()[0] == 404


def test_a_form_that_is_no_plain_file_is_told(web):
    directory = web.file.with_name(f"{web.name}.ear")
    directory.mkdir()
    failed = run("websphere_app", web.package("CFIS001", "one"))
    directory.rmdir()
    assert "in another form" in failed["msg"]


def test_a_stopped_server_gets_its_file_back(web):
    run("websphere_app", web.package("CFIS001", "one"))
    web.server.kill()
    detail = web.undo()
    assert (detail["server"], detail["restored"]) == ("stopped", True)
    web.server.start()
    web.until((200, "by the administrator"))
