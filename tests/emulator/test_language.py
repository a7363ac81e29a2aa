# SPDX-License-Identifier: GPL-3.0-or-later
"""The language: GT.M is the judge where both know a thing; the rest by example."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from emulated.emulator import Emulator
from emulated.errors import SyntaxFault
from emulated.routine_parser import faults, parse_routine
from programs import programs

#: Expressions that mean the same in M everywhere.
EXPRESSIONS = [
    "1+2*3", "7-2-1", "2**10", "7\\2", "-7\\2", "7#3", "-7#3", "7#-3", "1/3", "10/4", ".5+.25", "-.5", "1E3", '+"12ab"',
    '"1.50"+0', "--3", "'0", "''5", '"a"_1.0_"b"', '"abc"["b"', '"b"]"a"', "2]]10", '"a"]]1', "1=1.0", '"1.0"=1',
    "1<2&0", "1!0&0", "3'>4", "5'<4", '"x"\'="y"', '"ab"\'["c"', '$length("a^b^c","^")', '$piece("a^b^c","^",2)',
    '$piece("a^b^c","^",2,9)', '$piece("a","^",2)', '$extract("hello",2,4)', '$extract("hello",9)',
    '$find("abcabc","c")', '$find("abcabc","c",4)', '$find("abc","z")', "$char(72,105)", '$ascii("A")', '$ascii("")',
    '$ascii("AB",2)', '$translate("abcabc","ab","x")', '$translate("abc","b")', "$justify(5,4)",
    "$justify(2.345,8,2)", '$reverse("abc")', "$select(0:1,1:2)", '"abc"?3A', '"abc"?1"a".E', '"12-3"?2N1"-"1N',
    '"ab"?2.3A', '"A1"?1U1N', '""?.N', '"x9"?1(1A,1N).E', "$length(1/3)", "1_2+3", "0.10", "100000000000*100000000",
    '1="1"', '$qlength("^A(1,2)")', '$qsubscript("^A(1,""b"")",2)', "3*-2", "2*(3+4)", "9.99*100",
    '$extract("abc",0,2)', '$length("")', "12345678901234567+1", '0=""', "$char(65)_$char(66)",
]
STATEMENTS = [
    'set a(1)=1,a(2,"x")=2,a("b")=3 set k="" for  set k=$order(a(k)) quit:k=""  write k,","',
    'set a(10)=1,a(9)=1,a(-1)=1,a("z")=1,a(1.5)=1 set k="" for  set k=$order(a(k),-1) quit:k=""  write k,","',
    'set a=1,a(1,2)=3 write $data(a),$data(a(1)),$data(a(1,2)),$data(b)',
    'set r="a" set @r@(1)=5,@r@(1,"q")=6 write a(1),$query(a(1)),$name(a(1,"q"))',
    'for i=1:1:3,7,9:-1:8 write i,";"',
    'set x="" for i=1:2 quit:i>7  set x=x_i write x,","',
    'if 0 write "no" quit\nelse  write "yes"',
    'set $piece(x,"^",3)="c" write x set $extract(x,2)="-" write x',
    'set x=5 new x set x=6 write x',
    'set x=1 xecute "set y=x+1" write y',
    'set a(1)=1,a(2)=2 merge b=a kill a write $data(a),b(2)',
    'set (x,y)=3 write x,y kill x write $get(x,"d")',
    'set t="abc" if t="abc" write $test if t="x" write 1',
    'write ?5,"x",!,"y"',
    'if 1,0 write "both"',
    'if 1,"2a" write "both" if 0,1 write "no"',
    'set i=0 for  set i=i+1 quit:i=4  if i#2 write i',
    'write $get(^zz(1),"none") set ^zz(1)=2,^zz(1,"a")=3 write $get(^(1),"u"),^("a") kill ^zz',
    'set a("x")=1 write $order(a("")),$order(a("x"))',
    'tstart  set ^zz=1 tcommit  write ^zz kill ^zz',
    'set x="a""b" write x,$length(x)',
    'write $select(1:"a",1:"b"),$justify(12.5,8,2)',
]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    emulator = Emulator(tmp_path_factory.mktemp("language") / "i", "iris2025")
    emulator.start()
    yield emulator
    emulator.close()


def run_gtm(instance: Emulator, tmp_path: Path, lines: list[str]) -> list[str]:
    """What GT.M writes for each line; a line's output stands between marks."""
    source = "".join(f' kill  write "{{" xecute line({at}) write "}}",!\n' for at in range(len(lines)))
    table = "".join(f' set line({at})="{line.replace(chr(34), chr(34) * 2)}"\n' for at, line in enumerate(lines))
    source = source.replace(" kill  write", " kill (line) write")
    (tmp_path / "oracle.m").write_text(f"oracle ;\n{table}{source} quit\n")
    environment = {**instance.settings.environment(), "emulated_dat": str(tmp_path / "o.dat")}
    environment["gtmroutines"] = f"{tmp_path} {environment['gtmroutines']}"
    dist = programs().gtm_dist
    subprocess.run([f"{dist}/mupip", "create"], env=environment, capture_output=True, check=True, cwd=tmp_path)
    done = subprocess.run(
        [f"{dist}/mumps", "-run", "oracle"], env=environment, capture_output=True, check=True, text=True,
        stdin=subprocess.DEVNULL)
    return re.findall(r"\{(.*?)\}\n", done.stdout, re.DOTALL)


def run_emulated(instance: Emulator, lines: list[str]) -> list[str]:
    sent = [f'kill  write "{{" xecute "{line.replace(chr(34), chr(34) * 2)}" write "}}",!' for line in lines]
    done = instance.session(*sent, namespace="CFIS")
    assert done.rc == 0, done
    return re.findall(r"\{(.*?)\}\n", done.out, re.DOTALL)


def test_expressions_have_the_value_that_gtm_gives_them(instance: Emulator, tmp_path: Path) -> None:
    lines = [f"write {each}" for each in EXPRESSIONS]
    found = dict(zip(EXPRESSIONS, run_emulated(instance, lines), strict=True))
    # GT.M keeps 18 digits of a quotient, the other products 19.
    expected = dict(zip(EXPRESSIONS, run_gtm(instance, tmp_path, lines), strict=True))
    assert found.pop("1/3")[:18] == expected.pop("1/3")[:18]
    assert (found.pop("$length(1/3)"), expected.pop("$length(1/3)")) == ("20", "19")
    assert found == expected


def test_statements_do_what_gtm_does(instance: Emulator, tmp_path: Path) -> None:
    lines = [each for each in STATEMENTS if "\n" not in each]
    assert run_emulated(instance, lines) == run_gtm(instance, tmp_path, lines)


def test_lines_of_gtms_own_routines_parse() -> None:
    """Whatever GT.M ships parses, but for its own commands and variables that begin with Z."""
    foreign = re.compile(r"\$z|(?:^|[\s.])z[a-z]|view|zg |\$&|quit \*fields|v \"PATCODE\"", re.IGNORECASE)
    count = 0
    for path in sorted(Path(programs().gtm_dist).glob("_[A-Z]*.m")):
        for number, line in enumerate(path.read_text(encoding="latin-1").splitlines(), 1):
            if not foreign.search(line):
                try:
                    parse_routine("X", line)
                except SyntaxFault as fault:
                    pytest.fail(f"{path.name} line {number}: {fault.message}: {line}")
                count += 1
    assert count > 1500


#: Code, and what it writes.
OBJECTSCRIPT = [
    ('set x=$listbuild("a",1,,-5,1.5) write $listlength(x),$list(x,1),$listget(x,3,"d"),$list(x,4),$list(x,5)',
     "5ad-51.5"),
    ('set x=$lb("a"),$list(x,3)="c" write $ll(x),$lg(x,2,"none")', "3none"),
    ('write $list($lb(1,2,3),2,3)=$lb(2,3),$listfind($lb("a","b"),"b"),$listtostring($lb(1,2),"-")', "121-2"),
    ('write $replace("banana","an","x"),$zhex(255),$zhex("FF"),$case(3,1:"a",3:"c",:"z"),$case(9,1:"a",:"z")',
     "bxxaFF255cz"),
    ('write $zconvert("aB","U"),$zstrip("  x ","<>W"),$fnumber(1234567.891,",",2)', "ABx1,234,567.89"),
    ("set x=0 while x<3 { set x=x+1 continue:x=2  write x } write \".\"", "13."),
    ("set x=0 do { set x=x+1 } while x<5 write x", "5"),
    ("if 0 { write 1 } elseif 1 { write 2 } else { write 3 }", "2"),
    ("try { try { set x=1/0 } catch a { write a.Name throw a } } catch b { write b.Name }", "<DIVIDE><DIVIDE>"),
    ('try { throw ##class(%Exception.General).%New("Mine",7,"here","data") } catch e { write e.Name,e.Code,e.Data }',
     "Mine7data"),
    ('try { throw ##class(%Exception.StatusException).CreateFromStatus($system.Status.Error(5001,"why")) } '
     'catch e { write e.DisplayString(),$system.Status.GetErrorCodes(e.AsStatus()) }', "ERROR #5001: why5001"),
    ("set o=##class(%Stream.TmpCharacter).%New() do o.Write(\"ab\") do o.Rewind() write o.Read(1),o.Size,$isobject(o)",
     "a21"),
    ('set ^["CFIS"]Q(1)=2 write ^|"CFIS"|Q(1) zkill ^Q(1) write $data(^Q)', "20"),
    ('write $translate($justify("",3)," ","-"),$extract("hello",*-1,*)', "---lo"),
    ('set x=1 write x=1&&(x\'=2)||0', "1"),
    ("set x=+$horolog>60000 write x,$namespace,$zversion[\"IRIS\"", "1CFIS1"),
    ('set x("a",1)=1 write $query(x("")),$query(x("a",1))', 'x("a",1)'),
    ("set a=1 set b=a do { set b=b*2 } while b<20 write b", "32"),
    ("tstart  set ^R=1 tstart  write $tlevel trollback  write $tlevel,$data(^R)", "200"),
    ("set ^R(1)=1,^R(2)=2 tstart  kill ^R trollback  write ^R(1)+^R(2)", "3"),
]
def mutated(line: str, chance: random.Random) -> str:
    """A line with one character less, more or twice."""
    at = chance.randrange(len(line))
    put = chance.choice(["", "", line[at] * 2, chance.choice('()",=+ :^@$') + line[at]])
    return line[:at] + put + line[at + 1 :]


def refused_by_gtm(lines: list[str], instance: Emulator, directory: Path) -> dict[int, str]:
    """Numbers of lines that GT.M's compiler refuses, and its reasons; it lists only so many in one go."""
    found: dict[int, str] = {}
    for start in range(0, len(lines), 80):
        (directory / "m.m").write_text("m\n" + "".join(f"\t{each}\n" for each in lines[start : start + 80]))
        done = subprocess.run(
            [f"{programs().gtm_dist}/mumps", "-noobject", "m.m"], cwd=directory, capture_output=True, check=False,
            env=instance.settings.environment())
        for match in re.finditer(r"line (\d+), source module .*?\n%GTM-[EW]-(\w+)", done.stderr.decode("latin-1")):
            found.setdefault(start + int(match.group(1)) - 2, match.group(2))
    return found


def test_wrong_lines_are_told_from_right_ones_as_gtm_tells_them(instance: Emulator, tmp_path: Path) -> None:
    """What GT.M takes parses here; of what it refuses, only what depends on neighbours, or on its own options."""
    foreign = re.compile(r'\$z|(?:^|[\s.])z[a-z]|view|zg |;|"PATCODE"|\bj |quit \*|[^ -~\t]|\. ', re.IGNORECASE)
    chance = random.Random(7)
    lines = {line.strip() for path in Path(programs().gtm_dist).glob("_[A-Z]*.m")
             for line in path.read_text(encoding="latin-1").splitlines()
             if line[:1] in " \t" and line.strip() and not foreign.search(line)}
    wrong = [each for line in sorted(lines) if (each := mutated(line, chance).strip())][:800]
    judged = refused_by_gtm(wrong, instance, tmp_path)
    ours = {at for at, line in enumerate(wrong) if faults("X", "\t" + line)}
    assert [wrong[at] for at in sorted(ours - set(judged))] == []
    elsewhere = {"DONOBLOCK", "BLKTOODEEP", "DEVPARUNK", "QUITARGUSE"}
    missed = [at for at, reason in judged.items() if at not in ours and reason not in elsewhere]
    # Spaces that M does not allow within expressions and ObjectScript does.
    assert len(missed) < 0.06 * len(judged), [(wrong[at], judged[at]) for at in missed]
    assert len(judged) > 300


WRONG = [
    "set", "set x", "set x=", "set 1=2", "write (1", 'write "a', "nope 1", "set x=1)", "for i=1:1:", "write $nope(1)",
    "try { set x=1", "catch e {", "set x=$$", "quit:", "do ^", "kill (", "new x(1", "write ,1", "set x==1",
    "write $select(1)", "if 1 { write 1", "write 1 }",
]


def test_what_is_no_code_is_a_syntax_error(instance: Emulator) -> None:
    done = instance.session(*(line for at, code in enumerate(WRONG) for line in (f'write "#{at}#"', code)),
                            'write "#end#"', namespace="CFIS")
    parts = re.split(r"#\w+#", done.out)[1:-1]
    assert len(parts) == len(WRONG)
    assert [code for code, part in zip(WRONG, parts, strict=True) if "<SYNTAX>" not in part] == []


def test_what_only_objectscript_has(instance: Emulator) -> None:
    done = instance.session(*(line for code, _ in OBJECTSCRIPT for line in ('write "[["', code, 'write "]]"')),
                            namespace="CFIS")
    found = re.findall(r"\[\[(.*?)\]\]", re.sub(r"CFIS>|\n", "", done.out))
    assert dict(zip((code for code, _ in OBJECTSCRIPT), found, strict=True)) == dict(OBJECTSCRIPT), done.out


def test_what_is_not_known_is_refused_and_noted(instance: Emulator) -> None:
    """No answer is made up: commands, functions, methods outside the emulator are errors."""
    done = instance.session(
        "job ^X", "write $zutil(99)", "do ##class(%SYSTEM.OBJ).Nope()", "write ##class(%Nope).X()", "lock ^A",
        "write $zcyc(\"a\")", "do $system.OBJ.Load(1,2,3,4,5,6,7,8,9)", "write ^$GLOBAL(1)", namespace="CFIS")
    names = re.findall(r"<[A-Z ]+>.*", done.out)
    assert names == ["<SYNTAX>", "<FUNCTION>", "<METHOD DOES NOT EXIST> *Nope,%SYSTEM.OBJ",
                     "<CLASS DOES NOT EXIST> *%Nope", "<SYNTAX>", "<SYNTAX>", "<PARAMETER>", "<SYNTAX>"]
    assert "command job is not emulated" in instance.refused()


def test_files_are_written_and_read(instance: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    done = instance.session(
        f'set f="{path}" open f:"WNS":5 write $test', 'use f write "one",!,"two",! close f',
        "open f:\"RS\" use f read a,b use 0 write a,\"+\",b", "open \"/nope/x\":\"R\":1 write $test",
        "use \"/nope/x\"", namespace="CFIS")
    assert path.read_text() == "one\ntwo\n"
    assert re.sub(r"\s", "", done.out).count("one+two") == 1
    assert "<NOTOPEN>" in done.out


def test_routines_with_procedures_dots_and_traps(instance: Emulator, tmp_path: Path) -> None:
    code = """MYRTN ; test
 set x=1 do inner(.x,5) write x
 do
 . set y=2
 . if y=2 do  quit
 . . write "deep"
 . write "never"
 write $$double(4),$$rec(5)
 do trap
 quit
inner(a,b) public {
  set a=a+b
  set private=1
}
double(n) quit n*2
rec(n) quit:n<2 1
 quit n*$$rec(n-1)
trap new $ztrap set $ztrap="caught"
 set q=1/0
 write "not here"
 quit
caught write " trapped ",$zerror,$data(private)
 quit
"""
    export = tmp_path / "r.xml"
    export.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<Export generator="Cache" version="25">\n'
        f'<Routine name="MYRTN" type="MAC" languagemode="0"><![CDATA[\n{code}]]></Routine>\n</Export>\n')
    done = instance.session(f'do $system.OBJ.Load("{export}","ck-d")', "do ^MYRTN", namespace="CFIS")
    assert "6deep8120 trapped <DIVIDE>trap+1^MYRTN0" in done.out, done.out
