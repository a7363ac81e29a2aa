# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that only look: `page_info` on a real HTTP server, `release_info` on a real ledger."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from module_runner import run_module, run_module_raw

from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger


class Pages(http.server.BaseHTTPRequestHandler):
    """/ok, /closed (503), /slow (never), anything else 404."""

    release = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/slow":
            self.release.wait(30)
        status = {"/ok": 200, "/closed": 503}.get(self.path, 404)
        body = f"page {self.path} é".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        del args


@pytest.fixture
def site() -> Iterator[str]:
    Pages.release.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        Pages.release.set()
        server.shutdown()
        thread.join()


def test_every_answer_is_an_observation(site: str) -> None:
    urls = [f"{site}/ok", f"{site}/closed", f"{site}/none", "http://127.0.0.1:1/refused"]
    pages = run_module("page_info", {"urls": urls})["pages"]
    assert pages[urls[0]] == {"status": 200, "text": "page /ok é", "error": ""}
    assert pages[urls[1]]["status"] == 503
    assert pages[urls[1]]["text"].startswith("page /closed")
    assert pages[urls[2]]["status"] == 404
    assert pages[urls[3]]["status"] == 0
    assert "efused" in pages[urls[3]]["error"]


def test_answers_are_bounded_in_size_and_time(site: str) -> None:
    assert run_module("page_info", {"urls": [f"{site}/ok"], "max_bytes": 4})["pages"][f"{site}/ok"]["text"] == "page"
    slow = run_module("page_info", {"urls": [f"{site}/slow"], "timeout": 1})["pages"][f"{site}/slow"]
    assert "timed out" in slow["error"]


def test_only_http_is_fetched(tmp_path: Path) -> None:
    refused = run_module_raw("page_info", {"urls": [f"file://{tmp_path}/secret"]})
    assert "not an HTTP address" in refused["msg"]


def test_a_host_without_a_ledger_is_an_empty_one_and_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "state" / "ledger.db"
    seen = run_module("release_info", {"ledger": str(path)})
    assert (seen["host"], seen["receipts"], seen["current"], seen["changed"]) == ({}, [], {}, False)
    assert not path.parent.exists()


def test_the_newest_acts_of_a_change(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "ledger.db"))
    for change in ("CHG1", "CHG2"):
        for target in ("first", "second"):
            number = ledger.begin_act(change=change, attempt=1, release="R", phase="install", module="m",
                                      target=target, intent={}, undo={"kind": "war"})
        with ledger.within(number):
            ledger.set_current(f"x:{change}", "CFIS001", "d")
        ledger.finish_act(number, "done", {})
    ledger.close()
    seen = run_module("release_info", {"ledger": ledger.path, "change": "CHG1", "newest": 1})
    assert [(act["target"], act["outcome"]) for act in seen["acts"]] == [("second", "done")]
    assert seen["current"]["x:CHG2"]["release"] == "CFIS001"
    assert seen["audit"]["broken_at"] is None
    assert seen["audit"]["number"] > 4
    everything = run_module("release_info", {"ledger": ledger.path})
    assert len(everything["acts"]) == 4
