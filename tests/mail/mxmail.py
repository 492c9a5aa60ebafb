# SPDX-License-Identifier: ISC
"""Generated mail: the same from the same numbers, on every machine.

	for m in mail(count=20000, bytes=250_000_000, mailboxes=40, big=10000, seed=1):
		m.mailbox, m.flags, m.date, m.octets

Mail comes mailbox by mailbox.  Line ends are CRLF, there is no NUL and no
bare CR or LF, unless `wild` asks for what few servers take.
"""

import base64
import calendar
import email.header
import quopri
import random
import re
from collections import namedtuple

Message = namedtuple("Message", "mailbox flags date octets")

# Components of names that Dovecot and Cyrus both take.
NAMES = [
    ("INBOX",),
    ("Archive",),               # the big one
    ("Sent",),
    ("Drafts",),
    ("Trash",),
    ("Junk",),
    ("Work",),
    ("Work", "Projects"),
    ("Work", "Projects", "Übersee"),
    ("Work", "Projects", "Übersee", "Büro & Garten"),
    ("Work", "R&D"),
    ("Empty",),                 # stays so
    ("Entwürfe",),
    ("Gesendete Objekte",),
    ("Папка",),
    ("Папка", "Входящие"),
    ("日本語",),
    ("日本語", "受信トレイ"),
    ("📬 Post",),
    ("Only", "Children", "Here"),   # its parents hold nothing
    ("tilde~name",),
    ("it's (mine) + [yours]",),
    ("dots.in.a.name",),
    ("Café",),
    ("Cafe\u0301",),            # another name, by Unicode's leave
    (".leading dot,  two spaces",),
    ("cur",),                   # what a Maildir calls its own
    ("new", "tmp"),
    ("ARCHIVE-OLD",),
    ("archive-old",),           # another name, by IMAP's
    ("&", "&-"),
    ("Ελληνικά",),
    ("עברית",),
    ("#public",),
    ("$HOME",),
    ("-n",),
    ("a@b.example",),
    ("A name that goes on for rather longer than most people would ever care to type, "
     "which they do not have to",),
    ("a", "b", "c", "d", "e", "f", "g", "h"),
    ("star*name?",),
]

# Those that only Dovecot takes.
WILD_NAMES = [
    ("100% sure",),
    ('say "hello"',),
    ("back\\slash",),
    ("\\Noselect",),
    ("{5}",),
    ("<angle>; and ! more",),
]

SYSTEM = ["\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted"]
KEYWORDS = ["$Forwarded", "$MDNSent", "$Label1", "$label5", "NonJunk", "Junk",
            "Projekt-X", "todo", "client.0815"]
ZONES = ["+0000", "+0100", "+0200", "-0500", "-0800", "+0530", "+1245", "-0330", "+0300"]
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
PEOPLE = ["Alice Adler <alice@example.org>", "Bob Brand <bob@example.org>",
          "\"Dr. Carol, PhD\" <carol@example.net>", "dave@example.com",
          "=?utf-8?B?SsO8cmdlbiBNw7xsbGVy?= <juergen@example.org>",
          "=?iso-8859-1?Q?Ren=E9e_D=F6rr?= <renee@example.net>",
          "=?koi8-r?B?6dfBziDpIA==?= <ivan@example.com>",
          "Erin <erin@[192.0.2.7]>", "frank (the other one) <frank@example.org>"]
WORDS = ("the a of and to in is it that we you mail server archive meeting report please "
         "find attached invoice number week project thanks regards tomorrow change folder "
         "question answer because without before every message again order never").split()
FOREIGN = ("für über größer Straße Ärger señor garçon naïve œuvre русский текст письмо "
           "привет 日本語 の メール 漢字 Ελληνικά γράμμα 📎 ✓ —").split()

POOL = 1 << 21


class Text:
    """Pools to cut bodies from: making each anew would take minutes."""

    def __init__(self, seed):
        rnd = random.Random(f"text {seed}")
        self.plain = self.lines(rnd, WORDS, "ascii")
        self.utf8 = self.lines(rnd, WORDS + FOREIGN * 2, "utf-8")
        self.latin = self.lines(rnd, WORDS + FOREIGN[:9] * 2, "latin-1", "replace")
        self.qp = quopri.encodestring(
            self.utf8[:POOL // 2].replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
        # large, or the same octets meet too often and all compresses too well
        raw = rnd.randbytes(POOL * 6)
        self.b64 = re.sub(rb"(.{76})", rb"\1\r\n", base64.b64encode(raw), flags=re.S)

    @staticmethod
    def lines(rnd, words, charset, errors="strict"):
        out, size = [], 0
        while size < POOL // 2:
            line = " ".join(rnd.choices(words, k=rnd.randrange(4, 14)))
            if rnd.random() < 0.08:
                line = rnd.choice(["", "> ", ">From ", "From ", ".", "-- ", "--"]) + line[:60]
            if rnd.random() < 0.1:
                line = ""
            octets = line.encode(charset, errors)
            out.append(octets)
            size += len(octets) + 2
        return b"\r\n".join(out) + b"\r\n"

    def cut(self, rnd, pool, size):
        """About `size` octets of whole lines."""
        out = []
        while size > 0:
            start = rnd.randrange(0, len(pool) // 2)
            start = pool.index(b"\n", start) + 1
            piece = pool[start:start + size]
            piece = piece[:piece.rfind(b"\n") + 1] or pool[start:pool.index(b"\n", start) + 1]
            out.append(piece)
            size -= len(piece) + 40
        return b"".join(out)


def sizes(rnd, count, total):
    """`count` sizes, most of a few kB, about `total` octets together."""
    big = [9_000_000] if total >= 60_000_000 else []
    tail, room = [], total // 5
    while room > 100_000 and len(tail) < count // 50:
        size = min(2_000_000, int(rnd.paretovariate(1.1) * 100_000))
        if size > room:
            break
        tail.append(size)
        room -= size
    rest = count - len(big) - len(tail)
    left = max(total - sum(big) - sum(tail), rest * 700)
    body = [rnd.lognormvariate(0, 1.0) for _ in range(rest)]
    for _ in range(4):
        scale = left / sum(body)
        body = [min(max(size * scale, 700), 100_000) for size in body]
    out = big + tail + [int(size) for size in body]
    rnd.shuffle(out)
    return out


def spread(rnd, count, names, big):
    """How many messages each name gets."""
    out = dict.fromkeys(names, 0)
    if ("Archive",) in out and big:
        out["Archive",] = min(big, count)
        count -= out["Archive",]
    others = [n for n in names if n not in (("Archive",), ("Empty",))] or list(names)
    weight = [rnd.paretovariate(1.0) for _ in others]
    whole = sum(weight)
    for name, w in zip(others, weight):
        out[name] += int(count * w / whole)
    out[others[0]] += count - sum(int(count * w / whole) for w in weight)
    return out


def imap_date(rnd):
    # none in the future: Dovecot takes now for such
    year, month = rnd.randrange(1990, 2027), rnd.randrange(12)
    if year == 2026:
        month //= 3
    day = rnd.randrange(1, calendar.monthrange(year, month + 1)[1] + 1)
    return "%2d-%s-%d %02d:%02d:%02d %s" % (
        day, MONTHS[month], year, rnd.randrange(24), rnd.randrange(60), rnd.randrange(60),
        rnd.choice(ZONES))


def header_date(date):
    clock = date.strip()
    day, month, rest = clock.split("-", 2)
    year, hms, zone = rest.split(" ")
    name = DAYS[calendar.weekday(int(year), MONTHS.index(month) + 1, int(day))]
    return f"{name}, {int(day)} {month} {year} {hms} {zone}"


def subject(rnd, n):
    words = " ".join(rnd.choices(WORDS, k=rnd.randrange(1, 9)))
    kind = n % 9
    if kind == 0:
        text = words + " " + " ".join(rnd.choices(FOREIGN, k=4))
        return email.header.Header(text, "utf-8", maxlinelen=70).encode(linesep="\r\n").encode()
    if kind == 1:
        return (words + " " + rnd.choice(FOREIGN)).encode()         # raw UTF-8
    if kind == 2:
        return (words + " Gr\xfc\xdfe").encode("latin-1")
    if kind == 3:
        return b"Re: [list] " + b"\r\n\t".join(
            " ".join(rnd.choices(WORDS, k=9)).encode() for _ in range(rnd.randrange(2, 6)))
    if kind == 4 and n % 5 == 0:
        return b""
    return words.encode()


def head(rnd, n, date, msgid, extra):
    """The header, with what number `n` leaves out."""
    host = f"mx{rnd.randrange(9)}.example.org"
    lines = []
    for hop in range(rnd.randrange(0, 4)):
        lines.append(f"Received: from {host} ({host} [192.0.2.{rnd.randrange(255)}])\r\n"
                     f"\tby relay{hop}.example.net (Postfix) with ESMTPS id "
                     f"{rnd.getrandbits(40):010X}\r\n"
                     f"\tfor <alice@example.org>; {header_date(date)}".encode())
    lines.append(b"From: " + rnd.choice(PEOPLE).encode())
    lines.append(b"To: " + b",\r\n ".join(p.encode() for p in rnd.sample(PEOPLE, rnd.randrange(1, 5))))
    lines.append(b"Subject: " + subject(rnd, n))
    if n % 60 not in (22, 23):
        lines.append(b"Date: " + header_date(date).encode())
    if msgid and n % 60 not in (21, 23):
        lines.append(b"Message-ID:" + (b"\r\n " if n % 8 == 0 else b" ") + msgid)
    if n % 3 == 0:
        refs = [f"<{rnd.getrandbits(64):x}@example.net>" for _ in range(rnd.randrange(1, 25))]
        lines.append(b"References: " + "\r\n\t".join(refs).encode())
    if n % 7 == 0:
        lines.append(b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org;\r\n b="
                     + base64.b64encode(rnd.randbytes(120)))
    return b"\r\n".join(lines + extra) + b"\r\n\r\n"


def part(kind, encoding, body):
    return (b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: " + encoding
            + b"\r\n\r\n" + body)


def compose(rnd, text, n, size, date, msgid):
    """One message of about `size` octets."""
    mime = [b"MIME-Version: 1.0"]
    size = max(size - 700, 0)
    kind = n % 10
    if n % 71 == 3:
        return head(rnd, n, date, msgid, [])
    if size > 40_000 or kind < 2:
        mark = f"=_{rnd.getrandbits(48):012x}".encode()
        extra = mime + [b'Content-Type: multipart/mixed;\r\n\tboundary="' + mark + b'"']
        parts = [part(b"text/plain; charset=utf-8", b"8bit",
                      text.cut(rnd, text.utf8, min(size // 4, 3000))),
                 part(b'application/pdf;\r\n name="=?utf-8?q?B=C3=BCro=2Epdf?="', b"base64",
                      text.cut(rnd, text.b64, size - min(size // 4, 3000)))]
        body = b"".join(b"\r\n--" + mark + b"\r\n" + p for p in parts) + b"\r\n--" + mark + b"--\r\n"
        return head(rnd, n, date, msgid, extra) + b"This is MIME.\r\n" + body
    if kind < 5:
        mark = f"----alt{rnd.getrandbits(48):012x}".encode()
        extra = mime + [b"Content-Type: multipart/alternative; boundary=\"" + mark + b'"']
        qp = text.cut(rnd, text.qp, size // 3)
        html = (b"<html><body><p>" + text.cut(rnd, text.plain, size * 2 // 3).replace(
            b"\r\n\r\n", b"</p>\r\n<p>") + b"</p></body></html>\r\n")
        return (head(rnd, n, date, msgid, extra)
                + b"--" + mark + b"\r\n" + part(b"text/plain; charset=utf-8", b"quoted-printable", qp)
                + b"--" + mark + b"\r\n" + part(b"text/html; charset=us-ascii", b"7bit", html)
                + b"--" + mark + b"--\r\n")
    pool, charset, how = ((text.utf8, b"utf-8", b"8bit"), (text.latin, b"iso-8859-1", b"8bit"),
                          (text.qp, b"utf-8", b"quoted-printable"),
                          (text.plain, b"us-ascii", b"7bit"))[n % 4]
    body = text.cut(rnd, pool, size)
    if n % 83 == 1:                                         # a line far too long
        body += b"x" * rnd.choice([998, 999, 4000, 12000]) + b"\r\n"
    if n % 83 == 2:                                         # no end of its last line
        body = body[:-2]
    extra = mime + [b"Content-Type: text/plain; charset=" + charset,
                    b"Content-Transfer-Encoding: " + how]
    return head(rnd, n, date, msgid, extra) + body


def flags_of(rnd, n):
    flags = [f for f, p in zip(SYSTEM, (0.75, 0.2, 0.08, 0.02, 0.02)) if rnd.random() < p]
    if n % 5 == 0:
        flags += rnd.sample(KEYWORDS, rnd.randrange(1, 4))
    return flags


# What only a server that looks at nothing keeps as it is.
WILD = [
    b"Subject: bare LF\nFrom: a@example.org\n\none\ntwo\n",
    b"Subject: mixed\r\nFrom: a@example.org\n\r\none\r\ntwo\n",
    b"Subject: bare CR\r\n\r\none\rtwo\r\n",
    b"no header at all, and no line end",
    b"From alice@example.org Mon Jan  1 00:00:00 2001\r\nSubject: mbox line\r\n\r\nbody\r\n",
    b"\r\nonly a body\r\n",
    b"x",
    b"\r\n",
    b": no name\r\n : folded nothing\r\nSubject\r\n\r\nbody\r\n",
    b"Subject: header only, no empty line\r\n",
    b"Subject: \xff\xfe\x80 octets\r\n\r\n" + bytes(c for c in range(1, 256) if c not in (10, 13)),
    b"Message-ID: <a@example.org>\r\nMessage-ID: <b@example.org>\r\nSubject: two ids\r\n\r\nx\r\n",
    b"Message-ID: " + b"<" + b"i" * 5000 + b"@example.org>\r\n\r\nlong id\r\n",
    b"Subject: " + b"s" * 70000 + b"\r\n\r\nlong header\r\n",
    b"Subject: deep\r\n" + b"".join(b"X-%d: v\r\n" % n for n in range(3000)) + b"\r\nbody\r\n",
]


def names(mailboxes, wild=False):
    """That many mailbox names, as tuples of components."""
    some = NAMES[:mailboxes]
    some += [("More", f"Box {n:03d}") for n in range(mailboxes - len(some))]
    return some + (WILD_NAMES if wild else [])


def mail(count=20000, bytes=250_000_000, mailboxes=40, big=10000, seed=1, wild=False):
    """Every message, mailbox by mailbox.

    Among them, by number: the same octets twice in a mailbox, the same in two
    mailboxes, one Message-ID with two bodies, none, no Date, no body.
    """
    rnd = random.Random(seed)
    text = Text(seed)
    boxes = names(mailboxes, wild)
    wanted = iter(sizes(rnd, count, bytes))
    elsewhere = []                      # messages to be met again in other mailboxes
    n = 0
    for mailbox, many in spread(rnd, count, boxes, big).items():
        last = lastid = None
        for _ in range(many):
            n += 1
            size = next(wanted)
            date, flags = imap_date(rnd), flags_of(rnd, n)
            if n % 50 == 7 and last:
                octets = last
            elif n % 50 == 13 and elsewhere:
                octets = rnd.choice(elsewhere)
            else:
                msgid = b"<%d.%x@example.org>" % (n, rnd.getrandbits(64))
                if n % 97 == 5 and lastid:
                    msgid = lastid
                octets = compose(rnd, text, n, size, date, msgid)
                lastid = msgid
                if len(octets) < 100_000:
                    last = octets
                    if n % 29 == 0:
                        elsewhere = elsewhere[-50:] + [octets]
            yield Message(mailbox, flags, date, octets)
        if wild and mailbox == ("INBOX",):
            for octets in WILD:
                yield Message(mailbox, [], imap_date(rnd), octets)
