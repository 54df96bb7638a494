"""Types into an interactive shell on a terminal of its own: shell_keys.py SHELL HOME KEYS

HOME has the shell's start file, which sets the prompt "READY>" and binds ^Xd to what writes the line that is being
edited into HOME/line. KEYS are typed, then ^Xd; prints that line, and below it all that the terminal has shown."""

import os
import pty
import select
import sys
import time

SHELL, HOME, KEYS = sys.argv[1], sys.argv[2], sys.argv[3].encode().decode("unicode_escape")
ARGUMENTS = {"bash": ["bash", "--noprofile", "--rcfile", f"{HOME}/.bashrc", "-i"], "zsh": ["zsh", "-d", "-i"]}[SHELL]
LINE = f"{HOME}/line"
LIMIT_S = 60


def read_until(terminal, shown, done):
    end = time.monotonic() + LIMIT_S
    while not done():
        if time.monotonic() > end:
            sys.exit(f"{SHELL} hangs; it shows {bytes(shown)!r}")
        if select.select([terminal], [], [], 0.05)[0]:
            shown += os.read(terminal, 65536)


def main():
    if os.path.exists(LINE):
        os.unlink(LINE)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(HOME)
        os.execvpe(ARGUMENTS[0], ARGUMENTS, {"HOME": HOME, "ZDOTDIR": HOME, "TERM": "vt100",
                                             "PATH": os.environ["PATH"], "LINES": "50", "COLUMNS": "100",
                                             **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}})
    shown = bytearray()
    read_until(terminal, shown, lambda: b"READY>" in shown)
    del shown[:]
    os.write(terminal, KEYS.encode() + b"\x18d")
    read_until(terminal, shown, lambda: os.path.exists(LINE) and os.path.getsize(LINE))
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    with open(LINE, encoding="utf-8") as line:
        print(line.read(), end="")
    print(shown.decode(errors="replace"))


main()
