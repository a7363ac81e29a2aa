# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe of a device."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import measure


@pytest.mark.parametrize("size", [0, 100, 3 << 20])
def test_the_rate_is_positive_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(measure, "SECONDS", 0.01)
    live = tmp_path / "live"
    live.write_bytes(os.urandom(size))
    content, before = live.read_bytes(), (live.stat().st_mtime_ns, tmp_path.stat().st_mtime_ns)
    assert measure.scattered_rate(str(live)) > 0
    assert (live.stat().st_mtime_ns, tmp_path.stat().st_mtime_ns) == before
    assert live.read_bytes() == content
