# What system tests share. Sourced by run-one with T (the test's own directory) and BUILD set.
#
# The machine of a test: $T/service (svscan's directory, watched), $T/log (multilog directories),
# $T/state, $T/pm/Maildir (the postmaster's, owned by uid 2001), $T/toaster-watcher.conf. The watcher
# runs under an svscan of its own in $T/watch, with a multilog that writes to $T/wlog.
# shellcheck shell=bash

BIN=$BUILD/bin
PM=$T/pm/Maildir
CONF=$T/toaster-watcher.conf

say() { echo "$(date +%T.%N | cut -c1-12) $*"; }
fail() { say "FAILED: $*"; exit 1; }

# wait_for SECONDS WHAT COMMAND...: until the command succeeds. The seconds are those of an idle
# machine: they are there to fail, not to measure, so a busy one has five times as many.
wait_for() {
    local limit=$(($1 * 5)) what=$2 end pause=100
    shift 2
    end=$((${EPOCHREALTIME/./} + limit * 1000000))
    until "$@" >/dev/null 2>&1; do
        [ "${EPOCHREALTIME/./}" -lt $end ] || fail "waited ${limit}s for: $what"
        sleep 0.$pause
        [ $pause -ge 300 ] || pause=$((pause + 10))
    done
}

# free_port: for a server that must be told one, and takes a while until it listens there. Not one of those
# that the kernel gives away meanwhile (from 32768 on), nor, by the pid, another test's.
free_port() {
    python3 - $$ <<'EOF'
import socket, sys
for i in range(12000):
    port = 20000 + (7 * int(sys.argv[1]) + i) % 12000
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        continue
    print(port)
    break
EOF
}

make_machine() {
    mkdir -p "$T"/service "$T"/log "$T"/watch "$T"/wlog "$PM"/{cur,new,tmp}
    chown -R 2001:2001 "$T/pm"
    (cd "$T/service" && exec svscan . >/dev/null 2>&1) &
}

# The beginning of every configuration; more is appended with: cat >>"$CONF".
# Arguments override: write_conf 'group_wait = "5s"' goes into the section alert.
write_conf() {
    local alert=${1:-'group_wait = "1s"'}
    cat >"$CONF" <<EOF
postmaster = "postmaster@example.com"
hostname   = "mail.example.com"
state_dir  = "$T/state"
control    = "$T/control"
verbose    = yes
qmail { service = "$T/service" log = "$T/log" dir = "$T/qmail" }
alert {
    via = {"maildir:$PM"}
    $alert
}
defaults { every = "1s" timeout = "5s" }
EOF
    chmod 644 "$CONF"
}

# make_service NAME [COMMAND]: supervised in $T/service with a multilog in $T/log/NAME.
make_service() {
    local name=$1 command=${2:-'exec sleep 10000'} staging=$T/staging.$1
    mkdir -p "$staging/log" "$T/log/$name"
    printf '#!/bin/sh\nexec 2>&1\n%s\n' "$command" >"$staging/run"
    printf '#!/bin/sh\nexec multilog t %s\n' "$T/log/$name" >"$staging/log/run"
    chmod +x "$staging/run" "$staging/log/run"
    chmod +t "$staging"
    mv "$staging" "$T/service/$name"
}
is_up() { svstat "$T/service/$1" | grep -q ': up (pid' && svstat "$T/service/$1/log" | grep -q ': up (pid'; }
wait_up() { wait_for 20 "$1 is up" is_up "$1"; }
# A second after its own start supervise writes the status once more, which would go over what a test
# has put there: settled SERVICE.
written_ms() { date -r "$1" +%s%3N; }
has_settled() {
    [ $(($(written_ms "$T/service/$1/supervise/status") - $(written_ms "$T/service/$1/supervise/lock"))) -ge 900 ]
}
settled() { wait_for 10 "supervise of $1 has written its status twice" has_settled "$1"; }

# The watcher, under a real supervise with a real multilog. WATCHER is the program to run.
start_watcher() {
    local dir=$T/staging.watcher
    mkdir -p "$dir/log"
    cat >"$dir/run" <<EOF
#!/bin/sh
exec 2>&1
exec ${WATCHER:-$BIN/toaster-watcher} -c $CONF
EOF
    printf '#!/bin/sh\nexec multilog t s16000000 %s\n' "$T/wlog" >"$dir/log/run"
    chmod +x "$dir/run" "$dir/log/run"
    chmod +t "$dir"
    mv "$dir" "$T/watch/toaster-watcher"
    (cd "$T/watch" && exec svscan . >/dev/null 2>&1) &
    wait_started
}
wait_started() {
    wait_for 20 "a START line" log_count_is_over '^START ' "${1:-0}"
    wait_for 20 "it answers" can_be_asked
}
# Its socket comes a moment after that line, if it can be made at all.
can_be_asked() {
    local code=0
    ctl status || code=$?
    [ $code != 111 ] || log_has '^FAIL toaster-watcher/control'
}
watcher_pid() { svstat "$T/watch/toaster-watcher" | sed -n 's/.*up (pid \([0-9]*\)).*/\1/p'; }
watcher_gone() { [ -z "$(watcher_pid)" ]; }
stop_watcher() { # TERM, and no new start
    # Not svc -d: the CONT it sends after TERM may take back the stop by which LeakSanitizer, at the
    # exit, attaches to the process, and then neither goes on.
    svc -ot "$T/watch/toaster-watcher"
    wait_for 20 "the watcher has stopped" watcher_gone
}
again_watcher() { # starts it again, waits for its START line
    local before
    before=$(log_count '^START ')
    svc -u "$T/watch/toaster-watcher"
    wait_started "$before"
}
ctl() { "$BIN/toasterctl" -c "$CONF" "$@"; }

# The log's lines, without time stamps.
log_lines() { cat "$T"/wlog/@*.s "$T"/wlog/@*.u "$T/wlog/current" 2>/dev/null | cut -d' ' -f2-; }
log_has() { log_lines | grep -Eq -- "$1"; }
log_count() { log_lines | grep -Ec -- "$1" || true; }
log_count_is_over() { [ "$(log_count "$1")" -gt "$2" ]; }
wait_log() { wait_for "${2:-15}" "a log line like: $1" log_has "$1"; }

# The postmaster's letters.
letter_files() { find "$PM/new" -type f | sort; }
letter_count() { letter_files | wc -l; }
letter_with() { # the file names of letters that match
    letter_files | xargs -r grep -El -- "$1"
}
has_letter() { [ -n "$(letter_with "$1")" ]; }
wait_letter() { wait_for "${2:-20}" "a letter like: $1" has_letter "$1"; }
# Letters that match, exactly so many, and no more come for a while that is long against group_wait.
expect_letters() {
    local want=$1 pattern=$2 have
    have=$(letter_with "$pattern" | wc -l)
    [ "$have" = "$want" ] || fail "$have letters like '$pattern', not $want"
}
# status_of job|aspect NAME KEY...: what toasterctl status --json says of it; "none": it does not know it.
# There each job and each aspect begins a line of its own. This is asked all the time, so no Python here,
# whose words for true, false and null these are nevertheless.
status_of() {
    local head="{\"$1\": \"$2\", "
    shift 2
    ctl status --json | awk -v head="$head" -v keys="$*" '
        function value(key,    rest) {
            rest = substr($0, index($0, "\"" key "\": ") + length(key) + 4)
            if (!match(rest, /^"([^"\\]|\\.)*"/)) {
                match(rest, /^[^,}]*/)
                rest = substr(rest, 1, RLENGTH)
                return rest == "true" ? "True" : rest == "false" ? "False" : rest == "null" ? "None" : rest
            }
            rest = substr(rest, 2, RLENGTH - 2)
            gsub(/\\"/, "\"", rest)
            gsub(/\\\\/, "\\", rest)
            return rest
        }
        !found && index($0, head) {
            found = 1
            count = split(keys, key, " ")
            for (i = 1; i <= count; i++)
                said = said (i > 1 ? " " : "") value(key[i])
        }
        END {
            if (NR == 0)
                exit 1
            print found ? said : "none"
        }'
}
aspect_field() { status_of aspect "$@"; }
job_field() { status_of job "$@"; }

# state_of ASPECT: as the daemon sees it.
state_of() { status_of aspect "$1" state incident; }
state_is() { [[ "$(state_of "$1")" == $2 ]]; }
wait_state() { wait_for "${3:-15}" "$1 is $2" state_is "$1" "$2"; }
# Rounds of checks that have passed, told by the job's last run: waits for N more.
runs_of() {
    local end
    end=$(status_of job "$1" last_end)
    [ "$end" != none ] && echo "${end/None/0}"
}
ran_since() { [ "$(runs_of "$1")" -gt "$2" ]; }
wait_round() { wait_for 20 "$1 runs again" ran_since "$1" "$(runs_of "$1")"; }

# ---- programs, letters and lines, in more detail -----------------------------------------------

# add_conf: appends what is on standard input to the configuration.
add_conf() { cat >>"$CONF"; }

# start_program NAME: a copy of sleep that runs under this name; its pid is in $program.
start_program() {
    mkdir -p "$T/bin"
    [ -e "$T/bin/$1" ] || cp "$(command -v sleep)" "$T/bin/$1"
    "$T/bin/$1" 10000 &
    program=$!
}
# end_program PID: a child of ours; gone, not a zombie.
end_program() {
    kill -9 "$1"
    wait "$1" 2>/dev/null || true
}

# The log behind a place that log_size gave.
log_size() { log_lines | wc -l; }
log_after() { log_lines | tail -n +$(($1 + 1)); }
log_after_has() { log_after "$1" | grep -Eq -- "$2"; }
wait_log_after() { wait_for "${3:-15}" "a new log line like: $2" log_after_has "$1" "$2"; }

# A failure of its own, whose letter proves that every letter due before it has been written:
# pass_barrier breaks the file, the next one mends it.
watch_barrier() {
    touch "$T/barrier"
    printf 'file "barrier" { path = "%s/barrier" }\n' "$T" >>"$CONF"
}
barrier_letters_are_over() { [ "$(letter_with "^$1 file.barrier" | wc -l)" -gt "$2" ]; }
pass_barrier() {
    local word=FAIL before
    [ -e "$T/barrier" ] || word=OK
    before=$(letter_with "^$word file.barrier" | wc -l)
    if [ $word = FAIL ]; then rm "$T/barrier"; else touch "$T/barrier"; fi
    wait_for 30 "the barrier's letter" barrier_letters_are_over $word "$before"
}

# letter_field NAME FILE: a header, unfolded and decoded.
letter_field() {
    python3 -c '
import email, email.policy, sys
with open(sys.argv[2], "rb") as f:
    print(email.message_from_binary_file(f, policy=email.policy.default)[sys.argv[1]])' "$1" "$2"
}

# make_inject: stands in for qmail-inject, with the script on standard input.
make_inject() {
    mkdir -p "$T/qmail/bin"
    { echo '#!/bin/sh'; cat; } >"$T/qmail/bin/qmail-inject"
    chmod +x "$T/qmail/bin/qmail-inject"
}

# Letters that wait on disk.
outbox_files() { find "$T/state/outbox" -maxdepth 1 -type f | sort; }
outbox_holds() { [ "$(outbox_files | wc -l)" = "$1" ]; }
wait_outbox() { wait_for 15 "$1 letters in the outbox" outbox_holds "$1"; }

# no_raw_bytes FILE...: text as it may stand in a log or a letter: UTF-8, no control characters but
# newline (and tab, in letters).
no_raw_bytes() {
    python3 - "$@" <<'EOF'
import re, sys
for name in sys.argv[1:]:
    with open(name, "rb") as f:
        data = f.read()
    text = data.decode("utf-8")
    bad = re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)
    if bad:
        sys.exit(f"{name}: raw {bad.group()!r} in {text[max(0, bad.start() - 60):bad.end() + 60]!r}")
EOF
}

# ---- configurations, the daemon's own processes, its end ---------------------------------------

# use_double: from now on the programs beside the toaster-worker that misbehaves (worker-double.c).
use_double() {
    BIN=$BUILD/tests/hang-bin
    [ -x "$BIN/toaster-worker" ] || fail "there is no $BIN/toaster-worker: build hang-bin"
}

# watch_file NAME PATH [SETTINGS]
watch_file() { printf 'file "%s" { path = "%s" %s }\n' "$1" "$2" "${3:-}" >>"$CONF"; }

# tell_watcher -h, -a, ...: what svc can send.
tell_watcher() { svc "$1" "$T/watch/toaster-watcher"; }
reload() { # HUP, and its RELOAD line
    local before
    before=$(log_count '^RELOAD ')
    tell_watcher -h
    wait_for 15 "a RELOAD line" log_count_is_over '^RELOAD ' "$before"
}

# start_direct [NAME=VALUE...]: the daemon without supervise. Its pid is in $daemon, its log in
# $T/direct.log; direct_over waits for its end, and $code is how it ended.
start_direct() {
    (cd "$T" && exec env "$@" "$BIN/toaster-watcher" -c "$CONF" 2>>"$T/direct.log") &
    daemon=$!
}
direct_has() { grep -Eq -- "$1" "$T/direct.log"; }
wait_direct() { wait_for "${2:-15}" "a line of the daemon like: $1" direct_has "$1"; }
direct_is_over() { ! [ -e "/proc/$daemon/stat" ] || grep -q ') Z ' "/proc/$daemon/stat"; }
direct_over() {
    wait_for 20 "the daemon has ended" direct_is_over
    code=0
    wait "$daemon" || code=$?
}

# Workers of this test (and what they forked), told by their directory: their environment is clean.
# hanging_worker gives those that a double lets hang, which fails while there is none.
of_this_test() {
    local pid
    for pid; do
        case $(readlink "/proc/$pid/cwd") in "$T" | "$T"/*) echo "$pid" ;; esac
    done
}
# shellcheck disable=SC2046 # a list of pids
workers() { of_this_test $(pgrep -x 'toaster-worker|worker-hangs'); }
no_workers() { [ -z "$(workers)" ]; }
# shellcheck disable=SC2046
hanging_worker() { of_this_test $(pgrep -x worker-hangs) | grep .; }

# small_disk DIR SIZE: a file system of its own; the test is skipped where none may be mounted.
small_disk() {
    mkdir -p "$1"
    mount -t tmpfs -o "size=$2,mode=755" tmpfs "$1" && return
    echo "SKIP: no tmpfs can be mounted here"
    exit 77
}
fill_disk() { cat /dev/zero >"$1/filler" 2>/dev/null || true; }
free_disk() { rm "$1/filler"; }

# ask_state QUERY: one value from the state on disk.
ask_state() {
    python3 -c '
import sqlite3, sys
row = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True).execute(sys.argv[2]).fetchone()
print(row[0] if row else "none")' "$T/state/state.db" "$1"
}
state_answers() { [ "$(ask_state "$1")" = "$2" ]; }

# wait_letters COUNT PATTERN: where one like it has come before.
letters_are() { [ "$(letter_with "$2" | wc -l)" = "$1" ]; }
wait_letters() { wait_for 20 "$1 letters like: $2" letters_are "$1" "$2"; }

# go_on_beside JOB JOBS...: while JOB, whose file lies in $T/waits (worker-double.c), hangs, the others go on;
# three times, for each of its runs begins among theirs.
hangs_anew() {
    local now
    now=$(job_field "$1" running last_end)
    [[ $now == True\ * && $now != "True $2" ]]
}
go_on_beside() {
    local hangs=$1 ended=none job start
    local -A ran
    shift
    for _ in 1 2 3; do
        wait_for 20 "$hangs hangs" hangs_anew "$hangs" $ended
        start=$(job_field "$hangs" last_start)
        for _ in 1 2; do
            for job; do ran[$job]=$(runs_of "$job"); done
            for job; do wait_for 20 "$job goes on beside $hangs" ran_since "$job" "${ran[$job]}"; done
        done
        [ "$(job_field "$hangs" running last_start)" = "True $start" ] || fail "$hangs did not hang on"
        ended=$(job_field "$hangs" last_end)
        touch "$T/waits/go"
    done
}
