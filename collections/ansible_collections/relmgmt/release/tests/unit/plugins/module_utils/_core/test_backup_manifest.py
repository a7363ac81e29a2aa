# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a backup set."""

from __future__ import annotations

import json

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import (
    BLOCKS,
    Base,
    DatasetCopy,
    Manifest,
    Position,
    parse,
    render,
    set_path,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, InvalidInput

POSITION = Position(201, "/db/cfis.mjl", True)
COPY = DatasetCopy("DEFAULT", "DEFAULT.dat", "database", "/db/cfis.dat", 8192, "0" * 64, 0o640, 7, 8, POSITION)
ROUTINES = DatasetCopy("routines", "routines.tar", "routines", "/r", 10240, "1" * 64, 0o755, 7, 8)
MANIFEST = Manifest(
    "gtm", "CFIS", "CFIS002", "CHG0000002", 1, "before", "2026-12-05T10:00:00+00:00", "online", "native", None, None,
    (COPY, ROUTINES),
)
SECOND = MANIFEST._replace(
    point="installed", provider="copy", frozen_seconds=0.25, base=Base("../before", "2" * 64),
    datasets=(COPY._replace(stored=BLOCKS, file="CFISDATA/IRIS.DAT", block_size=65536, algorithm="blake2b/128"),),
)


def test_a_manifest_survives_the_way_to_disk() -> None:
    assert parse(render(MANIFEST), "m") == MANIFEST
    assert MANIFEST.positions == {"DEFAULT": POSITION}
    assert MANIFEST.of_kind("routines") == [ROUTINES]
    assert json.loads(render(MANIFEST))["root_digest"] == MANIFEST.root_digest
    assert parse(render(SECOND), "m") == SECOND


def test_every_flipped_bit_is_found() -> None:
    data = render(MANIFEST)
    for position in range(len(data)):
        for bit in (1, 16):
            damaged = data[:position] + bytes([data[position] ^ bit]) + data[position + 1:]
            with pytest.raises(DatasetError, match="manifest"):
                parse(damaged, "/b/manifest.json")


def test_every_value_is_covered_by_the_root_digest() -> None:
    for name in Manifest._fields:
        if name != "datasets":
            other = 9 if name in ("attempt", "frozen_seconds") else Base("../x", "") if name == "base" else "other"
            changed = MANIFEST._replace(**{name: other})
            assert changed.root_digest != MANIFEST.root_digest, name
    for name in DatasetCopy._fields:
        other = COPY._replace(**{name: "other" if name != "position" else None})
        assert MANIFEST._replace(datasets=(other, ROUTINES)).root_digest != MANIFEST.root_digest, name


@pytest.mark.parametrize("file", ["../x", "/etc/passwd", "a/b/c", "a/../b", "a/", "/a", "", ".hidden", "a/.b"])
def test_a_file_outside_the_set_is_refused(file: str) -> None:
    hostile = MANIFEST._replace(datasets=(COPY._replace(file=file),))
    with pytest.raises(DatasetError, match="leaves the set"):
        parse(render(hostile), "m")


@pytest.mark.parametrize("path", ["..", "../..", "/backup/before", "before", "../a/b", "../.x", ""])
def test_a_base_that_is_not_beside_the_set_is_refused(path: str) -> None:
    with pytest.raises(DatasetError, match="not beside the set"):
        parse(render(SECOND._replace(base=Base(path, "2" * 64))), "m")


@pytest.mark.parametrize("values, message", [
    ({"block_size": 512}, "digests of DEFAULT.dat"), ({"algorithm": "md5"}, "digests of DEFAULT.dat"),
    ({"stored": "zip"}, "stored as 'zip'"), ({"stored": BLOCKS}, "names no base"),
])
def test_a_dataset_that_nobody_can_read_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        parse(render(MANIFEST._replace(datasets=(COPY._replace(**values),))), "m")


def test_a_manifest_of_another_schema_names_the_cure() -> None:
    values = json.loads(render(MANIFEST))
    # Schema 1 had no providers and no bases.
    for name in ("provider", "frozen_seconds", "base"):
        del values[name]
    with pytest.raises(DatasetError, match="schema 1 is not 2") as caught:
        parse(json.dumps({**values, "schema": 1}).encode(), "m")
    assert caught.value.cure == "use the version of the collection that took the set"


def test_a_set_without_datasets_is_none() -> None:
    with pytest.raises(DatasetError, match="no dataset"):
        parse(render(MANIFEST._replace(datasets=())), "m")


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"\xff", b'{"datasets": 1}', b"null", pytest.param(b"[" * 200_000, id="deep")]
)
def test_what_is_no_manifest_is_refused_naming_the_place(data: bytes) -> None:
    with pytest.raises(DatasetError) as caught:
        parse(data, "/b/manifest.json")
    assert caught.value.place == "/b/manifest.json"


def test_where_a_set_lies() -> None:
    path = set_path("/backup/", "CFIS002", "CHG0000002", 3, "CFIS", "installed")
    assert path == "/backup/CFIS002/CHG0000002-3/CFIS/installed"


@pytest.mark.parametrize("release,change,instance,point", [
    ("../x", "C", "I", "before"), ("", "C", "I", "before"), ("R", "C/D", "I", "before"),
    ("R", "", "I", "before"), ("R", "C", "..", "before"), ("R", "C", "I", "after"),
])
def test_a_path_never_leaves_the_root(release: str, change: str, instance: str, point: str) -> None:
    with pytest.raises(InvalidInput):
        set_path("/backup", release, change, 1, instance, point)
