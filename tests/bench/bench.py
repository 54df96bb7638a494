"""The rows of tests/bench/run: bench.py BUILD_DIR [--alerts] [--short]. Everything that is started lives in a
directory of its own and ends with this program."""

import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

BUILD = sys.argv[1]
SHORT = "--short" in sys.argv[2:]
ALERTS = "--alerts" in sys.argv[2:]
LIMIT_S = 30  # there to fail, not to measure
GAP_S = 0.6  # after five runs in a row that events began, others are 500 ms apart
MAIL_UID = 2001

rows = []
started = []  # ended in any case


def start(argv, **how):
    started.append(subprocess.Popen(argv, **how))
    return started[-1]


def row(what, goal, measured, good):
    rows.append((what, goal, measured, "ok" if good else "OVER"))
    print(".", end="", flush=True, file=sys.stderr)


def wait_for(what, condition):
    end = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {LIMIT_S} s for: {what}")
        time.sleep(0.01)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


# ---- figures from /proc --------------------------------------------------------------------


def tasks(pid):
    return [f"/proc/{pid}/task/{name}" for name in os.listdir(f"/proc/{pid}/task")]


def wakeups(pid):
    found = [re.search(r"^voluntary_ctxt_switches:\s+(\d+)", read(t + "/status"), re.M) for t in tasks(pid)]
    return sum(int(match[1]) for match in found)


def cpu_s(pid):
    """Own time to the nanosecond, and that of children reaped to a hundredth of a second."""
    own = sum(int(read(t + "/schedstat").split()[0]) for t in tasks(pid)) / 1e9
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return own + (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def memory_kb(pid, what):
    return int(re.search(rf"^{what}:\s+(\d+) kB", read(f"/proc/{pid}/status"), re.M)[1])


def children(pid):
    """The pids of whom it has now."""
    found = set()
    try:
        for task in tasks(pid):
            found |= set(map(int, read(task + "/children").split()))
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has ended
    return found


def grandchildren(pid):
    return set().union(*map(children, children(pid)))


def niceness(pid):
    return int(read(f"/proc/{pid}/stat").rpartition(")")[2].split()[16])


def has_children(pid):
    return any(read(t + "/children").strip() for t in tasks(pid))


# ---- what is watched -----------------------------------------------------------------------


class Sleepers:
    def __init__(self, count, prefix):
        self.process = start([f"{BUILD}/sleepers", str(count), prefix], text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pids = {}
        for line in self.process.stdout:
            first, second = line.split()
            if first == "ready":
                break
            self.pids[second] = int(first)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Services:
    """Services of `sleep` with multilog, under an svscan of our own."""

    def __init__(self, names, directory):
        self.dir = directory
        self.names = names
        self.svscan = None

    def begin(self, top):
        for name in self.names:
            os.makedirs(f"{top}/staging/{name}/log")
            os.makedirs(f"{top}/log/{name}")
            write(f"{top}/staging/{name}/run", "#!/bin/sh\nexec sleep 100000\n", 0o755)
            write(f"{top}/staging/{name}/log/run", f"#!/bin/sh\nexec multilog t {top}/log/{name}\n", 0o755)
            os.chmod(f"{top}/staging/{name}", 0o1755)
        os.rename(f"{top}/staging", self.dir)
        self.svscan = start(["svscan", self.dir], stderr=subprocess.DEVNULL, start_new_session=True)
        wait_for("all services are up", lambda: all(self.is_up(d) for d in self.all()))

    def all(self):
        return [f"{self.dir}/{name}{part}" for name in self.names for part in ("", "/log")]

    @staticmethod
    def is_up(directory):
        said = subprocess.run(["svstat", directory], capture_output=True, text=True, check=False).stdout
        return ": up (pid" in said

    def end(self):
        if not self.svscan:
            return
        self.svscan.kill()
        self.svscan.wait()
        subprocess.run(["svc", "-dx"] + self.all(), stderr=subprocess.DEVNULL, check=False)
        wait_for("all supervise are gone", lambda: not any(
            subprocess.run(["svok", d], check=False).returncode == 0 for d in self.all()))


# ---- the daemon ----------------------------------------------------------------------------


class Daemon:
    def __init__(self, top, name, jobs):
        self.top = f"{top}/{name}"
        self.conf = f"{self.top}/toaster-watcher.conf"
        maildir = f"{self.top}/Maildir"
        os.makedirs(self.top)
        for part in ("cur", "new", "tmp"):
            os.makedirs(f"{maildir}/{part}")
        for path in (maildir, f"{maildir}/cur", f"{maildir}/new", f"{maildir}/tmp"):
            os.chown(path, MAIL_UID, MAIL_UID)
        write(self.conf, f"""
postmaster = "postmaster@example.com"
hostname = "mail.example.com"
state_dir = "{self.top}/state"
control = "{self.top}/control"
qmail {{ service = "{top}/service" log = "{top}/log" }}
alert {{ via = {{"maildir:{maildir}"}} }}
defaults {{ every = "1m" }}
{jobs}
""")
        self.lines = []  # (when, line)
        self.changed = threading.Condition()

    def start(self):
        """Returns how long it took to be ready."""
        path = f"{self.top}/notify"
        if os.path.exists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(LIMIT_S)
            began = time.monotonic()
            self.process = start([f"{BUILD}/bin/toaster-watcher", "-c", self.conf],
                                 stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                 env=dict(os.environ, NOTIFY_SOCKET=path))
            self.pid = self.process.pid
            threading.Thread(target=self.listen, args=(self.process.stderr,), daemon=True).start()
            while b"READY=1" not in notify.recv(65536):
                pass
            return time.monotonic() - began

    def listen(self, pipe):
        for line in pipe:
            with self.changed:
                self.lines.append((time.monotonic(), line.decode(errors="replace").rstrip()))
                self.changed.notify_all()

    def wait_line(self, beginning, first):
        """When the first line from `first` on came that begins so."""
        found = []

        def here():
            found[:] = [when for when, line in self.lines[first:] if line.startswith(beginning)]
            return bool(found)

        with self.changed:
            if not self.changed.wait_for(here, LIMIT_S):
                raise RuntimeError(f"no line like: {beginning}")
        return found[0]

    def check(self, *jobs):
        subprocess.run([f"{BUILD}/bin/toasterctl", "-c", self.conf, "check", *jobs],
                       stdout=subprocess.DEVNULL, check=False)

    def end(self):
        self.process.terminate()
        if self.process.wait(LIMIT_S) != 0:
            raise RuntimeError(f"the daemon ended with {self.process.returncode}")


def fifty_checks(top, names):
    jobs = [f'process "{name}" {{ }}' for name in names[:40]]
    jobs += [f'service "s{i}" {{ }}' for i in range(5)]
    jobs += [f'file "f{i}" {{ path = "{top}/files/f{i:04}" max_size = "1M" }}' for i in range(5)]
    return "\n".join(jobs)


# ---- rows ----------------------------------------------------------------------------------


def latencies(what, took_s):
    median, most = statistics.median(took_s) * 1000, max(took_s) * 1000
    row(f"{what}, median of {len(took_s)}", "<= 100 ms", f"{median:.1f} ms", median <= 100)
    row(f"{what}, max", "", f"{most:.1f} ms", True)


def a_process_dies(top, count):
    """Killed and started anew; toasterctl has it looked at again, as the next round would."""
    victim = f"{top}/victim"
    shutil.copy(f"{BUILD}/sleepers", victim)
    daemon = Daemon(top, "dies", 'process "victim" { }')
    took = []

    def live():
        process = start([victim, "0", "x"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        wait_for("the victim has its name", lambda: read(f"/proc/{process.pid}/comm") == "victim\n")
        return process

    process = live()
    daemon.start()
    for _ in range(count):
        daemon.check("process.victim")
        time.sleep(GAP_S)
        first = len(daemon.lines)
        began = time.monotonic()
        process.kill()
        took.append(daemon.wait_line("FAIL process.victim:", first) - began)
        process.wait()
        process = live()
    process.kill()
    process.wait()
    daemon.end()
    latencies("process dies -> FAIL line", took)


def a_service_goes_down(top, services, count):
    daemon = Daemon(top, "down", 'service "s0" { restarts = 31 }')
    took = []
    path = f"{services.dir}/s0"
    daemon.start()
    daemon.check()
    for _ in range(count):
        first = len(daemon.lines)
        began = time.monotonic()
        subprocess.run(["svc", "-d", path], check=True)
        took.append(daemon.wait_line("FAIL service.s0:", first) - began)
        wait_for("the service is down", lambda: not services.is_up(path))
        time.sleep(GAP_S)  # so that it is seen down: else it counts as restarted, and flaps
        subprocess.run(["svc", "-u", path], check=True)
        daemon.wait_line("OK service.s0:", first)
        time.sleep(1 + GAP_S)  # supervise hears nothing in the second after a start
    daemon.end()
    latencies("svc -d -> FAIL line", took)


def start_monit(top, pids):
    pidfiles = f"{top}/monit"
    os.makedirs(pidfiles)
    checks = []
    for name, pid in pids.items():
        write(f"{pidfiles}/{name}.pid", f"{pid}\n")
        checks.append(f"check process {name} with pidfile {pidfiles}/{name}.pid")
    write(f"{top}/monitrc", f"set daemon 60\nset pidfile {pidfiles}/pid\nset idfile {pidfiles}/id\n"
          f"set statefile {pidfiles}/state\nset log {pidfiles}/log\n" + "\n".join(checks) + "\n", 0o600)
    monit = start(["monit", "-I", "-c", f"{top}/monitrc"], stdout=subprocess.DEVNULL,
                  stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    wait_for("monit has written its state", lambda: os.path.exists(f"{pidfiles}/state"))
    return monit


def idle(top, sleepers, window_s):
    """Side by side, in the same window: ours and Monit."""
    daemon = Daemon(top, "idle", fifty_checks(top, list(sleepers.pids)))
    daemon.start()
    monit = start_monit(top, sleepers.pids)
    daemon.check()
    time.sleep(3)  # what the start and the check still have to write
    pids = (daemon.pid, monit.pid)
    before = [(wakeups(pid), cpu_s(pid)) for pid in pids]
    began = time.monotonic()
    time.sleep(window_s)
    wall = time.monotonic() - began
    after = [(wakeups(pid), cpu_s(pid)) for pid in pids]
    rates = [(a[0] - b[0]) / wall for a, b in zip(after, before)]
    shares = [(a[1] - b[1]) / wall * 100 for a, b in zip(after, before)]
    private = [memory_kb(pid, "RssAnon") for pid in pids]
    resident = [memory_kb(pid, "VmRSS") for pid in pids]
    daemon.end()
    monit.terminate()
    monit.wait()
    of = f"50 checks idle for {wall:.0f} s"
    row(f"{of}: wake-ups a second", "<= 2", f"{rates[0]:.2f} (Monit {rates[1]:.2f})", rates[0] <= 2)
    row(f"{of}: CPU", "<= 0.1 %", f"{shares[0]:.3f} % (Monit {shares[1]:.3f} %)", shares[0] <= 0.1)
    row("  private memory (RssAnon)", "<= Monit's", f"{private[0]} kB (Monit {private[1]} kB)",
        private[0] <= private[1])
    row("  resident (VmRSS)", "<= 6 MB", f"{resident[0]} kB (Monit {resident[1]} kB)", resident[0] <= 6144)


def ready(top, sleepers, count):
    daemon = Daemon(top, "ready", fifty_checks(top, list(sleepers.pids)))
    took = []
    for _ in range(count):
        took.append(daemon.start() * 1000)
        daemon.end()
    median = statistics.median(took)
    row(f"start to READY with 50 checks, median of {count}", "<= 100 ms", f"{median:.1f} ms", median <= 100)


def a_thousand_checks(top, count, rounds):
    """900 processes, 95 files, 5 services; toasterctl has all of them run at once."""
    crowd = Sleepers(count, "crowd")
    names = list(crowd.pids)[:900]
    jobs = [f'process "{name}" {{ }}' for name in names]
    jobs += [f'service "s{i}" {{ }}' for i in range(5)]
    jobs += [f'file "f{i}" {{ path = "{top}/files/f{i:04}" max_size = "1M" }}' for i in range(95)]
    daemon = Daemon(top, "thousand", "\n".join(jobs))
    daemon.start()
    daemon.check()
    took = []
    for _ in range(rounds):
        wait_for("no worker is left", lambda: not has_children(daemon.pid))
        before = cpu_s(daemon.pid)
        daemon.check()
        wait_for("no worker is left", lambda: not has_children(daemon.pid))
        took.append(cpu_s(daemon.pid) - before)
    anon = memory_kb(daemon.pid, "RssAnon")
    daemon.end()
    running = sum(name.isdigit() for name in os.listdir("/proc"))
    crowd.end()
    median = statistics.median(took)
    row(f"{len(jobs)} checks, {running} processes: CPU of a round, median of {rounds}", "< 1 s",
        f"{median:.3f} s", median < 1)
    row("  private memory (RssAnon) then", "", f"{anon} kB", True)


class Logs:
    """Real multilogs that wait for lines, each with a few finished files beside current."""

    def __init__(self, top, count):
        self.dirs = [f"{top}/logs/l{i}" for i in range(count)]
        self.running = []
        for path in self.dirs:
            os.makedirs(path)
            multilog = start(["multilog", "t", "s4096", "n5", path], stdin=subprocess.PIPE)
            multilog.stdin.write(b"one more line of a log that is long enough to be one\n" * 400)
            multilog.stdin.flush()
            self.running.append(multilog)
        for path in self.dirs:
            wait_for(f"{path} has files", lambda: len(os.listdir(path)) >= 7)

    def end(self):
        for multilog in self.running:
            multilog.stdin.close()
            multilog.wait(LIMIT_S)


def alias_home(path):
    """As qmail's user alias has it: 3 aliases, which only he may write."""
    os.makedirs(path)
    for name in ("postmaster", "root", "mailer-daemon"):
        write(f"{path}/.qmail-{name}", "&admin@example.com\n")
        os.chown(f"{path}/.qmail-{name}", MAIL_UID, MAIL_UID)
    os.chown(path, MAIL_UID, MAIL_UID)
    os.chmod(path, 0o2755)


def measure_rounds(daemon, rounds):
    """CPU of the daemon and its workers, and how many of these there were, for a round each."""
    workers = []
    wait_for("no worker is left", lambda: not has_children(daemon.pid))
    before = cpu_s(daemon.pid)
    for _ in range(rounds):
        seen = set()
        asking = start([f"{BUILD}/bin/toasterctl", "-c", daemon.conf, "check"],
                       stdout=subprocess.DEVNULL)
        while asking.poll() is None:
            seen |= children(daemon.pid)
            time.sleep(0.0005)
        wait_for("no worker is left", lambda: not has_children(daemon.pid))
        workers.append(len(seen))
    return (cpu_s(daemon.pid) - before) / rounds, max(workers)


def files_logs_and_aliases(top, rounds):
    """500 files, 50 multilog directories, 20 alias homes of another user."""
    logs = Logs(top, 50)
    jobs = [f'file "f{i}" {{ path = "{top}/files/f{i % 95:04}" max_size = "1M" mode = "0644" }}'
            for i in range(500)]
    jobs += [f'multilog "l{i}" {{ dir = "{path}" silent = "1d" }}' for i, path in enumerate(logs.dirs)]
    for i in range(20):
        alias_home(f"{top}/alias{i}")
        jobs.append(f'aliases "a{i}" {{ dir = "{top}/alias{i}" }}')
    daemon = Daemon(top, "round", "\n".join(jobs))
    daemon.start()
    daemon.check()
    failing = [line for _, line in daemon.lines if line.startswith(("FAIL", "UNKNOWN"))]
    if failing:
        raise RuntimeError(f"not all is well: {failing[0]}")
    cpu, workers = measure_rounds(daemon, rounds)
    daemon.end()
    logs.end()
    row(f"500 files, 50 logs, 20 alias homes: CPU of a round, mean of {rounds}", "< 100 ms",
        f"{cpu * 1000:.0f} ms", cpu < 0.1)
    row("  workers in one such round, at most", "a handful", f"{workers}", workers <= 5)


def a_log_is_compressed(top, size_mb):
    """Text of a log; the process that compresses it is watched while it does."""
    folder = f"{top}/huge"
    os.makedirs(folder)
    words = [f"{i:x} tcpserver: status: {i % 40}/40 pid {i * 7919 % 99991} from 127.0.0.1\n"
             for i in range(100000)]
    chunk = "".join(words).encode()
    with open(f"{folder}/x.log", "wb") as log:
        while log.tell() < size_mb << 20:
            log.write(chunk)
    daemon = Daemon(top, "packing", f'''
file "x" {{ path = "{folder}/x.log" max_size = "1M" compress = yes every = "1s" }}''')
    daemon.start()
    anon, nice = 0, set()

    def compressed():
        nonlocal anon
        for pid in grandchildren(daemon.pid):
            try:
                anon = max(anon, memory_kb(pid, "RssAnon"))
                nice.add(niceness(pid))
            except (FileNotFoundError, ProcessLookupError, TypeError):
                pass  # it has ended
        return any(" compressed " in line for _, line in daemon.lines)

    began = time.monotonic()
    while not compressed():
        if time.monotonic() - began > 600:
            raise RuntimeError("it is not compressed")
        time.sleep(0.05)
    daemon.end()
    row(f"compressing {size_mb} MB: private memory (RssAnon)", "< 2 MB", f"{anon} kB", 0 < anon < 2048)
    row("  how nice", "19", f"{max(nice, default=None)}", 19 in nice)


def ask_status(daemon):
    """A status request, as toasterctl sends it; how long until all of the answer is here, in ms."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        began = time.monotonic()
        client.connect(f"{daemon.top}/control")
        client.sendall(b"\x01\x00\x00\x00\x01")
        size = 0
        while chunk := client.recv(1 << 20):
            size += len(chunk)
        return (time.monotonic() - began) * 1000, size


def ten_thousand_incidents(top, rounds):
    """10,000 processes that run nowhere: all fail in the first round."""
    count = 10000
    jobs = [f'process "none{i:05}" {{ every = "1h" }}' for i in range(count)]
    daemon = Daemon(top, "storm", "\n".join(jobs))
    new = f"{daemon.top}/Maildir/new"
    daemon.start()
    first_anon = 0
    waited = time.monotonic() + 150
    # group_wait is 30 s; after a long letter there is none for a minute
    while time.monotonic() < waited and not any("MAIL" in line for _, line in daemon.lines[-50:]):
        first_anon = max(first_anon, memory_kb(daemon.pid, "RssAnon"))
        time.sleep(0.2)
    wait_for("no worker is left", lambda: not has_children(daemon.pid))
    status = sorted(ask_status(daemon)[0] for _ in range(20))
    shown = []
    for verb in ("status", "incidents"):
        began = time.monotonic()
        subprocess.run([f"{BUILD}/bin/toasterctl", "-c", daemon.conf, verb], check=False,
                       stdout=subprocess.DEVNULL)
        shown.append((time.monotonic() - began) * 1000)
    took = []
    for _ in range(rounds):
        before = cpu_s(daemon.pid)
        daemon.check()
        took.append(cpu_s(daemon.pid) - before)
    anon = memory_kb(daemon.pid, "RssAnon")
    letters = os.listdir(new)
    largest = max((os.path.getsize(f"{new}/{name}") for name in letters), default=0)
    before = cpu_s(daemon.pid)
    time.sleep(5)
    idle = (cpu_s(daemon.pid) - before) / 5 * 100
    daemon.end()
    began = time.monotonic()
    daemon.start()
    restarted = (time.monotonic() - began) * 1000
    daemon.end()
    median = statistics.median(took)
    row(f"{count} open incidents: a status request, median of 20", "< 50 ms",
        f"{statistics.median(status):.1f} ms", statistics.median(status) < 50)
    row("  toasterctl status, and incidents, as a whole", "",
        f"{shown[0]:.0f} ms, {shown[1]:.0f} ms", True)
    row(f"  CPU of a round, median of {rounds}", "< 1 s", f"{median:.3f} s", median < 1)
    row("  private memory (RssAnon); most while the letter was made", "< 24 MB",
        f"{anon / 1024:.1f} MB; {first_anon / 1024:.1f} MB", anon < 24 * 1024)
    row("  letters, the largest", "<= 3, 200 KB", f"{len(letters)}, {largest / 1024:.0f} KB",
        0 < len(letters) <= 3 and largest <= 200 * 1024)
    row("  CPU while nothing happens", "", f"{idle:.2f} %", True)
    row("  start to READY with all of them in the state", "", f"{restarted:.0f} ms", True)


def table():
    width = [max(len(line[i]) for line in rows) for i in range(3)]
    for what, goal, measured, verdict in rows:
        print(f"{what:{width[0]}}  {goal:{width[1]}}  {measured:{width[2]}}  {verdict}")


def main():
    top = tempfile.mkdtemp(prefix="twb.")
    os.chmod(top, 0o755)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    services = Services([f"s{i}" for i in range(5)], f"{top}/service")
    try:
        os.makedirs(f"{top}/files")
        for i in range(95):
            write(f"{top}/files/f{i:04}", "x\n")
        if ALERTS:
            ten_thousand_incidents(top, 3 if SHORT else 9)
            return
        services.begin(top)
        sleepers = Sleepers(50, "bench")
        a_process_dies(top, 5 if SHORT else 50)
        a_service_goes_down(top, services, 4 if SHORT else 50)
        idle(top, sleepers, 10 if SHORT else 60)
        ready(top, sleepers, 5 if SHORT else 20)
        a_thousand_checks(top, 5000, 3 if SHORT else 5)
        files_logs_and_aliases(top, 3 if SHORT else 9)
        a_log_is_compressed(top, 100 if SHORT else 1024)
        ten_thousand_incidents(top, 3 if SHORT else 9)
    finally:
        services.end()
        for process in started:
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(top)
        print(file=sys.stderr)
        table()


main()
