# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the inventory before a password leaves its file."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_rest import Changed, notify
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import Admin
from ansible_collections.relmgmt.release.plugins.module_utils._errors import RelmgmtError

CHANGED = Changed(modified=["/x"])


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text("tiger\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def failure(url, password_file, ca_file=""):
    with pytest.raises(RelmgmtError) as caught:
        notify(Admin(url, "deployer", str(password_file), str(ca_file)), CHANGED)
    assert caught.value.cure
    assert "tiger" not in str(caught.value)
    return str(caught.value)


def test_a_password_goes_over_https_alone(password):
    """Invariant 11."""
    assert "not an HTTPS address" in failure("http://127.0.0.1:1", password)


def test_a_password_file_is_its_owners_alone(password, tmp_path):
    password.chmod(0o640)
    assert "others may read the password file" in failure("https://127.0.0.1:1", password)
    assert "cannot be read" in failure("https://127.0.0.1:1", tmp_path / "missing")


def test_certificates_that_cannot_be_read_are_told(password, tmp_path):
    assert "the certificates cannot be read" in failure("https://127.0.0.1:1", password, tmp_path / "missing.pem")


def test_a_server_that_does_not_answer_is_told(password, closed_port):
    assert "restConnector does not answer" in failure(f"https://127.0.0.1:{closed_port}", password)
