# SPDX-License-Identifier: GPL-3.0-or-later
"""A private soap.client.props: the profile's own with the session's user, read as Java reads it (FACTS 6.2)."""

from __future__ import annotations

import re

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.soap_properties import encoded, session_properties

GIVEN = """\
# com.ibm.SOAP.loginUserid=a comment stays
com.ibm.SOAP.securityEnabled=false
com.ibm.SOAP.loginUserid=somebody
com.ibm.SOAP.loginPassword={xor}KD4sPjsyNjE\\=
 com.ibm.SOAP.loginSource : prompt
com.ibm.SOAP.requestTimeout=180
com.ibm.ssl.alias=DefaultSSLSettings
"""


def java(text: str) -> dict[str, str]:
    """Properties as Java takes them, as far as they occur here."""
    pairs = [line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#")]
    unescape = re.compile(r"\\u([0-9a-f]{4})|\\(.)")
    return {key: unescape.sub(lambda hit: chr(int(hit[1], 16)) if hit[1] else hit[2], value) for key, value in pairs}


def test_user_password_and_time_out_are_replaced_and_the_rest_stays():
    found = java(session_properties(GIVEN, "deployer", "secret", 600))
    assert found == {
        "com.ibm.ssl.alias": "DefaultSSLSettings", "com.ibm.SOAP.requestTimeout": "600", "com.ibm.SOAP.loginSource": "",
        "com.ibm.SOAP.securityEnabled": "true", "com.ibm.SOAP.loginUserid": "deployer",
        "com.ibm.SOAP.loginPassword": encoded("secret"),
    }


def test_without_a_user_the_profiles_own_stays_and_still_nobody_is_asked():
    """T27: a prompt would be waited for."""
    found = java(session_properties(GIVEN.replace(" com", "com").replace(" : ", "="), "", "", 600))
    assert found["com.ibm.SOAP.loginUserid"] == "somebody"
    assert found["com.ibm.SOAP.loginSource"] == ""


@pytest.mark.parametrize("user", ["a b", " a", "a=b", "a:b", "a#b", "a\\b", "é", "日", "𝒳"])
def test_a_user_name_with_any_letter_comes_through(user):
    found = java(session_properties("", user, "x", 1))["com.ibm.SOAP.loginUserid"]
    assert found.encode("utf-16", "surrogatepass").decode("utf-16") == user


def test_the_password_is_in_the_products_own_form():
    """From a published sample: wasadmin's password there is "waspassw"-like letters, each turned by 0x5f."""
    assert encoded("wasadmin") == "{xor}KD4sPjsyNjE="
