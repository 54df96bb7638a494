"""Runs a program on a terminal of its own: on_terminal.py [--until PATTERN COMMAND] [NAME=VALUE...] PROGRAM ARGUMENTS...

Prints all that the terminal was given, carriage returns as "<CR>" and escapes as "<ESC>", then the exit code. With
--until, when PATTERN has been shown, the shell COMMAND is run, once."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading

LIMIT_S = 120


def main():
    arguments, until, command = sys.argv[1:], None, None
    if arguments[0] == "--until":
        until, command, arguments = arguments[1].encode(), arguments[2], arguments[3:]
    environment = dict(os.environ, TERM="xterm", COLUMNS="100")
    environment.pop("NO_COLOR", None)
    while "=" in arguments[0] and not arguments[0].startswith("/"):
        name, _, value = arguments.pop(0).partition("=")
        environment[name] = value
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, int(environment["COLUMNS"]), 0, 0))
        os.execve(arguments[0], arguments, environment)
    threading.Timer(LIMIT_S, os.kill, (pid, 9)).start()
    shown = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        shown += chunk
        if until and re.search(until, shown):
            subprocess.run(command, shell=True, check=True)
            until = None
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(shown.decode().replace("\r\n", "\n").replace("\r", "<CR>").replace("\x1b", "<ESC>"))
    print(f"exit {code}")
    if until:
        print(f"never shown: {until!r}")
    sys.stdout.flush()
    os._exit(0)  # not waiting for the timer


main()
