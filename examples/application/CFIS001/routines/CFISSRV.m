CFISSRV ;one session of the web application: a request a line, an answer a line
 ;;CFIS001;Web sessions;;2026-10-03
 new request
 set $etrap="goto FAILED^CFISSRV"
 use $principal:(delimiter=$char(10))
 for  read request:60 quit:'$test  quit:$zeof  quit:request=""  write $$ANSWER(request),!
 quit
 ;
ANSWER(request) ;requests: STATUS, CASES, CASE|id, ADD|id|text
 new verb
 set request=$translate(request,$char(13)),verb=$piece(request,"|")
 if verb="STATUS" quit $$STATUS^CFISVER()
 if verb="CASES" quit $$ALL^CFISCASE()
 if verb="CASE" quit $$SHOW^CFISCASE(+$piece(request,"|",2))
 if verb="ADD" quit $$ADD^CFISCORR(+$piece(request,"|",2),$piece(request,"|",3,999))
 quit $$ERROR^CFISUTL("unknown request "_verb)
 ;
FAILED ;the web sees what went wrong
 set $etrap="zhalt 1"
 use $principal
 write $$ERROR^CFISUTL($zstatus),!
 zhalt 1
