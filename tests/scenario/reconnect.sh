#!/bin/bash
# SPDX-License-Identifier: ISC
# The connection is cut again and again, in the middle of whatever it carries:
# dump and load go on where they were, and nothing is lost or doubled.
set -u
. "$(dirname "$0")/lib.sh"

server dovecot old
server dovecot new
"$top/tests/mail/generate" --count 1500 --bytes 20M --mailboxes 8 --big 800 \
    --seed 8 "$work/mail" >/dev/null || exit 1
fill load --server "$work/old" --as alice "$work/mail" >/dev/null || exit 1
fill truth --server "$work/old" --as alice --out "$work/old.truth"

# relay SERVER OPTIONS: sets port to one that leads there
relay() {
	local TLS_PORT
	. "$work/$1/env"
	shift
	"$top/tests/servers/relay" 0 "$TLS_PORT" "$@" >"$work/relay.port" 2>/dev/null &
	relay_pid=$!
	until [ -s "$work/relay.port" ]; do sleep 0.05; done
	port=$(head -n 1 "$work/relay.port")
}
relay_end() {
	kill $relay_pid 2>/dev/null
	wait $relay_pid 2>/dev/null
	rm -f "$work/relay.port"
}

for cut in 200000 3000000; do
	relay old --cut-reply-after $cut --cuts 4
	ok "a dump cut 4 times after $cut octets" mx-dump "${old_opts[@]}" \
	    "imaps://alice@localhost:$port" "$work/$cut.mx"
	relay_end
	so "says that it holds all" test "$(counted dumped)" = 1500
	ok "and does" mx-diff --zone "${old_a[@]}" "$old_url" "$work/$cut.mx"
done

n=0
users=(alice bob carol)
for cut in 150000 1000000 4000000; do
	user=${users[$n]} n=$((n + 1))
	account to new $user
	relay new --cut-after $cut --cuts 3
	ok "a load cut 3 times after $cut octets" mx-load "${to_opts[@]}" \
	    "$work/3000000.mx" "imaps://$user@localhost:$port"
	relay_end
	fill truth --server "$work/new" --as $user --out "$work/$user.truth"
	ok "nothing is lost, altered or doubled" fill truth --compare \
	    "$work/old.truth" "$work/$user.truth" --ignore-uid
done
finish
