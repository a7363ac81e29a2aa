# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a backup set: what it holds, how it came about, and its digests.

One form for every engine and for every way of copying. Its bytes are canonical and carry
their own digest, so that a flipped bit anywhere in the manifest is found.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import BLOCK_SIZES, DIGESTS, SHA256
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, InvalidInput

SCHEMA = 2
NAME = "manifest.json"
MAX_BYTES = 4 << 20
DATABASE, ROUTINES = "database", "routines"
PLAIN, BLOCKS = "plain", "blocks"
POINTS = ("before", "installed")
_PART = re.compile(r"[A-Za-z0-9%][A-Za-z0-9._%-]{0,127}")
_FILE = re.compile(_PART.pattern + "(?:/" + _PART.pattern + ")?")
_BASE = re.compile(r"\.\./" + _PART.pattern)
_CURE = "take another backup set; if this is the only one, look for a copy of its directory"


class Position(NamedTuple):
    """Where a region's journal stood: writes since carry this transaction number or more.

    ``journal``: the journal file in use from the point on, "" if journaling was off.
    ``before_images``: how the journal was set.
    """

    transaction: int
    journal: str
    before_images: bool


class DatasetCopy(NamedTuple):
    """One dataset of a set.

    ``name``: region or database name. ``file``: its name in the set; the digests lie beside
    it in ``<file>.digests``, one for every ``block_size`` bytes. ``path``: where it came from.
    ``mode``, ``uid``, ``gid``: as the original had them. ``position`` is None where there is no
    journal (routines). ``stored``: "plain", the file itself; "blocks", ``<file>.blocks`` and
    ``<file>.index`` instead, what differs from the manifest's base.
    """

    name: str
    file: str
    kind: str
    path: str
    size: int
    root: str
    mode: int
    uid: int
    gid: int
    position: Position | None = None
    block_size: int = 8192
    algorithm: str = SHA256
    stored: str = PLAIN

    @property
    def digests(self) -> str:
        """The name of its digests' file."""
        return self.file + ".digests"


class Base(NamedTuple):
    """The earlier set that a set's missing blocks lie in: ``path`` relative to the set, its root digest."""

    path: str
    root_digest: str


class Manifest(NamedTuple):
    """A backup set. ``taken_at``: ISO 8601, UTC. ``consistency``: how it was reached.

    ``provider``: which rung of the ladder copied it. ``frozen_seconds``: None if nothing was frozen.
    """

    engine: str
    instance: str
    release: str
    change: str
    attempt: int
    point: str
    taken_at: str
    consistency: str
    provider: str
    frozen_seconds: float | None
    base: Base | None
    datasets: tuple[DatasetCopy, ...]

    @property
    def root_digest(self) -> str:
        """One digest for the whole set."""
        return _digest_of(_values(self))

    @property
    def label(self) -> str:
        """What clones and snapshots of this set are called beside the datasets."""
        return label_of(self.change, self.attempt, self.instance, self.point)

    @property
    def positions(self) -> dict[str, Position]:
        """The journal position of every database, by its name."""
        return {one.name: one.position for one in self.datasets if one.position is not None}

    def of_kind(self, kind: str) -> list[DatasetCopy]:
        """The datasets of a kind: database or routines."""
        return [one for one in self.datasets if one.kind == kind]


def label_of(change: str, attempt: int, instance: str, point: str) -> str:
    """What clones and snapshots of this set are called beside the datasets."""
    return f"{change}-{attempt}-{instance}-{point}"


def set_path(root: str, release: str, change: str, attempt: int, instance: str, point: str) -> str:
    """Where a set lies: ``<root>/<release>/<change>-<attempt>/<instance>/<point>``."""
    for what, value in (("release", release), ("change", change), ("instance", instance)):
        if not _PART.fullmatch(value or ""):
            raise InvalidInput(
                f"{what} {value!r} cannot name a directory", place="backup set",
                cure="letters, digits, dot, dash and underscore",
            )
    if point not in POINTS:
        raise InvalidInput(f"point {point!r} is not one of {', '.join(POINTS)}", place="backup set")
    return "/".join([root.rstrip("/"), release, f"{change}-{attempt}", instance, point])


def render(manifest: Manifest) -> bytes:
    """The manifest's only valid bytes."""
    values = _values(manifest)
    return _text({**values, "root_digest": _digest_of(values)})


def parse(data: bytes, place: str) -> Manifest:
    """The manifest that these bytes render; anything else is a DatasetError naming ``place``."""
    try:
        values = json.loads(data.decode("utf-8"))
        _require_schema(values.get("schema"), place)
        manifest = _manifest(values)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DatasetError(f"the manifest cannot be read: {error}", place=place, cure=_CURE) from error
    if render(manifest) != data:
        raise DatasetError("the manifest was changed after it was written", place=place, cure=_CURE)
    return manifest


def _require_schema(found: object, place: str) -> None:
    # First: other schemas have other fields.
    if found != SCHEMA:
        raise DatasetError(
            f"manifest schema {found!r} is not {SCHEMA}", place=place,
            cure="use the version of the collection that took the set",
        )


def _values(manifest: Manifest) -> dict[str, Any]:
    values = manifest._asdict()
    values["base"] = manifest.base._asdict() if manifest.base is not None else None
    values["datasets"] = [_dataset_values(one) for one in manifest.datasets]
    return {"schema": SCHEMA, **values}


def _dataset_values(one: DatasetCopy) -> dict[str, Any]:
    position = one.position._asdict() if one.position is not None else None
    return {**one._asdict(), "position": position, "digests": one.digests}


def _manifest(values: dict[str, Any]) -> Manifest:
    plain = {name: values[name] for name in Manifest._fields if name not in ("datasets", "base")}
    base = _base(values["base"])
    datasets = tuple(_dataset(one) for one in values["datasets"])
    if not datasets:
        raise ValueError("it lists no dataset")
    if base is None and any(one.stored == BLOCKS for one in datasets):
        raise ValueError("it names no base for datasets stored as blocks")
    return Manifest(datasets=datasets, base=base, **plain)


def _base(values: dict[str, Any] | None) -> Base | None:
    if values is None:
        return None
    base = Base(**values)
    if not _BASE.fullmatch(base.path):
        raise ValueError(f"base {base.path!r} is not beside the set")
    return base


def _dataset(values: dict[str, Any]) -> DatasetCopy:
    known = {name: values[name] for name in DatasetCopy._fields}
    if not _FILE.fullmatch(known["file"]):
        raise ValueError(f"file name {known['file']!r} leaves the set")
    if known["block_size"] not in BLOCK_SIZES or known["algorithm"] not in DIGESTS:
        raise ValueError(
            f"digests of {known['file']} are {known['algorithm']!r} of {known['block_size']!r} bytes, "
            f"not {' or '.join(DIGESTS)} of {', '.join(map(str, BLOCK_SIZES))} bytes"
        )
    if known["stored"] not in (PLAIN, BLOCKS):
        raise ValueError(f"{known['file']} is stored as {known['stored']!r}")
    if known["position"] is not None:
        known["position"] = Position(**known["position"])
    return DatasetCopy(**known)


def _digest_of(values: dict[str, Any]) -> str:
    return hashlib.sha256(_text(values)).hexdigest()


def _text(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=1, sort_keys=True) + "\n").encode()
