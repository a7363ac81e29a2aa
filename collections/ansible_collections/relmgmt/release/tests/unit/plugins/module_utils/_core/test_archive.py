# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives are refused, never rewritten (invariant 12, FAULTS 6)."""

from __future__ import annotations

import stat

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.archive import Limits, Member, check_listing
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

LIMITS = Limits(files=4, size=10_000, ratio=10, ratio_floor=100, depth=3, name=20, path=40)


def refused(*members: Member, end: int | None = None) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        check_listing("site.zip", members, LIMITS, end)
    assert caught.value.place == "site.zip"
    return caught.value


@pytest.mark.parametrize(
    "name,reason",
    [
        ("../../evil.txt", "leads out of the archive"),
        ("a/../../b", "leads out of the archive"),
        ("..", "leads out of the archive"),
        ("/etc/passwd", "absolute"),
        ("C:/evil.txt", "absolute"),
        ("c:evil.txt", "absolute"),
        ("..\\evil.txt", "backslashes"),
        ("a\0.txt", "NUL"),
        ("a\n.txt", "control"),
        ("a//b", "empty parts"),
        ("./a", "empty parts"),
        ("a//", "empty parts"),
        ("", "empty parts"),
        ("cafe\u0301.txt", "NFC"),
        ("a/b/c/d", "deeper"),
        ("x" * 21, "too long"),
        ("x" * 19 + "/" + "y" * 19 + "/z", "too long"),
    ],
)
def test_a_name_that_is_not_a_plain_path_inside_is_refused(name, reason):
    error = refused(Member(name, 1, 1))
    assert reason in error.message
    assert repr(name) in error.message


@pytest.mark.parametrize(
    "member,reason",
    [
        (Member("l", 1, 1, stat.S_IFLNK | 0o777), "link or a device"),
        (Member("l", 1, 1, stat.S_IFCHR | 0o600), "link or a device"),
        (Member("l", 1, 1, stat.S_IFIFO | 0o600), "link or a device"),
        (Member("l", 1, 1, stat.S_IFSOCK | 0o600), "link or a device"),
        (Member("d", 0, 0, stat.S_IFDIR | 0o755), "named like a directory"),
        (Member("d/", 0, 0, stat.S_IFREG | 0o644), "named like a directory"),
        (Member("s", 1, 1, stat.S_IFREG | 0o4755), "set-user-id"),
        (Member("s", 1, 1, stat.S_IFREG | 0o2755), "set-user-id"),
        (Member("e", 1, 1, flags=0x1), "encrypted"),
        (Member("e", 1, 1, flags=0x40), "encrypted"),
        (Member("m", 1, 1, method=14), "unusual method 14"),
        (Member("d/", 5, 5), "directory with content"),
        (Member("big", 10_001, 10_001), "more than 10000"),
        (Member("bomb", 5_000, 400), "more than 10 times"),
        (Member("bomb", 5_000, 0), "more than 10 times"),
    ],
)
def test_a_member_of_a_wrong_kind_or_size_is_refused(member, reason):
    error = refused(member)
    assert reason in error.message
    assert error.detail["member"] == member.name


def test_counts_and_the_sum_of_sizes_are_bounded():
    assert "5 members, more than 4" in refused(*[Member(f"f{n}", 1, 1, offset=99 * n) for n in range(5)]).message
    two = Member("a", 9_000, 9_000), Member("b", 9_000, 9_000, offset=20_000)
    assert "18000 bytes, more than 10000" in refused(*two).message


def test_names_that_collide_are_refused():
    assert "there twice" in refused(Member("a", 1, 1), Member("a", 1, 1, offset=99)).message
    assert "there twice" in refused(Member("Stra\u00dfe", 1, 1), Member("STRASSE", 1, 1, offset=99)).message
    assert "there twice" in refused(Member("a", 1, 1), Member("A/", 0, 0, offset=99)).message
    assert "below the file 'A'" in refused(Member("A", 1, 1), Member("a/b", 1, 1, offset=99)).message


def test_overlapping_members_are_refused():
    error = refused(Member("a", 100, 100), Member("b", 100, 100, offset=50))
    assert "overlaps" in error.message
    assert "beyond the end" in refused(Member("a", 100, 100), end=50).message


def test_a_plain_archive_passes():
    members = [
        Member("css/", 0, 0, stat.S_IFDIR | 0o755),
        Member("css/site.css", 50, 20, stat.S_IFREG | 0o644, offset=40),
        Member("caf\u00e9.txt", 0, 0, offset=120),
        Member("zeros", 100, 1, offset=200),  # small members may be as empty as they like
    ]
    assert check_listing("site.zip", members, LIMITS, 10_000) is None
    assert check_listing("real.war", [Member("WEB-INF/lib/x.jar", 10, 10)], Limits()) is None
