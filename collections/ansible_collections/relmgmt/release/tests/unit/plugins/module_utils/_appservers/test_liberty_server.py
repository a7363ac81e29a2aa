# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of a server's process, and whose process is started anew."""

from __future__ import annotations

import http.server
import os
import pathlib
import subprocess
import sys
import threading
from typing import ClassVar

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import (
    Admin,
    liberty_server,
    serves,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError


@pytest.fixture
def options(tmp_path):
    return {"server": "s", "install_dir": str(tmp_path / "wlp"), "url": "http://127.0.0.1:1"}


@pytest.fixture
def process(options):
    """What looks like the server, noted as bin/server does."""
    place = pathlib.Path(options["install_dir"], "usr/servers")
    (place / ".pid").mkdir(parents=True)
    (place / "s").mkdir()
    program = "print(flush=True); import time; time.sleep(300)"
    command = [sys.executable, "-c", program, "/wlp/bin/tools/ws-server.jar", "s"]
    started_with = {"JVM_ARGS": "-Xmx256m", "IBM_JAVA_OPTIONS": "-Dof.the=script"}
    environment = {**os.environ, **started_with}
    with subprocess.Popen(command, cwd=place / "s", env=environment, stdout=subprocess.PIPE) as process:
        process.stdout.readline()  # its arguments are there to be seen only now
        (place / ".pid/s.pid").write_text(f"{process.pid}\n")
        yield process
        process.kill()


def test_every_option_of_the_inventory_reaches_the_server(options):
    admin = {"url": "https://h:1", "user": "u", "password_file": "/p", "ca_file": None}
    given = {
        "health_path": "/h", "placement": "dropins", "update_trigger": "mbean", "may_restart": True,
        "restart_command": ["a", "b"], "admin": admin, "start_timeout": 5, "log": "/l", "java_home": "/j",
    }
    server = liberty_server({**options, **given})
    assert server.admin == Admin("https://h:1", "u", "/p", "")
    assert server.restart_command == ("a", "b")
    for name in ("health_path", "placement", "update_trigger", "may_restart", "start_timeout", "log", "java_home"):
        assert getattr(server, name) == given[name]


def test_what_the_inventory_leaves_out_is_read_from_the_server(options):
    server = liberty_server(options)
    assert (server.placement, server.update_trigger, server.may_restart) == ("auto", "auto", False)
    assert (server.health_path, server.restart_command, server.admin) == ("", (), None)


def test_a_process_that_is_there_runs_and_its_arguments_are_seen(options, process):
    """There is no server command here, so none was asked."""
    server = liberty_server(options)
    assert server.state() == "running"
    assert server.jvm_options()[-2:] == ["/wlp/bin/tools/ws-server.jar", "s"]
    process.kill()
    process.wait()
    assert server.jvm_options() is None
    with pytest.raises(AppServerError, match="server command cannot be run"):
        server.state()


def test_another_servers_process_under_the_noted_number_is_not_this_one(options, process):
    """The number came again: a server of the same name, in another place."""
    place = pathlib.Path(options["install_dir"], "usr/servers")
    (place / "s").rename(place / "other")
    assert liberty_server(options).jvm_options() is None


def test_a_server_of_another_user_is_not_restarted_as_this_one(options, process, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(AppServerError, match="runs as another user") as caught:
        liberty_server(options).restart()
    assert "restart_command" in caught.value.cure


def server_script(options, text):
    script = pathlib.Path(options["install_dir"], "bin/server")
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n" + text)
    script.chmod(0o755)


def test_a_server_that_runs_unnoted_is_left_to_what_started_it(options):
    """Under a service manager `server run` notes no process."""
    server_script(options, '[ "$1" = status ] || touch "$0.called"')
    with pytest.raises(AppServerError, match="not as its own script has noted") as caught:
        liberty_server(options).restart()
    assert "restart_command" in caught.value.cure
    assert not pathlib.Path(options["install_dir"], "bin/server.called").exists()


def test_a_stopped_server_of_another_user_is_not_started_by_root(options, monkeypatch):
    server_script(options, '[ "$1" = status ] && exit 1; touch "$0.called"')
    server = liberty_server(options)
    pathlib.Path(server.config_dir).mkdir(parents=True)
    if os.getuid() == 0:
        os.chown(server.config_dir, 12345, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(AppServerError, match="runs as another user"):
        server.restart()
    assert not pathlib.Path(options["install_dir"], "bin/server.called").exists()


class Pages(http.server.BaseHTTPRequestHandler):
    """Answers as the test wants."""

    pages: ClassVar[dict[str, tuple[int, bytes]]] = {}
    missing = b""

    def do_GET(self):
        status, text = self.pages.get(self.path, (404, self.missing))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_words):
        pass


@pytest.fixture
def url():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


LIBERTYS_OWN = b"<html>Context Root Not Found: CONTEXT_ROOT_NOT_FOUND</html>"


@pytest.mark.parametrize(
    "missing,pages,root,answers",
    [
        (LIBERTYS_OWN, {}, "/cfis", False),
        (LIBERTYS_OWN, {"/cfis/": (404, b"SRVE0190E")}, "/cfis", True),
        (LIBERTYS_OWN, {"/cfis/": (503, b"")}, "/cfis", True),
        (b"nothing here", {}, "/cfis", False),
        (b"nothing here", {"/cfis/": (404, b"SRVE0190E")}, "/cfis", True),
        (LIBERTYS_OWN, {"/": (200, b"Welcome to Liberty")}, "/", False),
        (b"SRVE0190E", {"/": (200, b"an application")}, "/", True),
    ],
)
def test_what_answers_on_a_context_root_is_an_application_or_the_server_itself(
    url, monkeypatch, missing, pages, root, answers
):
    """A hardened server has a text of its own, and every server a welcome page."""
    monkeypatch.setattr(Pages, "pages", pages)
    monkeypatch.setattr(Pages, "missing", missing)
    assert serves(url, root) is answers


def test_it_is_stopped_and_started_with_the_environment_that_it_was_started_with(options, process, tmp_path):
    """What bin/server adds itself is left out: it would grow with every restart."""
    witness = tmp_path / "witness"
    script = pathlib.Path(options["install_dir"], "bin/server")
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\necho "$* $JVM_ARGS$IBM_JAVA_OPTIONS $WLP_USER_DIR" >> {witness}\n')
    script.chmod(0o755)
    liberty_server(options).restart()
    usual = options["install_dir"] + "/usr"
    assert witness.read_text() == f"stop s -Xmx256m {usual}\nstart s -Xmx256m {usual}\n"


def test_a_restart_command_that_fails_is_told_with_its_output(options):
    command = ["/bin/sh", "-c", "echo no such unit; exit 5"]
    with pytest.raises(AppServerError, match="the command ended with 5") as caught:
        liberty_server({**options, "restart_command": command}).restart()
    assert caught.value.detail["output"] == "no such unit\n"
