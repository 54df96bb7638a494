"""What learning costs, beside a bare sa-learn over the same real mail: learn.py BUILD_DIR CORPUS [--short]

Pairs are run in turn, each with a Bayes store of its own, and what counts is the ratio of their medians: absolute
times mean little. --short takes every tenth message, so that starts weigh more than they should."""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BUILD, CORPUS = sys.argv[1], sys.argv[2]
SHORT = "--short" in sys.argv[3:]
UID, NOBODY = 2001, 65534
rows = []


def row(what, goal, measured, good):
    rows.append((what, goal, measured, "ok" if good else "OVER"))
    print(".", end="", flush=True, file=sys.stderr)


class Bench:
    def __init__(self, top):
        self.top = top
        self.mail = f"{top}/domains/example.com"
        self.box = f"{self.mail}/u/Maildir"
        self.usage = f"{top}/usage"
        self.site, self.bayes = f"{top}/site", f"{top}/bayes"
        for path in (f"{top}/qmail/users", f"{top}/state", self.site, self.bayes, self.mail):
            os.makedirs(path)
        os.chmod(top, 0o755)
        os.chmod(f"{top}/state", 0o711)
        os.chown(self.bayes, NOBODY, NOBODY)
        with open(f"{self.site}/local.cf", "w", encoding="ascii") as conf:
            conf.write("loadplugin Mail::SpamAssassin::Plugin::Bayes\nuse_bayes 1\nbayes_auto_learn 0\n"
                       "bayes_auto_expire 0\n"  # which comes when it likes, to one of a pair
                       f"bayes_path {self.bayes}/b\n")
        with open(f"{top}/sa-learn", "w", encoding="ascii") as wrapper:  # writes down what sa-learn itself took
            wrapper.write(f'#!/bin/sh\nsa-learn --siteconfigpath={self.site} --local "$@"\ncode=$?\n'
                          f'times >>{self.usage}\nexit $code\n')  # two lines: its own, and its children's
        os.chmod(f"{top}/sa-learn", 0o755)
        with open(f"{self.mail}/vpasswd", "w", encoding="ascii") as users:
            users.write(f"u:*:1:0:u:{self.mail}/u:NOQUOTA\n")
        with open(f"{top}/qmail/users/assign", "w", encoding="ascii") as assign:
            assign.write(f"+example.com-:example.com:{UID}:{UID}:{self.mail}:-::\n.\n")
        with open(f"{top}/conf", "w", encoding="ascii") as conf:
            conf.write(f'hostname = "bench" state_dir = "{top}/state" qmail {{ dir = "{top}/qmail" }}\n'
                       f'mailboxes {{ vpopmail = "{top}" }}\n'
                       f'learn "x" {{ run = {{"{top}/sa-learn"}} user = "nobody" ham_age = "0s" rate = 0 max_load = never\n'
                       'max_per_mailbox = 100000 max_size = "64M" first = all }\n')
        os.chmod(f"{top}/conf", 0o644)
        self.files = {}
        for kind, folder in (("spam", f"{self.box}/.Spam"), ("ham", self.box)):
            for part in ("cur", "new", "tmp"):
                os.makedirs(f"{folder}/{part}")
            names = sorted(os.listdir(f"{CORPUS}/{kind}"))[:: 10 if SHORT else 1]
            self.files[kind] = [f"{CORPUS}/{kind}/{name}" for name in names]
            with open(f"{top}/{kind}", "w", encoding="utf-8") as listed:
                listed.write("\n".join(self.files[kind]) + "\n")
            for i, name in enumerate(self.files[kind]):
                shutil.copyfile(name, f"{folder}/cur/{i}.{kind}.bench:2,S")
        self.own()

    def own(self):
        for where, _, names in os.walk(self.mail):
            for name in (where, *(f"{where}/{n}" for n in names)):
                os.chown(name, UID, UID)

    def forget(self):
        for name in os.listdir(self.bayes):
            os.unlink(f"{self.bayes}/{name}")

    def spent(self):
        """CPU seconds of sa-learn since the last time, and how often it was started."""
        seconds, starts = 0.0, 0
        if os.path.exists(self.usage):
            with open(self.usage, encoding="ascii") as usage:
                for line in list(usage)[1::2]:
                    starts += 1
                    for minutes, rest in re.findall(r"(\d+)m([\d.]+)s", line):
                        seconds += 60 * int(minutes) + float(rest)
        with open(self.usage, "w", encoding="ascii"):
            os.chmod(self.usage, 0o666)
        return seconds, starts

    def bare(self, lists=("spam", "ham")):
        """As anybody would: a list of files for each class, with the same niceness."""
        began = time.monotonic()
        for kind in lists:
            subprocess.run(["nice", "-n", "19", f"{self.top}/sa-learn", "--max-size=0", f"--{kind}", "-f", f"{self.top}/{kind}"],
                           check=True, capture_output=True, user=NOBODY, group=NOBODY, extra_groups=[])
        return time.monotonic() - began

    def run(self):
        """Seconds, CPU seconds of all, and what it said."""
        began = time.monotonic()
        process = subprocess.Popen([f"{BUILD}/task-run", f"{self.top}/conf", "learn.x", f"{self.top}/memory"],
                                   stdout=subprocess.PIPE, text=True)
        said = process.stdout.read()
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        return time.monotonic() - began, used.ru_utime + used.ru_stime, said


def main(top):
    bench = Bench(top)
    count = sum(len(files) for files in bench.files.values())
    bench.spent()
    pairs, own = [], []
    for _ in range(1 if SHORT else 2):
        bench.forget()
        theirs = bench.bare()
        bench.spent()
        bench.forget()
        shutil.rmtree(f"{top}/state/index", ignore_errors=True)
        ours, cpu, said = bench.run()
        sa_cpu, starts = bench.spent()
        if f"offered={count} " not in said:
            raise RuntimeError(said)
        pairs.append((ours, theirs))
        own.append((cpu - sa_cpu) / sa_cpu)
    ours, theirs = (statistics.median(p[i] for p in pairs) for i in (0, 1))
    row(f"{count} messages, beside a bare sa-learn", "<= 1.05", f"{ours:.1f} s / {theirs:.1f} s = {ours / theirs:.3f}",
        ours / theirs <= 1.05)
    row("our own CPU, of what sa-learn takes", "< 2 %", f"{100 * statistics.median(own):.2f} % ({starts} starts of it)",
        statistics.median(own) < 0.02)
    time.sleep(3)  # what was written a moment ago is not trusted by the index
    bench.run()
    times = [bench.run() for _ in range(10)]
    _, starts = bench.spent()
    if any("offered=0 " not in said or "folders=0 " not in said for _, _, said in times):
        raise RuntimeError(times[0][2])
    second = statistics.median(t[0] for t in times)
    row("again, with nothing new", "< 0.1 s, no start", f"{second:.3f} s, {starts} starts", second < 0.1 and starts == 0)
    for i, name in enumerate(bench.files["spam"][:10]):
        with open(name, "rb") as file, open(f"{bench.box}/.Spam/cur/{i}.more.bench:2,S", "wb") as more:
            more.write(b"X-Another: yes\n" + file.read() + b"\nand one word more\n")
    with open(f"{top}/spam", "w", encoding="utf-8") as listed:
        listed.write("\n".join(bench.files["spam"][:10]) + "\n")
    bench.own()
    ours, cpu, said = bench.run()
    if "offered=10 " not in said:
        raise RuntimeError(said)
    theirs = bench.bare(("spam",))
    row("10 messages more, beside a bare sa-learn of 10", "10 offered", f"{ours:.2f} s / {theirs:.2f} s",
        "offered=10 " in said)
    print(file=sys.stderr)
    width = [max(len(r[i]) for r in rows) for i in range(4)]
    for r in rows:
        print("  ".join(text.ljust(size) for text, size in zip(r, width)).rstrip())


with tempfile.TemporaryDirectory(prefix="toaster-learn.", dir="/tmp") as directory:
    main(directory)
