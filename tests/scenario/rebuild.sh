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
gives 65 "their checksums are missed" mx-check "$work/c.mx"
cp "$arc"/segments/SHA256SUMS "$work/c.mx/segments/"
ok "with them they are clean" mx-check "$work/c.mx"
so "nothing is left of the check" [ -z "$(ls -d "$work"/c.mx/index?* 2>/dev/null)" ]

# Another user, who may read and not write.
other() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --clear-groups env PATH="$PATH" \
		    TMPDIR=/tmp "$@"
	else
		"$@"
	fi
}
cp -r "$work/c.mx" "$work/ro.mx"
chmod -R a-w,a+rX "$work/ro.mx"
ok "nothing of it can be written" other mx-ls "$work/ro.mx"
ok "and it is clean" other mx-check "$work/ro.mx"
chmod a+w "$work/ro.mx"
ok "only its directory can" other mx-ls "$work/ro.mx"
ok "and it is clean" other mx-check "$work/ro.mx"
chmod a-w "$work/ro.mx"
chmod -R u+w "$work/ro.mx"
rm -rf "$work/ro.mx/index" "$work/ro.mx/lock"
chmod -R a-w "$work/ro.mx"
ok "without an index" other mx-ls "$work/ro.mx"

# Damage: one octet in a segment is found and named.
cp -r "$arc" "$work/d.mx"
seg=$(ls "$work/d.mx"/segments/*.zst | head -n 1)
size=$(stat -c %s "$seg")
chmod u+w "$seg"
printf '\377' | dd of="$seg" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
printf '\000' | dd of="$seg" bs=1 seek=$((size / 2 + 1)) conv=notrunc 2>/dev/null
gives 65 "a damaged segment is found" mx-check "$work/d.mx"
so "and named" grep -q '00000001.tar.zst.*frame' "$err"
gives 65 "every command tells of it" mx-ls "$work/d.mx"
so "and of what is lost" grep -q 'd.mx: segment 00000001 is damaged' "$err"
gives 65 "also a load" mx-load "$work/d.mx" "maildir:$work/d.out"
gives 65 "a transform" mx-transform "$work/d.mx" "$work/d2.mx"
gives 65 "a comparison" mx-diff "$arc" "$work/d.mx"
gives 65 "and after a rebuild" mx-check --rebuild "$work/d.mx"
ok "what is lost is dumped again" mx-dump "${old_opts[@]}" "$old_url" \
    "$work/d.mx"
gives 65 "the damage is still there" mx-check "$work/d.mx"
so "all is readable" grep -q ', 0 unreadable: exit 65' "$err"

# Segments that are listed and not there.
cp -r "$arc" "$work/m.mx"
rm -r "$work/m.mx/index"
rm "$(ls "$work"/m.mx/segments/*.zst | tail -n 1)"
gives 65 "a missing segment is found" mx-check "$work/m.mx"
so "and named" grep -q 'is missing, but SHA256SUMS lists it' "$err"
gives 65 "its archive is incomplete" mx-ls "$work/m.mx"
gives 65 "its number is not given again" mx-dump "${old_opts[@]}" "$old_url" \
    "$work/m.mx"

# Each archive is written by what made it, and nothing else.
ok "a transform" mx-transform -e 'flags add $Old' "$arc" "$work/t.mx"
gives 64 "is not dumped into" mx-dump "${old_opts[@]}" "$old_url" "$work/t.mx"
gives 64 "nor a dump transformed into" mx-transform -e 'flags add $Old' \
    "$work/t.mx" "$arc"
gives 64 "nor other rules" mx-transform -e 'flags add $New' "$arc" "$work/t.mx"
gives 64 "nor IN" mx-transform "$arc" "$arc/."
ok "the same rules do" mx-transform -e 'flags add $Old' "$arc" "$work/t.mx"
finish
