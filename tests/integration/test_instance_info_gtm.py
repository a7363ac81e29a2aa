# SPDX-License-Identifier: GPL-3.0-or-later
"""instance_info on a real GT.M instance."""

from __future__ import annotations

import pytest
from module_runner import run_module, run_module_raw


@pytest.mark.parametrize("check", [True, False])
def test_a_quiet_instance_is_down_and_named(gtm, check):
    digest = gtm.dataset.read_bytes()
    result = run_module("instance_info", {"instance": gtm.instance}, check=check)
    assert gtm.dataset.read_bytes() == digest, "T43: looking changes nothing"
    (dataset,) = result["datasets"]
    assert (result["engine"], result["name"], result["state"], result["changed"]) == ("gtm", "CFIS", "down", False)
    assert result["version"].startswith("GT.M V")
    assert result["namespaces"] == [str(gtm.base / "cfis.gld")]
    assert (dataset["name"], dataset["path"], dataset["frozen"]) == ("DEFAULT", str(gtm.dataset), False)
    assert dataset["size"] == gtm.dataset.stat().st_size
    assert dataset["journal"] == str(gtm.base / "cfis.mjl")
    assert result["attached"] == {"processes": 0, "pids": []}


def test_an_instance_in_use_is_running_and_its_users_are_named(gtm):
    user = gtm.hold_open()
    result = run_module("instance_info", {"instance": gtm.instance})
    assert result["state"] == "running"
    assert result["attached"] == {"processes": 1, "pids": [user.pid]}


@pytest.mark.parametrize("used", [True, False])
def test_a_frozen_instance_is_said_to_be_frozen(gtm, used):
    if used:
        gtm.hold_open()
    gtm.engine.require(gtm.engine.mupip("freeze", "-on", "DEFAULT"), "freeze")
    try:
        result = run_module("instance_info", {"instance": gtm.instance})
    finally:
        gtm.engine.require(gtm.engine.mupip("freeze", "-off", "DEFAULT"), "thaw")
    assert (result["state"], result["datasets"][0]["frozen"]) == ("frozen", True)


def test_journaling_off_is_an_empty_journal(make_gtm):
    gtm = make_gtm("PLAIN", journal=False)
    assert run_module("instance_info", {"instance": gtm.instance})["datasets"][0]["journal"] == ""


def test_a_missing_dataset_is_unknown_never_down(gtm):
    gtm.dataset.unlink()
    error = run_module_raw("instance_info", {"instance": gtm.instance})["error"]
    assert error["kind"] == "HostStateUnknown"
    assert str(gtm.dataset) in error["message"]


@pytest.mark.parametrize("option, value, kind", [
    ("dist", "/nowhere", "EngineError"),
    ("global_directory", "/nowhere/x.gld", "HostStateUnknown"),
    ("source_directory", "relative", "InvalidInput"),
])
def test_a_wrong_option_is_told_with_its_cure(gtm, option, value, kind):
    instance = {**gtm.instance, "gtm": {**gtm.instance["gtm"], option: value}}
    error = run_module_raw("instance_info", {"instance": instance})["error"]
    assert error["kind"] == kind
    assert error["place"]
    assert error["cure"]


def test_the_private_environment_cannot_be_replaced(gtm):
    instance = {**gtm.instance, "gtm": {**gtm.instance["gtm"], "environment": {"gtm_etrap": "BREAK"}}}
    error = run_module_raw("instance_info", {"instance": instance})["error"]
    assert (error["kind"], "gtm_etrap" in error["message"]) == ("InvalidInput", True)
