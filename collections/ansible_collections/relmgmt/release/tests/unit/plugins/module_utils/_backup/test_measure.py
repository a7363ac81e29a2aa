# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe of a device."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import measure


@pytest.mark.parametrize("size", [0, 100, 3 << 20])
def test_rates_are_positive_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(measure, "SECONDS", 0.01)
    live, room = tmp_path / "live", tmp_path / "room"
    room.mkdir()
    live.write_bytes(os.urandom(size))
    content = live.read_bytes()
    rates = measure.rates(str(live), str(room))
    assert all(rate > 0 for rate in rates)
    assert os.listdir(room) == []
    assert live.read_bytes() == content


def test_the_probe_is_removed_if_the_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_ignored: object) -> None:
        raise OSError("no space")

    (tmp_path / "live").write_bytes(bytes(1 << 20))
    monkeypatch.setattr(measure.BlockFile, "write", broken)
    with pytest.raises(OSError, match="no space"):
        measure.rates(str(tmp_path / "live"), str(tmp_path))
    assert os.listdir(tmp_path) == ["live"]
