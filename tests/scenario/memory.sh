#!/bin/bash
# SPDX-License-Identifier: ISC
# Memory does not grow with the mail: as much for 20,000 messages as for 1,000
# that weigh the same, and little for large messages, alone or among small ones.
# Anonymous memory, as seen every 10 ms.
set -u
. "$(dirname "$0")/lib.sh"
most=$((64 * 1024 * 1024)) apart=$((8 * 1024 * 1024))

if grep -qa __asan_init "$build/bin/mx-dump"; then
	echo "skip memory of programs with a sanitizer says nothing"
	exit 77
fi
server dovecot old
server dovecot new

# measured NAME COMMAND ...: the most of it is in $work/NAME.peak
measured() {
	local name=$1
	shift
	/usr/bin/python3 -B "$top/tests/bench/measure.py" "$work/$name.peak" "$@"
}

peak() { cut -d ' ' -f 3 "$work/$1.peak"; }

# through NAME USER COUNT: from the old server to the new one, by an archive
through() {
	local name=$1 user=$2 count=$3 how
	account from old "$user"
	account to new "$user"
	ok "dump of $name" measured "dump-$name" \
	    mx-dump "${from_opts[@]}" "$from_url" "$work/$name.mx"
	so "is all of it" test "$(counted dumped)" = "$count"
	ok "load of $name" measured "load-$name" \
	    mx-load "${to_opts[@]}" "$work/$name.mx" "$to_url"
	so "is all of it" \
	    test "$(fill count --server "$work/new" --as "$user" --total)" = "$count"
	for how in dump load; do
		echo "# $how of $name: $(($(peak $how-$name) / 1024)) KiB"
		so "$how of $name stays under 64 MiB" \
		    test "$(peak $how-$name)" -gt 0 -a "$(peak $how-$name)" -lt $most
	done
}

# together NAME USER COUNT: that many messages, of 12 MB together
together() {
	"$top/tests/mail/generate" --count "$3" --bytes 12M --mailboxes 12 \
	    --big $(($3 / 2)) --seed 3 "$work/mail-$1" >/dev/null || exit 1
	fill load --server "$work/old" --as "$2" "$work/mail-$1" >/dev/null || exit 1
	through "$@"
}

together few alice 1000
together many carol 20000
for how in dump load; do
	few=$(peak $how-few) many=$(peak $how-many)
	so "$how takes about as much for many as for few" \
	    test $((many - few)) -lt $apart -a $((few - many)) -lt $apart
done

# mixed NAME USER: a few large ones between many small, so that whatever held
# a small one holds a large one some day
mixed() {
	mkdir "$work/mail-$1"
	/usr/bin/python3 - "$work/mail-$1" <<'PY' || exit 1
import json, sys
top = sys.argv[1]
line = b"Seventy octets or so, and then again the same, until there are enough.\r\n"
with open(top + "/octets", "wb") as octets, open(top + "/index.jsonl", "w") as index:
    gaps = [11 + n % 33 for n in range(45)]
    large = {sum(gaps[:n]) for n in range(45)}
    for n in range(1200):
        mail = b"Message-ID: <%d@example.org>\r\n\r\n" % n
        mail += line * (48000 if n in large else 1)
        octets.write(mail)
        row = {"mailbox": "INBOX", "flags": [], "size": len(mail),
               "internaldate": "01-Mar-2026 10:00:00 +0000"}
        index.write(json.dumps(row) + "\n")
with open(top + "/mailboxes", "w") as names:
    names.write("INBOX\n")
PY
	fill load --server "$work/old" --as "$2" "$work/mail-$1" >/dev/null || exit 1
	through "$1" "$2" 1200
}

mixed mixed erin

{
	printf 'From: a@example.org\nMessage-ID: <big@example.org>\n\n'
	yes 'The same line, again and again, until it is a very long letter.' |
	    head -c 40000000
	echo
} >"$work/big.eml"
fill append --server "$work/old" --as dave INBOX "$work/big.eml" >/dev/null || exit 1
through big dave 1
fill truth --server "$work/old" --as dave --out "$work/old.truth"
fill truth --server "$work/new" --as dave --out "$work/new.truth"
ok "the big one arrived as it was" fill truth --compare "$work/old.truth" \
    "$work/new.truth" --ignore-uid
finish
