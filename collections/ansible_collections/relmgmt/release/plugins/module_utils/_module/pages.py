# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages as a managed host gets them."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import HostView, Outcome


def fetch_pages(host: HostView) -> Outcome:
    """Every URL's status and text; an answer that did not come is an observation, not a failure."""
    urls = host.params["urls"]
    for url in urls:
        if urlsplit(url).scheme not in ("http", "https"):
            raise InvalidInput(f"not an HTTP address: {url}", cure="give http:// or https://")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    pages = {url: _fetch(opener, url, host.params) for url in urls}
    return Outcome(False, {"pages": pages})


def _fetch(
    opener: urllib.request.OpenerDirector, url: str, params: dict[str, Any]
) -> dict[str, Any]:
    try:
        with opener.open(url, timeout=params["timeout"]) as answer:
            text = answer.read(params["max_bytes"]).decode("utf-8", "replace")
            return {"status": answer.status, "text": text, "error": ""}
    except urllib.error.HTTPError as error:
        text = error.read(params["max_bytes"]).decode("utf-8", "replace")
        return {"status": error.code, "text": text, "error": ""}
    except (OSError, ValueError) as error:
        return {"status": 0, "text": "", "error": str(error)}
