# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the log from a mark on, across rotation (T14)."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._appservers import liberty_log
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_log import LibertyLog


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "messages.log"
    path.write_text("of an earlier start\n")
    return path


def append(path, text):
    with open(path, "a") as stream:
        stream.write(text)


def lines(log):
    return [line for line in log.new_lines() if line]


def test_only_what_was_written_after_the_mark_is_read(path):
    log = LibertyLog(str(path))
    assert lines(log) == []
    append(path, "one\ntwo\n")
    assert lines(log) == ["one", "two"]
    assert lines(log) == []


def test_a_line_that_is_still_being_written_is_left(path):
    log = LibertyLog(str(path))
    append(path, "one\ntw")
    assert lines(log) == ["one"]
    append(path, "o\n")
    assert lines(log) == ["two"]


def test_a_rotated_log_is_read_to_its_end_then_the_new_one(path, tmp_path):
    log = LibertyLog(str(path))
    append(path, "one\n")
    assert lines(log) == ["one"]
    append(path, "two\n")
    path.rename(tmp_path / "messages_26.11.22_01.40.00.0.log")
    path.write_text("three\n")
    assert lines(log) == ["two", "three"]
    append(path, "four\n")
    assert lines(log) == ["four"]


def test_between_rename_and_new_file_nothing_is_lost(path, tmp_path):
    log = LibertyLog(str(path))
    append(path, "one\n")
    path.rename(tmp_path / "messages_1.log")
    assert lines(log) == ["one"]
    assert lines(log) == []
    path.write_text("two\n")
    assert lines(log) == ["two"]


def test_a_truncated_log_is_read_from_its_start(path):
    log = LibertyLog(str(path))
    path.write_text("a\n")
    assert lines(log) == ["a"]


def test_a_log_begun_again_in_place_is_read_whole_though_it_is_longer_by_now(path):
    """T14: a restart of a server that keeps no older logs."""
    log = LibertyLog(str(path))
    path.write_text("of the new start, and longer than what was there\n")
    assert lines(log) == ["of the new start, and longer than what was there"]


def test_a_log_that_appears_later_is_read_whole(tmp_path):
    log = LibertyLog(str(tmp_path / "messages.log"))
    assert lines(log) == []
    (tmp_path / "messages.log").write_text("one\n")
    assert lines(log) == ["one"]


def test_the_whole_log_is_read_though_it_is_long(path, monkeypatch):
    monkeypatch.setattr(liberty_log, "_MOST", 8)
    path.write_text("one\ntwo\nthree\n")
    assert "".join(LibertyLog(str(path)).whole()) == "onetwothree"
