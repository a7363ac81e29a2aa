CFISNOT ;notices: letters with a salutation and the right to a hearing (takes the place of CFISLTR)
 ;;CFIS002;Notices;;2026-11-07
 quit
 ;
NOTICE(id,text) ;a letter as the household reads it
 new name
 set name=$get(^CFISCASE(id,"name"))
 quit "Dear "_$piece(name,", ",2)_" "_$piece(name,", ")_": "_text_" / "_$get(^CFISTXT("letter","foot"))
