# A real clamd for system tests, with a signature database of our own: it knows EICAR by its hash,
# and nothing else. Nothing is downloaded. Sourced behind lib.sh.
# shellcheck shell=bash disable=SC2154 # T is run-one's

# start_clamd: it listens at $CLAMD, a socket that all may connect to; its log is $T/clam/log.
start_clamd() {
    local clamd
    CLAMD=$T/clam/socket
    mkdir -p "$T/clam/db" "$T/clam/tmp"
    make_signatures >"$T/clam/db/eicar.hdb"
    cat >"$T/clam/clamd.conf" <<END
DatabaseDirectory $T/clam/db
LocalSocket $CLAMD
LocalSocketMode 666
TemporaryDirectory $T/clam/tmp
User clamav
Foreground yes
MaxThreads 2
SelfCheck 86400
END
    chown -R clamav "$T/clam"
    # A copy: AppArmor would keep the real one out of our directories.
    clamd=$(PATH=$PATH:/usr/sbin command -v clamd) || fail "there is no clamd"
    cp "$clamd" "$T/clam/clamd"
    "$T/clam/clamd" -c "$T/clam/clamd.conf" >"$T/clam/log" 2>&1 &
    CLAMD_PID=$!
    wait_for 60 "clamd answers (see clam/log)" clamd_answers
}
clamd_answers() { ask_clamd PING </dev/null | grep -q PONG; }
end_clamd() {
    kill "$CLAMD_PID"
    wait "$CLAMD_PID" || true
}

# "MD5:SIZE:NAME", of EICAR as a file and as a mail's text, which clamd ends with a newline. The
# string is put together here: scanners would take a file away that holds it.
make_signatures() {
    python3 - <<'END'
import hashlib
eicar = b"X5O!P%@AP[4" + b"\\PZX54(P^)7CC)7}$" + b"EICAR-STAN" + b"DARD-ANTIVIRUS-TEST-" + b"FILE!$H+H*"
for end in (b"", b"\n", b"\r\n"):
    data = eicar + end
    print(f"{hashlib.md5(data).hexdigest()}:{len(data)}:Eicar-Test")
END
}

# scan: what clamd says of the message on standard input: "stream: OK", "stream: NAME FOUND".
scan() { ask_clamd INSTREAM; }
ask_clamd() {
    timeout 60 python3 -c '
import socket, struct, sys
with socket.socket(socket.AF_UNIX) as c:
    c.connect(sys.argv[1])
    c.sendall(b"z" + sys.argv[2].encode() + b"\0")
    if sys.argv[2] == "INSTREAM":
        data = sys.stdin.buffer.read()
        c.sendall(struct.pack(">I", len(data)) + data + struct.pack(">I", 0))
    answer = b""
    while chunk := c.recv(4096):
        answer += chunk
    print(answer.rstrip(b"\0").decode())' "$CLAMD" "$1"
}
