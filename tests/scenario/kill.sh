#!/bin/bash
# SPDX-License-Identifier: ISC
# Killed with -9 at random moments of dump and load, then run again: the same,
# nothing twice, nothing lost.  KILLS says how often (50).
set -u
. "$(dirname "$0")/lib.sh"
kills=${KILLS:-50}

server dovecot old
server dovecot new
"$top/tests/mail/generate" --count 3000 --bytes 40M --mailboxes 12 --big 1500 \
    --seed 6 "$work/mail" >/dev/null || exit 1
fill load --server "$work/old" --as alice "$work/mail" >/dev/null || exit 1
fill truth --server "$work/old" --as alice --out "$work/old.truth"
RANDOM=${SEED:-$$}
echo "# seed ${SEED:-$$}"

# killed AFTER-MS COMMAND...: SIGKILL after so long
killed() {
	local ms=$1 pid
	shift
	"$@" >/dev/null 2>"$work/killed.err" &
	pid=$!
	sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	[ $? -eq 137 ]
}
ms_of() {
	local t0=$(date +%s%N)
	"$@" >/dev/null 2>&1
	echo $((($(date +%s%N) - t0) / 1000000))
}

span=$(ms_of mx-dump "${old_opts[@]}" "$old_url" "$work/ref.mx")
echo "# a dump takes $span ms"
arc=$work/a.mx
hit=0 bad=0 n=0
# Run it once more, and look whether all is there, once; then away with it.
complete() {
	mx-dump -q "${old_opts[@]}" "$old_url" "$arc" 2>"$err" &&
	    mx-check -q "$arc" >>"$err" 2>&1 &&
	    mx-diff -q --zone "${old_a[@]}" "$old_url" "$arc" >>"$err" 2>&1 &&
	    [ "$(mx-ls -q --view all -l "$arc" | wc -l)" = "$(wc -l <"$work/old.truth")" ] ||
	    { bad=$((bad + 1)); sed 's/^/#  /' "$err"; }
	rm -rf "$arc"
}
# A dump that was over before it was hit does not count.
while [ $hit -lt "$kills" ] && [ $n -lt $((kills * 4)) ]; do
	n=$((n + 1))
	killed $((RANDOM % span)) mx-dump "${old_opts[@]}" "$old_url" "$arc" &&
	    hit=$((hit + 1))
	# Now and then complete it and start over, so that early moments come too.
	if [ $((n % 5)) -eq 0 ]; then
		complete
	fi
done
complete
echo "# $hit of $n dumps were killed at work"
so "dumps were killed" test "$hit" -ge "$kills"
so "and every one recovered" test "$bad" = 0

span=$(ms_of mx-load "${new_opts[@]}" "$work/ref.mx" "$new_url")
echo "# a load takes $span ms"
ok "load" mx-diff --zone "${new_b[@]}" "$work/ref.mx" "$new_url"
hit=0 bad=0 n=0 round=0
users=(bob carol dave erin frank)
for user in "${users[@]}"; do
	account to new $user
	while [ $n -lt $(((round + 1) * kills / 5)) ]; do
		n=$((n + 1))
		killed $((RANDOM % (span / 7 + 20))) mx-load "${to_opts[@]}" "$work/ref.mx" "$to_url" &&
		    hit=$((hit + 1))
	done
	round=$((round + 1))
	mx-load -q "${to_opts[@]}" "$work/ref.mx" "$to_url" 2>"$err"
	fill truth --server "$work/new" --as $user --out "$work/$user.truth"
	fill truth --compare "$work/old.truth" "$work/$user.truth" --ignore-uid >>"$err" 2>&1 ||
	    { bad=$((bad + 1)); tail -n 15 "$err" | sed "s/^/# $user: /"; }
done
echo "# $hit of $n loads were killed at work"
so "loads were killed" test "$hit" -ge $((kills / 2))
so "nothing lost, nothing twice" test "$bad" = 0
finish
