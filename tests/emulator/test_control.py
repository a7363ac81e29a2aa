# SPDX-License-Identifier: GPL-3.0-or-later
"""ccontrol and iris: qlist, start, stop, crash (FACTS 1.1)."""

from __future__ import annotations

import pytest
from emulated.emulator import Emulator
from emulator_fixtures import Make

FIELDS = {"cache2008": 8, "cache2018": 12, "iris2025": 13}


def test_qlist_has_the_fields_of_the_products_age(emulated: Emulator) -> None:
    done = emulated.command("qlist", "CFIS")
    fields = done.out.rstrip("\n").split("^")
    product = emulated.settings.product
    assert (done.rc, len(fields)) == (0, FIELDS[product.key])
    assert fields[:3] == ["CFIS", str(emulated.settings.install), product.version]
    assert fields[3].startswith("running, since ")
    assert fields[4:8] == [f"{product.stem}.cpf", "1972", "57772", "62972"]
    if len(fields) > 8:
        assert fields[8] == "ok"
    assert (emulated.settings.install / fields[4]).read_text().startswith("[ConfigFile]\n")


def test_an_unknown_instance_is_a_switch(cache2018: Emulator) -> None:
    assert cache2018.command("qlist", "NOPE").rc == 1
    cache2018.facts.qlist_unknown_status = 0
    cache2018.save()
    done = cache2018.command("qlist", "NOPE")
    assert (done.rc, "^" in done.out) == (0, False)


def test_stop_asks_unless_it_is_quiet(cache2018: Emulator) -> None:
    refused = cache2018.command("stop", "CFIS", stdin="\n\n\nno\n")
    assert refused.rc == 1
    assert "Do you really want to stop" in refused.out
    assert cache2018.running
    assert cache2018.command("stop", "CFIS").rc == 1  # nobody answers
    assert cache2018.command("stop", "CFIS", "quietly").rc == 0
    assert "^down, last used " in cache2018.command("qlist").out
    assert cache2018.command("stop", "CFIS", "quietly").rc == 1
    assert cache2018.session("write 1").rc != 0


def test_start_and_restart(iris2025: Emulator) -> None:
    iris2025.set("K", value="v")
    assert iris2025.command("start", "CFIS", "quietly").rc == 1  # up already
    assert iris2025.command("stop", "CFIS", "quietly", "restart").rc == 0
    assert iris2025.get("K") == "v"
    assert iris2025.command("force", "CFIS").rc == 0
    assert not iris2025.running


def test_failing_control_may_exit_with_0(make_emulator: Make) -> None:
    emulator = make_emulator("cache2008", start=False)
    emulator.facts.control_failure_status = 0
    emulator.save()
    assert emulator.command("stop", "CFIS", "quietly").rc == 0
    assert emulator.command("start", "NOPE").rc == 0


@pytest.mark.parametrize("word", ["down", "crashed"])
def test_after_a_crash_what_was_written_is_there(make_emulator: Make, word: str) -> None:
    emulator = make_emulator("iris2025")
    emulator.facts.state_after_crash = word
    emulator.save()
    emulator.set("K", 1, value="v")
    emulator.kill()
    assert f"^{word}, last used " in emulator.command("qlist").out
    assert emulator.autostart().rc == 0
    assert emulator.nodes("K") == {("1",): "v"}


def test_a_session_is_refused_while_the_instance_starts(make_emulator: Make) -> None:
    emulator = make_emulator("iris2025", start=False)
    emulator.scenario.start_delay = 3600
    emulator.save()
    emulator.start()
    assert "^running, " in emulator.command("qlist").out
    assert emulator.session("write 1").rc != 0


def test_other_words_of_state_and_health(cache2018: Emulator) -> None:
    cache2018.scenario.state, cache2018.scenario.health = "starting", "hung"
    cache2018.save()
    fields = cache2018.command("qlist").out.split("^")
    assert fields[3].startswith("starting, since ")
    assert fields[8] == "hung"


def test_mappings_of_globals_are_followed_and_of_code_refused(make_emulator: Make) -> None:
    emulator = make_emulator("iris2025", start=False)
    cpf = emulator.settings.cpf
    text = cpf.read_text()
    cpf.write_text(text + "[Map.CFIS]\nGlobal_MAPPED=USER\n")
    emulator.start()
    emulator.session("set ^MAPPED=1", namespace="CFIS")
    assert emulator.get("MAPPED", database="USER") == "1"
    cpf.write_text(text + "[Map.CFIS]\nRoutine_X=USER\n")
    assert "<NAMESPACE> *CFIS" in emulator.session("do ^X", namespace="CFIS").out


def test_commands_of_the_other_product_are_unknown(make_emulator: Make) -> None:
    emulator = make_emulator("cache2018", start=False)
    assert emulator.command("freeze", "CFIS").rc != 0
    assert not (emulator.bin / "iris").exists()


def test_a_mirrors_backup_says_so_and_is_read_only(cache2018: Emulator) -> None:
    cache2018.scenario.mirror_backup = True
    cache2018.save()
    assert cache2018.command("qlist").out.rstrip("\n").split("^")[10:12] == ["Failover", "Backup"]
    done = cache2018.session("set ^X=1", "write $SYSTEM.Mirror.IsBackup(),$SYSTEM.Mirror.IsPrimary()", namespace="CFIS")
    assert "<PROTECT> ^X,"in done.out
    assert "10" in done.out
