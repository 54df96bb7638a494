"""The oracle of the differential test of `expire`: it makes random stores and says, by os.walk and
arithmetic, what must be gone. It shares nothing with the code it judges.

    oracle.py make ROOT SEED UID AHEAD
                                    a store as of AHEAD seconds from now, and ROOT/expire.conf
    oracle.py expect ROOT NOW        the paths that must be gone at that time
    oracle.py live ROOT              all paths that are there now
"""

import base64
import json
import os
import random
import sys

DAY = 86400
TRASH = ("trash", "deleted items", "deleted messages")
SPAM = ("spam", "junk", "junk e-mail")
SENT = ("sent", "sent items", "sent messages", "sent-mail")
TMP_LEAST = 36 * 3600  # what is younger may be a delivery under way
CLASSES = ("read", "unread", "sent", "trash", "spam", "tmp")
LIMITS = {"1s": 1, "2s": 2, "36h": 36 * 3600, "1d": DAY, "2d": 2 * DAY, "7d": 7 * DAY, "2w": 14 * DAY,
          "30d": 30 * DAY, "180d": 180 * DAY, "365d": 365 * DAY}
FOLDERS = (".Trash", ".Trash.Old", ".trash", ".TRASH.x.y", ".INBOX.Trash", ".Deleted Items", ".Spam", ".Junk",
           ".Junk E-mail", ".Sent", ".Sent Items", ".Sent.2019", ".Archive", ".Entw&APw-rfe", ".Trashcan",
           ".SpamX", ".inbox.Sent", ".&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-", "Trash", "Trash/Sub", "Spam", "Sent",
           "Sent/Sub", "Work", "Work/Trash", "INBOX/Trash", "INBOX")


# ---- making ------------------------------------------------------------------------------------


def put(path, mtime):
    with open(path, "w", encoding="ascii") as file:
        file.write("x" * random.randrange(0, 40))
    os.utime(path, (mtime, mtime))


def a_time(now):
    if random.random() < 0.5:
        return now - random.choice([v for v in LIMITS.values() if v >= DAY]) + random.choice((-1, 0, 1))
    if random.random() < 0.03:
        return random.choice((0, 5000, now + 400 * DAY, now + 1000))
    return now - random.randrange(0, 500 * DAY)


def a_name(part):
    name = f"{random.randrange(10**9)}.M{random.randrange(10**9)}P{random.randrange(10**5)}.host"
    if random.random() < 0.4:
        name += f",S={random.randrange(10**6)}"
    if part == "cur":
        flags = "".join(f for f in "DFPRST" if random.random() < (0.6 if f == "S" else 0.2))
        name += random.choice((f":2,{flags}", f":2,{flags}", f":2,{flags}ab", "", ":1,x"))
    return ("." if random.random() < 0.05 else "") + name


def make_folder(base, now):
    for part in ("cur", "new", "tmp"):
        os.makedirs(f"{base}/{part}", exist_ok=True)
        for _ in range(random.randrange(0, 12)):
            put(f"{base}/{part}/{a_name(part)}", a_time(now))
    if random.random() < 0.1:
        os.makedirs(f"{base}/cur/{a_name('cur')}")
    if random.random() < 0.1:
        os.symlink("/etc/hostname", f"{base}/cur/{a_name('cur')}")
    if random.random() < 0.08:
        open(f"{base}/.noexpire", "w", encoding="ascii").close()
    if random.random() < 0.05:
        victim = f"{base}/{random.choice(('cur', 'new', 'tmp'))}"
        os.rename(victim, victim + ".away")


def keys():
    lines = []
    for name in CLASSES:
        if random.random() < 0.75:
            limits = [text for text, value in LIMITS.items() if name != "tmp" or value >= TMP_LEAST]
            lines.append(f'{name} = "{random.choice(limits + ["never"])}"')
    for name in ("age", "read_age", "unread_age", "sent_age", "trash_age", "spam_age"):
        if random.random() < 0.4:
            lines.append(f"{name} = {random.choice(('received', 'received', 'moved'))}")
    if random.random() < 0.3:
        lines.append(f"flagged = {random.choice(('yes', 'no'))}")
    return lines


def make(root, seed, uid, ahead):
    random.seed(seed)
    now = int(os.stat(root).st_mtime) + ahead
    os.makedirs(f"{root}/qmail/users")
    domains = ["a.example", "b.example", "c.example"]
    assign = ""
    users = []
    for domain in domains:
        top = f"{root}/domains/{domain}"
        os.makedirs(top)
        row = f":{domain}:{uid}:{uid}:{top}:-::\n"
        assign += f"+{domain}-{row}" + (f"+alias-{domain}-{row}" if random.random() < 0.5 else "")
        with open(f"{top}/vpasswd", "w", encoding="ascii") as vpasswd:
            for i in range(random.randrange(1, 5)):
                where = f"{top}/{random.choice(('', '0/', 'a/b/'))}u{i}"
                users.append(f"u{i}@{domain}")
                vpasswd.write(f"u{i}:x:1:0:u:{where}:NOQUOTA\n")
                make_folder(f"{where}/Maildir", now)
                for folder in random.sample(FOLDERS, random.randrange(0, 9)):
                    make_folder(f"{where}/Maildir/{folder}", now)
                if random.random() < 0.08:
                    open(f"{where}/Maildir/.noexpire", "w", encoding="ascii").close()
    with open(f"{root}/qmail/users/assign", "w", encoding="ascii") as file:
        file.write(assign + ".\n")
    policies = []
    for title in [f"*@{d}" for d in domains] + users:
        if random.random() < 0.3:
            policies.append((title.upper() if random.random() < 0.2 else title, keys()))
    own = keys()
    with open(f"{root}/expire.conf", "w", encoding="ascii") as conf:
        conf.write('expire "x" {\n fuse = never\n parallel = %d\n' % random.choice((1, 3, 8)))
        conf.write("".join(f" {line}\n" for line in own))
        for title, lines in policies:
            conf.write(f' policy "{title}" {{\n' + "".join(f"  {line}\n" for line in lines) + " }\n")
        conf.write("}\n")
    with open(f"{root}/rules", "w", encoding="ascii") as rules:
        json.dump({"own": own, "policies": policies}, rules)
    for where, names, files in os.walk(f"{root}/domains"):
        for name in names + files:
            os.chown(f"{where}/{name}", uid, uid, follow_symlinks=False)
    os.chown(f"{root}/domains", uid, uid)


# ---- judging -----------------------------------------------------------------------------------


def parsed(lines):
    return {line.split(" = ")[0]: line.split(" = ")[1].strip('"') for line in lines}


class Rules:
    def __init__(self, root, user, domain):
        with open(f"{root}/rules", encoding="ascii") as file:
            rules = json.load(file)
        layers = [[], [], [parsed(rules["own"])]]
        for title, lines in rules["policies"]:
            if title.lower() == f"{user}@{domain}":
                layers[0].append(parsed(lines))
            elif title.lower() == f"*@{domain}":
                layers[1].append(parsed(lines))
        self.layers = [layer for some in layers for layer in some]

    def get(self, key):
        return next((layer[key] for layer in self.layers if key in layer), None)

    def limit(self, kind):
        text = self.get(kind)
        return None if text in (None, "never") else LIMITS[text]

    def clock(self, kind):
        return (self.get(f"{kind}_age") if kind != "tmp" else "moved") or self.get("age") or "moved"


def decode(level):
    out, rest = "", level
    while "&" in rest:
        before, _, rest = rest.partition("&")
        shifted, _, rest = rest.partition("-")
        out += before + "&"[: shifted == ""]
        if shifted:
            text = shifted.replace(",", "/")
            out += base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-16-be")
    return (out + rest).casefold()


def folder_kind(path):
    if path == "":
        return "inbox"
    levels = [decode(level) for level in (path[1:].split(".") if path[0] == "." else path.split("/"))]
    if levels[0] == "inbox" and len(levels) > 1:
        levels = levels[1:]
    if levels[0] in TRASH:
        return "trash"
    if levels[0] in SPAM:
        return "spam"
    return "sent" if len(levels) == 1 and levels[0] in SENT else None


def parents(path):
    """The folder and those that it is in, the mailbox last."""
    separator = "." if path.startswith(".") else "/"
    found = [path]
    while separator in path[1:]:
        path = path[: path.rindex(separator)]
        found.append(path)
    return found + [""] if found[-1] else found


def kept(maildir, folder):
    return any(os.path.lexists(f"{maildir}/{f}/.noexpire") for f in parents(folder))


def is_due(path, part, name, kind, rules, now):
    st = os.lstat(path)
    if name.startswith(".") or not os.path.isfile(path) or os.path.islink(path):
        return False
    flags = name.rpartition(":2,")[2] if ":2," in name else ""
    if part == "tmp":
        what = "tmp"
    elif kind == "inbox":
        what = "read" if part == "cur" and "S" in flags else "unread"
    else:
        what = kind
    if what is None or rules.limit(what) is None:
        return False
    if what != "tmp" and "F" in flags and rules.get("flagged") != "yes":
        return False
    since = st.st_mtime if rules.clock(what) == "received" else max(st.st_mtime, st.st_ctime)
    if what == "tmp":
        since = max(st.st_mtime, st.st_ctime)
    return since >= 631152000 and now - int(since // 1) > rules.limit(what)


def expect(root, now):
    gone = []
    for domain in os.listdir(f"{root}/domains"):
        with open(f"{root}/domains/{domain}/vpasswd", encoding="ascii") as vpasswd:
            for line in vpasswd:
                user, _, _, _, _, where, _ = line.split(":")
                maildir = f"{where}/Maildir"
                rules = Rules(root, user, domain)
                for top, names, _ in os.walk(maildir):
                    folder = os.path.relpath(top, maildir)
                    folder = "" if folder == "." else folder
                    if not {"cur", "new", "tmp"} <= set(names) or kept(maildir, folder):
                        continue
                    if any(level in ("cur", "new", "tmp") for level in folder.split("/")):
                        continue
                    if folder and ("/." in folder or (folder[0] == "." and "/" in folder)):
                        continue
                    for part in ("cur", "new", "tmp"):
                        for name in os.listdir(f"{top}/{part}"):
                            path = f"{top}/{part}/{name}"
                            if is_due(path, part, name, folder_kind(folder), rules, now):
                                gone.append(path)
    return gone


def live(root):
    return [f"{top}/{name}" for top, _, names in os.walk(f"{root}/domains") for name in names]


def main():
    command, root = sys.argv[1], sys.argv[2]
    if command == "make":
        make(root, sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    else:
        paths = expect(root, int(sys.argv[3])) if command == "expect" else live(root)
        sys.stdout.writelines(path + "\n" for path in sorted(paths))


main()
