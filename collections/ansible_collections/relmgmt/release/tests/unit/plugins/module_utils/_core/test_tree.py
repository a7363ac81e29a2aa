# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees as values."""

from __future__ import annotations

from ansible_collections.relmgmt.release.plugins.module_utils._core.tree import (
    Entry,
    complete,
    differences,
    listing,
    tree_digest,
    wanted_mode,
)

FILE = Entry("a/b/c.txt", "1" * 64, 0o640, 3)


def test_directories_that_an_archive_only_implies_are_added():
    assert [entry.path for entry in complete([FILE])] == ["a", "a/b", "a/b/c.txt"]
    told = Entry("a", "", 0o700, 0)
    assert complete([FILE, told])[0] == told


def test_a_wanted_mode_gives_directories_search_permission():
    assert [oct(entry.mode) for entry in complete([FILE], 0o604)] == ["0o705", "0o705", "0o604"]
    assert wanted_mode(True, 0o700, None) == 0o700


def test_content_permissions_and_presence_make_a_difference():
    tree = complete([FILE])
    assert differences(tree, tree) == []
    assert differences(tree, complete([FILE._replace(sha256="2" * 64)])) == ["a/b/c.txt"]
    assert differences(tree, complete([FILE._replace(mode=0o600)])) == ["a/b/c.txt"]
    assert differences(tree, []) == ["a", "a/b", "a/b/c.txt"]


def test_the_digest_does_not_depend_on_order_and_sees_every_column():
    tree = complete([FILE])
    assert tree_digest(tree) == tree_digest(reversed(tree))
    others = [FILE._replace(path="x"), FILE._replace(mode=0), FILE._replace(sha256="3" * 64)]
    assert len({tree_digest(tree), *(tree_digest([each]) for each in others)}) == 4
    assert listing([FILE]) == "a/b/c.txt 0640 %s\n" % ("1" * 64)
