# SPDX-License-Identifier: GPL-3.0-or-later
"""The fence in this host's packet filter: put up, looked at, taken down with the program nft."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core.fence import (
    FAMILY,
    Rule,
    check_table,
    differences,
    removal,
    rules_in,
    script,
    stopped,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import FenceError, HostStateUnknown

_SECONDS = 30
_DIRECTORIES = "/usr/sbin:/sbin:/usr/local/sbin"  # a login without root's PATH lacks them
_NOT_THERE = "No such file or directory"
_NOT_ALLOWED = ("Operation not permitted", "must be root", "Permission denied")
_AS_ROOT = "run it as root (become: true), or with the capability CAP_NET_ADMIN"


class Standing(NamedTuple):
    """What stands. ``differences``: from what is wanted. ``stopped``: packets since it was put up, by interface."""

    stands: bool
    differences: List[str]
    stopped: Dict[str, int]


class _Ended(NamedTuple):
    code: int
    output: str
    error: str


class Fence:
    """The table of this name in the network namespace of this process; `nft`: the program, a name or a path."""

    def __init__(self, table: str, nft: str = "nft") -> None:
        check_table(table)
        self.table = table
        self.nft = nft

    def put_up(self, rules: Sequence[Rule]) -> None:
        """Put a table of exactly these rules in the place of ours; there is no moment without one."""
        self._apply(script(self.table, rules))

    def take_down(self) -> None:
        """Remove our table; one that is not there is fine."""
        self._apply(removal(self.table))

    def observe(self, rules: Sequence[Rule]) -> Standing:
        """Whether these rules stand, from what the kernel has; HostStateUnknown if it does not tell."""
        listing = self.listing()
        found = differences(listing, self.table, rules)
        return Standing(not found, found, stopped(listing))

    def listing(self) -> Optional[Any]:
        """Our table as nft lists it in JSON, parsed; None if there is none."""
        ended = self._run(["-j", "list", "table", FAMILY, self.table])
        if ended.code and _NOT_THERE in ended.error:
            return None
        if ended.code:
            raise _refused(self.nft, "cannot tell whether the fence stands", ended, HostStateUnknown)
        try:
            return json.loads(ended.output)
        except ValueError as error:
            raise HostStateUnknown(
                "the program lists the table as no JSON: %s" % ended.output[:200], self.nft,
                "install nftables 0.9.1 or later, built with JSON",
            ) from error

    def _apply(self, text: str) -> None:
        ended = self._run(["-f", "-"], text)
        if ended.code:
            raise _refused(self.nft, "the packet filter refuses the fence", ended, FenceError)

    def _run(self, options: List[str], text: str = "") -> _Ended:
        try:
            done = subprocess.run(
                [program(self.nft), *options], input=text.encode(), capture_output=True, timeout=_SECONDS, check=False,
                env={**os.environ, "LC_ALL": "C"},
            )
        except subprocess.TimeoutExpired as error:
            raise HostStateUnknown("nft does not end", self.nft, "look what holds the packet filter") from error
        except OSError as error:
            raise FenceError("the program cannot be run: %s" % error.strerror, self.nft, "mend its mode") from error
        # A table with flags is printed with stray bytes by some versions.
        return _Ended(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def program(name: str) -> str:
    """Absolute path of the program nft; FenceError if this host has none."""
    path = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), _DIRECTORIES)))
    if path is None:
        raise FenceError(
            "this host has no program %s" % name, "relmgmt_fence.nft",
            "install the package nftables, or give the program's path; whoever accepts test mode without a fence is "
            "named (without_fence)",
        )
    return os.path.abspath(path)


def _refused(nft: str, what: str, ended: _Ended, kind: Any) -> Exception:
    said = (ended.error.strip() or ended.output.strip() or "status %d" % ended.code)[-1000:]
    allowed = not any(text in said for text in _NOT_ALLOWED)
    cure = "see what nft says; is the kernel's nf_tables there?" if allowed else _AS_ROOT
    error: Exception = kind("%s: %s" % (what, said), nft, cure)
    return error


def observe_fence(document: Mapping[str, Any]) -> Standing:
    """Whether the fence of the ledger's document stands, as the kernel says."""
    return Fence(document["table"], document["nft"]).observe(rules_in(document))


def raised_fence(document: Mapping[str, Any]) -> Standing:
    """The fence of the ledger's document, put up again where it was lost: by a reboot, or by hand."""
    seen = observe_fence(document)
    if seen.stands:
        return seen
    try:
        Fence(document["table"], document["nft"]).put_up(rules_in(document))
    except FenceError as error:
        return Standing(False, [*seen.differences, str(error)], seen.stopped)
    return observe_fence(document)
