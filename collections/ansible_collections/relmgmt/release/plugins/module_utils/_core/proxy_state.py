# SPDX-License-Identifier: GPL-3.0-or-later
"""A server behind a proxy: the states it may be in there, and what must be done about it."""

from __future__ import annotations

from typing import Dict, List, Mapping, NamedTuple

#: requests reach it; new clients do not, known ones do; no request does
SERVING, CLOSING, DRAINED = "serving", "closing", "drained"


class Member(NamedTuple):
    """One server as a proxy has it.

    ``in_force``: the proxy works by this state already, it is not only written down. ``healthy``: as far as the proxy
    looks itself, it finds the server able to answer.
    """

    state: str
    in_force: bool = True
    healthy: bool = True


def is_settled(member: Member, wanted: str) -> bool:
    """The proxy does what is wanted."""
    return member.state == wanted and member.in_force


def serving_beside(members: Mapping[str, Member], name: str) -> List[str]:
    """The other servers that requests go to, by the proxy's names."""
    return sorted(other for other, seen in members.items()
                  if other != name and seen.state == SERVING and seen.healthy)


def listing(member: str, state: str) -> str:
    """A state as text, for a diff."""
    return "%s: %s\n" % (member, state)


def warnings(member: str, others: List[str], left: int, seconds: int, affinity: bool) -> List[str]:
    """What a person should know of a server that was drained.

    ``left``: what still went on there after ``seconds``. ``affinity``: the proxy keeps a session at its server.
    """
    told: Dict[str, bool] = {
        "%d requests or connections to %s, or workers that may open one, had not ended after %d s; what is deployed "
        "now may cut them off"
        % (left, member, seconds): left > 0,
        "%s was the last server that took requests here" % member: not others,
        "this proxy does not hold a session to its server: during a rollout a user may see the newer release and "
        "then the older one again; see docs/rollout.md": not affinity,
    }
    return [text for text, applies in told.items() if applies]
