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

# wait_for SECONDS WHAT COMMAND...: until the command succeeds; the limit is there to fail, not to
# measure.
wait_for() {
    local limit=$1 what=$2 end
    shift 2
    end=$((${EPOCHREALTIME/./} + limit * 1000000))
    until "$@" >/dev/null 2>&1; do
        [ "${EPOCHREALTIME/./}" -lt $end ] || fail "waited ${limit}s for: $what"
        sleep 0.05
    done
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
wait_started() { wait_for 20 "a START line" log_count_is_over '^START ' "${1:-0}"; }
watcher_pid() { svstat "$T/watch/toaster-watcher" | sed -n 's/.*up (pid \([0-9]*\)).*/\1/p'; }
watcher_gone() { [ -z "$(watcher_pid)" ]; }
stop_watcher() { # TERM, and no new start
    svc -d "$T/watch/toaster-watcher"
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
# state_of ASPECT: as the daemon sees it.
state_of() {
    ctl status --json | python3 -c '
import json, sys
status = json.load(sys.stdin)
rows = [a for j in status["jobs"] for a in j["aspects"]] + status["self"]
print(next((a["state"] + " " + a["incident"] for a in rows if a["aspect"] == sys.argv[1]), "none"))' "$1"
}
state_is() { [[ "$(state_of "$1")" == $2 ]]; }
wait_state() { wait_for "${3:-15}" "$1 is $2" state_is "$1" "$2"; }
# Rounds of checks that have passed, told by the job's last run: waits for N more.
runs_of() { ctl status --json | python3 -c '
import json, sys
print(next(j["last_end"] or 0 for j in json.load(sys.stdin)["jobs"] if j["job"] == sys.argv[1]))' "$1"; }
ran_since() { [ "$(runs_of "$1")" -gt "$2" ]; }
wait_round() { wait_for 20 "$1 runs again" ran_since "$1" "$(runs_of "$1")"; }
