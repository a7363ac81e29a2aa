CFISCASE ;cases: find, count, show
 ;;CFIS001;Case register;;2026-10-03
 quit
 ;
SHOW(id) ;one case as JSON
 new answer
 if '$data(^CFISCASE(id)) quit $$ERROR^CFISUTL("no case "_id)
 set answer="{""id"":"_id
 set answer=answer_",""name"":"_$$TEXT^CFISUTL($get(^CFISCASE(id,"name")))
 set answer=answer_",""county"":"_$$TEXT^CFISUTL($get(^CFISCASE(id,"county")))
 set answer=answer_",""status"":"_$$TEXT^CFISUTL($get(^CFISCASE(id,"status")))
 set answer=answer_",""income"":"_+$get(^CFISCASE(id,"income"))
 set answer=answer_",""household"":"_+$get(^CFISCASE(id,"household"))
 set answer=answer_",""eligibility"":"_$$TEXT^CFISUTL($$ANSWER^CFISELIG(id))
 quit answer_",""correspondence"":"_$$LIST^CFISCORR(id)_"}"
 ;
ALL() ;every case, short, as a JSON array
 new answer,id
 set answer="",id=""
 for  set id=$order(^CFISCASE(id)) quit:id=""  do
 . if answer'="" set answer=answer_","
 . set answer=answer_"{""id"":"_id_",""name"":"_$$TEXT^CFISUTL($get(^CFISCASE(id,"name")))
 . set answer=answer_",""status"":"_$$TEXT^CFISUTL($get(^CFISCASE(id,"status")))
 . set answer=answer_",""eligibility"":"_$$TEXT^CFISUTL($$ANSWER^CFISELIG(id))
 . set answer=answer_",""letters"":"_+$get(^CFISCORR(id))_"}"
 quit "["_answer_"]"
 ;
COUNT(status) ;how many cases there are, of one status if given
 new count,id
 set count=0,id=""
 for  set id=$order(^CFISCASE(id)) quit:id=""  do
 . if $get(status)="" set count=count+1 quit
 . if $get(^CFISCASE(id,"status"))=status set count=count+1
 quit count
