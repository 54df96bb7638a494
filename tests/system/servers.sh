# Servers that transports speak to (servers.py). Sourced behind lib.sh.
# shellcheck shell=bash disable=SC2154 # here is run-one's

# Debian's own Python: it has the modules that Debian's packages install.
PYTHON=/usr/bin/python3

# make_certificate DIR: for localhost, signed by itself.
make_certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
        -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
        -keyout "$1/key.pem" -out "$1/cert.pem" 2>/dev/null
    chmod 644 "$1/cert.pem"
}

# start_server KIND DIR ARGUMENTS...: its port is in $port, its pid in $server.
start_server() {
    local kind=$1 dir=$2
    shift 2
    mkdir -p "$dir"
    case " $* " in *" starttls "* | *" smtps "* | *" https "*) make_certificate "$dir" ;; esac
    $PYTHON "$here/servers.py" "$kind" "$dir" "$@" &
    server=$!
    wait_for 20 "the $kind server listens" test -s "$dir/$kind.port"
    port=$(cat "$dir/$kind.port")
}
