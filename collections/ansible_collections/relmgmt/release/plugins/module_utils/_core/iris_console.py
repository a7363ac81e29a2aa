# SPDX-License-Identifier: GPL-3.0-or-later
"""What a load or compilation on Caché or IRIS said: errors by item, line and text (FACTS 2.2).

Status texts are translated, so codes and shapes are matched, never words, but for ``Detected n
errors``, which only ever makes a load that looks well a failed one.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import CompileError

#: ``ERROR: App.Info.cls(version+2) #1003: Expected space [zversion+1^App.Info.1]``
PLACED = re.compile(r"ERROR: (?P<item>[%A-Za-z0-9./_-]+)\((?P<place>[%A-Za-z0-9]*\+?\d*)\) *:? *(?P<said>.*)")
#: ``ERROR #5475: Error compiling routine: App.Info.1.``
PLAIN = re.compile(r"ERROR (?P<said>#\d+: .*)")
TEXT = re.compile(r"\s*TEXT: ?(.*)")
DETECTED = re.compile(r"Detected (\d+) error")
TRAPPED = re.compile(r"<[A-Z][A-Z0-9 ]+>[^\r\n]*")
NAME = re.compile(r"%?[A-Za-z][A-Za-z0-9.]*")
WHOLE = "the package"


def detected(console: str) -> int:
    """How many errors the console counts."""
    return sum(int(count) for count in DETECTED.findall(console))


def trapped(text: str) -> str:
    """The first ``<UNDEFINED> *x`` of a text, empty if there is none."""
    hit = TRAPPED.search(text)
    return hit.group().strip() if hit else ""


def compile_errors(console: str, texts: Sequence[str], sources: Mapping[str, Sequence[str]]) -> List[CompileError]:
    """Errors of console and error log, each once. ``sources``: the loaded items with their lines."""
    found: Dict[Tuple[str, int, str], CompileError] = {}
    for lines in [console.splitlines(), *[text.splitlines() for text in texts]]:
        for error in _errors(lines, sources):
            found.setdefault((error.item, error.line, _code(error.message)), error)
    return list(found.values())


def _errors(lines: Sequence[str], sources: Mapping[str, Sequence[str]]) -> Iterable[CompileError]:
    for number, line in enumerate(lines):
        placed, plain = PLACED.search(line), PLAIN.search(line)
        if placed:
            text = TEXT.match(lines[number + 1]) if number + 1 < len(lines) else None
            yield _placed(placed, text.group(1).strip() if text else "", sources)
        elif plain:
            said = plain.group("said").strip()
            yield CompileError(_named_in(said, sources), 0, "", said)


def _placed(hit: "re.Match[str]", text: str, sources: Mapping[str, Sequence[str]]) -> CompileError:
    item = _known(hit.group("item"), sources) or hit.group("item")
    place, said = hit.group("place"), hit.group("said").strip()
    line = _line(place, sources.get(item, ()) if not item.endswith(".CLS") else ())
    return CompileError(item, line, text, said if line else f"{place}: {said}")


def _line(place: str, lines: Sequence[str]) -> int:
    """The line of ``12`` or ``label+2`` in a routine; 0 where it cannot be told."""
    if place.isdigit():
        return int(place)
    label, _plus, offset = place.partition("+")
    for number, line in enumerate(lines, 1):
        if re.match(re.escape(label) + r"(?![%A-Za-z0-9])", line):
            return number + int(offset or 0)
    return 0


def _named_in(said: str, sources: Mapping[str, Sequence[str]]) -> str:
    """The loaded item that a message without a place speaks of."""
    words = [word.rstrip(".") for word in NAME.findall(said)]
    for word in words:
        # A class is compiled to routines named after it: App.Info.1.
        for candidate in (word, f"{word}.CLS", f"{word}.MAC", f"{word}.INT", f"{word.rpartition('.')[0]}.CLS"):
            known = _known(candidate, sources)
            if known:
                return known
    return WHOLE


def _known(name: str, sources: Mapping[str, Sequence[str]]) -> Optional[str]:
    return next((one for one in sources if one.upper() == name.upper()), None)


def _code(message: str) -> str:
    hit = re.search(r"#\d+", message)
    return hit.group() if hit else message
