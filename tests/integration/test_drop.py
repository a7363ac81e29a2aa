# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages come from the drop by digest: a directory, and a real OpenSSH server (A9, A13, invariants 6 and 12)."""

from __future__ import annotations

import os
import pathlib
import stat

import pytest
from sshd import sftp_server, start_sshd
from web_host import build_zip, deliver, sha256

from ansible_collections.relmgmt.release.plugins.module_utils._drop import fetch
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError, InvalidInput


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = start_sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


@pytest.fixture
def package(tmp_path):
    return build_zip(tmp_path / "cfis.war", {"index.html": "one"})


def drop_on(server, path):
    """A drop that a server gives out."""
    return {
        "method": "sftp", "path": str(path), "host": server.host, "port": server.port, "user": server.user,
        "private_key": server.private_key, "known_hosts": server.known_hosts,
    }


@pytest.fixture(params=["path", "sftp"])
def drop(request, tmp_path):
    if request.param == "sftp":
        return drop_on(request.getfixturevalue("server"), tmp_path / "the drop")
    return {"method": "path", "path": str(tmp_path / "the drop")}


@pytest.fixture
def into(tmp_path):
    (tmp_path / "into").mkdir()
    return tmp_path / "into"


def place(drop, bundle, name) -> pathlib.Path:
    return pathlib.Path(drop["path"]) / bundle / name


def test_a_package_arrives_in_a_private_file(drop, package, into):
    bundle = deliver(pathlib.Path(drop["path"]), "CFIS002", package)
    path = fetch(drop, bundle, "cfis.war", sha256(package), str(into))
    assert pathlib.Path(path).read_bytes() == package.read_bytes()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    assert into in pathlib.Path(path).parents


def refused(drop, bundle, digest, into, file="cfis.war", kind=DeliveryError):
    with pytest.raises(kind) as caught:
        fetch(drop, bundle, file, digest, str(into))
    assert list(into.iterdir()) == []
    return caught.value


def test_without_a_manifest_nothing_was_delivered(drop, package, into):
    """A watcher never sees half a set: the manifest comes last."""
    bundle = deliver(pathlib.Path(drop["path"]), "CFIS002", package)
    place(drop, bundle, "MANIFEST.json").unlink()
    error = refused(drop, bundle, sha256(package), into)
    assert "has not been delivered" in error.message
    assert "ansible-playbook playbooks/deliver.yml" in error.cure
    assert bundle in error.place


def test_a_package_that_was_exchanged_or_cut_is_refused(drop, package, into):
    bundle = deliver(pathlib.Path(drop["path"]), "CFIS002", package)
    data = package.read_bytes()
    for other in (data[:-1], data + b"x", data[:-1] + b"x", b""):
        place(drop, bundle, "cfis.war").write_bytes(other)
        assert "is not what was delivered" in refused(drop, bundle, sha256(package), into).message
    place(drop, bundle, "cfis.war").unlink()
    assert "is not there" in refused(drop, bundle, sha256(package), into).message


def test_another_digest_than_the_bundles_is_refused(drop, package, into):
    bundle = deliver(pathlib.Path(drop["path"]), "CFIS002", package)
    error = refused(drop, bundle, "1" * 64, into)
    assert "another digest" in error.message
    assert error.detail["found"] == sha256(package)


@pytest.mark.parametrize("file", ["../MANIFEST.json", "*.war", '"x', "a\nrm b"])
def test_a_name_that_is_more_than_a_name_is_refused(drop, package, into, file):
    bundle = deliver(pathlib.Path(drop["path"]), "CFIS002", package)
    refused(drop, bundle, sha256(package), into, file, InvalidInput)


class TestSftp:
    """What only a server has."""

    @pytest.fixture
    def drop(self, server, tmp_path):
        return drop_on(server, tmp_path / "drop")

    def test_an_unknown_host_key_is_refused(self, drop, package, into, tmp_path):
        bundle = deliver(pathlib.Path(drop["path"]), "CFIS002", package)
        (tmp_path / "empty").write_text("")
        error = refused({**drop, "known_hosts": str(tmp_path / "empty")}, bundle, sha256(package), into)
        assert "Host key verification failed" in error.message
        assert "known_hosts" in error.cure

    def test_another_key_is_refused_and_nothing_is_asked(self, drop, package, into, tmp_path):
        bundle = deliver(pathlib.Path(drop["path"]), "CFIS002", package)
        (tmp_path / "key").write_text("none")
        error = refused({**drop, "private_key": str(tmp_path / "key")}, bundle, sha256(package), into)
        assert "cannot be reached" in error.message

    def test_a_connection_cut_in_mid_file_is_told_and_leaves_nothing(self, tmp_path, into):
        wrapper = tmp_path / "cuts"
        wrapper.write_text(f"#!/bin/sh\n{sftp_server()} | stdbuf -o0 head -c 1000000\n")
        wrapper.chmod(0o755)
        package = tmp_path / "cfis.war"
        package.write_bytes(os.urandom(4 << 20))
        bundle = deliver(tmp_path / "drop", "CFIS002", package)
        server = start_sshd(tmp_path / "sshd", sftp=str(wrapper))
        try:
            error = refused(drop_on(server, tmp_path / "drop"), bundle, sha256(package), into)
        finally:
            server.stop()
        assert "over SFTP" in error.message
        assert error.place.endswith(f"{bundle}/cfis.war")

    def test_a_server_that_is_not_there_is_named(self, drop, package, into):
        error = refused({**drop, "port": 1}, "CFIS002-0123456789ab", "1" * 64, into)
        assert error.place.startswith("sftp://127.0.0.1:1/")

    @pytest.mark.parametrize("wrong", [{"host": "-oProxyCommand=x"}, {"user": "a b"}, {"host": ""}, {"path": "/a*"}])
    def test_settings_that_would_be_options_are_refused(self, drop, into, wrong):
        refused({**drop, **wrong}, "CFIS002-0123456789ab", "1" * 64, into, kind=InvalidInput)
