# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a run, from the result file that the playbook's last action leaves.

Never from standard output or exit status: those tell of the controller, not of the hosts. A
file that is missing, unreadable or of another run means unknown (invariant 15).
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from relmgmt_runner.errors import DONE, VERDICT_STATUS
from relmgmt_runner.ports import PlaybookEnd

LIMIT = 1 << 20  # bytes of a result file; one of 1 000 hosts is a tenth of it
GOOD = (*(word for word, status in VERDICT_STATUS.items() if status == DONE), "testing")
ASK = "ask the hosts: run the same command again, or relmgmt rollback"


class Verdict(NamedTuple):
    """What a run came to. ``hosts``: by name what is true there, as the playbook observed it."""

    verdict: str
    change: str = ""
    release: str = ""
    reasons: tuple[str, ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()

    @property
    def status(self) -> int:
        """The exit status."""
        return VERDICT_STATUS[self.verdict]


def judge(data: bytes | None, nonce: str, end: PlaybookEnd) -> Verdict:
    """The verdict on a run: ``data`` is the result file's content, None when there is none."""
    if data is None:
        return _without_file(end)
    verdict = _read(data, nonce)
    if verdict.verdict in GOOD and end.code not in (0, None):
        reason = f"ansible-playbook ended with {end.code} after its result said {verdict.verdict}"
        return verdict._replace(verdict="unknown", reasons=(reason, ASK, *verdict.reasons))
    return verdict


def _without_file(end: PlaybookEnd) -> Verdict:
    told = f"ansible-playbook: {end.status}" + ("" if end.code is None else f", exit status {end.code}")
    reasons = tuple(reason for reason in (told, end.problem) if reason)
    if not end.started and end.code not in (0, None):
        return Verdict("not_started", reasons=("ansible never started a play; no host was touched", *reasons))
    return Verdict("unknown", reasons=("the run left no result", *reasons, ASK))


def _read(data: bytes, nonce: str) -> Verdict:
    try:
        content = json.loads(data) if len(data) <= LIMIT else None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or content.get("schema") != 1:
        return _unknown("the result file cannot be read")
    if content.get("nonce") != nonce:
        return _unknown("the result file is of another run")
    word = str(content.get("verdict"))
    if word not in VERDICT_STATUS or word == "not_started":
        return _unknown(f"the result file says {word!r}, which is no verdict")
    return Verdict(
        word, str(content.get("change", "")), str(content.get("release", "")),
        _texts(content.get("reasons")), _hosts(content.get("hosts")),
    )


def _unknown(reason: str) -> Verdict:
    return Verdict("unknown", reasons=(reason, ASK))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _hosts(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        return ()
    return tuple((str(name), _state(state)) for name, state in sorted(value.items()))


def _state(state: Any) -> str:
    if not isinstance(state, dict):
        return str(state)
    rest = ", ".join(f"{key}: {_short(item)}" for key, item in state.items() if key != "state")
    return str(state.get("state", "unknown")) + (f" ({rest})" if rest else "")


def _short(item: Any) -> str:
    return item if isinstance(item, str) else json.dumps(item, sort_keys=True, default=str)
