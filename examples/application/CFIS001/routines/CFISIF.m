CFISIF ;interface job: sends queued updates to CATS, MEDS and the fiscal intermediary
 ;;CFIS001;Interfaces;;2026-10-03
 ;The queue is ^CFISQ(number)=system^kind^case^detail. Where a system listens is kept in
 ;^CFISCFG("interface",system,"host") and (...,"port"), read anew for every update.
 new number
 for  do  hang 1
 . set number=0
 . for  set number=$order(^CFISQ(number)) quit:'number  do SEND(number)
 quit
 ;
QUEUE(system,kind,id,detail) ;note an update for a system
 new number
 set number=$increment(^CFISQ)
 set ^CFISQ(number)=system_"^"_kind_"^"_id_"^"_detail
 quit
 ;
SEND(number) ;one update leaves the queue when the other end has acknowledged it
 new line,system,update
 set update=^CFISQ(number),system=$piece(update,"^")
 set line=system_"|"_number_"|"_$translate($piece(update,"^",2,4),"^","|")
 if '$$DELIVER(system,line) set ^CFISQL("failed",system)=$horolog quit
 kill ^CFISQ(number)
 set ^CFISQL("sent",system)=$get(^CFISQL("sent",system))+1
 quit
 ;
DELIVER(system,line) ;true if the system acknowledged the line
 new answer,device,host,port
 new $etrap set $etrap="set $ecode="""" quit 0"
 set host=$get(^CFISCFG("interface",system,"host")),port=$get(^CFISCFG("interface",system,"port"))
 if (host="")!(port="") quit 0
 set device="interface",answer=""
 close device
 open device:(connect=host_":"_port_":TCP":attach="to"):5:"SOCKET"
 if '$test quit 0
 use device:(delimiter=$char(10))
 write line,!
 read answer:5
 close device
 quit answer="ACK"
 ;
WAITING() ;how many updates wait
 new count,number
 set count=0,number=0
 for  set number=$order(^CFISQ(number)) quit:'number  set count=count+1
 quit count
