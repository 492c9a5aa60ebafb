#!/bin/bash
# SPDX-License-Identifier: ISC
# From a real server into an archive, from there to others, and nothing is
# lost, altered or doubled.  COUNT and BYTES make it smaller.
set -u
. "$(dirname "$0")/lib.sh"
count=${COUNT:-20000} bytes=${BYTES:-250M}

server dovecot old
server dovecot new
server cyrus cyr
"$top/tests/mail/generate" --count "$count" --bytes "$bytes" --mailboxes 40 \
    --big $((count / 2)) --seed 1 "$work/mail" >/dev/null || exit 1
fill load --server "$work/old" --as alice "$work/mail" >/dev/null || exit 1
fill truth --server "$work/old" --as alice --out "$work/old.truth"

timed() {
	local what=$1 t0 t1
	shift
	t0=$(date +%s%N)
	"$@"
	t1=$(date +%s%N)
	echo "# $what: $(((t1 - t0) / 1000000)) ms"
}

arc=$work/alice.mx
timed "dump of $count" ok "dump" mx-dump "${old_opts[@]}" "$old_url" "$arc"
so "all were dumped" test "$(counted dumped)" = "$(wc -l <"$work/old.truth")"
ok "archive is clean" mx-check "$arc"
timed "nothing changed" ok "dump again" mx-dump "${old_opts[@]}" "$old_url" "$arc"
so "which takes nothing" test "$(counted dumped)" = 0
so "one segment per run that changed something" \
    test "$(find "$arc/segments" -name '*.part' | wc -l)" = 0

timed "load into Dovecot" ok "load into Dovecot" \
    mx-load "${new_opts[@]}" "$arc" "$new_url"
ok "diff says same" mx-diff --zone --body "${old_a[@]}" "${new_b[@]}" \
    "$old_url" "$new_url"
fill truth --server "$work/new" --as alice --out "$work/new.truth"
ok "and so does one who does not know mx" fill truth --compare \
    "$work/old.truth" "$work/new.truth" --ignore-uid
ok "load again" mx-load "${new_opts[@]}" "$arc" "$new_url"
so "which adds nothing" test "$(counted loaded)" = 0
rm -r "$arc/receipts"
ok "load again without the receipt" mx-load "${new_opts[@]}" "$arc" "$new_url"
so "which adds nothing either" test "$(counted loaded)" = 0
fill truth --server "$work/new" --as alice --out "$work/new2.truth"
ok "and left all as it was" fill truth --compare "$work/new.truth" \
    "$work/new2.truth"

timed "load into Cyrus" ok "load into Cyrus" \
    mx-load "${cyr_opts[@]}" "$arc" "$cyr_url"
fill truth --server "$work/cyr" --as alice --out "$work/cyr.truth"
ok "nothing is lost, altered or doubled there" fill truth --compare \
    "$work/old.truth" "$work/cyr.truth" --ignore-uid
ok "diff of archive and Cyrus says same" mx-diff --zone "${cyr_b[@]}" "$arc" "$cyr_url"
rm -r "$arc/receipts"
ok "load into Cyrus without the receipt" mx-load "${cyr_opts[@]}" "$arc" "$cyr_url"
so "adds nothing" test "$(counted loaded)" = 0

account bob new bob
pipe() {
	set -o pipefail
	mx-dump "${old_opts[@]}" "$old_url" | mx-transform -e 'flags add $Moved' |
	    mx-load "${bob_opts[@]}" "$bob_url"
}
timed "one pipe" ok "dump, transform and load in one pipe" pipe
ok "diff says same but for the flag" mx-diff --zone --ignore flags \
    "${old_a[@]}" "${bob_b[@]}" "$old_url" "$bob_url"
fill truth --server "$work/new" --as bob --out "$work/bob.truth"
so "every message has the new flag" \
    test "$(grep -c '\$Moved' "$work/bob.truth")" = "$(wc -l <"$work/bob.truth")"
ok "and else is the same" fill truth --compare "$work/old.truth" \
    "$work/bob.truth" --ignore-uid --ignore-flags

ok "load into a Maildir" mx-load "$arc" "maildir:$work/md"
ok "diff says same" mx-diff "$arc" "maildir:$work/md"
ok "load it again" mx-load "$arc" "maildir:$work/md"
so "which adds nothing" test "$(counted loaded)" = 0
finish
