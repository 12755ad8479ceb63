#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`picosnitch geoip`: the database of countries is fetched by somebody without rights, and only for a better one."""
import glob
import gzip
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, os.pardir), os.path.join(HERE, os.pardir, "sinks")]
import tap  # noqa: E402
from country_server import Server, database, month, moved, packed, send, trickle  # noqa: E402

BUILD = os.environ.get("top_builddir") or os.getcwd()
NOW = time.time()
# Of this month, of the one before, and of one long ago.
THIS, OLD = NOW - 60, NOW - 100 * 86400
BEFORE = NOW - (time.gmtime().tm_mday + 5) * 86400
ROOT = os.geteuid() == 0
NOBODY = 65534


class Home:
    """A configuration, and a cache of its own."""

    def __init__(self, server):
        self.path = tempfile.mkdtemp(prefix="picosnitch-test.", dir="/var/lib" if ROOT else None)
        os.chmod(self.path, 0o755)
        for name in ("picosnitch", "picosnitch-geoip"):
            shutil.copy(os.path.join(BUILD, name), self.path)
        self.server, self.ini = server, os.path.join(self.path, "ini")
        self.cache, self.folder = os.path.join(self.path, "cache"), os.path.join(self.path, "cache", "geoip")
        self.file = os.path.join(self.folder, "country.mmdb")
        self.before = []  # the command
        self.configure()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def configure(self, *lines, url=None):
        with open(self.ini, "w", encoding="utf-8") as f:
            f.write(f"[core]\nuser = nobody\n[paths]\ncache = {self.cache}\n[geoip]\nurl = {url or self.server.url}"
                    + ("" if url else "/%Y-%m.gz") + "\n" + "\n".join(lines) + "\n")

    def command(self, *words):
        return [*self.before, os.path.join(self.path, "picosnitch"), "--config", self.ini, "geoip", *words]

    def run(self, *words):
        self.server.asked.clear()
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=120, check=False)
        if "Sanitizer" in done.stderr or "runtime error" in done.stderr:
            tap.ok(False, "nothing for a sanitizer to find", done.stderr)
        return done.returncode, done.stdout + done.stderr

    def put(self, data):
        with open(self.file, "wb") as f:
            f.write(data)
        if ROOT:
            os.chown(self.file, NOBODY, NOBODY)

    def has(self):
        with open(self.file, "rb") as f:
            return f.read()


def fetched(home, server):
    status, said = home.run()
    tap.ok(status == 1 and "picosnitch geoip --update" in said, "at first there is none, and it says how to get one", said)
    server.answers[f"/{month()}.gz"] = packed(database(THIS))
    status, said = home.run("--update")
    tap.equal(status, 0, "it is fetched", said)
    tap.equal(home.has(), database(THIS), "as it is there")
    tap.ok(f"fetched {server.url}/{month()}.gz, of " in said and "IP Geolocation by DB-IP (https://db-ip.com)" in said,
           "and told of, with what has to be shown", said)
    about = os.stat(home.file)
    tap.equal(stat.S_IMODE(about.st_mode), 0o644, "everybody may read it")
    tap.equal(os.listdir(home.folder), ["country.mmdb"], "nothing else is left")
    if ROOT:
        tap.equal((about.st_uid, os.stat(home.folder).st_uid, os.stat(home.cache).st_uid), (NOBODY, NOBODY, 0),
                  "it belongs to nobody, who may write in that folder alone")
    status, said = home.run("--update")
    tap.equal((status, server.asked), (0, []), "no newer one can be there this month: nobody is asked", said)


def months(home, server):
    server.answers = {f"/{month(1)}.gz": packed(database(BEFORE))}
    os.unlink(home.file)
    status, said = home.run("--update")
    tap.equal(status, 0, "this month's is not there yet: that of the month before is fetched", said)
    tap.equal(server.asked, [f"/{month()}.gz", f"/{month(1)}.gz"], "in this order")
    tap.equal(home.has(), database(BEFORE), "it is the one")
    status, said = home.run("--update")
    tap.ok(status == 0 and server.asked == [f"/{month()}.gz"] and "none is newer yet" in said,
           "after that, only this month's is asked for", said, server.asked)
    server.answers = {}
    os.unlink(home.file)
    status, said = home.run("--update")
    tap.ok(status == 1 and "the server says 404" in said, "neither is there", said)
    server.answers = {f"/{month()}.gz": lambda r: send(r, database(THIS))}
    tap.equal(home.run("--update")[0], 0, "one that is not packed will do, too")
    tap.equal(home.has(), database(THIS), "as it is")


def refused(home, server):
    """What must not take the place of what is there."""
    good, this = database(OLD), f"/{month()}.gz"
    whole = gzip.compress(database(THIS))
    blank = database(THIS)
    for code in (b"US", b"us", b"NL"):
        blank = blank.replace(b"B" + code, b"B??")
    cases = [
        ("what was cut while it was packed", lambda r: send(r, whole[:-40]), "it has been cut"),
        ("what the connection broke off", lambda r: send(r, whole[:-40], length=len(whole)), "/"),
        ("what is damaged", lambda r: send(r, whole[:200] + b"\0" * 50 + whole[250:]), "is damaged"),
        ("what has something behind it", lambda r: send(r, whole + b"more"), "behind the end"),
        ("nothing", lambda r: send(r, b""), "is empty"),
        ("a byte", lambda r: send(r, b"\x1f"), "has been cut"),
        ("a page for people", lambda r: send(r, b"<html>sign in to this network</html>"), "is no database"),
        ("another file, packed", packed(b"hello\n" * 1000), "is no database"),
        ("a database that was cut", packed(database(THIS)[:-300]), "is no database"),
        ("a database that knows no country", packed(blank), "knows no countries"),
        ("one that is older", packed(database(OLD - 86400)), "older than what is there"),
        ("one of the future", packed(database(NOW + 40 * 86400)), "is to come"),
        ("a bomb", packed(bytes(300 << 20)), "unpacks to more than 256 MiB"),
        ("what says that it is large", lambda r: send(r, b"x", length=65 << 20), "larger than 64 MiB"),
        ("a server in trouble", lambda r: send(r, b"", status=503), "the server says 503"),
        ("what has moved to a file of this machine", moved("file:///etc/passwd"), "/"),
        ("what moves for ever", moved(this), "/"),
    ]
    for what, answer, why in cases:
        home.put(good)
        server.answers = {this: answer}
        status, said = home.run("--update")
        tap.ok(status == 1 and why in said, f"{what}: refused", status, said)
        if home.has() != good or os.listdir(home.folder) != ["country.mmdb"]:
            tap.ok(False, "what was there is as it was", *os.listdir(home.folder))
    home.put(database(OLD))
    server.answers = {this: packed(database(OLD))}
    status, said = home.run("--update")
    tap.ok(status == 0 and "what is there already" in said, "the same one: nothing to do", said)
    server.answers = {this: moved("/elsewhere"), "/elsewhere": packed(database(THIS))}
    tap.equal(home.run("--update")[0], 0, "what has moved is followed")
    tap.equal(home.has(), database(THIS), "and fetched")


def broken(home, server):
    """What is there is of no use: anything is better."""
    server.answers = {f"/{month()}.gz": packed(database(THIS))}
    home.put(b"damaged")
    tap.equal(home.run("--update")[0], 0, "one that is damaged is replaced")
    home.put(database(NOW + 1000 * 86400))
    tap.equal(home.run("--update")[0], 0, "so is one of the far future")
    os.unlink(home.file)
    os.mkfifo(home.file)
    status, said = home.run()
    tap.ok(status == 1 and "is no file" in said, "a pipe in its place holds nobody up", said)
    tap.equal(home.run("--update")[0], 0, "and is replaced")
    os.unlink(home.file)
    os.symlink("/etc/passwd", home.file)
    tap.equal(home.run("--update")[0], 0, "so is a link")
    tap.ok(not os.path.islink(home.file) and home.has() == database(THIS), "and what it pointed to is not touched")


def configured(home, server):
    server.answers = {"/always": packed(database(THIS))}
    home.configure("update = never", url=server.url + "/always")
    home.put(database(OLD))
    tap.equal(home.run("--update")[0], 0, "an address without a month; by hand, even if the daemon never does")
    tap.equal(home.has(), database(THIS), "is fetched")
    home.put(database(OLD))
    status, said = home.run()
    tap.ok(status == 0 and "100 days ago" in said and "it is old" in said, "its age is told", said)
    mine = os.path.join(home.path, "mine.mmdb")
    shutil.copy(home.file, mine)
    home.configure(f"database = {mine}")
    status, said = home.run("--update")
    tap.ok(status == 1 and "a file of your own" in said and not server.asked, "a file of one's own is left alone", said)
    home.configure("enabled = no")
    tap.equal(home.run()[0], 1, "none is wanted")
    home.configure(url="https" + server.url[4:] + "/always")
    home.put(database(OLD))
    status, said = home.run("--update")
    tap.ok(status == 1 and home.has() == database(OLD), "https: is not http:", said)
    home.configure()


def of_process(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return dict(line.rstrip("\n").split(":", 1) for line in f)


def fetching(home):
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if b"--fetch" in words and home.folder.encode() in words:
            return int(path.split("/")[2])
    return None


def slow(home, server):
    server.answers = {f"/{month()}.gz": trickle}
    home.put(database(OLD))
    begun = time.monotonic()
    with subprocess.Popen(home.command("--update"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        while not (pid := fetching(home)) and time.monotonic() < begun + 10:
            time.sleep(0.05)
        while not server.asked or server.asked[-1] != f"/{month()}.gz":
            time.sleep(0.05)
        about = of_process(pid)
        if ROOT:
            tap.equal(about["Uid"].split(), [str(NOBODY)] * 4, "the process that fetches is nobody's")
            tap.ok("0" not in about["Groups"].split() and "0" not in about["Gid"].split(), "of no group of root's")
        tap.equal([int(about[k], 16) for k in ("CapInh", "CapPrm", "CapEff", "CapAmb")], [0] * 4, "no capability")
        tap.equal((about["NoNewPrivs"].strip(), about["Seccomp"].strip()), ("1", "2"), "and no way to any")
        status, said = home.run("--update")
        tap.ok(status == 1 and "fetched already" in said, "a second one leaves it to that", said)
        said, _ = process.communicate(timeout=90)
    took = time.monotonic() - begun
    tap.ok(process.returncode == 1 and 15 < took < 60, "a server that is very slow is given up", process.returncode, took, said)
    tap.ok(home.has() == database(OLD) and os.listdir(home.folder) == ["country.mmdb"], "and what was there stays")


TRUSTED = "/etc/ssl/certs/ca-certificates.crt"


def with_tls(home, server):
    """Servers that are not who they should be; and one that is, for which an authority of the test's own is trusted in a
    mount namespace."""
    if not shutil.which("openssl"):
        tap.skip("with TLS", "needs openssl")
        return
    import certificates
    folder = os.path.join(home.path, "certificates")
    os.mkdir(folder)
    certificates.make(folder)
    certificates.openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                         "subjectAltName=IP:127.0.0.1", "-keyout", "alone.key", "-out", "alone.pem")
    servers = {name: Server(*(os.path.join(folder, f"{name}.{kind}") for kind in ("pem", "key"))) for name in ("alone", "address", "server")}
    this = f"/{month()}.gz"
    good = database(OLD)

    def ask(name, path=this):
        home.put(good)
        home.configure(url=servers[name].url + path)
        servers[name].asked.clear()
        return home.run("--update")

    def stays(what, got, *why):
        status, said = got
        tap.ok(status == 1 and any(w in said for w in why), f"{what}: refused, and why", status, said)
        tap.ok(home.has() == good and os.listdir(home.folder) == ["country.mmdb"], "and what was there stays", *os.listdir(home.folder))

    server.answers = {"/plain": packed(database(THIS))}
    for s in servers.values():
        s.answers = {this: packed(database(THIS)), "/moved": moved(server.url + "/plain"), "/on": moved(this),
                     "/away": moved(servers["alone"].url + this)}
    stays("a certificate that signed itself", ask("alone"), "self-signed certificate", "self signed certificate")
    tap.equal(servers["alone"].asked, [], "nothing was asked of that server")
    stays("one of an authority that nobody trusts", ask("address"), "certificate")
    try:
        trust = ["unshare", "--mount", "/bin/sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"', os.path.join(folder, "ca.pem"), TRUSTED]
        if not ROOT or not os.path.exists(TRUSTED) or subprocess.run([*trust, "true"], capture_output=True, check=False).returncode:
            tap.skip("a server that is trusted", f"needs root, mount namespaces and {TRUSTED}")
            return
        home.before = trust
        status, said = ask("address")
        tap.equal((status, home.has()), (0, database(THIS)), "of an authority that is trusted: it is fetched", said)
        status, said = ask("address", "/on")
        tap.equal((status, home.has()), (0, database(THIS)), "what has moved there, too", said)
        stays("a certificate for another name", ask("server"), "127.0.0.1")
        server.asked.clear()
        stays("what has moved to where there is no TLS", ask("address", "/moved"), "http")
        tap.equal(server.asked, [], "nothing was asked there")
        stays("what has moved to a server that is not trusted", ask("address", "/away"), "certificate")
    finally:
        home.before = []
        home.configure()
        for s in servers.values():
            s.close()


def main():
    server = Server()
    try:
        with Home(server) as home:
            for part in (fetched, months, refused, broken, configured, with_tls, slow):
                part(*((home,) if part.__code__.co_argcount == 1 else (home, server)))
    finally:
        server.close()
    tap.done()


main()
