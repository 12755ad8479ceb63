# SPDX-License-Identifier: GPL-3.0-or-later
"""
A server that has databases of countries, as the real one and whatever may stand in its place have them. `answers` has
functions by path, which get the request; what is not there is 404.
"""
import gzip
import http.server
import os
import ssl
import struct
import threading
import time

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "countries")


def database(built, name="flat"):
    """One that says that it was built then."""
    with open(os.path.join(FIXTURES, name + ".mmdb"), "rb") as f:
        data = f.read()
    at = data.rindex(b"build_epoch") + len(b"build_epoch") + 2
    return data[:at] + struct.pack(">I", int(built)) + data[at + 4:]


def month(back=0, form="%Y-%m"):
    """The month so many months ago, of UTC."""
    now = time.gmtime()
    n = now.tm_year * 12 + now.tm_mon - 1 - back
    return form.replace("%Y", f"{n // 12:04}").replace("%m", f"{n % 12 + 1:02}")


def send(request, body, status=200, length=None, **headers):
    request.send_response(status)
    request.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in headers.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
    if length is not None and length > len(body):
        request.close_connection = True


def packed(data, **options):
    body = gzip.compress(data)
    return lambda request: send(request, body, **options)


def moved(to):
    return lambda request: send(request, b"", status=302, Location=to)


def trickle(request):
    request.send_response(200)
    request.end_headers()
    request.close_connection = True
    try:
        for _ in range(1200):
            request.wfile.write(b"\x1f")
            request.wfile.flush()
            time.sleep(0.1)
    except OSError:
        pass


class Server:
    """Listens on a port of its own at 127.0.0.1; with TLS if there is a certificate and its key."""

    def __init__(self, certificate=None, key=None):
        self.answers, self.asked = {}, []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # noqa: N802
                server.asked.append(self.path)
                answer = server.answers.get(self.path)
                try:
                    if answer:
                        answer(self)
                    else:
                        send(self, b"not here", status=404)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda *_: None  # who asks may go at any time
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.http.server_port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            # The handshake is the thread's that answers.
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
