"""How long the admin waits for each verb of toasterctl that only reads: hand.py BUILD_DIR [--short]

On a small toaster: a daemon with 40 jobs, 10 services under a real svscan, 200 mailboxes. The verbs run in turn, round
by round, beside the start of the program alone, so that a busy moment falls on all of them; what counts is the median
from start to end. The goals: 50 ms each, 20 ms for the import of a whole old configuration."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = sys.argv[1]
ROUNDS = 20 if "--short" in sys.argv[2:] else 100
CTL = f"{BUILD}/bin/toasterctl"
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden/import")
MAIL_UID, SERVICES, BOXES, FILES = 2001, 10, 200, 20
LIMIT_S = 60  # there to fail, not to measure

CONF = """postmaster = "postmaster@example.com"
hostname = "mail.example.com"
state_dir = "{top}/state"
control = "{top}/control"
qmail {{ service = "{top}/service" supervise = "{top}/supervise" log = "{top}/log" }}
alert {{ via = {{"maildir:{top}/mail/u0/Maildir"}} }}
mailboxes {{ glob = {{"{top}/mail/%u/Maildir"}} }}
expire "nightly" {{ trash = "14d" spam = "14d" every = "1d" }}
service "*" {{ }}
process "svscan" {{ }}
file "missing" {{ path = "{top}/missing" }}
"""


def write(path, text, mode=0o644):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, mode)


def wait_for(what, true):
    end = time.monotonic() + LIMIT_S
    while not true():
        if time.monotonic() > end:
            sys.exit(f"waited {LIMIT_S} s for: {what}")
        time.sleep(0.1)


def make(top):
    os.chmod(top, 0o755)
    for part in ("service", "supervise", "log"):
        os.mkdir(f"{top}/{part}")
    for i in range(SERVICES):
        os.makedirs(f"{top}/staging{i}/log")
        write(f"{top}/staging{i}/run", "#!/bin/sh\nexec sleep 100000\n", 0o755)
        write(f"{top}/staging{i}/log/run", f"#!/bin/sh\nexec multilog t {top}/log/s{i}\n", 0o755)
        os.chmod(f"{top}/staging{i}", 0o1755)
        os.mkdir(f"{top}/log/s{i}")
        os.rename(f"{top}/staging{i}", f"{top}/service/s{i}")
    for i in range(BOXES):
        for folder in ("", "/.Trash", "/.Spam", "/.Sent"):
            for part in ("cur", "new", "tmp"):
                os.makedirs(f"{top}/mail/u{i}/Maildir{folder}/{part}")
        write(f"{top}/mail/u{i}/Maildir/cur/1700000000.M{i}.mx:2,S", "Subject: x\n\nx\n")
    subprocess.run(["chown", "-R", f"{MAIL_UID}:{MAIL_UID}", f"{top}/mail"], check=True)
    files = "".join(f'file "f{i}" {{ path = "/etc/passwd" }}\n' for i in range(FILES))
    write(f"{top}/conf", CONF.format(top=top) + files)
    shutil.copy(f"{GOLDEN}/dist-5.54.conf", f"{top}/old.conf")
    os.chmod(f"{top}/old.conf", 0o600)


def run(*arguments, allowed=(0, 1)):
    done = subprocess.run([CTL, *arguments], capture_output=True, check=False)
    if done.returncode not in allowed or not done.stdout:
        sys.exit(f"toasterctl {' '.join(arguments)} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


def measure(top):
    conf = ("-c", f"{top}/conf")
    verbs = {"--version": (("--version",), None)}
    for verb in ("status", "status --json", "incidents", "incidents --all", "silence", "config", "mailboxes",
                 "explain u7@mail.example.com", "run --dry-run expire.nightly u7@mail.example.com", "paths",
                 "service list", "service test", "check file.missing", "help", "help service"):
        verbs[verb] = ((*conf, *verb.split()), 50)
    for line in ("", "check file.f", "service up ", "ack "):
        words = ["-c", f"{top}/conf", *line.split(" ")]
        verbs[f"complete, behind \"{line}\""] = (("complete", "--", *words), 50)
    verbs["init, a look at this machine"] = (("init",), 50)
    verbs["import of a whole old configuration"] = (("import", f"{top}/old.conf"), 20)
    took = {name: [] for name in verbs}
    for _ in range(ROUNDS):
        for name, (arguments, _) in verbs.items():
            began = time.monotonic()
            run(*arguments)
            took[name].append((time.monotonic() - began) * 1000)
        print(".", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    print(f"toasterctl, from start to end, median of {ROUNDS}")
    for name, (_, goal) in verbs.items():
        ms = statistics.median(took[name])
        good = goal is None or ms < goal
        print(f"{name:52}  {f'< {goal} ms' if goal else 'the floor':>9}  {ms:6.1f} ms  {'ok' if good else 'OVER'}")


def main(top):
    make(top)
    started = []
    try:
        started.append(subprocess.Popen(["svscan", "."], cwd=f"{top}/service", stderr=subprocess.DEVNULL))
        wait_for("the services", lambda: run("-c", f"{top}/conf", "service", "list").count(" up ") >= 2 * SERVICES)
        with open(f"{top}/daemon.log", "wb") as log:
            started.append(subprocess.Popen([f"{BUILD}/bin/toaster-watcher", "-c", f"{top}/conf"], stderr=log))
        wait_for("the daemon", lambda: os.path.exists(f"{top}/control"))
        wait_for("an incident", lambda: "file.missing" in run("-c", f"{top}/conf", "incidents"))
        run("-c", f"{top}/conf", "silence", "file.missing", "1h")
        time.sleep(3)  # `service test` looks again at what has just come up
        measure(top)
    finally:
        for program in started[::-1]:
            program.terminate()
            program.wait()
        for name in os.listdir(f"{top}/service"):
            subprocess.run(["svc", "-dx", f"{top}/service/{name}", f"{top}/service/{name}/log"], check=False)


with tempfile.TemporaryDirectory(prefix="toaster-hand.", dir="/tmp", ignore_cleanup_errors=True) as directory:
    main(directory)
