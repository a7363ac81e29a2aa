CFISVER ;what this instance holds, as it holds it
 ;;CFIS001;Versions;;2026-10-03
 quit
 ;
STATUS() ;release, routines and counts as JSON
 new answer,count,list,name
 do ROUTINES(.list)
 set answer="",count=0,name=""
 for  set name=$order(list(name)) quit:name=""  do
 . set count=count+1
 . set answer=answer_$select(answer="":"",1:",")_$$TEXT^CFISUTL(name)_":"_$$TEXT^CFISUTL(list(name))
 set answer="{""release"":"_$$TEXT^CFISUTL($get(^CFISCFG("release")))_",""routines"":"_count_",""versions"":{"_answer_"}"
 set answer=answer_",""cases"":"_$$COUNT^CFISCASE()_",""open"":"_$$COUNT^CFISCASE("open")
 set answer=answer_",""copy_fee"":"_$$TEXT^CFISUTL($get(^CFISCFG("fee","copy")))
 quit answer_",""waiting"":"_$$WAITING^CFISIF()_"}"
 ;
ROUTINES(list) ;list(routine)=release of its second line; looked up in the source directory, never in a list
 new directory,file,name
 set directory=$piece($piece($zroutines,"(",2),")")
 for  set file=$zsearch(directory_"/CFIS*.m") quit:file=""  do
 . set name=$zparse(file,"NAME")
 . set list(name)=$piece($text(@("+2^"_name)),";",3)
 quit
