#!/bin/bash
# SPDX-License-Identifier: ISC
# The manual pages and the commands say the same: every option of --help
# stands in its page and the other way round, letters too, and the exit
# statuses are those of the one table.
set -u
. "$(dirname "$0")/lib.sh"

# "--name" or "--name -n" for each option, sorted; --help and --version are
# every command's, and not in its tables.
helped() {
	"$1" --help | sed -n -E \
	    -e 's/^  -(.), --([a-z-]+).*/--\2 -\1/p' \
	    -e 's/^      --([a-z-]+).*/--\1/p' |
	    grep -v -E '^--(help|version)( |$)' | sort
}

# Whether a command's help, on a terminal of 80 columns, wraps nowhere and names
# every command's options
fits() {
	"$1" --help >"$work/text" && grep -q -e '-h, --help' "$work/text" &&
	    grep -q -e '--version' "$work/text" &&
	    ! LC_ALL=C.UTF-8 grep -E '.{81}' "$work/text"
}

# The pages of ours that a page refers to are there.
refers() {
	sed -n 's/^\.\(Pf ( \)\{0,1\}Xr \(mx[a-z-]*\) \([0-9]\).*/\2.\3/p' "$1" | sort -u |
	    while read -r other; do
		[ -f "$top/tools/$other" ] || echo "$other"
	done | { ! grep .; }
}

# The same of the page's lists: ".It Fl n , Fl -name" has a name behind each
# letter, and may have several names.
listed() {
	sed -n 's/^\.It Fl /Fl /p' "$1" | awk '
	{
		letter = ""
		for (i = 1; i < NF; i++) {
			if ($i != "Fl")
				continue
			if ($(i + 1) ~ /^-/) {
				print "-" $(i + 1) (letter == "" ? "" : " -" letter)
				letter = ""
			} else {
				letter = $(i + 1)
			}
		}
	}' | grep -v -E '^--(help|version)( |$)' | sort
}

# "NUMBER" for each status in the list of a page
statuses() {
	awk '/^\.Sh EXIT STATUS/ { on = 1; next } /^\.Sh/ { on = 0 }
	on && /^\.It [0-9]/ { print $2 $3 }' "$1"
}

same() { diff -u "$1" "$2"; }

# Whether each line of $1 is a line of $2
within() { ! grep -v -x -F -f "$2" "$1"; }

pages() { mandoc -T lint -W warning "$top"/tools/*.[1-8]; }

sed -n 's/.*X(STATUS_[A-Z]*,[	 ]*\([0-9]*\),[	 ]*"\([A-Z_]*\)".*/\1\2/p' \
    "$top/libcore/base/status.h" >"$work/table"
tr -d 'A-Z_' <"$work/table" >"$work/numbers"

for page in "$top"/tools/*.1; do
	command=$(basename "$page" .1)
	helped "$command" >"$work/help"
	listed "$page" >"$work/page"
	statuses "$page" >"$work/status"
	ok "$command: its help fits" fits "$command"
	ok "$command has options" test -s "$work/help"
	ok "$command: page and --help list the same" same "$work/help" "$work/page"
	ok "$command: its statuses are in the table" \
	    within "$work/status" "$work/numbers"
	ok "$command ends with one of them" test -s "$work/status"
done
for source in "$top"/tools/mx-*.c; do
	ok "$(basename "$source" .c) has a page" test -f "${source%.c}.1"
done
statuses "$top/tools/mx.7" >"$work/status"
for page in "$top"/tools/*.[17]; do
	ok "$(basename "$page") refers to pages that are there" refers "$page"
done
ok "mx.7 has the whole table" same "$work/table" "$work/status"
ok "the table is there" test -s "$work/table"
if command -v mandoc >/dev/null; then
	ok "mandoc finds nothing" pages
fi
finish
