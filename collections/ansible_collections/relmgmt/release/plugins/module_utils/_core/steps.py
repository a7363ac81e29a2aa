# SPDX-License-Identifier: GPL-3.0-or-later
"""Post-install steps of a release: the names they may call, and what is still to be run.

A step is ``{name, call, arguments, expect, undo, timeout}`` as ``release.yml`` has it; ``undo``
is ``{call, arguments, expect}``, or ``{reason}`` where nothing needs to be undone.
"""

from __future__ import annotations

import re
from typing import Any, Iterable, List, Mapping, NamedTuple, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.audit import digest_of
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

# A name reaches the engine as code: nothing but letters, digits, dots, % and ^ may be in it.
ROUTINE_ENTRY = re.compile(
    r"(?P<function>\$\$)?(?P<label>%?[A-Za-z][A-Za-z0-9]{0,30}|[0-9]{1,8})?\^(?P<routine>%?[A-Za-z][A-Za-z0-9.]{0,220})"
)
CLASS_ENTRY = re.compile(
    r"##class\((?P<class>%?[A-Za-z][A-Za-z0-9.]{0,218})\)\.(?P<method>%?[A-Za-z][A-Za-z0-9]{0,179})"
)
#: seconds that a step may take unless it says otherwise
TIMEOUT = 300.0
DONE, PENDING, FAILED, CUT_OFF = "done", "pending", "failed", "cut off"


class Entry(NamedTuple):
    """What a step calls. ``label`` may be empty; ``function``: its result is the value returned."""

    kind: str
    label: str
    routine: str
    function: bool


def parse_entry(call: str) -> Entry:
    """``$$LABEL^ROUTINE``, ``LABEL^ROUTINE``, ``^ROUTINE`` or ``##class(Pkg.C).Method``.

    Raises InvalidInput for anything else: a name is all that a release may hand to an engine.
    """
    hit = ROUTINE_ENTRY.fullmatch(call)
    if hit and not hit["routine"].endswith("."):
        return Entry("routine", hit["label"] or "", hit["routine"], bool(hit["function"]))
    hit = CLASS_ENTRY.fullmatch(call)
    if hit and not hit["class"].endswith("."):
        return Entry("class", hit["method"], hit["class"], True)
    raise InvalidInput(
        f"{call!r} is not the name of an entry", place="a step of the release",
        cure="write LABEL^ROUTINE, $$LABEL^ROUTINE or ##class(Package.Class).Method; arguments go under arguments",
    )


class Step(NamedTuple):
    """One step: what it calls, what that must answer, and how it is undone.

    ``undo``: ``call``, ``arguments`` and ``expect``; or ``reason``, why there is nothing to undo.
    ``timeout`` in seconds.
    """

    name: str
    call: str
    arguments: Tuple[str, ...]
    expect: str
    timeout: float
    undo: Mapping[str, Any]


def steps_of(steps: Iterable[Mapping[str, Any]]) -> List[Step]:
    """The steps of a package. Raises InvalidInput for a name that is no entry's."""
    found = []
    for one in steps:
        undo = {key: value for key, value in one["undo"].items() if value is not None}
        for called in (one["call"], undo.get("call")):
            if called is not None:
                parse_entry(str(called))
        if ("call" in undo) == ("reason" in undo) or ("call" in undo) != ("expect" in undo):
            raise InvalidInput(
                f"the step {one['name']!r} says neither how it is undone nor why it need not be, or both",
                place="a step of the release", cure="give undo.call with undo.expect, or undo.reason",
            )
        found.append(Step(
            str(one["name"]), str(one["call"]), tuple(str(word) for word in one.get("arguments") or ()),
            str(one["expect"]), float(one.get("timeout") or TIMEOUT), undo,
        ))
    return found


def identity(step: Step, file: str) -> str:
    """What makes a step this one: its package, its name, and what it calls."""
    return digest_of([file, step.name, step.call, list(step.arguments), step.expect])


def state_of(step: Step, file: str, release: str, acts: Iterable[Mapping[str, Any]]) -> str:
    """What became of the step on this host: done, pending, failed, or cut off.

    ``acts``: the ledger's, newest first; those that were undone do not count.
    """
    mine = identity(step, file)
    for act in acts:
        is_this = act["release"] == release and act["intent"].get("step_identity") == mine
        if is_this and act["undone_at"] is None:
            return DONE if act["outcome"] == "done" else FAILED if act["outcome"] else CUT_OFF
    return PENDING


def matches(result: str, expect: str) -> bool:
    """Whether an answer is the expected one; line ends at its end do not count."""
    return result.rstrip("\r\n") == expect.rstrip("\r\n")
