"""What must never be removed, whatever a user does: expire_guards.py TOP RUN [CASE ...]. In each store one
message is due and goes, so that the run is known to have worked; the others stay."""

import os
import subprocess
import sys
import time

from mailstore import ALL, DAY, OTHER, UID, case, gone, run_cases, same, slow, there

def bait(store):
    """Old mail of the same uid, outside the mailbox."""
    folder = store.folder(f"{store.top}/domains/bait")
    return [store.message(folder, part=part) for part in ("cur", "new")]


# ---- links, mounts, owners -----------------------------------------------------------------------


@case
def links_below_a_mailbox_are_not_followed(store):
    box = store.mailbox(folders=(".Trash", ".Spam"))
    due, baits = store.message(box), bait(store)
    os.symlink(f"{store.top}/domains/bait", f"{box}/.Junk")
    os.rename(f"{box}/.Trash/cur", f"{box}/.Trash/away")
    os.symlink(f"{store.top}/domains/bait/cur", f"{box}/.Trash/cur")
    os.symlink(baits[0], f"{box}/cur/1.link:2,S")
    report = store.clean()
    gone(due)
    there(*baits, f"{box}/cur/1.link:2,S")
    same("expired", report.expired(), 1)


@case
def a_mailbox_that_is_a_link_is_left_alone(store):
    due, baits = store.message(store.mailbox()), bait(store)
    box = store.mailbox("v")
    os.rename(box, f"{box}.away")
    os.symlink(f"{store.top}/domains/bait", box)
    report = store.clean()
    gone(due)
    there(*baits)
    report.expect("mailboxes", "warn", "link")


@case
def a_home_that_is_a_link_is_left_alone(store):
    due, baits = store.message(store.mailbox()), bait(store)
    box = store.mailbox("v")
    os.rename(os.path.dirname(box), f"{os.path.dirname(box)}.away")
    os.makedirs(f"{store.top}/domains/home")
    os.rename(f"{store.top}/domains/bait", f"{store.top}/domains/home/Maildir")
    os.symlink(f"{store.top}/domains/home", os.path.dirname(box))
    store.clean()
    gone(due)
    there(*(b.replace("/bait/", "/home/Maildir/") for b in baits))


@case
def a_link_that_is_swapped_in_all_the_time_is_never_followed(store):
    box = store.mailbox(folders=(".Trash",))
    inner = store.folder(f"{box}/.Trash/bait")
    baits = bait(store) + [store.message(inner), store.message(inner, part="new")]
    swapper = subprocess.Popen([sys.executable, "-c", f"""
import os
os.setgid({UID}); os.setuid({UID})
os.chdir({box + '/.Trash'!r})
os.symlink({store.top + '/domains/bait/cur'!r}, 'link')
os.symlink('bait/cur', 'other')
while True:
    for link in ('link', 'other'):
        os.rename('cur', 'real'); os.rename(link, 'cur')
        os.rename('cur', link); os.rename('real', 'cur')
"""])
    try:
        store.run()
        store.run("confirm")
        end = time.monotonic() + 4
        while time.monotonic() < end:
            for _ in range(20):
                try:
                    store.message(f"{box}/.Trash", part="new", flags="")
                    store.message(box)
                except FileNotFoundError:
                    pass
            store.run()
            there(*baits)
    finally:
        swapper.kill()
        swapper.wait()


@case
def another_file_system_is_not_entered(store):
    box = store.mailbox(folders=(".Trash",))
    due = store.message(box)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", f"{box}/.Trash"], check=False).returncode:
        return
    try:
        old = store.message(store.folder(f"{box}/.Trash"))
        os.chown(f"{box}/.Trash", UID, UID)
        report = store.clean()
        gone(due)
        there(old)
        report.expect("folders", "warn", "other-fs")
    finally:
        subprocess.run(["umount", f"{box}/.Trash"], check=True)


@case
def what_is_another_users_stays(store):
    box = store.mailbox(folders=(".Trash", ".Spam"))
    due, file = store.message(box), store.message(box, uid=OTHER)
    in_folder = store.message(f"{box}/.Trash")
    in_dir = store.message(f"{box}/.Spam")
    os.chown(f"{box}/.Trash", OTHER, OTHER)
    os.chown(f"{box}/.Spam/cur", OTHER, OTHER)
    for path in (f"{box}/.Trash", f"{box}/.Spam/cur"):
        os.chmod(path, 0o777)
    report = store.clean()
    gone(due)
    there(file, in_folder, in_dir)
    report.expect("folders", "warn", "foreign")


@case
def a_folder_with_a_directory_of_another_user_is_told(store):
    box = store.mailbox(folders=(".Spam",))
    due, kept = store.message(box), store.message(f"{box}/.Spam")
    os.chown(f"{box}/.Spam/new", OTHER, OTHER)
    report = store.clean()
    gone(due)
    there(kept)
    report.expect("folders", "warn", "foreign", ".Spam: its cur, new or tmp")


@case
def a_mailbox_of_another_user_stays(store):
    due = store.message(store.mailbox())
    box = store.mailbox("v")
    old = store.message(box)
    os.chown(box, OTHER, OTHER)
    os.chmod(box, 0o777)
    report = store.clean()
    gone(due)
    there(old)
    report.expect("folders", "warn", "foreign", "belongs to uid 2022")


@case
def roots_rights_are_given_up(store):
    """A directory that its owner may not write to: root could."""
    box = store.mailbox(folders=(".Trash",))
    due, kept = store.message(box), store.message(f"{box}/.Trash")
    os.chmod(f"{box}/.Trash/cur", 0o555)
    report = store.clean()
    gone(due)
    there(kept)
    report.expect("folders", "fail", "cannot-remove", "Permission denied")
    same("errors", report.done["errors"], "1")


@case
def a_domain_of_roots_is_left_alone(store):
    due = store.message(store.mailbox())
    old = store.message(store.mailbox("r", "root.example", uid=0), uid=0)
    report = store.clean()
    gone(due)
    there(old)
    report.expect("mailboxes", "warn", "root-domain")


@case
def users_assign_that_others_can_write_is_not_read(store):
    old = store.message(store.mailbox())
    os.chmod(f"{store.top}/qmail/users/assign", 0o666)
    report = store.clean()
    there(old)
    report.expect("mailboxes", "fail", "no-assign", "will not read")
    report.expect("", "fail", "no-mailboxes")


# ---- only messages, only in Maildirs -------------------------------------------------------------


@case
def only_regular_files_directly_in_a_whole_maildir_go(store):
    box = store.mailbox(folders=(".Trash", ".Spam", ".Junk"))
    due = store.message(box)
    os.mkdir(f"{box}/cur/1.dir:2,S")
    os.makedirs(f"{box}/cur/sub")
    os.mkfifo(f"{box}/cur/2.fifo:2,S")
    inner = f"{box}/cur/sub/3.inner:2,S"
    open(inner, "w", encoding="ascii").close()
    half = []
    for folder, part in ((".Trash", "new"), (".Spam", "tmp"), (".Junk", "cur")):
        half.append(store.message(f"{box}/{folder}", part="new" if part == "cur" else "cur"))
        if part == "new":
            os.rmdir(f"{box}/{folder}/new")
        else:
            os.rmdir(f"{box}/{folder}/{part}")
    dotted = store.message(box, name=".hidden:2,S")
    index = f"{box}/dovecot.index"
    open(index, "w", encoding="ascii").close()
    os.utime(index, (1e9, 1e9))
    for path in (f"{box}/cur/1.dir:2,S", inner, f"{box}/cur/2.fifo:2,S"):
        os.utime(path, (1e9, 1e9))
        os.chown(path, UID, UID)
    report = store.clean()
    gone(due)
    there(inner, f"{box}/cur/1.dir:2,S", f"{box}/cur/2.fifo:2,S", dotted, index, *half)
    report.expect("folders", "warn", "no-file")


@case
def what_has_no_rule_stays(store):
    store.rules('age = received fuse = never trash = "30d"')
    box = store.mailbox(folders=(".Trash", ".Spam", ".Sent", ".Archive", ".Drafts"))
    due = store.message(f"{box}/.Trash")
    kept = [store.message(f"{box}/{f}") for f in ("", ".Spam", ".Sent", ".Archive", ".Drafts")]
    kept.append(store.message(box, part="new"))
    kept.append(store.message(box, part="tmp", name="1.tmp"))
    kept.append(store.message(f"{box}/.Trash", flags="FS"))
    store.clean()
    gone(due)
    there(*kept)


@case
def a_job_without_rules_removes_nothing(store):
    store.rules("fuse = never fuse_min = 0")
    box = store.mailbox(folders=(".Trash", ".Spam", ".Sent"))
    kept = [store.message(f"{box}/{f}", days=5000) for f in ("", ".Trash", ".Spam", ".Sent")]
    same("expired", store.clean().expired(), 0)
    there(*kept)


@case
def noexpire_keeps_a_mailbox_a_folder_and_what_is_below(store):
    box, other = store.mailbox(folders=(".Trash", ".Trash.Old", ".Spam")), store.mailbox("v", folders=("Trash", "Trash/Old"))
    third = store.mailbox("w", folders=(".Trash",))
    due = [store.message(box), store.message(f"{box}/.Spam"), store.message(other)]
    kept = [store.message(f"{box}/.Trash"), store.message(f"{box}/.Trash.Old"), store.message(f"{other}/Trash"),
            store.message(f"{other}/Trash/Old"), store.message(third), store.message(f"{third}/.Trash")]
    for folder in (f"{box}/.Trash", f"{other}/Trash", third):
        open(f"{folder}/.noexpire", "w", encoding="ascii").close()
    store.clean()
    gone(*due)
    there(*kept)


@case
def noexpire_counts_also_after_the_index_knows_the_folder(store):
    box = store.mailbox(folders=(".Trash",))
    old = store.message(f"{box}/.Trash", days=29)
    store.clean()
    there(old)
    time.sleep(2.1)
    store.run()
    open(f"{box}/.Trash/.noexpire", "w", encoding="ascii").close()
    store.run(f"now={int(time.time()) + DAY - 7}")
    store.run(f"now={int(time.time()) + 2 * DAY - 14}")
    there(old)
    os.unlink(f"{box}/.Trash/.noexpire")
    store.run(f"now={int(time.time()) + 3 * DAY - 21}")
    gone(old)


# ---- under our hands -----------------------------------------------------------------------------


@case
def what_is_no_longer_due_by_the_time_is_kept(store):
    """Between the look and the removal messages become young, or get a star, or go."""
    store.rules(ALL + " parallel = 1")
    box = store.mailbox()
    paths = [store.message(box) for _ in range(300)]
    store.run()
    store.run("confirm", f"until={int(time.time())}")
    process = store.run(wait=False, env=slow(store.run_program, 1000))
    while all(os.path.exists(p) for p in paths):
        time.sleep(0.001)
    young = []
    for i, path in enumerate(paths):
        try:
            if i % 3 == 0:
                os.utime(path)
                young.append(path)
            elif i % 3 == 1:
                os.rename(path, path.replace(":2,S", ":2,FS"))
                young.append(path.replace(":2,S", ":2,FS"))
            else:
                os.unlink(path)
        except FileNotFoundError:
            pass
    process.communicate()
    left = [p for p in young if os.path.exists(p)]
    # A few may have gone between our look and our change; most had the time to change.
    if len(left) < 20:
        raise AssertionError(f"only {len(left)} of {len(young)} that were no longer due are left")
    same("gone although young", len(young) - len(left), 0)


run_cases(sys.argv[1], sys.argv[2], sys.argv[3:])
