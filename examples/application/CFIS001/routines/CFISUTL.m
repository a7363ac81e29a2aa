CFISUTL ;JSON
 ;;CFIS001;JSON;;2026-10-03
 quit
 ;
TEXT(value) ;a JSON string
 new answer,character,position
 set answer=""
 for position=1:1:$length(value) do
 . set character=$extract(value,position)
 . if (character="""")!(character="\") set answer=answer_"\"_character quit
 . if $ascii(character)<32 set answer=answer_" " quit
 . set answer=answer_character
 quit """"_answer_""""
 ;
ERROR(text) ;what the web shows instead of an answer
 quit "{""error"":"_$$TEXT(text)_"}"
