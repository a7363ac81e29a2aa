# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of a host."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._ledger_view import LedgerView

ACT: dict[str, Any] = {
    "change": "CHG1", "attempt": 1, "release": "CFIS002", "phase": "install", "module": "m",
    "target": "t", "intent": {"a": 1}, "undo": {"kind": "war"},
}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(str(tmp_path / "state" / "ledger.db"))


def test_reading_creates_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state" / "ledger.db"
    ledger = Ledger(str(path), readonly=True)
    assert ledger.host() == {}
    assert ledger.receipts() == []
    assert not path.parent.exists()


def test_a_refused_change_creates_nothing(ledger: Ledger) -> None:
    assert ledger.lease() is None
    assert not Path(ledger.path).exists()


def test_reading_leaves_the_file_as_it_is(ledger: Ledger) -> None:
    ledger.set_host(environment="sandbox")
    before = Path(ledger.path).read_bytes()
    reader = Ledger(ledger.path, readonly=True)
    assert reader.host() == {"environment": "sandbox"}
    assert reader.audit_break() is None
    reader.close()
    assert Path(ledger.path).read_bytes() == before
    assert [entry.name for entry in Path(ledger.path).parent.iterdir()] == ["ledger.db"]


def test_an_intent_without_an_outcome_is_found(ledger: Ledger) -> None:
    """Invariant 10"""
    ledger.begin_act(**ACT)
    act = Ledger(ledger.path, readonly=True).acts("CHG1")[0]
    assert act["outcome"] is None
    assert act["undo"] == {"kind": "war"}


def test_undoing_an_act_brings_back_what_was_current(ledger: Ledger) -> None:
    """Invariant 9"""
    first = ledger.begin_act(**ACT)
    with ledger.within(first):
        ledger.set_current("war:cfis", "CFIS001", "d1", {"path": "/x"})
    second = ledger.begin_act(**{**ACT, "change": "CHG2"})
    with ledger.within(second):
        ledger.set_current("war:cfis", "CFIS002", "d2")
        ledger.set_current("war:cfis", "CFIS002", "d3")
    ledger.undo_act(second, {})
    current = ledger.current("war:cfis")
    assert current is not None
    assert (current["release"], current["digest"], current["detail"]) == ("CFIS001", "d1", {"path": "/x"})
    ledger.undo_act(first, {})
    assert ledger.current("war:cfis") is None


def test_current_outside_an_act_is_a_mistake(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError):
        ledger.set_current("war:cfis", "CFIS001", "d1")


def test_every_write_is_in_the_audit_log(ledger: Ledger) -> None:
    ledger.set_host(environment="sandbox")
    ledger.take_lease("CHG1", {"pid": 1}, 1)
    number = ledger.begin_act(**ACT)
    ledger.finish_act(number, "done", {})
    ledger.free_lease("CHG1")
    assert ledger.audit_head()["number"] == 5
    assert ledger.audit_break() is None


def test_an_edit_of_the_audit_log_is_found(ledger: Ledger) -> None:
    """Invariant 16"""
    for number in range(1, 4):
        ledger.take_lease("CHG1", {"pid": number}, number)
    base = sqlite3.connect(ledger.path)
    base.execute("UPDATE audit SET entry = replace(entry, 'CHG1', 'CHG9') WHERE number = 2")
    base.commit()
    base.close()
    assert Ledger(ledger.path, readonly=True).audit_break() == 2


def test_a_failed_write_leaves_neither_row_nor_line(ledger: Ledger) -> None:
    ledger.add_receipt(**RECEIPT)
    with pytest.raises(sqlite3.IntegrityError):
        ledger.add_receipt(**RECEIPT)
    assert ledger.audit_head()["number"] == 1
    assert len(ledger.receipts()) == 1


RECEIPT: dict[str, Any] = {
    "change": "CHG1", "attempt": 1, "release": "CFIS002", "bundle_digest": "b", "plan_digest": "p",
    "environment": "sandbox", "packages": ["x"], "report": [], "clock": "real", "expires": 9.0,
}


def test_a_mode_is_kept_changed_and_taken_away(ledger: Ledger) -> None:
    assert ledger.mode("test_mode") is None
    ledger.set_mode("test_mode", {"state": "on"})
    ledger.set_mode("fence", {"table": "t"})
    assert Ledger(ledger.path, readonly=True).mode("test_mode") == {"state": "on"}
    ledger.set_mode("test_mode", None)
    assert (ledger.mode("test_mode"), ledger.mode("fence")) == (None, {"table": "t"})
    assert ledger.audit_head()["number"] == 3
    assert ledger.audit_break() is None


def test_a_ledger_of_before_there_were_modes_reads_and_takes_them(ledger: Ledger) -> None:
    ledger.set_host(environment="sandbox")
    ledger.close()
    old = sqlite3.connect(ledger.path)
    old.execute("DROP TABLE mode")
    old.commit()
    old.close()
    before = Path(ledger.path).read_bytes()
    reader = Ledger(ledger.path, readonly=True)
    assert reader.mode("test_mode") is None
    reader.close()
    assert Path(ledger.path).read_bytes() == before
    again = Ledger(ledger.path)
    again.set_mode("test_mode", {"state": "on"})
    assert again.mode("test_mode") == {"state": "on"}


def test_a_write_that_was_cut_off_is_taken_back_by_whoever_looks(ledger: Ledger) -> None:
    ledger.set_mode("test_mode", {"state": "on"})
    ledger.close()
    half = (
        "import os, sqlite3, sys; base = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "base.execute('PRAGMA cache_size=2'); base.execute('BEGIN IMMEDIATE'); "
        "[base.execute('INSERT INTO mode VALUES (?, ?)', (str(n), 'x' * 100000)) for n in range(20)]; "
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", half, ledger.path], check=False)
    assert Path(ledger.path + "-journal").stat().st_size > 0
    view = LedgerView(ledger.path)
    assert view.mode("test_mode") == {"state": "on"}
    view.close()


def test_an_entry_that_cannot_be_written_names_place_and_cure(ledger: Ledger) -> None:
    ledger.set_mode("test_mode", {"state": "on"})
    ledger._base.execute("PRAGMA max_page_count=1")
    with pytest.raises(HostStateUnknown, match="the ledger takes no entry: database or disk is full") as caught:
        ledger.set_mode("test_mode", {"state": "off", "previous": "x" * 100000})
    assert "free disk space" in caught.value.cure
    assert ledger.mode("test_mode") == {"state": "on"}
