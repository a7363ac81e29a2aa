CFISHSK ;housekeeping: the index of cases by county
 ;;CFIS001;Housekeeping;;2026-10-03
 quit
 ;
INDEX ;build ^CFISX("county",county,case) anew
 new county,id
 kill ^CFISX("county")
 set id=""
 for  set id=$order(^CFISCASE(id)) quit:id=""  do
 . set county=$get(^CFISCASE(id,"county"))
 . if county'="" set ^CFISX("county",county,id)=""
 quit
