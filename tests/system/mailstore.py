"""A small vpopmail store for tests of tasks, runs over it, and cases of a test."""

import os
import re
import subprocess
import sys
import time

UID = 2021
DAY = 86400


class Store:
    kind = "expire"

    def __init__(self, top, rules, run, more="", policy=""):
        self.top, self.run_program = top, run
        self.domains = {}
        self.count = 0
        os.makedirs(f"{top}/qmail/users")
        os.mkdir(f"{top}/state")
        os.chmod(f"{top}/state", 0o711)
        os.chmod(top, 0o755)
        self.conf, self.memory = f"{top}/conf", f"{top}/memory"
        self.sources = f'vpopmail = "{top}"'
        self.rules(rules, more, policy)

    def rules(self, rules, more="", policy=""):
        self.written = (rules, more, policy)
        with open(self.conf, "w", encoding="utf-8") as conf:
            conf.write(f"""hostname = "mail.example.com"
state_dir = "{self.top}/state"
qmail {{ dir = "{self.top}/qmail" }}
mailboxes {{ {self.sources} {more} }}
{self.kind} "x" {{ {rules}
{policy}
}}
""")
        os.chmod(self.conf, 0o644)

    def mailbox(self, user="u", domain="example.com", uid=UID, folders=()):
        mail = f"{self.top}/domains/{domain}"
        new = domain not in self.domains
        self.domains[domain] = uid
        os.makedirs(mail, exist_ok=True)
        os.chown(mail, uid, uid)
        with open(f"{mail}/vpasswd", "a", encoding="utf-8") as vpasswd:
            vpasswd.write(f"{user}:x:1:0:{user}:{mail}/{user}:NOQUOTA\n")
        if new:
            with open(f"{self.top}/qmail/users/assign", "w", encoding="utf-8") as assign:
                for name, owner in self.domains.items():
                    assign.write(f"+{name}-:{name}:{owner}:{owner}:{self.top}/domains/{name}:-::\n")
                assign.write(".\n")
        home = f"{mail}/{user}"
        os.makedirs(home, exist_ok=True)
        os.chown(home, uid, uid)
        for folder in ("", *folders):
            self.folder(f"{home}/Maildir" + (f"/{folder}" if folder else ""), uid)
        return f"{home}/Maildir"

    def folder(self, path, uid=UID, parts=("cur", "new", "tmp")):
        for part in ("", *parts):
            if not os.path.isdir(f"{path}/{part}"):
                os.makedirs(f"{path}/{part}")
            os.chown(f"{path}/{part}", uid, uid)
        return path

    def message(self, folder, days=100, part="cur", flags="S", name=None, size=10, uid=UID):
        self.count += 1
        name = name or f"{self.count}.M1P1.host" + (f":2,{flags}" if part == "cur" else "")
        path = f"{folder}/{part}/{name}" if isinstance(name, str) else f"{folder}/{part}/".encode() + name
        with open(path, "wb") as file:
            file.write(b"x" * size)
        when = time.time() - days * DAY
        os.utime(path, (when, when))
        os.chown(path, uid, uid)
        return path

    def run(self, *arguments, wait=True, **how):
        argv = [self.run_program, self.conf, f"{self.kind}.x", self.memory, *arguments]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   errors="backslashreplace", **how)
        if not wait:
            return process
        said = process.communicate()[0]
        if process.returncode != 0:
            raise AssertionError(f"exit {process.returncode}: {said}")
        return Report(said)

    def clean(self, *arguments):
        """Asks, is confirmed, and removes."""
        self.run()
        return self.run("confirm", *arguments)


class Report:
    def __init__(self, said):
        self.said = said
        self.findings = {m[2]: (m[1], m[3], m[4]) for m in
                         re.finditer(r"^(\w+) /(\S*) (\S+): (.*)$", said, re.M)}
        done = re.search(r"^DONE (.*)$", said, re.M)
        self.done = dict(re.findall(r"(\w+)=(\S+)", done[1])) if done else {}

    def expect(self, aspect, level, code, part=""):
        found = self.findings.get(aspect)
        if not found or found[:2] != (level, code) or part not in found[2]:
            raise AssertionError(f"/{aspect} is {found}, not {level} {code} ...{part}...\n{self.said}")

    def expired(self):
        return int(self.done["expired"])


def killable(environment=None):
    """The environment of programs of which a test kills one at random, and then that one's children. The look
    for leaks at an end of a program is a child, too, and a program whose look is killed waits for ever."""
    environment = dict(environment or os.environ)
    environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    return environment


def slow(run, microseconds):
    """The environment in which each call takes longer."""
    asan = subprocess.run(["gcc", "-print-file-name=libasan.so"], check=False, capture_output=True,
                          text=True).stdout.strip()
    with open(run, "rb") as program:
        first = [asan] if b"libasan" in program.read() else []
    return dict(os.environ, LD_PRELOAD=":".join(first + [os.path.join(os.path.dirname(run), "slowfs.so")]),
                SLOWFS_US=str(microseconds))


# ---- cases: each a store of its own --------------------------------------------------------------

ALL = 'age = received fuse = never read = "30d" unread = "30d" sent = "30d" trash = "30d" spam = "30d" tmp = "36h"'
OTHER = 2022
cases = []


def case(function):
    cases.append(function)
    return function


def same(message, a, b):
    if a != b:
        raise AssertionError(f"{message}: {a!r}, not {b!r}")


def there(*paths):
    for path in paths:
        if not os.path.lexists(path):
            raise AssertionError(f"it is gone: {path!r}")


def gone(*paths):
    for path in paths:
        if os.path.lexists(path):
            raise AssertionError(f"it is still there: {path!r}")


def run_cases(top, run, only, make=None):
    make = make or (lambda path: Store(path, ALL, run))
    failed = 0
    for function in cases:
        name = function.__name__
        if only and name not in only:
            continue
        began = time.monotonic()
        try:
            function(make(f"{top}/{name}"))
            print(f"ok     {name} {time.monotonic() - began:.1f}s", flush=True)
        except Exception as why:  # pylint: disable=broad-except
            failed += 1
            print(f"FAILED {name}: {type(why).__name__}: {why}", flush=True)
    sys.exit(1 if failed else 0)
