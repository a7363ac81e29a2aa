# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of commands, functions and special variables, with their abbreviations.

A name that stands here parses; what the machine does not carry out it refuses when it is run.
"""

from __future__ import annotations

_COMMANDS = """
break b; catch; close c; continue; do d; else e; elseif; for f; goto g; halt h; hang h; if i; job j; kill k; lock l;
merge m; new n; open o; quit q; read r; return ret; set s; tcommit tc; throw; trollback tro; try; tstart ts; use u;
view v; while; write w; xecute x; zallocate za; zbreak zb; zdeallocate zd; zhalt; zinsert zi; zkill zk; zload zl;
znspace zn; zprint zp; zquit zq; zremove zr; zsave zs; ztrap zt; zwrite zw; zzdump
"""
_FUNCTIONS = """
ascii a; bit; bitcount; bitfind; bitlogic; case; char c; classmethod; classname; data d; decimal; double; extract e;
find f; fnumber fn; get g; increment i; inumber in; isobject; isvector; justify j; length l; list li; listbuild lb;
listdata ld; listfind lf; listfromstring lfs; listget lg; listlength ll; listnext; listsame ls; listtostring lts;
listupdate lu; listvalid lv; locate; match; method; name na; nconvert; next n; normalize; now; number num; order o;
parameter; piece p; prefetchon; prefetchoff; property; qlength ql; query q; qsubscript qs; random r; replace;
reverse re; sconvert; select s; sequence; sortbegin; sortend; stack st; text t; translate tr; view v; wascii wa;
wchar wc; wextract we; wfind wf; wlength wl; wreverse wre; wiswide; xecute; zabs; zboolean zb; zconvert zcvt; zcrc;
zcyc; zdascii zda; zdate zd; zdateh zdh; zdatetime zdt; zdatetimeh zdth; zdchar zdc; zexp; zf; zhex zh; zincr zi;
zlascii zla; zlchar zlc; zln; zlog; zname; znext zn; zobjclassmethod; zobjmethod; zobjproperty; zorder zo;
zposition; zpower; zprevious zp; zqascii zqa; zqchar zqc; zsearch zse; zseek; zsin; zsort; zsqr; zstrip; ztan;
ztime zt; ztimeh zth; zutil zu; zwascii zwa; zwchar zwc; zwidth; zwpack; zwunpack; zzenkaku
"""
_SPECIALS = """
device d; ecode ec; estack es; etrap et; halt; horolog h; io i; job j; key k; namespace; principal p; quit q; roles;
stack st; storage s; system sy; test t; this; throwobj; tlevel tl; username; x; y; za; zb; zchild zc; zcstatus;
zeof; zerror ze; zhorolog zh; zio; zjob zj; zmode zm; zname; znspace; zorder zo; zparent; zpi; zpos; zreference zr;
zstorage zs; ztimestamp zts; ztimezone ztz; ztrap zt; zversion zv
"""


def _table(written: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in written.replace("\n", " ").split(";"):
        full, *short = entry.split()
        for each in (full, *short):
            found.setdefault(each, full)
    return found


COMMANDS = _table(_COMMANDS)
FUNCTIONS = _table(_FUNCTIONS)
SPECIALS = _table(_SPECIALS)

#: Functions in whose arguments one may be left out between commas.
OMITS = frozenset({"listbuild", "zdate", "zdateh", "zdatetime", "zdatetimeh", "ztime", "ztimeh", "zutil", "replace",
                   "zstrip", "fnumber", "listtostring", "listfromstring", "zobjmethod", "zobjclassmethod", "method",
                   "classmethod", "zsearch", "view"})
#: Functions whose first argument names a variable; it need not have a value.
TAKES_NAME = frozenset({"data", "get", "increment", "name", "next", "order", "query", "zincr", "znext", "zorder",
                        "zprevious", "prefetchon", "prefetchoff", "sortbegin", "sortend"})
