# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's hosts for pyinfra: its SSH connector, with the sandbox's own keys; from inventory.json."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(os.environ["RELMGMT_SANDBOX"])
INVENTORY = json.loads((ROOT / "inventory.json").read_text())


def _group(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    common = INVENTORY["all"]["vars"]
    for host in INVENTORY[name]["hosts"]:
        known = {**common, **INVENTORY["_meta"]["hostvars"][host]}
        connection = {
            "ssh_hostname": known["ansible_host"], "ssh_port": known["ansible_port"],
            "ssh_user": known["ansible_user"], "ssh_key": known["ansible_ssh_private_key_file"],
            "ssh_known_hosts_file": str(ROOT / "ssh" / "known_hosts"), "ssh_strict_host_key_checking": "yes",
        }
        yield host, {**connection, **known}


application_servers = list(_group("application_servers"))
web_servers = list(_group("web_servers"))
