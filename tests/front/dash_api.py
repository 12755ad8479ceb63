# SPDX-License-Identifier: GPL-3.0-or-later
"""`picosnitch dash` for tests: a folder with a store and a configuration, and the server, whose answers are checked by the schema."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir))
import tap  # noqa: E402
try:
    import jsonschema
except ImportError:
    tap.skip_all("needs jsonschema (Debian python3-jsonschema)")

BUILD = os.environ.get("top_builddir") or os.getcwd()
PROGRAM = os.environ.get("PICOSNITCH") or os.path.join(BUILD, "picosnitch")
SEED = os.path.join(BUILD, "tests/front/seed")
PLUGINS = os.path.join(BUILD, "plugins/.libs")
MOST = 2**53 - 1
with open(os.path.join(HERE, "dash_api.schema.json")) as f:
    SCHEMA = json.load(f)


class Place:
    """A folder with a store and a configuration."""

    def __init__(self, kind="usual", more="", geoip="enabled = no"):
        self.path = tempfile.mkdtemp(prefix="picosnitch-dash.")
        os.chmod(self.path, 0o755)
        self.config = os.path.join(self.path, "picosnitch.ini")
        self.store = os.path.join(self.path, "snitch.db")
        with open(self.config, "w") as f:
            f.write(f"[paths]\nstate = {self.path}\nrun = {self.path}\nplugins = {PLUGINS}\n[geoip]\n{geoip}\n[core]\nuser = nobody\n{more}")
        os.chmod(self.config, 0o600)
        if kind:
            self.seed(kind)

    def seed(self, *kind):
        subprocess.run([SEED, os.path.join(PLUGINS, "sqlite.so"), self.path, str(int(time.time())), *kind], check=True,
                       stdout=subprocess.DEVNULL)
        self.open_up()

    def open_up(self):
        for name in os.listdir(self.path):
            if name.startswith("snitch.db"):
                os.chmod(os.path.join(self.path, name), 0o644)
                if os.getuid() == 0:
                    shutil.chown(os.path.join(self.path, name), "nobody")

    def set_aside(self):
        os.rename(self.store, self.store + ".aside")
        for suffix in ("-wal", "-shm"):
            if os.path.exists(self.store + suffix):
                os.unlink(self.store + suffix)

    def query(self, *options):
        r = subprocess.run([PROGRAM, "--config", self.config, "query", *options], capture_output=True, timeout=60)
        assert r.returncode == 0, r.stderr
        return r.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)


class Dash:
    def __init__(self, place, *options, **env):
        clean = {k: v for k, v in os.environ.items() if k not in ("HOST", "PORT")}
        self.process = subprocess.Popen([PROGRAM, "--config", place.config, "dash", "--port", "0", *options], env={**clean, **env},
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        m = re.search(r":(\d+)(/|$)", self.url)
        assert m, (self.url, self.process.stderr.read() if self.process.poll() is not None else "")
        self.port = int(m[1])

    def get(self, path, method="GET", **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        r = c.getresponse()
        body = r.read()
        c.close()
        return r.status, {k.lower(): v for k, v in r.getheaders()}, body

    def ask(self, endpoint, *pairs):
        status, headers, body = self.get(f"/api/v1/{endpoint}?" + urllib.parse.urlencode(pairs) if pairs else f"/api/v1/{endpoint}")
        answer = json.loads(body)
        jsonschema.validate(answer, {**SCHEMA, "$ref": f"#/definitions/{endpoint if status == 200 else 'error'}"})
        return status, answer

    def raw(self, data, wait=5):
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as s:
            s.sendall(data)
            got = b""
            try:
                while piece := s.recv(65536):
                    got += piece
                    if b"\r\n\r\n" in got and b"keep-alive" not in got.lower():
                        head, _, body = got.partition(b"\r\n\r\n")
                        m = re.search(rb"(?i)content-length: (\d+)", head)
                        if m and len(body) >= int(m[1]):
                            break
            except (TimeoutError, ConnectionResetError):
                pass
            return got

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(30)
        self.errors = self.process.stderr.read()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def status_of(got):
    m = re.match(rb"HTTP/1\.[01] (\d+)", got)
    return int(m[1]) if m else 0


def tops_are_traffic(dash, dims, limit=5, last=("last", "all")):
    """What is asked for at once is what is asked for by itself."""
    bad = []
    for order in ("total", "sent", "received"):
        status, got = dash.ask("tops", ("by", ",".join(dims)), last, ("order", order), ("limit", str(limit)))
        if status != 200 or [t["by"] for t in got["tops"]] != dims:
            bad.append((status, got))
            continue
        for t in got["tops"]:
            _, one = dash.ask("traffic", ("by", t["by"]), last, ("order", order), ("limit", str(limit)))
            keys = ("values", "beside", "sent", "received", "rows")
            want = [{k: r[k] for k in keys} for r in one["rows"]], one["more"], one["total"]["groups"], one["losses"]
            total = {k: one["total"][k] for k in ("sent", "received", "rows")}
            if (t["rows"], t["more"], t["groups"], got["losses"]) != want or got["total"] != total:
                bad.append((order, t, want, got["total"], total))
    tap.equal(bad, [], f"tops of {len(dims)} dimensions are those of each")
