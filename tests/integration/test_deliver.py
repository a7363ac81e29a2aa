# SPDX-License-Identifier: GPL-3.0-or-later
"""relmgmt.release.deliver on a real OpenSSH server (A9, A13, invariants 7 and 8)."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import secrets
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from mounts import small
from sshd import sftp_server, start_sshd

from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError
from ansible_collections.relmgmt.release.plugins.plugin_utils.delivery import send, survey
from ansible_collections.relmgmt.release.plugins.plugin_utils.prior_packages import Prior, prior_parcel
from ansible_collections.relmgmt.release.plugins.plugin_utils.sftp_drop import open_drop

__all__ = ["small"]
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
COLLECTIONS = str(REPOSITORY / "collections")
MIB = 1 << 20
RELEASE = """\
schema: 1
name: CFIS002
packages:
  - {{type: cache_xml, file: CFIS002.xml, sha256: {xml}}}
  - {{type: war, file: cfis.war, sha256: {war}, application: cfis}}
  - {{type: static_zip, file: cfis-static.zip, sha256: {zip}}}
documents: {{release_notes: RELEASE-NOTES.md, deployment_checklist: CHECKLIST.md}}
"""
DELIVERED = {"CFIS002.xml", "cfis.war", "cfis-static.zip", "RELEASE-NOTES.md", "CHECKLIST.md", "MANIFEST.json"}
BEFORE_THE_WAR = {"CFIS002.xml", "CHECKLIST.md", "RELEASE-NOTES.md", "cfis-static.zip"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_bundle(directory, war=b"PK war"):
    """A sealed bundle; returns its directory."""
    directory.mkdir()
    files = {
        "CFIS002.xml": b"<Export/>", "cfis.war": war, "cfis-static.zip": b"",
        "RELEASE-NOTES.md": b"# Notes\n", "CHECKLIST.md": b"# Checklist\n", "internal.txt": b"stays here\n",
    }
    files["release.yml"] = RELEASE.format(
        xml=sha256(files["CFIS002.xml"]), war=sha256(war), zip=sha256(b"")
    ).encode()
    for name, data in files.items():
        (directory / name).write_bytes(data)
    sums = "".join(f"{sha256(files[name])}  {name}\n" for name in sorted(files))
    (directory / "SHA256SUMS").write_text(sums)
    return directory


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = start_sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


@pytest.fixture
def bundle(tmp_path):
    return write_bundle(tmp_path / "CFIS002")


@pytest.fixture
def base(tmp_path):
    (tmp_path / "drop").mkdir()
    return tmp_path / "drop"


def deliver(server, bundle, base, *arguments, options=None, **drop):
    """Run the module once; returns (succeeded, its result)."""
    process = start_delivery(server, bundle, base, *arguments, options=options, **drop)
    return outcome(process)


def start_delivery(server, bundle, base, *arguments, options=None, **drop):
    options = {
        "bundle": str(bundle),
        "timeout": 20,
        "drop": {
            "host": server.host, "port": server.port, "user": server.user, "path": str(base),
            "private_key": server.private_key, "known_hosts": server.known_hosts, **drop,
        },
        **(options or {}),
    }
    command = [
        str(pathlib.Path(sys.executable).parent / "ansible"), "localhost", "-i", "localhost,", "-c", "local",
        "-m", "relmgmt.release.deliver", "-a", json.dumps(options), *arguments,
    ]
    environment = {
        **os.environ, "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS, "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal", "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "HOME": str(bundle.parent),
    }
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outcome(process):
    out, errors = process.communicate(timeout=120)
    assert "=> {" in out, out + errors
    result = json.loads("{" + out.split("=> {", 1)[1].rsplit("}", 1)[0] + "}")
    return process.returncode == 0, {**result, "output": out}


def snapshot(base):
    return {
        str(p.relative_to(base)): (p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_ino)
        for p in base.rglob("*") if p.is_file()
    }


def test_delivers_verifies_and_a_second_run_changes_nothing(server, bundle, base):
    succeeded, result = deliver(server, bundle, base)
    assert succeeded, result
    assert result["changed"]
    folder = base / result["bundle"]
    assert {p.name for p in folder.iterdir()} == DELIVERED
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    assert manifest["bundle_digest"] == sha256((bundle / "SHA256SUMS").read_bytes())
    assert manifest["files"]["cfis.war"] == {"sha256": sha256(b"PK war"), "size": 6}
    before = snapshot(base)

    succeeded, result = deliver(server, bundle, base)
    assert succeeded
    assert not result["changed"]
    assert result["sent"] == []
    assert set(result["kept"]) == DELIVERED
    assert snapshot(base) == before


def test_check_mode_lists_what_would_be_sent_and_touches_nothing(server, bundle, base):
    succeeded, result = deliver(server, bundle, base, "--check", "--diff")
    assert succeeded, result
    assert result["changed"]
    assert set(result["sent"]) == DELIVERED
    assert f"+cfis.war 6 bytes sha256 {sha256(b'PK war')}" in result["output"]
    assert "+MANIFEST.json" in result["output"]
    assert snapshot(base) == {}
    assert list(base.iterdir()) == []


def test_a_server_without_posix_rename_and_fsync_will_do(tmp_path, bundle, base):
    program = sftp_server()
    server = start_sshd(tmp_path / "sshd", sftp=f"{program} -P posix-rename,fsync,hardlink,limits")
    try:
        succeeded, result = deliver(server, bundle, base)
    finally:
        server.stop()
    assert succeeded, result
    assert {p.name for p in (base / result["bundle"]).iterdir()} == DELIVERED


def test_a_wrong_host_key_is_refused(server, bundle, base, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    key = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    (tmp_path / "known").write_text(f"[{server.host}]:{server.port} {key}\n")
    succeeded, result = deliver(server, bundle, base, known_hosts=str(tmp_path / "known"))
    assert not succeeded
    assert result["error"]["kind"] == "DeliveryError"
    assert "another host key" in result["msg"]
    assert list(base.iterdir()) == []


def test_an_unknown_host_is_refused(server, bundle, base, tmp_path):
    (tmp_path / "known").write_text("")
    succeeded, result = deliver(server, bundle, base, known_hosts=str(tmp_path / "known"))
    assert not succeeded
    assert "not found in known_hosts" in result["msg"]
    assert list(base.iterdir()) == []


def test_a_key_that_the_server_does_not_know_is_refused(server, bundle, base, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "mine")], check=True)
    succeeded, result = deliver(server, bundle, base, private_key=str(tmp_path / "mine"))
    assert not succeeded
    assert "Authentication failed" in result["msg"]


def test_a_foreign_file_under_a_final_name_is_refused_and_left_alone(server, bundle, base):
    name = deliver(server, bundle, base, "--check")[1]["bundle"]
    (base / name).mkdir()
    (base / name / "cfis.war").write_bytes(b"PK bad")
    succeeded, result = deliver(server, bundle, base)
    assert not succeeded
    assert result["error"]["file"] == "cfis.war"
    assert str(base / name / "cfis.war") in result["msg"]
    assert {p.name: p.read_bytes() for p in (base / name).iterdir()} == {"cfis.war": b"PK bad"}


def test_a_link_under_a_final_name_is_refused(server, bundle, base):
    name = deliver(server, bundle, base, "--check")[1]["bundle"]
    (base / name).mkdir()
    (base / name / "cfis.war").symlink_to(bundle / "cfis.war")
    succeeded, result = deliver(server, bundle, base)
    assert not succeeded
    assert "no plain file" in result["msg"]


def test_a_bundle_that_is_not_what_it_was_sealed_as_is_not_delivered(server, bundle, base):
    (bundle / "cfis.war").write_bytes(b"PK bad")
    succeeded, result = deliver(server, bundle, base)
    assert not succeeded
    assert result["error"]["kind"] == "InvalidInput"
    assert list(base.iterdir()) == []


def test_a_drop_directory_that_is_not_there_is_named(server, bundle, base):
    succeeded, result = deliver(server, bundle, base / "missing")
    assert not succeeded
    assert str(base / "missing") in result["msg"]


SOME = "stdbuf -o0 head -c 2000000"


@contextmanager
def first_session(place, command):
    """A server whose first SFTP session is this command of the shell; later ones are whole."""
    place.mkdir()
    wrapper = place / "once"
    wrapper.write_text(f"#!/bin/sh\nmkdir {place}/begun 2>/dev/null || exec {sftp_server()}\n{command}\n")
    wrapper.chmod(0o755)
    server = start_sshd(place / "sshd", sftp=str(wrapper))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def cut_off(tmp_path, base):
    """A delivery whose connection was cut in mid-file: the server, the bundle, and the part that was left."""
    bundle = write_bundle(tmp_path / "big", war=os.urandom(MIB * 4))
    with first_session(tmp_path / "cuts", f"{{ {SOME}; exit; }} | {sftp_server()}") as server:
        succeeded, result = deliver(server, bundle, base)
        assert not succeeded
        assert result["error"]["kind"] == "DeliveryError"
        assert "cfis.war" in result["msg"]
        assert result["changed"], "two files lie in the drop"
        folder = next(base.iterdir())
        assert {p.name for p in folder.iterdir() if not p.name.endswith(".part")} == BEFORE_THE_WAR
        [part] = folder.glob(".cfis.war.*.part")
        assert MIB < part.stat().st_size < 2 * MIB
        yield server, bundle, part


def test_a_connection_cut_in_mid_file_is_continued_by_the_next_delivery(base, cut_off):
    server, bundle, part = cut_off
    folder, begun = part.parent, part.stat()
    kept = snapshot(folder)["CFIS002.xml"]
    shown = deliver(server, bundle, base, "--check", "--diff")[1]
    assert f"-{part.name} (the first {begun.st_size} bytes of cfis.war)" in shown["output"]

    succeeded, result = deliver(server, bundle, base)
    assert succeeded, result
    assert result["resumed"] == [{"file": "cfis.war", "bytes": begun.st_size}] == shown["resumed"]
    assert "cfis.war" in result["sent"]
    assert "CFIS002.xml" in result["kept"]
    assert result["removed"] == []
    assert {p.name for p in folder.iterdir()} == DELIVERED
    assert (folder / "cfis.war").stat().st_ino == begun.st_ino
    assert (folder / "cfis.war").read_bytes() == (bundle / "cfis.war").read_bytes()
    assert snapshot(folder)["CFIS002.xml"] == kept
    assert not deliver(server, bundle, base)[1]["changed"]


def test_a_part_that_is_damaged_is_sent_anew(base, cut_off):
    server, bundle, part = cut_off
    with part.open("r+b") as stream:
        stream.seek(part.stat().st_size // 2)
        stream.write(b"\0" * 4096)
    succeeded, result = deliver(server, bundle, base)
    assert succeeded, result
    assert (result["resumed"], result["removed"]) == ([], [part.name])
    assert {p.name for p in part.parent.iterdir()} == DELIVERED
    assert (part.parent / "cfis.war").read_bytes() == (bundle / "cfis.war").read_bytes()


def test_a_line_that_stalls_is_given_up_and_continued_by_the_next_delivery(tmp_path, base):
    bundle = write_bundle(tmp_path / "big", war=os.urandom(MIB * 8))
    with first_session(tmp_path / "stalls", f"{{ {SOME}; exec sleep 20; }} | {sftp_server()}") as server:
        succeeded, result = deliver(server, bundle, base, options={"timeout": 3})
        assert not succeeded
        assert "the server does not answer" in result["msg"]
        [part] = next(base.iterdir()).glob(".cfis.war.*.part")
        succeeded, result = deliver(server, bundle, base)
    assert succeeded, result
    assert result["resumed"][0]["bytes"] > MIB
    assert {p.name for p in part.parent.iterdir()} == DELIVERED


def test_of_two_deliveries_at_once_the_later_takes_over_and_both_end_well(tmp_path, base):
    """The first is held up in mid-file; the second goes on with its part, and publishes it."""
    bundle = write_bundle(tmp_path / "big", war=os.urandom(MIB * 8))
    go_on = tmp_path / "go on"
    held = f"{{ {SOME}; until [ -e '{go_on}' ]; do sleep 0.1; done; exec cat; }} | {sftp_server()}"
    with first_session(tmp_path / "held", held) as server:
        first = start_delivery(server, bundle, base)
        wait_for_part(base, first)
        succeeded, second = deliver(server, bundle, base)
        assert succeeded, second
        assert [one["file"] for one in second["resumed"]] == ["cfis.war"]
        assert first.poll() is None
        go_on.touch()
        succeeded, result = outcome(first)
    assert succeeded, result
    assert set(result["sent"]) == DELIVERED
    folder = base / result["bundle"]
    assert {p.name for p in folder.iterdir()} == DELIVERED
    assert (folder / "cfis.war").read_bytes() == (bundle / "cfis.war").read_bytes()


# paramiko's own thread, which asks ahead, dies with the line and says so
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_drop_that_is_read_from_and_fails_in_mid_file_is_named_and_the_part_stays(server, tmp_path, base):
    """The set for the previous environment comes from a drop (A15)."""
    bundle = write_bundle(tmp_path / "big", war=os.urandom(MIB * 4))
    assert deliver(server, bundle, base)[0]
    prior = Prior("CFIS002", sha256((bundle / "SHA256SUMS").read_bytes()), "CHG0000002", {})
    (tmp_path / "previous").mkdir()

    def copy(origin):
        options = [{**vars(one), "path": str(base)} for one in (origin, server)]
        with open_drop(options[0], 20) as source, open_drop(options[1], 20) as target:
            parcel = prior_parcel(source, str(base), prior)
            found = survey(target, str(tmp_path / "previous"), parcel, silent)
            send(target, str(tmp_path / "previous"), parcel, found, secrets.token_hex(8), silent)
            return found

    with first_session(tmp_path / "cuts", f"{sftp_server()} | {SOME}") as origin:
        with pytest.raises(DeliveryError) as caught:
            copy(origin)
        assert caught.value.place == f"sftp://{origin.user}@{origin.host}:{origin.port}{base}/{prior.folder}/cfis.war"
        [part] = (tmp_path / "previous" / prior.folder).glob(".cfis.war.*.part")
        begun = part.stat().st_size
        assert MIB < begun < 2 * MIB
        assert copy(origin).parts["cfis.war"].size == begun
    assert {p.name for p in part.parent.iterdir()} == DELIVERED
    assert (part.parent / "cfis.war").read_bytes() == (bundle / "cfis.war").read_bytes()


def silent(verb, name, done, size):
    """Show no progress."""


def test_a_server_that_never_begins_sftp_is_given_up(tmp_path, bundle, base):
    server = start_sshd(tmp_path / "sshd", sftp="/bin/sleep 20")
    try:
        succeeded, result = deliver(server, bundle, base, options={"timeout": 3})
    finally:
        server.stop()
    assert not succeeded
    assert "the server does not answer" in result["msg"]
    assert list(base.iterdir()) == []


def wait_for_part(base, process):
    """Until a part of cfis.war that can be continued lies in the drop."""
    for _ in range(2000):
        if any(part.stat().st_size > MIB for part in base.rglob(".cfis.war.*.part")):
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise AssertionError("no part of cfis.war appeared")


def test_a_server_process_that_dies_in_mid_file_leaves_no_final_name(tmp_path, base):
    """SIGXFSZ kills OpenSSH's sftp-server when a file grows beyond the limit: no timing involved."""
    wrapper = tmp_path / "limited"
    wrapper.write_text(f"#!/bin/sh\nulimit -f 2048\nexec {sftp_server()}\n")
    wrapper.chmod(0o755)
    bundle = write_bundle(tmp_path / "big", war=os.urandom(MIB) * 4)
    server = start_sshd(tmp_path / "sshd", sftp=str(wrapper))
    try:
        succeeded, result = deliver(server, bundle, base)
    finally:
        server.stop()
    assert not succeeded
    assert result["error"]["kind"] == "DeliveryError"
    folder = next(base.iterdir())
    assert not (folder / "cfis.war").exists()
    assert not (folder / "MANIFEST.json").exists()


def test_a_drop_without_room_is_refused_before_anything_is_sent(server, tmp_path, small):
    bundle = write_bundle(tmp_path / "big", war=os.urandom(MIB) * 30)
    for check in (["--check"], []):
        succeeded, result = deliver(server, bundle, small, *check)
        assert not succeeded
        assert "the drop is full" in result["msg"]
        assert result["error"]["place"] == f"sftp://{server.user}@{server.host}:{server.port}{small}"
        assert result["error"]["needed"] > 30 * MIB > result["error"]["free"]
        assert "free room there" in result["error"]["cure"]
        assert not result["changed"]
        assert list(small.iterdir()) == []


@pytest.mark.parametrize("size", [3, 30], ids=["told with the last answers", "told in mid-file"])
def test_a_drop_that_turns_out_to_be_full_keeps_no_part_and_the_next_delivery_completes(tmp_path, small, size):
    """The server does not say how much room it has, and is full in mid-file; a write is refused with "Failure"."""
    bundle = write_bundle(tmp_path / "big", war=os.urandom(MIB) * size)
    (small / "other").write_bytes(b"x" * MIB * max(25 - size, 0))
    server = start_sshd(tmp_path / "sshd", sftp=f"{sftp_server()} -P statvfs")
    try:
        succeeded, result = deliver(server, bundle, small)
        assert not succeeded
        assert "SFTP failed: Failure" in result["msg"]
        assert "cfis.war" in result["error"]["place"]
        assert "whether the drop is full" in result["error"]["cure"]
        folder = next(path for path in small.iterdir() if path.is_dir())
        assert {path.name for path in folder.iterdir()} == DELIVERED - {"cfis.war", "MANIFEST.json"}
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        succeeded, result = deliver(server, bundle, small)
    finally:
        server.stop()
    assert succeeded, result
    assert "CFIS002.xml" in result["kept"]
    assert {path.name for path in folder.iterdir()} == DELIVERED


def test_a_quota_that_no_figure_shows_is_named_in_the_cure(tmp_path, base):
    """Files end at 2 MiB; what comes after is refused, though the file system has room."""
    wrapper = tmp_path / "limited"
    wrapper.write_text(f"#!/bin/sh\ntrap '' XFSZ\nulimit -f 2048\nexec {sftp_server()}\n")
    wrapper.chmod(0o755)
    bundle = write_bundle(tmp_path / "big", war=os.urandom(MIB) * 4)
    server = start_sshd(tmp_path / "sshd", sftp=str(wrapper))
    try:
        succeeded, result = deliver(server, bundle, base)
    finally:
        server.stop()
    assert not succeeded
    assert "over its quota" in result["error"]["cure"]
    folder = next(base.iterdir())
    assert not [path for path in folder.iterdir() if "cfis.war" in path.name]
    assert not (folder / "MANIFEST.json").exists()


def fingerprint(server):
    """The server's host key as OpenSSH shows it."""
    shown = subprocess.run(["ssh-keygen", "-l", "-f", server.known_hosts], capture_output=True, text=True, check=True)
    return shown.stdout.split()[1]


def test_the_receipt_names_what_was_read_back_and_stays_as_it_was_written(server, bundle, base, tmp_path):
    keep = {"change": "CHG0000002", "record_root": str(tmp_path / "records")}
    assert "receipt" not in deliver(server, bundle, base, "--check", options=keep)[1]
    assert not (tmp_path / "records").exists()
    succeeded, result = deliver(server, bundle, base, options=keep)
    assert succeeded, result
    receipt = result["receipt"]
    assert receipt["host_key"] == f"ssh-ed25519 {fingerprint(server)}"
    assert (receipt["server"], receipt["user"]) == (f"{server.host}:{server.port}", server.user)
    assert {(f["file"], f["size"], f["sha256"]) for f in receipt["files"]} == {
        (name, (base / result["bundle"] / name).stat().st_size, sha256((base / result["bundle"] / name).read_bytes()))
        for name in DELIVERED
    }
    kept = pathlib.Path(result["receipt_path"])
    assert kept == tmp_path / "records" / f"CHG0000002-{result['bundle']}-delivery.json"
    before = kept.read_bytes()
    assert json.loads(before) == receipt

    succeeded, again = deliver(server, bundle, base, options=keep)
    assert succeeded
    assert not again["changed"]
    assert kept.read_bytes() == before
    kept.unlink()
    succeeded, again = deliver(server, bundle, base, options=keep)
    assert (again["changed"], again["sent"]) == (True, [])
    assert json.loads(kept.read_bytes())["files"] == receipt["files"]
