#!/bin/bash
# SPDX-License-Identifier: ISC
# Each mishap has a message that names place and cause, and its exit status.
set -u
. "$(dirname "$0")/lib.sh"

server dovecot old
"$top/tests/mail/generate" --count 60 --bytes 1M --mailboxes 5 --big 20 \
    --seed 7 "$work/mail" >/dev/null || exit 1
fill load --server "$work/old" --as alice "$work/mail" >/dev/null || exit 1
. "$work/old/env"
arc=$work/a.mx
ok "a good dump" mx-dump "${old_opts[@]}" "$old_url" "$arc"

gives 12 "a certificate for another name" mx-dump "${old_opts[@]}" \
    "imaps://alice@localhost:$WRONGHOST_PORT" "$work/n.mx"
so "says so" grep -qi "wrong.example\|name" "$err"
gives 12 "a CA that is not trusted" mx-dump --password-file "$work/old/alice.pw" \
    "$old_url" "$work/n.mx"
so "says --ca-file" grep -q -- "--ca-file" "$err"
printf 'wrong\n' >"$work/wrong.pw"
chmod 600 "$work/wrong.pw"
gives 16 "a wrong password" mx-dump --ca-file "$CA" --password-file "$work/wrong.pw" \
    "$old_url" "$work/n.mx"
so "is not repeated" sh -c "! grep -q 'wrong\$' '$err'"
chmod 644 "$work/wrong.pw"
gives 16 "a password file that others may read" mx-dump --ca-file "$CA" \
    --password-file "$work/wrong.pw" "$old_url" "$work/n.mx"
gives 10 "nobody listens" mx-dump "${old_opts[@]}" imaps://alice@localhost:1 "$work/n.mx"
gives 64 "a password in the URL" mx-dump "imaps://alice:secret@localhost" "$work/n.mx"
so "is not repeated either" sh -c "! grep -q secret '$err'"
so "none of these left an archive" test ! -e "$work/n.mx"
ok "STARTTLS works" mx-dump "${old_opts[@]}" "$old_plain" "$work/st.mx"

# the prompt names the account, and for mx-diff the side
prompted() {
	HOME=$work TYPED=$(cat "$work/old/alice.pw") \
	    python3 "$top/tests/scenario/terminal.py" 80 "$@"
}
ok "a password that is typed" prompted mx-ls --ca-file "$CA" "$old_url"
so "was asked for by account" grep -q "Password for alice at localhost port $TLS_PORT: " "$out"
ok "one for a side" prompted mx-diff --b-ca-file "$CA" "$arc" "$old_url"
so "was asked for by side" grep -q "port $TLS_PORT, side B: " "$out"

# a mailbox of the URL
for command in mx-ls "mx-ls -l" mx-dump; do
	gives 66 "$command: a mailbox that is not there" $command "${old_opts[@]}" \
	    "$old_url/Nosuch" $([ "$command" = mx-dump ] && echo "$work/n.mx")
	so "says so" grep -q "/Nosuch: there is no such mailbox" "$err"
done
so "and made nothing" test ! -e "$work/n.mx"
gives 66 "mx-diff: a mailbox that is not there" mx-diff "${old_a[@]}" "$old_url/Nosuch" "$arc"
ok "mx-ls of one mailbox" mx-ls "${old_opts[@]}" "$old_url/inbox"
so "is of one" test "$(counted mailboxes)" = 1
ok "mx-dump of one mailbox" mx-dump "${old_opts[@]}" "$old_url/INBOX" "$work/inbox.mx"
ok "mx-diff of one mailbox" mx-diff "${old_a[@]}" "$old_url/INBOX" "$work/inbox.mx"
gives 1 "and the other side is compared in full" mx-diff "${old_a[@]}" "$old_url/INBOX" "$arc"
ok "unless it is restricted too" mx-diff -m '^INBOX$' "${old_a[@]}" "$old_url/INBOX" "$arc"

gives 64 "an unknown option" mx-dump --frobnicate "$old_url"
gives 64 "a bad regex" mx-dump --mailbox '(' "${old_opts[@]}" "$old_url" "$arc"
gives 64 "a bad rule" mx-transform -e 'folder s/a' "$arc" "$work/t.tar"
so "with line and column" grep -q -- "-e:1:" "$err"
gives 66 "no such archive" mx-ls "$work/nothing.mx"
mkdir "$work/dir"
touch "$work/dir/file"
gives 65 "a directory that is no archive" mx-ls "$work/dir"
gives 65 "nor to be written" mx-dump "${old_opts[@]}" "$old_url" "$work/dir"
so "and is left alone" test "$(ls -A "$work/dir")" = file
head -c 10000 /dev/urandom >"$work/noise.tar"
gives 65 "noise that calls itself a stream" mx-ls "$work/noise.tar"
tar -cf "$work/foreign.tar" -C "$work/dir" file
gives 65 "a tar that is no stream" mx-ls "$work/foreign.tar"
: >"$work/empty.tar"
gives 65 "an empty file" mx-ls "$work/empty.tar"

exec 9>>"$arc/lock"
flock 9
gives 75 "two writers" mx-dump "${old_opts[@]}" "$old_url" "$arc"
ok "readers go on" mx-ls "$arc"
exec 9>&-
account other old bob
gives 64 "mail of another origin" mx-dump "${other_opts[@]}" "$other_url" "$arc"

# cut streams
ok "a stream in a file" mx-dump "${old_opts[@]}" "$old_url" "$work/s.tar"
size=$(stat -c %s "$work/s.tar")
head -c $((size / 2)) "$work/s.tar" >"$work/cut.tar"
gives 65 "a stream cut in the middle" mx-load "$work/cut.tar" "maildir:$work/cutmd"
so "what came before the cut is used" test "$(counted loaded)" -gt 0
gives 65 "and is there once when it is loaded again" mx-load "$work/cut.tar" "maildir:$work/cutmd"
so "nothing doubled" test "$(counted loaded)" = 0
ok "the whole stream adds the rest" mx-load "$work/s.tar" "maildir:$work/cutmd"
ok "all is there" mx-diff "$work/s.tar" "maildir:$work/cutmd"
ok "a compressed stream" mx-dump "${old_opts[@]}" "$old_url" "$work/s.tar.zst"
ok "holds the same" mx-diff --zone "$work/s.tar" "$work/s.tar.zst"
gives 74 "an output that exists is not overwritten" mx-dump "${old_opts[@]}" "$old_url" "$work/s.tar"

# disk full: a small file system where we may have one, else a file size limit
limited() { (ulimit -f 64; "$@"); }
gives 74 "no room" limited mx-dump "${old_opts[@]}" "$old_url" "$work/full.mx"
ok "then room again" mx-dump "${old_opts[@]}" "$old_url" "$work/full.mx"
ok "all is there" mx-diff --zone "${old_a[@]}" "$old_url" "$work/full.mx"
ok "and clean" mx-check "$work/full.mx"

# the destination says no
if (cd "$work" && QUOTA=100k "$top/tests/servers/dovecot" start "$work/small" >/dev/null 2>&1); then
	servers="$servers dovecot:$work/small"
	account small small alice
	gives 113 "the destination is full" mx-load "${small_opts[@]}" "$arc" "$small_url"
	gives 113 "again, and nothing doubled" mx-load "${small_opts[@]}" "$arc" "$small_url"
	so "loaded nothing more" test "$(counted loaded)" = 0
fi

# the server goes away
kill_server() {
	mx-dump "${old_opts[@]}" --timeout 5 "$old_url" "$work/gone.mx" &
	local pid=$!
	"$top/tests/servers/dovecot" stop "$work/old" >/dev/null 2>&1
	wait $pid
}
kill_server >"$out" 2>"$err"
status=$?
so "a server that goes away is a connection's trouble or was quick enough" \
    test $status = 10 -o $status = 0
finish
