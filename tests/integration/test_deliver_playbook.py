# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped delivery playbook: what is replaced goes to the previous environment; receipts (A13, A15)."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
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
PACKAGES = {"app1": ("war:cfis", "cfis.war"), "web1": ("static:/srv/web", "cfis-static.zip")}


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
        self.hosts = {name: {"relmgmt_state_dir": str(root / name)} for name in PACKAGES}

    def copy(self, root):
        """An environment of its own in the same state."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return Site(root, self.server)

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
                "application_servers": {"hosts": {"app1": self.hosts["app1"]}},
                "web_servers": {"hosts": {"web1": self.hosts["web1"]}},
                "drop": {"hosts": {"drop1": {}}},
            },
        }}

    def _drop(self, path):
        return {"host": self.server.host, "port": self.server.port, "user": self.server.user, "path": str(path),
                "private_key": self.server.private_key, "known_hosts": self.server.known_hosts}


@pytest.fixture(scope="module")
def first(tmp_path_factory, server):
    """CFIS001 was delivered and runs."""
    site = Site(tmp_path_factory.mktemp("first"), server)
    site.drop.mkdir()
    site.previous.mkdir()
    succeeded, changed, output = site.deliver(1)
    assert succeeded, output
    assert changed["drop1"] == 1
    assert list(site.previous.iterdir()) == []
    site.install("CFIS001", "CHG0000001")
    return site


@pytest.fixture
def running(tmp_path, first):
    """CFIS001 runs."""
    return first.copy(tmp_path)


@pytest.fixture(scope="module")
def second(tmp_path_factory, first):
    """CFIS001 runs, and CFIS002 was delivered."""
    site = first.copy(tmp_path_factory.mktemp("second"))
    succeeded, changed, output = site.deliver(2)
    assert succeeded, output
    assert changed == {"app1": 0, "web1": 0, "drop1": 2}
    return site


def test_check_mode_shows_what_would_go_to_both_drops_and_touches_nothing(running):
    before = running.untouched()
    succeeded, _changed, output = running.deliver(2, "--check", "--diff")
    assert succeeded, output
    for place, release in ((running.previous, "CFIS001"), (running.drop, "CFIS002")):
        assert f"{place}/{folder(release)}" in output
    assert output.count("+cfis.war") == 2
    assert running.untouched() == before


def test_what_runs_goes_to_the_previous_environment_as_a_whole_set(second):
    assert {path.name for path in second.previous.iterdir()} == {folder("CFIS001")}
    assert tree(second.previous / folder("CFIS001")) == tree(second.drop / folder("CFIS001"))
    assert {path.name for path in second.drop.iterdir()} == {folder("CFIS001"), folder("CFIS002")}
    before = second.untouched()
    succeeded, changed, output = second.deliver(2)
    assert (succeeded, changed["drop1"]) == (True, 0), output
    assert second.untouched() == before


def test_a_release_is_not_delivered_when_what_it_replaces_cannot_be_kept_whole(running):
    """It is gone from the drop; then, brought back as the error says, it is damaged there."""
    held = running.drop / folder("CFIS001")
    for file in held.iterdir():
        file.unlink()
    succeeded, _changed, output = running.deliver(2)
    assert not succeeded
    assert f"the drop does not hold {folder('CFIS001')}, which runs now (change CHG0000001)" in output
    assert running.deliver(1)[0]

    data = bytearray((held / "cfis.war").read_bytes())
    data[len(data) // 2] ^= 1
    (held / "cfis.war").write_bytes(data)
    succeeded, _changed, output = running.deliver(2)
    assert not succeeded
    assert "cfis.war is not what its digest says" in output
    assert str(held) in output
    assert {path.name for path in running.drop.iterdir()} == {folder("CFIS001")}
    assert not {"cfis.war", "MANIFEST.json"} & {path.name for path in running.previous.rglob("*")}


def test_a_host_that_does_not_answer_holds_the_delivery(running):
    running.hosts["app1"].update(ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1)
    succeeded, _changed, output = running.deliver(2)
    assert not succeeded
    assert "what runs on app1 before the release is not known" in output
    assert {path.name for path in running.drop.iterdir()} == {folder("CFIS001")}
    assert list(running.previous.iterdir()) == []


RECORD = """\
- hosts: web1
  gather_facts: false
  vars:
    gate_cycle:
      {change: CHG0000002, attempt: 1, release: CFIS002, environment: sandbox, bundle_digest: "", bundle: ""}
  roles:
    - relmgmt.release.record
"""


def test_the_record_shows_the_receipts_of_its_change(second):
    own = second.records / f"CHG0000002-{folder('CFIS002')}-delivery.json"
    other = {**json.loads(own.read_text()), "change": "CHG0000002-X", "place": "sftp://elsewhere"}
    (second.records / "CHG0000002-X-CFIS002-delivery.json").write_text(json.dumps(other))
    (second.root / "record.yml").write_text(RECORD)
    succeeded, _changed, output = second.play(second.root / "record.yml")
    assert succeeded, output
    page = (second.records / "CHG0000002-1.html").read_text()
    place = f"sftp://{second.server.user}@{second.server.host}:{second.server.port}"
    shown = subprocess.run(["ssh-keygen", "-l", "-f", second.server.known_hosts], capture_output=True, text=True,
                           check=True).stdout.split()[1]
    assert f"Delivered to {place}{second.drop / folder('CFIS002')}" in page
    assert f"Delivered to {place}{second.previous / folder('CFIS001')}" in page
    assert f"(ssh-ed25519 {shown})" in page
    assert hashlib.sha256((BUNDLES / "CFIS002" / "cfis.war").read_bytes()).hexdigest() in page
    assert "elsewhere" not in page
