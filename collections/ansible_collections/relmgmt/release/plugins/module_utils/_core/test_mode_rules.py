# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true to enter test mode, to say that it stands, and to leave it: facts in, reasons with cures out."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import ABSENT, PRODUCTION, TEST
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode import (
    ON,
    TRANSITIONS,
    Refusal,
    lasts,
    moment,
    state_of,
)


class Setting(NamedTuple):
    """One setting of this host as observed. ``means``: production, test, other or absent; ``inside``: in a dataset."""

    interface: str
    key: str
    value: Optional[str]
    means: str
    inside: bool = False


class Facts(NamedTuple):
    """What was observed of one host, and what the ledger tells.

    ``stands``: whether the fence does, None if that could not be seen; ``differences``: in what it does not.
    ``unfenced``: interfaces that the fence's rules leave out. ``moved``: where production's names lead that the rules
    do not shut off, each a sentence. ``unheard``: as ``blind``, of queues, which say nothing of where settings point.
    ``accepted``: who accepts that there is none.
    ``connections``: established to production endpoints, each a sentence. ``queues``: still to be sent, by
    interface. ``listeners``: who listens on a test port, by (interface, port). ``pending``: why what stands is
    not in force. ``blind``: what could not be observed, each a sentence. ``now``, ``fenced_since``: seconds since 1970.
    """

    now: float
    document: Optional[Mapping[str, Any]] = None
    settings: Tuple[Setting, ...] = ()
    stands: Optional[bool] = None
    differences: Tuple[str, ...] = ()
    unfenced: Tuple[str, ...] = ()
    accepted: str = ""
    connections: Tuple[str, ...] = ()
    queues: Mapping[str, int] = {}
    listeners: Mapping[Tuple[str, int], str] = {}
    pending: Tuple[str, ...] = ()
    blind: Tuple[str, ...] = ()
    moved: Tuple[str, ...] = ()
    unheard: Tuple[str, ...] = ()
    fenced_since: float = 0.0


# -- entering ---------------------------------------------------------------------------


def point_obstacle(
    point: Optional[Mapping[str, Any]], name: str, there: bool, max_age: float, now: float
) -> Optional[Refusal]:
    """Why a database cannot enter with this point of the ledger. ``there``: its directory is on the disk."""
    again = f"take it now (point {name or 'before'}), then enter within {max_age:.0f} s"
    if point is None:
        return Refusal(f"there is no verified backup point {name} of this attempt", again)
    if not there:
        return Refusal(f"the backup point {name} is no longer at {point['path']}", again)
    age = now - float(point["taken_at"])
    if age > max_age:
        return Refusal(f"the backup point {name} is {age:.0f} s old, older than {max_age:.0f} s", again)
    return None


def transition_obstacle(document: Optional[Mapping[str, Any]], wanted: str) -> Optional[Refusal]:
    """Why ``wanted`` (test, production) cannot be had from the state that stands."""
    if wanted in TRANSITIONS[state_of(document)]:
        return None
    change = document["change"] if document else ""
    return Refusal(
        f"test mode of {change} is being left, its datasets are restored",
        f"leave it first (playbooks/leave-test-mode.yml -e change={change}), then take a new point and enter",
    )


def obstacles(facts: Facts, command: str) -> List[Refusal]:
    """Why test mode cannot be entered, or gone on with. ``command``: the host's own, for cures."""
    going_on = lasts(facts.document)
    found = [Refusal(sentence, "see why, then run again: nothing was touched") for sentence in facts.blind]
    found += fence_obstacles(facts, command)
    found += [_setting_obstacle(one) for one in facts.settings
              if one.means != PRODUCTION and not (going_on and one.means == TEST)]
    if state_of(facts.document) != ON:
        found += [_queue_obstacle(name, depth) for name, depth in sorted(facts.queues.items()) if depth]
    if not going_on:
        found += [
            Refusal(f"the test port {port} of {name} is in use by {who}", "end that process, or choose another port")
            for (name, port), who in sorted(facts.listeners.items())
        ]
    found += [connection_obstacle(one) for one in facts.connections]
    return found


def fence_obstacles(facts: Facts, command: str) -> List[Refusal]:
    """Why test data are not safe behind the fence; none if a person accepts that there is none."""
    if facts.accepted:
        return []
    if facts.stands is None:
        return [Refusal("no fence was put up on this host",
                        f"put it up (interface_fence, {command} fence), or have a named person accept that "
                        "there is none: without_fence='NAME: REASON'")]
    if not facts.stands:
        return [Refusal(f"the fence does not stand: {'; '.join(facts.differences) or 'it cannot be seen'}",
                        f"{command} fence")]
    return [Refusal(f"the fence leaves {name} out", "put it up again with the interfaces of this entry "
                    "(interface_fence)") for name in facts.unfenced]


def _setting_obstacle(one: Setting) -> Refusal:
    if one.means == ABSENT:
        return Refusal(f"the setting {one.key} is not there", "correct relmgmt_interfaces, or set it to production")
    if one.means == TEST:
        return Refusal(f"the setting {one.key} means test although this host is not in test mode",
                       "find out who changed it, and set it to its production value")
    return Refusal(f"the setting {one.key} holds {one.value!r}, neither its production nor its test value",
                   "find out who changed it; correct the setting or relmgmt_interfaces")


def _queue_obstacle(name: str, depth: int) -> Refusal:
    return Refusal(f"the queue of {name} holds {depth} that production has still to get",
                   "let the interface send them, then quiesce and enter again")


def connection_obstacle(sentence: str) -> Refusal:
    return Refusal(sentence, "end that process or restart it: it holds on to production")


# -- leaving ----------------------------------------------------------------------------


def acceptable_points(
    document: Mapping[str, Any], points: Sequence[Mapping[str, Any]], outcome: str
) -> Dict[str, str]:
    """Root digests by path of the sets that leaving may rely on; ``points``: the ledger's, of this change.

    Signed-off tests go back to the point of the entry, rejected ones to any point of the change.
    """
    entry = document["point"]
    found = {entry["path"]: entry["root_digest"]} if entry else {}
    if outcome == "rejected" and document.get("points"):
        found.update(document["points"])
    elif outcome == "rejected" and entry:
        found.update({one["path"]: one["root_digest"] for one in points
                      if one["instance"] == entry["instance"] and one["attempt"] == document["attempt"]
                      and float(one["taken_at"]) <= float(document["entered_at"])})
    return found


def proof(
    document: Mapping[str, Any], acts: Sequence[Mapping[str, Any]], accepted: Mapping[str, str]
) -> Tuple[Optional[Dict[str, Any]], str]:
    """The restore that leaving may rely on as {path, root_digest, at, positions}, else None; and why there is none.

    ``acts``: the ledger's acts of the change, newest first. It is the newest restore, it ended, it came after
    the last switch to test, and nobody has let users in since.
    """
    since = float(document["switched_at"])
    switched = int(document.get("switched_act") or 0)
    for act in acts:
        if act["id"] <= switched if switched else act["started_at"] < since:  # a clock may have been set back
            break
        if act["module"] == "application" and act["intent"].get("state") != "quiesced":
            return None, "the application was opened since the datasets were restored"
        if act["module"] != "restore":
            continue
        return _proof_of(act, accepted)
    return None, f"no restore was made since {moment(since)}"


def _proof_of(
    act: Mapping[str, Any], accepted: Mapping[str, str]
) -> Tuple[Optional[Dict[str, Any]], str]:
    path = str(act["intent"].get("path"))
    if act["outcome"] != "done":
        return None, f"the restore of {path} has not ended well ({act['outcome'] or 'cut off'})"
    if path not in accepted:
        return None, f"{path} was restored, which is not a point that this outcome goes back to"
    digest = str(act["intent"].get("root_digest") or (act["detail"] or {}).get("root_digest"))
    if digest != accepted[path]:
        return None, f"the set that was restored from {path} is not the one that the ledger recorded"
    noted = (act["detail"] or {}).get("positions") or {}
    return {"path": path, "root_digest": digest, "at": act["finished_at"], "positions": noted}, ""


def proofs_obstacle(document: Mapping[str, Any], proofs: Sequence[Mapping[str, Any]]) -> Optional[Refusal]:
    """Why a host without datasets cannot rely on the proofs of the database hosts."""
    again = "restore on the database hosts first, and give their proofs in the option restored"
    if not proofs:
        return Refusal("no database host has proven a restore", again)
    early = sorted(str(one["host"]) for one in proofs if float(one["at"]) <= float(document["entered_at"]))
    if early:
        return Refusal(f"the restore of {', '.join(early)} is older than the entry of "
                       f"{moment(document['entered_at'])}", again)
    return None


def unverified(facts: Facts, wanted: str, command: str) -> List[str]:
    """Why it cannot be said that every setting means ``wanted`` (test, production) and is in force.

    Test mode also wants the fence, and nobody connected to production.
    """
    told = list(facts.blind)
    told += [f"{one.key} holds {one.value!r}, which means {one.means}" for one in facts.settings
             if one.means != wanted]
    told += facts.pending
    if wanted == TEST:
        told += [one.message for one in fence_obstacles(facts, command)]
        told += facts.connections
    return told
