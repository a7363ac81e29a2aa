# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that this host holds to a server, for proxies that cannot tell requests."""

from __future__ import annotations

import contextlib
import socket

from ansible_collections.relmgmt.release.plugins.module_utils._core.tcp_table import connections_to
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


def open_connections(host: str, port: int) -> int:
    """How many TCP connections of this host are established with a server, whoever has opened them."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise HostStateUnknown(
            "the name %s cannot be resolved: %s" % (host, error.strerror), "%s:%d" % (host, port),
            "make it known on the proxy, or write its address",
        ) from error
    ends = {(str(each[4][0]).partition("%")[0], port) for each in found}
    count = 0
    for table in _TABLES:
        with contextlib.suppress(FileNotFoundError), open(table, encoding="ascii") as stream:  # no IPv6, no tcp6
            count += connections_to(stream.read(), ends)
    return count
