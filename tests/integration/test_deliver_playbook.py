# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped delivery playbook: what is replaced goes to the previous environment; receipts (A13, A15)."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest
import yaml
from environment import RECAP, tree
from sshd import start_sshd

from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger

REPO = pathlib.Path(__file__).resolve().parents[2]
BUNDLES = REPO / "examples" / "bundles"
PACKAGES = {"app1": ("war:cfis", "cfis.war"), "app2": ("war:cfis", "cfis.war"),
            "web1": ("static:/srv/web", "cfis-static.zip")}


def folder(release):
    """A bundle's folder in a drop."""
    return f"{release}-{bundle_digest(release)[:12]}"


def bundle_digest(release):
    return hashlib.sha256((BUNDLES / release / "SHA256SUMS").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = start_sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


class Site:
    """An environment whose hosts are this machine, its drop, and the previous environment's drop."""

    def __init__(self, root, server):
        self.root, self.server = root, server
        self.drop, self.previous, self.records = root / "drop", root / "previous", root / "records"
        self.drop.mkdir()
        self.previous.mkdir()
        self.hosts = {name: {"relmgmt_state_dir": str(root / name)} for name in PACKAGES}

    def play(self, playbook, *options):
        """Run a playbook; returns (succeeded, changes by host, output)."""
        inventory = self.root / "inventory.json"
        inventory.write_text(json.dumps(self._inventory()))
        environment = {**os.environ, "ANSIBLE_CONFIG": str(REPO / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), str(playbook)]
        done = subprocess.run([*command, *options], cwd=REPO, env=environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=300, check=False)
        output = done.stdout + done.stderr
        return done.returncode == 0, {m[1]: int(m[3]) for m in RECAP.finditer(output)}, output

    def deliver(self, number, *options):
        """Deliver one of the example changes."""
        return self.play("playbooks/deliver.yml", "-e", f"change=examples/changes/CHG000000{number}.yml", *options)

    def install(self, release, change):
        """Let the ledgers say that a release runs, as the deploy phase leaves them."""
        for host, (component, file) in PACKAGES.items():
            sha256 = hashlib.sha256((BUNDLES / release / file).read_bytes()).hexdigest()
            ledger = Ledger(str(self.root / host / "ledger.db"))
            ledger.add_receipt(
                change=change, attempt=1, release=release, bundle_digest=bundle_digest(release), plan_digest="0" * 64,
                environment="sandbox", packages=[sha256], report=[], clock="real", expires=time.time() + 3600,
            )
            act = ledger.begin_act(change=change, attempt=1, release=release, phase="deploy", module="websphere_app",
                                   target=component, intent={}, undo={})
            with ledger.within(act):
                ledger.set_current(component, release, sha256)
            ledger.finish_act(act, "done", {})
            ledger.close_receipt(change, 1, "done")
            ledger.close()

    def untouched(self):
        """Everything that check mode must leave alone."""
        places = [self.drop, self.previous, self.records, *(self.root / name for name in PACKAGES)]
        return {str(place): tree(place) for place in places}

    def _inventory(self):
        return {"all": {
            "vars": {
                "ansible_connection": "local", "ansible_python_interpreter": sys.executable,
                **yaml.safe_load((REPO / "inventories/sandbox/group_vars/all.yml").read_text()),
                "relmgmt_drop": self._drop(self.drop), "relmgmt_record_root": str(self.records),
                "relmgmt_previous_environment": {"drop": self._drop(self.previous)},
            },
            "children": {
                "application_servers": {"hosts": {name: self.hosts[name] for name in ("app1", "app2")}},
                "web_servers": {"hosts": {"web1": self.hosts["web1"]}},
                "drop": {"hosts": {"drop1": {}}},
            },
        }}

    def _drop(self, path):
        return {"host": self.server.host, "port": self.server.port, "user": self.server.user, "path": str(path),
                "private_key": self.server.private_key, "known_hosts": self.server.known_hosts}


@pytest.fixture
def site(tmp_path, server):
    return Site(tmp_path, server)


@pytest.fixture
def running(site):
    """CFIS001 was delivered and runs."""
    succeeded, changed, output = site.deliver(1)
    assert succeeded, output
    assert changed["drop1"] == 1
    assert list(site.previous.iterdir()) == []
    site.install("CFIS001", "CHG0000001")
    return site


def test_what_runs_goes_to_the_previous_environment_as_a_whole_set(running):
    before = running.untouched()
    succeeded, _changed, output = running.deliver(2, "--check", "--diff")
    assert succeeded, output
    assert "+cfis.war" in output
    assert running.untouched() == before

    succeeded, changed, output = running.deliver(2)
    assert succeeded, output
    assert changed == {"app1": 0, "app2": 0, "web1": 0, "drop1": 2}
    assert {path.name for path in running.previous.iterdir()} == {folder("CFIS001")}
    assert tree(running.previous / folder("CFIS001")) == tree(running.drop / folder("CFIS001"))
    assert {path.name for path in running.drop.iterdir()} == {folder("CFIS001"), folder("CFIS002")}

    succeeded, changed, output = running.deliver(2)
    assert (succeeded, changed["drop1"]) == (True, 0), output
    running.install("CFIS002", "CHG0000002")
    succeeded, changed, output = running.deliver(2)
    assert (succeeded, changed["drop1"]) == (True, 0), output
    assert {path.name for path in running.previous.iterdir()} == {folder("CFIS001")}


def test_a_release_is_not_delivered_when_what_it_replaces_cannot_be_kept(running):
    for file in (running.drop / folder("CFIS001")).iterdir():
        file.unlink()
    succeeded, _changed, output = running.deliver(2)
    assert not succeeded
    assert f"the drop does not hold {folder('CFIS001')}, which runs now (change CHG0000001)" in output
    assert {path.name for path in running.drop.iterdir()} == {folder("CFIS001")}
    assert running.deliver(1)[0]
    assert running.deliver(2)[0]
    assert (running.previous / folder("CFIS001") / "MANIFEST.json").exists()


def test_a_set_that_is_damaged_in_the_drop_does_not_reach_the_previous_environment(running):
    war = running.drop / folder("CFIS001") / "cfis.war"
    data = bytearray(war.read_bytes())
    data[len(data) // 2] ^= 1
    war.write_bytes(data)
    succeeded, _changed, output = running.deliver(2)
    assert not succeeded
    assert "cfis.war is not what its digest says" in output
    assert str(running.drop / folder("CFIS001")) in output
    assert not (running.previous / folder("CFIS001") / "cfis.war").exists()
    assert not (running.previous / folder("CFIS001") / "MANIFEST.json").exists()


def test_a_host_that_does_not_answer_holds_the_delivery(running):
    running.hosts["app2"].update(ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1)
    succeeded, _changed, output = running.deliver(2)
    assert not succeeded
    assert "what runs on app2 before the release is not known" in output
    assert {path.name for path in running.drop.iterdir()} == {folder("CFIS001")}
    assert list(running.previous.iterdir()) == []


RECORD = """\
- hosts: web1
  gather_facts: false
  vars:
    gate_cycle:
      {change: %s, attempt: 1, release: CFIS002, environment: sandbox, bundle_digest: "", bundle: ""}
  roles:
    - relmgmt.release.record
"""


def test_the_record_shows_the_receipts_of_its_change(running):
    assert running.deliver(2)[0]
    pages = {}
    for change in ("CHG0000002", "CHG0000009"):
        (running.root / "record.yml").write_text(RECORD % change)
        succeeded, _changed, output = running.play(running.root / "record.yml")
        assert succeeded, output
        pages[change] = (running.records / f"{change}-1.html").read_text()
    place = f"sftp://{running.server.user}@{running.server.host}:{running.server.port}"
    shown = subprocess.run(["ssh-keygen", "-l", "-f", running.server.known_hosts], capture_output=True, text=True,
                           check=True).stdout.split()[1]
    page = pages["CHG0000002"]
    assert f"Delivered to {place}{running.drop / folder('CFIS002')}" in page
    assert f"Delivered to {place}{running.previous / folder('CFIS001')}" in page
    assert f"(ssh-ed25519 {shown})" in page
    assert hashlib.sha256((BUNDLES / "CFIS002" / "cfis.war").read_bytes()).hexdigest() in page
    assert "Delivered to" not in pages["CHG0000009"]
