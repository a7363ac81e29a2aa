# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a private soap.client.props: the profile's own with the user of this session (FACTS 6.2)."""

from __future__ import annotations

import base64
import re
from typing import Dict

_PREFIX = "com.ibm.SOAP."
_KEY = re.compile(r"\A\s*([^\s#!=:][^\s=:]*)\s*[=:]")
_SPECIAL = re.compile(r"[\\#!=:]|\A\s")


def session_properties(text: str, username: str, password: str, seconds: int) -> str:
    """`text` with user, password and request time-out replaced; nobody is ever asked (T27)."""
    wanted = {"requestTimeout": str(seconds), "loginSource": ""}
    if username:
        wanted.update(securityEnabled="true", loginUserid=username, loginPassword=encoded(password))
    return _replaced(text, {_PREFIX + key: value for key, value in wanted.items()})


def encoded(password: str) -> str:
    """The product's own form of a password in a file. It hides nothing: the file is private."""
    letters = bytes(byte ^ 0x5F for byte in password.encode("utf-8"))
    return "{xor}" + base64.b64encode(letters).decode("ascii")


def _replaced(text: str, wanted: Dict[str, str]) -> str:
    kept = [line for line in text.splitlines() if not _names(line, wanted)]
    return "".join(line + "\n" for line in [*kept, *("%s=%s" % (key, _value(one)) for key, one in wanted.items())])


def _names(line: str, wanted: Dict[str, str]) -> bool:
    found = _KEY.match(line)
    return found is not None and found.group(1) in wanted


def _value(text: str) -> str:
    escaped = _SPECIAL.sub(lambda hit: "\\" + hit.group(), text)
    return "".join(letter if " " <= letter < "\x7f" else _unicode(letter) for letter in escaped)


def _unicode(letter: str) -> str:
    units = letter.encode("utf-16-be")
    return "".join("\\u%04x" % int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
