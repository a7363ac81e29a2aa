# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets of this host, from the kernel's tables: who is connected to production, who listens.

The tables are those of the network namespace of this process, which is the one that the fence stands in.
"""

from __future__ import annotations

import contextlib
import os
from typing import Collection, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.fence import OUTBOUND, Rule
from ansible_collections.relmgmt.release.plugins.module_utils._core.tcp_table import (
    CLOSE_WAIT,
    ESTABLISHED,
    FIN_WAIT,
    LISTEN,
    UNCONNECTED,
    Row,
    rows_of,
)

#: states in which a socket still has somebody to send to
_SENDING = (ESTABLISHED, FIN_WAIT, CLOSE_WAIT)
_NOBODY = 0


class Process(NamedTuple):
    """A process; pid 0 and no name where none has the socket, or it may not be looked at."""

    pid: int
    name: str


class Connection(NamedTuple):
    """A connection with a production endpoint; ends are ``address:port``."""

    interface: str
    local: str
    remote: str
    pid: int
    process: str


def established(rules: Sequence[Rule], proc: str = "/proc") -> List[Connection]:
    """Connections with a production endpoint over which something could be sent, once for every process.

    UDP sockets count that are connected to one. Without root, processes of other users have no name here.
    """
    found = [(rule, row) for protocol in ("tcp", "udp") for row in _rows(proc, protocol) if row.state in _SENDING
             for rule in rules if rule.protocol == protocol and _is_of(rule, row)]
    processes = _processes({row.inode for _rule, row in found}, proc)
    return sorted({
        Connection(rule.interface, _shown(row.local), _shown(row.remote), process.pid, process.name)
        for rule, row in found for process in processes[row.inode]
    })


def listeners(ports: Collection[int], proc: str = "/proc", protocol: str = "tcp") -> Dict[int, List[Process]]:
    """Who listens on these ports at any address, by port; a port where nobody does is not there."""
    waiting = LISTEN if protocol == "tcp" else UNCONNECTED
    rows = [row for row in _rows(proc, protocol) if row.state == waiting and row.local[1] in ports]
    processes = _processes({row.inode for row in rows}, proc)
    found: Dict[int, List[Process]] = {}
    for row in rows:
        known = found.setdefault(row.local[1], [])
        known += [process for process in processes[row.inode] if process not in known]
    return {port: sorted(found[port]) for port in sorted(found)}


def _is_of(rule: Rule, row: Row) -> bool:
    address, port = row.remote if rule.direction == OUTBOUND else row.local
    return port == rule.port and rule.address in ("", address)


def _rows(proc: str, protocol: str) -> Iterator[Row]:
    for table in (protocol, protocol + "6"):
        # No IPv6 in the kernel, no table of it.
        with contextlib.suppress(FileNotFoundError), \
                open(os.path.join(proc, "self", "net", table), encoding="ascii") as stream:
            yield from rows_of(stream.read())


def _processes(inodes: Collection[int], proc: str) -> Dict[int, List[Process]]:
    """Who has these sockets open; nobody is a process of pid 0."""
    found: Dict[int, List[Process]] = {inode: [] for inode in inodes}
    wanted = {"socket:[%d]" % inode: inode for inode in inodes if inode}
    if wanted:
        for pid in sorted(int(name) for name in os.listdir(proc) if name.isdigit()):
            for inode in {wanted[link] for link in _links(proc, pid) if link in wanted}:
                found[inode].append(Process(pid, _name(proc, pid)))
    return {inode: having or [Process(_NOBODY, "")] for inode, having in found.items()}


def _links(proc: str, pid: int) -> Iterator[str]:
    directory = os.path.join(proc, str(pid), "fd")
    try:
        names = os.listdir(directory)
    except OSError:  # another user's, or it has ended
        return
    for name in names:
        with contextlib.suppress(OSError):
            yield os.readlink(os.path.join(directory, name))


def _name(proc: str, pid: int) -> str:
    with contextlib.suppress(OSError), open(os.path.join(proc, str(pid), "comm"), encoding="utf-8",
                                            errors="replace") as stream:
        return stream.read().strip()
    return ""


def _shown(end: Tuple[str, int]) -> str:
    address, port = end
    return "%s:%d" % ("[%s]" % address if ":" in address else address, port)
