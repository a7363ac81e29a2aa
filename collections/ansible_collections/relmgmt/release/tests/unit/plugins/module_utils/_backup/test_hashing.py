# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums of datasets and the choice of a digest."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import hashing
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import Summing, layout_for
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import (
    BLAKE2B,
    DIGESTS,
    SHA256,
    Layout,
    block_digests,
)


@pytest.mark.parametrize("block_size", [4096, 8192, 65536])
def test_t43_the_body_leaves_the_header_out_and_nothing_else(block_size: int) -> None:
    layout = Layout(block_size, SHA256)

    def body(data: bytes) -> str:
        summing = Summing(layout)
        half = 2 * 65536
        for piece in (data[:half], data[half:]):
            summing.add(len(piece), block_digests(piece, layout))
        assert summing.result().root != summing.result().body
        return summing.result().body

    data = bytearray(4 * 65536)
    first = body(bytes(data))
    data[max(block_size, 8192) - 1] = 1
    assert body(bytes(data)) == first
    data[max(block_size, 8192)] = 1
    assert body(bytes(data)) != first


def test_the_faster_digest_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for faster, slower in ((SHA256, BLAKE2B), (BLAKE2B, SHA256)):
        monkeypatch.setattr(hashing, "_seconds", {faster: 1.0, slower: 2.0}.__getitem__)
        hashing.fastest_algorithm.cache_clear()
        assert layout_for(16384) == Layout(16384, faster)
    monkeypatch.undo()
    hashing.fastest_algorithm.cache_clear()
    assert layout_for(1024).algorithm in DIGESTS
