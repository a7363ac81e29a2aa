emustore ; one database file, asked for on standard input: a request a line, an answer a line
 new op,ref,data,sep,nl,cr,bad,count
 set sep=$zchar(248),nl=$zchar(255),cr=$zchar(254)
 use $principal:(width=1048576:nowrap)
 set $etrap="set $ecode="""" use $principal write ""E""_sep_$translate($zstatus,$zchar(10,13),""  ""),! zgoto "_$zlevel_":loop"
loop read data if $zeof quit
 set op=$zpiece(data,sep,1),ref=$zpiece(data,sep,2)
 do @op
 goto loop
SET set @ref=$$in($zpiece(data,sep,3,9999)) write "+",!
 quit
GET if $data(@ref)#10 write "+"_$$out(@ref),! quit
 write "-",!
 quit
DATA write $data(@ref),!
 quit
KILL kill @ref write "+",!
 quit
ZKILL zkill @ref write "+",!
 quit
NEXT write "+"_$$out($order(@ref,$zpiece(data,sep,3))),!
 quit
QUERY set ref=$query(@ref) write $$sub(ref),!
 quit
NODES ; up to a number of nodes from a reference on, within it: subscripts and value of each
 new end,more
 set count=$zpiece(data,sep,3),end=$zpiece(data,sep,4)
 for  quit:count<1  set ref=$query(@ref) quit:ref=""  quit:'$$within(ref,end)  do
 . write "+"_$$sub(ref)_sep_$$out(@ref),! set count=count-1
 write $select(count<1:"~",1:"."),!
 quit
within(ref,end) ; whether a reference lies below another
 new n,i,same
 set n=$qlength(end),same=1
 if $qsubscript(ref,0)'=$qsubscript(end,0) quit 0
 for i=1:1:n if $qsubscript(ref,i)'=$qsubscript(end,i) set same=0 quit
 quit same
sub(ref) ; a reference as a name and subscripts
 new i,out
 if ref="" quit ""
 set out=$qsubscript(ref,0)
 for i=1:1:$qlength(ref) set out=out_$zchar(249)_$$out($qsubscript(ref,i))
 quit out
in(x) quit $ztranslate(x,nl_cr,$zchar(10,13))
out(x) quit $ztranslate(x,$zchar(10,13),nl_cr)
