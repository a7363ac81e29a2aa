# SPDX-License-Identifier: GPL-3.0-or-later
"""EAR files on disk: one that is damaged is told as such, whatever is wrong with it."""

from __future__ import annotations

import zipfile
import zlib

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_package import pack, unpack
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import WebApp
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._files import sha256_file


@pytest.fixture
def ear(tmp_path):
    """One that another tool has packed, compressed."""
    path = tmp_path / "app.ear"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.war", b"text " * 400)
    return path


def damaged(path, offset: int, data: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[offset:offset + len(data)] = data
    path.write_bytes(content)


def test_a_war_comes_out_as_it_went_in(tmp_path):
    war, ear = tmp_path / "app.war", tmp_path / "app.ear"
    with zipfile.ZipFile(war, "w") as archive:
        archive.writestr("index.html", "x")
    pack(WebApp("app", "/app"), str(war), str(ear))
    delivered = unpack(str(ear), str(tmp_path))
    assert delivered.sha256 == sha256_file(str(war))


def test_a_stream_that_is_no_deflate_is_told(ear, tmp_path):
    damaged(ear, 30 + len("app.war"), b"\xff" * 4)
    with pytest.raises(InvalidInput, match="not a sound EAR file"):
        unpack(str(ear), str(tmp_path))


def test_a_member_that_is_encrypted_is_told(ear, tmp_path):
    central = ear.read_bytes().index(b"PK\x01\x02")
    damaged(ear, 6, b"\x01")
    damaged(ear, central + 8, b"\x01")
    with pytest.raises(InvalidInput, match="not a sound EAR file"):
        unpack(str(ear), str(tmp_path))


@pytest.mark.parametrize("error", [zlib.error, RuntimeError, ValueError, NotImplementedError, EOFError])
def test_whatever_reading_a_member_ends_in(ear, tmp_path, monkeypatch, error):
    def broken(*_what: object) -> None:
        raise error("of the archive")

    monkeypatch.setattr(zipfile.ZipFile, "open", broken)
    with pytest.raises(InvalidInput, match="of the archive"):
        unpack(str(ear), str(tmp_path))
