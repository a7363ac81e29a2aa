# SPDX-License-Identifier: GPL-3.0-or-later
"""The reader of Caché XML exports (FACTS 2.3, T24, T25, T35, invariant 12)."""

from __future__ import annotations

import base64
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml import Limits, read_export
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import ExportItem
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import Node, normal_text
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<Export generator="Cache" version="25">\n'
ROUTINE = '<Routine name="CASE" type="MAC" languagemode="0"><![CDATA[\nCASE ;x\n quit\n]]></Routine>\n'
GLOBAL = (
    "<Global>\n<Node><Sub>^CFG</Sub>\n<Data>root</Data>\n<Node><Sub>cats</Sub><Data>1</Data>"
    "<Node><Sub>0</Sub><Data/></Node></Node></Node>\n</Global>\n"
)


def export(*items: str, head: str = HEAD) -> bytes:
    return (head + "".join(items) + "</Export>\n").encode()


def read(data: bytes, step: int = 0, limits: Limits | None = None) -> list[ExportItem]:
    chunks = [data[at:at + step] for at in range(0, len(data), step)] if step else [data]
    return list(read_export(chunks, "P.xml", limits or Limits()))


def refusal(data: bytes, limits: Limits | None = None) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read(data, limits=limits)
    return caught.value


def test_a_routine_has_name_line_and_text():
    (item,) = read(export(ROUTINE))
    assert (item.kind, item.name, item.line) == ("routine", "CASE.MAC", 3)
    assert item.lines == ("CASE ;x", " quit")


def test_a_global_has_its_nodes_with_and_without_value():
    (item,) = read(export(GLOBAL))
    assert item.name == "^CFG"
    assert item.nodes == (Node((), "root"), Node(("cats",), "1"), Node(("cats", "0"), ""))


@pytest.mark.parametrize("head", [
    pytest.param("<?xml version='1.0' encoding='UTF8'?>\n<Export generator='IRIS' version='26'>\n", id="T25"),
    pytest.param("<Export>\n\n", id="T24 no declaration, no attributes"),
    pytest.param('\ufeff<?xml version="1.0" encoding="utf8" ?>\r\n<Export generator="Cache">\r\n', id="BOM"),
    pytest.param('<?xml version="1.0"?>\n<Export generator="Cache" version="25" zv="Caché" ts="x">\n', id="zv"),
])
def test_headers_of_real_exports_are_read(head):
    (item,) = read(export(ROUTINE.replace(";x", ";é€"), head=head))
    assert (item.name, item.lines[0]) == ("CASE.MAC", "CASE ;é€")


def test_a_latin_1_export_is_read_by_its_label():
    data = export(ROUTINE.replace(";x", ";Caché"), head=HEAD.replace("UTF-8", "latin1"))
    (item,) = read(data.decode().encode("latin-1"))
    assert item.lines[0] == "CASE ;Caché"


def test_an_unknown_encoding_is_refused_by_name():
    assert "encoding" in refusal(export(ROUTINE, head=HEAD.replace("UTF-8", "EBCDIC-X"))).message


def test_line_ends_alone_do_not_change_a_digest():
    crlf = export(ROUTINE).replace(b"\n", b"\r\n")
    assert read(crlf)[0].digest == read(export(ROUTINE))[0].digest


def test_other_text_changes_the_digest():
    assert read(export(ROUTINE.replace("quit", "halt")))[0].digest != read(export(ROUTINE))[0].digest


def test_a_split_cdata_section_is_one_text():
    text = ROUTINE.replace(" quit", " w \"]]]]><![CDATA[>\"")
    assert read(export(text))[0].lines[1] == ' w "]]>"'


def test_base64_variants_carry_what_xml_cannot():
    code = base64.b64encode(b"\nCASE ;\x01\r\n quit\r\n").decode()
    routine = f'<RoutineBase64 name="CASE" type="MAC">\n{code[:10]}\n{code[10:]}\n</RoutineBase64>'
    sub, data = (base64.b64encode(raw).decode() for raw in (b"a\x01", b"\xff\x00"))
    node = (
        f"<Global><Node><Sub>^G</Sub><Node><SubBase64>{sub}</SubBase64>"
        f"<DataBase64>{data}</DataBase64></Node></Node></Global>"
    )
    page = '<CSPBase64 name="x.gif" application="/csp/app/">R0lG</CSPBase64>'
    items = read(export(routine, node, page))
    assert items[0].lines == ("CASE ;\x01", " quit")
    assert items[1].nodes == (Node(("a\x01",), "\udcff\x00"),)
    assert items[2].name == "/csp/app/x.gif"


@pytest.mark.parametrize("item", [
    '<RoutineBase64 name="A" type="INT">@@</RoutineBase64>',
    '<CSPBase64 name="x.gif" application="/csp/app/"><![CDATA[@@]]></CSPBase64>',
])
def test_broken_base64_is_refused(item):
    assert "Base64" in refusal(export(item)).message


def test_the_bytes_of_a_page_that_is_no_text_count():
    page = '<CSPBase64 name="x.gif" application="/csp/app/"><![CDATA[\n{}]]></CSPBase64>'
    one, other = (read(export(page.format(base64.b64encode(data).decode())))[0] for data in (b"GIF\r\n", b"GIF\n"))
    assert one.digest != other.digest


def test_other_kinds_are_named_and_digested():
    text = (
        '<Class name="App.Case"><TimeChanged>{}</TimeChanged><Method name="M"><Implementation>'
        "<![CDATA[ quit 1\n]]></Implementation></Method></Class>"
        '<Project name="P"><Items><ProjectItem name="App.Case" type="CLS"></ProjectItem></Items></Project>'
        '<Document name="Ens.LUT"><lookupTable/></Document><Package name="App"/>'
        '<CSP name="a.csp" application="/csp/user"><![CDATA[<html/>]]></CSP>'
    )
    items = read(export(text.format("64091,1")))
    assert [(item.kind, item.name) for item in items] == [
        ("class", "App.Case.CLS"), ("project", "P.PRJ"), ("document", "Ens.LUT"),
        ("package", "App.PKG"), ("csp", "/csp/user/a.csp"),
    ]
    assert [item.digest for item in read(export(text.format("64092,2")))] == [i.digest for i in items]
    assert read(export(text.replace("quit 1", "quit 2")))[0].digest != items[0].digest


def test_an_item_that_comes_twice_is_refused_with_both_lines():
    error = refusal(export(ROUTINE, GLOBAL, ROUTINE))
    assert "CASE.MAC" in error.message
    assert "line 3" in error.message
    assert error.place.startswith("P.xml line ")
    assert error.place != "P.xml line 3"


@pytest.mark.parametrize("body, said", [
    ("<Rootine/>", "unknown element Rootine"),
    ('<Routine name="A" type="MAC">x<b/></Routine>', "unknown element b"),
    ('<Routine type="MAC">x</Routine>', "no name"),
    ('<Routine name="A" type="EXE">x</Routine>', "unknown type"),
    ('<Routine name="A" type="MAC">\n\n</Routine>', "A.MAC is empty"),
    ("text<Global/>", "text outside"),
    ("<Global></Global>", "no value"),
    ("<Global><Node><Sub>^G</Sub></Node></Global>", "no value"),
    ("<Global><Data>1</Data></Global>", "has two values"),
    ("<Global><Node><Sub>G</Sub><Data>1</Data></Node></Global>", "not the name"),
    ("<Global><Node><Sub>^G</Sub><Sub>^G</Sub></Node></Global>", "second"),
    ("<Global><Node><Data>1</Data></Node></Global>", "no Sub"),
    ("<Global><Node><Sub>^G</Sub><Node></Node></Node></Global>", "no Sub"),
    ("<Global><Node><Sub>^G</Sub><Data>1</Data><Data>2</Data></Node></Global>", "two values"),
    ("<Global><Node><Sub>^G</Sub><Daten/></Node></Global>", "unknown element Daten"),
    ("<Global><Node><Sub>^G</Sub>loose</Node></Global>", "between the nodes"),
    (ROUTINE.replace("]]>", ""), "not well-formed"),
    ("&nope;", "not well-formed"),
])
def test_what_is_no_export_is_refused_with_file_and_line(body, said):
    error = refusal(export(body))
    assert said in error.message
    assert error.place.startswith("P.xml line ")
    assert error.cure


def test_a_document_type_is_refused():
    bomb = '<!DOCTYPE Export [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>\n<Export>&b;</Export>'
    assert "document type" in refusal(bomb.encode()).message


@pytest.mark.parametrize("data, said", [
    (b"", "not well-formed"),
    (b"<Import/>", "not Export"),
    (export(ROUTINE)[:-12], "not well-formed"),
    (export(ROUTINE) + b"<Export/>", "not well-formed"),
    (export(ROUTINE).replace(b";x", b";\xff"), "not well-formed"),
])
def test_a_broken_file_is_refused(data, said):
    assert said in refusal(data).message


@pytest.mark.parametrize("limits, body, said", [
    (Limits(size=100), ROUTINE * 1, "larger than 100"),
    (Limits(item=10), ROUTINE, "item is larger"),
    (Limits(items=1), ROUTINE + GLOBAL, "more than 1 items"),
    (Limits(depth=4), GLOBAL, "deeper than 4"),
])
def test_limits_hold(limits, body, said):
    assert said in refusal(export(body), limits).message


PLAIN = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")
CODE = st.text(PLAIN, min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9]{0,7}", fullmatch=True), st.lists(CODE, min_size=1), max_size=5),
    st.integers(min_value=1, max_value=400),
)
def test_what_is_written_is_read_whatever_the_chunks(routines, step):
    body = "".join(
        f'<Routine name="{name}" type="INT">\n{escape(chr(10).join(lines))}\nend\n</Routine>\n'
        for name, lines in routines.items()
    )
    items = read(export(body), step)
    assert {item.name: item.lines for item in items} == {
        f"{name}.INT": (*lines, "end") for name, lines in routines.items()
    }


# What looks like markup and is none, what is markup and looks like an end: item boundaries stay exact.
CODE_WITH_TAGS = " w \"</Class></Routine></Global><TimeChanged>1</TimeChanged>\" ; <!-- <?x"
CLASS = '<Class name="App.A"><TimeChanged>64091,5.1</TimeChanged>\n{}<Method name="M"></Method></Class>\n'


@pytest.mark.parametrize("inside", [
    f"<Implementation><![CDATA[{CODE_WITH_TAGS}]]></Implementation>",
    "<!-- </Class> <![CDATA[ -->",
    "<?tool </Class> ?>",
    "<a b='</Class>'/>".replace("<", "&lt;"),
    "<Description>]] > &amp; </Description>",
    "<Data>" * 3 + "</Data>" * 3,
    "<x>" + "y" * 200000 + "</x>",
])
@pytest.mark.parametrize("step", [0, 7, 4096])
def test_an_item_ends_at_its_own_end_tag(inside, step):
    items = read(export(CLASS.format(inside), ROUTINE, CLASS.replace("App.A", "App.B").format(inside)), step)
    assert [item.name for item in items] == ["App.A.CLS", "CASE.MAC", "App.B.CLS"]
    assert items[0].element.decode() == CLASS.format(inside).strip()
    assert items[0].changed == "64091,5.1"


@pytest.mark.parametrize("step", [0, 5])
def test_code_that_looks_like_an_end_stays_code(step):
    routine = ROUTINE.replace(" quit", CODE_WITH_TAGS)
    twice = routine.replace('"CASE"', '"CASE2"').replace("<!--", "]]]]><![CDATA[><!--")
    items = read(export(routine, twice), step)
    assert [item.lines[1] for item in items] == [CODE_WITH_TAGS, CODE_WITH_TAGS.replace("<!--", "]]><!--")]


def test_a_document_may_hold_an_element_of_its_own_name_and_items():
    inner = '<Document name="x"><Class name="C"/></Document><Routine name="R" type="INT">x</Routine>'
    items = read(export(f'<Document name="D.PTD">{inner}</Document>', ROUTINE))
    assert [item.name for item in items] == ["D.PTD", "CASE.MAC"]
    assert inner in items[0].element.decode()


def test_comments_and_instructions_between_items_are_passed_over():
    items = read(export("<!-- <Routine> -->", ROUTINE, "<?tool x?>\n", GLOBAL), step=3)
    assert [(item.name, item.line) for item in items] == [("CASE.MAC", 3), ("^CFG", 8)]


def test_attributes_in_single_quotes_and_with_entities_are_read():
    (item,) = read(export("<Routine name='A&#66;' type='INT' timestamp='64091,1'>\n quit &lt;1\n</Routine>"))
    assert (item.name, item.lines, item.changed) == ("AB.INT", (" quit <1",), "64091,1")


@pytest.mark.parametrize("label", ["latin1", "windows-1252", "UTF-16", "gb18030", "koi8-r"])
def test_exports_in_other_encodings_are_read_by_their_label(label):
    text = ROUTINE.replace(";x", {"gb18030": ";病例", "koi8-r": ";дело"}.get(label, ";Gemüse"))
    data = export(text, head=HEAD.replace("UTF-8", label)).decode().encode(label)
    for step in (0, 5):
        assert read(data, step)[0].lines[0] == text.split("\n")[1]


def test_a_wrong_label_is_told_as_such():
    error = refusal(export(ROUTINE.replace(";x", ";Gemüse")).decode().encode("latin-1"))
    assert "the byte FC is not UTF-8" in error.message
    assert error.place == "P.xml line 4"
    assert "first line" in error.cure
    ascii_head = export(ROUTINE, head=HEAD.replace("UTF-8", "ASCII"))
    assert "not in the encoding" in refusal(ascii_head.replace(b";x", b";\xfc")).message


@pytest.mark.parametrize("label", ["zlib", "rot13", "cp037", "UTF-16"])
def test_an_encoding_that_cannot_be_the_files_is_refused(label):
    assert "encoding" in refusal(export(ROUTINE, head=HEAD.replace("UTF-8", label))).message


def test_the_time_of_change_does_not_count_but_code_that_looks_like_it_does():
    text = CLASS.format("<I><![CDATA[<TimeChanged>{}</TimeChanged>]]></I>")
    digests = {read(export(one))[0].digest for one in (text, text.replace("64091,5.1", "64092,7"))}
    assert len(digests) == 1
    assert read(export(text.replace("[CDATA[<TimeChanged>{", "[CDATA[<TimeChanged>1{")))[0].digest not in digests
    bare = text.replace("<TimeChanged>64091,5.1</TimeChanged>\n", "")
    assert read(export(bare))[0].digest in digests, "as /diffexport writes it"


def test_a_node_that_comes_twice_is_refused_at_the_latest_when_the_nodes_are_wanted():
    twice = "<Global><Node><Sub>^G</Sub><Node><Sub>1</Sub><Data>a</Data></Node>{}</Node></Global>"
    assert read(export(twice.format("<Node><Sub>2</Sub><Data>b</Data></Node>")))[0].nodes[1] == Node(("2",), "b")
    for more in ("<Node><Sub>1</Sub><Data>b</Data></Node>", "</Node><Node><Sub>^H</Sub><Data>b</Data>"):
        (item,) = read(export(twice.format(more)))
        with pytest.raises(InvalidInput, match="two values for one node, or holds two globals"):
            item.nodes  # noqa: B018


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_whatever_the_line_ends(line_end):
    data = export(ROUTINE, GLOBAL, CLASS.format("<a/>\n\n")).replace(b"\n", line_end.encode())
    for step in (0, 1, 50):
        assert [item.line for item in read(data, step)] == [3, 7, 12]


def test_deep_nesting_in_a_large_item_is_refused():
    assert "deeper than 64" in refusal(export('<Class name="C">' + "<a>" * 60000 + "</a>" * 60000 + "</Class>")).message


def test_an_item_that_never_ends_is_refused_without_being_held_whole():
    endless = '<Class name="C">' + "<a></a>" * 100000
    assert "item is larger" in refusal(export(endless), Limits(item=200000)).message


TEXT = st.text(st.one_of(st.sampled_from("<>&\"']\n-?!/"), PLAIN), max_size=40)
ELEMENT = st.one_of(
    TEXT.map(escape), TEXT.map(lambda text: "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"),
    TEXT.map(lambda text: "<!--" + text.replace("-", "") + "-->"),
    st.sampled_from(["</Class>", "</Routine>"]).map(lambda end: f"<![CDATA[{end}]]>"), st.just("<e a='>'/>"),
)
TREE = st.recursive(ELEMENT, lambda inner: st.lists(inner, max_size=3).map(lambda parts: f"<E>{''.join(parts)}</E>"))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(TREE, TEXT, TEXT), max_size=4), st.integers(min_value=1, max_value=300))
def test_items_are_those_that_another_parser_finds(parts, step):
    body = "".join(
        f'<Class name="C{number}">{tree}</Class><!-- {number} -->\n'
        f'<Routine name="R{number}" type="INT">{escape(code)}x</Routine>\n'
        f'<Global><Node><Sub>^G{number}</Sub><Data>{escape(value)}</Data></Node></Global>\n'
        for number, (tree, code, value) in enumerate(parts)
    )
    data = export(body)
    items = read(data, step)
    found = list(ElementTree.fromstring(data.decode().split("\n", 1)[1]))
    assert [item.kind for item in items] == [element.tag.lower() for element in found]
    for item, element in zip(items, found, strict=True):
        if item.kind == "class":
            assert list(ElementTree.fromstring(item.element).itertext()) == list(element.itertext())
        elif item.kind == "routine":
            text = element.text or ""
            assert item.text == normal_text(text[1:] if text.startswith("\n") else text)
        else:
            assert item.nodes == (Node((), element[0][1].text or ""),)
