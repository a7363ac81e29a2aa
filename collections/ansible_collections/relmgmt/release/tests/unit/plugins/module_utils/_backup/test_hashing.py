# SPDX-License-Identifier: GPL-3.0-or-later
"""Hashing, verifying and comparing datasets."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup.copy import copy_out, require_space
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import (
    CHUNK,
    compare_file,
    verify_file,
    write_digests,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import BLOCK_SIZE
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

SIZES = [1, BLOCK_SIZE, BLOCK_SIZE + 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3 * BLOCK_SIZE + 5]


def made(path: Path, size: int) -> tuple[str, str, str]:
    """A file of this size, its digests, its root."""
    path.write_bytes(bytes(i % 251 for i in range(size % 4096)) + b"\x07" * (size - size % 4096))
    digests = str(path) + ".digests"
    return str(path), digests, write_digests(str(path), digests).root


def flip(path: str, offset: int) -> None:
    data = bytearray(Path(path).read_bytes())
    data[offset] ^= 1
    Path(path).write_bytes(bytes(data))


@pytest.mark.parametrize("size", SIZES)
def test_a_flipped_bit_is_found_and_its_block_named(tmp_path: Path, size: int) -> None:
    file, digests, root = made(tmp_path / "d", size)
    verify_file(file, digests, size, root)
    for offset in sorted({0, size // 2, size - 1}):
        flip(file, offset)
        with pytest.raises(DatasetError) as caught:
            verify_file(file, digests, size, root)
        assert caught.value.detail["block"] == offset // BLOCK_SIZE
        assert caught.value.place == file
        flip(file, offset)


def test_digests_that_fit_the_file_but_not_the_manifest_are_refused(tmp_path: Path) -> None:
    file, digests, root = made(tmp_path / "d", CHUNK + 9)
    flip(file, 5)
    write_digests(file, digests)
    with pytest.raises(DatasetError, match="not those of the manifest"):
        verify_file(file, digests, CHUNK + 9, root)


@pytest.mark.parametrize("change", ["longer", "shorter", "gone"])
def test_a_file_of_another_size_is_refused(tmp_path: Path, change: str) -> None:
    file, digests, root = made(tmp_path / "d", CHUNK)
    data = Path(file).read_bytes()
    Path(file).unlink() if change == "gone" else Path(file).write_bytes(
        data + b"x" if change == "longer" else data[:-1]
    )
    with pytest.raises(DatasetError):
        verify_file(file, digests, CHUNK, root)


def test_only_the_first_block_is_the_header(tmp_path: Path) -> None:
    size = CHUNK + 3 * BLOCK_SIZE
    file, digests, _root = made(tmp_path / "d", size)
    same = compare_file(file, digests, size)
    assert (same.differing, same.total, same.body_same) == (0, size // BLOCK_SIZE, True)
    flip(file, 100)
    header = compare_file(file, digests, size)
    assert (header.differing, header.body_same, header.body) == (1, True, same.body)
    flip(file, CHUNK + 1)
    body = compare_file(file, digests, size)
    assert (body.differing, body.body_same) == (2, False)
    assert body.body != same.body


@pytest.mark.parametrize("size", [0, BLOCK_SIZE, CHUNK - BLOCK_SIZE, CHUNK + 10 * BLOCK_SIZE])
def test_a_live_file_of_another_size_is_not_the_same(tmp_path: Path, size: int) -> None:
    file, digests, _root = made(tmp_path / "d", CHUNK + 3 * BLOCK_SIZE)
    with open(file, "r+b") as stream:
        stream.truncate(size)
    compared = compare_file(file, digests, CHUNK + 3 * BLOCK_SIZE)
    assert 0 < compared.differing <= compared.total
    assert not compared.body_same


def test_a_missing_live_file_differs_wholly(tmp_path: Path) -> None:
    file, digests, _root = made(tmp_path / "d", CHUNK)
    Path(file).unlink()
    compared = compare_file(file, digests, CHUNK)
    assert compared.differing == compared.total == CHUNK // BLOCK_SIZE


def test_a_copy_is_verified_while_it_is_made(tmp_path: Path) -> None:
    size = CHUNK + 77
    file, digests, root = made(tmp_path / "d", size)
    target = tmp_path / "aside"
    copy_out(file, digests, str(target), size, root)
    assert target.read_bytes() == Path(file).read_bytes()
    target.unlink()
    flip(file, CHUNK + 5)
    with pytest.raises(DatasetError):
        copy_out(file, digests, str(target), size, root)
    assert not target.exists()


def test_space_is_refused_naming_what_is_needed(tmp_path: Path) -> None:
    require_space(str(tmp_path), 1000, 0)
    with pytest.raises(DatasetError) as caught:
        require_space(str(tmp_path), 1 << 60, 100)
    assert caught.value.detail["needed"] == int((1 << 60) * 1.05) + 100


def test_memory_stays_flat(tmp_path: Path) -> None:
    size = 24 * CHUNK
    file = tmp_path / "d"
    with file.open("wb") as stream:
        stream.truncate(size)
    tracemalloc.start()
    try:
        done = write_digests(str(file), str(file) + ".digests")
        verify_file(str(file), str(file) + ".digests", size, done.root)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * CHUNK
