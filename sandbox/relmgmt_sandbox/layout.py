# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything of one sandbox lies."""
from __future__ import annotations

import fcntl
import getpass
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
INTERFACES = ("CATS", "MEDS", "FI")
DATABASE, WEB, DROP = "db1", "web1", "drop1"
SERVER = "cfis"
# The mark in the environment of every process we start, and of every SSH session: what bears it is ours to end.
MARK = "RELMGMT_SANDBOX_MARK"


@dataclass(frozen=True)
class Layout:
    root: Path
    app_servers: int
    addresses: Mapping[str, str] = field(default_factory=dict)

    @property
    def applications(self) -> list[str]:
        return [f"app{number}" for number in range(1, self.app_servers + 1)]

    @property
    def hosts(self) -> list[str]:
        return [DATABASE, *self.applications, WEB, DROP]

    @property
    def cache(self) -> Path:
        return Path(os.environ.get("RELMGMT_CACHE") or self.root / "cache").absolute()

    @property
    def debian(self) -> Path:
        return self.root / "debian"

    @property
    def ssh(self) -> Path:
        return self.root / "ssh"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def mail(self) -> Path:
        return self.root / "mail"

    @property
    def interfaces(self) -> Path:
        return self.root / "interfaces"

    @property
    def shared(self) -> Path:
        return self.root / "shared"

    @property
    def instance(self) -> Path:
        return self.host(DATABASE) / "cfis"

    @property
    def static(self) -> Path:
        return self.host(WEB) / "static"

    @property
    def drop(self) -> Path:
        return self.host(DROP) / "drop"

    @property
    def ports_file(self) -> Path:
        return self.root / "ports.json"

    @property
    def inventory_file(self) -> Path:
        return self.root / "inventory.json"

    def host(self, name: str) -> Path:
        return self.root / "hosts" / name

    def address(self, name: str) -> str:
        """Where a host listens: the loopback interface, unless the hosts are machines of their own (molecule)."""
        return self.addresses.get(name, "127.0.0.1")

    def user_dir(self, application_server: str) -> Path:
        return self.host(application_server) / "wlp-usr"

    def environment(self, **extra: str) -> dict[str, str]:
        """A small environment: what happens to be set in the caller's shell must not reach the servers."""
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TZ") if key in os.environ}
        return {**kept, "USER": getpass.getuser(), MARK: str(self.root), **extra}


def default_root() -> Path:
    return Path(os.environ.get("RELMGMT_SANDBOX") or CLONE / ".sandbox").absolute()


def interpreter() -> str:
    return sys.executable or "/usr/bin/python3"


def write(path: Path, text: str, mode: int = 0o644) -> Path:
    """Write a generated file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".new")
    aside.write_text(text, encoding="utf-8")
    aside.chmod(mode)
    aside.replace(path)
    return path


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """One at a time in a directory that several sandboxes share."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
