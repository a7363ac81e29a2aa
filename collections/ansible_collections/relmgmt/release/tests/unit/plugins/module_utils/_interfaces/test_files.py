# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings in configuration files: written once for all of a file, and nothing of another's lost."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import SettingPlace
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    HostStateUnknown,
    InvalidInput,
    RelmgmtError,
)
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces import files
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.files import FilePlaces
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context, Written

CONTEXT = Context(None, None, "/nonexistent")


def setting(path: Path, key: Any = "cats.port", form: str = "properties", **options: Any) -> SettingPlace:
    given = {"path": str(path), "format": form, "key": key, **options}
    return SettingPlace("CATS", "all", "file", given, "5100", "5101")


def places(*settings: SettingPlace) -> FilePlaces:
    return FilePlaces(settings, CONTEXT, seconds=20)


def wanted(*settings: SettingPlace) -> dict[str, str | None]:
    return {one.key: one.test for one in settings}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "app.properties"
    path.write_bytes(b"# CATS\r\ncats.port = 5100\nmeds.port=5200")
    return path


def test_values_are_read_by_key_and_none_where_there_is_none(config: Path) -> None:
    ours = [setting(config), setting(config, "nil"), setting(config.parent / "nil"), setting(config / "x")]
    assert places(*ours).read() == dict(zip([one.key for one in ours], ["5100", None, None, None], strict=True))


def test_settings_of_one_file_are_written_at_once(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = [setting(config), setting(config, "meds.port")]
    contents: list[bytes] = []
    replace = files.replace_durably
    monkeypatch.setattr(
        files, "replace_durably", lambda path, data, ready: (contents.append(data), replace(path, data, ready))
    )
    adapter = places(*ours)
    assert adapter.write(wanted(*ours)) == Written()
    assert contents == [b"# CATS\r\ncats.port = 5101\nmeds.port=5101"]
    assert config.read_bytes() == contents[0]
    adapter.write(wanted(*ours))
    assert len(contents) == 1


def test_only_the_settings_named_are_written(config: Path) -> None:
    ours = [setting(config), setting(config, "meds.port")]
    places(*ours).write({ours[1].key: "5201"})
    assert config.read_bytes() == b"# CATS\r\ncats.port = 5100\nmeds.port=5201"


def test_every_format_goes_through(tmp_path: Path) -> None:
    contents = {
        "ini": (b"[s]\na = 5100 ; x\n", "a", {"section": "s"}), "json": (b'{"a": [5100]}', ["a", 0], {}),
        "yaml": (b"a:\n- 5100 # x\n", ["a", 0], {}), "xml": (b'<a><b c="5100"/></a>', "a/b/@c", {}),
        "services": (b"cats 5100/tcp\n", "cats/tcp", {}),
        "properties": ("a=5100".encode("cp037"), "a", {"encoding": "cp037"}),
    }
    ours = []
    for form, (data, key, options) in contents.items():
        (tmp_path / form).write_bytes(data)
        ours.append(setting(tmp_path / form, key, form, **options))
    adapter = places(*ours)
    assert set(adapter.read().values()) == {"5100"}
    adapter.write(wanted(*ours))
    for form, (data, _key, options) in contents.items():
        encoding = options.get("encoding", "ascii")
        assert (tmp_path / form).read_bytes() == data.replace("5100".encode(encoding), "5101".encode(encoding))


def test_owner_mode_and_a_link_stay(config: Path) -> None:
    config.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(config, 12345, 23456)
    before = config.stat()
    link = config.parent / "link.properties"
    link.symlink_to(config.name)
    ours = [setting(link), setting(config, "meds.port")]
    places(*ours).write(wanted(*ours))
    after = config.stat()
    assert config.read_bytes() == b"# CATS\r\ncats.port = 5101\nmeds.port=5101"
    assert link.is_symlink()
    assert (stat.S_IMODE(after.st_mode), after.st_uid, after.st_gid) == (0o640, before.st_uid, before.st_gid)
    assert sorted(one.name for one in config.parent.iterdir()) == ["app.properties", "link.properties"]


def test_a_file_of_several_names_is_refused_before_anything_is_written(config: Path) -> None:
    other = config.parent / "other.properties"
    other.write_bytes(config.read_bytes())
    os.link(config, config.parent / "again.properties")
    ours = [setting(other), setting(config)]
    adapter = places(*ours)
    for attempt in (adapter.check, adapter.write):
        with pytest.raises(RelmgmtError, match="2 names") as caught:
            attempt(wanted(*ours))
        assert caught.value.place == str(config)
    assert other.read_bytes() == config.read_bytes() == b"# CATS\r\ncats.port = 5100\nmeds.port=5200"
    adapter.check({one.key: "5100" for one in ours})
    adapter.write({one.key: "5100" for one in ours})


@pytest.mark.parametrize("key,name", [("nil", "app.properties"), ("cats.port", "nil.properties")])
def test_what_is_not_there_is_not_added(config: Path, key: str, name: str) -> None:
    one = setting(config.parent / name, key)
    adapter = places(setting(config, "meds.port"), one)
    for attempt in (adapter.check, adapter.write):
        with pytest.raises(InvalidInput, match=r"write it into the file once|create it") as caught:
            attempt({setting(config, "meds.port").key: "5201", one.key: "5101"})
        assert caught.value.place == str(config.parent / name)
    assert b"5200" in config.read_bytes()
    adapter.write({one.key: None})


def test_checking_touches_nothing_and_finds_what_writing_would(config: Path) -> None:
    one = setting(config)
    adapter = places(one)
    before = config.stat()
    adapter.check({one.key: "5101"})
    with pytest.raises(InvalidInput, match="only replaced, not removed"):
        adapter.check({one.key: None})
    assert config.stat() == before


def test_a_value_that_another_has_changed_since_it_was_read_is_not_overwritten(config: Path) -> None:
    one = setting(config)
    adapter = places(one)
    adapter.read()
    config.write_bytes(b"cats.port=5999")
    with pytest.raises(RelmgmtError, match="changed between looking and writing"):
        adapter.write({one.key: "5101"})
    assert config.read_bytes() == b"cats.port=5999"
    adapter.read()
    adapter.write({one.key: "5101"})
    assert config.read_bytes() == b"cats.port=5101"


def test_what_it_has_written_itself_is_no_change_of_another(config: Path) -> None:
    one = setting(config)
    adapter = places(one)
    adapter.read()
    adapter.write({one.key: "5101"})
    adapter.write({one.key: "5100"})
    assert config.read_bytes() == b"# CATS\r\ncats.port = 5100\nmeds.port=5200"


def test_what_another_writes_elsewhere_in_the_file_stays(config: Path) -> None:
    one = setting(config)
    adapter = places(one)
    adapter.read()
    config.write_bytes(b"new=1\n" + config.read_bytes())
    adapter.write({one.key: "5101"})
    assert config.read_bytes() == b"new=1\n# CATS\r\ncats.port = 5101\nmeds.port=5200"


def test_an_editor_that_saves_while_the_file_is_written_wins(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def save(descriptor: int) -> None:
        config.write_bytes(b"cats.port = 5100\nedited=1")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", save)
    one = setting(config)
    with pytest.raises(RelmgmtError, match="left to the other"):
        places(one).write({one.key: "5101"})
    assert config.read_bytes() == b"cats.port = 5100\nedited=1"
    assert [path.name for path in config.parent.iterdir()] == [config.name]


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "x")
    with pytest.raises((InvalidInput, HostStateUnknown)) as caught:
        places(setting(tmp_path / "x")).read()
    assert caught.value.place == str(tmp_path / "x")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as stream:
        stream.truncate(files.LARGEST + 1)
    with pytest.raises(InvalidInput, match="larger than 16 MiB"):
        places(setting(tmp_path / "x")).read()


def test_a_file_that_cannot_be_read_is_unknown_not_absent(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(HostStateUnknown, match="Permission denied"):
        places(setting(config)).read()


def test_a_full_disk_leaves_the_file_as_it_was(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    one = setting(config)
    with pytest.raises(RelmgmtError, match="No space left") as caught:
        places(one).write({one.key: "5101"})
    assert caught.value.place == str(config)
    assert b"5100" in config.read_bytes()
    assert [path.name for path in config.parent.iterdir()] == [config.name]


# -- processes that read the files -----------------------------------------------------------------


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_processes_are_made_to_read_it_once_also_when_a_run_was_cut_off_before_that(config: Path) -> None:
    told = config.parent / "told"
    reload = python(f"open({str(told)!r}, 'a').write(open({str(config)!r}).read()[-4:])")
    ours = [setting(config, reload=reload), setting(config, "meds.port", reload=reload)]
    adapter = places(*ours)
    adapter.write({ours[0].key: "5101", ours[1].key: "5201"})
    assert told.read_text() == "5201"
    adapter.write({ours[1].key: "5201"})
    assert told.read_text() == "52015201"
    adapter.write({})
    assert told.read_text() == "52015201"


@pytest.mark.parametrize(
    "command,what",
    [
        (python("import sys; sys.exit('no such process')"), "ended with 1; it said: no such process"),
        (python("import time; time.sleep(60)"), "did not end within 0.5 s"),
    ],
)
def test_processes_that_could_not_be_told_are_said(config: Path, command: list[str], what: str) -> None:
    one = setting(config, reload=command)
    with pytest.raises(HostStateUnknown, match=what) as caught:
        FilePlaces([one], CONTEXT, seconds=0.5).write({one.key: "5101"})
    assert "the files are written" in caught.value.message
    assert b"5101" in config.read_bytes()


def test_a_command_that_cannot_be_run_is_said(config: Path) -> None:
    one = setting(config, reload=["/nonexistent/reload"])
    with pytest.raises(RelmgmtError, match="cannot be run"):
        places(one).write({one.key: "5101"})


@pytest.mark.parametrize(
    "code,said",
    [
        ("print(5100)", ""),
        ("print()", ""),
        ("print('5101 ')", "'5101' runs, '5100' stands in the file"),
        ("import sys; print(5100); sys.stderr.write('Picked up JAVA_TOOL_OPTIONS')", ""),
        ("import sys; sys.exit('cannot connect')", "tells nothing: cannot connect"),
        ("import sys; sys.exit(3)", "tells nothing: 3"),
    ],
)
def test_a_process_that_runs_by_another_value_is_pending(config: Path, code: str, said: str) -> None:
    one = setting(config, in_force=python(code))
    pending = places(one, setting(config, "meds.port")).pending()
    assert pending.endswith(said)
    assert bool(pending) == bool(said)
    assert not said or pending.startswith(one.key)


def test_a_program_that_would_tell_and_is_not_there_is_pending(config: Path) -> None:
    assert "cannot be run" in places(setting(config, in_force=["/nonexistent/tell"])).pending()


def test_without_a_command_nothing_is_pending(tmp_path: Path) -> None:
    assert places(setting(tmp_path / "nil")).pending() == ""
