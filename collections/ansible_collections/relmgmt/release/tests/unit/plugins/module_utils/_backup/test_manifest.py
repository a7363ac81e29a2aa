# SPDX-License-Identifier: GPL-3.0-or-later
"""A set is built aside, read back, and published by one rename (invariant 8, T5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.verify import (
    find_sets,
    read_manifest,
    verify_set,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import Manifest
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, Refused


def build(path: Path, original: Path) -> Manifest:
    with manifest.begin(str(path)) as part:
        (Path(part) / "A.dat").write_bytes(b"data" * 5000)
        datasets = manifest.hash_part(part, [manifest.Copied("A", "A.dat", "database", str(original))])
        made = Manifest("gtm", "I", "R", "C", 1, "before", "2026-12-05T10:00:00+00:00", "online", datasets)
        manifest.publish(part, str(path), made)
    return made


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "live.dat"
    path.write_bytes(b"data" * 5000)
    path.chmod(0o640)
    return path


def test_a_published_set_verifies(tmp_path: Path, original: Path) -> None:
    made = build(tmp_path / "b" / "before", original)
    assert verify_set(str(tmp_path / "b" / "before")) == made
    assert made.datasets[0].mode == 0o640
    assert find_sets(str(tmp_path)) == ([str(tmp_path / "b" / "before")], [])


def test_t5_an_old_part_is_thrown_away(tmp_path: Path, original: Path) -> None:
    left = tmp_path / "before.part"
    left.mkdir()
    (left / "manifest.json").write_text("{}")
    assert find_sets(str(tmp_path)) == ([], [str(left)])
    with pytest.raises(DatasetError, match="unfinished"):
        read_manifest(str(left))
    build(tmp_path / "before", original)
    assert not left.exists()


def test_a_failure_leaves_no_part(tmp_path: Path, original: Path) -> None:
    copied = [manifest.Copied("A", "A.dat", "database", str(original))]
    with pytest.raises(DatasetError, match="made no copy of A"), manifest.begin(str(tmp_path / "before")) as part:
        manifest.hash_part(part, copied)
    assert find_sets(str(tmp_path)) == ([], [])


def test_one_at_a_time(tmp_path: Path) -> None:
    place = str(tmp_path / "before")
    with manifest.begin(place) as part, pytest.raises(Refused, match="another process"), manifest.begin(place):
        pass
    assert not Path(part).exists() or Path(part).is_dir()
    with manifest.begin(place):
        pass
