# SPDX-License-Identifier: GPL-3.0-or-later
"""A writer that moves amounts between two regions of a GT.M instance, and what its copies must add up to.

Every transfer takes from ^CASE (region DEFAULT), gives to ^AUXLOG (region AUX) and counts itself in
both, in one transaction: a copy of one moment has the same count in both and the whole sum.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

from gtm_change import TwoRegions

ACCOUNTS, EACH = 500, 1000
OPEN = 'FOR i=1:1:500 SET ^CASE("a",i)=1000,^AUXLOG("a",i)=1000'
MOVE = (
    'WRITE "go",! FOR k=1:1 SET i=$RANDOM(500)+1,j=$RANDOM(500)+1,n=$RANDOM(9) TSTART ():SERIAL  '
    'SET ^CASE("a",i)=^CASE("a",i)-n,^AUXLOG("a",j)=^AUXLOG("a",j)+n,'
    '^CASE("n")=$GET(^CASE("n"))+1,^AUXLOG("n")=$GET(^AUXLOG("n"))+1 TCOMMIT  HANG:k#5=0 0.002'
)


class Books(NamedTuple):
    """What a dataset holds: the sum of its accounts, and the transfers that it has seen."""

    total: int
    transfers: int


def open_accounts(gtm: TwoRegions) -> None:
    """500 accounts in each region."""
    gtm.m(OPEN)
    gtm.settle()


def start_transfers(gtm: TwoRegions) -> subprocess.Popen[bytes]:
    """Transfers from now on."""
    return gtm.start(MOVE)


def books(gtm: TwoRegions, copy: Path, name: str) -> Books:
    """The books of a copied dataset; ``name``: CASE or AUXLOG."""
    code = f'SET s=0,n=$GET(^{name}("n"),0) FOR i=1:1:500 SET s=s+^{name}("a",i) WRITE:i=500 s," ",n'
    total, transfers = gtm.ask_copy(copy, code).split()
    return Books(int(total), int(transfers))


def require_one_moment(gtm: TwoRegions, folder: Path) -> int:
    """Both copies below a directory show the same moment; how many transfers had been made."""
    left, right = books(gtm, folder / "DEFAULT.dat", "CASE"), books(gtm, folder / "AUX.dat", "AUXLOG")
    assert left.transfers == right.transfers
    assert left.total + right.total == 2 * ACCOUNTS * EACH
    return left.transfers
