# A vpopmail domain, example.com, behind a front door (frontdoor.py) with a real clamd and a real spamd,
# and canaries in it. Sourced: it makes the machine, the configuration, and opens the door.
# shellcheck shell=bash disable=SC2154,SC2034 # T and here are run-one's; all is the tests'
source "$here/clamd.sh"
source "$here/spamd.sh"
make_machine
start_clamd
make_bayes 0
start_spamd
mkdir -p "$T/door/held" "$T/door/do" "$T/qmail/users" "$T/store/domains/example.com"
domain=$T/store/domains/example.com
{
    echo "+example.com-:example.com:2021:2021:$domain:-::"
    echo .
} >"$T/qmail/users/assign"
/usr/bin/python3 "$here/frontdoor.py" "$T/door" "$T/store" 2021 "$CLAMD" "$SPAMD" >"$T/door.out" 2>&1 &
wait_for 30 "the front door is open" test -s "$T/door/port"
port=$(cat "$T/door/port")
write_conf
printf 'mailboxes { vpopmail = "%s" }\n' "$T/store" >>"$CONF"

mailbox() { # USER [WORDS FOR THE DOOR]
    local box=$domain/$1/Maildir
    mkdir -p "$box"/{cur,new,tmp} "$box/.Junk E-mail"/{cur,new,tmp}
    echo "$1:x:1:0:$1:$domain/$1:NOQUOTA" >>"$domain/vpasswd"
    [ -z "${2:-}" ] || echo "$2" >"$T/door/$1"
    chown -R 2021:2021 "$T/store/domains"
}
all='clean, spam, virus, attach, clam'
canary() { # USER MAX_TIME SEND [MORE]
    printf 'canary "%s" { to = "%s@example.com" max_time = "%s" send = {%s} smtp = "127.0.0.1:%s" %s }\n' \
        "$1" "$1" "$2" "$3" "$port" "${4:-}" >>"$CONF"
}

# What it comes to: ASPECT [TEXT].
ok() { wait_state "canary.$1" "ok quiet" 90; }
bad() { wait_log "^FAIL canary.$1: $2" 90; }
unknown() { wait_for 90 "canary.$1 is unknown: $2" says "$1" "unknown $2"; }
says() { [[ "$(aspect_field "canary.$1" state text)" == $2 ]]; }

# What came through the door, and what is in the mailboxes.
sent() { grep -c "^$1 " "$T/door/log" || true; }
sent_is() { [ "$(sent "$1")" = "$2" ]; }
none_twice() {
    ! grep -v ': deferred' "$T/door/log" | sort | uniq -d | grep . || fail "something was sent twice"
}
left() { find "$domain" -type f -path '*/Maildir/*' ! -name 'maildir*'; }
