# SPDX-License-Identifier: ISC
# What the stories share: a folder of their own, servers that end with them,
# steps with names.  Sourced; the caller has `set -u`.
#
#	ok "what must hold" COMMAND ...		one test, by its exit status
#	so "what must hold" COMMAND ...		the same, about the step before
#	gives STATUS "what" COMMAND ...		the exit status must be this one
#	says TEXT "what" COMMAND ...		stderr must contain TEXT
#
# Output of a step is in $out and $err until the next step.

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-build}
case $build in /*) ;; *) build=$top/$build ;; esac
PATH=$build/bin:$PATH
work=$(mktemp -d "${TMPDIR:-/tmp}/mx-story.XXXXXX")
chmod 711 "$work"
out=$work/stdout err=$work/stderr
servers=
failed=0
export TZ=UTC XDG_STATE_HOME="$work/state"

cleanup() {
	local s
	for s in $servers; do
		"$top/tests/servers/${s%%:*}" stop "${s#*:}" >/dev/null 2>&1
	done
	if [ "$failed" -gt 0 ] && [ -n "${KEEP:-}" ]; then
		echo "# kept: $work"
	else
		rm -rf "$work"
	fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

fill() { "$top/tests/mail/fill" "$@"; }

# server KIND NAME: starts it in $work/NAME and sets NAME_url, NAME_opts for alice,
# to be used as mx-dump ${NAME_opts[@]} $NAME_url
server() {
	local kind=$1 name=$2 dir=$work/$2 status
	"$top/tests/servers/$kind" start "$dir" >"$work/$name.log" 2>&1
	status=$?
	if [ $status -eq 77 ]; then
		echo "skip $kind $(tail -n 1 "$work/$name.log")"
		exit 77
	elif [ $status -ne 0 ]; then
		echo "not ok $kind starts"
		cat "$work/$name.log"
		exit 1
	fi
	servers="$servers $kind:$dir"
	account "$name" "$name" alice
}

# account NAME SERVER USER: NAME_url and NAME_opts for a user of a server
account() {
	local HOST PORT TLS_PORT CA
	. "$work/$2/env"
	eval "$1_url=imaps://$3@$HOST:$TLS_PORT"
	eval "$1_plain=imap://$3@$HOST:$PORT"
	eval "$1_opts=(--ca-file '$CA' --password-file '$work/$2/$3.pw')"
	eval "$1_a=(--a-ca-file '$CA' --a-password-file '$work/$2/$3.pw')"
	eval "$1_b=(--b-ca-file '$CA' --b-password-file '$work/$2/$3.pw')"
}

report() {
	if [ "$1" -eq 0 ]; then
		echo "ok $2"
	else
		echo "not ok $2"
		failed=$((failed + 1))
		sed 's/^/#  /' "$err" "$out" | tail -n 25
	fi
}

ok() {
	local name=$1
	shift
	"$@" >"$out" 2>"$err"
	report $? "$name"
}

# A check of what the step before left: $out and $err stay as they are.
so() {
	local name=$1
	shift
	if "$@" >"$work/so" 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name"
		failed=$((failed + 1))
		tail -n 5 "$work/so" "$err" "$out" | sed 's/^/#  /'
	fi
}

gives() {
	local want=$1 name=$2 got
	shift 2
	"$@" >"$out" 2>"$err"
	got=$?
	[ "$got" -eq "$want" ] || echo "exit status $got, not $want" >>"$err"
	report $((got != want)) "$name"
}

says() {
	local text=$1 name=$2
	shift 2
	"$@" >"$out" 2>"$err"
	grep -qF -- "$text" "$err"
	report $? "$name"
}

# The number before a word in the last line: counted loaded < stderr
counted() { sed -n "\$s/.*[ :]\([0-9][0-9]*\) $1.*/\1/p" "$err"; }

# same A B [options]: mx-diff finds no difference
finish() { exit $((failed > 0)); }
