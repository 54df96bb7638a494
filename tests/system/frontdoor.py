"""What stands at the front of a mail toaster: an SMTP server that asks a real clamd and a real
spamd, blocks attachments that are programs, and delivers to Maildirs; and that can be told to
misbehave, for each user, by the words in the file DOOR/USER.

    frontdoor.py DOOR STORE UID CLAMD SPAMD

Writes its port to DOOR/port and a line for each message to DOOR/log: "USER ID SUBJECT: what". Words:
clean=hold|refuse|folder|gone, spam=folder|inbox|hold|gone|refuse (default: folder), virus=in|hold|gone,
attach=in|gone, defer, unwelcome. What is held lies in DOOR/held/USER.

A bash script DOOR/do/USER is run when the door has seen a message, before it delivers and answers: so
what must happen just then needs no clock."""

import asyncio
import email
import os
import socket
import struct
import subprocess
import sys
import time

from aiosmtpd.controller import Controller

DOOR, STORE, UID, CLAMD, SPAMD = sys.argv[1:6]


def has_virus(data):
    with socket.socket(socket.AF_UNIX) as c:
        c.connect(CLAMD)
        c.sendall(b"zINSTREAM\0" + struct.pack(">I", len(data)) + data + struct.pack(">I", 0))
        answer = b""
        while chunk := c.recv(4096):
            answer += chunk
    return b"FOUND" in answer


def is_spam(data):
    host, port = SPAMD.rsplit(":", 1)
    with socket.create_connection((host, int(port))) as c:
        c.sendall(b"CHECK SPAMC/1.5\r\nContent-length: %d\r\n\r\n" % len(data) + data)
        c.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := c.recv(4096):
            answer += chunk
    return b"Spam: True" in answer


def has_program(message):
    return any((p.get_filename() or "").lower().endswith((".com", ".exe")) for p in message.walk())


class Door:
    count = 0

    def __init__(self):
        self.words = {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        user = address.split("@")[0]
        try:
            with open(f"{DOOR}/{user}", encoding="utf-8") as f:
                words = f.read().split()
        except FileNotFoundError:
            words = []
        self.words[user] = dict((w.split("=") + [""])[:2] for w in words)
        if "unwelcome" in self.words[user]:
            return "550 5.7.1 we do not like you"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        user = envelope.rcpt_tos[0].split("@")[0]
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, self.take, user, envelope.content)

    def take(self, user, data):
        words = self.words[user]
        message = email.message_from_bytes(data)
        what, answer = self.judge(words, message, data)
        if os.path.exists(f"{DOOR}/do/{user}"):
            subprocess.run(["bash", "-eu", f"{DOOR}/do/{user}"], check=True)
        if answer.startswith("250") and what != "gone":
            self.deliver(user, what, data)
        with open(f"{DOOR}/log", "a", encoding="utf-8") as log:
            log.write(f"{user} {message['X-Toaster-Test']} {message['Subject']}: {what}\n")
        return answer

    def judge(self, words, message, data):
        if "defer" in words:
            return "deferred", "451 4.7.1 come back \x1b[31mlater"
        for word, is_bad, what, answer in (
            ("virus", lambda: has_virus(data), "virus", "554 5.7.1 virus found"),
            ("attach", lambda: has_program(message), "attachment", "552 5.7.0 we take no programs"),
        ):
            if words.get(word) != "in" and is_bad():
                return (words[word], "250 OK") if words.get(word) in ("hold", "gone") else (what, answer)
        if is_spam(data):
            where = words.get("spam", "folder")
            return where, "554 5.7.1 spam" if where == "refuse" else "250 OK"
        clean = words.get("clean", "inbox")
        return clean, "554 5.7.1 no clean mail please" if clean == "refuse" else "250 OK"

    def deliver(self, user, where, data):
        data = data.replace(b"\r\n", b"\n")
        box = f"{STORE}/domains/example.com/{user}/Maildir"
        Door.count += 1
        name = f"{int(time.time())}.M{Door.count}P{os.getpid()}.door,S={len(data)}"
        folder = {"folder": f"{box}/.Junk E-mail", "hold": f"{DOOR}/held/{user}"}.get(where, box)
        for part in ("cur", "new", "tmp"):
            os.makedirs(f"{folder}/{part}", exist_ok=True)
            os.chown(f"{folder}/{part}", int(UID), int(UID))
        os.chown(folder, int(UID), int(UID))
        with open(f"{folder}/tmp/{name}", "wb") as f:
            f.write(data)
        os.chown(f"{folder}/tmp/{name}", int(UID), int(UID))
        os.rename(f"{folder}/tmp/{name}", f"{folder}/new/{name}")
        if where != "hold" and os.path.exists(f"{box}/maildirsize"):
            with open(f"{box}/maildirsize", "a", encoding="utf-8") as f:
                f.write(f"{len(data)} 1\n")


# aiosmtpd probes its port, so it must be known before.
with socket.create_server(("127.0.0.1", 0)) as probe:
    port = probe.getsockname()[1]
controller = Controller(Door(), hostname="127.0.0.1", port=port)
controller.start()
with open(f"{DOOR}/port.new", "w", encoding="utf-8") as out:
    out.write(str(port))
os.rename(f"{DOOR}/port.new", f"{DOOR}/port")
while True:
    time.sleep(3600)
