"""A store for tests of `learn`: mail of many sorts, a Bayes store of its own, and filters that misbehave."""

import os
import re
import subprocess
import time

from mailstore import DAY, UID, Store

QUIET = 'ham_age = "0s" rate = 0 max_load = never'

# Does what sa-learn does, but with nothing behind it; writes down what it was started with.
FAKE = """#!/usr/bin/python3
import os, re, sys
with open({log!r}, "a") as log:
    print(os.getuid(), *sys.argv[1:], file=log)
mbox = open(sys.argv[-1], "rb").read()
n = len(re.findall(rb"^From ", mbox, re.M))
open({mbox!r}, "ab").write(mbox)
print("Learned tokens from %d message(s) (%d message(s) examined)" % (n, n))
"""


class LearnStore(Store):
    kind = "learn"

    def __init__(self, top, run, rules=QUIET, user="nobody"):
        self.bayes, self.site, self.user = f"{top}/bayes", f"{top}/site", user
        os.makedirs(self.site)
        os.chmod(top, 0o755)
        os.mkdir(self.bayes)
        os.chmod(self.bayes, 0o777)
        with open(f"{self.site}/local.cf", "w", encoding="utf-8") as conf:
            conf.write("loadplugin Mail::SpamAssassin::Plugin::Bayes\nuse_bayes 1\nbayes_auto_learn 0\n"
                       f"bayes_path {self.bayes}/b\nbayes_file_mode 0777\n")
        self.sa = ["sa-learn", f"--siteconfigpath={self.site}", "--local"]
        self.log, self.mbox = f"{top}/fake.log", f"{top}/fake.mbox"
        super().__init__(top, "", run)
        self.real(rules)

    def real(self, rules=QUIET):
        self.rules(f"run = {{{', '.join(map(quoted, self.sa))}}} {self.whom()} {rules}")

    def whom(self):
        return f'user = "{self.user}"' if self.user else ""

    def fake(self, rules=QUIET, script=None):
        """A program in the place of sa-learn."""
        path = f"{self.top}/fake"
        with open(path, "w", encoding="utf-8") as file:
            file.write(script or FAKE.format(log=self.log, mbox=self.mbox))
        os.chmod(path, 0o755)
        for name in (self.log, self.mbox):
            with open(name, "a", encoding="utf-8"):
                os.chmod(name, 0o666)
        self.rules(f"run = {{{quoted(path)}}} {self.whom()} {rules}")
        return path

    def starts(self):
        """What the fake was started with since the last time."""
        with open(self.log, encoding="utf-8") as log:
            lines = log.read().splitlines()
        with open(self.log, "w", encoding="utf-8"):
            pass
        return lines

    def mail(self, folder, words=None, days=3, part="cur", flags="S", body=None, uid=UID, name=None):
        """A message like no other, which only its owner may read."""
        path = self.message(folder, days=days, part=part, flags=flags, uid=uid, name=name)
        words = words or f"word{self.count} thing{self.count * 7} more{self.count * 13}"
        body = body if body is not None else (f"From: a{self.count}@sender.example\nTo: u@example.com\n"
                                              f"Message-ID: <m{self.count}@sender.example>\n"
                                              f"Subject: {words}\n\n{words}\n").encode()
        with open(path, "wb") as file:
            file.write(body)
        os.chmod(path, 0o600)
        when = time.time() - days * DAY
        os.utime(path, (when, when))
        return path

    def mails(self, count, folder, **how):
        return [self.mail(folder, **how) for _ in range(count)]

    def counts(self):
        """(nspam, nham) of the Bayes store."""
        said = subprocess.run([*self.sa, "--dump", "magic"], check=False, capture_output=True, text=True).stdout
        return tuple(int(re.search(rf"(\d+)\s+\d+\s+non-token data: n{c}\n", said)[1]) for c in ("spam", "ham"))


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def move(path, folder, flags=None):
    name = os.path.basename(path)
    if flags is not None:
        name = name.split(":")[0] + f":2,{flags}"
    target = f"{folder}/cur/{name}"
    os.rename(path, target)
    return target


def figures(report, **wanted):
    """Of the DONE line; one that is not in it is 0."""
    got = {key: int(report.done.get(key, 0)) for key in wanted}
    if got != wanted:
        raise AssertionError(f"{got}, not {wanted}:\n{report.said}")
