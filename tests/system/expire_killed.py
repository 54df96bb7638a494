"""Kills runs of task-run at random moments: expire_killed.py RUN CONF MEMORY MAIL UID ROUNDS. Before each
round there are messages that are due; after each, all that are not must be there."""

import os
import random
import signal
import subprocess
import sys
import time

from mailstore import killable, slow

RUN, CONF, MEMORY, MAIL, UID, ROUNDS = sys.argv[1:5] + [int(a) for a in sys.argv[5:7]]
USERS, FOLDERS, KEPT, DUE = 8, ("", "/.Trash", "/.Archive"), 12, 400
made = 0


def put(path, days):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    when = time.time() - days * 86400
    os.utime(path, (when, when))
    os.chown(path, UID, UID)


def begin():
    with open(f"{MAIL}/vpasswd", "w", encoding="ascii") as vpasswd:
        for u in range(USERS):
            vpasswd.write(f"u{u}:x:1:0:u:{MAIL}/u{u}:NOQUOTA\n")
            for folder in FOLDERS:
                base = f"{MAIL}/u{u}/Maildir{folder}"
                for part in ("cur", "new", "tmp"):
                    os.makedirs(f"{base}/{part}")
                for i in range(KEPT):
                    put(f"{base}/new/{i}.not.host", 100 if folder == "/.Archive" else i % 13)
    for where, _, _ in os.walk(MAIL):
        os.chown(where, UID, UID)


def refill(due):
    """So that there is always something to remove."""
    global made
    for _ in range(max(0, DUE - due)):
        made += 1
        put(f"{MAIL}/u{made % USERS}/Maildir{FOLDERS[made % 2]}/new/{made}.due.host", 100)


def count():
    names = [name for _, _, files in os.walk(MAIL) for name in files]
    return (sum(".due." in name for name in names), sum(".not." in name for name in names))


def start(*arguments):
    return subprocess.Popen([RUN, CONF, "expire.x", MEMORY, *arguments], stdout=subprocess.DEVNULL,
                            start_new_session=True, env=killable(slow(RUN, 200)))


def some_are_gone(process, number):
    """Or it has ended."""
    while process.poll() is None and DUE - count()[0] < number:
        time.sleep(0.01)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def kill(process, alone):
    """The whole of it, or only the child that has the owner's rights."""
    try:
        if not alone:
            os.killpg(process.pid, signal.SIGKILL)
        for child in children(process.pid) if alone else []:
            os.kill(child, signal.SIGKILL)
    except (ProcessLookupError, FileNotFoundError):
        pass
    process.wait()


def main():
    begin()
    refill(0)
    due, kept = count()
    start().wait()
    if count() != (due, kept):
        sys.exit("something is gone that nobody has confirmed")
    start("confirm", f"until={int(time.time())}").wait()  # no time at all: confirmed, and no more
    began = time.monotonic()
    start().wait()
    whole = time.monotonic() - began
    if count() != (0, kept):
        sys.exit(f"a run that nobody disturbs leaves {count()}")
    middle = 0
    for i in range(ROUNDS):
        refill(count()[0])
        process = start()
        if i % 4 < 2:
            time.sleep(random.uniform(0, 1.2 * whole))
        else:  # in the midst of it, however long it takes to get there
            some_are_gone(process, random.randrange(1, DUE))
        kill(process, i % 2)
        left, still = count()
        middle += 0 < left < DUE
        if still != kept:
            sys.exit(f"round {i}: {kept - still} are gone that were not due")
    start().wait()
    if count() != (0, kept):
        sys.exit(f"at the end there are {count()}")
    if middle < ROUNDS // 10:
        sys.exit(f"only {middle} of {ROUNDS} were killed in the middle of a removal")
    print(f"note: {ROUNDS} killed, {middle} in the middle of a removal")


main()
