# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of the interfaces' hosts, as this host resolves them."""

from __future__ import annotations

import socket
from typing import Any, Dict, Iterable, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.fence import plain_address
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput


def resolve(interfaces: Iterable[Any]) -> Dict[str, Tuple[str, ...]]:
    """Every address of both versions, by host; addresses that the inventory lists win.

    Raises InvalidInput naming a production host that does not resolve. A test host that does not is left out: nothing
    depends on it but the comparison with production.
    """
    found: Dict[str, Tuple[str, ...]] = {}
    for one in interfaces:
        for endpoint in (one.production, one.test):
            try:
                addresses = endpoint.addresses or _addresses(endpoint.host)
            except OSError as error:
                if endpoint is one.test:
                    continue
                raise _unresolved(one.name, endpoint.host, error.strerror or str(error)) from error
            found[endpoint.host] = tuple(sorted({*found.get(endpoint.host, ()), *map(plain_address, addresses)}))
    return found


def _addresses(host: str) -> Tuple[str, ...]:
    try:
        return (plain_address(host),)
    except ValueError:
        return tuple(str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))


def _unresolved(interface: str, host: str, reason: str) -> InvalidInput:
    return InvalidInput(
        "%s does not resolve on this host: %s" % (host, reason), "interface %s.production" % interface,
        "make the name known here, or list its addresses (production.addresses)",
    )
