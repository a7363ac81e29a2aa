# SPDX-License-Identifier: GPL-3.0-or-later
"""The SFTP adapter's decisions that need no server; tests/integration/test_deliver.py has one."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError, InvalidInput
from ansible_collections.relmgmt.release.plugins.plugin_utils import sftp_drop

DROP = {"host": "drop", "user": "relmgmt", "private_key": "/k", "known_hosts": "/h", "path": "/incoming"}


class SpeechlessServer:
    """An SFTP session that answers every request with the generic failure of SFTP 3."""

    def __getattr__(self, name):
        def answer(*args, **kwargs):
            raise OSError("Failure")

        return answer


def test_a_whole_drop_is_accepted():
    assert sftp_drop.check_drop(DROP) is None


@pytest.mark.parametrize("key", sorted(DROP))
def test_a_missing_setting_is_named(key):
    with pytest.raises(InvalidInput, match=f"no {key}"):
        sftp_drop.check_drop({**DROP, key: ""})


def test_a_relative_path_is_refused():
    with pytest.raises(InvalidInput, match="not absolute"):
        sftp_drop.check_drop({**DROP, "path": "incoming"})


def test_missing_paramiko_is_said_with_its_cure(monkeypatch):
    monkeypatch.setattr(sftp_drop, "PARAMIKO_MISSING", ImportError("No module named 'paramiko'"))
    with pytest.raises(InvalidInput, match="pip install paramiko"):
        sftp_drop.check_drop(DROP)


def test_an_unreadable_known_hosts_is_refused_before_connecting(tmp_path):
    drop = {**DROP, "known_hosts": str(tmp_path / "missing")}
    with pytest.raises(InvalidInput, match="known_hosts cannot be read"), sftp_drop.open_drop(drop, 1):
        pass


@pytest.mark.parametrize(
    "call",
    [
        lambda files: files.size("/a"),
        lambda files: list(files.chunks("/a")),
        lambda files: files.names("/a"),
        lambda files: files.make_directory("/a"),
        lambda files: files.store("/a", [b"x"]),
        lambda files: files.rename("/a", "/b"),
        lambda files: files.remove("/a"),
    ],
)
def test_every_failure_is_a_delivery_error_with_place_and_cure(call):
    files = sftp_drop.SftpFiles(SpeechlessServer(), "sftp://drop:22")
    with pytest.raises(DeliveryError, match="SFTP failed: Failure") as caught:
        call(files)
    assert caught.value.place.startswith("sftp://drop:22/")
    assert caught.value.cure
