# SPDX-License-Identifier: GPL-3.0-or-later
"""Free ports, chosen once and recorded, so that two clones run side by side."""
from __future__ import annotations

import fcntl
import json
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import SandboxError
from .layout import INTERFACES, Layout, write

# Below the kernel's ephemeral range: no outgoing connection takes one of these while the sandbox is down.
FIRST, LAST = 20000, 32000


def names(layout: Layout) -> list[str]:
    wanted = [f"ssh_{host}" for host in layout.hosts] + [f"http_{host}" for host in layout.applications]
    wanted += ["database", "entry", "testers_entry", "smtp"]
    return wanted + [f"{name.lower()}_{kind}" for name in INTERFACES for kind in ("production", "test")]


def read(layout: Layout) -> dict[str, int]:
    return _recorded(layout.ports_file)


def _recorded(file: Path) -> dict[str, int]:
    if not file.exists():
        return {}
    return {str(name): int(port) for name, port in json.loads(file.read_text(encoding="utf-8")).items()}


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
    if not missing:
        return ports
    with _all_sandboxes(layout.ports_file) as others:
        taken = {port for file in others for port in _recorded(file).values()}
        candidates = random.sample(range(FIRST, LAST), LAST - FIRST)
        for name in missing:
            ports[name] = _next_free(candidates, taken | set(ports.values()))
        write(layout.ports_file, json.dumps(ports, indent=1, sort_keys=True) + "\n")
    return ports


@contextmanager
def _all_sandboxes(own: Path) -> Iterator[list[Path]]:
    """The records of this user's other sandboxes, one chooser at a time: a port is held by nobody until it is used."""
    register = Path(tempfile.gettempdir()) / f"relmgmt-sandboxes-{os.getuid()}"
    with open(register, "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        known = {Path(line) for line in file.read().splitlines()} - {own.resolve()}
        others = sorted(path for path in known if path.exists())
        yield others
        file.truncate(0)
        file.write("".join(f"{path}\n" for path in [*others, own.resolve()]))


def _next_free(candidates: list[int], taken: set[int]) -> int:
    while candidates:
        port = candidates.pop()
        if port not in taken and is_free(port):
            return port
    raise SandboxError(f"no free port between {FIRST} and {LAST}", "end what holds them")
