"""IMAP clients against a real Dovecot while runs of task-run go on: expire_dovecot.py RUN CONF MEMORY PORT
MAIL SECONDS. Each message has its fate in its subject: what is "due" may go, what is "keep" must be there
at the end, wherever it was moved and whatever flags it got."""

import imaplib
import multiprocessing
import os
import random
import re
import subprocess
import sys
import time

RUN, CONF, MEMORY, PORT, MAIL, SECONDS = sys.argv[1:7]
DAY = 86400
OLD, FRESH = 100 * DAY, 3600
USERS = ("u0", "u1")


def connect(user):
    imap = imaplib.IMAP4("127.0.0.1", int(PORT))
    imap.login(f"{user}@example.com", "secret")
    return imap


def append(imap, folder, fate, number, age, flags="\\Seen"):
    text = f"Subject: {fate} {number}\r\nFrom: a@example.com\r\n\r\n{'x' * random.randrange(2000)}\r\n".encode()
    when = imaplib.Time2Internaldate(time.time() - age)
    kind, said = imap.append(folder, f"({flags})", when, text)
    if kind != "OK":
        raise RuntimeError(said)


def subjects(imap, folder, where="ALL"):
    """{sequence number: subject} of a folder."""
    imap.select(folder)
    _, data = imap.search(None, where)
    numbers = data[0].split()
    if not numbers:
        return {}
    _, data = imap.fetch(b",".join(numbers), "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    found = {}
    for part in data:
        if isinstance(part, tuple):
            number = part[0].split()[0]
            found[number] = re.search(rb"Subject: (.*?)\r", part[1])[1].decode()
    return found


def client(user, name, over, kept):
    """Adds, flags, moves and expunges, and tells which messages must be there at the end."""
    random.seed(name)
    imap = connect(user)
    number = 0
    must = set()
    while not over.is_set():
        number += 1
        due, keep = f"{name}-{number}", f"{name}-{number}"
        append(imap, "INBOX", "due", due, OLD)
        append(imap, "INBOX", "keep", keep, FRESH)
        must.add(f"keep {keep}")
        try:
            work(imap, name, must)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as why:  # a message has gone under it: RFC 2180 allows a NO
            print(f"note: {why}", flush=True)
    imap.logout()
    kept.put(must)


def work(imap, name, must):
    what = random.randrange(4)
    mine = {n: s for n, s in subjects(imap, "INBOX").items() if f" {name}-" in s}
    if not mine:
        return
    number = random.choice(list(mine))
    subject = mine[number]
    if what == 0:  # a star: from the yes on it must stay, if it is still there
        kind, data = imap.store(number, "+FLAGS", "(\\Flagged)")
        if kind == "OK" and any(b"\\Flagged" in d for d in data if d) and subject.startswith("due"):
            flagged = subjects(imap, "INBOX", "FLAGGED").values()
            if subject in flagged:
                must.add(subject)
    elif what == 1 and subject.startswith("due"):  # thrown away today: that protects it
        kind, _ = imap._simple_command("MOVE", number, "Trash")  # pylint: disable=protected-access
        if kind == "OK" and subject in subjects(imap, "Trash").values():
            must.add(subject)
    elif what == 2:
        imap.store(number, "+FLAGS", "(\\Answered)")
        imap.store(number, "-FLAGS", "(\\Answered)")
    elif subject not in must:
        imap.store(number, "+FLAGS", "(\\Deleted)")
        imap.expunge()


def run(*arguments):
    said = subprocess.run([RUN, CONF, "expire.x", MEMORY, *arguments], check=True, capture_output=True,
                          text=True).stdout
    if re.search(r"^(fail|unknown) ", said, re.M) and "unconfirmed" not in said:
        sys.exit(f"a run has failed: {said}")
    return said


def all_subjects(user):
    imap = connect(user)
    found = set()
    for folder in ("INBOX", "Trash"):
        found |= set(subjects(imap, folder).values())
    imap.logout()
    return found


def the_storm():
    end = time.time() + float(SECONDS)
    kept, over = multiprocessing.Queue(), multiprocessing.Event()
    clients = [multiprocessing.Process(target=client, args=(user, f"{user}{k}", over, kept))
               for user in USERS for k in "ab"]
    for process in clients:
        process.start()
    runs = expired = 0
    while time.time() < end or (expired < 20 and time.time() < end + 300):  # a slow machine may take longer
        said = run()
        runs += 1
        expired += int(re.search(r"expired=(\d+)", said)[1])
    over.set()
    must = set().union(*(kept.get(timeout=300) for _ in clients))
    for process in clients:
        process.join(300)
        if process.exitcode != 0:
            sys.exit(f"a client ended with {process.exitcode}")
    there = set().union(*map(all_subjects, USERS))
    if must - there:
        sys.exit(f"gone, and should not be: {sorted(must - there)}")
    run()
    run()
    left = [s for s in set().union(*map(all_subjects, USERS)) if s.startswith("due") and s not in must]
    if left:
        sys.exit(f"left, and should not be: {sorted(left)}")
    if expired < 20:
        sys.exit(f"only {expired} were expired")
    print(f"note: {runs} runs, {expired} expired, {len(must)} kept")


def quota(user):
    said = subprocess.run(["doveadm", "-c", f"{MAIL}/../../dovecot.conf", "-f", "tab", "quota", "get", "-u",
                           f"{user}@example.com"], check=True, capture_output=True, text=True).stdout
    return {line.split("\t")[1]: int(line.split("\t")[2]) for line in said.splitlines()[1:]}


def recalculate(user):
    subprocess.run(["doveadm", "-c", f"{MAIL}/../../dovecot.conf", "quota", "recalc", "-u", f"{user}@example.com"],
                   check=True)


def the_quota():
    """Dovecot's count before and after it counts anew: ours has kept it right."""
    user = USERS[0]
    imap = connect(user)
    recalculate(user)
    for i in range(30):
        append(imap, "INBOX", "due", f"q{i}", OLD)
    append(imap, "INBOX", "keep", "q", FRESH)
    before = quota(user)
    said = run()
    if "expired=30 " not in said:
        sys.exit(said)
    after = quota(user)
    recalculate(user)
    anew = quota(user)
    if after != anew or after["MESSAGE"] != before["MESSAGE"] - 30:
        sys.exit(f"quota: {before}, after the run {after}, counted anew {anew}")
    print(f"note: quota {before} -> {after}")
    imap.logout()


def migrated_and_restored():
    """What comes today from elsewhere, with old dates, is protected by "moved" (the folder Trash)."""
    imap = connect(USERS[1])
    for i in range(5):
        append(imap, "Trash", "keep", f"migrated{i}", OLD)
    run()
    there = set(subjects(imap, "Trash").values())
    if not {f"keep migrated{i}" for i in range(5)} <= there:
        sys.exit(f"what was migrated is gone: {there}")
    imap.logout()


def main():
    for user in USERS:
        imap = connect(user)
        imap.create("Trash")
        imap.logout()
    run()
    run("confirm")
    the_storm()
    the_quota()
    migrated_and_restored()


main()
