CFISLTR ;letters' standing text
 ;;CFIS001;Letters;;2026-10-03
 quit
 ;
FOOT(text) ;a letter with the line below it
 quit text_" / "_$get(^CFISTXT("letter","foot"))
