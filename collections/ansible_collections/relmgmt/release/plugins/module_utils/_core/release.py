# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents of a change cycle as values: release, change ticket, approvals.

Built from documents that the shipped schemas have accepted; nothing here reads a file.
"""

from __future__ import annotations

import hashlib
from typing import Any, List, Mapping, NamedTuple, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core.audit import digest_of
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import entries_digest, value_text

PHASES = (
    "gate", "lease", "quiesce", "backup", "install", "deploy", "verify",
    "sign_off_request", "reopen", "record",
)
#: what a cycle with test mode does between verification and sign-off; on demand it is all there is
TEST_MODE_PHASES = ("enter_test_mode", "leave_test_mode")
#: the kind of a ticket that asks for test mode alone, and what stands for its release
TEST_MODE = "test_mode"
ON_DEMAND_NAME = "test-mode"
#: types of packages that are loaded into an M instance
CODE = ("cache_xml", "routines")
KINDS = ("regular", "expedited", "emergency", "data_repair", TEST_MODE)


class Package(NamedTuple):
    """One file of a release bundle. ``options``: what its type needs beside the file."""

    type: str
    file: str
    sha256: str
    options: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """One flat mapping, as playbooks use it."""
        return {"type": self.type, "file": self.file, "sha256": self.sha256, **self.options}


class Release(NamedTuple):
    """What ``release.yml`` says.

    ``configuration``: changes of the application servers' configuration, as ``websphere_config`` takes them.
    """

    name: str
    kind: str
    summary: str
    replaces: str
    work_items: list[dict[str, str]]
    packages: list[Package]
    documents: dict[str, str]
    completeness: list[dict[str, Any]]
    configuration: Sequence[dict[str, Any]] = ()
    older_war_runs_on_newer_database: bool = False

    @property
    def needs_outage(self) -> bool:
        """The web entry is closed for the time of the release: what users run would meet a database it does not fit."""
        brings_code = any(package.type in CODE for package in self.packages)
        return brings_code and not self.older_war_runs_on_newer_database

    @property
    def files(self) -> list[tuple[str, str]]:
        """File and SHA-256 of everything that hosts take from the drop."""
        named = [(package.file, package.sha256) for package in self.packages]
        return named + [(one["file"], one["sha256"]) for one in self.configuration if one.get("file")]

    @property
    def approved_digests(self) -> list[str]:
        """What a host lets be installed: the files, and the configuration as a whole."""
        digests = [sha256 for _file, sha256 in self.files]
        return digests + ([entries_digest(self.configuration)] if self.configuration else [])

    def packages_of(self, *kinds: str) -> list[dict[str, Any]]:
        """The packages of these types in the release's order, as playbooks use them."""
        return [package.as_dict() for package in self.packages if package.type in kinds]


class Ticket(NamedTuple):
    """What a change ticket says. ``date``: YYYY-MM-DD under the inventory's window rule.

    One of kind ``test_mode`` names no bundle; its release is called ``test-mode``, as the folder of its backup is.
    """

    change: str
    release: str
    bundle: str
    environment: str
    kind: str
    requested_by: str
    date: str
    summary: str
    reason: str
    notice_sent: str
    test_mode: bool

    @property
    def on_demand(self) -> bool:
        """Test mode alone, without a release."""
        return self.kind == TEST_MODE

    @property
    def enters_test_mode(self) -> bool:
        """Test mode is a part of this change."""
        return self.test_mode or self.on_demand

    @property
    def own_digest(self) -> str:
        """SHA-256 of what the ticket says: what stands for a bundle's digest where there is no bundle."""
        return digest_of(self._asdict())


class Approval(NamedTuple):
    """One person's recorded yes. ``digest``: of bundle, environment and phase list."""

    gate: str
    environment: str
    person: str
    role: str
    time: str
    expires: str
    digest: str
    bundle_digest: str


def release_from(document: Mapping[str, Any]) -> Release:
    """The release of an accepted ``release.yml``."""
    packages = [_package(entry) for entry in document["packages"]]
    return Release(
        name=document["name"], kind=document.get("kind", "regular"),
        summary=document.get("summary", ""), replaces=document.get("replaces", ""),
        work_items=list(document.get("work_items", [])), packages=packages,
        documents=dict(document.get("documents", {})),
        completeness=list(document.get("completeness", [])),
        configuration=[_entry(one) for one in document.get("configuration", [])],
        older_war_runs_on_newer_database=document.get("older_war_runs_on_newer_database", False),
    )


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of the configuration as modules take it: values are text."""
    texts = {key: value_text(value) for key, value in entry.items() if key == "value"}
    return {"state": "present", **entry, **texts}


def _package(entry: Mapping[str, Any]) -> Package:
    options = {k: v for k, v in entry.items() if k not in ("type", "file", "sha256")}
    if entry["type"] in CODE:
        options = {"drops": [], "globals": [], "percent_items": [], "steps": [], **options}
    if entry["type"] == "war":
        options = {"context_root": "/" + entry["application"], "libraries": [], **options}
    return Package(entry["type"], entry["file"], entry["sha256"], options)


def ticket_from(document: Mapping[str, Any]) -> Ticket:
    """The ticket of an accepted change ticket document."""
    defaults = {"kind": "regular", "summary": "", "reason": "", "notice_sent": "", "test_mode": False}
    if document.get("kind") == TEST_MODE:
        defaults.update(release=ON_DEMAND_NAME, bundle="")
    return Ticket(**{**defaults, **{k: v for k, v in document.items() if k != "schema"}})


def approvals_from(document: Mapping[str, Any]) -> list[Approval]:
    """The approvals of an accepted approvals document."""
    empty = {"environment": "", "digest": "", "bundle_digest": ""}
    return [Approval(**{**empty, **entry}) for entry in document["approvals"]]


def bundle_digest(sums: Mapping[str, str]) -> str:
    """Digest of a bundle from its files' SHA-256 by path: over the sorted checksum lines."""
    lines = "".join(f"{sums[path]}  {path}\n" for path in sorted(sums))
    return hashlib.sha256(lines.encode()).hexdigest()


def phases_of(ticket: Ticket) -> List[str]:
    """The phases of a ticket's change: with test mode it goes in and out before the sign-off."""
    at = PHASES.index("sign_off_request")
    return [*PHASES[:at], *TEST_MODE_PHASES, *PHASES[at:]] if ticket.enters_test_mode else list(PHASES)


def approval_digest(bundle: str, environment: str, phases: Sequence[str] = PHASES) -> str:
    """What an approval is bound to: the bundle's digest, the environment and the phases.

    ``bundle``: of a ticket that names none, its own digest (``Ticket.own_digest``).
    """
    return digest_of({"bundle": bundle, "environment": environment, "phases": list(phases)})


def on_demand_release(ticket: Ticket) -> Release:
    """What stands for the release of a ticket of kind ``test_mode``: nothing is installed."""
    return Release(ON_DEMAND_NAME, TEST_MODE, ticket.summary, "", [], [], {}, [])
