# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules test_mode and test_mode_info on a real GT.M, with a real fence in a network namespace."""

from __future__ import annotations

from pathlib import Path

import pytest
from gtm_change import TwoRegions
from namespaces import Network, network
from test_mode_host import MEDS, MEDS_TEST, PRODUCTION, TEST, TestModeHost

__all__ = ["network"]

IN_PRODUCTION, IN_TEST = [PRODUCTION, PRODUCTION, MEDS], [TEST, TEST, MEDS_TEST]


@pytest.fixture
def host(tmp_path: Path, network: Network) -> TestModeHost:
    gtm = TwoRegions(tmp_path / "i")
    gtm.create()
    return TestModeHost(tmp_path, network, gtm)


def test_there_and_back(host: TestModeHost) -> None:
    host.prepare()
    entered = host.enter()
    assert entered["failed"] is False, entered["msg"]
    assert entered["changed"] is True
    assert host.ports() == IN_TEST
    again = host.enter()
    assert (again["failed"], again["changed"]) == (False, False), again
    info = host.info()
    assert (info["verdict"], info["ok"], info["problems"]) == ("test", True, []), info
    host.gtm.m('SET ^CASE("tester")=1')
    host.gtm.settle()
    refused = host.leave()
    assert refused["failed"]
    assert "no restore was made since" in refused["msg"]
    assert host.restore()["changed"] is True
    left = host.leave()
    assert left["failed"] is False, left["msg"]
    assert host.ports() == IN_PRODUCTION
    assert host.info()["verdict"] == "production"
    assert host.leave()["changed"] is False
    assert host.fence("absent")["failed"] is False
    assert not host.fence_stands()
    assert host.info()["ok"] is True
