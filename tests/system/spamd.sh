# A real spamd for system tests, with a Bayes store of its own. Sourced.
# shellcheck shell=bash disable=SC2154 # T is run-one's

# The configuration and the store in $T/sa; SA are the options for sa-learn.
make_bayes() {
    mkdir -p "$T/sa/site" "$T/sa/bayes"
    chmod 755 "$T/sa" "$T/sa/site"
    chown debian-spamd "$T/sa/bayes"
    cat >"$T/sa/site/local.cf" <<END
loadplugin Mail::SpamAssassin::Plugin::Bayes
loadplugin Mail::SpamAssassin::Plugin::Check
use_bayes ${1:-1}
bayes_auto_learn 0
bayes_path $T/sa/bayes/b
bayes_file_mode 0777
END
    SA=(--siteconfigpath="$T/sa/site")
}
bayes_counts() { # "nspam nham"
    sa-learn "${SA[@]}" --local --dump magic 2>/dev/null | awk '/nspam/ { s = $3 } /nham/ { h = $3 } END { print s + 0, h + 0 }'
}

# start_spamd [OPTIONS]: on a port of its own; SPAMD is where.
start_spamd() {
    SPAMD=127.0.0.1:$(free_port)
    spamd --local --nouser-config --max-children=2 --username=debian-spamd \
        --listen="$SPAMD" --siteconfigpath="$T/sa/site" --pidfile="$T/sa/pid" --syslog=stderr "$@" >"$T/sa/log" 2>&1 &
    SPAMD_PID=$!
    wait_for 30 "spamd answers (see sa/log)" spamd_answers
}
spamd_answers() { printf 'PING SPAMC/1.5\r\n\r\n' | timeout 2 python3 -c '
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
with socket.create_connection((host, int(port)), 2) as c:
    c.sendall(sys.stdin.buffer.read())
    sys.exit(b"PONG" not in c.recv(100))' "$SPAMD"; }
end_spamd() {
    kill "$SPAMD_PID"
    wait "$SPAMD_PID" || true
}
