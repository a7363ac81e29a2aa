# SPDX-License-Identifier: GPL-3.0-or-later
"""How nft is called, and what becomes of its answers; a program of the test's own takes its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.fence import Rule, removal, script
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    FenceError,
    HostStateUnknown,
    InvalidInput,
    RelmgmtError,
)
from ansible_collections.relmgmt.release.plugins.module_utils._fence.nft import Fence, program

TABLE = "relmgmt_fence"
RULES = [Rule("CATS", "outbound", "tcp", "10.0.0.1", 5100)]


def fence_with(place: Path, does: str) -> Fence:
    """A fence whose nft writes down how it is called, and then does this."""
    nft = place / "nft"
    nft.write_text(f'#!/bin/sh\n{{ echo "$*"; cat; }} >> {place}/calls\n{does}\n')
    nft.chmod(0o755)
    return Fence(TABLE, str(nft))


def test_one_call_replaces_the_table(tmp_path: Path) -> None:
    """Two would leave a moment without it."""
    fence_with(tmp_path, "exit 0").put_up(RULES)
    assert (tmp_path / "calls").read_text() == "-f -\n" + script(TABLE, RULES)


def test_one_call_takes_it_down(tmp_path: Path) -> None:
    fence_with(tmp_path, "exit 0").take_down()
    assert (tmp_path / "calls").read_text() == "-f -\n" + removal(TABLE)


def test_looking_changes_nothing(tmp_path: Path) -> None:
    standing = fence_with(tmp_path, 'echo Error: No such file or directory >&2; exit 1').observe(RULES)
    assert not standing.stands
    assert standing.stopped == {}
    assert (tmp_path / "calls").read_text() == f"-j list table inet {TABLE}\n"


def test_a_listing_with_stray_bytes_is_read(tmp_path: Path) -> None:
    listing = json.dumps({"nftables": [{"table": {"family": "inet", "name": TABLE, "flags": "X"}}]})
    standing = fence_with(tmp_path, f"printf '%s' '{listing}' | tr X '\\377'").observe([])
    assert not standing.stands
    assert "flags" in standing.differences[0]


@pytest.mark.parametrize("does, kind, message, cure", [
    ("echo Error: Operation not permitted >&2; exit 1", HostStateUnknown, "Operation not permitted", "CAP_NET_ADMIN"),
    ("echo JSON support not compiled-in >&2; exit 1", HostStateUnknown, "JSON support", "nf_tables"),
    ("echo table inet x", HostStateUnknown, "no JSON", "0.9.1"),
])
def test_what_cannot_be_observed_is_unknown(
    tmp_path: Path, does: str, kind: type[RelmgmtError], message: str, cure: str
) -> None:
    with pytest.raises(kind, match=message) as told:
        fence_with(tmp_path, does).observe(RULES)
    assert cure in told.value.cure


@pytest.mark.parametrize("said, cure", [("Operation not permitted (you must be root)", "CAP_NET_ADMIN"),
                                        ("Could not process rule", "nf_tables")])
def test_what_nft_refuses_is_shown(tmp_path: Path, said: str, cure: str) -> None:
    fence = fence_with(tmp_path, f"echo 'Error: {said}' >&2; exit 1")
    for act in (lambda: fence.put_up(RULES), fence.take_down):
        with pytest.raises(FenceError) as told:
            act()
        assert said in told.value.message
        assert cure in told.value.cure


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FenceError, match="no program"):
        program(str(tmp_path / "nft"))


def test_a_name_of_somebody_else_is_no_fence() -> None:
    with pytest.raises(InvalidInput):
        Fence("filter")
