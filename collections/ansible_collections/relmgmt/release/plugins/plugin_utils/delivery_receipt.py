# SPDX-License-Identifier: GPL-3.0-or-later
"""The receipt of a delivery: what was read back from which server, when, by whom. It lies beside the records."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError
from ansible_collections.relmgmt.release.plugins.module_utils._files import make_dirs, write_durably
from ansible_collections.relmgmt.release.plugins.plugin_utils.parcel import Parcel, manifest_entry

OF_THE_RUN = ("read_back_at", "read_back_by")


def receipt_of(
    parcel: Parcel, change: str, place: str, server: Mapping[str, str], now: datetime, who: str
) -> dict[str, Any]:
    """The receipt of a parcel every file of which was read back in this run.

    ``server``: ``server``, ``user`` and ``host_key``. ``who``: user and host of the controller.
    """
    entries = [*parcel.entries.values(), manifest_entry(parcel)]
    return {
        "schema": 1, "change": change, "release": parcel.release, "bundle": parcel.folder,
        "bundle_digest": parcel.digest, "place": place, **server,
        "files": [entry._asdict() for entry in entries],
        "read_back_at": now.isoformat(timespec="seconds"), "read_back_by": who,
    }


def receipt_path(record_root: str, receipt: Mapping[str, Any]) -> str:
    """Where a receipt is kept."""
    name = "-".join(part for part in (receipt["change"], receipt["bundle"], "delivery.json") if part)
    return os.path.join(record_root, name)


def keep_receipt(record_root: str, receipt: Mapping[str, Any], check: bool) -> bool:
    """Keep it, unless one is kept that says the same of an earlier run; True when it was written, or would be."""
    path = receipt_path(record_root, receipt)
    if _known(path) == _lasting(receipt):
        return False
    if not check:
        _write(path, receipt)
    return True


def _write(path: str, receipt: Mapping[str, Any]) -> None:
    try:
        make_dirs(os.path.dirname(path), 0o750)
        write_durably(path, (json.dumps(receipt, indent=2) + "\n").encode(), 0o640)
    except OSError as error:
        raise DeliveryError(
            f"all is delivered, but its receipt cannot be kept: {error.strerror}", path,
            "make the folder one that this user may write to, and deliver again",
        ) from error


def _known(path: str) -> dict[str, Any] | None:
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
    except (OSError, ValueError):
        return None
    return _lasting(found) if isinstance(found, dict) else None


def _lasting(receipt: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in receipt.items() if key not in OF_THE_RUN}
