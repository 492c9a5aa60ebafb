# SPDX-License-Identifier: ISC
# terminal.py COLUMNS COMMAND...: run it on a terminal of its own and print,
# line by line, what it drew there.  $TYPED is typed at the first "Password".
import fcntl, os, pty, struct, sys, termios

pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
typed = os.environ.get("TYPED")
drawn = b""
while True:
    try:
        some = os.read(fd, 65536)
    except OSError:
        break
    if not some:
        break
    drawn += some
    if typed is not None and b"Password" in drawn and drawn.endswith(b": "):
        os.write(fd, typed.encode() + b"\n")
        typed = None
for line in drawn.decode().replace("\x1b[K", "").replace("\n", "\r").split("\r"):
    print(line)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
