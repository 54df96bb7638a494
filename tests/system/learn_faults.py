"""Filters that are down, refuse, hang or speak nonsense: a clear finding, and nothing is marked: learn_faults.py
TOP RUN [CASE...]"""

import os
import socket
import subprocess
import sys
import threading
import time

from learnstore import QUIET, LearnStore, figures, quoted
from mailstore import UID, case, run_cases, same

FOLDERS = (".Spam",)


def expect(s, count, code, part, **wanted):
    """The filter cannot be taught, for that reason; and afterwards everything is offered to one that can."""
    report = s.run()
    report.expect("filter", "fail", code, part)
    figures(report, spam=0, ham=0, known=0, **wanted)
    s.fake()
    figures(s.run(), offered=count, spam=count)


def some(s, count=5):
    s.mails(count, f"{s.mailbox(folders=FOLDERS)}/.Spam")


# ---- programs ------------------------------------------------------------------------------------


@case
def a_program_that_is_not_there(s):
    some(s)
    s.rules(f'run = {{"/nonexistent/sa-learn"}} user = "nobody" {QUIET}')
    expect(s, 5, "down", "/nonexistent/sa-learn")


@case
def a_program_that_fails(s):
    some(s)
    s.fake(script="#!/bin/sh\necho 'bayes: cannot open bayes databases: lock failed' >&2\nexit 13\n")
    expect(s, 5, "failed", "exit 13: bayes: cannot open")


@case
def a_program_that_is_killed(s):
    some(s)
    s.fake(script="#!/bin/sh\nkill -9 $$\n")
    expect(s, 5, "failed", "killed by signal 9")


@case
def a_program_that_says_nothing_or_nonsense(s):
    some(s)
    for says in ("", "Learned tokens from lots", "Learned tokens from 9 message(s) (9 message(s) examined)",
                 "Learned tokens from 7 message(s) (5 message(s) examined)",
                 "Learned tokens from 0 message(s) (0 message(s) examined)"):
        s.fake(script=f"#!/bin/sh\necho '{says}'\n")
        report = s.run()
        report.expect("filter", "fail", "nonsense")
        figures(report, spam=0, known=0)
    s.fake()
    figures(s.run(), offered=5, spam=5)


@case
def a_program_that_says_far_too_much(s):
    some(s)
    s.fake(script="#!/bin/sh\nyes 'a warning about something' | head -c 3000000\n"
                  "echo 'Learned tokens from 5 message(s) (5 message(s) examined)'\n")
    expect(s, 5, "nonsense", "")


@case
def a_program_that_hangs_is_ended(s):
    some(s)
    s.fake(f'{QUIET} max_time = "2s"', script="#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1000; done\n")
    began = time.monotonic()
    expect(s, 5, "timeout", "took too long")
    if time.monotonic() - began > 500:
        raise AssertionError("it took too long to notice")


@case
def a_program_that_works_may_take_its_time(s):
    some(s)
    s.fake(f'{QUIET} max_time = "5s"',
           script="#!/usr/bin/python3\nimport time\nend = time.monotonic() + 11\nwhile time.monotonic() < end: pass\n"
                  "print('Learned tokens from 5 message(s) (5 message(s) examined)')\n")
    figures(s.run(), offered=5, spam=5)


@case
def one_that_looks_at_some_only(s):
    some(s)
    s.fake(script="#!/bin/sh\necho 'Learned tokens from 2 message(s) (4 message(s) examined)'\n")
    report = s.run()
    figures(report, offered=5, spam=2, known=2, refused=1)
    report.expect("filter", "ok", "ok")
    figures(s.run(), offered=0)


@case
def a_store_that_the_user_cannot_write(s):
    some(s)
    os.chmod(s.bayes, 0o755)
    s.real()
    expect(s, 5, "failed", "sudo -H -u nobody sa-learn --dump magic")


@case
def a_user_that_is_not_there(s):
    some(s)
    s.user = "nobody-of-that-name"
    s.fake()
    s.run().expect("filter", "fail", "config", "nobody-of-that-name")
    s.user = "nobody"
    s.fake()
    figures(s.run(), offered=5, spam=5)


@case
def without_an_index_nothing_is_learned(s):
    some(s)
    s.fake()
    with open(f"{s.top}/state/index", "w", encoding="utf-8"):
        pass
    report = s.run()
    report.expect("index", "fail", "no-index")
    figures(report, offered=0)
    os.unlink(f"{s.top}/state/index")
    figures(s.run(), offered=5)
    with open(f"{s.top}/state/index/{UID}/index.db", "r+b") as index:
        index.seek(20)
        index.write(b"\xff" * 4000)
    report = s.run()
    report.expect("index", "warn", "index-damaged")
    figures(report, offered=5)


@case
def a_ledger_of_its_owners_making_breaks_nothing(s):
    some(s)
    s.fake()
    s.run()
    index = f"{s.top}/state/index/{UID}/index.db"
    script = """
import sqlite3, sys, zlib, os, random
sql = sqlite3.connect(sys.argv[1])
for job, path, data in sql.execute("SELECT job, path, data FROM mailbox").fetchall():
    for size in (0, 7, 8, 24, 25, 1000):
        body = (b"\\1" + bytes(7) + random.randbytes(size))[:8 + size]
        sql.execute("UPDATE mailbox SET data = ? WHERE job = ? AND path = ?",
                    (body + zlib.crc32(body).to_bytes(4, "little"), job, path))
sql.commit()
"""
    subprocess.run(["/usr/bin/python3", "-c", script, index], check=True, user=UID, group=UID)
    s.mails(1, f"{s.top}/domains/example.com/u/Maildir/.Spam")
    if s.run().findings["filter"][0] != "ok":
        raise AssertionError("it is not well")


# ---- any command ---------------------------------------------------------------------------------


def command(s, script, rules=QUIET, arguments=("%w", "%c", "%d", "%u", "%%")):
    path = s.fake(script=script)
    s.rules(f'backend = command run = {{{", ".join(map(quoted, (path, *arguments)))}}} user = "nobody" {rules}')


@case
def a_command_gets_each_message_and_its_class(s):
    box = s.mailbox(folders=FOLDERS)
    command(s, f'#!/bin/sh\nline=$(grep ^Subject:)\necho "$(id -u) $* $HOME $USER $line" >>{s.log}\n')
    mail = s.mail(box, words="good")
    s.mail(f"{box}/.Spam", words="bad")
    figures(s.run(), offered=2, spam=1, ham=1)
    same("said", s.starts(), ["65534 spam s spam u@example.com % /nonexistent nobody Subject: bad",
                              "65534 ham n innocent u@example.com % /nonexistent nobody Subject: good"])
    os.rename(mail, f"{box}/.Spam/cur/{os.path.basename(mail)}")
    s.run()
    same("said", s.starts(), ["65534 spam Ns spam u@example.com % /nonexistent nobody Subject: good"])


@case
def bogofilter_learns(s):
    box = s.mailbox(folders=FOLDERS)
    s.rules(f'backend = command run = {{"bogofilter", "-%c", "-d", "{s.bayes}"}} user = "nobody" {QUIET}')
    mails = s.mails(4, box)
    s.mails(3, f"{box}/.Spam")

    def counts():
        said = subprocess.run(["bogoutil", "-w", s.bayes, ".MSG_COUNT"], check=True, capture_output=True, text=True).stdout
        return tuple(int(n) for n in said.split()[-2:])
    figures(s.run(), offered=7, spam=3, ham=4)
    same("counts", counts(), (3, 4))
    os.rename(mails[0], f"{box}/.Spam/cur/{os.path.basename(mails[0])}")
    figures(s.run(), offered=1, spam=1)
    same("counts", counts(), (4, 3))


@case
def a_command_that_fails_for_one_message_or_for_now(s):
    some(s, 6)
    command(s, "#!/bin/sh\ngrep -q word3 && exit 1\nexit 0\n")
    figures(s.run(), offered=6, spam=5, refused=1)
    figures(s.run(), offered=0)
    s.mails(3, f"{s.top}/domains/example.com/u/Maildir/.Spam")
    command(s, "#!/bin/sh\nexit 75\n")
    expect(s, 3, "failed", "exit 75")


@case
def a_command_that_refuses_everything(s):
    some(s, 900)
    command(s, "#!/bin/sh\nexit 1\n", f"{QUIET} max_per_mailbox = 1000")
    report = s.run()
    report.expect("filter", "fail", "refused")
    if int(report.done["offered"]) > 600:  # those that were on their way
        raise AssertionError(report.said)
    s.fake(f"{QUIET} max_per_mailbox = 1000")
    figures(s.run(), offered=900, spam=900)


@case
def a_command_that_refuses_the_few_there_are(s):
    some(s, 4)
    command(s, "#!/bin/sh\nexit 1\n")
    expect(s, 4, "nothing-learned", "4 offered, 0 learned, 0 known", offered=4)


# ---- spamd ---------------------------------------------------------------------------------------


class FakeSpamd:
    """Answers each connection as `answer(connection)` does."""

    def __init__(self, answer, path=None):
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            os.chmod(path, 0o666)
            self.listener.listen(64)
        else:
            self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.answer, self.seen = answer, []
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def place(self):
        name = self.listener.getsockname()
        return name if isinstance(name, str) else f"127.0.0.1:{name[1]}"

    def serve(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        try:
            with connection:
                self.answer(self, connection)
        except OSError:
            pass

    def request(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, body = data.split(b"\r\n\r\n", 1)
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(65536)
        self.seen.append((head.decode(), body))
        return head


LEARNED = b"SPAMD/1.1 0 EX_OK\r\nDidSet: local\r\n\r\n\r\n"


def spamd(s, answer, rules=f'{QUIET} max_time = "2s"', path=None):
    server = FakeSpamd(answer, path)
    s.rules(f'backend = spamd socket = "{server.place()}" user = "nobody" {rules}')
    return server


def says(text):
    def answer(server, connection):
        server.request(connection)
        connection.sendall(text)
    return answer


@case
def a_spamd_that_learns(s):
    box = s.mailbox(folders=FOLDERS)
    s.mails(30, f"{box}/.Spam")
    mail = s.mail(box)
    server = spamd(s, says(LEARNED))
    figures(s.run(), offered=31, spam=30, ham=1)
    same("requests", len(server.seen), 31)
    head, body = next((head, body) for head, body in server.seen if "Message-class: ham" in head)
    same("head", head, f"TELL SPAMC/1.5\r\nMessage-class: ham\r\nSet: local\r\nUser: nobody\r\nContent-length: {len(body)}")
    with open(mail, "rb") as file:
        same("body", body, file.read())
    server.seen.clear()
    os.rename(mail, f"{box}/.Spam/cur/{os.path.basename(mail)}")
    figures(s.run(), offered=1, spam=1)
    same("forgotten first", ["Remove: local" in head for head, _ in server.seen], [True, False])


@case
def a_spamd_at_a_socket_of_the_file_system(s):
    some(s, 20)
    spamd(s, says(LEARNED), path=f"{s.top}/socket")
    figures(s.run(), offered=20, spam=20)


@case
def a_spamd_is_called_several_times_at_once(s):
    some(s, 24)
    lock, now, most = threading.Lock(), [0], [0]
    two = threading.Barrier(2)  # none is answered alone

    def answer(server, connection):
        server.request(connection)
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        two.wait()
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        connection.sendall(LEARNED)
    spamd(s, answer, f'{QUIET} max_time = "1m"')
    figures(s.run(), offered=24, spam=24)
    if most[0] != 2:
        raise AssertionError(f"{most[0]} at once")


@case
def a_spamd_that_answers_slowly(s):
    some(s)

    def answer(server, connection):
        server.request(connection)
        for byte in LEARNED:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)
    spamd(s, answer)
    figures(s.run(), offered=5, spam=5)


@case
def a_spamd_that_is_not_there(s):
    some(s)
    server = spamd(s, says(LEARNED))
    server.close()
    expect(s, 5, "down", "does not answer")
    s.mails(2, f"{s.top}/domains/example.com/u/Maildir/.Spam")
    s.rules(f'backend = spamd socket = "/nonexistent/socket" user = "nobody" {QUIET}')
    expect(s, 2, "down", "/nonexistent/socket")


@case
def a_spamd_that_never_answers(s):
    some(s)

    def answer(server, connection):
        server.request(connection)
        time.sleep(60)
    spamd(s, answer)
    expect(s, 5, "timeout", "max_time")


@case
def a_spamd_that_takes_nothing(s):
    box = s.mailbox(folders=FOLDERS)
    s.rules(f"max_size = 64M {QUIET}")
    s.mail(f"{box}/.Spam", body=b"Subject: x\n\n" + b"large\n" * 1000000)

    def answer(_server, _connection):
        time.sleep(60)
    spamd(s, answer, f'{QUIET} max_size = "64M" max_time = "2s"')
    s.run().expect("filter", "fail", "timeout")


@case
def a_spamd_that_speaks_nonsense(s):
    some(s)
    for text in (b"220 mail.example.com ESMTP\r\n", b"SPAMD/1.1 0 EX_OK\r\nDidSet: local", b"SPAMD/1.1 ", b"",
                 b"SPAMD/1.1 0 EX_OK\r\nDidSet: local\r\n", b"\0" * 100, LEARNED[:20] + b"A" * 3000000,
                 b"SPAMD/1.1 0 EX_OK\r\nno header\r\n\r\n"):
        spamd(s, says(text))
        report = s.run()
        report.expect("filter", "fail", "nonsense")
        figures(report, spam=0, known=0)
    s.fake()
    figures(s.run(), offered=5, spam=5)


@case
def a_spamd_that_does_not_let_itself_be_taught(s):
    some(s)
    spamd(s, says(b"SPAMD/1.0 69 Service Unavailable: TELL commands are not enabled, set the --allow-tell switch.\r\n"))
    expect(s, 5, "refused", "--allow-tell")


@case
def a_spamd_that_says_so_before_it_has_read_all(s):
    box = s.mailbox(folders=FOLDERS)
    s.mail(f"{box}/.Spam", body=b"Subject: x\n\n" + b"large\n" * 80000)

    def answer(_server, connection):
        connection.recv(10)
        connection.sendall(b"SPAMD/1.0 69 Service Unavailable: TELL commands are not enabled, set the --allow-tell switch.\r\n")
        connection.shutdown(socket.SHUT_WR)
        time.sleep(0.3)
    spamd(s, answer)
    s.run().expect("filter", "fail", "refused", "--allow-tell")


@case
def a_spamd_that_neither_learns_nor_forgets(s):
    some(s)
    spamd(s, says(b"SPAMD/1.1 0 EX_OK\r\n\r\n\r\n"))
    expect(s, 5, "nothing-learned", "use_bayes")


@case
def a_spamd_that_dies_in_the_middle(s):
    some(s, 20)
    count = []

    def answer(server, connection):
        server.request(connection)
        count.append(1)
        if len(count) > 8:
            server.close()
            return
        connection.sendall(LEARNED)
    spamd(s, answer)
    report = s.run()
    done = int(report.done["spam"])
    if report.findings["filter"][0] != "fail" or not 0 < done <= 8:
        raise AssertionError(report.said)
    s.fake()
    figures(s.run(), offered=20 - done, spam=20 - done)


@case
def a_spamd_that_refuses_one(s):
    some(s, 6)

    def answer(server, connection):
        server.request(connection)
        bad = b"word3 " in server.seen[-1][1]
        connection.sendall(b"SPAMD/1.0 65 Data format error\r\n" if bad else LEARNED)
    spamd(s, answer)
    figures(s.run(), offered=6, spam=5, refused=1)
    figures(s.run(), offered=0)


# ---- rspamd --------------------------------------------------------------------------------------


def rspamd(s, answer, more=""):
    server = FakeSpamd(answer)
    s.rules(f'backend = rspamd url = "http://{server.place()}" user = "nobody" max_time = "2s" {more} {QUIET}')
    return server


def status(line, body=b'{"success":true}'):
    return says(b"HTTP/1.1 " + line + b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)


@case
def an_rspamd_that_learns_and_knows(s):
    some(s)
    with open(f"{s.top}/password", "w", encoding="utf-8") as file:
        file.write("secret word\n")
    os.chmod(f"{s.top}/password", 0o600)
    server = rspamd(s, status(b"200 OK"), f'password_file = "{s.top}/password" per_user = yes')
    figures(s.run(), offered=5, spam=5)
    head = server.seen[0][0]
    for part in ("POST /learnspam HTTP/1.1", "Password: secret word", "Deliver-To: u@example.com"):
        if part not in head:
            raise AssertionError(head)
    s.mails(3, f"{s.top}/domains/example.com/u/Maildir/.Spam")
    rspamd(s, status(b"208 known", b'{"error":"<x> has been already learned as spam, ignore it"}'))
    figures(s.run(), offered=3, known=3)


@case
def an_rspamd_that_does_not(s):
    some(s)
    for answer, code, part in (
            (status(b"403 Forbidden"), "refused", "password_file"),
            (status(b"401 Unauthorized"), "refused", "password_file"),
            (status(b"500 Broken", b"{\"error\":\"no backend\"}"), "failed", "no backend"),
            (status(b"404 Not found"), "nonsense", "404"),
            # so it answers while its Redis is down, whatever it is asked
            (status(b"404 known", b'{"error":"<x> has been already learned as spam"}'), "down", "Redis"),
            (status(b"200 OK", b'{"success":false}'), "nonsense", "false"),
            (status(b"208 known", b'{"error":"<x> has been already learned as ham"}'), "nonsense", "ham"),
            (status(b"302 Moved"), "nonsense", "302"),
            (status(b"200 OK", b"x" * 3000000), "nonsense", "answers with status 200"),
            (says(b"HTTP/1.1 200 OK\r\nContent-Le"), "nonsense", ""),
            (says(b"SPAMD/1.1 0 EX_OK\r\n"), "nonsense", ""),
            (status(b"204 No content", b""), "nothing-learned", "5 offered, 0 learned, 0 known"),
            (lambda server, connection: time.sleep(30), "timeout", "")):
        rspamd(s, answer)
        report = s.run()
        report.expect("filter", "fail", code, part)
        figures(report, spam=0, known=0)
    server = rspamd(s, status(b"200 OK"))
    server.close()
    expect(s, 5, "down", "is it running")


@case
def a_password_that_others_may_read(s):
    some(s)
    with open(f"{s.top}/password", "w", encoding="utf-8") as file:
        file.write("secret\n")
    os.chmod(f"{s.top}/password", 0o644)
    rspamd(s, status(b"200 OK"), f'password_file = "{s.top}/password"')
    expect(s, 5, "config", "chmod 600")


run_cases(sys.argv[1], sys.argv[2], sys.argv[3:], lambda path: LearnStore(path, sys.argv[2]))
