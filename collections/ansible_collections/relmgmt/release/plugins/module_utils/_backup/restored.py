# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore left behind, so that a second one sees that nothing is to be done.

A restored dataset is not block for block the set's copy: new journals and the proof of a
write change its header and a few blocks. A note beside the dataset binds the set's root to
the digests of what the finished restore left, without the first block, which merely opening
the database changes (T43). A dataset is a point's again if all its blocks but the header
equal the point's, or equal what a restore of that point left.
"""

from __future__ import annotations

import json
import os

from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import Comparison, compare_file
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import DatasetCopy
from ansible_collections.relmgmt.release.plugins.module_utils._files import write_durably


def is_the_point(path: str, copy: DatasetCopy, compared: Comparison) -> bool:
    """Whether the dataset at ``path`` holds the point that ``copy`` is."""
    if not os.path.isfile(path):
        return False
    return compared.body_same or _note(path) == {"root": copy.root, "body": compared.body}


def write_note(path: str, copy: DatasetCopy, digests: str) -> None:
    """Note what the finished restore left at ``path``."""
    left = compare_file(path, digests, copy.size)
    text = json.dumps({"root": copy.root, "body": left.body}, sort_keys=True)
    write_durably(_note_path(path), text.encode())


def _note(path: str) -> object:
    try:
        with open(_note_path(path), "rb") as stream:
            return json.loads(stream.read(4096))
    except (FileNotFoundError, ValueError):
        return None


def _note_path(path: str) -> str:
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.relmgmt-restored")
