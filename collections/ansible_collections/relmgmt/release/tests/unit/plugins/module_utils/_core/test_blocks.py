# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of datasets, block by block."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import (
    BLAKE2B,
    BLOCK_SIZES,
    DIGEST_SIZE,
    SHA256,
    Bitmap,
    Layout,
    Root,
    block_count,
    block_digests,
    differing,
    grain,
    header_blocks,
    runs,
)

SIZE = 8192
LAYOUT = Layout(SIZE, SHA256)


def test_a_digest_is_half_of_sha256_or_a_short_blake2b() -> None:
    data = b"a" * SIZE + b"b" * 10
    digests = block_digests(data, LAYOUT)
    assert digests[:DIGEST_SIZE] == hashlib.sha256(b"a" * SIZE).digest()[:16]
    assert digests[DIGEST_SIZE:] == hashlib.sha256(b"b" * 10).digest()[:16]
    other = block_digests(data, Layout(4096, BLAKE2B))
    assert other[:DIGEST_SIZE] == hashlib.blake2b(b"a" * 4096, digest_size=16).digest()
    assert len(other) == 3 * DIGEST_SIZE


def test_the_last_block_may_be_short() -> None:
    assert [block_count(size, LAYOUT) for size in (0, 1, SIZE, SIZE + 1)] == [0, 1, 1, 2]
    assert block_digests(b"", LAYOUT) == b""


@pytest.mark.parametrize("database, blocks", [
    (512, 4096), (1024, 4096), (2048, 4096), (4096, 4096), (8192, 8192), (16384, 16384), (32768, 32768),
    (65536, 65536), (65024, 8192), (3072, 8192), (0, 8192),
])
def test_the_grain_is_the_databases_block_where_direct_io_can_move_it(database: int, blocks: int) -> None:
    assert grain(database) == blocks
    assert blocks in BLOCK_SIZES


def test_the_header_has_8_kib_whatever_the_block() -> None:
    assert [header_blocks(Layout(size, SHA256)) for size in (4096, 8192, 65536)] == [2, 1, 1]


@given(st.lists(st.integers(0, 9), max_size=9), st.integers(0, 8), st.integers(1, 255))
def test_exactly_the_changed_block_differs(fill: list[int], where: int, flip: int) -> None:
    data = bytearray(b"".join(bytes([one]) * SIZE for one in [*fill, 1]))
    block = where % (len(fill) + 1)
    before = block_digests(bytes(data), LAYOUT)
    data[block * SIZE + 77] ^= flip
    assert differing(before, block_digests(bytes(data), LAYOUT)) == [block]


def test_a_block_that_only_one_side_has_differs() -> None:
    one, two = block_digests(b"x" * SIZE, LAYOUT), block_digests(b"x" * SIZE * 3, LAYOUT)
    assert differing(one, two) == [1, 2]
    assert differing(two, one) == [1, 2]


def test_the_root_covers_the_size() -> None:
    root = Root()
    root.update(b"d" * DIGEST_SIZE)
    assert root.hexdigest(10) != root.hexdigest(11)
    assert root.hexdigest(10) == hashlib.sha256(b"d" * DIGEST_SIZE + b"10").hexdigest()


@given(st.sets(st.integers(0, 99)))
def test_runs_are_the_same_numbers(numbers: set[int]) -> None:
    found = runs(sorted(numbers))
    assert [one for first, count in found for one in range(first, first + count)] == sorted(numbers)
    assert all(first + count < after for (first, count), (after, _count) in pairwise(found))


@given(st.integers(0, 70_000), st.data())
def test_a_bitmap_is_a_sorted_set(size: int, data: st.DataObject) -> None:
    numbers = st.integers(0, max(size - 1, 0))
    some = data.draw(st.lists(numbers, max_size=50)) if size else []
    first = data.draw(st.integers(0, size))
    whole, bitmap = set(some), Bitmap(size)
    bitmap.add(some)
    bitmap.add(some[:3])
    assert list(bitmap) == sorted(whole)
    assert bitmap.count == len(whole)
    bitmap.add_all(first)
    whole.update(range(first, size))
    assert list(bitmap) == sorted(whole)
    assert bitmap.count == len(whole)
    assert all((number in bitmap) == (number in whole) for number in [*some, *range(min(first, size))][:100])
