#!/bin/bash
# SPDX-License-Identifier: ISC
# Ten years on, without mx: tar gives a tree of Maildirs that others read.
set -u
. "$(dirname "$0")/lib.sh"

server dovecot old
"$top/tests/mail/generate" --count 1000 --bytes 10M --mailboxes 15 --big 300 \
    --seed 5 "$work/mail" >/dev/null || exit 1
fill load --server "$work/old" --as alice "$work/mail" >/dev/null || exit 1
fill truth --server "$work/old" --as alice --out "$work/old.truth"
arc=$work/a.mx
ok "dump" mx-dump "${old_opts[@]}" "$old_url" "$arc"
fill append --server "$work/old" --as alice INBOX >/dev/null
ok "dump again" mx-dump "${old_opts[@]}" "$old_url" "$arc"
fill truth --server "$work/old" --as alice --out "$work/old.truth"

mkdir "$work/x"
extract() {
	local s
	for s in "$arc"/segments/*.tar.zst; do
		tar -C "$work/x" --zstd -xf "$s" || return 1
	done
}
ok "tar extracts the segments one by one" extract
so "without a word" test ! -s "$err"
mkdir "$work/y"
joined() { cat "$arc"/segments/*.tar.zst | tar -C "$work/y" --zstd -ixf -; }
ok "and all at once" joined
ok "with the same result" diff -r "$work/x" "$work/y"
fill maildir-truth "$work/x" --out "$work/x.truth" 2>"$err"
# File names can say only so much of the flags; and messages that are there
# several times are one file with several links, and so with one date.
cat >"$work/plain.py" <<'PY'
import collections, json, sys
known = {"\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted", "$Forwarded"}
rows = [json.loads(line) for line in open(sys.argv[1])]
times = collections.Counter(row["sha256"] for row in rows)
for row in rows:
    row["flags"] = [f for f in row["flags"] if f in known]
    if len(sys.argv) < 3 or times[row["sha256"]] == 1:
        print(json.dumps(row))
PY
for side in old x; do
	python3 "$work/plain.py" "$work/$side.truth" >"$work/$side.all"
	python3 "$work/plain.py" "$work/$side.truth" once >"$work/$side.once"
done
ok "Python's mailbox finds every message and its flags" fill truth --compare \
    "$work/old.all" "$work/x.all" --ignore-uid --ignore-date
ok "and dates" fill truth --compare "$work/old.once" "$work/x.once" --ignore-uid
so "of nearly all" test "$(wc -l <"$work/old.once")" -gt 800
so "as many files as messages" test "$(find "$work/x" -path '*/cur/*' -type f | wc -l)" \
    = "$(wc -l <"$work/old.truth")"
if command -v mlist >/dev/null; then
	so "mblaze lists them" sh -c "find '$work/x' -type d -name cur | sed 's,/cur\$,,' |
	    while read -r d; do mlist \"\$d\"; done | wc -l | grep -qx $(wc -l <"$work/old.truth")"
else
	echo "skip mblaze is not installed"
fi
so "the checksums are sha256sum's" sh -c "cd '$arc/segments' && sha256sum -c --quiet SHA256SUMS"
ok "mx reads the tree as a Maildir" mx-ls "maildir:$work/x"
so "with every message" test "$(counted messages)" = "$(wc -l <"$work/old.truth")"
finish
