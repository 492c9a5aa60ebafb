# SPDX-License-Identifier: ISC
"""Truths: what is in a place, found out without mx.

A truth is a file of JSON lines, one for each message:

	{"mailbox": "Work/Büro", "uid": 4, "internaldate": " 1-Feb-2003 ...",
	 "epoch": 1044057600, "flags": ["$Label1", "\\Seen"],
	 "sha256": "...", "size": 4711}

What a place does not know is null.  Two truths are compared as multisets.
"""

import calendar
import hashlib
import json
import mailbox
import os
import re
import subprocess
import sys
import tarfile
from collections import Counter

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DATE = re.compile(r"\s*(\d+)-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$")
SYSTEM = {f.lower(): f for f in ("\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted")}
LETTERS = {"S": "\\Seen", "R": "\\Answered", "F": "\\Flagged", "D": "\\Draft",
           "T": "\\Deleted", "P": "$Forwarded"}


def epoch(date):
    """Seconds since 1970 of an INTERNALDATE."""
    match = DATE.match(date)
    if not match:
        raise ValueError(f"not a date: {date!r}")
    day, month, year, hour, minute, second, sign, zh, zm = match.groups()
    at = calendar.timegm((int(year), MONTHS.index(month.lower()) + 1, int(day),
                          int(hour), int(minute), int(second)))
    offset = int(zh) * 3600 + int(zm) * 60
    return at - offset if sign == "+" else at + offset


def tidy(flags):
    """Sorted, system flags in their usual case, without \\Recent."""
    out = (SYSTEM.get(f.lower(), f) for f in flags)
    return sorted(f for f in out if f.lower() != "\\recent")


def row(name, uid, date, flags, octets, **more):
    return {"mailbox": name, "uid": uid, "internaldate": date,
            "epoch": epoch(date) if date else None, "flags": tidy(flags),
            "sha256": hashlib.sha256(octets).hexdigest(), "size": len(octets), **more}


def of_server(imap, only=None):
    """Every message of an account, by EXAMINE and BODY.PEEK[].

    A mailbox that will not be opened is an error, and so is one that gives
    fewer messages than it says it has: a truth is whole or none.
    """
    for name, attributes, delimiter in imap.list():
        if {a.lower() for a in attributes} & {"\\noselect", "\\nonexistent"}:
            continue
        if only and name not in only:
            continue
        shown = name.replace(delimiter, "/") if delimiter else name
        told = imap.open(name)
        count = 0
        if told["EXISTS"]:
            for item in imap.fetch(b"1:*", b"(UID INTERNALDATE FLAGS RFC822.SIZE BODY.PEEK[])"):
                if b"BODY[]" not in item:
                    continue        # flags that someone changed meanwhile
                octets = item[b"BODY[]"]
                if octets is None:
                    raise ValueError(f"{name}: uid {item[b'UID']}: no octets")
                count += 1
                yield row(shown, int(item[b"UID"]), item[b"INTERNALDATE"].decode(),
                          [f.decode() for f in item[b"FLAGS"]], octets)
        if count != told["EXISTS"]:
            raise ValueError(f"{name}: {count} messages, not {told['EXISTS']}")


def of_maildirs(top, crlf=False):
    """Every message of a tree of Maildirs, read by Python's mailbox module.

    Mailbox names are the paths as they stand, "INBOX" for the top itself.
    """
    for path, subs, _ in sorted(os.walk(top)):
        if not {"cur", "new"} <= set(subs):
            continue
        name = os.path.relpath(path, top)
        box = mailbox.Maildir(path, create=False, factory=None)
        for key in sorted(box.keys()):
            message = box.get_message(key)
            file = os.path.join(path, message.get_subdir(), key
                                + (":" + message.get_info() if message.get_info() else ""))
            with open(file, "rb") as f:
                octets = f.read()
            if crlf:
                octets = re.sub(rb"\r?\n", b"\r\n", octets)
            found = row("INBOX" if name == "." else name, None, None,
                        [LETTERS.get(f, f) for f in message.get_flags()], octets,
                        file=os.path.relpath(file, top))
            found["epoch"] = int(os.stat(file).st_mtime)
            yield found


def of_tars(files):
    """Every message of tars with mx's attributes (user.mx.*), by tarfile.

    Of several, in order: a hard link may point into an earlier one.
    """
    names, bodies = {}, {}
    for file in files:
        with open_tar(file) as tar:
            for entry in tar:
                attr = {k[len("SCHILY.xattr.user.mx."):]: v
                        for k, v in entry.pax_headers.items()
                        if k.startswith("SCHILY.xattr.user.mx.")}
                if entry.isdir():
                    if "mailbox" in attr:
                        names[entry.name] = "/".join(json.loads(attr["mailbox"]))
                    continue
                folder, _, base = entry.name.rpartition("/")
                top, _, sub = folder.rpartition("/")
                if sub not in ("cur", "new") or entry.name.startswith(".mx/"):
                    continue
                if entry.islnk():
                    octets = bodies[entry.linkname]
                else:
                    octets = tar.extractfile(entry).read()
                bodies[entry.name] = octets
                flags = attr.get("flags")
                found = row(names.get(top, top), int(attr["uid"]) if "uid" in attr else None,
                            attr.get("date"), flags.split() if flags is not None else
                            [LETTERS.get(c, c) for c in base.rpartition(":2,")[2]]
                            if ":2," in base else [], octets, file=entry.name)
                if found["epoch"] is None:
                    found["epoch"] = int(entry.mtime)
                yield found


def open_tar(file):
    if file == "-":
        return tarfile.open(fileobj=sys.stdin.buffer, mode="r|")
    with open(file, "rb") as f:
        packed = f.read(4) == b"\x28\xb5\x2f\xfd"
    if not packed:
        return tarfile.open(file, "r|")
    pipe = subprocess.Popen(["zstd", "-dcq", file], stdout=subprocess.PIPE)
    return tarfile.open(fileobj=pipe.stdout, mode="r|")


def write(rows, out):
    """Write a truth; how many messages and octets it has."""
    count = size = 0
    for r in rows:
        out.write(json.dumps(r, ensure_ascii=False) + "\n")
        count, size = count + 1, size + r["size"]
    return count, size


def read(file):
    with open(file, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def compare(a, b, without=(), out=sys.stdout, most=20):
    """Print what is in one and not the other; how many such there are.

    `without` names columns that don't count; dates are compared as moments
    unless "epoch" is among them and "internaldate" is not.
    """
    columns = [c for c in ("mailbox", "uid", "epoch", "internaldate", "flags", "sha256", "size")
               if c not in without]

    def value(r, c):
        if c == "flags":
            return " ".join(r[c])
        if c == "internaldate" and r[c]:        # " 1-Feb" and "01-Feb" are the same
            return r[c].strip().zfill(len("01-Feb-2003 04:05:06 +0700"))
        return r[c]

    def bag(rows):
        return Counter(tuple(value(r, c) for c in columns) for r in rows)
    left, right = bag(a), bag(b)
    differ = 0
    for mark, rest in (("-", left - right), ("+", right - left)):
        differ += sum(rest.values())
        shown = sorted(rest.items(), key=repr)
        for n, (key, times) in enumerate(shown):
            if n == most:
                out.write(f"{mark} ... and {len(shown) - most} more\n")
                break
            text = "  ".join(f"{c}={v}" for c, v in zip(columns, key))
            out.write(f"{mark} {text}" + (f"  ({times} times)" if times > 1 else "") + "\n")
    return differ
