# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that may leave a daemon behind."""

from __future__ import annotations

import time

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._commands import Ended, run_detached
from ansible_collections.relmgmt.release.plugins.module_utils._errors import RelmgmtError


def soon():
    return time.monotonic() + 30


def test_a_daemon_that_keeps_its_output_open_is_not_waited_for():
    before = time.monotonic()
    ended = run_detached(["/bin/sh", "-c", "sleep 20 & echo started"], soon(), "x")
    assert ended == Ended(0, "started\n")
    assert time.monotonic() - before < 15


def test_nothing_is_asked():
    """T27"""
    assert run_detached(["/bin/sh", "-c", "read answer || exit 3"], soon(), "x").code == 3


def test_one_that_does_not_end_is_ended():
    ended = run_detached(["/bin/sh", "-c", "echo begun; sleep 60"], time.monotonic() + 0.5, "x")
    assert ended == Ended(None, "begun\n")


def test_the_environment_is_the_given_one():
    assert run_detached(["/bin/sh", "-c", "echo $A"], soon(), "x", {"A": "1"}).output == "1\n"


def test_one_that_cannot_be_run_names_the_cure():
    with pytest.raises(RelmgmtError, match="cannot be run") as caught:
        run_detached(["/no/such"], soon(), "correct it")
    assert (caught.value.place, caught.value.cure) == ("/no/such", "correct it")
