#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The sink `virustotal` against a server that speaks its API: what becomes of each answer, the pace, restarts, keys and limits.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir)
sys.path.insert(0, TESTS)
import tap  # noqa: E402
from virustotal_server import Server  # noqa: E402

BUILD = os.environ.get("top_builddir") or os.getcwd()
KEY = "0123456789abcdef" * 4
STATES = [None, "no key", "pending", "unknown", "clean", "suspicious", "failed"]


def digest(n):
    return f"{n:02x}" * 32


def run(server, count, seconds, folder, key=KEY, **options):
    """(what was found, in order; the other lines)."""
    given = {"api_key": key, "api_url": server.url, "request_interval": "1 s", "answer_timeout": "2 s", **options}
    words = [word for pair in given.items() for word in pair]
    done = subprocess.run([os.path.join(BUILD, "tests/sinks/ask_virustotal"), os.path.join(BUILD, "plugins/.libs/virustotal.so"),
                           folder, str(count), str(seconds), *words], capture_output=True, text=True, timeout=120, check=False)
    found, said = [], []
    for line in (done.stdout + done.stderr).splitlines():
        match = re.match(r"# found: state (\d), (\d+) of (\d+), (.*)", line)
        if match:
            found.append((STATES[int(match[1])], int(match[2]), int(match[3]), match[4]))
        else:
            said.append(line)
    if key:
        tap.ok(key not in done.stdout + done.stderr, "the key is not said")
    return found, "\n".join(said)


def answers(folder):
    server = Server(KEY)
    server.answers = {
        digest(1): {"undetected": 70, "harmless": 2},
        digest(2): {"malicious": 3, "suspicious": 1, "undetected": 68},
        digest(4): {},
        digest(5): lambda r: server.send(r, 200, b'{"data": {"id"'),
        digest(6): lambda r: server.send(r, 200, b"<html>log in</html>", "text/html"),
        digest(7): lambda r: server.send(r, 200, b" " * (5 << 20)),
        digest(8): lambda r: server.send(r, 200, b'{"data": ', length=5000),
        digest(9): lambda r: server.send(r, 200, server.file("0" * 64, undetected=5)),
        digest(10): lambda r: server.send(r, 302, b"", headers=[("Location", server.url + "/elsewhere")]),
        digest(11): lambda r: server.send(r, 503, server.error("TransientError")),
        digest(12): lambda r: server.send(r, 404, b"<html>404</html>", "text/html"),
        digest(13): lambda r: time.sleep(4),
    }
    found, said = run(server, 13, 30, folder)
    tap.equal([f[0] for f in found[:13]], ["pending"] * 13, "each is pending at first")
    link = "https://www.virustotal.com/gui/file/"
    want = [("clean", 0, 72, link + digest(1)), ("suspicious", 4, 72, link + digest(2)), ("unknown", 0, 0, ""),
            ("pending", 0, 0, ""), "damaged JSON", "not JSON", "longer than", "artial", "not about this file",
            "not followed", "503 TransientError", "not the service's own", "imeout"]
    for i, w in enumerate(want):
        got = found[13 + i] if len(found) > 13 + i else None
        tap.ok(got == w if isinstance(w, tuple) else got and got[0] == "failed" and w in got[3], f"answer {i + 1}: {got}", w)
    tap.ok("stats: 3 known, 1 suspicious, 10 waiting; 13 asked today" in said, "status has the sums", said)
    tap.equal(server.asked, [digest(n) for n in range(1, 14)], "each was asked for once, and what has no hash was not")
    tap.equal(server.strangers, [], "nothing but SHA-256s")
    gaps = [b - a for a, b in zip(server.times, server.times[1:])]
    # By the server's clock, which a busy machine keeps waiting: one gap may be short after a long one, not all.
    tap.ok(min(gaps) > 0.5 and sum(gaps) > 0.97 * len(gaps), "never sooner than the interval", gaps)
    found, _ = run(server, 3, 3, folder)
    tap.equal([f[0] for f in found], ["clean"], "after a restart, what is new again is told from what is kept")
    tap.equal(len(server.asked), 13, "and nothing is asked for again")
    server.close()


def again(folder):
    server = Server(KEY)
    server.answers[digest(1)] = {"undetected": 70}
    run(server, 1, 3, folder)
    server.answers[digest(1)] = {"malicious": 9, "undetected": 61}
    found, _ = run(server, 1, 6, folder, recheck="1 s")
    tap.equal(found[-1][:3], ("suspicious", 9, 70), "what was clean is found to be suspicious")
    server.answers[digest(1)] = lambda r: server.send(r, 500, b"")
    asked = len(server.asked)
    found, _ = run(server, 1, 5, folder, recheck="1 s")
    tap.ok(len(server.asked) > asked and all(f[0] == "suspicious" for f in found), "a failure takes nothing back", found)
    asked = len(server.asked)
    run(server, 3, 5, folder, daily_limit="1")
    tap.equal(len(server.asked), asked, "no more than a day's limit, over restarts")
    server.close()


def keys(folder):
    server = Server(KEY)
    found, said = run(server, 2, 2, folder, key="")
    tap.equal(([f[0] for f in found], server.asked), (["no key", "no key"], []), "without a key nothing is asked, nor clean")
    tap.ok("; no key" in said, "which status says", said)
    found, _ = run(server, 2, 5, folder)
    tap.equal([f[0] for f in found], ["pending", "pending", "unknown", "unknown"], "with one, it is")
    _, said = run(server, 3, 5, folder, key="wrong")
    tap.ok("gave up: VirusTotal refuses the api_key (HTTP status 401 WrongCredentialsError)" in said, "a refused key ends it", said)
    _, said = run(server, 1, 1, folder, key="a b")
    tap.ok("check: api_key has characters" in said, "a key cannot be two headers", said)
    server.url = "http://192.0.2.1/api/v3"
    _, said = run(server, 1, 1, folder)
    tap.ok("check: api_url must begin with https://" in said, "a key is not sent in the clear", said)
    server.close()


def limits(folder):
    server = Server(KEY)

    def too_many(request):
        server.default = "unknown"
        server.send(request, 429, server.error("TooManyRequestsError"), headers=[("Retry-After", "4")])
    server.default = too_many
    found, said = run(server, 1, 10, folder)
    tap.ok("429 TooManyRequestsError: waiting for 4 s" in said, "a limit is said", said)
    tap.equal([f[0] for f in found], ["pending", "unknown"], "what met it is pending, and then asked for again")
    tap.ok(server.times[1] - server.times[0] >= 3.9, "not before the time that was told", server.times)
    server.default = lambda r: server.send(r, 429, server.error("QuotaExceededError"))
    _, said = run(server, 3, 4, folder)
    tap.ok("QuotaExceededError: waiting for" in said and len(server.asked) == 3, "a day's quota is waited for", said)
    _, said = run(server, 3, 3, folder)
    tap.equal(len(server.asked), 3, "over restarts")
    server.close()


def by_tls(folder):
    certificate, key = os.path.join(folder, "server.crt"), os.path.join(folder, "server.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "2", "-subj", "/CN=vt.test", "-addext", "subjectAltName=IP:127.0.0.1"], check=True,
                   capture_output=True)
    server = Server(KEY, (certificate, key))
    found, _ = run(server, 1, 3, folder)
    tap.ok(found[-1][0] == "failed" and not server.asked, "who cannot be trusted is not told the key", found)
    found, _ = run(server, 2, 4, folder, ca_file=certificate)
    tap.ok(("unknown", 0, 0, "") in found and server.asked, "with a certificate that is trusted, it is asked", found)
    server.close()


def main():
    for test in (answers, again, keys, limits, by_tls):
        with tempfile.TemporaryDirectory() as folder:
            test(folder)
    tap.done()


if __name__ == "__main__":
    main()
