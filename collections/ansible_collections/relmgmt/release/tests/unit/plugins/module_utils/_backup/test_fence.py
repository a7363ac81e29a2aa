# SPDX-License-Identifier: GPL-3.0-or-later
"""An instance that is being restored cannot be opened (invariant 8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import fence
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError


def test_the_directory_goes_away_and_comes_back(tmp_path: Path) -> None:
    directory = tmp_path / "app.gld"
    directory.write_text("map")
    fence.refuse_half_restored(str(directory))
    fence.raise_fence(str(directory), "/b/before", ["A"], "")
    assert not directory.exists()
    assert Path(fence.usable_directory(str(directory))).read_text() == "map"
    with pytest.raises(DatasetError, match="/b/before"):
        fence.refuse_half_restored(str(directory))
    fence.lower_fence(str(directory))
    assert [one.name for one in tmp_path.iterdir()] == ["app.gld"]
    assert fence.usable_directory(str(directory)) == str(directory)
    fence.refuse_half_restored(str(directory))


def test_what_an_earlier_run_left_is_not_forgotten(tmp_path: Path) -> None:
    directory = tmp_path / "app.gld"
    directory.write_text("map")
    fence.raise_fence(str(directory), "/b/before", ["B"], "maria.lopez")
    fence.raise_fence(str(directory), "/b/before", ["A"], "maria.lopez")
    marker = fence.read_marker(str(directory))
    assert marker == {"path": "/b/before", "names": ["A", "B"], "confirmed_by": "maria.lopez"}
