# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's memory of notices."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module.notice import work
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host


@pytest.fixture
def ledger(tmp_path):
    path = str(tmp_path / "ledger.db")
    book = Ledger(path)
    book.set_host(environment="sandbox", protected=True, sandbox=True)
    book.close()
    return path


def ask(ledger, mark, check=False, change="CHG1", marker="done"):
    params = {"ledger": ledger, "change": change, "marker": marker, "mark": mark, "phase": "record"}
    return work(Host(SimpleNamespace(params=params, check_mode=check, tmpdir="/tmp", _diff=False)))


def test_a_recorded_notice_is_found_again(ledger):
    assert ask(ledger, "look").record == {"recorded": False}
    assert ask(ledger, "record").changed
    assert ask(ledger, "look").record == {"recorded": True}
    assert not ask(ledger, "record").changed


def test_another_marker_and_another_change_are_others(ledger):
    ask(ledger, "record")
    assert not ask(ledger, "look", marker="restored").record["recorded"]
    assert not ask(ledger, "look", change="CHG2").record["recorded"]


def test_check_mode_records_nothing(ledger):
    assert ask(ledger, "record", check=True).changed
    assert not ask(ledger, "look").record["recorded"]


def test_a_host_without_a_ledger_cannot_remember(tmp_path):
    path = tmp_path / "none" / "ledger.db"
    assert not ask(str(path), "look").record["recorded"]
    with pytest.raises(HostStateUnknown, match="no ledger"):
        ask(str(path), "record")
    assert not path.parent.exists()


def test_a_notice_belongs_to_a_change(ledger):
    with pytest.raises(InvalidInput):
        ask(ledger, "look", change="")
