# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory tree as it lies on the disk."""

from __future__ import annotations

import os

from ansible_collections.relmgmt.release.plugins.module_utils._tree import observe_tree


def test_links_in_a_tree_are_entries_that_no_package_has(tmp_path):
    os.symlink("/etc/passwd", tmp_path / "link")
    assert [entry.sha256 for entry in observe_tree(str(tmp_path))] == ["neither file nor directory"]
