# SPDX-License-Identifier: GPL-3.0-or-later
"""A Caché XML export of any size, made from a seed: the same bytes on every machine.

Its items are shaped like those of public exports: persistent classes with many small elements
(properties, indices, storage) and methods in CDATA, routines in CDATA, globals of nested nodes,
a few pages, documents and one project. 10 000 items make 100 MB: seven tenths of the bytes are
classes, a quarter routines, one twentieth globals.

    python bench/export_file.py FILE [SIZE_IN_MB]
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

SEED = 20261101
ITEM = 10_000
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Export generator="Cache" version="25" zv="Cache for UNIX (Red Hat Enterprise Linux for x86-64) '
    '2018.1.7 (Build 721U)" ts="2026-11-01 09:30:00">\n'
)
WORDS = (
    "case", "client", "worker", "county", "benefit", "notice", "letter", "income", "amount", "period", "status",
    "review", "hearing", "appeal", "address", "phone", "household", "member", "spouse", "child", "school", "payment",
    "warrant", "account", "ledger", "balance", "fund", "code", "district", "office", "unit", "supervisor", "caseload",
    "intake", "closing", "reason", "effective", "begin", "end", "date", "history", "audit",
)
END = "\n\n\n"
TYPES = ("%String", "%Integer", "%Date", "%Boolean", "%Numeric", "%Library.Text", "App.Ref.County", "%TimeStamp")
CODE = (
    " set sc=$$$OK,{a}=$get({b}(\"{c}\")) quit:{a}=\"\" $$$ERROR($$$GeneralError,\"no {c}\")\n",
    " for  set {a}=$order(^{B}(\"{c}\",{a})) quit:{a}=\"\"  do {c}(.{b},{a})\n",
    "\tif {a}<{n} set {b}({n})=$piece({a},\"^\",{n}) quit\n",
    " &sql(select {a} into :{b} from App.{C} where {c} = :{a} and {b} > {n})\n",
    " set {a}=##class(App.{C}).%OpenId({b},{n},.sc) if '$isobject({a}) quit sc\n",
    "{a}{n}({b},{c}) ;; {c} of the {b}, see {B}\n",
    " write !,\"<{c}>\"_{a}_\"</{c}>\" ; {b} & {c}\n",
    " lock +^{B}({a}):{n} else  quit 0\n",
    " . set ^{B}(\"{c}\",{b},{n})=$zdatetime($horolog,3)_\"^\"_{a}\n",
    " do ..{C}({a},.{b}) set {c}=$translate({b},\"abcdefghij\",\"ABCDEFGHIJ\")\n",
)


def write_export(path: Path, size: int = 100_000_000, seed: int = SEED) -> int:
    """Write an export of about ``size`` bytes; returns how many items it has."""
    chance = random.Random(seed)
    count, written = 0, 0
    with path.open("wb") as stream:
        stream.write(HEAD.encode())
        for item in _items(chance, size // ITEM):
            data = item.encode()
            stream.write(data)
            count, written = count + 1, written + len(data)
            if written >= size:
                break
        stream.write(b"</Export>\n")
    return count


def _items(chance: random.Random, expected: int) -> Iterator[str]:
    names: list[str] = []
    number = 0
    while True:
        number += 1
        kind = chance.random()
        if kind < 0.66:
            names.append(f'<ProjectItem name="App.P{number % 40}.C{number}" type="CLS"></ProjectItem>\n')
            yield _class(chance, f"App.P{number % 40}.C{number}")
        elif kind < 0.94:
            yield _routine(chance, f"CM{number}", chance.choice(("MAC", "MAC", "INT", "INC")))
        elif kind < 0.98:
            yield _global(chance, f"^CM{number}")
        elif kind < 0.99:
            page = _code(chance, 60)
            yield f'<CSP name="p{number}.csp" application="/csp/cm/" default="1"><![CDATA[{page}]]></CSP>{END}'
        else:
            entries = "".join(f'<entry table="T{number}" key="{n}">{_words(chance, 3)}</entry>\n' for n in range(90))
            yield f'<Document name="T{number}.LUT"><lookupTable>\n{entries}</lookupTable></Document>{END}'
        if number == expected // 2:
            members = "".join(names)
            yield f'<Project name="CM" LastModified="2026-11-01 09:00:00"><Items>\n{members}</Items></Project>{END}'


def _class(chance: random.Random, name: str) -> str:
    properties = [(f"{_word(chance)}{n}", chance.choice(TYPES)) for n in range(chance.randint(6, 22))]
    parts = [
        f'<Class name="{name}">\n<Description>\n{_words(chance, 20)}</Description>\n<ClassType>persistent</ClassType>\n'
        f"<Super>%Persistent,App.Base</Super>\n"
        f"<TimeChanged>{chance.randint(60000, 66000)},{chance.random() * 86000:.6f}</TimeChanged>\n"
        f"<TimeCreated>{chance.randint(60000, 66000)},{chance.randint(0, 86399)}</TimeCreated>\n\n"
    ]
    parts += [
        f'<Property name="{one}">\n<Type>{kind}</Type>\n<Required>1</Required>\n'
        f'<Parameter name="MAXLEN" value="{chance.randint(1, 2000)}"/>\n</Property>\n\n'
        for one, kind in properties
    ]
    parts += [f'<Index name="{one}Idx">\n<Properties>{one}</Properties>\n</Index>\n\n' for one, _kind in properties[:4]]
    parts += [_method(chance, f"{_word(chance).title()}{n}") for n in range(chance.randint(2, 8))]
    values = "".join(
        f'<Value name="{n}">\n<Value>{one}</Value>\n</Value>\n' for n, (one, _kind) in enumerate(properties, 1)
    )
    parts.append(
        '<Storage name="Default">\n<Type>%Library.CacheStorage</Type>\n'
        f"<DataLocation>^{name}D</DataLocation>\n<DefaultData>DefaultData</DefaultData>\n"
        f"<IdLocation>^{name}D</IdLocation>\n"
        f'<IndexLocation>^{name}I</IndexLocation>\n<Data name="DefaultData">\n{values}</Data>\n</Storage>\n'
        f"</Class>{END}"
    )
    return "".join(parts)


def _method(chance: random.Random, name: str) -> str:
    return (
        f'<Method name="{name}">\n<Description>\n{_words(chance, 12)}</Description>\n<ClassMethod>1</ClassMethod>\n'
        f"<FormalSpec>{_word(chance)}:%String=&quot;&quot;,*{_word(chance)}:%Integer</FormalSpec>\n"
        "<ReturnType>%Status</ReturnType>\n"
        f"<Implementation><![CDATA[\n{_code(chance, chance.randint(4, 26))}]]></Implementation>\n</Method>\n\n"
    )


def _routine(chance: random.Random, name: str, kind: str) -> str:
    horolog = f"{chance.randint(60000, 66000)},{chance.random() * 86000:.6f}"
    return (
        f'<Routine name="{name}" type="{kind}" languagemode="0" timestamp="{horolog}"><![CDATA[\n'
        f"{name} ;{_words(chance, 4)}\n{_code(chance, chance.randint(20, 220))}]]></Routine>{END}"
    )


def _global(chance: random.Random, name: str) -> str:
    rows = []
    for first in range(chance.randint(4, 14)):
        below = "".join(
            f"<Node><Sub>{n}</Sub>\n<Data>{_words(chance, 4)}</Data>\n</Node>\n" for n in range(chance.randint(4, 30))
        )
        rows.append(f"<Node><Sub>{_word(chance)}{first}</Sub>\n{below}</Node>\n")
    return f"\n<Global>\n<Node><Sub>{name}</Sub>\n{''.join(rows)}</Node>\n</Global>{END}"


def _code(chance: random.Random, lines: int) -> str:
    return "".join(
        chance.choice(CODE).format(
            a=_word(chance), b=_word(chance), c=_word(chance), B=_word(chance).upper(), C=_word(chance).title(),
            n=chance.randint(1, 99),
        )
        for _line in range(lines)
    )


def _words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(WORDS, k=count))


def _word(chance: random.Random) -> str:
    return chance.choice(WORDS)


if __name__ == "__main__":
    _count = write_export(Path(sys.argv[1]), int(float(sys.argv[2]) * 1e6) if len(sys.argv) > 2 else 100_000_000)
    print(f"{_count} items")
