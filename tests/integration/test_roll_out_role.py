# SPDX-License-Identifier: GPL-3.0-or-later
"""The role roll_out on its way back: a proxy that cannot be reached, a server that does not answer (invariant 14)."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from proxies import AppServer, HAProxyUnderTest, app_servers, free_port
from relmgmt_sandbox.load import get
from web_host import build_zip, deliver, permit, run, sha256

from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger

CHANGE = "CHG0000007"
REPO = pathlib.Path(__file__).resolve().parents[2]
PLAY = [{
    "hosts": "app1", "gather_facts": False,
    "roles": [{"role": "relmgmt.release.roll_out", "vars": {"roll_out_role": "rollback"}}],
}]


@pytest.fixture
def server() -> Iterator[AppServer]:
    with app_servers(1) as found:
        yield found[0]


@pytest.fixture
def web1(tmp_path_factory: pytest.TempPathFactory, server: AppServer) -> Iterator[HAProxyUnderTest]:
    proxy = HAProxyUnderTest(tmp_path_factory.mktemp("px"), [server])
    yield proxy
    proxy.stop()


def go_back(place: pathlib.Path, web1: HAProxyUnderTest, url: str) -> subprocess.CompletedProcess[str]:
    """A run of CHANGE was cut off with app1 out of web1 and of web2; now web2 cannot be reached."""
    change_something(place)
    left = permit(place / "web1/ledger.db", CHANGE, "CFIS002")
    assert run("proxy_member", {**left, "proxy": web1.options, "member": "app1", "state": "drained"})["changed"]
    receipt = {"change": CHANGE, "in_force": {"proxy_member": ["member:app1"]}}
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    web = {"relmgmt_proxy": web1.options, "gate_host": {"receipts": [receipt]}}
    hosts: dict[str, dict[str, Any]] = {
        # No time to end requests in is none to find the server healthy again in.
        "app1": {
            **local, "relmgmt_drain_seconds": 0,
            "relmgmt_websphere": {"kind": "liberty", "liberty": {"url": url}},
        },
        "web1": {**local, **web},
        "web2": {**web, "ansible_host": "127.0.0.1", "ansible_port": free_port(), "ansible_ssh_retries": 0},
    }
    for name, variables in hosts.items():
        cycle = {"change": CHANGE, "lease": left["lease"], "outage": False}
        variables.update(relmgmt_state_dir=str(place / name), gate_cycle=cycle)
    (place / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (place / "play.json").write_text(json.dumps(PLAY))
    return subprocess.run(
        [f"{pathlib.Path(sys.executable).parent}/ansible-playbook", "-i", str(place / "hosts.json"),
         str(place / "play.json")],
        env={**os.environ, "ANSIBLE_CONFIG": str(REPO / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}, cwd=REPO,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )


def change_something(place: pathlib.Path) -> None:
    """An act of CHANGE on app1 that can be undone, of whatever kind."""
    (place / "packages").mkdir()
    package = build_zip(place / "packages/site.zip", {"index.html": "newer"})
    allowed = permit(place / "app1/ledger.db", CHANGE, "CFIS002", sha256(package))
    done = run("static_content", {
        **allowed, "document_root": str(place / "root"), "drop": {"path": str(place / "drop")},
        "bundle": deliver(place / "drop", "CFIS002", package), "file": package.name, "sha256": sha256(package),
    })
    assert done["changed"], done


def left_out(place: pathlib.Path) -> list[str]:
    ledger = Ledger(str(place / "web1/ledger.db"), readonly=True)
    found = [act["target"] for act in ledger.acts(CHANGE) if act["undo"].get("kind") and not act["undone_at"]]
    ledger.close()
    return found


def test_a_proxy_out_of_reach_does_not_hold_the_way_back_up(
    tmp_path: pathlib.Path, web1: HAProxyUnderTest, server: AppServer
) -> None:
    done = go_back(tmp_path, web1, f"http://{server.address}/")
    assert get(web1.port)[0] == 200, done.stdout
    assert left_out(tmp_path) == []
    assert done.returncode == 0, "users may come back: the verdict is told by the ledgers"
    assert "TASK [relmgmt.release.rollback : Undo what the change did" in done.stdout
    assert "the host cannot be reached" in done.stdout.partition("Put the server back into every proxy")[2]


def test_a_server_that_does_not_answer_stays_out(tmp_path: pathlib.Path, web1: HAProxyUnderTest) -> None:
    done = go_back(tmp_path, web1, f"http://127.0.0.1:{free_port()}/")
    assert done.returncode == 0, "a server that is out serves nobody: the others may be opened"
    assert "TASK [relmgmt.release.roll_out : Note that the server stays out]" in done.stdout
    assert "app1 went back but does not answer" in done.stdout
    assert "playbooks/rollback.yml again" in done.stdout
    assert get(web1.port)[0] == 503, "app1 is the only server, and out"
    assert left_out(tmp_path) == ["member:app1"]
