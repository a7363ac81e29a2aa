# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories through the command ansible-inventory, which answers with JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from relmgmt_runner.errors import UsageError
from relmgmt_runner.house import House


class CommandInventories:
    """``ports.Inventories`` on ansible-inventory."""

    def __init__(self, house: House) -> None:
        self._house = house

    def values(self, inventories: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        commands = str(Path(sys.executable).parent)
        added = {"PATH": commands + os.pathsep + os.environ.get("PATH", os.defpath)}
        if self._house.config is not None:
            added["ANSIBLE_CONFIG"] = str(self._house.config)
        named = [word for inventory in inventories for word in ("-i", inventory)]
        done = subprocess.run(
            ["ansible-inventory", "--list", *named], env={**os.environ, **added}, cwd=self._house.directory,
            capture_output=True, text=True, timeout=120, check=False,
        )
        if done.returncode:
            raise UsageError(f"the inventory cannot be read: {done.stderr.strip()[-1000:]}", " ".join(inventories))
        found: dict[str, dict[str, Any]] = json.loads(done.stdout)["_meta"]["hostvars"]
        return found
