# SPDX-License-Identifier: ISC
"""IMAP, as little of it as tests need, and independent of mx on purpose.

A connection sends commands without waiting (send) and collects what comes
(wait, responses).  A response is a list of the pieces between literals: line,
literal, line, ...  Nothing here knows what the mail is about.
"""

import base64
import re
import socket
import ssl


class WireError(Exception):
    """The server said NO, BAD or BYE, or something that is not IMAP."""


# ---- mailbox names: modified UTF-7, RFC 3501 section 5.1.3 ----

def encode_name(name):
    """The octets on the wire of a name in Unicode."""
    out = bytearray()
    for run in re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", name):
        if " " <= run[0] <= "~":
            out += run.replace("&", "&-").encode()
        else:
            code = base64.b64encode(run.encode("utf-16-be")).rstrip(b"=")
            out += b"&" + code.replace(b"/", b",") + b"-"
    return bytes(out)


def decode_name(wire):
    """The name in Unicode of octets on the wire."""
    def one(match):
        code = match.group(1).replace(b",", b"/")
        if not code:
            return b"&"
        code += b"=" * (-len(code) % 4)
        return base64.b64decode(code).decode("utf-16-be").encode()
    return re.sub(rb"&([^-]*)-", one, wire).decode()


def quoted(octets):
    """An IMAP string as one piece of a command line."""
    if re.search(rb"[\r\n\x00\x80-\xff]", octets) or len(octets) > 900:
        return b"{%d+}\r\n" % len(octets) + octets
    return b'"' + re.sub(rb'([\\"])', rb"\\\1", octets) + b'"'


# ---- responses ----

TOKEN = re.compile(
    rb'\s*(?:([()])|"((?:[^"\\]|\\.)*)"|((?:[^\s()"\[]|\[[^\]]*\])+))')
LITERAL = re.compile(rb"~?\{(\d+)\+?\}\r\n$")


class Quoted(bytes):
    """A string, so that "NIL" is told from NIL."""


def parse(pieces):
    """Nested lists of atoms and strings; NIL is None."""
    stack = [[]]
    for n, piece in enumerate(pieces):
        if n % 2:
            stack[-1].append(Quoted(piece))
            continue
        piece = LITERAL.sub(b"", piece).rstrip(b"\r\n")
        at = 0
        while at < len(piece):
            match = TOKEN.match(piece, at)
            if not match:
                break
            at = match.end()
            if match.group(1) == b"(":
                stack.append([])
            elif match.group(1) == b")":
                if len(stack) < 2:
                    raise WireError(f"unbalanced: {pieces!r}")
                inner = stack.pop()
                stack[-1].append(inner)
            elif match.group(2) is not None:
                stack[-1].append(Quoted(re.sub(rb"\\(.)", rb"\1", match.group(2))))
            else:
                atom = match.group(3)
                stack[-1].append(None if atom.upper() == b"NIL" else atom)
    if len(stack) != 1:
        raise WireError(f"unbalanced: {pieces!r}")
    return stack[0]


class Imap:
    """One connection, logged in."""

    def __init__(self, host, port, user, password, ca=None, starttls=False):
        self.tags = 0
        self.done = {}              # tag -> the line that ended it
        self.flying = set()
        self.untagged = []
        self.sock = socket.create_connection((host, port), timeout=300)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not starttls:
            self.tls(host, ca)
        self.file = self.sock.makefile("rb", 1 << 18)
        greeting = self.response()
        if not greeting[0].startswith(b"* OK"):
            raise WireError(f"greeting: {greeting!r}")
        if starttls:
            self.command(b"STARTTLS")
            self.tls(host, ca)
            self.file = self.sock.makefile("rb", 1 << 18)
        self.command(b"LOGIN " + quoted(user.encode()) + b" " + quoted(password.encode()))
        self.untagged.clear()
        self.command(b"CAPABILITY")
        self.capability = {word.upper() for line in self.take(b"CAPABILITY")
                           for word in line[0].split()[2:]}

    def tls(self, host, ca):
        context = ssl.create_default_context(cafile=ca)
        self.sock = context.wrap_socket(self.sock, server_hostname=host)

    def close(self):
        try:
            self.command(b"LOGOUT")
        except (OSError, WireError):
            pass
        self.file.close()
        self.sock.close()

    def response(self):
        """The next response, as its pieces."""
        pieces = []
        while True:
            line = self.file.readline()
            if not line.endswith(b"\r\n"):
                raise WireError("connection closed")
            pieces.append(line)
            match = LITERAL.search(line)
            if not match:
                return pieces
            size = int(match.group(1))
            literal = self.file.read(size)
            if len(literal) != size:
                raise WireError("connection closed in a literal")
            pieces.append(literal)

    def send(self, *parts):
        """Send a command, wait for nothing; its tag."""
        self.tags += 1
        tag = b"a%d" % self.tags
        self.flying.add(tag)
        self.sock.sendall(b"".join((tag, b" ", *parts, b"\r\n")))
        return tag

    def step(self):
        """Read one response: a tag's end is noted, an untagged one returned."""
        pieces = self.response()
        if pieces[0].startswith(b"* "):
            if pieces[0].upper().startswith(b"* BYE") and b"LOGOUT" not in pieces[0].upper() \
                    and not self.flying:
                raise WireError(f"{pieces[0]!r}")
            return pieces
        if pieces[0].startswith(b"+"):
            raise WireError(f"unexpected: {pieces[0]!r}")
        tag = pieces[0].split(b" ", 1)[0]
        if tag not in self.flying:
            raise WireError(f"not a tag of ours: {pieces[0]!r}")
        self.flying.discard(tag)
        self.done[tag] = pieces[0]
        return None

    def wait(self, tag, check=True):
        """Wait for the end of a command; untagged responses are kept."""
        while tag not in self.done:
            pieces = self.step()
            if pieces is not None:
                self.untagged.append(pieces)
        line = self.done.pop(tag).split(b" ", 1)[1].rstrip()
        if check and not line.upper().startswith(b"OK"):
            raise WireError(line.decode("utf-8", "replace"))
        return line

    def each(self, tag):
        """The untagged responses until a command ends, one by one."""
        while tag not in self.done:
            pieces = self.step()
            if pieces is not None:
                yield pieces
        self.wait(tag)

    def command(self, *parts, check=True):
        return self.wait(self.send(*parts), check)

    def take(self, word):
        """Kept untagged responses of a kind; the others are dropped."""
        kept = [p for p in self.untagged if word in p[0].upper().split()[1:3]]
        self.untagged.clear()
        return kept

    # ---- mailboxes ----

    def list(self, subscribed=False):
        """(name in Unicode, attributes, delimiter) of every mailbox."""
        self.untagged.clear()
        self.command(b'LSUB "" "*"' if subscribed else b'LIST "" "*"')
        found = []
        for pieces in self.take(b"LSUB" if subscribed else b"LIST"):
            _, _, attributes, delimiter, wire = parse(pieces)
            name = decode_name(wire)
            if name.upper() == "INBOX":
                name = "INBOX"
            found.append((name, [a.decode() for a in attributes],
                          delimiter.decode() if delimiter else None))
        return found

    def delimiter(self):
        self.untagged.clear()
        self.command(b'LIST "" ""')
        return parse(self.take(b"LIST")[0])[3].decode()

    def open(self, name, write=False):
        """Select; {EXISTS, UIDVALIDITY, UIDNEXT} as far as told."""
        self.untagged.clear()
        self.command(b"SELECT " if write else b"EXAMINE ", quoted(encode_name(name)))
        told = {}
        for pieces in self.untagged:
            match = re.match(rb"\* (\d+) EXISTS", pieces[0], re.I)
            if match:
                told["EXISTS"] = int(match.group(1))
            match = re.search(rb"\[(UIDVALIDITY|UIDNEXT|HIGHESTMODSEQ) (\d+)\]", pieces[0], re.I)
            if match:
                told[match.group(1).decode().upper()] = int(match.group(2))
        self.untagged.clear()
        return told

    # ---- messages ----

    def fetch(self, uids, what):
        """A dict {NAME: value} for each FETCH response of UID FETCH."""
        tag = self.send(b"UID FETCH ", uids, b" ", what)
        for pieces in self.each(tag):
            if not re.match(rb"\* \d+ FETCH ", pieces[0], re.I):
                continue
            items = parse(pieces)[3]
            yield {items[n].upper(): items[n + 1] for n in range(0, len(items) - 1, 2)}

    def append_tag(self, name, messages):
        """Send one APPEND of (flags, date, octets) messages; its tag.

        More than one needs MULTIAPPEND.  Without LITERAL+ it must wait for
        the server in the middle, so only then is it slow.
        """
        head = b"APPEND " + quoted(encode_name(name))
        plus = b"LITERAL+" in self.capability
        parts = [head]
        for flags, date, octets in messages:
            meta = b" (%s)" % " ".join(flags).encode()
            if date:
                meta += b' "%s"' % date.encode()
            parts += [meta, b" {%d%s}\r\n" % (len(octets), b"+" if plus else b""), octets]
        if plus:
            return self.send(*parts)
        self.tags += 1
        tag = b"a%d" % self.tags
        self.flying.add(tag)
        out = tag + b" " + head
        for n in range(1, len(parts), 3):
            self.sock.sendall(out + parts[n] + parts[n + 1])
            line = self.response()[0]
            while line.startswith(b"* "):
                line = self.response()[0]
            if not line.startswith(b"+"):
                raise WireError(line.decode("utf-8", "replace").strip())
            out = parts[n + 2]
        self.sock.sendall(out + b"\r\n")
        return tag
