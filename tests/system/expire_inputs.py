"""Bad input, sources of mailboxes, windows, quotas and the index: expire_inputs.py TOP RUN [CASE ...]"""

import os
import subprocess
import sys
import time

from mailstore import ALL, DAY, OTHER, UID, case, gone, run_cases, same, slow, there


# ---- bad input -----------------------------------------------------------------------------------


@case
def odd_names_are_only_names(store):
    box = store.mailbox(folders=(".Trash",))
    names = [b"a\nb:2,S", b"q\"uote'$(id):2,S", b"\xff\xfe\x80:2,S", b"x" * 251 + b":2,S", b"tab\t;rm -rf:2,S"]
    due = [store.message(f"{box}/.Trash", name=name) for name in names]
    for folder in (b".bad\nname", b".&AGE", b".\xff\xfe", b".Trash.\x1b[31m", b"." + b"y" * 254):
        path = box.encode() + b"/" + folder
        for part in (b"", b"/cur", b"/new", b"/tmp"):
            os.makedirs(path + part, exist_ok=True)
            os.chown(path + part, UID, UID)
    inner = store.message(f"{box}/.Trash.\x1b[31m")
    store.clean()
    gone(*due, inner)


@case
def impossible_dates_are_kept_and_told(store):
    box = store.mailbox()
    due = store.message(box)
    kept = [store.message(box) for _ in range(3)]
    for path, when in zip(kept, (0, 86400, 4300000000)):
        os.utime(path, (when, when))
    report = store.clean()
    gone(due)
    there(*kept)
    report.expect("folders", "warn", "no-date", "3 in cur/")


@case
def what_cannot_be_read_is_told_and_the_others_go_on(store):
    box, other = store.mailbox(folders=(".Trash",)), store.mailbox("v")
    kept, due = store.message(f"{box}/.Trash"), [store.message(box), store.message(other)]
    os.chmod(f"{box}/.Trash/cur", 0)
    report = store.clean()
    os.chmod(f"{box}/.Trash/cur", 0o700)
    gone(*due)
    there(kept)
    report.expect("folders", "fail", "unreadable", ".Trash: Permission denied")


@case
def what_is_wrong_is_told_each_time(store):
    """Also when the index knows all that is around it."""
    box = store.mailbox(folders=(".Trash", ".Spam", ".Sent"))
    store.message(box, days=1)
    os.utime(store.message(f"{box}/.Spam"), (0, 0))
    os.mkdir(f"{box}/.Sent/cur/1.dir")
    os.chown(f"{box}/.Trash", OTHER, OTHER)
    store.clean()
    for _ in range(3):
        time.sleep(2.1)
        report = store.run()
        report.expect("folders", "warn", "foreign", "(and 2 more)")


@case
def a_read_only_file_system_is_told_and_the_others_go_on(store):
    box, other = store.mailbox(), store.mailbox("v")
    kept, due = store.message(box), store.message(other)
    if subprocess.run(["mount", "--bind", os.path.dirname(box), os.path.dirname(box)], check=False).returncode:
        return
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", os.path.dirname(box)], check=True)
        report = store.clean()
    finally:
        subprocess.run(["umount", os.path.dirname(box)], check=True)
    gone(due)
    there(kept)
    report.expect("folders", "fail", "read-only")


@case
def broken_lines_of_vpasswd_are_told_and_the_others_go_on(store):
    due = store.message(store.mailbox())
    outside = store.message(store.folder(f"{store.top}/domains/outside/Maildir"))
    mail = f"{store.top}/domains/example.com"
    with open(f"{mail}/vpasswd", "a", encoding="latin-1") as vpasswd:
        vpasswd.write("half:x:1\n\n:x:1:0:g:" + mail + "/e:NOQUOTA\n")
        vpasswd.write(f"a:x:1:0:g:{store.top}/domains/outside:NOQUOTA\n")
        vpasswd.write(f"b:x:1:0:g:{mail}/../outside:NOQUOTA\n")
        vpasswd.write(f"c/d:x:1:0:g:{mail}/c:NOQUOTA\nlost:x:1:0:g:{mail}/lost:NOQUOTA\n")
    report = store.clean()
    gone(due)
    there(outside)
    report.expect("mailboxes", "warn", "bad-user", "(and 5 more)")
    same("missing", "lost" in report.said, False)  # it is one of the others


@case
def a_mailbox_that_is_missing_is_a_finding(store):
    due = store.message(store.mailbox())
    os.rename(store.mailbox("v"), f"{store.top}/domains/v")
    report = store.clean()
    gone(due)
    report.expect("mailboxes", "warn", "missing", "example.com/v/Maildir")


@case
def two_users_with_one_directory_are_left_alone(store):
    due = store.message(store.mailbox())
    old = store.message(store.mailbox("v"))
    mail = f"{store.top}/domains/example.com"
    with open(f"{mail}/vpasswd", "a", encoding="ascii") as vpasswd:
        vpasswd.write(f"w:x:1:0:g:{mail}/v:NOQUOTA\n")
    report = store.clean()
    gone(due)
    there(old)
    report.expect("mailboxes", "warn", "shared")


@case
def no_mailbox_at_all_is_a_failure(store):
    with open(f"{store.top}/qmail/users/assign", "w", encoding="ascii") as assign:
        assign.write(".\n")
    store.run().expect("", "fail", "no-mailboxes", "no mailbox at all")


@case
def without_a_domain_directory_it_says_so(store):
    due = store.message(store.mailbox())
    store.mailbox("x", "gone.example")
    os.rename(f"{store.top}/domains/gone.example", f"{store.top}/away")
    report = store.clean()
    gone(due)
    report.expect("mailboxes", "fail", "no-domain", "gone.example")


@case
def vuserinfo_is_asked_where_there_is_no_vpasswd(store):
    box = store.mailbox()
    due, mail = store.message(box), f"{store.top}/domains/example.com"
    os.rename(f"{mail}/vpasswd", f"{store.top}/vpasswd")
    store.clean().expect("mailboxes", "fail", "no-users", "no vpasswd")
    there(due)
    os.makedirs(f"{store.top}/bin")
    with open(f"{store.top}/bin/vuserinfo", "w", encoding="ascii") as program:
        program.write(f'#!/bin/sh\n[ "$*" = "-d -D example.com" ] || exit 1\n[ "$(id -u)" = {UID} ] || exit 2\n'
                      f"echo ------\necho {mail}/u\n")
    os.chmod(f"{store.top}/bin/vuserinfo", 0o755)
    store.run()
    gone(due)


# ---- patterns ------------------------------------------------------------------------------------


@case
def patterns_find_mailboxes_by_their_owner(store):
    store.sources = f'glob = {{"{store.top}/srv/%d/%u/Maildir"}}'
    store.rules(ALL)
    due = []
    for domain, user, uid in (("a.example", "x", 2031), ("b.example", "y", 2032)):
        box = store.folder(f"{store.top}/srv/{domain}/{user}/Maildir", uid)
        os.chown(os.path.dirname(box), uid, uid)
        due.append(store.message(box, uid=uid))
    low = store.folder(f"{store.top}/srv/a.example/low/Maildir", 99)
    kept = [store.message(low, uid=99)]
    target = store.folder(f"{store.top}/target/Maildir", 2031)
    kept.append(store.message(target, uid=2031))
    os.symlink(f"{store.top}/target", f"{store.top}/srv/a.example/link")
    os.makedirs(f"{store.top}/srv/a.example/inner")
    os.symlink(f"{store.top}/target/Maildir", f"{store.top}/srv/a.example/inner/Maildir")
    root = store.folder(f"{store.top}/srv/a.example/root/Maildir", 0)
    kept.append(store.message(root, uid=0))
    report = store.clean()
    gone(*due)
    there(*kept)
    report.expect("mailboxes", "warn", "refused-uid", "(and 1 more)")
    store.rules(ALL, more='uids = {"99"}')
    store.run()
    gone(kept.pop(0))
    there(*kept)


@case
def users_of_the_system_have_mailboxes_in_their_homes(store):
    """With a table of users of our own, where a mount namespace can be had."""
    users = [("alice", 2041), ("bob", 2042), ("daemon", 99), ("boss", 0)]
    with open(f"{store.top}/passwd", "w", encoding="ascii") as passwd:
        for name, uid in [("root", 0)] + users:
            passwd.write(f"{name}:x:{uid}:{uid}::{store.top}/home/{name}:/bin/false\n")
    due = {}
    for name, uid in users:
        box = store.folder(f"{store.top}/home/{name}/Maildir", uid)
        os.chown(os.path.dirname(box), uid, uid)
        due[name] = store.message(box, uid=uid)
    os.rename(f"{store.top}/home/bob/Maildir", f"{store.top}/bobs")
    os.symlink(f"{store.top}/bobs", f"{store.top}/home/bob/Maildir")
    store.sources = "passwd = yes"
    store.rules(ALL)
    with open(f"{store.top}/run", "w", encoding="ascii") as script:
        script.write(f"#!/bin/sh\nexec unshare -m sh -c 'mount --bind {store.top}/passwd /etc/passwd && "
                     f"exec {store.run_program} \"$@\"' sh \"$@\"\n")
    os.chmod(f"{store.top}/run", 0o755)
    if subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        return
    store.run_program = f"{store.top}/run"
    same("mailboxes", store.clean().done["mailboxes"], "1")
    gone(due["alice"])
    there(f"{store.top}/bobs/cur/{os.path.basename(due['bob'])}", due["daemon"], due["boss"])


@case
def a_mailbox_that_two_sources_find_counts_once(store):
    box = store.mailbox("u")
    store.sources = f'vpopmail = "{store.top}" glob = {{"{store.top}/domains/%d/%u/Maildir"}}'
    store.rules(ALL, policy='policy "*@example.com" { read = "never" }')
    old = store.message(box)
    same("mailboxes", store.clean().done["mailboxes"], "1")
    there(old)


@case
def excluded_ones_are_left_alone(store):
    due = store.message(store.mailbox())
    old = [store.message(store.mailbox("v")), store.message(store.mailbox("l", "lists.example.com"))]
    store.rules(ALL, more='exclude = {"*@LISTS.example.com", "v@example.com"}')
    same("mailboxes", store.clean().done["mailboxes"], "1")
    gone(due)
    there(*old)


# ---- the window, the quota -----------------------------------------------------------------------


@case
def a_window_that_ends_is_gone_on_with(store):
    store.rules(ALL + " parallel = 1")
    boxes = [store.mailbox(f"u{i:02}") for i in range(40)]
    store.run()
    store.run("confirm", f"until={int(time.time())}")
    due = [store.message(box) for box in boxes for _ in range(30)]
    rounds, window = 0, 2
    seen = len(due)
    while any(os.path.exists(p) for p in due):
        rounds += 1
        report = store.run(f"until={int(time.time()) + window}", wait=False, env=slow(store.run_program, 3000))
        said = report.communicate()[0]
        left = sum(os.path.exists(p) for p in due)
        if left == seen:  # a slow machine has not even begun by then
            window *= 2
        if window > 100 or rounds > 60:
            raise AssertionError(f"round {rounds}: it does not get on, {left} are left: {said}")
        seen = left
    if rounds < 3:
        raise AssertionError(f"the window did not end in the middle: {rounds} rounds")


@case
def where_it_would_go_on_may_be_gone(store):
    """Each is looked at once all the same, wherever it begins."""
    boxes = [store.mailbox(f"u{i}") for i in range(5)]
    store.clean()
    for at, begins in (("u2@example.com", 3), ("nobody@example.com", 0), ("u4@example.com", 0), ("-", 0)):
        due = [store.message(box) for box in boxes]
        with open(store.memory, "a", encoding="ascii") as memory:
            memory.write(f"at {UID} {at}\n")
        report = store.run()
        gone(*due)
        same(f"mailboxes from {at}", report.done["mailboxes"], "5")
        same(f"due from {at} ({begins})", report.done["due"], "5")


@case
def the_quota_stays_right(store):
    for quota_trash, expected in (("no", (-30 - 1000, -2)), ("yes", (-30 - 1000 - 50 - 70, -4))):
        box = store.mailbox(f"q{quota_trash}", folders=(".Trash", ".Spam"))
        store.rules(ALL + f" quota_trash = {quota_trash}")
        store.message(box, size=30)
        store.message(f"{box}/.Spam", name="1.M1P1.host,S=1000:2,S")
        store.message(f"{box}/.Trash", size=50)
        store.message(box, flags="ST", size=70)
        store.message(box, part="tmp", name="9.tmp", size=500)
        os.utime(f"{box}/tmp/9.tmp", (1e9, 1e9))
        with open(f"{box}/maildirsize", "w", encoding="ascii") as file:
            file.write("10000000S\n1150 4\n")
        os.chown(f"{box}/maildirsize", UID, UID)
        store.clean()
        store.run()
        with open(f"{box}/maildirsize", encoding="ascii") as file:
            lines = file.read().split("\n")
        same("lines", len(lines), 4)
        same("the line", tuple(map(int, lines[2].split())), expected)
    box = store.mailbox("none")
    store.message(box)
    store.run()
    gone(f"{box}/maildirsize")


# ---- the index -----------------------------------------------------------------------------------


@case
def a_damaged_index_is_set_aside_and_told(store):
    box = store.mailbox()
    store.clean()
    index = f"{store.top}/state/index/{UID}/index.db"
    for garbage in (b"", b"garbage" * 1000, None):
        due = store.message(box)
        if garbage is None:
            os.unlink(index)
            os.mkfifo(index)
            os.chown(index, UID, UID)
        else:
            with open(index, "wb") as file:
                file.write(garbage)
        report = store.run()
        gone(due)
        report.expect("index", *(("warn", "index-damaged") if garbage != b"" else ("ok", "ok")))
    there(index + ".damaged")
    os.chown(os.path.dirname(index), OTHER, OTHER)
    due = store.message(box)
    store.run().expect("index", "warn", "no-index")
    gone(due)


@case
def what_changes_is_seen_whatever_the_index_holds(store):
    box = store.mailbox(folders=(".Trash",))
    store.message(box, days=1)
    store.clean()
    time.sleep(2.1)
    store.run()
    report = store.run()
    same("skipped", report.done["skipped"], "2")
    same("looked at", report.done["folders"], "0")
    due = [store.message(f"{box}/.Trash"), store.message(store.folder(f"{box}/.Spam")),
           store.message(store.folder(f"{box}/Trash"))]
    store.run()
    gone(*due)
    for days in (29, 31):  # after 30 days all is looked at, though nothing has changed
        with open(store.memory, encoding="utf-8") as memory:
            kept = [line for line in memory if not line.startswith("clocks")]
        with open(store.memory, "w", encoding="utf-8") as memory:
            memory.writelines(kept)
        time.sleep(2.1)
        store.rules(ALL.replace('"30d"', '"400d"'))
        now = int(time.time())
        report = store.run(f"now={now}") if days == 29 else report
        later = store.run(f"now={now + days * DAY}")
        same(f"looked at after {days} days", later.done["folders"], "0" if days == 29 else "4")


run_cases(sys.argv[1], sys.argv[2], sys.argv[3:])
