# SPDX-License-Identifier: GPL-3.0-or-later
"""Completeness checks of a release: what a page must, and must not, say (A9).

Pure: the caller fetches the pages and gives the function that evaluates JMESPath.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Iterable, Mapping

EXCERPT = 300
Search = Callable[[str, Any], Any]


def checks_at(checks: Iterable[Mapping[str, Any]], place: str) -> list[Mapping[str, Any]]:
    """The checks to make at a place, ``servers`` or ``entry``."""
    return [check for check in checks if check.get("at", "both") in ("both", place)]


def failures(check: Mapping[str, Any], url: str, page: Mapping[str, Any], search: Search) -> list[str]:
    """Why a page does not pass a check; empty when it passes.

    ``page``: status, text, error. ``search(expression, value)``: JMESPath.
    """
    head = f"{check['name']}: {url}"
    if page.get("error"):
        return [f"{head} did not answer: {page['error']}"]
    if page["status"] != 200:
        return [f"{head} answered with status {page['status']}"]
    found = [f"{head} does not show {text!r}" for text in check.get("expect", []) if text not in page["text"]]
    found += [f"{head} shows {text!r}" for text in check.get("unexpected", []) if text in page["text"]]
    if check.get("jmespath"):
        found += _expression(head, check["jmespath"], page["text"], search)
    return found


def _expression(head: str, expression: str, text: str, search: Search) -> list[str]:
    try:
        answer = search(expression, json.loads(text))
    except ValueError as error:
        return [f"{head}: {expression!r} cannot be evaluated: {error}"]
    if answer is True:
        return []
    return [f"{head}: {expression!r} is {answer!r}, not true; the page begins {text[:EXCERPT]!r}"]
