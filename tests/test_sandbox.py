# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded default environment: up twice, used, cut off, down without a trace."""
from __future__ import annotations

import http.server
import json
import os
import re
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from relmgmt_sandbox import load, ports
from relmgmt_sandbox.load import Load, Question, question

CLONE = Path(__file__).resolve().parents[1]
INVENTORY = CLONE / "inventories" / "sandbox" / "inventory.py"


class Box:
    def __init__(self, root: Path) -> None:
        self.root = root
        cache = os.environ.get("RELMGMT_CACHE") or str(CLONE / ".sandbox" / "cache")
        self.environment = {**os.environ, "PYTHONPATH": str(CLONE / "sandbox"), "RELMGMT_CACHE": cache,
                            "RELMGMT_SANDBOX": str(root)}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "relmgmt_sandbox", *words]
        return subprocess.run(argv, env=self.environment, capture_output=True, text=True, check=False)

    @property
    def ports(self) -> dict[str, int]:
        ports: dict[str, int] = json.loads((self.root / "ports.json").read_text())
        return ports

    @property
    def inventory(self) -> dict[str, Any]:
        printed = subprocess.run([str(INVENTORY), "--list"], env=self.environment, capture_output=True, check=True)
        inventory: dict[str, Any] = json.loads(printed.stdout)
        return inventory

    def ssh(self, host: str, command: str) -> list[str]:
        given = self.inventory["_meta"]["hostvars"][host]
        return ["ssh", *given["ansible_ssh_common_args"].replace('"', "").split(), "-o", "BatchMode=yes",
                "-i", given["ansible_ssh_private_key_file"], "-p", str(given["ansible_port"]),
                f"{given['ansible_user']}@{given['ansible_host']}", command]

    def status_of(self, path: str) -> int:
        try:
            with urllib.request.urlopen(path, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def marked(self) -> list[str]:
        """Processes that bear the sandbox's mark."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if f"RELMGMT_SANDBOX_MARK={self.root}\0".encode() in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue
        return found


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    made = Box(tmp_path_factory.mktemp("sandbox") / "box")
    done = made.run("up", "--app-servers", "1")
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield made
    finally:
        made.run("down")


def test_second_up_starts_nothing(box: Box) -> None:
    before = sorted(box.marked()), box.ports, box.inventory
    done = box.run("up")
    assert done.returncode == 0, done.stderr
    assert not re.search(r"started|created", done.stdout)
    assert (sorted(box.marked()), box.ports, box.inventory) == before
    assert box.run("status").returncode == 0


def test_a_server_that_a_release_has_taken_out_stays_out(box: Box) -> None:
    members = Path(box.inventory["_meta"]["hostvars"]["web1"]["relmgmt_proxy"]["nginx"]["members_file"])
    before = members.read_text()
    members.write_text(before.replace(" max_fails=0;", " max_fails=0 down;", 1))
    try:
        assert box.run("up").returncode == 0
        assert members.read_text().count(" down;") == 1
    finally:
        members.write_text(before)


def test_inventory_holds_groups_and_policy(box: Box) -> None:
    argv = ["ansible-inventory", "-i", str(INVENTORY.parent), "--list"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    listed = subprocess.run(argv, env={**box.environment, "PATH": path}, capture_output=True, text=True, check=True)
    inventory = json.loads(listed.stdout)
    groups = ("databases", "application_servers", "web_servers", "drop")
    assert [inventory[group]["hosts"] for group in groups] == [["db1"], ["app1"], ["web1"], ["drop1"]]
    variables = inventory["_meta"]["hostvars"]["db1"]
    assert variables["relmgmt_sandbox"]
    assert variables["relmgmt_protected"]
    assert variables["relmgmt_policy"]["window"] == {"rule": "always"}
    assert variables["relmgmt_instance"]["gtm"]["source_directory"].startswith(str(box.root))


def test_inventory_of_no_sandbox_names_the_cure(tmp_path: Path) -> None:
    environment = {**os.environ, "RELMGMT_SANDBOX": str(tmp_path)}
    done = subprocess.run([str(INVENTORY), "--list"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "not up" in done.stderr
    assert "make demo" in done.stderr


def test_unreachable_host_loses_sessions_too_and_comes_back(box: Box) -> None:
    with subprocess.Popen(box.ssh("app1", "echo in; exec sleep 100"), stdout=subprocess.PIPE) as session:
        assert session.stdout
        assert session.stdout.readline() == b"in\n"
        assert box.run("unreachable", "app1").returncode == 0
        assert session.wait(timeout=20) == 255
    assert subprocess.run(box.ssh("app1", "true"), capture_output=True, check=False).returncode == 255
    assert subprocess.run(box.ssh("db1", "true"), capture_output=True, check=False).returncode == 0
    assert box.run("reachable", "app1").returncode == 0
    assert subprocess.run(box.ssh("app1", "true"), capture_output=True, check=False).returncode == 0


def test_unknown_host_is_refused(box: Box) -> None:
    done = box.run("unreachable", "app9")
    assert done.returncode == 1
    assert "app9" in done.stderr
    assert "db1" in done.stderr


def test_components_stop_and_start(box: Box) -> None:
    for component in box.inventory["_meta"]["hostvars"]["db1"]["relmgmt_application"]["components"]:
        codes = [subprocess.run(component[word], capture_output=True, check=False).returncode
                 for word in ("status", "stop", "status", "stop", "start", "status", "start")]
        assert codes == [0, 0, 1, 0, 0, 0, 0], component["name"]


def test_component_that_was_stopped_in_order_stays_stopped(box: Box) -> None:
    component = box.inventory["_meta"]["hostvars"]["db1"]["relmgmt_application"]["components"][0]
    subprocess.run(component["stop"], check=True, capture_output=True)
    assert box.run("up").returncode == 0
    assert subprocess.run(component["status"], capture_output=True, check=False).returncode == 1
    subprocess.run(component["start"], check=True, capture_output=True)


def test_maintenance_closes_the_users_door_only(box: Box) -> None:
    given = box.inventory
    entry = given["_meta"]["hostvars"]["web1"]["relmgmt_application"]["components"][0]
    users, testers = given["all"]["vars"]["relmgmt_entry_url"], given["all"]["vars"]["relmgmt_testers_url"]
    content = box.root / "hosts" / "web1" / "static" / "current"
    content.mkdir()
    (content / "release.txt").write_text("CFIS000")
    pages = [f"{users}/static/release.txt", f"{testers}/static/release.txt"]
    subprocess.run(entry["stop"], check=True, capture_output=True)
    assert [box.status_of(page) for page in pages] == [503, 200]
    assert subprocess.run(entry["status"], capture_output=True, check=False).returncode == 1
    subprocess.run(entry["start"], check=True, capture_output=True)
    assert [box.status_of(page) for page in pages] == [200, 200]


class Latin(http.server.BaseHTTPRequestHandler):
    """Answers that are no UTF-8."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"caf\xe9 CFIS002")

    def log_message(self, *args: object) -> None:
        del args


def test_load_reads_every_text() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Latin) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        with Load(server.server_port, [Question("/", "CFIS002")], users=2) as users:
            time.sleep(0.2)
        server.shutdown()
    assert (users.lost, users.newer_seen > 0) == ([], True)


def test_load_counts_a_user_that_ended_early(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr(load, "get", broken)
    with Load(1, [Question("/", "CFIS002")], users=2) as users:
        time.sleep(0.05)
    assert sorted(users.lost) == [f"user {number} has ended: ValueError('a defect')" for number in (0, 1)]
    assert users.counted["lost"] == 2


def test_load_asks_paths_with_a_query() -> None:
    assert question("/page?release=2=CFIS002") == Question("/page?release=2", "CFIS002")
    with pytest.raises(ValueError, match="PATH=TEXT"):
        question("/page")


def test_mail_is_kept(box: Box) -> None:
    with smtplib.SMTP("127.0.0.1", box.ports["smtp"], timeout=10) as client:
        client.sendmail("a@example.com", ["b@example.com", "c@example.com"], "Subject: signed off\r\n\r\n.dot\r\n")
    kept = (box.root / "mail" / "00001.eml").read_text()
    assert "RCPT TO:<c@example.com>" in kept
    assert "Subject: signed off" in kept
    assert "\n.dot" in kept


def test_interface_records_every_byte(box: Box) -> None:
    with socket.create_connection(("127.0.0.1", box.ports["cats_test"]), timeout=10) as client:
        client.sendall(b"\x00CATS|1\xff\n")
        assert client.recv(10) == b"ACK\n"
    lines = (box.root / "interfaces" / "cats-test.log").read_text().splitlines()
    texts = [json.loads(line).get("text", "") for line in lines]
    assert "".join(texts).encode("latin-1") == b"\x00CATS|1\xff\n"
    assert (box.root / "interfaces" / "cats-production.log").read_text() == ""


def test_down_leaves_nothing(box: Box) -> None:
    subprocess.run(box.ssh("db1", "setsid sleep 300 >/dev/null 2>&1 </dev/null & echo left"), check=True)
    assert any("sleep 300" in command for command in box.marked())
    for lost in ("hosts/db1/ssh/sshd.pid", "hosts/web1/run/nginx.pid"):
        (box.root / lost).unlink()
    ports = box.ports
    (box.root / "mine").touch()
    done = box.run("down")
    assert done.returncode == 0, done.stderr
    assert box.marked() == []
    assert [path.name for path in box.root.iterdir()] == ["mine"]
    for name, port in ports.items():
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, name
    assert box.run("down").returncode == 0


def test_down_in_a_directory_that_is_no_sandbox_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("mine")
    assert Box(tmp_path).run("down").returncode == 0
    assert (tmp_path / "hosts").read_text() == "mine"


def test_sandboxes_that_are_brought_up_together_share_no_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chosen, but not listened on yet: of so few ports two would meet by chance."""
    monkeypatch.setattr(ports, "FIRST", 20000)
    monkeypatch.setattr(ports, "LAST", 20060)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    chosen = []
    for name in ("one", "two", "three"):
        layout = SimpleNamespace(ports_file=tmp_path / name / "ports.json", hosts=["db1"], applications=["app1"])
        chosen += list(ports.choose(cast("Any", layout)).values())
    assert len(set(chosen)) == len(chosen)
