# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of endpoints."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import Endpoint, Interface
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._fence.resolve import resolve

KNOWN = {"cats": ["10.0.0.1", "fd00::1", "fe80::1%eth0"], "cats-test": ["10.0.0.2"]}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(host: str, *_args: Any, **_more: Any) -> list[Any]:
        if host not in KNOWN:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(0, 0, 0, "", (address, 0)) for address in KNOWN[host] * 2]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


TEST = Endpoint("cats-test", 2)


def interface(production: Endpoint, test: Endpoint = TEST) -> Interface:
    return Interface("CATS", "outbound", "tcp", production, test, (), None)


def test_every_address_of_both_versions() -> None:
    assert resolve([interface(Endpoint("cats", 1))]) \
        == {"cats": ("10.0.0.1", "fd00::1", "fe80::1"), "cats-test": ("10.0.0.2",)}


def test_addresses_of_the_inventory_win() -> None:
    assert resolve([interface(Endpoint("unknown", 1, ("10.9.9.9",)))])["unknown"] == ("10.9.9.9",)


def test_an_address_is_itself() -> None:
    assert resolve([interface(Endpoint("::FFFF:10.0.0.7", 1))])["::FFFF:10.0.0.7"] == ("10.0.0.7",)


def test_a_production_host_that_does_not_resolve_is_refused() -> None:
    with pytest.raises(InvalidInput, match="unknown does not resolve on this host: Name or service not known") as it:
        resolve([interface(Endpoint("unknown", 1))])
    assert it.value.place == "interface CATS.production"


def test_a_test_host_that_does_not_resolve_is_left_out() -> None:
    assert set(resolve([interface(Endpoint("cats", 1), Endpoint("unknown", 2))])) == {"cats"}
