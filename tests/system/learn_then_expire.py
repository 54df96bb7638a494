"""expire keeps spam until a learn job has seen it: learn_then_expire.py TOP RUN [CASE...]. A clock that jumps is
confirmed, as the admin would."""

import sys
import time

from learnstore import QUIET, LearnStore, figures
from mailstore import DAY, case, gone, run_cases, same, there

EXPIRE = 'expire "x" {{ age = received fuse = never spam = "30d" trash = "30d" {} }}'


class Both(LearnStore):
    """Jobs learn.x and expire.x."""

    def both(self, learn=f'every = "1d" {QUIET}', expire=""):
        self.kind = "learn"
        self.fake(learn)
        with open(self.conf, "a", encoding="utf-8") as conf:
            conf.write(EXPIRE.format(expire))

    def expire(self, *arguments):
        self.kind, learned = "expire", self.memory
        self.memory = f"{self.top}/memory.expire"
        try:
            return self.run(*arguments)
        finally:
            self.kind, self.memory = "learn", learned


def days(number):
    return f"now={int(time.time() + number * DAY)}"


@case
def spam_goes_when_it_was_learned(s):
    s.both()
    box = s.mailbox(folders=(".Spam", ".Trash"))
    spam = s.mails(3, f"{box}/.Spam", days=100)
    trash = s.mail(f"{box}/.Trash", days=100)
    s.expire()
    figures(s.expire("confirm"), expired=1, trash=1, spam=0, kept=3, unlearned=0)
    gone(trash)
    there(*spam)
    figures(s.run(), offered=3, spam=3)
    figures(s.expire(), expired=3, kept=0, unlearned=0)
    gone(*spam)


@case
def it_goes_after_two_intervals_all_the_same(s):
    s.both()
    box = s.mailbox(folders=(".Spam",))
    old = s.mail(f"{box}/.Spam", days=100)
    s.expire()
    figures(s.expire("confirm"), expired=0, kept=1)
    fresh = s.mail(f"{box}/.Spam", days=29.5)  # due in half a day
    figures(s.expire(days(1.5), "confirm"), expired=0, kept=2)
    figures(s.expire(days(2.1), "confirm"), expired=1, kept=1, unlearned=1)
    gone(old)
    there(fresh)
    figures(s.expire(days(2.6), "confirm"), expired=1, kept=0, unlearned=1)
    gone(fresh)


@case
def what_no_learn_job_would_take_is_not_kept(s):
    s.both(f'every = "1d" {QUIET} max_size = "1K"')
    box = s.mailbox(folders=(".Spam",))
    gone_at_once = [s.mail(f"{box}/.Spam", days=100, flags=""), s.mail(f"{box}/.Spam", days=100, flags="ST"),
                    s.mail(f"{box}/.Spam", days=100, body=b""),
                    s.mail(f"{box}/.Spam", days=100, body=b"Subject: large\n\n" + b"x" * 2000)]
    kept = s.mail(f"{box}/.Spam", days=100)
    s.expire()
    figures(s.expire("confirm"), expired=4, kept=1)
    gone(*gone_at_once)
    there(kept)


@case
def nothing_is_kept_where_it_is_not_wanted(s):
    box = s.mailbox(folders=(".Spam",))
    for learn, expire in ((f"spam = no {QUIET}", ""), (QUIET, "keep_unlearned = no")):
        s.both(learn, expire)
        spam = s.mail(f"{box}/.Spam", days=100)
        s.expire()
        figures(s.expire("confirm"), expired=1, kept=0)
        gone(spam)


@case
def the_share_of_a_mailbox_may_take_more_than_one_run(s):
    s.both(f'every = "1d" {QUIET} max_per_mailbox = 2')
    box = s.mailbox(folders=(".Spam",))
    s.mails(5, f"{box}/.Spam", days=100)
    s.expire()
    s.expire("confirm")
    left = []
    for _ in range(3):
        s.run()
        left.append(int(s.expire().done["expired"]))
    same("gone by and by", left, [2, 2, 1])


run_cases(sys.argv[1], sys.argv[2], sys.argv[3:], lambda path: Both(path, sys.argv[2]))
