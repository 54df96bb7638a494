"""Kills runs of learn at random moments: learn_killed.py TOP RUN ROUNDS. Sometimes the run, sometimes its reader,
sometimes the teacher; sa-learn itself puts its files in order when they die. Between them users file mail. At the
end a full run; then the filter must have counted every message once, as what it was filed last."""

import os
import random
import signal
import subprocess
import sys
import time

from learnstore import LearnStore, move
from mailstore import killable, same

top, run, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
random.seed(seed)
print(f"SEED={seed}")
store = LearnStore(top, run)
boxes = [store.mailbox(user, folders=(".Spam", ".Archive")) for user in ("a", "b", "c")]
mails = [store.mail(box, words=" ".join(f"w{random.randrange(5000)}" for _ in range(40))) for box in boxes
         for _ in range(60)]
spam = [store.mail(f"{box}/.Spam", words=" ".join(f"w{random.randrange(5000)}" for _ in range(40))) for box in boxes
        for _ in range(60)]


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(n) for n in file.read().split()]


def filed():
    """Users move some of their mail."""
    for _ in range(random.randrange(6)):
        source, target = random.choice(((mails, spam), (spam, mails)))
        mail = source.pop(random.randrange(len(source)))
        box = next(b for b in boxes if mail.startswith(b + "/"))
        target.append(move(mail, f"{box}/.Spam" if target is spam else random.choice((box, f"{box}/.Archive"))))


def quiet():
    """What was left of a killed run has come to its end."""
    deadline = time.monotonic() + 60
    while subprocess.run(["pgrep", "-f", store.site], check=False, capture_output=True).returncode == 0:
        if time.monotonic() > deadline:
            raise AssertionError("sa-learn goes on for ever")
        time.sleep(0.05)


interrupted = 0
for _ in range(rounds):
    process = store.run(wait=False, env=killable())
    time.sleep(random.random() * 1.2)
    victims = [process.pid]
    try:
        victims += children(process.pid)
    except OSError:
        pass
    try:
        os.kill(random.choice(victims), signal.SIGKILL)
    except ProcessLookupError:
        pass
    said = process.communicate()[0]
    interrupted += "learns" not in said
    quiet()
    filed()
report = store.run()
if report.findings["filter"][0] not in ("ok", "none"):
    raise AssertionError(report.said)
same("counts", store.counts(), (len(spam), len(mails)))
same("offered again", store.run().done["offered"], "0")
print(f"note: {interrupted} of {rounds} runs were interrupted")
