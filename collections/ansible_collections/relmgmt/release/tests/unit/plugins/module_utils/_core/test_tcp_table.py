# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's tables of connections."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.tcp_table import Row, connections_to, rows_of

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the samples are of a little-endian machine")

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LOCAL = "   0: 0100007F:A1B2 0100007F:2378 {state} 00000000:00000000 00:00000000 00000000     0        0 1 1\n"
SIX = "   0: {mapped}:A1B2 {mapped}:2378 01 00000000:00000000 00:00000000 00000000     0        0 1 1\n"
END = ("127.0.0.1", 9080)


def test_established_connections_to_an_end_count() -> None:
    assert connections_to(HEAD + LOCAL.format(state="01") * 2, {END}) == 2
    assert connections_to(HEAD + LOCAL.format(state="01"), {("127.0.0.1", 9081)}) == 0
    assert connections_to(HEAD, {END}) == 0


@pytest.mark.parametrize("state", ["06", "0A", "08", "02"])
def test_other_states_do_not(state: str) -> None:
    assert connections_to(HEAD + LOCAL.format(state=state), {END}) == 0


def test_addresses_of_version_6() -> None:
    mapped = SIX.format(mapped="0000000000000000FFFF00000100007F")
    assert connections_to(HEAD + mapped, {END}) == 1
    loopback = SIX.format(mapped="00000000000000000000000001000000")
    assert connections_to(HEAD + loopback, {("::1", 9080)}) == 1


def test_rows_tell_both_ends_and_the_socket() -> None:
    assert rows_of(HEAD + LOCAL.format(state="0A")) == [Row(("127.0.0.1", 41394), END, "0A", 1)]
    assert rows_of(HEAD + "   0: cut off\n") == []
