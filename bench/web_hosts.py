# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts for the web rows: a sandbox with real Liberty servers, and releases of a WAR and static content."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from relmgmt_sandbox import bundles

from .errors import BenchError
from .suites import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
WAR = EXAMPLES / "bundles" / "CFIS001" / "cfis.war"
#: brings the database that the WAR asks
FIRST = EXAMPLES / "changes" / "CHG0000001.yml"
BIN = Path(sys.executable).parent
PROPERTIES = "WEB-INF/classes/release.properties"
STATUS, STATIC = "/cfis/api/status", "/static/release.txt"


class Release:
    """A release of the web half alone: its name, its files, its ticket; nothing is there before ``make``."""

    def __init__(self, root: Path, name: str, war_bytes: int) -> None:
        self.name = name
        self.root = root
        self.directory = root / "bundles" / name
        self.war_bytes = war_bytes
        self.ticket = root / "changes" / f"CHG-{name}.yml"

    def make(self) -> None:
        """Write, seal and approve it."""
        self.directory.mkdir(parents=True)
        _write_war(self.war, self.name, self.war_bytes)
        with zipfile.ZipFile(self.static, "w") as archive:
            archive.writestr("release.txt", f"{self.name}\n")
            archive.writestr("index.html", f"<!DOCTYPE html><title>{self.name}</title>\n")
        packages: list[dict[str, Any]] = [
            {"type": "war", "file": "cfis.war", "application": "cfis", "context_root": "/cfis"},
            {"type": "static_zip", "file": "cfis-static.zip"},
        ]
        checks: list[dict[str, Any]] = [
            {"name": "the WAR is the release's", "path": STATUS, "at": "servers",
             "jmespath": f"war.release == '{self.name}'"},
            {"name": "the static content is the release's", "path": STATIC, "at": "entry", "expect": [self.name]},
        ]
        bundles.authorised(self.root, self.name, packages, checks)

    @property
    def war(self) -> Path:
        """The web application."""
        return self.directory / "cfis.war"

    @property
    def static(self) -> Path:
        """The static content."""
        return self.directory / "cfis-static.zip"

    @property
    def variables(self) -> dict[str, str]:
        """What a peer's playbook has to know, so that it makes the same files as ours."""
        return {
            "release": self.name, "war": str(self.war), "war_sha256": _digest(self.war),
            "static_zip": str(self.static), "static_sha256": _digest(self.static),
        }


def _digest(path: Path) -> str:
    """Of a file that may not be made yet."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _write_war(target: Path, release: str, size: int) -> None:
    """The example's WAR as another release, with a file that does not compress up to the size."""
    with zipfile.ZipFile(WAR) as given, zipfile.ZipFile(target, "w") as made:
        for name in given.namelist():
            made.writestr(name, f"release={release}\n".encode() if name == PROPERTIES else given.read(name))
        filler = size - target.stat().st_size
        if filler > 0:
            made.writestr("WEB-INF/filler.bin", random.Random(release).randbytes(filler))


class Hosts:
    """A sandbox of its own; with ``at`` as its directory."""

    def __init__(self, at: Path) -> None:
        self.at = at
        self.environment = {
            "RELMGMT_SANDBOX": str(at), "RELMGMT_CACHE": os.environ.get("RELMGMT_CACHE", str(REPOSITORY / ".cache")),
            "PYTHONPATH": str(REPOSITORY / "sandbox"), "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
        }

    def up(self, app_servers: int) -> None:
        """Start everything."""
        self.call(["up", "--app-servers", str(app_servers), "--directory", str(self.at)])

    def down(self) -> None:
        """Stop everything and remove it."""
        self.call(["down", "--directory", str(self.at)])

    def call(self, words: list[str]) -> None:
        """python -m relmgmt_sandbox WORDS"""
        self.run([sys.executable, "-m", "relmgmt_sandbox", *words])

    def play(self, playbook: str, ticket: Path) -> None:
        """Run one of our playbooks to its good end."""
        self.run(self.playbook(playbook, ticket))

    def playbook(self, playbook: str, ticket: Path) -> list[str]:
        """One of our playbooks, as the README gives it."""
        return [str(BIN / "ansible-playbook"), "-i", "inventories/sandbox", f"playbooks/{playbook}.yml",
                "-e", f"change={ticket}"]

    def run(self, command: list[str]) -> str:
        """What a command printed; BenchError unless it ended well."""
        done = subprocess.run(
            command, cwd=REPOSITORY, env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        if done.returncode:
            raise BenchError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
        return done.stdout

    @property
    def inventory(self) -> Mapping[str, Any]:
        """What Ansible is told of this sandbox."""
        return dict(json.loads((self.at / "inventory.json").read_text(encoding="utf-8")))

    @property
    def ports(self) -> Mapping[str, int]:
        """By listener, its port."""
        return dict(json.loads((self.at / "ports.json").read_text(encoding="utf-8")))

    def remove(self) -> None:
        """Also what a start that failed has left."""
        if (self.at / "ports.json").exists():
            self.down()
        shutil.rmtree(self.at, ignore_errors=True)
