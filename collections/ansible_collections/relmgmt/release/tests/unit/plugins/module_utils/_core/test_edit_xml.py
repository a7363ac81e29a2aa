# SPDX-License-Identifier: GPL-3.0-or-later
"""One value of an XML document, held against ElementTree."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_file import Key, find

VALUE = Key("server/variable[@name='x']/@value")
SERVER = """<?xml version="1.0" encoding="%s"?>\r
<!-- é <variable name="x" value="1"/> -->
<server  description="a > b"\tx = 'y' >
    <variable name='x'   value = '5100'/>
\t<variable name="y" value="&lt;5100>"></variable>
    <variable value="z"/>
    <httpEndpoint id="e" httpPort="9080"><tcpOptions\n soReuseAddr="true"/></httpEndpoint>
    <config><port>
        5100
    </port><raw><![CDATA[a<b]]></raw><empty /><none></none></config>
</server><?end x?>
"""


@pytest.mark.parametrize("encoding", ["UTF-8", "iso-8859-1", "windows-1252", "UTF8", "utf-16-le", "UTF-16"])
@pytest.mark.parametrize(
    "path,value,old,new",
    [
        ("server/variable[@name='x']/@value", "5101", "'5100'", "'5101'"),
        ("/server/variable[1]/@value", "a'\"<&>", "'5100'", "'a&apos;\"&lt;&amp;&gt;'"),
        ("server/variable[@name='y']/@value", "5101", '"&lt;5100>"', '"5101"'),
        ('server/variable[@name="y"][@value]/@value', 'x"', '"&lt;5100>"', '"x&quot;"'),
        ("*/httpEndpoint[tcpOptions]/@httpPort", "9081", "9080", "9081"),
        ("server/httpEndpoint/*/@soReuseAddr", "false", '"true"', '"false"'),
        ("server/config/port", "5101", " 5100\n", " 5101\n"),
        ("server/config[raw='a<b'][port]/port[1]", "<5101>", " 5100\n", " &lt;5101&gt;\n"),
        ("server/config/raw", "c<d&", "a<b", "c<d&"),
        ("server/config/empty", "5101", "<empty />", "<empty >5101</empty>"),
        ("server/config/none", "5101", "<none>", "<none>5101"),
        ("server/@description", "c", "a > b", "c"),
    ],
)
def test_the_value_is_replaced_and_nothing_else(replaced, encoding, path, value, old, new):
    text = SERVER % encoding
    data = text.encode(encoding)
    assert replaced(data, "xml", Key(path), value) == data.replace(
        old.encode(encoding.replace("UTF-16", "utf-16-le")), new.encode(encoding.replace("UTF-16", "utf-16-le"))
    )


def test_characters_that_the_encoding_lacks_are_written_as_references(replaced):
    data = b'<?xml version="1.0" encoding="us-ascii"?><a b="1">x</a>'
    assert replaced(data, "xml", Key("a/@b"), "é😀") == data.replace(b'"1"', b'"&#233;&#128512;"')
    assert replaced(data, "xml", Key("a"), "é") == data.replace(b">x<", b">&#233;<")


def test_namespaces_are_told_apart(replaced):
    data = b'<a xmlns="u:1" xmlns:p="u:2"><p:b q="1" p:q="2"/><b q="3"/><c xmlns=""><b q="4"/></c><d q="5"/></a>'
    for path, old in (
        ("{u:1}a/{u:2}b/@q", b'b q="1"'), ("{*}a/{u:2}b/@{u:2}q", b'p:q="2"'), ("{u:1}a/{u:1}b/@q", b'q="3"'),
        ("{*}a/c/b/@q", b'q="4"'), ("{u:1}a/{u:1}d/@q", b'q="5"'),
    ):
        new = old.replace(old[-2:], b'9"')
        assert replaced(data, "xml", Key(path), "9") == data.replace(old, new)
    assert find(data, "xml", Key("a/b/@q")) is None


@pytest.mark.parametrize(
    "path", ["server/x/@value", "other/variable/@value", "server/variable[9]/@value", "server/@nil"]
)
def test_what_is_not_there_is_none(path):
    assert find((SERVER % "UTF-8").encode(), "xml", Key(path)) is None


@pytest.mark.parametrize(
    "data,path,what",
    [
        (b"<a><b/><b/></a>", "a/b", "leads to 2 elements"),
        (b"<a><b/></a>", "a/c", "a/c is not there"),
        (b"<a><b/>", "a/b", "no sound XML"),
        (b"", "a/b", "no sound XML"),
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "a", "document type"),
        (b"<a>&x;</a>", "a", "no sound XML: undefined entity"),
        (b"<a>1<!-- c --></a>", "a", "holds more than text"),
        (b"<a>1<b/></a>", "a", "holds more than text"),
        (b"<a>1<![CDATA[2]]></a>", "a", "holds more than text"),
        (b"<a p:b='1'/>", "a/@b", "stands for no namespace"),
        (b"<a><b/></a>", "a//b", "no path"),
        (b"<a><b/></a>", "@b", "no path"),
        (b"<a><b/></a>", "a/b/", "no path"),
        (b"<a><b/></a>", "a/b[", "no path"),
        (b"<a><b/></a>", "a/b[last()]", "no path"),
        (b"<a><b/></a>", "a/b/@x/c", "no path"),
        (b'<?xml version="1.0" encoding="utf-16"?><a>1</a>', "a", "in a line that is not in it"),
        (b'<?xml version="1.0" encoding="klingon"?><a>1</a>', "a", "no encoding 'klingon'"),
        (b'<?xml version="1.0" encoding="hex"?><a>1</a>', "a", "no encoding 'hex'"),
        (b'\xef\xbb\xbf<?xml version="1.0" encoding="latin-1"?><a>1</a>', "a", "the mark of utf-8"),
        (b'<?xml version="1.0" encoding="utf-8"?><a>\xe9</a>', "a", "not text in utf-8"),
        (b"<a>" * 300 + b"</a>" * 300, "a", "too deep"),
        (b"<a>" + b"<b/>" * 200_001 + b"</a>", "a/b", "too many elements"),
    ],
)
def test_what_is_uncertain_is_refused(refused, data, path, what):
    assert what in refused(data, "xml", Key(path))


def test_a_value_that_cannot_stand_there_is_refused(refused):
    assert "cannot be written within CDATA" in refused(b"<a><![CDATA[1]]></a>", "xml", Key("a"), "]]>")
    assert "characters that XML lacks" in refused(b"<a>1</a>", "xml", Key("a"), "\ufffe")
    assert "cannot be written for a the way" in refused(b"<a>1</a>", "xml", Key("a"), " 1")
    assert "no single line" in refused(b"<a>1</a>", "xml", Key("a"), "1\n2")


def test_an_encoding_that_the_inventory_names_counts_before_the_first_line(replaced):
    data = '<?xml version="1.0" encoding="utf-8"?><a b="1">é</a>'.encode("latin-1")
    assert replaced(data, "xml", Key("a/@b"), "2", "latin-1") == data.replace(b'"1"', b'"2"')


texts = st.text(st.characters(whitelist_categories=("Ll", "Nd", "Po", "Sm", "So"), max_codepoint=0x1F600), max_size=6)


@st.composite
def elements(draw, depth=0):
    name = draw(st.sampled_from(["a", "b", "c"]))
    attributes = draw(st.dictionaries(st.sampled_from(["k", "l"]), texts, max_size=2))
    blank = draw(st.sampled_from([" ", "\n  ", "\t"]))
    sign = draw(st.sampled_from(["=", " = "]))
    tag = name + "".join(f"{blank}{key}{sign}{quoteattr(one)}" for key, one in attributes.items())
    inner = [draw(elements(depth=depth + 1)) for _one in range(draw(st.integers(0, 3 if depth < 3 else 0)))]
    if not inner and draw(st.booleans()):
        return f"<{tag}{draw(st.sampled_from(['', ' ']))}/>"
    between = draw(st.sampled_from(["", "\n", "<!-- <a> -->", "<?p <b k='1'?>"]))
    return f"<{tag}>{between.join(inner) if inner else escape(draw(texts))}</{name}>"


def everything(root):
    """Path, element and attribute of all that has one value; numbers count among children of the same name."""

    def walk(element, path):
        yield path, element, ""
        for key in element.attrib:
            yield f"{path}/@{key}", element, key
        counts: dict[str, int] = {}
        for child in element:
            counts[child.tag] = counts.get(child.tag, 0) + 1
            yield from walk(child, f"{path}/{child.tag}[{counts[child.tag]}]")

    return list(walk(root, root.tag))


@given(text=elements(), data=st.data(), value=texts.filter(bool))
@settings(max_examples=150, deadline=None)
def test_elementtree_sees_the_one_value_changed(replaced, text, data, value):
    root = ElementTree.fromstring(text)
    ours = [one for one in everything(root) if one[2] or not len(one[1])]
    path, element, attribute = data.draw(st.sampled_from(ours))
    span = find(text.encode(), "xml", Key(path))
    assert span is not None
    assert span.value == (element.get(attribute) if attribute else (element.text or "").strip())
    if not attribute and any(comment in text for comment in ("<!--", "<?")) and element.text is None:
        return
    after = ElementTree.fromstring(replaced(text.encode(), "xml", Key(path), value))
    if attribute:
        element.set(attribute, value)
    else:
        element.text = value
    assert ElementTree.canonicalize(ElementTree.tostring(after)) == ElementTree.canonicalize(ElementTree.tostring(root))
