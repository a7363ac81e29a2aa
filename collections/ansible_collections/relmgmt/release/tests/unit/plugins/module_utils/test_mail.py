# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices as messages; tests/integration/test_notice.py sends them to a real server."""

from __future__ import annotations

import smtplib

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils import _mail as mail
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError

MAIL = {"host": "mail", "port": 25, "sender": "Release <relmgmt@example.com>", "to": ["a@example.com", "b@example.com"]}
CANARY = "c4nary"


class RefusingServer:
    """An SMTP server that knows nobody."""

    def __init__(self, *address, **options):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        return None

    def starttls(self, context):
        assert context.check_hostname

    def login(self, user, password):
        raise smtplib.SMTPAuthenticationError(535, f"bad {password}".encode())


def test_the_message_has_addresses_subject_and_text():
    message = mail.compose(MAIL, "CFIS002 is installed", "It is.", "CHG1 done")
    assert message["From"] == MAIL["sender"]
    assert message["To"] == "a@example.com, b@example.com"
    assert message["Subject"] == "CFIS002 is installed"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content() == "It is.\n"


def test_a_line_end_in_the_subject_adds_no_header():
    message = mail.compose(MAIL, "done\nBcc: x@example.com", "", "m")
    assert message["Bcc"] is None
    assert message["Subject"] == "done Bcc: x@example.com"


def test_a_line_end_in_an_address_is_refused():
    with pytest.raises(DeliveryError, match="not an address"):
        mail.compose({**MAIL, "to": ["a@example.com\nBcc: x@example.com"]}, "s", "b", "m")


def test_the_message_id_follows_from_the_marker():
    first, again, other = (mail.compose(MAIL, "s", "b", m)["Message-ID"] for m in ("m", "m", "n"))
    assert first == again
    assert first != other
    assert first.endswith("@example.com>")


def test_a_password_is_not_sent_in_clear():
    message = mail.compose(MAIL, "s", "b", "m")
    with pytest.raises(DeliveryError, match="in clear"):
        mail.send({**MAIL, "username": "u", "password": CANARY}, message)


def test_a_refused_login_does_not_show_the_password(monkeypatch):
    monkeypatch.setattr(smtplib, "SMTP", RefusingServer)
    message = mail.compose(MAIL, "s", "b", "m")
    with pytest.raises(DeliveryError, match="refused the login of u") as caught:
        mail.send({**MAIL, "username": "u", "password": CANARY, "starttls": True}, message)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
