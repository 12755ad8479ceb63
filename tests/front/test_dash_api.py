#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The server of `picosnitch dash`: its answers by their schema and against `picosnitch query`, filters with hostile values,
who is let in (Host, token, other sites), what it refuses, slow and many clients, a store that goes and comes, metrics
by promtool, how it ends. As root also: that it does not stay root.

PICOSNITCH  the program (default: that of the build tree)
"""
import http.client
import json
import os
import pwd
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir)]
import tap  # noqa: E402
from dash_api import Dash, MOST, PROGRAM, Place, status_of, tops_are_traffic  # noqa: E402

TOKEN = "0123456789abcdef-_~."


def answers(place, dash):
    status, info = dash.ask("info")
    tap.equal((status, info["store"], info["live"], "exe" in [d["name"] for d in info["dimensions"]]), (200, "sqlite", True, True), "info")
    for d in info["dimensions"]:
        if d["name"] == "time":
            continue
        status, got = dash.ask("traffic", ("by", d["name"]), ("last", "all"), ("limit", "10000"), ("ports", "all"))
        lines = [json.loads(line) for line in place.query("--by", d["name"], "--last", "all", "--format", "json").splitlines()]
        counts = ("sent", "received", "calls", "rows", "first", "last")
        tap.equal((status, [[r[c] for c in counts] for r in got["rows"]]), (200, [[min(line[c], MOST) for c in counts] for line in lines]),
                  f"traffic by {d['name']} is what query says")
        total = [min(sum(line[c] for line in lines), MOST) for c in counts[:4]] + [len(lines)]
        tap.equal(list(got["total"].values()), total, "and its total")
        bad = []
        for row, line in list(zip(got["rows"], lines))[:20]:
            status, one = dash.ask("traffic", ("by", "none"), ("last", "all"), ("f", f"{d['name']}={row['values'][0]}"))
            if status != 200 or one["total"]["sent"] != row["sent"]:
                bad.append((row["values"], one))
        tap.equal(bad, [], f"each value of {d['name']} is a filter")
    status, all_ = dash.ask("traffic", ("by", "exe"), ("last", "all"))
    status, got = dash.ask("traffic", ("by", "exe"), ("last", "all"), ("limit", "1"))
    tap.equal((len(got["rows"]), got["more"], got["total"]), (1, len(all_["rows"]) > 1, all_["total"]), "a limit leaves the total")
    tops_are_traffic(dash, [d["name"] for d in info["dimensions"] if d["name"] not in ("time", "country")])
    for by in ("exe", "none", "uid"):
        status, got = dash.ask("series", ("by", by), ("last", "2d"), ("points", "50"), ("top", "2"))
        n = len(got["times"])
        arrays = [s[k] for s in got["series"] + ([got["other"]] if got["other"] else []) for k in ("sent", "received")]
        status, total = dash.ask("traffic", ("by", by), ("last", "2d"))
        tap.equal((n <= 50, {len(a) for a in arrays} <= {n}, sum(sum(a) for a in arrays)),
                  (True, True, total["total"]["sent"] + total["total"]["received"]), f"series by {by} add up to the total")
    status, got = dash.ask("events", ("last", "all"), ("kind", "program,verdict"), ("kind", "loss"))
    times = [e["time"] for e in got["events"]]
    tap.ok(status == 200 and times and times == sorted(times, reverse=True), "events, the latest first", got)
    status, got = dash.ask("events", ("last", "all"), ("limit", "1"))
    tap.equal((len(got["events"]), got["more"]), (1, len(times) > 1), "and a limit")
    tap.equal(dash.ask("audit", ("last", "all"))[0], 200, "audit")
    for form in ("csv", "json"):
        status, headers, body = dash.get(f"/api/v1/export?format={form}&by=exe,raddr&last=all")
        tap.equal((status, body == place.query("--by", "exe,raddr", "--last", "all", "--format", form)), (200, True), f"export as {form}")
        tap.ok(re.fullmatch(r'attachment; filename="picosnitch-\d{8}T\d{6}Z\.(csv|jsonl)"', headers["content-disposition"]), "its name")


def refusals(dash):
    for path in ("tops?by=none", "tops?by=exe,time", "tops?order=calls", "tops?limit=101", "tops?by=exe&step=1h", "traffic?by=nonsense", "traffic?by=rport&ports=some", "series?by=rport&ports=", "traffic?limit=0", "traffic?limit=10001", "traffic?what=1", "traffic?last=3h&last=4h", "traffic?from=x",
                 "traffic?from=5&to=4", "traffic?f=exe", "traffic?f=lport=x", "traffic?a", "traffic?f=exe%00", "traffic?f=%ff", "series?by=exe,uid",
                 "series?by=time", "series?points=1", "series?top=31", "series?step=0", "series?last=all&step=1s&from=0", "events?kind=x",
                 "events?limit=1001", "export", "export?format=table", "export?format=csv&limit=1000001", "info?x=1",
                 "traffic?last=99999999999999999d", "traffic?to=-9223372036854775808"):
        status, headers, body = dash.get("/api/v1/" + path)
        tap.ok(status == 400 and json.loads(body)["error"], f"400: {path}", status, body)
    for path in ("/api/v1/nothing", "/api/v1/traffic/", "/assets/../x", "//", "/assets/nothing.js", "/api/v1/traffic%3f"):
        tap.equal(dash.get(path)[0], 404, f"404: {path}")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
        status, headers, body = dash.get("/api/v1/info", method)
        tap.equal((status, headers.get("allow")), (405, "GET, HEAD"), f"405: {method}")
    status, headers, body = dash.get("/api/v1/info", "HEAD")
    tap.equal((status, body, int(headers["content-length"]) > 100), (200, b"", True), "HEAD")
    for path in ("/", "/api/v1/info", "/api/v1/traffic?a", "/nothing", "/metrics"):
        status, headers, body = dash.get(path)
        tap.ok("default-src 'none'" in headers["content-security-policy"] and headers["x-content-type-options"] == "nosniff" and
               headers["referrer-policy"] == "no-referrer" and headers["cross-origin-resource-policy"] == "same-origin" and
               "access-control-allow-origin" not in headers, f"headers of {path}", headers)
    tap.equal(dash.get("/api/v1/info", Sec_Fetch_Site="cross-site")[0], 403, "another site may not ask")
    tap.equal(dash.get("/api/v1/info", Sec_Fetch_Site="same-origin")[0], 200, "the page may")
    long = "/api/v1/traffic?last=all&f=" + urllib.parse.quote("exe=" + "x" * 200000)
    tap.equal(dash.get(long)[0], 200, "an address of 200 kB")
    tap.equal(dash.get(long + "y" * 400000)[0] in (413, 414, 431), True, "one of 600 kB is too long")
    tap.equal(dash.get("/api/v1/traffic?" + "&".join(["f=exe=a"] * 300))[0], 400, "too many parameters")


def hosts(dash):
    def with_host(*values, target="/api/v1/info", more=b""):
        return status_of(dash.raw(f"GET {target} HTTP/1.1\r\n".encode() + b"".join(b"Host: " + v + b"\r\n" for v in values) + more +
                                  b"Connection: close\r\n\r\n"))
    port = str(dash.port).encode()
    for value in (b"localhost", b"localhost:" + port, b"127.0.0.1:" + port, b"[::1]:" + port, b"LOCALHOST"):
        tap.equal(with_host(value), 200, f"Host: {value.decode()}")
    for value in (b"evil.example", b"localhost.evil.example", b"localhost:x", b"", b"127.0.0.1.evil", b"[::2]", b"localhost@evil", b"0.0.0.0"):
        tap.ok(with_host(value) in (400, 421), f"no Host: {value.decode()}")
    tap.equal(with_host(b"localhost", b"localhost"), 421, "two Host headers")
    tap.equal(with_host(b"evil.example", b"localhost"), 421, "of which one is ours")
    tap.ok(with_host() in (400, 421), "none")
    for target in ("http://localhost/api/v1/info", "http://evil.example/api/v1/info", "api/v1/info", "*", "/%00/../../etc/passwd", "/../../etc/passwd",
                   "/api/v1/info%00", "//localhost/api/v1/info", "/api/v1/info?x=%00"):
        tap.ok(with_host(b"localhost", target=target) in (400, 404), f"target {target}")
    tap.equal(with_host(b"localhost", more=b"Content-Length: 3\r\n"), 400, "a body")
    tap.ok(with_host(b"localhost", more=b"Transfer-Encoding: chunked\r\n") in (400, 0), "a body in chunks")
    tap.ok(with_host(b"localhost", more=b"X: y\r\n" * 100) in (431,), "a hundred headers")


def assets(dash):
    status, headers, body = dash.get("/")
    tap.equal((status, headers["content-type"], headers["cache-control"], headers["vary"]),
              (200, "text/html; charset=utf-8", "no-cache", "Accept-Encoding"), "the page")
    for view in ("/program", "/explore?by=exe", "/alerts", "/live"):
        tap.equal(dash.get(view)[2], body, f"{view} is the page")
    paths = re.findall(rb'"(/assets/[^"]+)"', body)
    tap.ok(len(paths) >= 2, "it names its assets", body)
    import gzip
    for path in paths:
        path = path.decode()
        status, plain, text = dash.get(path)
        status2, packed, small = dash.get(path, Accept_Encoding="br, gzip;q=0.5")
        tap.equal((status, status2, packed.get("content-encoding"), gzip.decompress(small) == text, plain.get("content-encoding")),
                  (200, 200, "gzip", True, None), f"{path} plain and packed")
        tap.ok("immutable" in plain["cache-control"] and plain["etag"] != packed["etag"], "kept for good; two tags")
        tap.equal([dash.get(path, If_None_Match=t)[0] for t in (plain["etag"], '"x", W/' + plain["etag"], '"x"', packed["etag"])],
                  [304, 304, 200, 200], "conditional requests")
        tap.equal(dash.get(path, Accept_Encoding="gzip;q=0")[1].get("content-encoding"), None, "gzip;q=0")


def tokens(place):
    with Dash(place, "--token", TOKEN) as dash:
        tap.ok(dash.url.endswith("/?token=" + TOKEN), "the address has the token", dash.url)
        for path in ("/", "/api/v1/info", "/metrics", "/api/v1/live", "/nothing"):
            status, headers, body = dash.get(path)
            tap.equal((status, headers.get("www-authenticate")), (401, 'Bearer realm="picosnitch"'), f"401: {path}")
        tap.equal([dash.get("/api/v1/info", Authorization="Bearer " + t)[0] for t in (TOKEN, TOKEN + "x", TOKEN[:-1], "", "x" * 9999)],
                  [200, 401, 401, 401, 401], "Authorization")
        tap.equal(dash.get("/?token=" + TOKEN[:-1] + "x")[0], 401, "a wrong token in the address")
        tap.equal(dash.get("/api/v1/info?token=" + TOKEN)[0], 401, "and one of the API")
        status, headers, body = dash.get("/?token=" + urllib.parse.quote(TOKEN))
        cookie = headers["set-cookie"]
        tap.ok(status == 303 and headers["location"] == "/" and "HttpOnly" in cookie and "SameSite=Strict" in cookie, "the token becomes a cookie", headers)
        tap.equal(dash.get("/api/v1/info", Cookie="a=b; " + cookie.split(";")[0])[0], 200, "which is let in")
    with Dash(place, "--host", "0.0.0.0") as dash:
        tap.ok(re.search(r"/\?token=[0-9a-f]{48}$", dash.url), "beyond loopback a token is made", dash.url)
        tap.equal(dash.get("/api/v1/info")[0], 401, "and wanted")
        dash.end()
        tap.ok("without encryption" in dash.errors, "and it is said that there is no TLS", dash.errors)


def clients(dash):
    time.sleep(3)  # those of live have gone by then
    slow = []
    for _ in range(50):
        s = socket.create_connection(("127.0.0.1", dash.port), timeout=60)
        s.sendall(b"GET /api/v1/info HTTP/1.1\r\nHost: localhost\r\nX: ")
        slow.append(s)
    start = time.time()
    tap.equal(dash.get("/api/v1/info")[0], 200, "fifty slow clients are not in the way")
    got = []
    threads = [threading.Thread(target=lambda: got.append(dash.ask("traffic", ("by", "exe,raddr"), ("last", "all"))[0])) for _ in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    tap.ok(got and set(got) <= {200, 503}, "many at once are answered, or told to wait", got)
    gone = 0
    while time.time() - start < 40 and gone < len(slow):
        time.sleep(1)
        gone = 0
        for s in slow:
            try:
                s.sendall(b"a")
                gone += s.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) == b""
            except BlockingIOError:
                pass
            except OSError:
                gone += 1
    tap.equal(gone, len(slow), "a byte a second holds no connection for ever")
    for s in slow:
        s.close()


def live(dash):
    c = http.client.HTTPConnection("127.0.0.1", dash.port, timeout=20)
    c.request("GET", "/api/v1/live")
    r = c.getresponse()
    tap.equal((r.status, r.getheader("content-type"), r.getheader("cache-control")), (200, "text/event-stream; charset=utf-8", "no-store"), "live")
    lines = [r.readline() for _ in range(2)]
    tap.ok(lines[0] == b"event: gone\n" and json.loads(lines[1][6:])["error"], "without a daemon: gone", lines)
    held = []
    for _ in range(40):
        s = socket.create_connection(("127.0.0.1", dash.port), timeout=20)
        s.sendall(b"GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        held.append(s)
    states = [status_of(s.recv(20)) for s in held]
    tap.equal((states.count(200), states.count(503)), (31, 9), "32 listen at most")
    for s in held:
        s.close()
    c.close()


def metrics(dash):
    status, headers, body = dash.get("/metrics")
    tap.equal((status, headers["content-type"]), (200, "text/plain; version=0.0.4; charset=utf-8"), "metrics")
    tap.ok(b"\npicosnitch_up 0\n" in body and b"\npicosnitch_store_up 1\n" in body and b'exe="(other)"' in body, "their values", body.decode())
    tap.ok(len(re.findall(rb"(?m)^picosnitch_sent_bytes_total", body)) <= 51, "a bounded number of programs")
    if shutil.which("promtool"):
        r = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, timeout=60)
        tap.equal((r.returncode, r.stdout + r.stderr), (0, b""), "promtool has nothing to say")
    else:
        tap.skip("promtool has nothing to say", "needs promtool (Debian prometheus)")
    names = set(re.findall(r"(?m)^# TYPE (\S+)", body.decode()))
    with open(os.path.join(os.environ.get("top_srcdir", os.path.join(HERE, "../..")), "contrib/grafana/picosnitch.json")) as f:
        wanted = set(re.findall(r"picosnitch_\w+", " ".join(t["expr"] for p in json.load(f)["panels"] for t in p["targets"])))
    tap.equal(wanted - names, set(), "the dashboard asks for nothing that is not there")


def store_away(place):
    with Place(None) as place, Dash(place) as dash:
        status, got = dash.ask("info")
        tap.ok(status == 503 and "no store" in got["error"], "no store yet: 503", got)
        tap.ok(b"picosnitch_store_up 0" in dash.get("/metrics")[2], "which is a metric")
        place.seed("usual")
        time.sleep(1.5)
        tap.equal(dash.ask("traffic", ("last", "all"))[0], 200, "it is there when it comes")
        place.set_aside()
        tap.equal(dash.ask("traffic", ("last", "all"))[0], 503, "set aside: 503")
        place.seed("usual")
        time.sleep(1.5)
        tap.equal(dash.ask("traffic", ("last", "all"))[0], 200, "and a new one is taken")


def process(place):
    with Dash(place) as dash:
        with open(f"/proc/{dash.process.pid}/status") as f:
            now = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
        tap.equal([int(now[k], 16) for k in ("CapInh", "CapPrm", "CapEff", "CapAmb")] + [now["NoNewPrivs"]], [0, 0, 0, 0, "1"], "no capability, no way to one")
        if os.getuid() == 0:
            tap.equal((set(now["Uid"].split()), "0" in now["Gid"].split() + now["Groups"].split(), int(now["CapBnd"], 16)),
                      ({str(pwd.getpwnam("nobody").pw_uid)}, False, 0), "started by root, it is the user of [core]")
        other = subprocess.run([PROGRAM, "--config", place.config, "dash", "--host", "127.0.0.1", "--port", str(dash.port)], capture_output=True,
                               text=True, timeout=30)
        tap.ok(other.returncode == 1 and "in use" in other.stderr, "a port that is taken", other.stderr)
        listener = http.client.HTTPConnection("127.0.0.1", dash.port, timeout=20)
        listener.request("GET", "/api/v1/live")
        listener.getresponse().readline()
        start = time.time()
        tap.equal((dash.end(), time.time() - start < 5), (0, True), "SIGTERM ends it, whoever listens")
        listener.close()
    for how in (signal.SIGINT,):
        with Dash(place) as dash:
            tap.equal(dash.end(how), 0, "SIGINT, too")
    with Dash(place, HOST="127.0.0.1") as dash:
        tap.ok(dash.url.startswith("http://127.0.0.1:"), "HOST in the environment")
    for options, status in ((["--nonsense"], 2), (["--port", "70000"], 2), (["--token", "short"], 2), (["x"], 2), (["--store", "nothing"], 1)):
        r = subprocess.run([PROGRAM, "--config", place.config, "dash", *options], capture_output=True, text=True, timeout=30)
        tap.equal((r.returncode, bool(r.stderr)), (status, True), f"exit status of {' '.join(options)}")


def many(place):
    """More values than are kept at once."""
    with sqlite3.connect(place.store) as db:
        db.execute("WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 600000)"
                   " INSERT INTO addresses SELECT n + 1000000, printf('2001:db8::%x:%x', n / 65536, n % 65536), 0 FROM i")
        columns = [c[1] for c in db.execute("PRAGMA table_info(connections)")]
        made = {"contime": int(time.time()), "raddr_id": "a.id", "send": "a.id % 1000", "recv": "1"}  # not in an hour that is summed up
        db.execute(f"INSERT INTO connections SELECT {', '.join(str(made.get(c, 'c.' + c)) for c in columns)}"
                   " FROM addresses a, (SELECT * FROM connections LIMIT 1) c WHERE a.id > 1000000")
    db.close()
    place.open_up()
    with Dash(place) as dash:
        tops_are_traffic(dash, ["raddr", "exe"])
        tap.ok(dash.ask("tops", ("by", "exe,raddr"), ("last", "all"))[1]["tops"][1]["groups"] > 600000, "more than are kept at once")


def main():
    with Place() as place:
        with Dash(place) as dash:
            answers(place, dash)
            refusals(dash)
            hosts(dash)
            assets(dash)
            live(dash)
            metrics(dash)
            clients(dash)
            tap.equal(dash.ask("info")[0], 200, "after all that it answers")
        tokens(place)
        process(place)
        many(place)
    with Place("hostile") as place, Dash(place) as dash:
        answers(place, dash)
    store_away(None)
    tap.done()


main()
