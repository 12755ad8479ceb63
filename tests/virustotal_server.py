# SPDX-License-Identifier: GPL-3.0-or-later
"""
VirusTotal's API, version 3, as far as a hash is asked for: answers as the real one gives them, and as whoever stands
in between may. `answers` has them by hash; each is a function that gets the request, or the name of one of the usual.
"""
import http.server
import json
import ssl
import threading
import time


def stats(malicious=0, suspicious=0, harmless=0, undetected=0):
    return {"harmless": harmless, "type-unsupported": 5, "suspicious": suspicious, "confirmed-timeout": 0, "timeout": 0,
            "failure": 1, "malicious": malicious, "undetected": undetected}


class Server:
    """Listens on a port of its own at 127.0.0.1; with a certificate and its key, by TLS."""

    def __init__(self, key, certificate=None):
        self.key, self.default = key, "unknown"
        self.answers, self.asked, self.times, self.strangers = {}, [], [], []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # noqa: N802
                server.answer(self)

            do_POST = do_PUT = do_GET

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.http.server_port}/api/v3"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def answer(self, request):
        head, _, digest = request.path.rpartition("/")
        if request.command != "GET" or head != "/api/v3/files" or len(digest) != 64 or digest.strip("0123456789abcdef"):
            self.strangers.append(f"{request.command} {request.path}")
        if request.headers.get_all("x-apikey") != [self.key]:
            self.send(request, 401, self.error("WrongCredentialsError"))
            return
        self.asked.append(digest)
        self.times.append(time.monotonic())
        answer = self.answers.get(digest, self.default)
        if callable(answer):
            answer(request)
        elif answer == "unknown":
            self.send(request, 404, self.error("NotFoundError", f'File "{digest}" not found'))
        else:
            self.send(request, 200, self.file(digest, **answer))

    @staticmethod
    def error(code, message="no"):
        return {"error": {"code": code, "message": message}}

    @staticmethod
    def file(digest, **counts):
        return {"data": {"attributes": {"sha256": digest, "last_analysis_stats": stats(**counts),
                                        "last_analysis_date": 1700000000, "reputation": 0, "names": ["x\u202e\n"]},
                         "type": "file", "id": digest, "links": {"self": "https://www.virustotal.com/"}}}

    @staticmethod
    def send(request, status, body, kind="application/json; charset=utf-8", headers=(), length=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in headers:
            request.send_header(name, value)
        request.end_headers()
        try:
            request.wfile.write(data)
        except OSError:
            pass
        request.close_connection = True
