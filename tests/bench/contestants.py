# SPDX-License-Identifier: ISC
"""Those who are measured: how each does a work, and how to see that it did all.

A contestant has, for each work that it can do, a method that returns the
pipeline to run, and one that says how many messages are then where they
should be.  It is made anew for each round, with a directory of its own and an
empty account to load into.
"""

import os
import re
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FILL = os.path.join(TOP, "tests/mail/fill")


class Account:
    """One user of a server of tests/servers."""

    def __init__(self, server, user):
        self.server, self.user = server, user
        self.password = os.path.join(server, user + ".pw")
        with open(os.path.join(server, "env"), encoding="utf-8") as f:
            env = dict(line.rstrip("\n").split("=", 1) for line in f)
        self.host, self.port, self.ca = env["HOST"], env["TLS_PORT"], env["CA"]

    def count(self):
        return int(subprocess.check_output(
            [FILL, "count", "--server", self.server, "--as", self.user, "--total"]))


class Contestant:
    """Reads `source`, keeps what it wants in `home`, loads into `empty`.

    `bin` has the programs that were built here, `mail` what generate wrote.
    """

    beside = ()     # argvs that run at the same time, outside the pipeline

    def __init__(self, home, source, empty, bin_, mail):
        self.home, self.source, self.empty = home, source, empty
        self.bin, self.mail, self.log = bin_, mail, os.path.join(home, "log")
        os.makedirs(home)

    def path(self, name):
        return os.path.join(self.home, name)

    def said(self, pattern):
        """A number in what the last command said."""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            found = re.findall(pattern, f.read())
        if not found:
            raise ValueError(f"{self.log}: no {pattern}")
        return int(found[-1])

    def loaded(self):
        return self.empty.count()

    reloaded = loaded


class Mx(Contestant):
    title = "mx"

    def net(self, account):
        return ["--ca-file", account.ca, "--password-file", account.password]

    def url(self, account):
        return f"imaps://{account.user}@{account.host}:{account.port}"

    def tool(self, name):
        return os.path.join(self.bin, "bin", name)

    def dump(self):
        return [[self.tool("mx-dump"), *self.net(self.source), self.url(self.source),
                 self.path("a.mx")]]

    def dumped(self):
        listing = subprocess.run([self.tool("mx-ls"), self.path("a.mx")], check=True,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return int(re.findall(rb"(\d+) messages", listing.stderr)[-1])

    redump = dump

    def redumped(self):
        if self.said(r"(\d+) dumped") != 0:
            raise ValueError("mx-dump dumped again what it had")
        return self.dumped()

    def load(self):
        return [[self.tool("mx-load"), *self.net(self.empty), self.path("a.mx"),
                 self.url(self.empty)]]

    reload = load

    def reloaded(self):
        if self.said(r"(\d+) loaded") != 0:
            raise ValueError("mx-load loaded again what was there")
        return self.loaded()


class Mbsync(Contestant):
    """isync, into a Maildir.  CopyArrivalDate, since mx keeps dates as well."""

    title = "mbsync"
    settings = ""

    def __init__(self, *args):
        super().__init__(*args)
        for name in ("md", "state-pull", "state-push"):
            os.mkdir(self.path(name))
        with open(self.path("rc"), "w", encoding="utf-8") as f:
            f.write(self.config())

    def store(self, name, account):
        return f"""
IMAPAccount {name}
Host {account.host}
Port {account.port}
User {account.user}
PassCmd "cat {account.password}"
SSLType IMAPS
SystemCertificates no
CertificateFile {account.ca}

IMAPStore {name}
Account {name}
"""

    def channel(self, name, far, direction):
        return f"""
Channel {direction}
Far :{name}:
Near :near:
Patterns *
Sync {direction}
Create {far}
CopyArrivalDate yes
SyncState {self.path("state-" + direction.lower())}/
"""

    def config(self):
        return (self.settings + self.store("source", self.source)
                + self.store("empty", self.empty) + f"""
MaildirStore near
Path {self.path("md")}/
Inbox {self.path("md")}/INBOX
SubFolders Verbatim
""" + self.channel("source", "Near", "Pull") + self.channel("empty", "Far", "Push"))

    def dump(self):
        return [["mbsync", "-q", "-c", self.path("rc"), "Pull"]]

    def dumped(self):
        return sum(len([f for f in files if not f.startswith(".")])
                   for at, _, files in os.walk(self.path("md"))
                   if os.path.basename(at) in ("cur", "new"))

    redump, redumped = dump, dumped

    def load(self):
        return [["mbsync", "-q", "-c", self.path("rc"), "Push"]]

    reload = load


class MbsyncNoFsync(Mbsync):
    title = "mbsync, FSync no"
    settings = "FSync no\n"


class Raw(Contestant):
    """The limit of a dump: all bodies fetched, pipelined, and thrown away."""

    title = "raw FETCH"
    options = ()

    def fetch(self):
        s = self.source
        return [os.path.join(self.bin, "tests/bench/raw"), *self.options, s.host, s.port, s.ca,
                s.user, s.password]

    def dump(self):
        return [self.fetch()]

    def dumped(self):
        return self.said(r"raw: (\d+) messages")


class RawKept(Raw):
    """The same, compressed and hashed into a file as an archive is."""

    title = "raw FETCH, zstd -3, sha256sum"
    options = ("-w",)

    def __init__(self, *args):
        super().__init__(*args)
        self.beside = [["sha256sum", self.path("fifo")]]

    def dump(self):
        if not os.path.exists(self.path("fifo")):
            os.mkfifo(self.path("fifo"))
        return [self.fetch(), ["tee", self.path("fifo")],
                ["zstd", "-q", "-3", "-o", self.path("octets.zst")]]


class Append(Contestant):
    """The limit of a load: the same mail appended, message by message, pipelined."""

    title = "raw APPEND"

    def load(self):
        return [[os.path.join(TOP, "tests/bench/append"), self.empty.server, self.empty.user,
                 self.mail]]


class MultiAppend(Contestant):
    """The same with up to 500 messages in one command, as tests/mail/fill does it."""

    title = "raw MULTIAPPEND"

    def load(self):
        return [[FILL, "load", "--server", self.empty.server, "--as", self.empty.user, self.mail]]
