"""What `learn` offers to the filter, and that it does so once: learn_cases.py TOP RUN [CASE...]"""

import os
import subprocess
import sys
import threading
import time

from learnstore import QUIET, LearnStore, figures, move
from mailstore import UID, case, run_cases, same

OTHER = 2022
FOLDERS = (".Spam", ".Archive", ".Trash")


def settled():
    """Stamps younger than two seconds are not trusted."""
    time.sleep(2.1)


@case
def each_message_is_learned_once(s):
    box = s.mailbox(folders=FOLDERS)
    s.mails(7, f"{box}/.Spam")
    s.mails(5, box)
    s.mails(3, f"{box}/.Archive")
    s.mails(4, f"{box}/.Trash")
    figures(s.run(), offered=15, spam=7, ham=8, known=0, folders=3)
    same("counts", s.counts(), (7, 8))
    settled()
    figures(s.run(), offered=0)  # after a first look that came soon all folders are looked at once more
    figures(s.run(), offered=0, folders=0, skipped=3)
    s.mails(2, f"{box}/.Spam")
    figures(s.run(), offered=2, spam=2, folders=1, skipped=2)
    same("counts", s.counts(), (9, 8))


@case
def a_move_teaches_the_other_class_and_back(s):
    box = s.mailbox(folders=FOLDERS)
    mails = s.mails(6, box)
    s.run()
    same("counts", s.counts(), (0, 6))
    moved = [move(m, f"{box}/.Spam") for m in mails[:4]]
    figures(s.run(), offered=4, spam=4)
    same("counts", s.counts(), (4, 2))
    move(moved[0], box)
    figures(s.run(), offered=1, ham=1)
    same("counts", s.counts(), (3, 3))


@case
def flags_other_folders_and_restored_backups_teach_nothing_anew(s):
    box = s.mailbox(folders=FOLDERS)
    mails = s.mails(4, box)
    s.run()
    move(mails[0], box, flags="FRS")
    move(mails[1], f"{box}/.Archive")
    renamed = f"{box}/.Archive/cur/9999.M1P1.renamed:2,S"  # as Dovecot moves: another name, the same file
    os.rename(mails[2], renamed)
    with open(mails[3], "rb") as file:  # as a restore does: the same name, another file
        body = file.read()
    os.unlink(mails[3])
    s.mail(box, body=body, name=os.path.basename(mails[3]))
    figures(s.run(), offered=0)
    same("counts", s.counts(), (0, 4))


@case
def what_came_back_from_a_folder_that_is_gone_is_learned_anew(s):
    box = s.mailbox(folders=FOLDERS)
    mail = s.mail(f"{box}/.Spam")
    s.run()
    os.rename(f"{box}/.Spam", f"{box}/.Old")
    figures(s.run(), offered=1, ham=1)
    s.folder(f"{box}/.Spam")
    move(f"{box}/.Old/cur/{os.path.basename(mail)}", f"{box}/.Spam")
    figures(s.run(), offered=1, spam=1)
    same("counts", s.counts(), (1, 0))


@case
def a_copy_in_spam_is_learned_and_its_source_left_alone(s):
    box = s.mailbox(folders=FOLDERS)
    mail = s.mail(box)
    s.run()
    os.link(mail, f"{box}/.Spam/cur/copy.M1P1.host:2,S")
    figures(s.run(), offered=1, spam=1)
    same("counts", s.counts(), (1, 0))
    figures(s.run(), offered=0)


@case
def only_what_its_user_has_judged_is_offered(s):
    never = ("Trash", "Sent", "Drafts", "Templates", "Outbox", "Notes", "Chats", "Deleted Items", "Sent.2024",
             "Lists", "INBOX.Drafts")
    s.real(f'{QUIET} never_folders = {{"Lists"}} max_size = "10K"')
    box = s.mailbox(folders=[*FOLDERS, *("." + name for name in never if name != "Trash")])
    for name in never:
        s.mails(2, f"{box}/.{name}")
    s.mail(box, part="new")
    s.mail(box, flags="")
    s.mail(box, flags="ST")
    s.mail(box, flags="DS")
    s.mail(box, body=b"")
    s.mail(box, body=b"Subject: large\n\n" + b"x" * 10240)
    s.mail(f"{box}/.Spam", flags="")
    s.mail(f"{box}/.Spam", part="new")
    s.mail(f"{box}/.Spam", flags="ST")
    figures(s.run(), offered=0)
    s.mail(box)
    s.mail(f"{box}/.Spam")
    figures(s.run(), offered=2, spam=1, ham=1)
    s.real(f'{QUIET} never_folders = {{"Lists"}} max_size = "10K" spam_unread = yes')
    figures(s.run(), offered=2, spam=2)
    s.real(f'{QUIET} ham = no spam_unread = yes spam_folders = {{"Chats"}}')
    figures(s.run(), offered=2, spam=2)


@case
def good_mail_is_learned_when_it_is_old_enough(s):
    s.fake('ham_age = "1h" rate = 0 max_load = never')
    box = s.mailbox(folders=FOLDERS)
    s.mails(3, box)  # their date is old, but they came just now
    s.mails(2, f"{box}/.Spam")
    figures(s.run(), offered=2, spam=2)
    settled()
    s.run()
    figures(s.run(), offered=0, folders=0, skipped=3)
    figures(s.run(f"now={int(time.time()) + 3601}"), offered=3, ham=3)


@case
def a_mailbox_teaches_no_more_than_its_share_a_run_and_the_newest_first(s):
    s.fake(f"{QUIET} max_per_mailbox = 3")
    box, other = s.mailbox(folders=FOLDERS), s.mailbox("v", folders=FOLDERS)
    for i in range(8):
        s.mail(f"{box}/.Spam", words=f"number{i}", days=20 - i)
    s.mails(2, box)
    s.mails(5, other)
    figures(s.run(), offered=8, spam=3, ham=5, more=7)
    with open(s.mbox, encoding="utf-8") as mbox:
        text = mbox.read()
    same("the newest", [f"number{i}\n" in text for i in range(8)], [False] * 5 + [True] * 3)
    figures(s.run(), offered=5, spam=3, ham=2, more=2)
    figures(s.run(), offered=2, spam=2, more=0)
    settled()
    s.run()
    figures(s.run(), offered=0, folders=0)


@case
def of_a_very_large_mailbox_a_sample_is_taken_at_first_contact(s):
    s.fake(f"{QUIET} max_per_mailbox = 100000")
    for user, count in (("a", 2500), ("b", 2501), ("c", 5001), ("d", 10001)):
        box = s.mailbox(user, folders=FOLDERS)
        for i in range(count):
            path = f"{box}/.Spam/cur/{i}.{user}.host:2,S"
            with open(path, "w", encoding="utf-8") as file:
                file.write("Subject: x\n\n")
            os.chown(path, UID, UID)
        s.mails(3, box)
    report = s.run()
    figures(report, spam=2500 + 251 + 201 + 201, ham=12, sampled=3, left_out=2501 + 5001 + 10001 - 653)
    if "at first contact a sample" not in report.said:
        raise AssertionError(report.said)
    figures(s.run(), offered=0)
    s.mails(2, f"{box}/.Spam")
    figures(s.run(), offered=2, spam=2)
    s.fake(f"{QUIET} max_per_mailbox = 100000 first = all")
    os.unlink(f"{s.top}/state/index/{UID}/index.db")
    figures(s.run(), spam=2500 + 2501 + 5001 + 10001 + 2, ham=12, sampled=0)


@case
def messages_may_be_anything(s):
    s.real(f'{QUIET} max_size = "64M"')
    box = s.mailbox(folders=FOLDERS)
    head = b"From: x@y.example\nSubject: odd %d\n\n"
    bodies = [
        head % 1 + bytes(range(256)) * 40,
        b"From someone@example.com Thu Jan  1 00:00:00 2026\n" + head % 2 + b"envelope on top\n",
        head % 3 + b"text\n\nFrom here it goes on Thu Jan  1 00:00:00 2026\nFrom b@example.com Thu Jan  1 "
                   b"00:00:00 2026\nSubject: not a message\n\nstill the third\n",
        head % 4 + b"no newline at the end",
        b"Subject: 5\nX-Long: " + b"y" * 1024 * 1024 + b"\n\nlong header\n",
        head % 6 + b"a line that fills it up\n" * (50 * 1024 * 1024 // 24),
        b"no header at all, one line of words that nobody else has",
        b"\n\n\nonly lines\n",
        head % 9 + b"Content\r\nwith\r\ncarriage\r\nreturns\r\n",
        head % 10 + b"\n.\n\n>From quoted\n>>From twice\n",
    ]
    for body in bodies:
        s.mail(f"{box}/.Spam", body=body)
    s.mail(f"{box}/.Spam", body=b"")
    report = s.run()
    figures(report, offered=len(bodies))
    same("learned or known", int(report.done["spam"]) + int(report.done["known"]), len(bodies))
    same("counts", s.counts(), (int(report.done["spam"]), 0))
    figures(s.run(), offered=0)


@case
def our_own_letters_teach_nothing(s):
    box = s.mailbox(folders=FOLDERS)
    ours = (b"From: root@mail.example.com\nSubject: FAIL x\nMessage-ID: <1.2@mail.example.com>\n"
            b"X-Toaster-Watcher: 0.1.0 FAIL=1\n\nservice.smtp is down\n")
    s.mail(box, body=ours)
    s.mail(f"{box}/.Spam", body=ours.replace(b"@mail.example.com>", b"@forged.example>"))
    figures(s.run(), offered=2, ours=1, spam=1, ham=0)
    figures(s.run(), offered=0)


@case
def messages_that_vanish_or_change_meanwhile_do_no_harm(s):
    s.fake()
    box = s.mailbox(folders=FOLDERS)
    mails = s.mails(3000, f"{box}/.Spam")
    stop = threading.Event()

    def user():
        for i, mail in enumerate(mails):
            if stop.is_set():
                return
            try:
                if i % 3 == 0:
                    os.unlink(mail)
                elif i % 3 == 1:
                    os.rename(mail, mail.replace(":2,S", ":2,RS"))
                else:
                    os.truncate(mail, 0 if i % 2 else 10_000_000)
            except OSError:
                pass
    thread = threading.Thread(target=user)
    thread.start()
    s.run()
    s.run()
    stop.set()
    thread.join()
    for name in os.listdir(f"{box}/.Spam/cur"):
        os.unlink(f"{box}/.Spam/cur/{name}")
    s.mails(2, f"{box}/.Spam")
    figures(s.run(), offered=2, spam=2)


@case
def links_fifos_and_other_users_files_are_not_opened(s):
    s.fake()
    box = s.mailbox(folders=FOLDERS)
    secret = f"{s.top}/secret"
    with open(secret, "w", encoding="utf-8") as file:
        file.write("Subject: secret\n\nroot's\n")
    os.chmod(secret, 0o600)
    os.symlink(secret, f"{box}/.Spam/cur/1.link:2,S")
    os.mkfifo(f"{box}/.Spam/cur/2.fifo:2,S")
    os.mkdir(f"{box}/.Spam/cur/3.dir:2,S")
    s.mail(f"{box}/.Spam", uid=OTHER)
    s.mail(f"{box}/.Spam")
    report = s.run()
    figures(report, offered=1, spam=1)
    report.expect("folders", "warn", "foreign")
    with open(s.mbox, encoding="utf-8") as mbox:
        same("root's", "secret" in mbox.read(), False)


@case
def the_program_is_started_only_for_something_and_as_whom_it_should(s):
    s.fake()
    box = s.mailbox(folders=FOLDERS)
    s.run()
    same("starts", s.starts(), [])
    s.mails(2, box)
    s.mails(2, f"{box}/.Spam")
    s.run()
    common = "--max-size=0 --mbox /proc/self/fd/0"
    same("starts", s.starts(), [f"65534 --spam {common}", f"65534 --ham {common}"])
    s.run()
    same("starts", s.starts(), [])
    s.user = None
    s.fake()
    s.mailbox("w", "other.example", uid=OTHER)
    s.mail(f"{s.top}/domains/other.example/w/Maildir", uid=OTHER)
    s.mails(1, box)
    s.run()
    same("whom", sorted({line.split()[0] for line in s.starts()}), [str(UID), str(OTHER)])


@case
def each_mailbox_may_have_a_filter_of_its_own(s):
    s.fake(f"{QUIET} per_user = yes")
    for user in ("a", "b"):
        box = s.mailbox(user, folders=FOLDERS)
        s.mails(2, box)
        s.mails(1, f"{box}/.Spam")
    figures(s.run(), offered=6, spam=2, ham=4)
    rest = "--max-size=0 --mbox /proc/self/fd/0"
    same("starts", s.starts(), [f"65534 --{c} -u {u}@example.com {rest}" for c in ("spam", "ham") for u in "ab"])


@case
def a_rate_and_a_load_are_kept_to(s):
    s.fake('ham_age = "0s" rate = 20 max_load = never')
    box = s.mailbox(folders=FOLDERS)
    s.mails(40, box)
    began = time.monotonic()
    figures(s.run(), offered=40)
    if time.monotonic() - began < 2:
        raise AssertionError("more than 20 a second")
    s.fake('ham_age = "0s" rate = 0 max_load = 0.01')
    s.mails(3, box)
    busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(2)]
    try:
        while os.getloadavg()[0] < 0.05:
            time.sleep(0.5)
        now = int(time.time())
        report = s.run(f"now={now}", f"until={now + 3}")
        figures(report, offered=0)
        if "window has ended" not in report.said:
            raise AssertionError(report.said)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    s.fake()
    figures(s.run(), offered=3)


@case
def one_run_at_a_time_teaches(s):
    slow = "#!/bin/sh\necho begin >>{0}\nsleep 2\necho end >>{0}\necho 'Learned tokens from 1 message(s) (1 message(s) examined)'\n"
    s.fake(script=slow.format(s.log))
    s.mail(s.mailbox(folders=FOLDERS))
    first = s.run(wait=False)
    deadline = time.monotonic() + 30
    while not os.path.getsize(s.log):
        if time.monotonic() > deadline:
            raise AssertionError("it does not begin")
        time.sleep(0.05)
    second = s.run(wait=False)
    first.communicate()
    said = second.communicate()[0]
    if "offered=0" not in said:
        raise AssertionError(said)
    same("order", [line for line in s.starts() if line], ["begin", "end"])


@case
def a_run_goes_on_where_the_last_one_ended(s):
    s.fake('ham_age = "0s" rate = 1 max_load = never max_per_mailbox = 300')
    for user in "abc":
        s.mails(250, s.mailbox(user, folders=FOLDERS))
    now = int(time.time())
    report = s.run(f"now={now}", f"until={now + 4}")
    if "window has ended" not in report.said:
        raise AssertionError(report.said)
    s.fake()
    done = int(report.done["offered"])
    figures(s.run(), offered=750 - done, ham=750 - done)


@case
def nothing_is_left_in_tmp_or_in_a_home(s):
    """With a /tmp that nobody can write to."""
    box = s.mailbox(folders=FOLDERS)
    s.mails(3, f"{box}/.Spam")
    top = f"/var/tmp/learn.{os.getpid()}"
    os.makedirs(top)
    os.chmod(top, 0o755)
    try:
        script = ('mount --bind "$1" "$2" && cd / && mount -t tmpfs -o ro none /tmp && mkdir -p /run/none && '
                  'exec "$3" "$4" learn.x "$2/memory"')
        with open(s.conf, encoding="utf-8") as conf:
            text = conf.read().replace(s.top, top)
        for name in (f"{s.top}/qmail/users/assign", f"{s.top}/domains/example.com/vpasswd", f"{s.site}/local.cf"):
            with open(name, encoding="utf-8") as file:
                changed = file.read().replace(s.top, top)
            with open(name, "w", encoding="utf-8") as file:
                file.write(changed)
        with open(s.conf, "w", encoding="utf-8") as conf:
            conf.write(text)
        program = f"{s.top}/task-run"
        subprocess.run(["cp", s.run_program, program], check=True)
        said = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", s.top, top, f"{top}/task-run", f"{top}/conf"],
                              check=False, capture_output=True, text=True)
        if "spam=3" not in said.stdout:
            raise AssertionError(said.stdout + said.stderr)
    finally:
        os.rmdir(top)
    same("the home", sorted(os.listdir(os.path.dirname(box))), ["Maildir"])
    same("the mailbox", [n for n in os.listdir(box) if not n.startswith(".") and n not in ("cur", "new", "tmp")], [])


run_cases(sys.argv[1], sys.argv[2], sys.argv[3:], lambda path: LearnStore(path, sys.argv[2]))
