# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail: composed, and handed to the SMTP server of the inventory's ``relmgmt_mail``, from controller or host."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError

PLACE = "relmgmt_mail in the inventory"


def compose(mail: Mapping[str, Any], subject: str, body: str, marker: str) -> EmailMessage:
    """The message. Its Message-ID follows from the marker: a notice sent twice is seen as one.

    Raises DeliveryError when an address or the subject cannot stand in a header.
    """
    message = EmailMessage()
    try:
        message["Subject"] = " ".join(subject.split())
        message["From"] = mail["sender"]
        message["To"] = ", ".join(mail["to"])
    except ValueError as error:
        raise DeliveryError(f"not an address: {error}", PLACE, "correct sender or to") from error
    domain = mail["sender"].rpartition("@")[2].rstrip(">") or "relmgmt"
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = f"<{hashlib.sha256(marker.encode()).hexdigest()[:32]}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body if body.endswith("\n") else body + "\n")
    return message


def send(mail: Mapping[str, Any], message: EmailMessage, timeout: float = 30) -> list[str]:
    """Hand the message to the server; returns the recipients that the server refused.

    Raises DeliveryError when nobody gets it. The password never appears in an error.
    """
    place = f"{mail['host']}:{mail['port']}"
    if mail.get("username") and not mail.get("starttls"):
        raise DeliveryError("a password would travel in clear", place, "set starttls: true in relmgmt_mail")
    try:
        with smtplib.SMTP(mail["host"], mail["port"], timeout=timeout) as server:
            if mail.get("starttls"):
                server.starttls(context=ssl.create_default_context())
            if mail.get("username"):
                server.login(mail["username"], mail.get("password") or "")
            return sorted(server.send_message(message))
    except smtplib.SMTPAuthenticationError as error:
        raise DeliveryError(f"the mail server refused the login of {mail['username']} ({error.smtp_code})",
                            place, "correct username and password in relmgmt_mail") from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise DeliveryError(f"the notice could not be sent: {error}", place,
                            "check relmgmt_mail and the mail server; the next run sends it") from error
