# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154,SC2009
# What the test servers share: accounts, certificates, ports, starting a
# process and being sure that it is gone.  Sourced by dovecot and cyrus; knows
# nothing of either.  Callers set `prog`, their own name, for messages.

ACCOUNTS='alice bob carol dave erin frank admin'

die() {
	printf '%s: %s\n' "$prog" "$*" >&2
	exit 1
}

skip() {
	printf '%s: %s\n' "$prog" "$*" >&2
	exit 77
}

usage() {
	printf 'usage: %s\n' "$@" >&2
	exit 64
}

# Which of the packages $@ are not installed
lacking() {
	local name
	for name; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) in
		*installed*) ;;
		*) printf '%s\n' "$name" ;;
		esac
	done
}

# The user the server runs as: the caller, or where that is root, one that
# file modes apply to.
run_user() {
	if [ "$(id -u)" -eq 0 ]; then
		printf '%s\n' "${SERVER_USER:-mail}"
	else
		id -un
	fi
}

as_user() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid="$user" --regid="$group" --clear-groups -- "$@"
	else
		"$@"
	fi
}

# Make $1 with sub-directories "$@" owned by the server's user.  Paths go
# unquoted into two configuration languages and into unix sockets (108
# octets), so what those can't take is refused here.
make_dir() {
	local sub
	mkdir -p "$1" || die "$1: cannot be made"
	dir=$(cd "$1" && pwd -P)
	shift
	case $dir in
	*[!A-Za-z0-9_./+-]*) die "$dir: only letters, digits and _./+- please" ;;
	esac
	[ ${#dir} -le 70 ] || die "$dir: too long for the paths of sockets in it"
	if [ -e "$dir/pid" ] && alive "$(cat "$dir/pid")"; then
		die "$dir: a server runs here already"
	fi
	open_way "$dir"
	for sub; do
		mkdir -p "$dir/$sub"
		chown "$user:$group" "$dir/$sub"
	done
}

# mktemp -d makes directories that only their owner may pass, and the server
# is another user: let it pass through those that are ours and temporary.
open_way() {
	local at=$1
	while [ "$at" != / ]; do
		if ! as_user test -x "$at"; then
			case $at in
			"$dir"|/tmp/*|/var/tmp/*|/dev/shm/*|"${TMPDIR:-/tmp}"/*) ;;
			*) die "$at: user $user cannot pass; use a directory below /tmp" ;;
			esac
			chmod a+x "$at" || die "$at: user $user cannot pass"
		fi
		at=$(dirname "$at")
	done
}

# Ports below the range that outgoing connections are given theirs from, so
# that none is taken between here and the server's bind().
free_ports() {
	/usr/bin/python3 - "$1" <<'PY'
import random, socket, sys
held = []
while len(held) < int(sys.argv[1]):
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", random.SystemRandom().randrange(12000, 32000)))
    except OSError:
        continue
    held.append(s)
print(*(s.getsockname()[1] for s in held))
PY
}

# cert NAME SUBJECT SAN: tls/NAME.pem and tls/NAME.key, signed by tls/ca.pem
cert() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	    -keyout "$dir/tls/$1.key" -subj "/CN=$2" -out "$dir/tls/$1.csr" &&
	openssl x509 -req -in "$dir/tls/$1.csr" -days 30 -CAcreateserial \
	    -CA "$dir/tls/ca.pem" -CAkey "$dir/tls/ca.key" -out "$dir/tls/$1.pem" \
	    -extfile <(printf 'subjectAltName=%s\n' "$3")
}

ca() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	    -keyout "$dir/tls/$1.key" -subj "/CN=$2" -days 30 -out "$dir/tls/$1.pem" \
	    -addext keyUsage=critical,keyCertSign,cRLSign
}

# The CA, a second one that signed nothing, and two certificates of the first.
make_certs() {
	mkdir -p "$dir/tls"
	{
		ca ca 'mx tests CA' &&
		ca other-ca 'mx tests, another CA' &&
		cert server localhost 'DNS:localhost,IP:127.0.0.1' &&
		cert wrong wrong.example DNS:wrong.example
	} >"$dir/tls/log" 2>&1 || die "$dir/tls/log: no certificates"
	chown "$user:$group" "$dir"/tls/{server,wrong}.key
}

# Passwords: bob's has what a client must quote.
make_passwords() {
	local who pw
	for who in $ACCOUNTS; do
		[ -s "$dir/$who.pw" ] && continue
		pw=$(openssl rand -hex 10)
		[ "$who" != bob ] || pw="b \"q\\ {3}%\$$pw"
		(umask 077; printf '%s\n' "$pw" >"$dir/$who.pw")
	done
}

# $1 in single quotes, for a shell
quote() {
	printf "'%s'" "${1//\'/\'\\\'\'}"
}

# write_env PORT TLS_PORT WRONGHOST_PORT; last of all, so its being there
# says that the server is up
write_env() {
	local who n=0
	(
		umask 077
		{
			printf 'HOST=localhost\nPORT=%s\nTLS_PORT=%s\n' "$1" "$2"
			printf 'WRONGHOST_PORT=%s\n' "$3"
			printf 'CA=%s\nWRONG_CA=%s\n' "$dir/tls/ca.pem" "$dir/tls/other-ca.pem"
			for who in $ACCOUNTS; do
				if [ "$who" = admin ]; then
					printf 'ADMIN=%s\nADMINPASS=' "$who"
				else
					n=$((n + 1))
					printf 'USER%d=%s\nPASS%d=' $n "$who" $n
				fi
				quote "$(cat "$dir/$who.pw")"
				echo
			done
			printf 'SERVER_DIR=%s\nSERVER_KIND=%s\n' "$dir" "$prog"
		} >"$dir/env.new"
	) && mv "$dir/env.new" "$dir/env"
}

# shim NAME: make NAME.so of NAME.c.  Its path, for LD_PRELOAD; nothing where
# there is no compiler, and then only what it was for is missing.
shim() {
	local so=$dir/$1.so
	if ! [ "$so" -nt "$here/$1.c" ]; then
		cc -O1 -fPIC -shared -o "$so.new" "$here/$1.c" 2>>"$dir/log" &&
		    mv "$so.new" "$so" || return 0
	fi
	printf '%s\n' "$so"
}

# launch NAME CMD...: a session of its own, so that nothing it forks is lost
# from sight; its id goes to $dir/NAME
launch() {
	local name=$1
	shift
	TZ=${TZ_SERVER:-Europe/Berlin} setsid bash -c 'exec "$@"' launch \
	    "$@" </dev/null >>"$dir/log" 2>&1 &
	echo $! >"$dir/$name"
}

# greets NAME PORT: wait for "* OK" on a port without TLS
greets() {
	local tries line
	for ((tries = 0; tries < 200; tries++)); do
		alive "$(cat "$dir/$1")" || return 1
		# shellcheck disable=SC3025
		if { exec 9<>"/dev/tcp/127.0.0.1/$2"; } 2>/dev/null; then
			line=
			read -r -t 5 -u 9 line
			exec 9>&-
			case $line in '* OK'*) return 0 ;; esac
		fi
		sleep 0.05
	done
	return 1
}

# Is there still a process of session $1?
alive() {
	ps -s "$1" -o stat= 2>/dev/null | grep -qv '^Z'
}

# Ours only where it is a session leader started with a path below $dir.
ours() {
	[ -r "/proc/$1/cmdline" ] && tr '\0' ' ' <"/proc/$1/cmdline" | grep -qF "$dir/"
}

# end NAME...: ask, wait, insist
end() {
	local name
	for name; do
		ask "$name"
	done
	for name; do
		await "$name"
		rm -f "$dir/$name"
	done
}

ask() {
	local sid
	[ -s "$dir/$1" ] || return 0
	sid=$(cat "$dir/$1")
	# the leader may be gone while its children are not
	if [ -e "/proc/$sid" ] && alive "$sid"; then
		ours "$sid" || die "$dir/$1: process $sid is not this server"
		kill -TERM "$sid" 2>/dev/null
	fi
}

await() {
	local sid tries signal=TERM
	[ -s "$dir/$1" ] || return 0
	sid=$(cat "$dir/$1")
	for ((tries = 0; tries < 200; tries++)); do
		alive "$sid" || return 0
		# children that the leader left behind
		[ $tries -lt 100 ] || signal=KILL
		if [ $((tries % 5)) -eq 4 ]; then
			# shellcheck disable=SC2046
			kill -$signal $(ps -s "$sid" -o pid=) 2>/dev/null
		fi
		sleep 0.05
	done
	die "process $sid will not end"
}
