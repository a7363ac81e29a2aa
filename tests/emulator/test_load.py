# SPDX-License-Identifier: GPL-3.0-or-later
"""Load, compile, export, delete: what goes live, what stays half done, what is said (FACTS 2)."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from emulated.emulator import Emulator, Ran
from emulator_fixtures import Make


def export(*items: str, generator: str = "Cache", version: str = "22") -> str:
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<Export generator="{generator}" version="{version}">\n'
    return head + "\n".join(items) + "\n</Export>\n"


def routine(name: str, *lines: str, kind: str = "MAC") -> str:
    code = "\n".join(lines)
    return (f'<Routine name="{name}" type="{kind}" languagemode="0" timestamp="63952,75839.904905">'
            f"<![CDATA[\n{code}\n]]></Routine>")


def class_(name: str, *code: str, above: str = "%RegisteredObject", more: str = "") -> str:
    body = "\n".join(code)
    method = (f'<Method name="Run">\n<ClassMethod>1</ClassMethod>\n<FormalSpec>a:%String=""</FormalSpec>\n'
              f"<Implementation><![CDATA[\n{body}\n]]></Implementation>\n</Method>\n") if code else ""
    return f'<Class name="{name}">\n<Super>{above}</Super>\n{more}{method}</Class>'


GLOBAL = ("<Global>\n<Node><Sub>^G</Sub>\n<Data>top</Data>\n<Node><Sub>1</Sub>\n<Data>one</Data>\n"
          "<Node><Sub>a b</Sub>\n<Data>x</Data>\n</Node>\n</Node>\n</Node>\n</Global>")


class Loading:
    """Loads texts into CFIS and asks afterwards."""

    def __init__(self, emulator: Emulator, tmp_path: Path) -> None:
        self.emulator = emulator
        self.path = tmp_path / "load.xml"

    def load(self, text: str, flags: str = "ck", *after: str, more: str = "") -> Ran:
        self.path.write_text(text, encoding="utf-8")
        return self.run(f'set sc=$system.OBJ.Load("{self.path}","{flags}",.errors,.loaded{more})',
                        'write "sc=",$select($system.Status.IsOK(sc):1,1:$system.Status.GetErrorCodes(sc)),!',
                        "zwrite errors,loaded", *after)

    def run(self, *lines: str) -> Ran:
        return self.emulator.session(*lines, namespace="CFIS")

    def says(self, code: str) -> str:
        done = self.run(f"set v={code} write $char(123,123),v,$char(125,125)")
        found = re.search(r"{{(.*?)}}", done.out, re.DOTALL)
        return found.group(1) if found else "".join(re.findall(r"<[A-Z ]+>.*", done.out))


@pytest.fixture
def loading(shared: Emulator, tmp_path: Path) -> Loading:
    return Loading(shared, tmp_path)


def test_a_good_load_is_live_and_says_so(emulated: Emulator, tmp_path: Path) -> None:
    loading = Loading(emulated, tmp_path)
    done = loading.load(export(routine("ONE", "ONE quit 7"), class_("A.B", ' quit "b"_a'), GLOBAL))
    for line in ("Load started on ", f"Loading file {loading.path} as xml", "Imported routine: ONE.MAC",
                 "Imported class: A.B", "Imported global: ^G", ", compiling 1 classes", "Compiling class A.B",
                 "Compiling routine A.B.1", "Load finished successfully."):
        assert line in done.out, done.out
    assert "sc=1\n" in done.out
    assert "errors=0" in done.out
    assert (loading.says("$$^ONE"), loading.says('##class(A.B).Run("x")')) == ("7", "bx")
    assert emulated.nodes("G") == {(): "top", ("1",): "one", ("1", "a b"): "x"}


def test_the_list_is_a_scalar_for_one_item_and_an_array_for_more(loading: Loading) -> None:
    one = loading.load(export(class_("A.B")))
    assert 'loaded="A.B.CLS"\nloaded("A.B.CLS")=""\n' in one.out
    two = loading.load(export(class_("A.B"), routine("R", "R quit")))
    assert 'loaded="' not in two.out
    assert 'loaded("A.B.CLS")=""\nloaded("R.MAC")=""\n' in two.out


def test_listonly_names_items_and_loads_nothing(loading: Loading) -> None:
    done = loading.load(export(class_("A.B"), GLOBAL), "", more=",1")
    assert 'loaded("^G.GBL")=""' in done.out
    assert "Load started" not in done.out
    assert loading.says('##class(%Dictionary.ClassDefinition).%ExistsId("A.B")') == "0"
    assert loading.emulator.nodes("G") == {}


def test_a_partial_load_leaves_good_items_live_and_bad_ones_uncompiled(loading: Loading) -> None:
    done = loading.load(export(
        class_("A.Good", " quit 1"), class_("A.Orphan", " quit 2", above="A.Missing"),
        class_("A.Child", " quit 3", above="A.Orphan"), class_("A.Bad", " set x=1)", " quit 4"),
        routine("R", "R quit 5")))
    for shape in (
        "ERROR #5373: Class 'A.Missing', used by 'A.Orphan:Super', does not exist\nSkipping class A.Orphan\n",
        "ERROR: A.Bad.cls(Run+2) #1003: Expected space : ')' : Offset:8 [zRun+1^A.Bad.1]\n TEXT:  set x=1)\n",
    ):
        assert shape in done.out
    assert "Detected 3 errors during load." in done.out
    assert "Load finished successfully." not in done.out
    assert "sc=5373,5373,5475,5030" in done.out
    assert "errors=3" in done.out
    assert [loading.says(f"##class(A.{each}).Run()") for each in ("Good", "Orphan", "Child", "Bad")] == [
        "1", "<CLASS DOES NOT EXIST> *A.Orphan", "<CLASS DOES NOT EXIST> *A.Child", "<CLASS DOES NOT EXIST> *A.Bad"]
    exists = 'for c="Good","Orphan","Child","Bad" write ##class(%Dictionary.{0}).%ExistsId("A."_c)'
    assert "1111" in loading.run(exists.format("ClassDefinition")).out
    assert "1000" in loading.run(exists.format("CompiledClass")).out
    assert loading.says("$$^R") == "5"


def test_a_failed_compile_leaves_the_former_code_running(loading: Loading) -> None:
    loading.load(export(class_("A.B", " quit 1"), routine("R", "R quit 1")))
    loading.load(export(class_("A.B", " quit 2)"), routine("R", "R quit 2)")))
    assert (loading.says("##class(A.B).Run()"), loading.says("$$^R")) == ("1", "1")
    loading.load(export(class_("A.B", " quit 3"), routine("R", "R quit 3")), "-c")
    assert (loading.says("##class(A.B).Run()"), loading.says("$$^R")) == ("1", "1")
    assert "sc=" not in loading.run('do $system.OBJ.Compile("A.*,R.mac","ck-d")').out
    assert (loading.says("##class(A.B).Run()"), loading.says("$$^R")) == ("3", "3")


@pytest.mark.parametrize(("place", "shape"), [
    ("label", "ERROR: R.mac(bad+1) #1003: Expected space : ')' : Offset:8 [bad+1^R]"),
    ("line", "ERROR: R.MAC(3) #1003: Expected space"),
])
def test_a_routines_error_names_line_and_text(loading: Loading, place: str, shape: str) -> None:
    loading.emulator.facts.routine_error_place = place
    loading.emulator.save()
    done = loading.load(export(routine("R", "R quit 1", "bad quit", " set x=1)")))
    assert f"{shape}\n TEXT:  set x=1)\n" in done.out
    assert "sc=5475" in done.out


def test_globals_replace_or_merge(loading: Loading) -> None:
    loading.emulator.set("G", 9, value="old")
    loading.load(export(GLOBAL), "/mergeglobal=1")
    assert ("9",) in loading.emulator.nodes("G")
    loading.load(export(GLOBAL), "")
    assert ("9",) not in loading.emulator.nodes("G")


def test_flag_e_deletes_data(loading: Loading) -> None:
    loading.emulator.set("A.BD", 1, value="data")
    loading.load(export(class_("A.B", above="%Persistent")), "ck")
    assert loading.emulator.nodes("A.BD") == {("1",): "data"}
    loading.load(export(class_("A.B", above="%Persistent")), "cke")
    assert loading.emulator.nodes("A.BD") == {}


@pytest.mark.parametrize("flags", ["z", "c k", "/nope", "/compile=1/wrong"])
def test_unknown_flags_and_qualifiers_are_refused(loading: Loading, flags: str) -> None:
    done = loading.load(export(class_("A.B")), flags)
    assert "sc=5001" in done.out
    assert loading.says('##class(%Dictionary.ClassDefinition).%ExistsId("A.B")') == "0"


def test_display_is_a_flag(loading: Loading) -> None:
    done = loading.load(export(class_("A.B", " set x=1)")), "ck-d")
    assert "Load started" not in done.out
    assert "ERROR: A.B.cls" in done.out
    silent = loading.load(export(class_("A.B", " set x=1)")), "ck/displayerror=0")
    assert "ERROR: A.B.cls" not in silent.out.split("sc=")[0]


@pytest.mark.parametrize(("product", "generator", "loads"), [
    ("iris2025", "Cache", True), ("iris2025", "IRIS", True), ("cache2018", "Cache", True), ("cache2018", "IRIS", False),
    ("iris2025", "Other", False),
])
def test_the_generator_decides(make_emulator: Make, tmp_path: Path, product: str, generator: str, loads: bool) -> None:
    loading = Loading(make_emulator(product), tmp_path)
    done = loading.load(export(routine("R", "R quit 1"), generator=generator, version="26"))
    assert ("sc=1" in done.out) is loads
    refusal = "ERROR #6301: SAX XML Parser Error: This does not appear to be a Cache exported file"
    assert (refusal in done.out) is not loads


@pytest.mark.parametrize("text", [
    "", "no export", "<Export generator='Cache' version='25'>", export("<Nope/>"), export("<Global></Global>"),
])
def test_what_is_no_export_is_refused(loading: Loading, text: str) -> None:
    assert "sc=6301" in loading.load(text).out


def test_byte_order_mark_line_ends_and_split_cdata(loading: Loading) -> None:
    text = export(routine("R", "R ;]]]]><![CDATA[>", " quit 3")).replace("\n", "\r\n")
    assert "sc=1" in loading.load("\ufeff" + text).out
    assert loading.says("$$^R") == "3"
    assert loading.says("$text(R^R)") == "R ;]]>"


@pytest.mark.parametrize("head", [
    '<?xml version="1.0" encoding="UTF8"?>\n<Export generator="Cache" version="25">',
    "<?xml version='1.0' encoding='utf-8'?>\n<Export generator='Cache'>", "<Export generator='Cache'>",
])
def test_heads_of_real_exports_are_taken(loading: Loading, head: str) -> None:
    """TRAPS T24, T25."""
    body = export(routine("R", 'R quit "é"')).split("\n", 2)[2]
    assert "sc=1" in loading.load(f"{head}\n{body}").out
    assert loading.says("$$^R") == "é"


def test_flag_u_leaves_alone_what_is_up_to_date(loading: Loading) -> None:
    loading.load(export(class_("A.B", " quit 1")))
    assert "Compiling class A.B" not in loading.run('do $system.OBJ.Compile("A.B","cuk")').out
    loading.load(export(class_("A.B", " quit 2")), "")
    assert "Compiling class A.B" in loading.run('do $system.OBJ.Compile("A.B","cuk")').out
    assert "Compiling class A.B" in loading.run('do $system.OBJ.Compile("A.B","ck")').out


def test_streams_and_lists_of_files_are_loaded(loading: Loading, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.xml").write_text(export(routine(name.upper(), f'{name.upper()} quit "{name}"')))
    done = loading.run(
        f'set s=##class(%Stream.FileCharacter).%New(),s.Filename="{tmp_path}/a.xml"',
        'set sc=$system.OBJ.LoadStream(s,"ck-d",.e,.l) write "sc=",+sc zwrite l')
    assert 'sc=1l="A.MAC"' in done.out
    assert loading.says("$$^A") == "a"
    done = loading.run(f'set sc=$system.OBJ.Import("{tmp_path}/a.xml,{tmp_path}/b.xml","ck-d",.e,.l)', "zwrite l")
    assert 'l("A.MAC")=""\nl("B.MAC")=""' in done.out


def test_classes_are_compiled_by_list_package_and_all(loading: Loading) -> None:
    loading.load(export(class_("A.B", " quit 1"), class_("A.C", " quit 2"), class_("D.E", " quit 3")), "")
    compiled = 'for c="A.B","A.C","D.E" write ##class(%Dictionary.CompiledClass).%ExistsId(c)'
    assert "000" in loading.run(compiled).out
    assert "100" in loading.run('set l("A.B")="" do $system.OBJ.CompileList(.l,"-d")', compiled).out
    assert "110" in loading.run('do $system.OBJ.CompilePackage("A","-d")', compiled).out
    assert "111" in loading.run('do $system.OBJ.CompileAll("-d")', compiled).out
    assert "110" in loading.run('do $system.OBJ.UnCompile("D.E")', compiled).out
    assert "110" in loading.run("do $system.OBJ.Compile(\"*,'D.*\",\"-d\")", compiled).out


def test_what_the_routine_manager_knows(loading: Loading) -> None:
    loading.load(export(routine("R", "R quit 1"), class_("A.B", " quit 1")))
    code = ('##class(%RoutineMgr).IsGenerated("R.INT")_##class(%RoutineMgr).IsGenerated("R.MAC")'
            '_##class(%RoutineMgr).Exists("A.B.CLS")_##class(%RoutineMgr).Exists("R.INC")'
            '_##class(%RoutineMgr).UserType("X.LUT")_##class(%RoutineMgr).IsMapped("R.MAC",.db)_db')
    assert loading.says(code) == f"101010{loading.emulator.directory('CFISCODE')}/"


def test_a_missing_file_is_an_error(loading: Loading) -> None:
    assert "ERROR #5012" in loading.run('do $system.OBJ.Load("/nope/x.xml","ck")').out


def test_export_and_load_are_each_others_inverse(loading: Loading, tmp_path: Path) -> None:
    text = export(routine("R", "R ;a]]>b".replace("]]>", "]]]]><![CDATA[>"), " quit"),
                  class_("A.B", ' quit "<&>"', more="<TimeChanged>1,2</TimeChanged>\n"), GLOBAL)
    loading.load(text)
    out = tmp_path / "out.xml"
    items = "R.mac,A.B.cls,^G.gbl"
    assert loading.says(f'$system.OBJ.Export("{items}","{out}","-d")') == "1"
    first = out.read_text()
    assert first.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<Export generator="IRIS" version="26" zv="IRIS ')
    assert "<TimeChanged>1,2</TimeChanged>" in first
    assert 'timestamp="63952,75839.904905"' in first
    loading.run('do $system.OBJ.Delete("A.B")', 'do ##class(%Routine).Delete("R.MAC")', "kill ^G")
    loading.path.write_text(first)
    loading.run(f'do $system.OBJ.Load("{loading.path}","ck-d")')
    loading.run(f'do $system.OBJ.Export("{items}","{out}","-d")')
    assert re.sub(r' ts=".*?"|<TimeCreated>.*', "", out.read_text()) == re.sub(r' ts=".*?"|<TimeCreated>.*', "", first)


def test_diffexport_leaves_times_out(loading: Loading) -> None:
    loading.load(export(routine("R", "R quit"), class_("A.B", " quit 1")))
    code = 'set s=##class(%Stream.TmpCharacter).%New() do $system.OBJ.ExportToStream("{0}",.s,"/diffexport -d") ' \
           'set h="" for i=1:1:32 set h=h_$zhex($ascii($system.Encryption.SHAHash(256,s.Read(99999)),i))'
    shown = loading.run(code.format("A.B.cls").split(" set h")[0].replace("/diffexport -d", "-d/diffexport"),
                        "write s.Read(99999)").out
    assert "<Class" in shown
    assert not re.search("TimeChanged|TimeCreated| ts=| zv=", shown)
    for keeps in (False, True):
        loading.emulator.facts.diffexport_keeps_routine_time = keeps
        loading.emulator.save()
        shown = loading.run('do $system.OBJ.ExportToStream("R.mac",.s,"-d/diffexport") write s.Read(9999)').out
        assert ("timestamp=" in shown) is keeps


def test_exportversion_writes_the_older_head(loading: Loading, tmp_path: Path) -> None:
    loading.load(export(class_("A.B")))
    loading.run(f'do $system.OBJ.Export("A.B.cls","{tmp_path}/o.xml","-d/exportversion=2012.2.2")')
    assert '<Export generator="Cache" version="25"' in (tmp_path / "o.xml").read_text()


def test_export_of_what_is_not_there_is_an_error(loading: Loading, tmp_path: Path) -> None:
    code = f'$system.Status.GetErrorCodes($system.OBJ.Export("No.cls,N.mac","{tmp_path}/o","-d"))'
    assert loading.says(code) == "5351,6024"
    assert not (tmp_path / "o").exists()


def test_values_that_xml_cannot_hold_are_base64_or_not(loading: Loading, tmp_path: Path) -> None:
    loading.emulator.set("B", "k\x01", value="v\x02")
    out = tmp_path / "o.xml"
    loading.run(f'do $system.OBJ.Export("^B.gbl","{out}","-d")', "kill ^B")
    assert "<SubBase64>awE=</SubBase64>" in out.read_text()
    loading.load(out.read_text(), "")
    assert loading.emulator.nodes("B") == {("k\x01",): "v\x02"}
    loading.emulator.facts.base64_names = False
    loading.emulator.save()
    assert "sc=6301" in loading.load(out.read_text(), "").out


def test_code_that_xml_cannot_hold_is_base64_or_not(loading: Loading, tmp_path: Path) -> None:
    write = 'set r=##class(%Routine).%New("R.MAC") do r.WriteLine("R quit ""a"_$char(1)_"""") do r.Save()'
    loading.run(write, f'do $system.OBJ.Export("R.mac","{tmp_path}/o.xml","-d")')
    text = (tmp_path / "o.xml").read_text()
    assert "<RoutineBase64 name" in text
    assert "sc=1" in loading.load(text).out
    assert loading.says("$ascii($$^R,2)") == "1"
    loading.emulator.facts.routine_base64 = False
    loading.emulator.save()
    assert "sc=6301" in loading.load(text).out


@pytest.mark.parametrize(("split", "shape"), [(True, "]]]]><![CDATA[>"), (False, "]]&gt;")])
def test_an_end_mark_in_code_is_split_or_escaped(loading: Loading, tmp_path: Path, split: bool, shape: str) -> None:
    loading.emulator.facts.cdata_split = split
    loading.emulator.save()
    loading.load(export(routine("R", "R ;a]]]]><![CDATA[>b")))
    loading.run(f'do $system.OBJ.Export("R.mac","{tmp_path}/o.xml","-d")')
    assert shape in (tmp_path / "o.xml").read_text()
    assert "sc=1" in loading.load((tmp_path / "o.xml").read_text()).out
    assert loading.says("$text(R^R)") == "R ;a]]>b"


def test_directories_are_loaded_by_wildcard_and_whole(loading: Loading, tmp_path: Path) -> None:
    inner = tmp_path / "d" / "sub"
    inner.mkdir(parents=True)
    (tmp_path / "d" / "a.xml").write_text(export(class_("A.One", " quit 1", above="A.Two")))
    (inner / "b.xml").write_text(export(class_("A.Two")))
    (tmp_path / "d" / "c.txt").write_text("none")
    done = loading.run(f'set sc=$system.OBJ.ImportDir("{tmp_path}/d","*.xml","ck",.e,0,.l)', "zwrite e,l")
    assert "ERROR #5373" in done.out
    assert 'e=1' in done.out
    assert 'l("A.One.CLS")=""' in done.out
    assert 'l="' not in done.out
    done = loading.run(f'set sc=$system.OBJ.LoadDir("{tmp_path}/d","ck-d",.e,1,.l)', "zwrite e,l")
    assert "e=0" in done.out
    assert loading.says("##class(A.One).Run()") == "1"


def test_routine_files_of_ro_are_loaded(loading: Loading, tmp_path: Path) -> None:
    text = ("Cache for Windows NT^INT^Release 1^~Format=Cache.S~\n%RO on 08 Feb 2010   4:19 PM\n"
            "ONE^INT^1^59973,59905^0\nONE quit 1\n\nTWO^MAC^1^59973,59905^0\nTWO ;\n quit 2\n\n\n")
    done = loading.load(text)
    assert f"Loading file {loading.path} as RO" in done.out
    assert (loading.says("$$^ONE"), loading.says("$$^TWO")) == ("1", "2")


def test_include_files_give_macros(loading: Loading) -> None:
    loading.load(export(routine("INCL", "#define TWICE(%x) (%x*2)", "#define SEVEN 7", kind="INC"),
                        routine("R", "#include INCL", "R quit $$$TWICE($$$SEVEN)", " ;"), class_("A.B", " quit $$$OK")))
    assert (loading.says("$$^R"), loading.says("##class(A.B).Run()")) == ("14", "1")
    done = loading.load(export(routine("R", "R quit $$$NOPE")))
    assert "Referenced macro not defined: 'NOPE'" in done.out


def test_delete_removes_code_and_leaves_data(loading: Loading) -> None:
    loading.emulator.set("A.BD", 1, value="data")
    loading.load(export(class_("A.B", " quit 1", above="%Persistent"), class_("A.C"), routine("R", "R quit 1")))
    loading.run('do $system.OBJ.Delete("A.B","-d")')
    assert loading.says("##class(A.B).Run()") == "<CLASS DOES NOT EXIST> *A.B"
    assert loading.emulator.nodes("A.BD") == {("1",): "data"}
    assert "ERROR #5351" in loading.run('do $system.OBJ.Delete("A.B","d")').out
    loading.run('do $system.OBJ.DeletePackage("A","-d")')
    assert loading.says('##class(%Dictionary.ClassDefinition).%ExistsId("A.C")') == "0"


def test_a_deleted_mac_leaves_its_object_until_that_is_deleted_too(loading: Loading) -> None:
    def exists() -> str:
        return loading.says('##class(%Routine).Exists("R.MAC")_##class(%Routine).Exists("R.INT")'
                            '_##class(%Routine).Exists("R.OBJ")')

    loading.load(export(routine("R", "R quit 1")))
    assert exists() == "111"
    loading.run('do ##class(%Routine).Delete("R.MAC")')
    assert (exists(), loading.says("$$^R")) == ("011", "1")
    loading.run('do ##class(%Routine).Delete("R.MAC",2)')
    assert (exists(), loading.says("$$^R")) == ("000", "<NOROUTINE> *R")
    loading.load(export(routine("R", "R quit 1")))
    loading.emulator.facts.delete_flag_2_drops_objects = False
    loading.emulator.save()
    loading.run('do ##class(%Routine).Delete("R.MAC",2)')
    assert exists() == "011"


def test_times_are_those_of_the_file(loading: Loading) -> None:
    loading.load(export(routine("R", "R quit")), "")
    code = '##class(%RoutineMgr).TS("R.MAC",.compiled)_"|"_compiled'
    assert loading.says(code) == "2016-02-04 21:03:59.904905|"
    loading.run('do $system.OBJ.Compile("R.mac","-d")')
    assert re.fullmatch(r"2016-02-04 21:03:59.904905\|20.*", loading.says(code))
    loading.emulator.facts.routine_ts_exists = False
    loading.emulator.save()
    assert loading.says(code) == "<METHOD DOES NOT EXIST> *TS,%RoutineMgr"


def test_the_open_dialog_lists_documents(loading: Loading) -> None:
    loading.load(export(routine("R", "R quit"), class_("A.B")), "")
    done = loading.run('set r=##class(%ResultSet).%New("%RoutineMgr:StudioOpenDialog")', 'do r.Execute("*.mac,*.cls")',
                       'while r.Next() { write r.Get("Name"),";" }')
    assert "A.B.CLS;R.MAC;" in done.out


@pytest.mark.parametrize(("product", "there"), [("cache2008", False), ("iris2025", True)])
def test_sha_is_absent_from_old_products(make_emulator: Make, product: str, there: bool) -> None:
    emulator = make_emulator(product)
    shown = emulator.session('write $length($system.Encryption.SHAHash(256,"x"))').out
    assert ("32" in shown, "<METHOD DOES NOT EXIST> *SHAHash" in shown) == (there, not there)
    stream = "do s.Write(\"x\") write $length($system.Encryption.SHAHashStream(256,s,.sc))"
    shown = emulator.session("set s=##class(%Stream.TmpCharacter).%New()", stream).out
    assert ("32" in shown, "<METHOD DOES NOT EXIST> *SHAHashStream" in shown) == (there, not there)
    emulator.facts.sha_hash_exists = emulator.facts.sha_hash_stream_exists = not there
    emulator.save()
    shown = emulator.session('write $system.Encryption.SHAHash(256,"x")', f"set s=1 {stream}").out
    assert ("<METHOD DOES NOT EXIST>" in shown) is there


@pytest.mark.parametrize(("fact", "line"), [
    ("import_exists", 'do $system.OBJ.Import("/nope")'), ("uncompile_exists", 'do $system.OBJ.UnCompile("A.B")'),
    ("load_takes_more", 'do $system.OBJ.Load("/nope","",,,1,"A.B.CLS")'),
])
def test_methods_and_arguments_that_may_not_be_there(loading: Loading, fact: str, line: str) -> None:
    refused = re.compile("<METHOD DOES NOT EXIST>|<PARAMETER>")
    assert not refused.search(loading.run(line).out)
    setattr(loading.emulator.facts, fact, False)
    loading.emulator.save()
    assert refused.search(loading.run(line).out)


def test_pages_projects_and_settings_are_kept_as_documents(loading: Loading, tmp_path: Path) -> None:
    page = '<CSP name="x.csp" application="/csp/user/" default="1"><![CDATA[\n<html/>]]></CSP>'
    project = '<Project name="P"><Items><ProjectItem name="A.B" type="CLS"></ProjectItem></Items></Project>'
    settings = ('<Document name="Ens.Config.DefaultSettings.esd"><defaultSettings><item production="*" item="In" '
                'hostclass="*" setting="Port" value="2100"/></defaultSettings></Document>')
    done = loading.load(export(page, project, settings), "ck-d")
    assert 'loaded("/csp/user/x.csp")=""' in done.out
    assert (loading.emulator.settings.install / "csp/user/x.csp").read_text() == "<html/>"
    setting = '##class(Ens.Config.DefaultSettings).%OpenId("*||In||*||Port").SettingValue'
    assert loading.says(setting) == "2100"
    out = tmp_path / "o.xml"
    loading.run(f'do $system.OBJ.Export("/csp/user/x.csp,P.prj,Ens.Config.DefaultSettings.esd","{out}","-d")')
    assert [each.tag for each in ElementTree.parse(out).getroot()] == ["CSP", "Project", "Document"]
    loading.run('do ##class(%RoutineMgr).Delete("/csp/user/x.csp")')
    assert loading.says('##class(%RoutineMgr).Exists("/csp/user/x.csp")') == "0"


def test_subclasses_are_compiled_with_flag_b(loading: Loading) -> None:
    loading.load(export(class_("A.Top", " quit 1"), class_("A.Sub", above="A.Top")))
    done = loading.load(export(class_("A.Top", " quit 2")), "cbk")
    assert "Compiling class A.Sub" in done.out
    assert loading.says("##class(A.Sub).Run()") == "2"
