# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's tables of sockets, /proc/net/tcp, tcp6, udp and udp6."""

from __future__ import annotations

import ipaddress
import sys
from typing import Container, List, NamedTuple, Tuple

ESTABLISHED, FIN_WAIT, CLOSE_WAIT, LISTEN = "01", "04", "08", "0A"
#: the state of a UDP socket that is connected to nobody
UNCONNECTED = "07"
_WORD = 8  # hexadecimal digits


class Row(NamedTuple):
    """One socket; ends are (address, port), ``inode`` is 0 where no process has it any more."""

    local: Tuple[str, int]
    remote: Tuple[str, int]
    state: str
    inode: int


def rows_of(table: str) -> List[Row]:
    """The sockets of a table."""
    cells = [line.split() for line in table.splitlines()[1:]]
    return [Row(_end(row[1]), _end(row[2]), row[3], int(row[9])) for row in cells if len(row) > 9]


def connections_to(table: str, ends: Container[Tuple[str, int]]) -> int:
    """How many connections are established with one of the remote ends, (address, port)."""
    return sum(1 for row in rows_of(table) if row.state == ESTABLISHED and row.remote in ends)


def _end(text: str) -> Tuple[str, int]:
    address, _colon, port = text.partition(":")
    return _address(address), int(port, 16)


def _address(digits: str) -> str:
    """``0100007F`` is 127.0.0.1: words in the machine's own byte order."""
    words = [bytes.fromhex(digits[start:start + _WORD]) for start in range(0, len(digits), _WORD)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    address = ipaddress.ip_address(packed)
    return str(getattr(address, "ipv4_mapped", None) or address)
