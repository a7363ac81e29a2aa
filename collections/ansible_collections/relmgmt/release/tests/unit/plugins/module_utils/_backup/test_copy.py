# SPDX-License-Identifier: GPL-3.0-or-later
"""Room before the first byte, and errors that say what is left."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup.copy import disk_errors, require_space
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError


def test_space_is_refused_naming_what_is_needed(tmp_path: Path) -> None:
    require_space(str(tmp_path), 1000, 0)
    with pytest.raises(DatasetError) as caught:
        require_space(str(tmp_path), 1 << 60, 100)
    assert caught.value.detail["needed"] == int((1 << 60) * 1.05) + 100


def test_an_error_of_the_disk_says_what_it_leaves() -> None:
    with pytest.raises(DatasetError, match=r"No space left.*there is no set") as caught, disk_errors(
        "/b", "there is no set"
    ):
        raise OSError(errno.ENOSPC, "No space left on device", "/b/x")
    assert caught.value.place == "/b/x"
