# SPDX-License-Identifier: GPL-3.0-or-later
"""Test mode through the playbooks (A8): entered, kept to, left signed off, rejected, and after a kill.

The sandbox of this file lives in a network of its own, so that its fences are not the machine's. What the external
systems got is read from their own listeners' logs.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from environment import Environment, Run, kill_group
from relmgmt_sandbox import isolated

ON_DEMAND, RELEASE = "CHG0000005", "CHG0000006"
SIGNED_OFF = ("-e", "outcome=signed_off", "-e", "confirmed_by=ann.lee")
REJECTED = ("-e", "outcome=rejected", "-e", "confirmed_by=ann.lee")
SYSTEMS = ("cats", "meds", "fi")


class Box(Environment):
    """A sandbox in a network of its own, with one application server."""

    def received(self, kind: str) -> dict[str, str]:
        """By system, every byte that its listener for this mode got."""
        found = {}
        for name in SYSTEMS:
            lines = (self.root / "interfaces" / f"{name}-{kind}.log").read_text().splitlines()
            found[name] = "".join(json.loads(line).get("text", "") for line in lines)
        return found

    def opened(self) -> int:
        """Connections that the production listeners saw, empty ones too."""
        logs = [self.root / "interfaces" / f"{name}-production.log" for name in SYSTEMS]
        return sum(json.loads(line)["event"] == "open" for log in logs for line in log.read_text().splitlines())

    def fences(self) -> set[str]:
        """Hosts whose fence the kernel has."""
        listed = subprocess.run(["nft", "-j", "list", "tables"], capture_output=True, text=True, check=True).stdout
        names = [one["table"]["name"] for one in json.loads(listed)["nftables"] if "table" in one]
        return {name.rpartition("_")[2] for name in names}

    def writes(self, text: str) -> None:
        """A letter through the testers' door; the application tells the external systems of it."""
        url = self.variables("web1")["relmgmt_testers_url"]
        data = urllib.parse.urlencode({"id": "1003", "text": text}).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{url}/cfis/api/correspondence", data, timeout=20) as answer:
            assert answer.status == 200
            assert "error" not in json.load(answer)

    def sent(self, kind: str, letters: int) -> bool:
        """Have all systems got that many letters?"""
        return all(text.count("\n") >= letters for text in self.received(kind).values())

    def modes(self) -> dict[str, str]:
        """By host, the state that its ledger tells."""
        found = {}
        for host in ("db1", "app1", "web1"):
            rows = self.ledger(host, "SELECT document FROM mode WHERE name='test_mode'")
            found[host] = json.loads(rows[0][0])["state"] if rows else ""
        return found

    def settings(self) -> list[str]:
        """What both tiers hold: of the database each port, of the web tier the variable."""
        nodes = [f'^CFISCFG("interface","{name.upper()}","port")' for name in SYSTEMS]
        ports = self.mumps("write " + ',"/",'.join(nodes)).split("/")
        server = (self.root / "hosts" / "app1" / "wlp-usr" / "servers" / "cfis" / "server.xml").read_text()
        return [*ports, server.partition('name="cfis.meds.port" value="')[2].partition('"')[0]]

    def ports(self, kind: str) -> list[str]:
        """The same, as it must be in this mode."""
        recorded = json.loads((self.root / "ports.json").read_text())
        return [str(recorded[f"{name}_{kind}"]) for name in (*SYSTEMS, "meds")]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """CFIS001 is current and open."""
    if os.geteuid():
        pytest.skip("untested: only root has a network of its own to put a fence up in")
    box = Box(Path(tmp_path_factory.mktemp("tm")))
    box.sandbox("fetch")
    back = isolated.enter()
    try:
        box.sandbox("up", "--app-servers", "1")
        run = box.release("CHG0000001")
        assert run.verdict == "done", run.output
        yield box
    finally:
        box.sandbox("down")
        isolated.leave(back)


def is_in_test_mode(box: Box, run: Run) -> None:
    assert (run.status, run.verdict) == (0, "testing"), run.output
    assert set(box.modes().values()) == {"on"}
    assert box.settings() == box.ports("test")
    assert box.fences() == {"db1", "app1", "web1"}
    assert box.entry()[0] == 503, "users are kept out"


def is_in_production_mode(box: Box) -> None:
    assert set(box.modes().values()) <= {"off", ""}
    assert box.settings() == box.ports("production")
    assert box.fences() == set()
    assert box.entry()[0] == 200


def test_a_playbook_killed_between_fence_and_ports(box: Box) -> None:
    """FAULTS I1: the fence holds, and one command goes back."""
    before = box.snapshot()
    process = box.start("enter-test-mode", ON_DEMAND)
    box.wait_for(lambda: box.fences() == {"db1", "app1", "web1"})
    kill_group(process)
    assert box.settings() == box.ports("production"), "it was killed too late for this test"
    assert box.fences() == {"db1", "app1", "web1"}
    opened = box.opened()
    left = box.play("leave-test-mode", ON_DEMAND, *REJECTED)
    assert (left.status, left.verdict) == (0, "rolled_back"), left.output
    is_in_production_mode(box)
    assert box.snapshot() == before
    assert box.opened() == opened


def test_rejected_tests_take_the_release_back(box: Box) -> None:
    before = box.snapshot()
    is_in_test_mode(box, box.release(RELEASE))
    opened = box.opened()
    box.writes("a letter of the testers")
    left = box.play("leave-test-mode", RELEASE, *REJECTED)
    assert (left.status, left.verdict) == (0, "rolled_back"), left.output
    is_in_production_mode(box)
    assert box.opened() == opened
    assert box.snapshot() == before


def test_a_release_tested_in_test_mode_and_signed_off(box: Box) -> None:
    """Not a byte reaches production from the entry to the verified exit, and then letters do again."""
    run = box.play("release", RELEASE)
    is_in_test_mode(box, run)
    assert "leave-test-mode.yml" in run.output
    installed = {name: digest for name, digest in box.globals().items() if name != "^CFISCFG"}
    opened, got = box.opened(), box.received("production")
    box.writes("a letter that no production system may see")
    box.wait_for(lambda: box.sent("test", 1))

    another = box.play("enter-test-mode", ON_DEMAND)
    assert another.verdict == "refused", another.output
    assert f"db1 ({RELEASE}, on, entered by" in another.output
    assert "leave-test-mode.yml" in another.output
    nameless = box.play("leave-test-mode", RELEASE, "-e", "outcome=signed_off")
    assert (nameless.verdict, "nobody confirms" in nameless.output) == ("invalid", True), nameless.output
    assert box.settings() == box.ports("test")

    left = box.play("leave-test-mode", RELEASE, *SIGNED_OFF)
    assert (left.status, left.verdict) == (0, "done"), left.output
    is_in_production_mode(box)
    assert (box.opened(), box.received("production")) == (opened, got)
    assert {name: digest for name, digest in box.globals().items() if name != "^CFISCFG"} == installed
    assert "Database release CFIS002" in box.entry()[1]
    box.writes("a letter for production")
    box.wait_for(lambda: box.sent("production", 1))
