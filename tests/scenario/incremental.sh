#!/bin/bash
# SPDX-License-Identifier: ISC
# Dump, change the account, dump again: what is new comes, what changed is
# logged, what left is ended, and the past can still be read.
set -u
. "$(dirname "$0")/lib.sh"

server dovecot old
server dovecot new
"$top/tests/mail/generate" --count 300 --bytes 3M --mailboxes 12 --big 100 \
    --seed 2 "$work/mail" >/dev/null || exit 1
fill load --server "$work/old" --as alice "$work/mail" >/dev/null || exit 1
arc=$work/a.mx

bytes_in() { sed -n 's/.*S: .*//p' "$1" | wc -l; }

ok "first dump" mx-dump "${old_opts[@]}" "$old_url" "$arc"
first=$(counted dumped)
ok "load" mx-load "${new_opts[@]}" "$arc" "$new_url"

fill append --server "$work/old" --as alice --subject "brand new" INBOX >/dev/null
fill store --server "$work/old" --as alice INBOX 1:3 +'\Flagged' >/dev/null
fill expunge --server "$work/old" --as alice Archive 1:5 >/dev/null
fill create --server "$work/old" --as alice "Neu/Übung" >/dev/null

ok "dry run says what would come" mx-dump -n "${old_opts[@]}" "$old_url" "$arc"
so "one item" grep -q "^wanted	INBOX: uid .*	new$" "$out"
ok "second dump" mx-dump --trace "$work/trace" "${old_opts[@]}" "$old_url" "$arc"
so "takes one message" test "$(counted dumped)" = 1
so "and fetches the body of only that" \
    test "$(grep -c 'BODY.PEEK\[\]' "$work/trace")" -le 1
ok "two generations" mx-ls -g "$arc"
so "the second says what happened" grep -q "^ *2 .*complete .*1 new.*5 ended" "$out"
ok "current view is the server's" mx-diff --zone "${old_a[@]}" "$old_url" "$arc"
ok "the first generation can still be read" mx-ls --view at=1 "$arc"
so "as it was" test "$(counted messages)" = "$first"
ok "all holds everything" mx-ls --view all "$arc"
so "both" test "$(counted messages)" = $((first + 1))
gives 1 "and differs from the server" mx-diff "${old_a[@]}" --b-view at=1 "$old_url" "$arc"

ok "what a user deletes at the destination" \
    fill expunge --server "$work/new" --as alice INBOX 1:2
ok "load the change" mx-load "${new_opts[@]}" "$arc" "$new_url"
so "only the new one" test "$(counted loaded)" = 1
gives 1 "stays deleted" mx-diff --ignore flags "${new_b[@]}" "$arc" "$new_url"
so "2 missing, and the 5 that left the source stay there" \
    test "$(grep -c '^missing' "$out") $(grep -c '^extra' "$out")" = "2 5"
so "an empty new mailbox came along" \
    sh -c "'$top/tests/mail/fill' list --server '$work/new' --as alice | grep -q 'bung'"

ok "third dump" mx-dump "${old_opts[@]}" "$old_url" "$arc"
so "writes nothing" test "$(ls "$arc/segments"/*.zst | wc -l)" = 2
ok "clean" mx-check "$arc"
finish
