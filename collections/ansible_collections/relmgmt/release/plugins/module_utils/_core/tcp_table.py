# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's tables of TCP connections, /proc/net/tcp and /proc/net/tcp6."""

from __future__ import annotations

import ipaddress
import sys
from typing import Container, Tuple

_ESTABLISHED = "01"
_WORD = 8  # hexadecimal digits


def connections_to(table: str, ends: Container[Tuple[str, int]]) -> int:
    """How many connections are established with one of the remote ends, (address, port)."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return sum(1 for row in rows if len(row) > 3 and row[3] == _ESTABLISHED and _end(row[2]) in ends)


def _end(text: str) -> Tuple[str, int]:
    address, _colon, port = text.partition(":")
    return _address(address), int(port, 16)


def _address(digits: str) -> str:
    """``0100007F`` is 127.0.0.1: words in the machine's own byte order."""
    words = [bytes.fromhex(digits[start:start + _WORD]) for start in range(0, len(digits), _WORD)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    address = ipaddress.ip_address(packed)
    return str(getattr(address, "ipv4_mapped", None) or address)
