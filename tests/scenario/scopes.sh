#!/bin/bash
# SPDX-License-Identifier: ISC
# Dumps that see only a part end nothing: restricted, interrupted, refused.
set -u
. "$(dirname "$0")/lib.sh"

server dovecot old
"$top/tests/mail/generate" --count 2000 --bytes 20M --mailboxes 10 --big 1000 \
    --seed 3 "$work/mail" >/dev/null || exit 1
fill load --server "$work/old" --as alice "$work/mail" >/dev/null || exit 1
arc=$work/a.mx
full() { mx-dump "${old_opts[@]}" "$old_url" "$arc"; }
nothing_ended() { ! mx-ls -g "$arc" | grep -vq ' 0 ended$'; }

ok "a full dump" full
all=$(counted dumped)

fill append --server "$work/old" --as alice INBOX >/dev/null
ok "a dump of one mailbox" mx-dump --mailbox '^INBOX$' "${old_opts[@]}" "$old_url" "$arc"
so "ends nothing" nothing_ended
ok "a dump without one" mx-dump --exclude '^Archive$' "${old_opts[@]}" "$old_url" "$arc"
so "ends nothing" nothing_ended
ok "a dump of one by its URL" mx-dump "${old_opts[@]}" "$old_url/INBOX" "$arc"
so "ends nothing" nothing_ended

fill append --server "$work/old" --as alice Archive >/dev/null
ok "the server refuses a mailbox" "$top/tests/servers/dovecot" refuse "$work/old" alice Archive
gives 1 "a dump where one is refused" full
so "names it" grep -q 'Archive' "$err"
so "and ends nothing" nothing_ended
ok "the server gives it again" "$top/tests/servers/dovecot" allow "$work/old" alice Archive

# Interrupted: a fresh archive, and one that only lacks a little.
rm -rf "$work/b.mx"
interrupt() {
	local n=$1 dir=$2
	mx-dump "${old_opts[@]}" "$old_url" "$dir" &
	local pid=$!
	sleep "$n"
	kill -INT $pid 2>/dev/null
	wait $pid
	case $? in 0|130) return 0 ;; *) return 1 ;; esac
}
ok "interrupted early" interrupt 0.05 "$work/b.mx"
ok "then completed" mx-dump "${old_opts[@]}" "$old_url" "$work/b.mx"
ok "is the same" mx-diff --zone "${old_a[@]}" "$old_url" "$work/b.mx"
ok "interrupted on the old archive" interrupt 0.02 "$arc"
ok "a full dump again" full
so "no item ended that still stands" nothing_ended
ok "same as the server" mx-diff --zone "${old_a[@]}" "$old_url" "$arc"
ok "nothing was fetched twice" mx-ls --view all "$arc"
so "every message is there once" test "$(counted messages)" = $((all + 2))

fill delete --server "$work/old" --as alice Archive >/dev/null
ok "a mailbox is deleted" full
so "its items ended" sh -c "mx-ls -g '$arc' | tail -n 1 | grep -q ' [1-9][0-9]* ended'"
ok "and stay in the archive" mx-ls --view all "$arc"
so "all of them" test "$(counted messages)" = $((all + 2))
finish
