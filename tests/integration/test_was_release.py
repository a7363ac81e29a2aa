# SPDX-License-Identifier: GPL-3.0-or-later
"""A release for traditional WebSphere, from its gate to the way back, by the playbooks that users start."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from programs import REPO
from was_instance import TWO_NODES, WasUnderTest
from web_host import build_zip, sha256

from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import Deployed, WebApp
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import load_bundle

APP = WebApp("cfis", "/cfis")
TICKET = {
    "change": "CHG0000002", "release": "CFIS002", "bundle": "bundle", "environment": "test", "kind": "regular",
    "requested_by": "maria.lopez", "date": "2026-12-05", "summary": "a WAR", "test_mode": False,
}
POLICY = {"approvals": [], "window": {"rule": "always"}, "blackouts": [], "notice_days": 0, "receipt_hours": 1}


class Controller:
    """A place with a ticket and a bundle, and an inventory of one host: the cell's."""

    def __init__(self, was: WasUnderTest, place: Path) -> None:
        self.was, self.place = was, place
        (place / "drop").mkdir()
        self._write("change.yml", TICKET)
        self._write("hosts.json", {"application_servers": {"hosts": {"dmgr": {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable,
            "relmgmt_environment": "test", "relmgmt_protected": True, "relmgmt_policy": POLICY,
            "relmgmt_state_dir": str(place / "state"), "relmgmt_websphere": was.websphere,
            "relmgmt_drop": {"path": str(place / "drop")}, "relmgmt_shared_folder": str(place / "shared"),
        }}}})

    def deliver(self, war: bytes) -> None:
        """A sealed bundle with this WAR, laid into the drop."""
        bundle = self.place / "bundle"
        bundle.mkdir()
        release = {
            "schema": 1, "name": TICKET["release"],
            "packages": [{"type": "war", "file": "cfis.war", "sha256": digest(war), "application": APP.name}],
            "documents": {"release_notes": "NOTES.md", "deployment_checklist": "CHECKLIST.md"},
        }
        files = {"cfis.war": war, "NOTES.md": b"#", "CHECKLIST.md": b"#", "release.yml": json.dumps(release).encode()}
        for name, data in files.items():
            (bundle / name).write_bytes(data)
        (bundle / "SHA256SUMS").write_text("".join(f"{digest(files[name])}  {name}\n" for name in sorted(files)))
        sealed = load_bundle(str(bundle))
        drop = self.place / "drop" / sealed.drop_name
        drop.mkdir()
        (drop / "cfis.war").write_bytes(war)
        listed = {"cfis.war": {"sha256": digest(war), "size": len(war)}}
        manifest = {"release": TICKET["release"], "bundle_digest": sealed.digest, "files": listed}
        (drop / "MANIFEST.json").write_text(json.dumps(manifest))

    def play(self, playbook: str) -> None:
        """Run it to its end, which is a good one."""
        command = [
            str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(self.place / "hosts.json"),
            f"playbooks/{playbook}.yml", "-e", f"change={self.place / 'change.yml'}",
        ]
        done = subprocess.run(
            command, cwd=REPO, env={**os.environ, "ANSIBLE_CONFIG": str(REPO / "ansible.cfg")},
            capture_output=True, text=True, check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"^dmgr .* unreachable=0 .* failed=0 .* rescued=0 ", done.stdout, re.M), done.stdout

    def observe(self) -> Deployed:
        """What the cell holds."""
        with closing(self.was.adapter()) as server:
            return server.observe(APP)

    def _write(self, name: str, content: Any) -> None:
        (self.place / name).write_text(json.dumps(content))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def controller(make_was, tmp_path):
    return Controller(make_was("2.7", nodes=TWO_NODES, cluster="cfis"), tmp_path)


def test_a_release_goes_into_the_cell_and_is_taken_back(controller):
    """A14, A15."""
    one, two = (build_zip(controller.place / f"{text}.war", {"index.html": text}) for text in ("one", "two"))
    with closing(controller.was.adapter()) as server:
        server.deploy(APP, str(one))
    controller.deliver(two.read_bytes())
    controller.play("gate")
    controller.play("deploy")
    assert controller.observe() == Deployed(sha256(two), "/cfis", True, "started")
    cell = controller.was.cell
    assert [bool(cell.serves(node, server, APP.name)) for node, server in cell.clusters["cfis"]] == [True, True]
    controller.play("rollback")
    assert controller.observe() == Deployed(sha256(one), "/cfis", True, "started")
    assert [path.read_bytes() for path in (controller.place / "shared").rglob("*.war")] == [one.read_bytes()]
