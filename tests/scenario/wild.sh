#!/bin/bash
# SPDX-License-Identifier: ISC
# Mail as it is out there, malformed on purpose: from a Maildir into an
# archive, to servers, and from one to the other.  Whatever a server takes
# arrives whole, is told where it is not taken, and never comes twice.
set -u
. "$(dirname "$0")/lib.sh"
corpus=${CORPUS:-$top/../shared/corpus/mail.tar.zst}

mkdir -p "$work/md/cur" "$work/md/new" "$work/md/tmp" "$work/corpus"
if [ -r "$corpus" ]; then
	tar -C "$work/corpus" --zstd -xf "$corpus"
	n=0
	find "$work/corpus" -type f \( -path '*/eml/*' -o -path '*/list/*' \) | sort |
	    head -n "${WILD:-900}" >"$work/files"
else
	echo "# no corpus here: odd mail of our own"
	python3 - "$top/tests/mail" "$work/corpus" <<'PY' || exit 1
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import mxmail
for i, m in enumerate(mxmail.mail(200, 2_000_000, 8, 60, 9, True)):
    if m.octets:
        with open(os.path.join(sys.argv[2], "%04d.eml" % i), "wb") as out:
            out.write(m.octets)
PY
	find "$work/corpus" -type f | sort >"$work/files"
fi
n=0
while read -r f; do
	n=$((n + 1))
	cp "$f" "$work/md/cur/$((1500000000 + n)).M0P1Q$n.wild:2,S"
	touch -d "@$((1500000000 + n))" "$work/md/cur/$((1500000000 + n)).M0P1Q$n.wild:2,S"
done <"$work/files"
total=$(wc -l <"$work/files")
echo "# $total messages"

server dovecot old
server dovecot new
server cyrus cyr

arc=$work/wild.mx
ok "a Maildir into an archive" mx-dump "maildir:$work/md" "$arc"
so "all of it" test "$(counted dumped)" = "$total"
ok "the archive is the Maildir, octet by octet" mx-diff "maildir:$work/md" "$arc"
ok "clean" mx-check "$arc"

load() {
	mx-load "$@" 2>"$work/load.err"
	local status=$?
	cat "$work/load.err" >&2
	[ $status -le 1 ]
}
# twice NAME ARCHIVE: load, then again with the receipt, then without it.
twice() {
	local name=$1 from=$2 url opts loaded
	eval "url=\$$1_url opts=(\"\${$1_opts[@]}\")"
	ok "$name: load" load "${opts[@]}" "$from" "$url"
	loaded=$(counted loaded)
	echo "# $loaded loaded, $(counted refused) refused"
	so "nearly all were taken" test "$loaded" -gt $((total * 3 / 4))
	so "each is accounted for" test $((loaded + $(counted refused) + $(counted present))) -ge "$total"
	fill truth --server "$work/$name" --as alice --out "$work/$name.1" 2>/dev/null
	ok "$name: again" load "${opts[@]}" "$from" "$url"
	so "adds nothing" test "$(counted loaded)" = 0
	rm -rf "$from/receipts"
	ok "$name: without the receipt" load "${opts[@]}" "$from" "$url"
	echo "# $(counted loaded) loaded without the receipt"
	fill truth --server "$work/$name" --as alice --out "$work/$name.2" 2>/dev/null
	ok "$name: nothing came twice" fill truth --compare "$work/$name.1" "$work/$name.2"
}
twice old "$arc"

ok "dump what the server made of it" mx-dump "${old_opts[@]}" "$old_url" "$work/old.mx"
ok "it is the server's, octet by octet" mx-diff --body --zone "${old_a[@]}" "$old_url" "$work/old.mx"
total=$(wc -l <"$work/old.1")
twice new "$work/old.mx"
ok "from server to server nothing changes" fill truth --compare "$work/old.1" "$work/new.1" --ignore-uid
total=$((total * 3 / 4))
twice cyr "$work/old.mx"
finish
