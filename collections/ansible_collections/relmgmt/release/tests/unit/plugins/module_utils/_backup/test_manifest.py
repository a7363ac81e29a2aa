# SPDX-License-Identifier: GPL-3.0-or-later
"""A set is built aside, read back, and published by one rename (invariant 8, T5)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.copying import copy_file
from ansible_collections.relmgmt.release.plugins.module_utils._backup.verify import (
    find_sets,
    read_manifest,
    verify_set,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import (
    DatasetCopy,
    Manifest,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import SHA256, Layout
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, Refused


def build(path: Path, original: Path) -> Manifest:
    with manifest.begin(str(path)) as part:
        file, layout = os.path.join(part, "A.dat"), Layout(8192, SHA256)
        done = copy_file(str(original), file, file + ".digests", layout)
        copy = DatasetCopy("A", "A.dat", "database", str(original), done.size, done.root, 0o640, 0, 0, None, *layout)
        made = Manifest(
            "gtm", "I", "R", "C", 1, "before", "2026-12-05T10:00:00+00:00", "online", "native", None, None, (copy,)
        )
        manifest.publish(part, str(path), made)
    return made


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "live.dat"
    path.write_bytes(b"data" * 5000)
    return path


def test_a_published_set_verifies(tmp_path: Path, original: Path) -> None:
    made = build(tmp_path / "b" / "before", original)
    assert verify_set(str(tmp_path / "b" / "before")) == made
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


def test_a_failure_leaves_no_part(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="No such file"):
        build(tmp_path / "before", tmp_path / "no")
    assert find_sets(str(tmp_path)) == ([], [])


def test_what_lies_deeper_in_a_set_is_durable_before_it_is_published(
    sets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    rename = os.rename
    monkeypatch.setattr(manifest, "fsync_dir", lambda path: done.append(os.path.basename(path)))
    monkeypatch.setattr(
        manifest.os, "rename", lambda old, new: (done.append("rename"), rename(old, new))
    )
    sets.take_before()
    assert done.index("CFIS") < done.index("rename")
    assert done[-1] == os.path.basename(str(sets.root))


def test_one_at_a_time(tmp_path: Path) -> None:
    place = str(tmp_path / "before")
    with manifest.begin(place) as part, pytest.raises(Refused, match="another process"), manifest.begin(place):
        pass
    assert not Path(part).exists() or Path(part).is_dir()
    with manifest.begin(place):
        pass
