#!/bin/bash
# SPDX-License-Identifier: ISC
# What is typed wrongly is told before anything is opened or asked for, and
# what is said can be relied on: the last line, the log, the progress line.
set -u
. "$(dirname "$0")/lib.sh"

md=$work/md arc=$work/a.mx
mkdir -p "$md"/{cur,new,tmp,A/cur,A/new,A/tmp}
for i in $(seq 40); do
	printf 'Message-ID: <%s@example.org>\n\n%s\n' "$i" "$i" >"$md/cur/$i:2,S"
done
printf 'Message-ID: <a@example.org>\n\na\n' >"$md/A/cur/1:2,FS"
cd "$work" || exit 1
ok "an archive" mx-dump maildir:md a.mx
ok "a stream" mx-dump maildir:md s.tar

# status | what | text in the message | command
while IFS='|' read -r status what text command; do
	# shellcheck disable=SC2086
	gives "$status" "$what" $command </dev/null
	so "$what: says why" grep -qF -- "$text" "$err"
	so "$what: leaves nothing" test ! -e x -a ! -e x.mx -a ! -e no
done <<'ROWS'
66|no such source|nosuch: No such file|mx-dump nosuch x.mx
64|an unknown scheme|https://: unknown scheme|mx-dump https://alice:secret@host x.mx
66|an account without its scheme|imaps://alice@localhost|mx-dump alice@localhost x.mx
64|a destination without its scheme|imaps://alice@localhost|mx-load a.mx alice@localhost
64|an archive alone is no destination|a.mx: is no destination|mx-load a.mx
64|a server into an archive|mx-dump imaps://alice@localhost x.mx|mx-load imaps://alice@localhost x.mx
64|a server into a server|mx-dump imaps://a@h|mx-load imaps://a@h imaps://b@h
66|no parent|no/: No such file|mx-dump maildir:md no/x.mx
66|no parent of a stream|no/: No such file|mx-dump maildir:md no/x.tar
66|no parent of a Maildir|no/: No such file|mx-load a.mx maildir:no/x
64|gzip is not written|only .tar and .tar.zst|mx-dump maildir:md x.tar.gz
64|nor a directory by that name|only .tar and .tar.zst|mx-transform a.mx x.tar/
64|nor zip|only .tar and .tar.zst|mx-transform a.mx x.zip
74|a stream that exists|exists already; remove it first or name another|mx-dump maildir:md s.tar
64|an account is written by mx-load|is written by mx-load|mx-dump maildir:md imaps://a@h
65|a Maildir is no archive|md: is no archive|mx-check md
65|nor for mx-cat|md: is no archive|mx-cat md 12
65|a stream is no archive|s.tar: is no archive|mx-check s.tar
65|nor has generations|s.tar: is no archive|mx-ls -g s.tar
66|no such archive|nosuch: No such file|mx-check nosuch
66|a generation to come|no generation 99; the newest is 1|mx-ls --view at=99 a.mx
66|generation 0|no generation 0; the newest is 1|mx-ls --view at=0 a.mx
66|before the first day|holds nothing as old|mx-ls --view at=2001-01-01 a.mx
64|no job at all|1 or more|mx-dump -j 0 maildir:md x.mx
64|too many jobs|64 connections|mx-dump -j 65 maildir:md x.mx
64|no time at all|1 or more|mx-dump --timeout 0 maildir:md x.mx
64|sizes and an output|one operand too many|mx-dump --sizes imaps://a@h x.mx
64|quiet and verbose|contradict|mx-ls -q -v a.mx
64|an index in JSON|--dump-index prints text|mx-check --json --dump-index a.mx
64|a message in JSON|--json is not an option|mx-cat --json a.mx 12
64|a verbose message|-v is not an option|mx-cat -v a.mx 12
64|JSON and a stream|both go to standard output|mx-transform --json a.mx
64|a side's option for both|--a-ca-file or --b-ca-file|mx-diff --ca-file x md a.mx
66|a side that is not there|nosuch: No such file|mx-diff a.mx nosuch
ROWS
gives 64 "a password behind an unknown scheme" mx-dump https://alice:secret@host x.mx
so "is not repeated" sh -c "! grep -q secret '$err'"

nothing() { true | mx-load maildir:x; }
gives 65 "an empty pipe" nothing
so "says so" grep -q "nothing came: did the command before it fail" "$err"
says "--mailbox 'Nope' matches no mailbox" "a regex that matches nothing" \
    mx-ls -m Nope -m A a.mx
so "the other one does" test "$(counted mailboxes)" = 1
says "could be" "digits of several messages" mx-cat a.mx "$(mx-ls -ql a.mx |
    cut -f 6 | cut -c 1 | sort | uniq -d | head -n 1)"

# counts
says ": 1 generations: exit 0 (OK)" "generations are counted" mx-ls -g a.mx
says ": 0 printed: exit 66 (NO_INPUT)" "no message" mx-cat a.mx '#4711'
gives 64 "a usage error" mx-load --frobnicate
so "has no counts" grep -qx "mx-load: exit 64 (USAGE)" "$err"

# the log
ok "quietly" mx-ls -q --log log -m Nope a.mx
so "nothing is said" test ! -s "$err"
so "the log has it, with the time" test "$(grep -cE \
    '^[0-9-]{10}T[0-9:]{8}Z mx-ls: (--mailbox|0 mailboxes)' log)" = 2

# the plan, and JSON
ok "a plan of moves" mx-transform -n -e 'folder s/^A$/B/' \
    -e 'drop if mailbox == INBOX' a.mx x.mx
so "from where to where" grep -q "$(printf '^wanted\tA: .* -> B\t')" "$out"
so "and which rule dropped" grep -q "$(printf '^dropped\tINBOX: .*by-rule -e:2$')" "$out"
ok "items in JSON" mx-ls -l --json -m '^A$' a.mx
so "with flags as an array" grep -qF '"flags":["\\Flagged","\\Seen"]' "$out"

# the progress line
terminal() { python3 "$top/tests/scenario/terminal.py" "$@"; }
for i in $(seq 41 6000); do
	printf 'Message-ID: <%s@example.org>\n\n%s\n' "$i" "$i" >"$md/cur/$i:2,S"
done
ok "more to do" mx-dump maildir:md a.mx
ok "on a narrow terminal" terminal 50 mx-load a.mx maildir:wide
grep ' of 6001 ' "$out" >"$work/shown"
so "the progress has the total" test -s "$work/shown"
so "and does not wrap" sh -c "! LC_ALL=C.UTF-8 grep -qE '.{50}' '$work/shown'"
ok "in a pipeline" terminal 100 sh -c \
    'mx-dump maildir:md | mx-transform | mx-load maildir:piped'
so "only the last shows it" sh -c "! grep -q ' MB, .*mx-' '$out'"
so "and each has its last line" test "$(grep -c '^mx-[a-z]*: .*exit 0 (OK)$' "$out")" = 3

# The reader goes away after the signal came to both.
mkfifo fifo
cut_short() {
	mx-dump maildir:md >fifo &
	local pid=$!
	exec 8<fifo
	head -c 1 <&8 >/dev/null
	kill -INT $pid
	exec 8<&-
	wait $pid
}
gives 130 "a pipeline that was interrupted" cut_short
finish
