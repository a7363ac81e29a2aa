# SPDX-License-Identifier: GPL-3.0-or-later
"""Free ports, chosen once and recorded, so that two clones run side by side."""
from __future__ import annotations

import json
import random
import socket

from .errors import SandboxError
from .layout import INTERFACES, Layout, write

# Below the kernel's ephemeral range: no outgoing connection takes one of these while the sandbox is down.
FIRST, LAST = 20000, 32000


def names(layout: Layout) -> list[str]:
    wanted = [f"ssh_{host}" for host in layout.hosts] + [f"http_{host}" for host in layout.applications]
    wanted += ["database", "entry", "testers_entry", "smtp"]
    return wanted + [f"{name.lower()}_{kind}" for name in INTERFACES for kind in ("production", "test")]


def read(layout: Layout) -> dict[str, int]:
    if not layout.ports_file.exists():
        return {}
    recorded = json.loads(layout.ports_file.read_text(encoding="utf-8"))
    return {str(name): int(port) for name, port in recorded.items()}


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(port: int, address: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((address, port)) == 0


def choose(layout: Layout) -> dict[str, int]:
    ports = read(layout)
    missing = [name for name in names(layout) if name not in ports]
    candidates = random.sample(range(FIRST, LAST), LAST - FIRST)
    for name in missing:
        ports[name] = _next_free(candidates, set(ports.values()))
    if missing:
        write(layout.ports_file, json.dumps(ports, indent=1, sort_keys=True) + "\n")
    return ports


def _next_free(candidates: list[int], taken: set[int]) -> int:
    while candidates:
        port = candidates.pop()
        if port not in taken and is_free(port):
            return port
    raise SandboxError(f"no free port between {FIRST} and {LAST}", "end what holds them")
