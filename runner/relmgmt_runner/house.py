# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the playbooks are: the checkout that the command is called in, else the installed collection."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from relmgmt_runner import __version__
from relmgmt_runner.errors import RefusedError

COLLECTION = Path("collections/ansible_collections/relmgmt/release")


class House(NamedTuple):
    """``directory``: where ansible works; ``root``: the checkout, None for the installed collection."""

    directory: Path
    root: Path | None
    config: Path | None

    def playbook(self, name: str) -> str:
        """A playbook as ansible-playbook takes it."""
        in_collection = f"relmgmt.release.{name.replace('-', '_')}"
        return in_collection if self.root is None else str(self.root / "playbooks" / f"{name}.yml")


def find_house(start: Path) -> House:
    """The house that ``start`` lies in; a checkout of another version is refused."""
    chosen = os.environ.get("ANSIBLE_CONFIG")
    for directory in (start, *start.parents):
        if (directory / "playbooks" / "release.yml").is_file() and (directory / COLLECTION).is_dir():
            _check_version(directory / COLLECTION / "galaxy.yml")
            config = directory / "ansible.cfg"
            found = Path(chosen).absolute() if chosen else config if config.is_file() else None
            return House(directory, directory, found)
    return House(start, None, Path(chosen).absolute() if chosen else None)


def _check_version(galaxy: Path) -> None:
    """A command and a checkout of different versions would not understand each other."""
    if not galaxy.is_file():
        return
    match = re.search(r"^version:\s*['\"]?([^\s'\"]+)", galaxy.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None or match[1] != __version__:
        found = match[1] if match else "unknown"
        raise RefusedError(
            f"this command is relmgmt {__version__}, the checkout's collection is {found}",
            str(galaxy), "run the command of the checkout (make setup), or leave the checkout",
        )
