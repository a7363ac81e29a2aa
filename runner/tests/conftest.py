# SPDX-License-Identifier: GPL-3.0-or-later
"""A sealed bundle and a ticket, as the commands meet them."""

from __future__ import annotations

import pytest
from runner_samples import NOW, RELEASE, TICKET

from relmgmt_runner.cli import World, main
from relmgmt_runner.seal import seal
from relmgmt_runner.testing import FakeClock, FakeDisplay, FakePlaybooks


@pytest.fixture
def bundle(tmp_path):
    directory = tmp_path / "CFIS002"
    directory.mkdir()
    (directory / "release.yml").write_text(RELEASE)
    (directory / "cfis.war").write_bytes(b"PK war")
    (directory / "cfis-static.zip").write_bytes(b"PK zip")
    (directory / "NOTES.md").write_text("# Notes\n")
    return directory


@pytest.fixture
def change(tmp_path, bundle):
    seal(bundle)
    path = tmp_path / "CHG0000002.yml"
    path.write_text(TICKET)
    return path


class Relmgmt:
    """Runs the command with fakes; keeps what it said."""

    def __init__(self):
        self.display = FakeDisplay()
        self.playbooks = FakePlaybooks()
        self.clock = FakeClock(NOW)
        self.inventories = None

    def __call__(self, *words):
        world = World(self.display, self.clock, self.playbooks, self.inventories)
        return main([str(word) for word in words], world)

    @property
    def said(self):
        return "\n".join(self.display.lines)


@pytest.fixture
def relmgmt(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANSIBLE_CONFIG", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Relmgmt()
