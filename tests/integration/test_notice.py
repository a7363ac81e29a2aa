# SPDX-License-Identifier: GPL-3.0-or-later
"""relmgmt.release.notice against a real SMTP server and a real ledger (A14, B2)."""

from __future__ import annotations

import email
import email.policy
import json
import os
import pathlib
import socket
import subprocess
import sys

import pytest
from aiosmtpd.controller import Controller

from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CANARY = "c4nary-password"


class Mailbox:
    """Keeps what arrives; refuses recipients named ``nobody``."""

    def __init__(self):
        self.messages = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.messages.append((envelope.rcpt_tos, message))
        return "250 OK"


@pytest.fixture
def mailbox():
    box = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        box.port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "state" / "ledger.db"
    book = Ledger(str(path))
    book.set_host(environment="production", protected=True, sandbox=False)
    book.close()
    return path


def notice(ledger, port, *arguments, marker="reopened", **mail):
    """Run the module once; returns (succeeded, its result with the whole output)."""
    options = {
        "marker": marker, "subject": "CFIS002 is installed\non production", "body": "Größe: 2 packages.",
        "change": "CHG0000002", "phase": "reopen", "ledger": str(ledger),
        "mail": {"host": "127.0.0.1", "port": port, "sender": "relmgmt@example.com",
                 "to": ["maria.lopez@example.com"], **mail},
    }
    environment = {
        **os.environ, "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "collections"), "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1", "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
    }
    done = subprocess.run(
        [str(pathlib.Path(sys.executable).parent / "ansible"), "localhost", "-i", "localhost,", "-c", "local",
         "-e", f"ansible_python_interpreter={sys.executable}",
         "-m", "relmgmt.release.notice", "-a", json.dumps(options), *arguments],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )
    assert "=> {" in done.stdout, done.stdout + done.stderr
    result = json.loads("{" + done.stdout.split("=> {", 1)[1].rsplit("}", 1)[0] + "}")
    return done.returncode == 0, {**result, "output": done.stdout + done.stderr}


def test_sends_once_and_the_ledger_remembers(mailbox, ledger):
    succeeded, result = notice(ledger, mailbox.port)
    assert succeeded, result
    assert (result["changed"], result["sent"]) == (True, True)
    [(recipients, message)] = mailbox.messages
    assert recipients == ["maria.lopez@example.com"]
    assert message["Subject"] == "CFIS002 is installed on production"
    assert message.get_content().strip() == "Größe: 2 packages."

    succeeded, result = notice(ledger, mailbox.port)
    assert succeeded
    assert (result["changed"], result["sent"]) == (False, False)
    assert len(mailbox.messages) == 1
    assert notice(ledger, mailbox.port, marker="restored")[1]["sent"]
    assert mailbox.messages[0][1]["Message-ID"] != mailbox.messages[1][1]["Message-ID"]


def test_check_mode_sends_and_records_nothing(mailbox, ledger):
    before = ledger.read_bytes()
    succeeded, result = notice(ledger, mailbox.port, "--check")
    assert succeeded, result
    assert (result["changed"], result["sent"]) == (True, False)
    assert mailbox.messages == []
    assert ledger.read_bytes() == before


def test_a_dead_mail_server_fails_nothing_and_the_next_run_sends(mailbox, ledger):
    succeeded, result = notice(ledger, 1)
    assert succeeded, result
    assert (result["changed"], result["sent"]) == (False, False)
    assert "could not be sent" in result["error"]["message"]
    assert "WARNING" in result["output"]
    assert notice(ledger, mailbox.port)[1]["sent"]
    assert len(mailbox.messages) == 1


def test_a_refused_recipient_is_named_and_the_others_have_it(mailbox, ledger):
    to = ["maria.lopez@example.com", "nobody@example.com"]
    succeeded, result = notice(ledger, mailbox.port, to=to)
    assert succeeded, result
    assert result["sent"]
    assert result["refused"] == ["nobody@example.com"]
    assert mailbox.messages[0][0] == ["maria.lopez@example.com"]


def test_a_password_never_travels_in_clear_nor_shows(mailbox, ledger):
    succeeded, result = notice(ledger, mailbox.port, "-vvv", username="relmgmt", password=CANARY)
    assert succeeded, result["output"]
    assert not result["sent"]
    assert "in clear" in result["error"]["message"]
    assert CANARY not in result["output"]


def test_a_server_without_starttls_gets_nothing(mailbox, ledger):
    succeeded, result = notice(ledger, mailbox.port, starttls=True, username="relmgmt", password=CANARY)
    assert succeeded
    assert not result["sent"]
    assert mailbox.messages == []


def test_a_host_without_a_ledger_gets_the_mail_and_a_warning(mailbox, tmp_path):
    succeeded, result = notice(tmp_path / "none" / "ledger.db", mailbox.port)
    assert succeeded, result
    assert result["sent"]
    assert "not recorded" in result["output"].replace("\n", " ")
