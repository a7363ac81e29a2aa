# SPDX-License-Identifier: GPL-3.0-or-later
"""The program in a set, run as a DBA runs it: by hand, with nothing of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup.assemble_script import NAME, check_script
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

DATA = "CFIS/DEFAULT.dat"


def assemble(sets: Any, target: Path, name: str = DATA) -> subprocess.CompletedProcess[str]:
    program = os.path.join(sets.installed, NAME)
    return subprocess.run(
        [sys.executable, "-I", "-S", program, name, str(target)], check=False, capture_output=True, text=True, cwd="/"
    )


@pytest.fixture
def second(sets: Any) -> Any:
    """Both points; the second one grew, and changed between its passes."""
    before = sets.take_before()
    sets.dirty([0, 1, 200])
    sets.resize(5 << 20)
    sets.take_installed(before, lambda: sets.dirty([3, 515]))
    return sets


@pytest.mark.parametrize("name", [DATA, "DEFAULT"])
def test_it_makes_the_plain_file(second: Any, tmp_path: Path, name: str) -> None:
    done = assemble(second, tmp_path / "out.dat", name)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.dat").read_bytes() == second.content
    assert os.stat(tmp_path / "out.dat").st_mode & 0o7777 == 0o640
    assert done.stdout == f"{tmp_path / 'out.dat'}: {5 << 20} bytes, every block is what its digest says\n"


@pytest.mark.parametrize("algorithm, block_size, size", [("blake2b/128", 65536, 10), ("blake2b/128", 4096, 0)])
def test_it_knows_every_layout(
    new_sets: Callable[..., AbstractContextManager[Any]], tmp_path: Path, algorithm: str, block_size: int, size: int
) -> None:
    with new_sets(300_001, algorithm=algorithm, block_size=block_size) as sets:
        before = sets.take_before()
        sets.resize(size)
        sets.take_installed(before)
        assert assemble(sets, tmp_path / "out").returncode == 0
        assert (tmp_path / "out").read_bytes() == sets.content


@pytest.mark.parametrize("file, at, said", [
    ("installed/" + DATA + ".blocks", 9000, "block 1 (from byte 8192) is not what its digest says"),
    ("installed/" + DATA + ".digests", 9, "the digests are not those of the manifest"),
    ("installed/" + DATA + ".index", 7, "is not in the dataset"),
    ("installed/manifest.json", 40, "manifest"),
    ("before/" + DATA, 8192 * 100, "block 100 "),
    ("before/manifest.json", 40, "manifest"),
])
def test_a_flipped_bit_leaves_no_file(second: Any, tmp_path: Path, file: str, at: int, said: str) -> None:
    path = second.root / file
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))
    target = tmp_path / "t"
    target.mkdir()
    done = assemble(second, target / "out")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(target) == []


def test_it_never_replaces_a_file(second: Any, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"live")
    done = assemble(second, tmp_path / "out")
    assert done.returncode == 1
    assert "move it away first" in done.stderr
    assert (tmp_path / "out").read_bytes() == b"live"


def test_an_unknown_dataset_names_those_that_are_there(second: Any, tmp_path: Path) -> None:
    assert f"holds no AUX, but {DATA}" in assemble(second, tmp_path / "out", "AUX").stderr


def test_only_a_set_with_blocks_has_it(second: Any) -> None:
    assert not os.path.exists(os.path.join(second.before, NAME))
    check_script(second.installed)
    os.unlink(os.path.join(second.installed, NAME))
    with pytest.raises(DatasetError, match="cannot be read"):
        check_script(second.installed)
