# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines of the scenario over SSH, and what a bundle says they must hold."""

from __future__ import annotations

import functools
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import testinfra
import yaml

CLONE = Path(__file__).resolve().parents[2]
SSH_CONFIG = CLONE / ".cache" / "molecule" / "ssh_config"


class Machines:
    """Observes with the means of the operating system, and imports nothing of the product."""

    databases = ("db1",)
    applications = ("app1", "app2")
    changed_by_releases = ("db1", "app1", "app2", "web1")
    entry = "http://10.89.77.14"

    @functools.cache  # noqa: B019  lives as long as the test run
    def __call__(self, name: str) -> Any:
        return testinfra.get_host(f"ssh://{name}", ssh_config=str(SSH_CONFIG))

    def page(self, name: str, url: str) -> str:
        """What a machine sees at a URL."""
        fetch = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=20).read().decode())"
        return str(self(name).check_output("python3 -c %s %s", fetch, url))

    def status(self, name: str, url: str) -> dict[str, Any]:
        """What the application itself says of its release."""
        return dict(json.loads(self.page(name, url + "/cfis/api/status")))

    def ledger(self, name: str, query: str) -> list[list[Any]]:
        """Rows of a machine's ledger."""
        read = ("import json, sqlite3, sys; "
                "db = sqlite3.connect('file:/var/lib/relmgmt/ledger.db?mode=ro', uri=True); "
                "print(json.dumps(db.execute(sys.argv[1]).fetchall()))")
        return list(json.loads(self(name).check_output("python3 -c %s %s", read, query)))

    def digests(self, name: str, directory: str) -> dict[str, str]:
        """Digest by path of every file below a directory, links followed."""
        said = self(name).check_output("cd %s && find -L . -type f -exec sha256sum {} +", directory)
        pairs = (line.split(maxsplit=1) for line in said.splitlines())
        return {path.removeprefix("./"): digest for digest, path in pairs}


class Bundle:
    """A release bundle of examples/bundles."""

    def __init__(self, name: str) -> None:
        self.directory = CLONE / "examples" / "bundles" / name
        document = yaml.safe_load((self.directory / "release.yml").read_text(encoding="utf-8"))
        self.sha256 = {package["type"]: package["sha256"] for package in document["packages"]}

    @property
    def static(self) -> dict[str, str]:
        """Digest by path of the static content."""
        with zipfile.ZipFile(self.directory / "cfis-static.zip") as archive:
            return {name: hashlib.sha256(archive.read(name)).hexdigest()
                    for name in archive.namelist() if not name.endswith("/")}


@pytest.fixture(scope="session")
def machines() -> Machines:
    return Machines()


@pytest.fixture(scope="session")
def current() -> Bundle:
    return Bundle("CFIS001")


@pytest.fixture(scope="session")
def following() -> Bundle:
    return Bundle("CFIS002")
