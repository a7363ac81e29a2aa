CFISCORR ;correspondence with a case's household
 ;;CFIS001;Correspondence;;2026-10-03
 quit
 ;
LIST(id) ;a case's letters as a JSON array, oldest first
 new answer,number
 set answer="",number=""
 for  set number=$order(^CFISCORR(id,number)) quit:number=""  do
 . if answer'="" set answer=answer_","
 . set answer=answer_$$TEXT^CFISUTL($piece(^CFISCORR(id,number),"^",2))
 quit "["_answer_"]"
 ;
ADD(id,text) ;keep a letter, and tell the other systems
 new number
 if '$data(^CFISCASE(id)) quit $$ERROR^CFISUTL("no case "_id)
 if text="" quit $$ERROR^CFISUTL("no text")
 set number=$increment(^CFISCORR(id))
 set ^CFISCORR(id,number)=$piece($horolog,",")_"^"_$translate(text,"^"," ")
 do QUEUE^CFISIF("CATS","LETTER",id,number)
 do QUEUE^CFISIF("MEDS","LETTER",id,number)
 do QUEUE^CFISIF("FI","FEE",id,$get(^CFISCFG("fee","copy")))
 quit "{""id"":"_id_",""number"":"_number_",""letter"":"_$$TEXT^CFISUTL($$FOOT^CFISLTR(text))_"}"
