# SPDX-License-Identifier: GPL-3.0-or-later
"""An application server is taken out of a proxy or put back: the work of proxy_member, and its undo."""

from __future__ import annotations

import time
from typing import Any, Dict, List, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.proxy_state import (
    CLOSING,
    DRAINED,
    SERVING,
    Member,
    is_settled,
    listing,
    serving_beside,
    warnings,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, ProxyError, Refused
from ansible_collections.relmgmt.release.plugins.module_utils._module.acts import to_undo
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Act, Host, Outcome
from ansible_collections.relmgmt.release.plugins.module_utils._proxies.choose import proxy_of
from ansible_collections.relmgmt.release.plugins.module_utils._proxies.port import Proxy

KIND = "proxy_member"
AS_BEFORE = "as_before"
PROXY_SPEC: Dict[str, Any] = {
    "type": "dict",
    "required": True,
    "options": {
        "kind": {"type": "str", "choices": ["haproxy", "nginx", "ihs"], "required": True},
        "members": {"type": "dict", "required": True},
        "haproxy": {"type": "dict", "options": {
            "socket": {"type": "path", "required": True},
            "backend": {"type": "str", "required": True},
        }},
        "nginx": {"type": "dict", "options": {
            "members_file": {"type": "path", "required": True},
            "command": {"type": "list", "elements": "str", "default": ["nginx"]},
            "reload": {"type": "list", "elements": "str", "default": []},
            "pid_file": {"type": "path", "default": "/run/nginx.pid"},
        }},
        "ihs": {"type": "dict", "options": {
            "plugin_file": {"type": "path", "required": True},
            "cluster": {"type": "str", "required": True},
        }},
    },
    "required_if": [("kind", "haproxy", ["haproxy"]), ("kind", "nginx", ["nginx"]), ("kind", "ihs", ["ihs"])],
}
_POLL_SECONDS = 0.1


class _Job(NamedTuple):
    """``ours``: acts of this change on the server that are in force, newest first."""

    proxy: Proxy
    member: str
    name: str
    wanted: str
    members: Dict[str, Member]
    ours: List[Dict[str, Any]]

    @property
    def before(self) -> Member:
        return self.members[self.name]


def set_member(host: Host) -> Outcome:
    """Bring a server to the wanted state and see that the proxy works by it."""
    job = _job(host)
    record: Dict[str, Any] = {
        "member": job.member, "name": job.name, "was": job.before.state, "state": job.before.state,
        "serving": serving_beside(job.members, job.name),
    }
    if host.params["state"] == AS_BEFORE and not job.ours:
        return Outcome(False, record, message="this change has not touched %s here" % job.member)
    record["state"] = job.wanted
    if is_settled(job.before, job.wanted):
        return _as_wanted(host, job, record)
    if job.wanted == DRAINED:
        _require_another(host, job, record["serving"])  # of a batch each has its turn, being a worker
    sides = listing(job.member, job.before.state), listing(job.member, job.wanted)
    if not host.check_mode:
        record.update(_change(host, job))
    return Outcome(True, record, *sides, message="%s is %s" % (job.member, job.wanted))


def undo_member(recipe: Dict[str, Any], _context: object) -> Dict[str, Any]:
    """Make the server what it was before the act; what it is already is left alone."""
    proxy = proxy_of(recipe["proxy"])
    seen = _member_of(proxy, proxy.look(), recipe["name"])
    if not is_settled(seen, recipe["was"]):
        proxy.set_state(recipe["name"], recipe["was"])
    _require(proxy, recipe["name"], recipe["was"])
    return {"state": recipe["was"]}


def _job(host: Host) -> _Job:
    p = host.params
    member = p["member"]
    if member not in p["proxy"]["members"]:
        raise InvalidInput("the proxy has no member %s" % member, "relmgmt_proxy.members", "add it, or leave it out")
    proxy, name = proxy_of(p["proxy"]), str(p["proxy"]["members"][member])
    host.guard(going_back=p["going_back"])
    members = proxy.look()
    _member_of(proxy, members, name)
    if p["session_seconds"] and not proxy.can_close:
        raise InvalidInput(
            "this proxy cannot keep known sessions at a server that takes no new ones", proxy.place,
            "leave session_seconds out; HAProxy can",
        )
    ours = [act for act in to_undo(host.ledger, p["change"] or "")
            if act["undo"]["kind"] == KIND and act["target"] == _target(member)]
    # What our oldest act found is what was there before the change.
    wanted = ours[-1]["undo"]["was"] if p["state"] == AS_BEFORE and ours else p["state"]
    return _Job(proxy, member, name, wanted, members, ours)


def _target(member: str) -> str:
    return "member:%s" % member


def _member_of(proxy: Proxy, members: Dict[str, Member], name: str) -> Member:
    if name not in members:
        raise InvalidInput(
            "the proxy knows no server %s, but %s" % (name, ", ".join(sorted(members)) or "none"), proxy.place,
            "correct members in relmgmt_proxy",
        )
    return members[name]


def _as_wanted(host: Host, job: _Job, record: Dict[str, Any]) -> Outcome:
    """Nothing to change; a run that was killed may have left requests under way, or an act that is over."""
    if not host.check_mode:
        if job.wanted == DRAINED:
            left = _wait_until_idle(host, job)
            told = warnings(job.member, record["serving"], left, host.params["timeout"], affinity=True)
            record.update(requests_left=left, warnings=told)
        else:
            _wait_until_healthy(host, job)
            _end(host, job)
    return Outcome(False, record, message="%s is %s already" % (job.member, job.wanted))


def _change(host: Host, job: _Job) -> Dict[str, Any]:
    intent = {"state": job.wanted, "was": job.before.state}
    recipe = {"kind": KIND, "proxy": host.params["proxy"], "name": job.name, "was": job.before.state,
              "healthy": job.before.healthy}
    undo = {} if _ends_ours(job) else recipe
    with host.act("proxy_member", _target(job.member), intent, undo) as act:
        return _drain(host, job, act) if job.wanted == DRAINED else _serve(host, job, act)


def _drain(host: Host, job: _Job, act: Act) -> Dict[str, Any]:
    affinity = job.proxy.affinity()
    if host.params["session_seconds"]:
        job.proxy.set_state(job.name, CLOSING)
        host.progress.begin("sessions may end", 0)
        time.sleep(host.params["session_seconds"])
    job.proxy.set_state(job.name, DRAINED)
    left = _wait_until_idle(host, job)
    _require(job.proxy, job.name, DRAINED)
    act.note(state=DRAINED, requests_left=left)
    others = serving_beside(job.members, job.name)
    told = warnings(job.member, others, left, host.params["timeout"], affinity)
    return {"requests_left": left, "affinity": affinity, "warnings": told}


def _require_another(host: Host, job: _Job, others: List[str]) -> None:
    """Forward, somebody has to go on answering; the way back is never held up (invariant 14)."""
    answers = job.before.state == SERVING and job.before.healthy
    if answers and not others and not host.params["going_back"] and len(host.params["proxy"]["members"]) > 1:
        raise Refused(
            "%s is the last server that takes requests here" % job.member, job.proxy.place,
            "put another one back first; leave those that stay out out of members in relmgmt_proxy, and take fewer "
            "at a time (relmgmt_serial)",
        )


def _ends_ours(job: _Job) -> bool:
    """Putting back what this change took out is an undo itself."""
    return bool(job.ours) and job.wanted == job.ours[-1]["undo"]["was"]


def _serve(host: Host, job: _Job, act: Act) -> Dict[str, Any]:
    job.proxy.set_state(job.name, job.wanted)
    _require(job.proxy, job.name, job.wanted)
    _wait_until_healthy(host, job)
    act.note(state=job.wanted)
    _end(host, job)
    return {}


def _end(host: Host, job: _Job) -> None:
    """The server is what it was before the change: there is nothing left to undo."""
    if _ends_ours(job):
        for act in job.ours:
            host.ledger.undo_act(act["id"], {"state": job.wanted})


def _wait_until_idle(host: Host, job: _Job) -> int:
    """What is left under way at a drained server when the time is over."""
    host.progress.begin("requests may end", 0)
    deadline = time.monotonic() + host.params["timeout"]
    while True:
        left = job.proxy.busy(job.name)
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(_POLL_SECONDS)


def _wait_until_healthy(host: Host, job: _Job) -> None:
    """A server that the proxy found dead before the change may be so again."""
    if job.wanted != SERVING or not all(act["undo"]["healthy"] for act in job.ours):
        return
    host.progress.begin("the proxy looks at the server", 0)
    deadline = time.monotonic() + host.params["timeout"]
    while not job.proxy.look()[job.name].healthy:
        if time.monotonic() >= deadline:
            raise ProxyError(
                "the proxy finds %s unable to answer, %d s after it was put back" % (job.name, host.params["timeout"]),
                job.proxy.place, "look at the server, and at the proxy's own check of it",
            )
        time.sleep(_POLL_SECONDS)


def _require(proxy: Proxy, name: str, state: str) -> None:
    """Raises ProxyError unless the server is in the state; that it is in force, ``set_state`` has seen.

    Another server's turn may have begun since: then the file is a newer one than the proxy works by.
    """
    seen = _member_of(proxy, proxy.look(), name)
    if seen.state != state:
        raise ProxyError(
            "the server %s was made %s and is %s" % (name, state, seen.state), proxy.place,
            "find out who else changes it, then run the phase again",
        )
