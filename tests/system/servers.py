"""Servers for tests of transports: an SMTP server (aiosmtpd) and an HTTP receiver that answers by path.

servers.py smtp DIR [starttls|smtps|plain] [auth]   messages go to DIR/smtp.N, what was said to DIR/smtp.log
servers.py http DIR [https]                         requests go to DIR/http.N
The port is written to DIR/KIND.port when it listens. With TLS the certificate is DIR/cert.pem, its
key DIR/key.pem. Addresses that begin with "no" are refused (550), with "later" put off (450), unless there is
a file DIR/no-later. What a file DIR/answer holds is the answer to each message; else, if DIR/clamd names
its socket, clamd is asked (554 for a virus). Who has sent the last one: DIR/uid."""
import http.server
import itertools
import os
import socket
import ssl
import struct
import sys
import time

USER, PASSWORD = b"joe", b"open sesame"


def put(directory, name, text):
    with open(f"{directory}/{name}.tmp", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(f"{directory}/{name}.tmp", f"{directory}/{name}")


def tls(directory):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{directory}/cert.pem", f"{directory}/key.pem")
    return context


def virus_in(path, data):
    """What clamd, which listens at this socket, has found; None: nothing."""
    with socket.socket(socket.AF_UNIX) as c:
        c.connect(path)
        c.sendall(b"zINSTREAM\0" + struct.pack(">I", len(data)) + data + struct.pack(">I", 0))
        answer = c.makefile("rb").read().rstrip(b"\0").decode()
    return answer.split()[1] if answer.endswith(" FOUND") else None


def scanner(directory, data):
    if os.path.exists(f"{directory}/answer"):
        with open(f"{directory}/answer", encoding="ascii") as f:
            return f.read().strip().replace("\n", "\r\n")
    if os.path.exists(f"{directory}/clamd"):
        virus = virus_in(os.readlink(f"{directory}/clamd"), data)
        if virus:
            return f"554 5.7.1 virus: {virus}"
    return None


def uid_of(port):
    """Whose connection comes from this port of 127.0.0.1."""
    with open("/proc/net/tcp", encoding="ascii") as f:
        rows = [line.split() for line in f]
    return next((r[7] for r in rows if r[1] == f"0100007F:{port:04X}"), "nobody's")


def smtp(directory, mode, auth):
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import SMTP, AuthResult

    class Sink:
        count = 0

        async def handle_RCPT(self, server, session, envelope, address, options):
            if address.startswith("no"):
                return "550 nobody of that name"
            if address.startswith("later") and not os.path.exists(f"{directory}/no-later"):
                return "450 try again"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, server, session, envelope):
            put(directory, "uid", uid_of(session.peer[1]))
            no = scanner(directory, envelope.content)
            if no:
                return no
            Sink.count += 1
            head = (f"from={envelope.mail_from} to={','.join(envelope.rcpt_tos)} "
                    f"hello={session.host_name} tls={session.ssl is not None} "
                    f"user={session.auth_data.decode() if session.auth_data else None}\n")
            put(directory, f"smtp.{Sink.count}", head + envelope.content.decode("utf-8"))
            if envelope.rcpt_tos[0].startswith("drop"): # has it, and dies before it says so
                server.transport.abort()
            return "250 taken"

    def check(server, session, envelope, mechanism, data):
        good = data.login == USER and data.password == PASSWORD
        with open(f"{directory}/smtp.log", "a", encoding="utf-8") as f:
            f.write(f"auth tls={session.ssl is not None or mode == 'smtps'} {'good' if good else 'bad'}\n")
        return AuthResult(success=good, handled=good, auth_data=data.login if good else None)

    class Server(Controller):
        def factory(self):
            return SMTP(self.handler, decode_data=False,
                        tls_context=tls(directory) if mode == "starttls" else None,
                        authenticator=check, auth_required=auth,
                        auth_require_tls=mode == "starttls")

    server = Server(Sink(), hostname="127.0.0.1", port=0,
                    ssl_context=tls(directory) if mode == "smtps" else None)
    # aiosmtpd probes its port, so it must be known before.
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    server.port = probe.getsockname()[1]
    probe.close()
    server.start()
    put(directory, "smtp.port", str(server.port))
    while True:
        time.sleep(1000)


def web(directory, secure):
    class Receiver(http.server.BaseHTTPRequestHandler):
        numbers = itertools.count(1)  # several may come at once
        statuses = {"/500": 500, "/404": 404, "/429": 429, "/413": 413}

        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode("utf-8")
            if self.path == "/hang":
                time.sleep(1000)
            switch = f"{directory}/http.status"  # what /switch answers with
            status = self.statuses.get(self.path, 200)
            if self.path == "/switch":
                with open(switch, encoding="utf-8") as f:
                    status = int(f.read())
            if self.path == "/redirect":
                status = 302
            put(directory, f"http.{next(self.numbers)}",
                f"{self.command} {self.path} {status}\n{self.headers}\n{body}")
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = answer

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    if secure:
        server.socket = tls(directory).wrap_socket(server.socket, server_side=True)
    put(directory, "http.port", str(server.server_port))
    server.serve_forever()


if sys.argv[1] == "smtp":
    smtp(sys.argv[2], sys.argv[3], "auth" in sys.argv[4:])
else:
    web(sys.argv[2], "https" in sys.argv[3:])
