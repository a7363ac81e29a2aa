# SPDX-License-Identifier: GPL-3.0-or-later
"""Freeze and thaw, mounting, crash, integrity: what happens to the files (FACTS 3, FAULTS row InterSystems)."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
from emulated.emulator import Emulator
from emulator_fixtures import Make

FREEZE = "##class(Backup.General).ExternalFreeze()"
THAW = "##Class(Backup.General).ExternalThaw()"
FROZEN = "##class(Backup.General).IsWDSuspendedExt()"


def shell(emulator: Emulator, entry: str) -> int:
    return emulator.session(entry=entry, namespace="%SYS").rc


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def users(path: Path) -> list[str]:
    """Processes that have a file open."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == path:
                found.append(link.parts[2])
        except OSError:
            continue
    return found


def in_manager(emulator: Emulator, *lines: str) -> str:
    return emulator.session(*lines, namespace="%SYS").out


def test_freeze_and_thaw_exit_with_5_and_3(emulated: Emulator) -> None:
    assert shell(emulated, FROZEN) == 3
    assert shell(emulated, FREEZE) == 5
    assert shell(emulated, FREEZE) == 3  # frozen already
    assert shell(emulated, FROZEN) == 5
    assert shell(emulated, THAW) == 5
    assert shell(emulated, FROZEN) == 3


def test_a_thaw_without_a_freeze_is_a_switch(shared: Emulator) -> None:
    assert shell(shared, THAW) == 5
    shared.facts.thaw_of_unfrozen_succeeds = False
    shared.save()
    assert shell(shared, THAW) == 3


def test_from_code_a_freeze_returns_a_status(shared: Emulator) -> None:
    shown = in_manager(shared, 'write "a",+##class(Backup.General).ExternalFreeze("","",0)',
                       'write "b",##class(Backup.General).IsWDSuspended()',
                       'write "c",+##class(Backup.General).ExternalFreeze()',
                       'write "d",+##class(Backup.General).ExternalThaw(),##class(Backup.General).IsWDSuspended()')
    for each in ("a1", "b1", "c0", "d10"):
        assert each in shown


def test_the_manager_classes_are_seen_in_their_namespace_only(shared: Emulator) -> None:
    done = shared.session(entry=FREEZE, namespace="CFIS")
    assert "<CLASS DOES NOT EXIST> *Backup.General" in done.out
    assert done.rc not in (3, 5)


def test_frozen_files_do_not_change_and_users_go_on(emulated: Emulator) -> None:
    emulated.set("K", 1, value="before")
    assert users(emulated.file("CFISDATA"))
    shell(emulated, FREEZE)
    files = [emulated.file(each) for each in ("CFISDATA", "CFISCODE")]
    frozen = [digest(each) for each in files]
    emulated.set("K", 2, value="during")
    emulated.session('set ^K(3)=$get(^K(1))_" too"', "kill ^K(1)", namespace="CFIS")
    assert emulated.nodes("K") == {("2",): "during", ("3",): "before too"}
    assert [users(each) for each in files] == [[], []]  # so that nothing can reach them later either
    assert [digest(each) for each in files] == frozen
    shell(emulated, THAW)
    assert emulated.nodes("K") == {("2",): "during", ("3",): "before too"}
    emulated.stop()
    assert digest(files[0]) != frozen[0]


def test_a_copy_taken_under_a_freeze_is_a_whole_database(make_emulator: Make, tmp_path: Path) -> None:
    source, target = make_emulator("iris2025"), make_emulator("iris2025", start=False)
    for at in range(200):
        source.set("K", at, value=f"value {at}")
    shell(source, FREEZE)
    source.set("K", "late", value="x")
    shutil.copyfile(source.file("CFISDATA"), target.file("CFISDATA"))
    target.start()
    assert target.nodes("K") == {(str(at),): f"value {at}" for at in range(200)}


def test_a_freeze_switches_the_journal_unless_told_not_to(shared: Emulator) -> None:
    name = "write ##class(%SYS.Journal.System).GetCurrentFileName(),!"
    freeze = "do ##class(Backup.General).ExternalFreeze(\"\",\"\",{0}) do ##class(Backup.General).ExternalThaw()"
    lines = [name, freeze.format(1), name, freeze.format(0), name, "do INT^JRNSWTCH", name]
    names = [line for line in in_manager(shared, *lines).splitlines() if line.startswith("/")]
    assert len(set(names)) == 3
    assert names[1] == names[2]
    assert all(Path(each).is_file() for each in names)


def test_a_suspension_limit_ends_the_freeze_by_itself(shared: Emulator) -> None:
    assert shell(shared, "##class(Backup.General).ExternalFreeze(,,1,10,0,0,600,,,1)") == 5
    shared.set("K", value="v")
    deadline = time.monotonic() + 20
    while shell(shared, FROZEN) == 5 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert shell(shared, FROZEN) == 3
    assert shared.get("K") == "v"
    assert "suspension limit reached" in shared.log()


@pytest.mark.parametrize("there", [True, False])
def test_the_formal_spec_tells_whether_there_is_a_limit(shared: Emulator, there: bool) -> None:
    shared.facts.wd_suspend_limit_exists = there
    shared.save()
    code = '##class(%Dictionary.CompiledMethod).%OpenId("Backup.General||ExternalFreeze").FormalSpec'
    shown = in_manager(shared, f"write {code}")
    assert 'LogFile:%String="",Text:%String="",SwitchJournalFile:%Integer=1' in shown
    assert ("WDSuspendLimit:%Integer=0" in shown) is there
    if not there:
        assert shell(shared, "##class(Backup.General).ExternalFreeze(,,1,10,0,0,600,,,60)") not in (3, 5)
        assert shell(shared, FROZEN) == 3


def test_a_long_freeze_stops_users_and_logins_until_the_thaw(shared: Emulator) -> None:
    shared.set("K", value="before")
    shared.scenario.freeze_timeout = 0.2
    shared.save()
    assert shell(shared, FREEZE) == 5
    time.sleep(0.3)
    with pytest.raises(subprocess.TimeoutExpired):
        shared.session("write 1", timeout=1)
    writer = threading.Thread(target=shared.set, args=("K",), kwargs={"value": "after"})
    writer.start()
    assert shared.get("K") == "before"
    shared.thaw()
    writer.join(timeout=20)
    assert shared.get("K") == "after"


@pytest.mark.parametrize("statuses", [(0, 1), (5, 3)])
def test_iris_freeze_and_thaw_are_binary(make_emulator: Make, statuses: tuple[int, int]) -> None:
    emulator = make_emulator("iris2025")
    emulator.facts.freeze_command_statuses = statuses
    emulator.save()
    assert emulator.command("freeze", "CFIS", "timeout=60").rc == statuses[0]
    assert shell(emulator, FROZEN) == 5
    assert emulator.command("freeze", "CFIS").rc == statuses[1]
    assert emulator.command("thaw", "CFIS").rc == statuses[0]
    assert shell(emulator, FROZEN) == 3
    assert emulator.command("freeze", "CFIS", "nonsense=1").rc == statuses[1]


def test_a_crash_while_frozen_is_recovered_from_the_journal(emulated: Emulator) -> None:
    emulated.set("K", 1, value="before")
    shell(emulated, FREEZE)
    file = emulated.file("CFISDATA")
    frozen = digest(file)
    emulated.set("K", 2, value="during")
    emulated.kill()
    assert digest(file) == frozen
    emulated.autostart()
    assert emulated.nodes("K") == {("1",): "before", ("2",): "during"}
    assert shell(emulated, FROZEN) == 3


def test_history_counts_and_is_kept(shared: Emulator) -> None:
    in_manager(shared, 'do ##class(Backup.General).ExternalSetHistory("/l","d")')
    database = "IRISSYS"
    assert [each[0] for each in shared.nodes("SYS", database)] == ["BUHISTORY"]


# -- mounting ------------------------------------------------------------------------


def mount(emulator: Emulator, verb: str, directory: Path) -> bool:
    shown = in_manager(emulator, f'write "sc=",+##class(SYS.Database).{verb}Database("{directory}/")')
    return "sc=1" in shown


def test_a_dismounted_database_has_no_lock_file_and_no_users(emulated: Emulator) -> None:
    directory = emulated.directory("CFISDATA")
    lock = directory / emulated.settings.product.lock_file
    state = f'set o=##class(SYS.Database).%OpenId("{directory}/") write "m=",o.Mounted,o.ReadOnly'
    emulated.set("K", value="v")
    assert lock.exists()
    assert "m=10" in in_manager(emulated, state)
    assert mount(emulated, "Dismount", directory)
    assert not lock.exists()
    assert "m=00" in in_manager(emulated, state)
    assert f"<DISMOUNTED> ^K,{directory}/" in emulated.session("write ^K", namespace="CFIS").out
    assert mount(emulated, "Mount", directory)
    assert emulated.get("K") == "v"


@pytest.mark.parametrize("fails", [True, False])
def test_dismounting_a_database_in_use_is_a_switch(shared: Emulator, fails: bool) -> None:
    shared.facts.dismount_in_use_fails = fails
    shared.save()
    user = subprocess.Popen([shared.bin / "iris", "session", "CFIS", "-U", "CFIS"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
    assert user.stdin is not None
    assert user.stdout is not None
    user.stdin.write(b'set ^U=1 write "us","ing",!\n')
    user.stdin.flush()
    while b"using" not in user.stdout.readline():
        pass
    directory = shared.directory("CFISDATA")
    assert mount(shared, "Dismount", directory) is not fails
    out, _ = user.communicate(b"write ^U\n")
    assert (b"<DISMOUNTED>" in out) is not fails
    mount(shared, "Mount", directory)


def test_a_file_that_is_no_database_is_not_mounted_and_the_rest_is(emulated: Emulator) -> None:
    emulated.set("K", value="v", database="CFISCODE")
    emulated.stop()
    file = emulated.file("CFISDATA")
    good = file.read_bytes()
    file.write_bytes(b"RELMGMT RESTORING /set\n".ljust(8192, b"\0") + good[8192:])
    assert emulated.autostart().rc == 0
    assert "is not a database" in emulated.log()
    assert emulated.get("K", database="CFISCODE") == "v"
    assert "<DISMOUNTED>" in emulated.session("set ^K=1", namespace="CFIS").out
    assert not mount(emulated, "Mount", file.parent)
    assert file.read_bytes()[:7] == b"RELMGMT"
    file.write_bytes(good)
    assert mount(emulated, "Mount", file.parent)


def test_without_its_manager_database_an_instance_does_not_start(make_emulator: Make) -> None:
    emulator = make_emulator("cache2018", start=False)
    (emulator.settings.manager / "CACHE.DAT").write_bytes(b"x" * 8192)
    assert emulator.autostart().rc == emulator.facts.control_failure_status
    assert "^down, " in emulator.command("qlist").out


def test_a_file_that_another_instance_has_mounted_is_left_alone(make_emulator: Make) -> None:
    one, two = make_emulator("iris2025"), make_emulator("iris2025", name="OTHER")
    one.set("K", value="v")
    assert not mount(two, "Mount", one.directory("CFISDATA"))
    assert one.get("K") == "v"


def test_a_copy_elsewhere_is_mounted_read_only_and_stays_as_it_is(shared: Emulator, tmp_path: Path) -> None:
    shared.set("K", value="v")
    shell(shared, FREEZE)
    copy = Path(shutil.copyfile(shared.file("CFISDATA"), tmp_path / "IRIS.DAT"))
    shell(shared, THAW)
    before = digest(copy)
    shown = in_manager(shared, f'write "sc=",+##class(SYS.Database).MountDatabase("{tmp_path}/",1)',
                       f'write "K=",^|"^^{tmp_path}/"|K', f'set ^|"^^{tmp_path}/"|K=2')
    assert "sc=1" in shown
    assert "K=v" in shown
    assert "<PROTECT> ^K," in shown
    assert (tmp_path / "iris.lck").exists()
    assert mount(shared, "Dismount", tmp_path)
    assert digest(copy) == before
    assert list(tmp_path.iterdir()) == [copy]


def test_integrity_of_databases_and_copies(emulated: Emulator, tmp_path: Path) -> None:
    for at in range(300):
        emulated.set("K", at, value="v" * 100)
    shell(emulated, FREEZE)
    copy = Path(shutil.copyfile(emulated.file("CFISDATA"), tmp_path / emulated.file("CFISDATA").name))
    shell(emulated, THAW)
    check = 'write "sc=",+$$CheckList^Integrity(,$listbuild("{0}/")) do Display^Integrity(,0,0)'
    shown = in_manager(emulated, check.format(emulated.directory("CFISDATA")), check.format(tmp_path))
    assert shown.count("sc=1No Errors were found.") == 2
    before = digest(copy)
    damaged = bytearray(copy.read_bytes())
    at = damaged.find(b"v" * 100)
    damaged[at - 64 : at + 20] = b"\xff" * 84
    copy.write_bytes(damaged)
    shown = in_manager(emulated, check.format(tmp_path), "write $order(^|\"^^x\"|A(\"\"))")
    assert "sc=0" in shown
    assert "No Errors" not in shown
    assert digest(copy) != before


def test_the_silent_check_writes_a_file_and_databases_are_listed(shared: Emulator, tmp_path: Path) -> None:
    directory = shared.directory("CFISDATA")
    shown = in_manager(
        shared, f'do Silent^Integrity("{tmp_path}/log",$listbuild("{directory}/"))',
        'set r=##class(%ResultSet).%New("Backup.General:DatabaseList") do r.Execute()',
        'while r.Next() { write r.Data("Directory"),! }')
    assert "No Errors were found." in (tmp_path / "log").read_text()
    assert f"{directory}/\n" in shown


def test_where_the_journal_is(shared: Emulator) -> None:
    shown = in_manager(
        shared, "write ##class(%SYS.Journal.System).GetPrimaryDirectory(),!",
        "write ##class(%SYS.Journal.System).GetCurrentFile().Name=##class(%SYS.Journal.System).GetCurrentFileName()",
        "write \"at \",##class(%SYS.Journal.System).GetCurrentFileOffset()>0",
        "write ##class(%SYS.Journal.System).GetFreeSpace()>0,##class(%SYS.Journal.System).GetStateString()")
    assert f"{shared.settings.journals}/\n" in shown
    assert "1Enabled" in shown


def test_results_of_the_check_lie_in_a_global_by_process(cache2018: Emulator) -> None:
    check = f'set sc=$$CheckList^Integrity(,$listbuild("{cache2018.directory("CFISDATA")}/"))'
    for name in ("CacheTempIntegrityOutput", "IRIS.TempIntegrityOutput"):
        cache2018.facts.integrity_global = "" if name.startswith("Cache") else name
        cache2018.save()
        assert "d=10" in in_manager(cache2018, check, f'write "d=",$data(^{name}($job))')
