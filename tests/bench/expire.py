"""What cleaning costs, beside find(1) over the same store: expire.py BUILD_DIR [--short|--huge]

Pairs are run in turn, caches warm, and what counts is the ratio of their medians: absolute times mean
little. Stores have MAILBOXES x 4 folders x 75 messages. --huge is 10 million messages (half an hour, and
as many inodes), for the first two rows and memory alone."""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = sys.argv[1]
SHORT = "--short" in sys.argv[2:]
HUGE = "--huge" in sys.argv[2:]
UID = 2001
FOLDERS = ("", "/.Spam", "/.Trash", "/.Sent")
MESSAGES = 75
DAY = 86400

rows = []


def row(what, goal, measured, good):
    rows.append((what, goal, measured, "ok" if good else "OVER"))
    print(".", end="", flush=True, file=sys.stderr)


class Store:
    """A vpopmail store of one domain; each due_every-th message is 400 days old, all others 2."""

    def __init__(self, top, name, mailboxes, due_every=0, messages=MESSAGES):
        self.top = f"{top}/{name}"
        self.mail = f"{self.top}/domains/example.com"
        self.conf = f"{self.top}/conf"
        self.memory = f"{self.top}/memory"
        now = time.time()
        count = 0
        os.makedirs(self.mail)
        with open(f"{self.mail}/vpasswd", "w", encoding="ascii") as users:
            for i in range(mailboxes):
                users.write(f"u{i}:*:1:0:u{i}:{self.mail}/u{i}:NOQUOTA\n")
                for folder in FOLDERS:
                    base = f"{self.mail}/u{i}/Maildir{folder}"
                    for part in ("cur", "new", "tmp"):
                        os.makedirs(f"{base}/{part}")
                    for _ in range(messages):
                        count += 1
                        path = f"{base}/cur/{int(now)}.M{count}P1.host,S=2345:2,S"
                        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
                        old = due_every and count % due_every == 0
                        when = now - DAY * (400 if old else 2)
                        os.utime(path, (when, when))
                        os.chown(path, UID, UID)
        for where, _, _ in os.walk(self.mail):
            os.chown(where, UID, UID)
        os.makedirs(f"{self.top}/qmail/users")
        with open(f"{self.top}/qmail/users/assign", "w", encoding="ascii") as assign:
            assign.write(f"+example.com-:example.com:{UID}:{UID}:{self.mail}:-::\n.\n")
        os.mkdir(f"{self.top}/state")
        os.chmod(f"{self.top}/state", 0o711)
        self.configure()

    def configure(self, more=""):
        with open(self.conf, "w", encoding="ascii") as conf:
            conf.write(f"""
hostname = "mail.example.com"
state_dir = "{self.top}/state"
qmail {{ dir = "{self.top}/qmail" }}
mailboxes {{ vpopmail = "{self.top}" }}
expire "x" {{
    age = received  fuse = never  tmp = "36h"  {more}
    read = "365d"  unread = "365d"  sent = "365d"  trash = "365d"  spam = "365d"
}}
""")
        os.chmod(self.conf, 0o644)

    def forget(self):
        shutil.rmtree(f"{self.top}/state/index", ignore_errors=True)

    def run(self, *arguments, **how):
        argv = [f"{BUILD}/task-run", self.conf, "expire.x", self.memory, *arguments]
        return timed(argv, **how)

    def confirm(self):
        """The rules are asked about, and confirmed, without a removal."""
        old = int(time.time()) - 900 * DAY
        self.run(f"now={old}")
        self.run(f"now={old}", "confirm")
        self.forget()
        with open(self.memory, encoding="utf-8") as memory:
            kept = [line for line in memory if not line.startswith("clocks ")]
        with open(self.memory, "w", encoding="utf-8") as memory:
            memory.writelines(kept)

    def find(self, *more):
        return timed(["find", self.mail, "-type", "f", "-mtime", "+365", *more])

    def messages(self):
        said = subprocess.run(["find", self.mail, "-type", "f", "-name", "*M*"], check=True, capture_output=True)
        return said.stdout.count(b"\n")


def timed(argv, **how):
    """Seconds, the greatest resident size of the one that walks in kB, and what it said."""
    began = time.monotonic()
    said = subprocess.run(argv, check=True, capture_output=True, text=True, **how).stdout
    took = time.monotonic() - began
    memory = re.search(r"memory of the child: (\d+) kB", said)
    return took, int(memory[1]) if memory else 0, said


def ratio_of(ours, theirs, rounds):
    """Medians of both, run in turn."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def settle():
    time.sleep(3)  # what was written a moment ago is not trusted by the index


def first(store):
    store.forget()
    return store.run()[0]


def nothing_due(store, rounds):
    store.confirm()
    store.find()
    ours, theirs = ratio_of(lambda: first(store), lambda: store.find()[0], rounds)
    row("first pass, no index, beside find -mtime", "<= 1", f"{ours:.3f} s / {theirs:.3f} s = {ours / theirs:.2f}",
        ours <= theirs)
    settle()
    first(store)
    said = store.run()[2]
    if "folders=0 " not in said:
        raise RuntimeError(f"folders were looked at again: {said}")
    ours, theirs = ratio_of(lambda: store.run()[0], lambda: store.find()[0], 3 * rounds)
    row("nothing due, index warm, beside find -mtime", "<= 1/15",
        f"{ours:.3f} s / {theirs:.3f} s = 1/{theirs / ours:.1f}", theirs / ours >= 15)


def a_tenth_is_due(top, mailboxes, rounds):
    pairs = []
    for i in range(rounds):
        one = Store(top, f"a{i}", mailboxes, due_every=10)
        other = Store(top, f"b{i}", mailboxes, due_every=10)
        one.confirm()
        one.find(), other.find()
        pairs.append((one.run()[0], other.find("-delete")[0]))
        if one.messages() != other.messages():
            raise RuntimeError("not the same is left")
        shutil.rmtree(one.top)
        shutil.rmtree(other.top)
    ours, theirs = (statistics.median(p[k] for p in pairs) for k in (0, 1))
    row("a tenth is due, beside find -delete", "<= 1", f"{ours:.3f} s / {theirs:.3f} s = {ours / theirs:.2f}",
        ours <= theirs)


def ten_times(small, large, rounds):
    for store in (small, large):
        store.confirm()
        first(store)
    settle()
    figures = []
    for store in (small, large):
        first(store)
        runs = [store.run() for _ in range(3 * rounds)]
        figures.append((statistics.median(r[0] for r in runs), max(r[1] for r in runs)))
    (s_time, s_kb), (l_time, l_kb) = figures
    row("ten times the store, nothing due: time", "<= 10", f"{l_time:.4f} s / {s_time:.4f} s = {l_time / s_time:.1f}",
        l_time <= 10 * s_time)
    row("  memory (of the process that walks, at most)", "+- 20 %, <= 32 MB", f"{l_kb} kB / {s_kb} kB = {l_kb / s_kb:.2f}",
        l_kb <= 1.2 * s_kb and l_kb <= 32768)


def slow_store(top, mailboxes):
    store = Store(top, "slow", mailboxes, messages=25)
    store.confirm()
    times = []
    for parallel in (1, 32):
        store.configure(f"parallel = {parallel}")
        store.forget()
        times.append(store.run(env=dict(os.environ, LD_PRELOAD=f"{BUILD}/slowfs.so"))[0])
    row("a millisecond more for each call: parallel = 32 beside 1", ">= 20",
        f"{times[0]:.1f} s / {times[1]:.2f} s = {times[0] / times[1]:.1f}", times[0] / times[1] >= 20)


def huge(top):
    store = Store(top, "huge", 33334)
    store.confirm()
    print(f"first pass: {store.run()}", file=sys.stderr)
    settle()
    store.forget()
    store.run()
    ours = store.run()
    theirs = store.find()
    row("10 million messages, nothing due, beside find", "<= 1/15",
        f"{ours[0]:.2f} s / {theirs[0]:.2f} s = 1/{theirs[0] / ours[0]:.1f}", theirs[0] / ours[0] >= 15)
    row("  memory (of the process that walks, at most)", "<= 32 MB", f"{ours[1]} kB", ours[1] <= 32768)


def main():
    top = tempfile.mkdtemp(prefix="twb.")
    os.chmod(top, 0o755)
    rounds, mailboxes = (1, 200) if SHORT else (3, 1000)
    try:
        if HUGE:
            huge(top)
        else:
            large = Store(top, "large", mailboxes)
            nothing_due(large, rounds)
            ten_times(Store(top, "small", mailboxes // 10), large, rounds)
            a_tenth_is_due(top, mailboxes, rounds)
            slow_store(top, 64 if SHORT else 200)
    finally:
        shutil.rmtree(top)
    print(file=sys.stderr)
    width = [max(len(line[i]) for line in rows) for i in range(3)]
    for what, goal, measured, verdict in rows:
        print(f"{what:{width[0]}}  {goal:{width[1]}}  {measured:{width[2]}}  {verdict}")


main()
