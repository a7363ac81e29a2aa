CFISELIG ;eligibility
 ;;CFIS002;Eligibility;;2026-11-07
 quit
 ;
ANSWER(id) ;"eligible" or "not eligible": the household's income against the limit
 new income
 set income=$$INCOME(id)
 if $get(^CFISCASE(id,"status"))'="open" quit "closed"
 if income>$$LIMIT(+$get(^CFISCASE(id,"household"))) quit "not eligible"
 quit "eligible"
 ;
INCOME(id) ;the income that counts: less the deduction for earned income, in per cent (SMCR-0217)
 new income
 set income=+$get(^CFISCASE(id,"income"))
 quit income*(100-$get(^CFISCFG("deduction","earned")))/100
 ;
LIMIT(household) ;by size; larger households than the table knows have its last line
 new size
 set size=$order(^CFISCFG("limit",household+1),-1)
 if size="" quit 0
 quit ^CFISCFG("limit",size)
