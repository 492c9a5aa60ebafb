#!/bin/bash
# SPDX-License-Identifier: ISC
# The segments are the truth: the index can be lost, old, foreign or broken.
set -u
. "$(dirname "$0")/lib.sh"

server dovecot old
"$top/tests/mail/generate" --count 800 --bytes 10M --mailboxes 12 --big 300 \
    --seed 4 "$work/mail" >/dev/null || exit 1
fill load --server "$work/old" --as alice "$work/mail" >/dev/null || exit 1
arc=$work/a.mx
dump() { mx-dump "${old_opts[@]}" "$old_url" "$arc"; }
index_of() { mx-check -q --dump-index "$1"; }

ok "dump" dump
cp -r "$arc/index" "$work/index.1"
fill store --server "$work/old" --as alice INBOX 1:20 +'\Answered' >/dev/null
fill expunge --server "$work/old" --as alice INBOX 21:30 >/dev/null
fill append --server "$work/old" --as alice INBOX >/dev/null
ok "dump again" dump
index_of "$arc" >"$work/index.before"

rm -r "$arc/index"
ok "rebuild a lost index" mx-check --rebuild "$arc"
index_of "$arc" >"$work/index.after"
so "it is equal" cmp "$work/index.before" "$work/index.after"

rm -r "$arc/index"
cp -r "$work/index.1" "$arc/index"
ok "an older index put back" mx-ls "$arc"
index_of "$arc" >"$work/index.after"
so "loses no batch" cmp "$work/index.before" "$work/index.after"
cat "$work/index.1/data.mdb" >"$arc/index/data.mdb"
ok "an older index in the same inode" mx-ls "$arc"
index_of "$arc" >"$work/index.after"
so "loses no batch" cmp "$work/index.before" "$work/index.after"

for size in 0 1 100 4096 8192 20000; do
	truncate -s "$size" "$arc/index/data.mdb"
	ok "an index of $size octets is rebuilt" mx-ls "$arc"
	index_of "$arc" >"$work/index.after"
	so "equal ($size)" cmp "$work/index.before" "$work/index.after"
done
head -c 65536 /dev/urandom >"$arc/index/data.mdb"
ok "an index that is noise is rebuilt" mx-ls "$arc"

mkdir -p "$work/c.mx/segments"
cp "$arc/README" "$work/c.mx/"
cp "$arc"/segments/*.zst "$work/c.mx/segments/"
ok "README and segments alone open" mx-diff --zone "$arc" "$work/c.mx"
ok "and are clean" mx-check "$work/c.mx"
cp -r "$work/c.mx" "$work/ro.mx"
rm -rf "$work/ro.mx/index" "$work/ro.mx/lock"
chmod -R a-w "$work/ro.mx"
if [ "$(id -u)" -eq 0 ]; then
	chmod -R a+rX "$work/ro.mx"
	ok "on a read-only medium" setpriv --reuid=65534 --clear-groups \
	    env PATH="$PATH" TMPDIR=/tmp mx-ls "$work/ro.mx"
else
	ok "on a read-only medium" mx-ls "$work/ro.mx"
fi

# Damage: one octet in a segment is found and named.
cp -r "$arc" "$work/d.mx"
seg=$(ls "$work/d.mx"/segments/*.zst | head -n 1)
size=$(stat -c %s "$seg")
chmod u+w "$seg"
printf '\377' | dd of="$seg" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
printf '\000' | dd of="$seg" bs=1 seek=$((size / 2 + 1)) conv=notrunc 2>/dev/null
gives 65 "a damaged segment is found" mx-check "$work/d.mx"
so "and named" grep -q '00000001.tar.zst.*frame' "$err"
finish
