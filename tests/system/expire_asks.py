"""What is asked first: new rules, more than may be meant, clocks that make no sense; and what was restored
or copied: expire_asks.py TOP RUN [CASE ...]"""

import re
import subprocess
import sys
import time

from mailstore import ALL, DAY, UID, Store, case, gone, run_cases, same, there


# ---- asking first --------------------------------------------------------------------------------


@case
def nothing_is_removed_unseen(store):
    store.mailbox("v", "b.example")
    box = store.mailbox(folders=(".Trash",))
    old = [store.message(box), store.message(f"{box}/.Trash")]
    for arguments in (("confirm",), ()):
        report = store.run(*arguments)
        report.expect("confirm", "fail", "unconfirmed", "would remove 2 of 2 messages")
        report.expect("confirm", "fail", "unconfirmed", "(read=1 trash=1)")
        there(*old)
    report = store.run("confirm")
    report.expect("confirm", "ok", "ok")
    gone(*old)
    again = store.message(box)
    store.run().expect("confirm", "ok", "ok")
    gone(again)


@case
def stricter_rules_ask_again_and_laxer_ones_do_not(store):
    box = store.mailbox(folders=(".Trash",))
    store.clean()
    strict, lax = [
        ALL.replace('trash = "30d"', 'trash = "29d"'), ALL + " flagged = yes",
        ALL + ' trash_folders = {"Trash", "Bin"}', ALL.replace('read = "30d"', 'read = "1d"'),
    ], [
        ALL.replace('trash = "30d"', 'trash = "31d"'), ALL.replace('sent = "30d"', 'sent = "never"'),
        ALL.replace('spam = "30d"', ""), ALL + " parallel = 2", ALL.replace("age = received", "age = moved"),
    ]
    keep = open(store.memory, encoding="utf-8").read()
    for rules in strict + lax:
        with open(store.memory, "w", encoding="utf-8") as memory:
            memory.write(keep)
        old = store.message(f"{box}/.Trash", days=29.5)
        due = store.message(box, days=400)
        store.rules(rules)
        report = store.run()
        if rules in strict:
            report.expect("confirm", "fail", "unconfirmed")
            there(due, old)
        else:
            report.expect("confirm", "ok", "ok")
            there(old)
    with open(store.memory, "w", encoding="utf-8") as memory:
        memory.write(keep)
    store.rules(ALL, policy='policy "u@example.com" { trash = "1d" }')
    store.run().expect("confirm", "fail", "unconfirmed")
    store.run("confirm").expect("confirm", "ok", "ok")
    store.rules(ALL)
    store.run().expect("confirm", "ok", "ok")


# ---- the fuse ------------------------------------------------------------------------------------


def fused(store):
    store.rules(ALL.replace("fuse = never", 'fuse = "25%" fuse_min = 20'))


@case
def the_fuse_of_a_domain_keeps_that_domain(store):
    fused(store)
    small, large = store.mailbox("u", "a.example"), store.mailbox("v", "b.example")
    for _ in range(400):
        store.message(large, days=1)
    few = [store.message(large) for _ in range(15)]
    store.clean()
    gone(*few)
    many = [store.message(small) for _ in range(30)]
    few = [store.message(large) for _ in range(15)]
    report = store.run()
    report.expect("fuse", "fail", "too-many", "30 of 30 messages of a.example are due (100%)")
    there(*many)
    gone(*few)
    store.run("confirm").expect("fuse", "ok", "ok")
    gone(*many)


@case
def the_fuse_of_all_keeps_all(store):
    fused(store)
    boxes = [store.mailbox("u", f"d{i}.example") for i in range(4)]
    for box in boxes:
        for _ in range(20):
            store.message(box, days=1)
    store.clean()
    old = [store.message(box) for box in boxes for _ in range(15)]  # none over fuse_min by itself
    report = store.run()
    report.expect("fuse", "fail", "too-many", "60 of 140 messages are due (42%)")
    there(*old)
    store.run("confirm")
    gone(*old)


@case
def fuse_min_lets_small_numbers_pass(store):
    fused(store)
    box = store.mailbox()
    store.clean()
    old = [store.message(box) for _ in range(20)]
    store.run().expect("fuse", "ok", "ok")
    gone(*old)


@case
def a_confirmation_is_void_when_more_than_a_tenth_has_come(store):
    fused(store)
    box = store.mailbox()
    store.clean()
    old = [store.message(box) for _ in range(100)]
    store.run().expect("fuse", "fail", "too-many", "100 of 100")
    old += [store.message(box) for _ in range(11)]
    store.run("confirm").expect("fuse", "fail", "too-many", "does not count")
    there(*old)
    old += [store.message(box) for _ in range(11)]
    store.run("confirm").expect("fuse", "ok", "ok")  # 122 beside 111, which were told: a tenth
    gone(*old)


@case
def a_confirmation_before_anything_was_told_does_not_count(store):
    fused(store)
    box = store.mailbox()
    store.clean()
    old = [store.message(box) for _ in range(100)]
    store.run("confirm").expect("fuse", "fail", "too-many")
    there(*old)


@case
def a_clock_that_makes_no_sense_trips_it(store):
    box = store.mailbox()
    store.clean()
    old = store.message(box)
    now = int(time.time())
    store.run(f"now={now - 3600}").expect("fuse", "fail", "clock", "before the last run")
    store.run(f"now={now + 2 * DAY}").expect("fuse", "fail", "clock", "set forward by")
    there(old)
    store.run().expect("fuse", "ok", "ok")  # it is right again
    gone(old)
    old = store.message(box)
    with open(store.memory, encoding="utf-8") as memory:
        text = memory.read()
    with open(store.memory, "w", encoding="utf-8") as memory:
        # The machine was started anew since.
        memory.write(re.sub(r"^(clocks \d+ \d+) .*$", r"\1 another-start", text, flags=re.M))
    store.run(f"now={now + 32 * DAY}").expect("fuse", "fail", "clock", "started anew")
    there(old)
    store.run(f"now={now + 20 * DAY}").expect("fuse", "ok", "ok")
    gone(old)
    old = store.message(box)
    store.run(f"now={now + 40 * DAY}").expect("fuse", "fail", "clock")
    store.run(f"now={now + 40 * DAY}", "confirm").expect("fuse", "ok", "ok")
    gone(old)


@case
def what_was_restored_or_copied_today_is_young(store):
    """By "moved", whatever dates it has; by "received" all of it would go."""
    source = Store(f"{store.top}/source", ALL, store.run_program)
    box = source.mailbox(folders=(".Trash", ".Spam", ".Sent"))
    for folder in ("", ".Trash", ".Spam", ".Sent"):
        for part in ("cur", "new"):
            source.message(f"{box}/{folder}", part=part, flags="")
    for how in (["rsync", "-a"], ["cp", "-r"], ["cp", "-a"]):
        copy = Store(f"{store.top}/{how[0]}{how[1]}", ALL.replace("age = received", "age = moved"), store.run_program)
        copy.mailbox()
        subprocess.run([*how, f"{source.top}/domains/example.com/u/Maildir/.",
                        f"{copy.top}/domains/example.com/u/Maildir/"], check=True)
        subprocess.run(["chown", "-R", f"{UID}:{UID}", f"{copy.top}/domains"], check=True)
        same(" ".join(how), copy.clean().expired(), 0)
    same("by received", source.clean().expired(), 8)


run_cases(sys.argv[1], sys.argv[2], sys.argv[3:])
