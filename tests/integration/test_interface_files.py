# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports in files of a process that runs: what it goes by, what a kill leaves, and what stands in the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import SettingPlace
from ansible_collections.relmgmt.release.plugins.module_utils._errors import RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.files import FilePlaces
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context

CONTEXT = Context(None, None, "/nonexistent")
#: reads its port at the start and at SIGHUP, and writes down what it goes by
DAEMON = """
import os, signal, sys
config, state = sys.argv[1:]
def read(*_signal):
    port = [line.split("=")[1].strip() for line in open(config) if line.startswith("cats.port")][0]
    with open(state + ".new", "w") as stream:
        stream.write("%d %s" % (os.getpid(), port))
    os.rename(state + ".new", state)
signal.signal(signal.SIGHUP, read)
read()
while True:
    signal.pause()
"""
#: writes the one and the other value without end
WRITER = """
import sys
from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import SettingPlace
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.files import FilePlaces
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context
one = SettingPlace(
    "CATS", "all", "file", {"path": sys.argv[1], "format": "properties", "key": "cats.port"}, "5100", "5101"
)
places = FilePlaces([one], Context(None, None, ""))
print("ready", flush=True)
while True:
    for value in (one.test, one.production):
        places.write({one.key: value})
"""
TEXT = b"# CATS\r\n" + b"# more\n" * 2000 + b"cats.port = %s\nmeds.port=1"


def setting(path: Path, **options: object) -> SettingPlace:
    given = {"path": str(path), "format": "properties", "key": "cats.port", **options}
    return SettingPlace("CATS", "all", "file", given, "5100", "5101")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "etc" / "app 1.properties"
    path.parent.mkdir()
    path.write_bytes(TEXT % b"5100")
    return path


@pytest.fixture
def daemon(config: Path) -> Iterator[Path]:
    """A process that runs by the file; the path of what it says of itself."""
    state = config.parent.parent / "state"
    process = subprocess.Popen([sys.executable, "-c", DAEMON, str(config), str(state)])
    wait(state, "5100")
    yield state
    process.kill()
    process.wait()


def wait(state: Path, port: str) -> None:
    until = time.monotonic() + 20
    while not (state.exists() and state.read_text().endswith(port)):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_process_goes_by_the_new_port_and_pending_tells_until_it_does(config: Path, daemon: Path) -> None:
    in_force = ["sh", "-c", f"cut -d ' ' -f 2 {daemon}"]
    silent = setting(config, in_force=in_force)
    with_reload = setting(config, in_force=in_force, reload=["sh", "-c", f"kill -HUP $(cut -d ' ' -f 1 {daemon})"])
    places = FilePlaces([silent], CONTEXT)
    assert places.pending() == ""
    places.write({silent.key: "5101"})
    assert "'5100' runs, '5101' stands in the file" in places.pending()
    # As after a run that was cut off: the file is right already, the process is not.
    again = FilePlaces([with_reload], CONTEXT)
    again.write({with_reload.key: "5101"})
    wait(daemon, "5101")
    assert again.pending() == ""
    assert config.read_bytes() == TEXT % b"5101"


def test_a_kill_at_any_moment_leaves_the_one_or_the_other_whole(config: Path) -> None:
    found = set()
    for delay in range(20):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(config)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(0.003 * delay)
        os.kill(writer.pid, signal.SIGKILL)
        with writer:
            writer.wait()
        found.add(config.read_bytes())
        assert len(list(config.parent.iterdir())) <= 2
    assert found <= {TEXT % b"5100", TEXT % b"5101"}
    one = setting(config)
    FilePlaces([one], CONTEXT).write({one.key: "5101"})
    FilePlaces([one], CONTEXT).write({one.key: "5100"})
    assert [path.name for path in config.parent.iterdir()] == [config.name]
    assert config.read_bytes() == TEXT % b"5100"


def test_what_two_write_at_the_same_time_is_not_mixed(config: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _one in range(2)
    ]
    try:
        until = time.monotonic() + 20
        while all(writer.poll() is None for writer in writers) and time.monotonic() < until:
            assert config.read_bytes() in (TEXT % b"5100", TEXT % b"5101")
    finally:
        for writer in writers:
            writer.kill()
        said = [writer.communicate()[1].decode() for writer in writers]
    for text in filter(None, said):
        assert "changed by another" in text or "changed between" in text


def services_here() -> dict[str, str]:
    """What the C library says of every entry of this host's file."""
    found = {}
    for line in Path("/etc/services").read_text().splitlines():
        fields = line.split("#")[0].split()
        if len(fields) > 1:
            protocol = fields[1].split("/")[1]
            found[f"{fields[0]}/{protocol}"] = str(socket.getservbyname(fields[0], protocol))
    return found


@pytest.mark.skipif(not Path("/etc/services").exists(), reason="this host has no services")
def test_the_c_library_reads_the_same_ports() -> None:
    known = services_here()
    ours = [setting(Path("/etc/services"), format="services", key=key) for key in known]
    assert known
    assert list(FilePlaces(ours, CONTEXT).read().values()) == list(known.values())


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_the_c_library_sees_the_one_port_changed(tmp_path: Path) -> None:
    services = tmp_path / "services"
    services.write_bytes(b"# Services\nhttp\t80/tcp\ncats\t\t5100/tcp\tfelis # cats 1/tcp\ncats\t\t5100/udp\n")
    one = setting(services, format="services", key="felis/tcp")
    FilePlaces([one], CONTEXT).write({one.key: "5101"})
    script = f"mount --bind {services} /etc/services && getent services cats/tcp felis/tcp cats/udp http/tcp"
    said = subprocess.run(["unshare", "--mount", "sh", "-c", script], check=True, capture_output=True, text=True).stdout
    assert [line.split()[1] for line in said.splitlines()] == ["5101/tcp", "5101/tcp", "5100/udp", "80/tcp"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_a_file_that_is_a_mount_is_refused_with_a_cure(config: Path) -> None:
    other = config.parent.parent / "other.properties"
    other.write_bytes(config.read_bytes())
    subprocess.run(["mount", "--bind", str(other), str(config)], check=True)
    try:
        one = setting(config)
        with pytest.raises(RelmgmtError, match="a file is mounted here"):
            FilePlaces([one], CONTEXT).check({one.key: "5101"})
    finally:
        subprocess.run(["umount", str(config)], check=True)


def test_a_read_only_directory_is_found_before_anything_is_written(config: Path, tmp_path: Path) -> None:
    other = tmp_path / "first.properties"
    other.write_bytes(config.read_bytes())
    if os.geteuid() == 0:
        subprocess.run(["mount", "--bind", str(config.parent), str(config.parent)], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", str(config.parent)], check=True)
    else:
        config.parent.chmod(0o555)
    ours = [setting(other), setting(config)]
    try:
        with pytest.raises(RelmgmtError, match="cannot be written to"):
            FilePlaces(ours, CONTEXT).write({one.key: "5101" for one in ours})
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", str(config.parent)], check=True)
        else:
            config.parent.chmod(0o755)
    assert other.read_bytes() == TEXT % b"5100"
