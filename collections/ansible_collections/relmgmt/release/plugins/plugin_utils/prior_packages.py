# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages the web tier runs before a release, and where they lie (A15)."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.drop_manifest import (
    MANIFEST_NAME,
    DropEntry,
    read_manifest,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError, HostStateUnknown
from ansible_collections.relmgmt.release.plugins.plugin_utils.delivery import manifest_bytes
from ansible_collections.relmgmt.release.plugins.plugin_utils.parcel import Parcel, pack
from ansible_collections.relmgmt.release.plugins.plugin_utils.remote_files import RemoteFiles

WEB = ("war:", "static:")
_AGAIN = "deliver the change that brought it once more, ansible-playbook playbooks/deliver.yml, then this one"


class Prior(NamedTuple):
    """A bundle of which hosts run packages; ``packages``: by sha256, one place where it runs."""

    release: str
    digest: str
    change: str
    packages: dict[str, str]

    @property
    def folder(self) -> str:
        """Its folder in the drop."""
        return f"{self.release}-{self.digest[:12]}"


def prior_bundles(states: Mapping[str, Mapping[str, Any]], coming: str) -> list[Prior]:
    """The bundles whose web packages run now, by folder.

    ``states``: by host, what ``release_info`` said. ``coming``: folder of the bundle that is
    delivered; where it runs already it is not prior. Raises HostStateUnknown for a host that
    said nothing, or whose ledger does not know the bundle of what it runs.
    """
    found: dict[str, Prior] = {}
    for host, state in sorted(states.items()):
        for component, row in _web_components(host, state).items():
            prior = _bundle_of(host, component, row, state["receipts"])
            if prior.folder != coming:
                found.setdefault(prior.folder, prior).packages[row["digest"]] = f"{host}: {component}"
    return [found[folder] for folder in sorted(found)]


def prior_parcel(origin: RemoteFiles, base: str, prior: Prior) -> Parcel:
    """The whole set of a bundle as the drop holds it, to be read from there."""
    root = posixpath.join(base, prior.folder)
    entries = _entries(origin, root, prior)
    sources = {name: partial(origin.chunks, posixpath.join(root, name)) for name in entries}
    files = {name: (entry.sha256, entry.size) for name, entry in entries.items()}
    return pack(prior.release, prior.digest, files, sources, origin.place(root))


def _web_components(host: str, state: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    if "current" not in state:
        raise HostStateUnknown(
            f"what runs on {host} before the release is not known: {state.get('msg', 'it was not asked')}", host,
            "bring the host back, and deliver again without --limit",
        )
    return {name: row for name, row in state["current"].items() if name.startswith(WEB)}


def _bundle_of(
    host: str, component: str, row: Mapping[str, Any], receipts: list[Mapping[str, Any]]
) -> Prior:
    own = [receipt for receipt in receipts if receipt["change"] == row["change"]]
    if not own:
        raise HostStateUnknown(
            f"the ledger does not say of which bundle {component} is", host,
            f"see how change {row['change']} came there without a receipt",
        )
    receipt = max(own, key=lambda receipt: (receipt["verdict"] == "done", receipt["attempt"]))
    return Prior(row["release"], receipt["bundle_digest"], row["change"], {})


def _entries(origin: RemoteFiles, root: str, prior: Prior) -> dict[str, DropEntry]:
    place = origin.place(posixpath.join(root, MANIFEST_NAME))
    data = manifest_bytes(origin, root)
    if data is None:
        raise DeliveryError(
            f"the drop does not hold {prior.folder}, which runs now (change {prior.change})", place, _AGAIN,
        )
    entries = read_manifest(data, prior.folder, place)
    held = {entry.sha256 for entry in entries.values()}
    for sha256, where in prior.packages.items():
        if sha256 not in held:
            raise DeliveryError(
                f"{prior.folder} in the drop has no package with the digest of {where}", place,
                "find out how that package came there", expected=sha256,
            )
    return entries
