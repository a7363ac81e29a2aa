# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a Caché or IRIS instance, as ``ccontrol qlist`` and ``iris qlist`` print it (FACTS 1.1).

One line an instance, fields parted by carets: eight of them before 2013, thirteen and more
today. The human ``list`` is translated and never read.
"""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown

FIELDS = 8
CURE = "see what `qlist` prints for the instance, as the user that the playbook runs as"
PRIMARY = "primary"
NO_MEMBER = ("", "not member")


class Status(NamedTuple):
    """What qlist says. ``state`` in small letters without its time; ``detail``: the time.

    ``configuration``: name of the CPF. ``health``: ok, warn, alert, hung. ``mirror_type`` and
    ``mirror_status``: empty where the instance is no mirror member. ``data_directory``: where
    the CPF lies.
    """

    name: str
    directory: str
    version: str
    state: str
    detail: str
    configuration: str
    health: str
    product: str
    mirror_type: str
    mirror_status: str
    data_directory: str

    @property
    def ready(self) -> bool:
        """Whether it takes sessions. A node whose ids file is missing does."""
        return self.state == "running" or self.state.startswith("running on node ?")

    @property
    def down(self) -> bool:
        """Whether it was stopped in order."""
        return self.state == "down"

    @property
    def is_iris(self) -> bool:
        """Caché and Ensemble keep data in CACHE.DAT, IRIS in IRIS.DAT."""
        return not self.configuration.lower().startswith("cache")

    @property
    def dataset_file(self) -> str:
        """What the file of every database is called."""
        return "IRIS.DAT" if self.is_iris else "CACHE.DAT"

    @property
    def lock_file(self) -> str:
        """What lies beside the file of a mounted database (FACTS 3.3)."""
        return "iris.lck" if self.is_iris else "cache.lck"

    @property
    def takes_changes(self) -> bool:
        """Whether data and code may be changed here: on no member of a mirror but its primary."""
        return self.mirror_type.lower() in NO_MEMBER or self.mirror_status.lower() == PRIMARY


def parse(output: str, name: str) -> Status:
    """The line of the instance called ``name``. Raises HostStateUnknown if there is none."""
    for line in output.splitlines():
        fields = [field.strip() for field in line.split("^")]
        if len(fields) >= FIELDS and fields[0].upper() == name.upper():
            return _status(fields)
    said = " ".join(output.split())[:200]
    raise HostStateUnknown(
        f"qlist has no line for instance {name}" + (f": {said}" if said else ""),
        place=f"instance {name}", cure="correct the name in the inventory; " + CURE,
    )


def _status(fields: "list[str]") -> Status:
    fields = fields + [""] * (13 - len(fields))
    state, _comma, detail = fields[3].partition(",")
    configuration = fields[4]
    product = fields[9].strip("'") or ("Cache" if configuration.lower().startswith("cache") else "IRIS")
    return Status(
        fields[0], _directory(fields[1]), fields[2], state.strip().lower(), detail.strip(), configuration,
        # Lines from before 2013 have no health.
        fields[8].lower() or "ok", product, fields[10], fields[11], _directory(fields[12] or fields[1]),
    )


def _directory(path: str) -> str:
    return path.rstrip("/") or "/"
