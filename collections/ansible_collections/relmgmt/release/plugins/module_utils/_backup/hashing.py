# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading datasets: digests written, verified and compared in one pass, memory flat.

Reading back past the page cache: the pages are dropped (after the file was synced), so
that what is compared comes from the device.
"""

from __future__ import annotations

import os
from typing import BinaryIO, Iterator, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import (
    BLOCK_SIZE,
    DIGEST_SIZE,
    Root,
    block_count,
    block_digests,
    differing,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

CHUNK_BLOCKS = 512
CHUNK = CHUNK_BLOCKS * BLOCK_SIZE
DIGESTS_CHUNK = CHUNK_BLOCKS * DIGEST_SIZE
OTHER_COPY = "use another copy of the set, or another point; nothing was written"


class Sum(NamedTuple):
    """A file's digests in short. ``body``: the root without the first block.

    Merely opening a GT.M database changes the first block, the file header, and nothing
    else (T43): ``body`` is what stays equal as long as nobody writes.
    """

    size: int
    root: str
    body: str


class Comparison(NamedTuple):
    """A live file against a manifest. ``body_same``: all blocks but the first are equal."""

    differing: int
    total: int
    body_same: bool
    body: str


class _Summing:
    def __init__(self) -> None:
        self.size = 0
        self._root, self._body = Root(), Root()

    def add(self, length: int, digests: bytes) -> None:
        self._root.update(digests)
        self._body.update(digests if self.size else digests[DIGEST_SIZE:])
        self.size += length

    def result(self) -> Sum:
        return Sum(self.size, self._root.hexdigest(self.size), self._body.hexdigest(self.size))


def chunks(path: str, past_cache: bool = False) -> Iterator[bytes]:
    """The file in chunks of whole blocks; ``past_cache``: from the device, leaving no pages."""
    with open(path, "rb", buffering=0) as stream:
        if past_cache:
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        offset = 0
        while True:
            chunk = read_full(stream, CHUNK)
            if not chunk:
                return
            yield chunk
            if past_cache:
                os.posix_fadvise(stream.fileno(), offset, len(chunk), os.POSIX_FADV_DONTNEED)
            offset += len(chunk)


def read_full(stream: BinaryIO, length: int) -> bytes:
    """Up to ``length`` bytes, fewer only at the end of the file."""
    parts = []
    while length:
        part = stream.read(length)
        if not part:
            break
        parts.append(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def write_digests(path: str, digests_path: str) -> Sum:
    """Write the digests of a file's blocks, synced; returns the file's sum."""
    summing = _Summing()
    with open(digests_path, "wb") as out:
        for chunk in chunks(path):
            digests = block_digests(chunk)
            out.write(digests)
            summing.add(len(chunk), digests)
        out.flush()
        os.fsync(out.fileno())
    return summing.result()


def verify_file(path: str, digests_path: str, size: int, root: str, past_cache: bool = True) -> None:
    """Every block of the file is what the digests say, and these are what the root says.

    Raises DatasetError that names the file and the first wrong block.
    """
    _require_size(path, size)
    _require_size(digests_path, block_count(size) * DIGEST_SIZE)
    summing, done = _Summing(), 0
    with open(digests_path, "rb") as known:
        for chunk in chunks(path, past_cache):
            expected = known.read(DIGESTS_CHUNK)
            wrong = differing(block_digests(chunk), expected)
            if wrong:
                raise wrong_block(path, done + wrong[0])
            summing.add(len(chunk), expected)
            done += CHUNK_BLOCKS
    if summing.result().root != root:
        raise DatasetError("the digests are not those of the manifest", place=digests_path, cure=OTHER_COPY)


def wrong_block(path: str, block: int) -> DatasetError:
    """The error for a block that is not what its digest says."""
    return DatasetError(
        f"block {block} (bytes {block * BLOCK_SIZE} to {(block + 1) * BLOCK_SIZE - 1}) "
        "is not what its digest says", place=path, cure=OTHER_COPY, block=block,
    )


def compare_file(path: str, digests_path: str, size: int) -> Comparison:
    """How many blocks of a live file differ from a set's digests; a missing file differs wholly."""
    total = block_count(size)
    if not os.path.isfile(path):
        return Comparison(total, total, False, "")
    summing, count, body_same, first = _Summing(), 0, True, 0
    with open(digests_path, "rb") as known:
        for chunk in chunks(path):
            digests = block_digests(chunk)
            wrong = differing(digests, known.read(DIGESTS_CHUNK)[:len(digests)])
            count += len(wrong)
            body_same = body_same and all(first + one == 0 for one in wrong)
            summing.add(len(chunk), digests)
            first += CHUNK_BLOCKS
    missing = max(0, total - block_count(summing.size))
    return Comparison(
        min(count + missing, total), total, body_same and summing.size == size, summing.result().body
    )


def _require_size(path: str, size: int) -> None:
    try:
        found = os.stat(path).st_size
    except FileNotFoundError:
        raise DatasetError("a file of the backup set is missing", place=path, cure=OTHER_COPY) from None
    if found != size:
        raise DatasetError(
            f"the file has {found} bytes, the manifest says {size}", place=path, cure=OTHER_COPY
        )
