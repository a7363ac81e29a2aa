# SPDX-License-Identifier: GPL-3.0-or-later
"""What Liberty's log says, by message id, in text and JSON, in any language (T13, T14)."""

from __future__ import annotations

import json

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_messages import (
    FAILED,
    ConfigWatch,
    Message,
    Watch,
    config_errors,
    messages,
    names,
)

TEXTS = {
    "CWWKG0016I": "Starting server configuration update.",
    "CWWKG0017I": "The server configuration was successfully updated in 0.024 seconds.",
    "CWWKG0014E": "The configuration parser detected an XML syntax error.",
    "CWWKZ0018I": "Starting application cfis.",
    "CWWKZ0001I": "Application cfis started in 0.213 seconds.",
    "CWWKZ0003I": "The application cfis updated in 0.026 seconds.",
    "CWWKZ0009I": "The application cfis has stopped successfully.",
    "CWWKE0036I": "The server s1 stopped after 1 minutes, 22.4 seconds.",
    "CWWKE0001I": "The server s1 has been launched.",
    "CWWKF0011I": "The s1 server is ready to run a smarter planet.",
    "CWWKF0008I": "Feature update completed in 0.5 seconds.",
    "CWWKG0018I": "The server configuration was not updated. No functional changes were detected.",
}


def text_line(id_, text=None, level="A", logger="com.ibm.ws.app.manager.AppMessageHelper"):
    return f"[11/22/26, 1:45:01:839 UTC] 0000006c {logger:<62}{level} {id_}: {text or TEXTS[id_]}"


def json_line(id_, text=None):
    record = {"type": "liberty_message", "loglevel": "AUDIT", "message": f"{id_}: {text or TEXTS[id_]}"}
    return json.dumps(record)


@pytest.fixture(params=[text_line, json_line], ids=["text", "json"])
def line(request):
    return request.param


def verdict(*lines, application="cfis"):
    return Watch(application).read(list(lines)).state


def test_the_start_of_this_deployment_counts(line):
    ids = ["CWWKG0016I", "CWWKZ0009I", "CWWKG0017I", "CWWKZ0018I"]
    assert verdict(*map(line, ids)) == "waiting"
    assert verdict(*map(line, [*ids, "CWWKZ0003I"])) == "started"
    assert verdict(*map(line, [*ids, "CWWKZ0001I"])) == "started"


def test_a_start_that_was_under_way_before_the_cutover_does_not_count(line):
    """T14: its end may be logged after the recorded offset, even after the configuration update."""
    assert verdict(*map(line, ["CWWKZ0018I", "CWWKZ0001I"])) == "waiting"
    assert verdict(*map(line, ["CWWKG0016I", "CWWKZ0001I"])) == "waiting"
    late = ["CWWKG0016I", "CWWKZ0001I", "CWWKZ0009I", "CWWKZ0018I"]
    assert verdict(*map(line, late)) == "waiting"
    assert verdict(*map(line, [*late, "CWWKZ0003I"])) == "started"


@pytest.mark.parametrize("id_", sorted(FAILED))
def test_a_failure_ends_the_wait(line, id_):
    """T13: also those that come without a start, such as a WAR that is not there."""
    failure = line(id_, "The application cfis has a problem.")
    watch = Watch("cfis")
    watch.read([line("CWWKG0016I"), failure, line("CWWKZ0018I"), line("CWWKZ0001I")])
    assert watch.verdict.state == "failed"
    assert id_ in watch.verdict.message


def test_other_applications_do_not_count(line):
    others = ["cfis2", "my-cfis", "cfis.old", "x.cfis", "cfis_b", "CFIS"]
    for other in others:
        lines = [line("CWWKG0016I"), line("CWWKZ0018I", f"Starting application {other}.")]
        lines.append(line("CWWKZ0002E", f"An exception occurred while starting the application {other}."))
        assert verdict(*lines) == "waiting", other


def test_a_name_inside_the_exception_of_another_application_does_not_count(line):
    text = "An exception occurred while starting the application other. The exception message was: cfis is bad"
    assert verdict(line("CWWKG0016I"), line("CWWKZ0004E", text)) == "waiting"


@pytest.mark.parametrize(
    "text",
    ["L'application cfis a d\u00e9marr\u00e9.", "\u30a2\u30d7\u30ea cfis \u304c\u958b\u59cb", "\u300ccfis\u300d"],
)
def test_translated_text_names_the_application(text):
    assert names(Message("CWWKZ0001I", text), "cfis")


def test_what_an_application_prints_is_not_the_server_speaking(line):
    if line is text_line:
        printed = text_line("CWWKZ0004E", "application cfis", "O", "SystemOut")
    else:
        printed = json.dumps({"loglevel": "SystemOut", "message": "CWWKZ0004E: application cfis"})
    assert verdict(line("CWWKG0016I"), printed) == "waiting"


def test_a_stopped_server_and_a_refused_configuration_end_the_wait(line):
    assert verdict(line("CWWKE0036I")) == "failed"
    assert verdict(line("CWWKG0014E")) == "failed"


def test_a_launch_arms_as_a_configuration_update_does(line):
    assert verdict(*map(line, ["CWWKE0001I", "CWWKZ0018I", "CWWKZ0001I"])) == "started"


def test_stops_and_errors_are_remembered(line):
    watch = Watch("cfis")
    watch.read([*map(line, ["CWWKG0016I", "CWWKZ0009I", "CWWKG0017I"]), line("SRVE0293E", "Failed to load listener")])
    assert (watch.stopped, watch.config_done) == (True, True)
    assert watch.errors == ["SRVE0293E: Failed to load listener"]


def test_lines_that_are_no_messages_are_passed_over():
    lines = [
        "", "\tat com.ibm.ws.Thing.run(Thing.java:1)", "********", "product = Liberty", "{broken", "[]", '{"a": 1}',
        "CWWKZ0004E: quoted without a time", text_line("FFDC1015I", "CWWKC2272E: An error in cfis", "I"),
    ]
    assert [message.id for message in messages(lines)] == ["FFDC1015I"]


def test_mapped_json_fields_are_found():
    record = json.dumps({"level": "A", "msg": "CWWKG0016I: Starting server configuration update."})
    assert [message.id for message in messages([record])] == ["CWWKG0016I"]


def test_a_restart_counts_from_the_launch_on(line):
    """T14: neither the end of the older process nor what it said last."""
    before = ["CWWKG0016I", "CWWKZ0018I", "CWWKZ0001I", "CWWKZ0009I", "CWWKE0036I"]
    watch = Watch("cfis", restart=True)
    assert watch.read([*map(line, before)]).state == "waiting"
    assert not watch.stopped
    assert watch.read([*map(line, ["CWWKE0001I", "CWWKZ0018I", "CWWKF0011I"])]).state == "waiting"
    assert watch.config_done
    assert watch.read([line("CWWKZ0001I")]).state == "started"


def test_a_watch_that_is_armed_needs_no_update_but_the_starting(line):
    """An application in dropins starts without an update of the configuration."""
    watch = Watch("cfis", armed=True)
    assert watch.read([line("CWWKZ0001I")]).state == "waiting"
    assert watch.read([*map(line, ["CWWKZ0018I", "CWWKZ0001I"])]).state == "started"


def config(line, *ids, **more):
    watch = ConfigWatch(**more)
    watch.read([*map(line, ids)])
    return watch


def test_a_configuration_is_taken_in_once_the_server_says_so_after_the_change(line):
    assert config(line, "CWWKG0017I").verdict.state == "waiting"
    assert config(line, "CWWKG0016I").verdict.state == "waiting"
    assert config(line, "CWWKG0016I", "CWWKG0017I").verdict.state == "done"
    assert config(line, "CWWKG0016I", "CWWKG0018I").verdict.state == "done"


def test_features_are_told_of_after_the_configuration(line):
    waiting = config(line, "CWWKG0016I", "CWWKG0017I", features=True)
    assert (waiting.verdict.state, waiting.config_done) == ("waiting", True)
    assert config(line, "CWWKG0016I", "CWWKG0017I", "CWWKF0008I", features=True).verdict.state == "done"
    for said in ("CWWKF0001E", "CWWKF0042E"):  # Open Liberty, IBM's
        refused = config(line, "CWWKG0016I", "CWWKG0017I", features=True)
        refused.read([line(said, "A feature definition could not be found for x")])
        assert refused.verdict.state == "failed"


def test_a_refused_configuration_ends_the_wait_at_once(line):
    """T13"""
    watch = ConfigWatch()
    watch.read([line("CWWKG0016I"), line("CWWKG0075E", "The value is not valid"), line("CWWKG0017I")])
    assert watch.verdict.state == "failed"
    assert watch.errors == ["CWWKG0075E: The value is not valid"]


def test_after_a_restart_an_error_that_the_server_told_before_is_remembered_and_ready_ends_the_wait(line):
    before = [line("CWWKG0014E", "not sound"), line("CWWKZ0002E", "cfis"), line("CWWKF0001E", "no feature x")]
    known = config_errors(before)
    assert known == ["CWWKG0014E: not sound", "CWWKF0001E: no feature x"]
    watch = ConfigWatch(restart=True, known=known)
    watch.read([line("CWWKE0036I"), line("CWWKE0001I"), line("CWWKG0014E", "not sound")])
    assert watch.verdict.state == "waiting"
    watch.read([line("CWWKF0011I"), line("CWWKZ0002E", "the application cfis")])
    assert (watch.verdict.state, len(watch.errors), watch.application_failed) == ("done", 1, True)


def test_after_a_restart_another_error_ends_the_wait_at_once(line):
    """T13: a refused fragment beside an option of the JVM."""
    watch = ConfigWatch(restart=True, known=["CWWKF0001E: no feature x"])
    watch.read([line("CWWKE0001I"), line("CWWKF0001E", "no feature y")])
    assert watch.verdict == ("failed", "CWWKF0001E: no feature y")
