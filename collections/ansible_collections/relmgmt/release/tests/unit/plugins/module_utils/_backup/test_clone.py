# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of clones: fresh, alone, gone unless kept (T5); cloning itself is tested on real file systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import clone
from ansible_collections.relmgmt.release.plugins.module_utils._errors import Refused


@pytest.fixture
def datasets(tmp_path: Path) -> list[str]:
    found = [tmp_path / "a" / "A.dat", tmp_path / "a" / "B.dat", tmp_path / "c" / "C.dat"]
    for one in found:
        one.parent.mkdir(exist_ok=True)
        one.write_bytes(b"x")
    return [str(one) for one in found]


def below(datasets: list[str]) -> list[str]:
    return sorted(one.name for one in (Path(datasets[0]).parent / clone.FOLDER).iterdir())


def test_one_folder_a_directory_and_gone_afterwards(datasets: list[str]) -> None:
    with clone.clone_folders(datasets, "l", keep=False) as folders:
        assert len(set(folders.values())) == 2
        assert all(Path(folder).parent.parent == Path(one).parent for one, folder in folders.items())
        assert all(not list(Path(folder).iterdir()) for folder in folders.values())
    assert below(datasets) == []


def test_clones_belong_to_whom_the_datasets_belong(datasets: list[str]) -> None:
    Path(datasets[0]).parent.chmod(0o750)
    with clone.clone_folders(datasets, "l", keep=False) as folders:
        assert Path(folders[datasets[0]]).stat().st_mode & 0o7777 == 0o750
        assert Path(folders[datasets[0]]).parent.stat().st_mode & 0o7777 == 0o750


def test_kept_ones_stay_until_the_same_set_is_taken_again(datasets: list[str]) -> None:
    with clone.clone_folders(datasets, "kept", keep=True) as folders:
        Path(folders[datasets[0]], "A.dat").write_bytes(b"y")
    with clone.clone_folders(datasets, "other", keep=False):
        assert below(datasets) == ["kept", "other"]
    with clone.clone_folders(datasets, "kept", keep=False) as folders:
        assert list(Path(folders[datasets[0]]).iterdir()) == []
    assert below(datasets) == []


def test_a_failure_keeps_nothing(datasets: list[str]) -> None:
    with pytest.raises(KeyError), clone.clone_folders(datasets, "l", keep=True):
        raise KeyError
    assert below(datasets) == []


def test_t5_litter_of_a_crash_is_removed(datasets: list[str]) -> None:
    litter = Path(datasets[0]).parent / clone.FOLDER / "crashed"
    litter.mkdir(parents=True)
    (litter / "A.dat").write_bytes(b"x" * 100)
    with clone.clone_folders(datasets, "l", keep=False):
        assert below(datasets) == ["l"]


def test_two_at_once_one_is_refused(datasets: list[str]) -> None:
    with clone.clone_folders(datasets, "l", keep=False), \
            pytest.raises(Refused, match="another process clones datasets"), \
            clone.clone_folders(datasets[2:], "m", keep=False):
        pass


def test_a_probe_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "A.dat"
    file.write_bytes(b"x" * 100)
    clone.can_clone(str(file), str(tmp_path))
    assert not clone.can_clone(str(tmp_path / "missing"), str(tmp_path))
    assert not clone.can_clone("/proc/version", str(tmp_path))
    assert list(tmp_path.iterdir()) == [file]
