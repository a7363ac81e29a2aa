# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of datasets, block by block."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import (
    BLOCK_SIZE,
    DIGEST_SIZE,
    Root,
    block_count,
    block_digests,
    differing,
)


def test_a_digest_is_the_first_half_of_sha256() -> None:
    data = b"a" * BLOCK_SIZE + b"b" * 10
    digests = block_digests(data)
    assert digests[:DIGEST_SIZE] == hashlib.sha256(b"a" * BLOCK_SIZE).digest()[:16]
    assert digests[DIGEST_SIZE:] == hashlib.sha256(b"b" * 10).digest()[:16]


def test_the_last_block_may_be_short() -> None:
    assert [block_count(size) for size in (0, 1, BLOCK_SIZE, BLOCK_SIZE + 1)] == [0, 1, 1, 2]
    assert block_digests(b"") == b""


@given(st.lists(st.integers(0, 9), max_size=9), st.integers(0, 8), st.integers(1, 255))
def test_exactly_the_changed_block_differs(fill: list[int], where: int, flip: int) -> None:
    data = bytearray(b"".join(bytes([one]) * BLOCK_SIZE for one in [*fill, 1]))
    block = where % (len(fill) + 1)
    before = block_digests(bytes(data))
    data[block * BLOCK_SIZE + 77] ^= flip
    assert differing(before, block_digests(bytes(data))) == [block]


def test_a_block_that_only_one_side_has_differs() -> None:
    one, two = block_digests(b"x" * BLOCK_SIZE), block_digests(b"x" * BLOCK_SIZE * 3)
    assert differing(one, two) == [1, 2]
    assert differing(two, one) == [1, 2]


def test_the_root_covers_the_size() -> None:
    root = Root()
    root.update(b"d" * DIGEST_SIZE)
    assert root.hexdigest(10) != root.hexdigest(11)
    assert root.hexdigest(10) == hashlib.sha256(b"d" * DIGEST_SIZE + b"10").hexdigest()
