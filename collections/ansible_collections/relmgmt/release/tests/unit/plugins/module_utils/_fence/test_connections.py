# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections and listeners, from a /proc of the test's own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.fence import Rule
from ansible_collections.relmgmt.release.plugins.module_utils._fence.connections import (
    Connection,
    Process,
    established,
    listeners,
)

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the samples are of a little-endian machine")

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1\n"
OURS, CATS = "0A00000A:9C40", "0100000A:13EC"  # 10.0.0.10:40000, 10.0.0.1:5100
OUT = Rule("CATS", "outbound", "tcp", "10.0.0.1", 5100)


def row(local: str = OURS, remote: str = CATS, state: str = "01", inode: int = 7) -> str:
    return ROW.format(local=local, remote=remote, state=state, inode=inode)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """Processes 12 and 13 have socket 7 open; there is no table of IPv6."""
    (tmp_path / "self/net").mkdir(parents=True)
    for pid, name in ((12, "cfis"), (13, "child"), (14, "other")):
        (tmp_path / str(pid) / "fd").mkdir(parents=True)
        (tmp_path / str(pid) / "comm").write_text(f"{name}\n")
        (tmp_path / str(pid) / "fd/3").symlink_to(f"socket:[{7 if pid < 14 else 8}]")
        (tmp_path / str(pid) / "fd/1").symlink_to("/dev/null")
    (tmp_path / "15/fd").mkdir(parents=True)  # it has ended meanwhile, without a name
    table(tmp_path)
    return tmp_path


def table(proc: Path, *rows: str, name: str = "tcp") -> None:
    (proc / "self/net" / name).write_text(HEAD + "".join(rows))


def test_every_process_of_a_connection_is_told(proc: Path) -> None:
    table(proc, row())
    assert established([OUT], str(proc)) == [
        Connection("CATS", "10.0.0.10:40000", "10.0.0.1:5100", 12, "cfis"),
        Connection("CATS", "10.0.0.10:40000", "10.0.0.1:5100", 13, "child"),
    ]


@pytest.mark.parametrize("state, counts", [
    ("01", True), ("04", True), ("08", True), ("02", False), ("05", False), ("06", False), ("0A", False),
])
def test_connections_count_over_which_something_could_be_sent(proc: Path, state: str, counts: bool) -> None:
    table(proc, row(state=state))
    assert bool(established([OUT], str(proc))) == counts


@pytest.mark.parametrize("rule, counts", [
    (OUT, True),
    (OUT._replace(port=5101), False),
    (OUT._replace(address="10.0.0.2"), False),
    (OUT._replace(protocol="udp"), False),
    (Rule("MEDS", "inbound", "tcp", "", 40000), True),
    (Rule("MEDS", "inbound", "tcp", "10.0.0.10", 40000), True),
    (Rule("MEDS", "inbound", "tcp", "10.0.0.11", 40000), False),
    (Rule("MEDS", "inbound", "tcp", "", 5100), False),
])
def test_the_direction_says_whose_end_it_is(proc: Path, rule: Rule, counts: bool) -> None:
    table(proc, row())
    assert bool(established([rule], str(proc))) == counts


def test_a_socket_without_a_process_is_told(proc: Path) -> None:
    table(proc, row(inode=0), row(local="0A00000A:9C41", inode=99))
    assert [(one.local, one.pid, one.process) for one in established([OUT], str(proc))] \
        == [("10.0.0.10:40000", 0, ""), ("10.0.0.10:40001", 0, "")]


def test_version_6_and_udp(proc: Path) -> None:
    mapped = "0000000000000000FFFF00000100000A:13EC"
    table(proc, row(local="00000000000000000000000001000000:9C40", remote=mapped), name="tcp6")
    table(proc, row(inode=8), name="udp")
    found = established([OUT, OUT._replace(interface="LOG", protocol="udp")], str(proc))
    assert {(one.interface, one.local, one.remote, one.pid) for one in found} == {
        ("CATS", "[::1]:40000", "10.0.0.1:5100", 12), ("CATS", "[::1]:40000", "10.0.0.1:5100", 13),
        ("LOG", "10.0.0.10:40000", "10.0.0.1:5100", 14),
    }


def test_who_listens(proc: Path) -> None:
    nobody = "00000000:0000"
    table(proc, row(local="00000000:13EC", remote=nobody, state="0A"),
          row(local="0100007F:13EC", remote=nobody, state="0A", inode=8),
          row(local="00000000:13ED", remote=nobody, state="0A", inode=9), row(local="00000000:13EE"))
    table(proc, row(local="00000000:13EC", remote=nobody, state="07", inode=8), name="udp")
    assert listeners([5100, 5102], str(proc)) \
        == {5100: [Process(12, "cfis"), Process(13, "child"), Process(14, "other")]}
    assert listeners([5101], str(proc)) == {5101: [Process(0, "")]}
    assert listeners([5100], str(proc), "udp") == {5100: [Process(14, "other")]}
