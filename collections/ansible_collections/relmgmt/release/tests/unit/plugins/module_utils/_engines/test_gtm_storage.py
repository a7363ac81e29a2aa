# SPDX-License-Identifier: GPL-3.0-or-later
"""What mupip says of its copies, and the thaw that needs no module (invariant 4)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import Answer, GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_storage import (
    THAW,
    GtmStorage,
    _transaction_said,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError

SAID = """\
%GTM-I-BACKUPDBFILE, DB file /i/aux.dat backed up in file /b/AUX.dat
%GTM-I-BACKUPTN, Transactions from 0x0000000000000001 to 0x00000000000000C9 are backed up
%GTM-I-BACKUPDBFILE, DB file /i/cfis.dat backed up in file /b/DEFAULT.dat
%GTM-I-BACKUPTN, Transactions from 0x0000000000000001 to 0x0000000000004EF4 are backed up
%GTM-I-BACKUPSUCCESS, Backup completed successfully
"""


@pytest.mark.parametrize("file,transaction", [("/b/AUX.dat", 0xC9), ("/b/DEFAULT.dat", 0x4EF4), ("/b/X.dat", -1)])
def test_each_copy_has_its_own_transaction(file: str, transaction: int) -> None:
    assert _transaction_said(Answer(0, "", SAID, 1, ("mupip",)), file) == transaction


@pytest.mark.parametrize("all_of_them,one,asked,status", [
    (0, 0, ["*"], 0), (120, 0, ["*"], 0), (130, 0, ["*", "A", "B"], 0), (130, 120, ["*", "A", "B"], 0),
    (130, 130, ["*", "A", "B"], 1),
])
def test_a_region_that_is_gone_does_not_keep_the_others_frozen(
    tmp_path: Path, all_of_them: int, one: int, asked: list[str], status: int
) -> None:
    mupip = tmp_path / "mupip"
    mupip.write_text(f'#!/bin/sh\necho "$3" >> {tmp_path}/asked\n'
                     f'[ "$3" = "*" ] && exit {all_of_them}\n[ "$3" = A ] && exit {one}\nexit 0\n')
    mupip.chmod(0o755)
    done = subprocess.run(["/bin/sh", "-c", THAW, str(mupip), "A", "B"], check=False)
    assert (done.returncode, (tmp_path / "asked").read_text().split()) == (status, asked)


@pytest.mark.parametrize("headers,status,held", [
    ([["A", "B"], []], 0, True), ([["A"], []], 0, False), ([["A", "B"], []], 120, False),
])
def test_a_freeze_that_was_released_before_is_seen(
    monkeypatch: pytest.MonkeyPatch, headers: list[list[str]], status: int, held: bool
) -> None:
    storage = storage_of(monkeypatch, headers, status)
    assert storage.thaw() is held


def test_what_stays_frozen_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = storage_of(monkeypatch, [["A", "B"], ["B"]], 0)
    with pytest.raises(EngineError, match="B stays frozen"):
        storage.thaw()


def storage_of(monkeypatch: pytest.MonkeyPatch, headers: list[list[str]], status: int) -> GtmStorage:
    """A storage of regions A and B whose headers say one after the other what is frozen."""
    places = dict.fromkeys(("dist", "global_directory", "source_directory", "object_directory"), "/i")
    storage = GtmStorage.of({"name": "CFIS", "gtm": places})
    answers = iter(headers)
    monkeypatch.setattr(storage, "paths", lambda: {"A": "/i/a.dat", "B": "/i/b.dat"})
    monkeypatch.setattr(storage, "_frozen", lambda: next(answers))
    monkeypatch.setattr(GtmInstance, "mupip", lambda *args, **more: Answer(status, "", "", 1, ("mupip",)))
    return storage
