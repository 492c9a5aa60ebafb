#!/bin/bash
# SPDX-License-Identifier: ISC
# Every point at which a dump or a load touches the disk: the process dies
# before it, in the middle of a write, or the call fails; the next run, which
# knows nothing of it, makes everything whole, and nothing is there twice.
#
#	FAULT_STEP	only every so many points (1: all of them)
set -u
. "$(dirname "$0")/lib.sh"
step=${FAULT_STEP:-1}
src=maildir:$work/mail
arc=$work/a.mx dest=$work/dest

CPPFLAGS=-DMX_FAULT make -s -C "$top" BUILD="$build/fault" all >"$work/make.log" 2>&1 || {
	echo "not ok the tools with fault points build"
	tail -n 20 "$work/make.log"
	exit 1
}
PATH=$build/fault/bin:$PATH

# ---- ten messages in three mailboxes, one of them large, one there twice ----

message() {
	printf '%s\r\n' 'From: a@example.org' 'To: b@example.org' "Subject: $1" \
	    "Date: Mon, 01 Jan 2024 00:00:$1 +0000" "Message-ID: <m$1@example.org>" \
	    '' "text $1"
}
for box in mail mail/.Work mail/.Work.Old; do
	mkdir -p "$work/$box/cur" "$work/$box/new" "$work/$box/tmp"
done
for i in 11 12 13 14; do message $i >"$work/mail/cur/$i.a.h:2,S"; done
for i in 15 16 17; do message $i >"$work/mail/.Work/cur/$i.a.h:2,"; done
{ message 18; seq 700000; } >"$work/mail/.Work/cur/18.a.h:2,F"
cp "$work/mail/cur/11.a.h:2,S" "$work/mail/.Work.Old/cur/19.a.h:2,"
message 20 >"$work/mail/.Work.Old/cur/20.a.h:2,RS"

# ---- what must hold ----

# Mailbox and digest of everything that was ever in the archive.
everything() { mx-ls -q -l --view all "$1" | cut -f 6,7 | sort; }

# mx-check also compares the index with one that it builds from the segments.
dumped() {
	mx-dump -q "$src" "$arc" && mx-check -q "$arc" &&
	    mx-diff -q "$src" "$arc" && everything "$arc" >"$work/got" &&
	    cmp "$work/want" "$work/got" &&
	    [ -z "$(find "$arc/segments" -name '*.part')" ] &&
	    (cd "$arc/segments" && sha256sum --quiet -c SHA256SUMS) &&
	    [ "$(wc -l <"$arc/segments/SHA256SUMS")" -eq \
		"$(find "$arc/segments" -name '*.zst' | wc -l)" ]
}

# The index that grew with the runs is the one that the segments give.
rebuilt() {
	mx-check -q --dump-index "$arc" >"$work/grown" &&
	    mx-check -q --rebuild "$arc" &&
	    mx-check -q --dump-index "$arc" >"$work/built" &&
	    cmp "$work/grown" "$work/built"
}

loaded() {
	mx-load -q "$work/ref.mx" "maildir:$dest" &&
	    mx-diff -q "$work/ref.mx" "maildir:$dest" &&
	    [ "$(find "$dest" -path '*/cur/*' -o -path '*/new/*' | wc -l)" -eq 10 ]
}

# broken PLAN COMMAND...: it must not go on as if nothing had happened
broken() {
	local plan=$1 got
	shift
	MX_FAULT=$plan "$@" >"$work/broken" 2>&1
	got=$?
	case $plan in
	kill:* | short:*) [ "$got" -eq 137 ] ;;
	*) [ "$got" -lt 128 ] ;;
	esac
}

points_of() {
	MX_FAULT=count:$work/points "$@" >/dev/null 2>&1
	cat "$work/points"
}

# each NAME FIRST STRIDE PLAN FUNCTION: for every point at which PLAN acts
each() {
	local name=$1 k=$2 stride=$3 plan=$4 n=0 bad=0
	for (( ; k <= points; k += stride * step)); do
		n=$((n + 1))
		"$5" "${plan/K/$k}" >"$out" 2>"$err" && continue
		bad=$((bad + 1))
		echo "# ${plan/K/$k}:" && sed 's/^/#  /' "$work/broken" "$err" "$out" | tail -n 12
	done
	so "$name ($n of $points points)" test "$bad" -eq 0
}

# ---- dump: into a new archive ----

ok "dump" mx-dump "$src" "$work/ref.mx"
everything "$work/ref.mx" >"$work/want"
so "has ten messages" test "$(wc -l <"$work/want")" -eq 10
points=$(points_of mx-dump "$src" "$work/count.mx")

anew() {
	rm -rf "$arc"
	broken "$1" mx-dump "$src" "$arc" && dumped
}
each "a dump that is killed" 1 1 kill:K anew
each "in the middle of a write" 1 5 short:K anew
each "without room" 1 4 fail:K:ENOSPC anew
each "with a bad disk" 3 4 fail:K:EIO anew
ok "the index is what a rebuild gives" rebuilt

# ---- the recovery of one that was killed behind its commit ----

rm -rf "$arc"
late=$((points - 9))
part=$arc/segments/00000001.tar.zst.part
killed() {
	rm -rf "$arc"
	broken kill:$late mx-dump "$src" "$arc"
	printf 'half of a frame' >>"$part"
}
killed 2>/dev/null
so "a dump killed at point $late leaves a part" test -f "$part"
size=$(stat -c %s "$part")
ok "that a reader reads" mx-diff "$src" "$arc"
ok "and a dry run" mx-dump -n "$src" "$arc"
so "which leave it alone" test "$(stat -c %s "$part")" -eq "$size"
points=$(points_of mx-dump "$src" "$arc")
so "and the next run takes over" test ! -e "$part"
again() {
	killed
	broken "$1" mx-dump "$src" "$arc" && dumped && rebuilt
}
each "a recovery that is killed" 1 1 kill:K again
each "a recovery without room" 1 3 fail:K:ENOSPC again

# ---- dump: changes of each kind, into a copy whose index is built anew ----

rm "$work/mail/cur/14.a.h:2,S"
mv "$work/mail/cur/12.a.h:2,S" "$work/mail/cur/12.a.h:2,T"
message 21 >"$work/mail/.Work/cur/21.a.h:2,"
cp "$work/mail/.Work/cur/15.a.h:2," "$work/mail/.Work/cur/22.a.h:2,"
mv "$work/mail/.Work.Old" "$work/mail/.New"
copied() { rm -rf "$arc" && cp -a "$work/ref.mx" "$arc"; }
copied
mx-dump -q "$src" "$arc"
everything "$arc" >"$work/want"
so "fourteen with what is gone" test "$(wc -l <"$work/want")" -eq 14
copied
points=$(points_of mx-dump "$src" "$arc")
grown() {
	copied
	broken "$1" mx-dump "$src" "$arc" && dumped
}
each "a second dump that is killed" 1 3 kill:K grown
each "a second dump without room" 2 6 fail:K:ENOSPC grown

# ---- load ----

onto() {
	rm -rf "$dest" "$work/ref.mx/receipts"
	broken "$1" mx-load "$work/ref.mx" "maildir:$dest" && loaded
}
points=$(points_of mx-load "$work/ref.mx" "maildir:$work/count")
each "a load that is killed" 1 3 kill:K onto
each "in the middle of a write" 2 8 short:K onto
each "without room" 3 8 fail:K:ENOSPC onto
each "to a bad disk" 6 8 fail:K:EIO onto
finish
