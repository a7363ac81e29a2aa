# SPDX-License-Identifier: GPL-3.0-or-later
"""The SFTP adapter's decisions that need no server; tests/integration/test_deliver.py has one."""

from __future__ import annotations

import struct

import paramiko
import pytest
from paramiko.sftp import CMD_EXTENDED_REPLY

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


class StalledServer:
    """One that answers no more, until somebody hangs up."""

    hung_up = False

    def open(self, path, mode):
        raise TimeoutError

    def remove(self, path):
        if self.hung_up:
            raise OSError("Socket is closed")
        raise AssertionError("asked again")

    def close(self):
        self.hung_up = True


def test_a_stalled_line_is_given_up_so_that_the_part_stays_for_the_next_delivery():
    files = sftp_drop.SftpFiles(StalledServer(), "sftp://drop:22", {})
    with pytest.raises(DeliveryError, match="the server does not answer"):
        files.store("/a", [b"x"])
    with pytest.raises(DeliveryError, match="closed"):
        files.remove("/a")


@pytest.mark.parametrize(
    ("block", "unit", "blocks", "free"), [(4096, 512, 9, 512 * 7), (4096, 0, 9, 4096 * 7), (4096, 512, 0, None)]
)
def test_room_is_counted_in_fragments_and_unknown_where_the_server_has_no_figures(block, unit, blocks, free):
    class Server:
        def _request(self, kind, name, path):
            assert (name, path) == ("statvfs@openssh.com", "/incoming")
            return CMD_EXTENDED_REPLY, paramiko.Message(struct.pack(">5Q", block, unit, blocks, 8, 7))

    assert sftp_drop.SftpFiles(Server(), "sftp://drop:22", {}).free("/incoming") == free


def test_a_server_that_does_not_say_how_much_room_it_has_is_not_refused():
    assert sftp_drop.SftpFiles(SpeechlessServer(), "sftp://drop:22", {}).free("/incoming") is None


@pytest.mark.parametrize(
    "call",
    [
        lambda files: files.size("/a"),
        lambda files: list(files.chunks("/a")),
        lambda files: files.names("/a"),
        lambda files: files.make_directory("/a"),
        lambda files: files.store("/a", [b"x"]),
        lambda files: files.store("/a", [b"x"], 7),
        lambda files: files.rename("/a", "/b"),
        lambda files: files.remove("/a"),
    ],
)
def test_every_failure_is_a_delivery_error_with_place_and_cure(call):
    files = sftp_drop.SftpFiles(SpeechlessServer(), "sftp://drop:22", {})
    with pytest.raises(DeliveryError, match="SFTP failed: Failure") as caught:
        call(files)
    assert caught.value.place.startswith("sftp://drop:22/")
    assert caught.value.cure
