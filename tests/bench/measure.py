# SPDX-License-Identifier: ISC
"""Run a command, or a pipeline, and measure it: wall clock, CPU, memory.

Knows nothing of mail or of who is measured.  As a program:

    python3 measure.py OUT COMMAND ...      # seconds, seconds and octets to OUT
"""

import collections
import os
import subprocess
import sys
import threading
import time

EVERY = 0.010       # seconds between two looks at the memory

# wall, cpu: seconds; anon: the most RssAnon of any one process, in octets,
# as seen every 10 ms
Sample = collections.namedtuple("Sample", "wall cpu anon")


class Failed(Exception):
    """A command that was measured ended with a status that is not 0."""


def rss_anon(pid):
    """Of a process that may have gone: octets."""
    try:
        with open(f"/proc/{pid}/status", "rb") as f:
            for line in f:
                if line.startswith(b"RssAnon:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


class Watch(threading.Thread):
    """Looks at processes until told to stop; peak is the largest seen."""

    def __init__(self, pids):
        super().__init__(daemon=True)
        self.pids, self.peak, self.ended = pids, 0, threading.Event()

    def run(self):
        due = time.monotonic()
        while True:
            self.peak = max([self.peak, *map(rss_anon, self.pids)])
            due = max(due + EVERY, time.monotonic())
            if self.ended.wait(due - time.monotonic()):
                return

    def stop(self):
        self.ended.set()
        self.join()
        return self.peak


def start(pipeline, beside, log, env):
    """Processes, each reading what the one before writes."""
    procs = [subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
             for argv in beside]
    before = None
    for n, argv in enumerate(pipeline):
        last = n == len(pipeline) - 1
        proc = subprocess.Popen(argv, env=env, stderr=log,
                                stdin=before.stdout if before else subprocess.DEVNULL,
                                stdout=log if last else subprocess.PIPE)
        if before:
            before.stdout.close()
        before = proc
        procs.append(proc)
    return procs


def run(pipeline, log=None, env=None, beside=()):
    """Run argvs; what they say on stderr, and the last one's stdout, goes to log."""
    os.sync()   # what others left to write is not for these to wait for
    began = time.perf_counter()
    procs = start(pipeline, beside, log, env)
    watch = Watch([p.pid for p in procs])
    watch.start()
    cpu = 0.0
    try:
        for proc in procs:
            _, status, usage = os.wait4(proc.pid, 0)
            proc.returncode = os.waitstatus_to_exitcode(status)
            cpu += usage.ru_utime + usage.ru_stime
        wall = time.perf_counter() - began
    finally:
        anon = watch.stop()
        for proc in procs:
            if proc.returncode is None:
                proc.terminate()
    sample = Sample(wall, cpu, anon)
    for proc in procs:
        if proc.returncode != 0:
            raise Failed(f"{' '.join(proc.args)}: exit status {proc.returncode}")
    return sample


def main():
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        print(*run([sys.argv[2:]]), file=out)


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(f"measure: {failed}")
