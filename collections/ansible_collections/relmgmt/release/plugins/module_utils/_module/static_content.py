# SPDX-License-Identifier: GPL-3.0-or-later
"""A static ZIP is the current content of a document root: the work of static_content, and its undo."""

from __future__ import annotations

import grp
import pwd
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.relmgmt.release.plugins.module_utils._archive import Ownership, read_entries
from ansible_collections.relmgmt.release.plugins.module_utils._core.archive import Limits
from ansible_collections.relmgmt.release.plugins.module_utils._core.drop_manifest import release_of
from ansible_collections.relmgmt.release.plugins.module_utils._core.retention import publications, removable
from ansible_collections.relmgmt.release.plugins.module_utils._core.tree import (
    Entry,
    differences,
    listing,
    tree_digest,
)
from ansible_collections.relmgmt.release.plugins.module_utils._docroot import DocumentRoot
from ansible_collections.relmgmt.release.plugins.module_utils._drop import fetch
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome

_MOST_PATHS = 100  # of a drift that a result carries


class _Job(NamedTuple):
    root: DocumentRoot
    component: str
    release: str
    sha256: str
    ownership: Ownership
    limits: Limits
    current: Dict[str, Any]  # what the ledger says, empty when it says nothing


class _Seen(NamedTuple):
    """What is served: the link as it stands, its tree, and files of the wrong owner."""

    link: Optional[str]
    tree: List[Entry]
    foreign: List[str]


def publish(host: Host) -> Outcome:
    """Switch to the package's content, or nothing if exactly that is served."""
    job = _job(host)
    seen = _see(job)
    record = _record(job, seen)
    if _is_recorded(job, seen):
        return Outcome(False, record, message="this content is served already")
    package = fetch(host.params["drop"], host.params["bundle"], host.params["file"], job.sha256, host.tmpdir)
    wanted = read_entries(package, job.limits, host.params["file"], job.ownership.mode)
    record.update(sha256=job.sha256, tree_digest=tree_digest(wanted))
    if seen.link is not None and seen.tree == wanted and not seen.foreign:
        _adopt(host, job, seen.link, wanted)
        return Outcome(False, record, message="this content is served already")
    if job.current.get("digest") == job.sha256:
        record["drift"] = (differences(wanted, seen.tree) or seen.foreign)[:_MOST_PATHS]
    link = job.root.free_link(_name(job), wanted, job.ownership)
    record.update(directory=job.root.path_of(link))
    if not host.check_mode:
        record["removed"] = _change(host, job, seen, package, wanted, link)
    return Outcome(True, record, _side(seen.link, seen.tree), _side(link, wanted), "content switched to %s" % link)


def undo_static(recipe: Dict[str, Any], _context: object) -> Dict[str, Any]:
    """Serve again what an act found, or nothing if nothing was served; idempotent (invariant 9)."""
    root = DocumentRoot(recipe["document_root"])
    previous = recipe["previous"]
    if root.link() == previous:
        return {"restored": False, "directory": None if previous is None else root.path_of(previous)}
    if previous is None:
        root.unlink()
        return {"restored": True, "directory": None}
    root.switch(previous)
    differs = tree_digest(root.tree(previous)) != recipe["previous_tree"]
    return {"restored": True, "directory": root.path_of(previous), "differs_from_before": differs}


def _job(host: Host) -> _Job:
    p = host.params
    root = DocumentRoot(p["document_root"])
    component = "static:%s" % root.path
    ownership = Ownership(_uid(p["owner"]), _gid(p["group"]), _mode(p["mode"]))
    limits = Limits(files=p["max_files"], size=p["max_size"])
    if p["keep_releases"] < 1:
        raise InvalidInput("keep_releases is %d" % p["keep_releases"], "relmgmt_static", "keep at least 1")
    permit = host.guard(packages=[p["sha256"]])
    release = permit.release or release_of(p["bundle"])
    return _Job(root, component, release, p["sha256"], ownership, limits, host.ledger.current(component) or {})


def _see(job: _Job) -> _Seen:
    link = job.root.link()
    if link is None:
        return _Seen(None, [], [])
    return _Seen(link, job.root.tree(link), job.root.foreign(link, job.ownership.uid, job.ownership.gid))


def _record(job: _Job, seen: _Seen) -> Dict[str, Any]:
    path = "" if seen.link is None else job.root.path_of(seen.link)
    return {
        "directory": path,
        "previous": path,
        "sha256": job.sha256,
        "tree_digest": tree_digest(seen.tree),
        "drift": [],
        "removed": [],
    }


def _is_recorded(job: _Job, seen: _Seen) -> bool:
    """Is this very package served, unchanged since this host unpacked it? Then nothing need be fetched."""
    detail = job.current.get("detail", {})
    return (
        job.current.get("digest") == job.sha256
        and detail.get("link") == seen.link
        and detail.get("mode") == job.ownership.mode
        and detail.get("tree_digest") == tree_digest(seen.tree)
        and not seen.foreign
    )


def _name(job: _Job) -> str:
    return "%s-%s" % (job.release, job.sha256[:12])


def _side(link: Optional[str], tree: List[Entry]) -> str:
    return "" if link is None else "current -> %s\n%s" % (link, listing(tree))


def _change(
    host: Host, job: _Job, seen: _Seen, package: str, wanted: List[Entry], link: str
) -> List[str]:
    undo = {
        "kind": "static",
        "document_root": job.root.path,
        "previous": seen.link,
        "previous_tree": tree_digest(seen.tree),
    }
    intent = {"sha256": job.sha256, "directory": link, "previous": seen.link}
    with host.act("static_content", job.component, intent, undo) as act:
        job.root.unpack(package, link, wanted, job.limits, job.ownership, host.params["file"])
        job.root.switch(link)
        _set_current(host, job, link, wanted)
        removed = _clean_up(host, job, {link, seen.link or ""})
        act.note(directory=job.root.path_of(link), tree_digest=tree_digest(wanted), removed=removed)
    return removed


def _clean_up(host: Host, job: _Job, served: "set[str]") -> List[str]:
    attempts = {(row["change"], row["attempt"]) for row in host.ledger.receipts() if row["state"] == "open"}
    history = publications(host.ledger.acts(), job.component, attempts)
    gone = removable(history, job.root.links(), served, host.params["keep_releases"])
    for link in gone:
        job.root.remove(link)
    return [job.root.path_of(link) for link in gone]


def _adopt(host: Host, job: _Job, link: str, wanted: List[Entry]) -> None:
    """The host is right but the ledger is behind: a run was killed after its cutover."""
    if host.check_mode or not host.params.get("change"):
        return
    intent = {"action": "record", "sha256": job.sha256}
    with host.act("static_content", job.component, intent, {}):
        _set_current(host, job, link, wanted)


def _set_current(host: Host, job: _Job, link: str, wanted: List[Entry]) -> None:
    digest = tree_digest(wanted)
    observe = {"kind": "static", "document_root": job.root.path, "digest": digest}
    detail = {"link": link, "mode": job.ownership.mode, "tree_digest": digest, "observe": observe}
    host.ledger.set_current(job.component, job.release, job.sha256, detail)


def _uid(owner: Optional[str]) -> int:
    try:
        return -1 if owner is None else pwd.getpwnam(owner).pw_uid
    except KeyError as error:
        raise InvalidInput("no user %r on this host" % owner, "relmgmt_static.owner", "create it") from error


def _gid(group: Optional[str]) -> int:
    try:
        return -1 if group is None else grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise InvalidInput("no group %r on this host" % group, "relmgmt_static.group", "create it") from error


def _mode(mode: Optional[str]) -> Optional[int]:
    if mode is None:
        return None
    try:
        bits = int(mode, 8)
    except ValueError:
        bits = -1
    if not 0 <= bits <= 0o777:
        raise InvalidInput("not octal permissions: %r" % mode, "relmgmt_static.mode", 'give "0644" or the like')
    return bits
