# SPDX-License-Identifier: GPL-3.0-or-later
"""One playbook for one change, in the foreground: called, watched, judged by the file it leaves."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from relmgmt_runner.errors import UsageError
from relmgmt_runner.house import House
from relmgmt_runner.ports import Display, PlaybookCall, Playbooks
from relmgmt_runner.progress import report
from relmgmt_runner.verdict import LIMIT, Verdict, judge

RESULT = "result.json"


class Request(NamedTuple):
    """What a person asks for. ``playbook``: as its file below playbooks/; ``variables``: what its options say."""

    playbook: str
    change: Path
    inventories: tuple[str, ...]
    check: bool = False
    diff: bool = False
    extra: tuple[str, ...] = ()
    artifacts: Path | None = None
    variables: Mapping[str, str] = {}


class Ports(NamedTuple):
    """The world outside. ``nonce``: a fresh word that ties the result file to this run."""

    playbooks: Playbooks
    display: Display
    nonce: Callable[[], str]


def carry_out(request: Request, house: House, ports: Ports) -> Verdict:
    """Run the playbook to its end and say what it came to."""
    nonce = ports.nonce()
    call = _call(request, house, nonce)
    with ports.display as display:
        display.say(f"{request.playbook} {request.change} (artifacts in {call.private})")
        end = ports.playbooks.run(call, display.show)
        verdict = judge(_content(call.private / RESULT), nonce, end)
    display.say(report(verdict, str(call.private)))
    return verdict


def _call(request: Request, house: House, nonce: str) -> PlaybookCall:
    change = request.change.absolute()
    if not change.is_file():
        raise UsageError("no such change ticket", str(change), "give the path of the ticket, CHG….yml")
    private = _private_directory(request, nonce)
    return PlaybookCall(
        playbook=house.playbook(request.playbook),
        inventories=tuple(absolute_inventory(item) for item in request.inventories),
        variables={
            **request.variables,
            "change": str(change),
            "relmgmt_result_file": str(private / RESULT),
            "relmgmt_result_nonce": nonce,
        },
        extra=request.extra,
        check=request.check,
        diff=request.diff,
        directory=house.directory,
        config=house.config,
        private=private,
    )


def absolute_inventory(item: str) -> str:
    """An inventory as it is found from any directory; ``host,`` is a list, not a path."""
    if item.endswith(","):
        return item
    if not os.path.exists(item):
        raise UsageError("no such inventory", item, "give its directory or file, e.g. inventories/sandbox")
    return os.path.abspath(item)


def _private_directory(request: Request, nonce: str) -> Path:
    """A fresh directory that only this user can look into."""
    parent = request.artifacts or default_artifacts()
    path = parent.absolute() / f"{request.change.stem}-{request.playbook}-{nonce[:12]}"
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.mkdir(mode=0o700)
    except OSError as error:
        raise UsageError(
            f"the artifacts cannot be kept: {error.strerror}", str(path), "name another place with --artifacts"
        ) from error
    return path


def default_artifacts() -> Path:
    """Where runs are kept unless --artifacts says otherwise."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(state) / "relmgmt" / "runs"


def _content(path: Path) -> bytes | None:
    try:
        with path.open("rb") as stream:
            return stream.read(LIMIT + 1)
    except OSError:
        return None
