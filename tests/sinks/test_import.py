#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
`picosnitch import`: files of older versions, made from their documented schemas, row by row through the store
and `picosnitch verify`; files that are damaged, or made by an enemy; configurations and records.
"""
import json
import os
import pty
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import old_files  # noqa: E402
import tap  # noqa: E402

BUILD = os.environ.get("top_builddir") or os.getcwd()
ROOT = os.geteuid() == 0
ZONE = "CET-1CEST,M3.5.0,M10.5.0/3"

STORED = """SELECT contime, endtime, send, recv, events, uid, family, protocol, lport, rport, l.addr, r.addr, domain,
 netns, e.exe, e.name, e.cmdline, e.sha256, e.hash_state, p.exe, p.name, p.cmdline, p.sha256, g.exe, g.name, g.cmdline,
 g.sha256, domain_source, direction FROM connections c JOIN addresses l ON l.id = laddr_id
 JOIN addresses r ON r.id = raddr_id JOIN domains d ON d.id = domain_id JOIN executables e ON e.id = exe_id
 JOIN executables p ON p.id = pexe_id JOIN executables g ON g.id = gpexe_id ORDER BY c.rowid"""


class Place:
    """A temporary folder with an installation of its own; the store belongs to `nobody` where root runs it."""

    def __init__(self):
        # Each folder above must be root's, or this user's, and closed to others but for a sticky one.
        self.path = tempfile.mkdtemp(prefix="picosnitch-import.", dir="/var/lib" if ROOT else None)
        os.chmod(self.path, 0o755)
        for name in ("state", "log", "run", "cache", "plugins"):
            os.mkdir(self.file(name))
        plugins = os.environ.get("PICOSNITCH_PLUGINS") or os.path.join(BUILD, "plugins", ".libs")
        for name in os.listdir(plugins):
            if name.endswith(".so"):
                shutil.copy(os.path.join(plugins, name), self.file("plugins"))
        self.program = os.environ.get("PICOSNITCH") or os.path.join(BUILD, "picosnitch")
        self.config = self.file("picosnitch.ini")
        self.configure("retention = 0")

    def configure(self, sink, user="nobody"):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"[core]\nuser = {user}\n[paths]\n")
            for name in ("state", "log", "run", "cache", "plugins"):
                f.write(f"{name} = {self.file(name)}\n")
            f.write(f"[sink sqlite]\n{sink}\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name):
        return os.path.join(self.path, name)

    def run(self, *words, zone=ZONE, config=None):
        """Exit status, stdout, stderr."""
        done = subprocess.run([self.program, "--config", config or self.config, *words], capture_output=True,
                              timeout=300, check=False, env=dict(os.environ, TZ=zone))
        said = done.stderr.decode("utf-8", "replace")
        if "Sanitizer" in said or "runtime error" in said:
            tap.ok(False, f"{words[0]}: nothing for a sanitizer to find", said)
        return done.returncode, done.stdout.decode("utf-8"), said

    def imported(self, *words, **more):
        """Exit status and what --json says of one file."""
        status, out, err = self.run("import", "--json", *words, **more)
        return status, json.loads(out) if out else err

    def forget(self):
        for name in os.listdir(self.file("state")):
            os.unlink(os.path.join(self.file("state"), name))

    def ask(self, sql):
        db = sqlite3.connect(self.file("state/snitch.db"))
        db.text_factory = bytes if "blob" in sql else str
        found = db.execute(sql).fetchall()
        db.close()
        return found

    def whole(self, what):
        status, out, err = self.run("verify")
        tap.ok(status == 0 and "NOT" not in out, f"{what}: verify finds it whole", status, out, err)


def local(seconds):
    """A Unix time as the text of a local time in ZONE."""
    os.environ["TZ"] = ZONE
    time.tzset()
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def shown(e):
    """How the store has the arguments of a program: as bash would read them."""
    return (e[0], e[1], e[2], e[3]) if e else ("", "", [], "")


def expected(r):
    e, p, g = (shown(r[k]) for k in ("exe", "parent", "grandparent"))
    return (r["time"], r["time"], r["sent"], r["received"], r["events"], r["uid"], r["family"], r["protocol"],
            r["lport"], r["rport"], r["laddr"], r["raddr"], r["domain"], r["netns"], *e, "", *p, *g, "", "")


def stored(place):
    """Rows, with command lines split as a shell would."""
    rows = []
    for r in place.ask(STORED):
        r = list(r)
        for i in (16, 21, 25):
            r[i] = shlex.split(r[i])
        rows.append(tuple(r))
    return rows


def check_rows(place, rows, what):
    got, want = stored(place), [expected(r) for r in rows]
    tap.equal(len(got), len(want), f"{what}: as many rows")
    wrong = [(g, w) for g, w in zip(got, want) if g != w]
    tap.ok(not wrong, f"{what}: each row is what it was", *(f"{n}: {x}" for n, pair in enumerate(wrong[:2]) for x in pair))


def test_versions(place):
    for version, name in ((3, "snitch.db"), (4, "picosnitch.db")):
        rows = [old_files.row(i, version) for i in range(12000)]
        path = place.file(name)
        (old_files.make_v3(path, rows, local) if version == 3 else old_files.make_v4(path, rows)).close()
        status, out, err = place.run("import", "--dry-run", path)
        tap.ok(status == 0 and "12000 rows would be taken" in out, f"version {version}: a dry run says what it would do",
               status, out, err)
        tap.ok(not os.path.exists(place.file("state/snitch.db")), "and makes nothing")
        status, said = place.imported(path)
        tap.ok(status == 0 and said["taken"] == 12000 and said["all"] and not said["reasons"], "all of it is taken",
               status, said)
        check_rows(place, rows, f"version {version}")
        place.whole(f"version {version}")
        status, said = place.imported(path)
        tap.ok(status == 0 and said["taken"] == 0 and said["present"] == 12000, "a second time nothing is added", said)
        tap.equal(place.ask("SELECT count(*) FROM connections")[0][0], 12000, "nor is it in the store")
        if ROOT:
            tap.equal(os.stat(place.file("state/snitch.db")).st_uid, 65534, "the store is its user's, not root's")
        more = [old_files.row(i, version) for i in range(12000, 18000)]
        if version == 3:
            db = sqlite3.connect(path)
            old_files.fill_v3(db, more, local)
            db.commit()
            db.close()
            status, said = place.imported(path)
            tap.ok(status == 0 and said["taken"] == 6000 and said["present"] == 12000, "what was added since is", said)
            check_rows(place, rows + more, "and then")
            status, said = place.imported(path, zone="UTC")
            tap.ok(status == 1 and "TZ" in said["trouble"] and said["taken"] == 0, "in another time zone it is refused", said)
            place.whole("after all that")
            db = sqlite3.connect(path)
            db.execute("UPDATE connections SET send = 1 WHERE rowid = 7000")
            db.commit()
            db.close()
            status, said = place.imported(path)
            tap.ok(status == 1 and "not those" in said["trouble"], "a file that was changed since is refused", said)
        os.unlink(path)
        place.forget()


def test_both(place):
    rows3, rows4 = ([old_files.row(i, v) for i in range(100)] for v in (3, 4))
    one, two = place.file("one.db"), place.file("two.db")
    old_files.make_v3(one, rows3, local).close()
    old_files.make_v4(two, rows4).close()
    status, out, err = place.run("import", one, two)
    tap.ok(status == 0 and out.count("100 rows taken") == 2, "two files at once", status, out, err)
    check_rows(place, rows3 + rows4, "both")
    place.whole("both")
    place.forget()
    os.unlink(one)
    os.unlink(two)


def test_log(place):
    """Rows that are only in the write-ahead log, as a killed picosnitch 2 leaves them."""
    path, copy = place.file("live.db"), place.file("copy.db")
    rows = [old_files.row(i, 4) for i in range(300)]
    db = old_files.make_v4(path, rows)
    for suffix in ("", "-wal"):
        shutil.copy(path + suffix, copy + suffix)
    db.close()
    tap.ok(os.path.getsize(copy + "-wal") > 0, "a log with something in it")
    if ROOT:
        os.chmod(copy, 0o600)
        os.chmod(copy + "-wal", 0o600)
    before = [open(copy + s, "rb").read() for s in ("", "-wal")]
    status, said = place.imported(copy)
    tap.ok(status == 0 and said["taken"] == 300, "is read, though nobody else may", status, said)
    tap.ok(before == [open(copy + s, "rb").read() for s in ("", "-wal")] and not os.path.exists(copy + "-shm"),
           "and nothing of it is changed")
    check_rows(place, rows, "from a log")
    place.forget()
    open(copy + "-journal", "wb").write(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(600))
    status, said = place.imported(copy)
    tap.ok(status == 2 and "interrupted" in said, "one that was interrupted in a write is refused", said)
    for suffix in ("", "-wal", "-journal"):
        os.unlink(copy + suffix)


def test_times(place):
    """Local times: the hour that comes twice, the one that is left out, and what is none."""
    path = place.file("times.db")
    db = old_files.make_v3(path, [], local)
    texts = ["2023-10-29 02:30:00", "2023-10-29 02:59:59", "2023-10-29 02:10:00", "2023-10-29 03:10:00",
             "2024-03-31 02:30:00", "2024-06-01 12:00:00", "2024-02-30 12:00:00", "yesterday", "", None, 12, b"\xff",
             "2999-01-01 00:00:00", "0000-00-00 00:00:00", "2024-06-01 12:00:00\n", "9999-12-31 23:59:59"]
    for text in texts:
        db.execute("INSERT INTO connections(contime, send, recv, exe, name, cmdline, sha256, pexe, pname, pcmdline, psha256,"
                   " uid, lport, rport, laddr, raddr, domain) VALUES (?, 1, 1, '', '', '', '', '', '', '', '', 0, 0, 0, '',"
                   " '', '')", (text,))
    db.commit()
    db.close()
    status, said = place.imported(path)
    times = [r[0] for r in place.ask("SELECT contime FROM connections ORDER BY rowid")]
    tap.equal(times[:6], [1698539400, 1698541199, 1698541800, 1698545400, 1711848600, 1717236000],
              "local times, also those of the hour that came twice, in their order")
    reasons = said["reasons"]
    tap.ok(status == 1 and reasons["two_times"] == 3 and reasons["no_hour"] == 1, "which are counted", said)
    tap.equal(times[6:], [], "the year 2999 is none that can be kept")
    tap.equal(reasons["no_time"], 10, "rows without a time are not taken, and counted")
    place.forget()
    os.unlink(path)


HOSTILE = [
    # column, value, what it becomes, the reason
    ("send", "many", ("send", 0), "bytes"),
    ("send", -5, ("send", 0), "bytes"),
    ("recv", 1.5, ("recv", 0), "bytes"),
    ("uid", -1, ("uid", 4294967295), "uid"),
    ("uid", 1 << 40, ("uid", 4294967295), "uid"),
    ("lport", -2, ("lport", 0), "port"),
    ("rport", "http", ("rport", 0), "port"),
    ("raddr", "not an address", ("r.addr", ""), "address"),
    ("raddr", "1.2.3.4\0", ("r.addr", ""), "address"),
    ("laddr", "::ffff:192.0.2.1", ("l.addr", "192.0.2.1"), None),
    ("sha256", "!!! FD Read Error !!! PID Read Error !!! FUSE Read Error", ("e.hash_state", "unreadable"), "hash"),
    ("sha256", "z" * 64, ("e.sha256", ""), "hash"),
    ("sha256", "AB" * 32, ("e.sha256", "ab" * 32), None),
    ("cmdline", "sh -c 'unfinished", ("e.cmdline", None), "command"),
    ("cmdline", "a\0b c", ("e.cmdline", "ab c"), "nul"),
    ("exe", b"/bin/\xff\xfe", ("e.exe", "/bin/\\xff\\xfe"), "type"),
    ("exe", "/bin/\x1b[2J\n<b>&amp;\u202e", ("e.exe", None), "escaped"),
    ("exe", "/bin/" + "x" * 102400, ("e.exe", "/bin/" + "x" * 102400), None),
    ("name", "n" * (3 << 20), ("e.name", "n" * (1 << 20)), "long"),
    ("name", 42, ("e.name", "42"), None),
    ("domain", "<script>alert(1)</script>", ("d.domain", "<script>alert(1)</script>"), None),
    ("domain", None, ("d.domain", ""), "missing"),
    ("pcmdline", "'" * 100001, ("p.exe", "/usr/bin/bash"), "command"),
]


def test_hostile_values(place):
    for column, value, (where, becomes), reason in HOSTILE:
        path = place.file("hostile.db")
        db = old_files.make_v3(path, [old_files.row(i, 3) for i in range(3)], local)
        db.execute(f"UPDATE connections SET {column} = ? WHERE rowid = 2", (value,))
        db.commit()
        db.close()
        status, said = place.imported(path)
        got = place.ask(STORED.replace("SELECT contime", f"SELECT {where}, contime"))
        want = ({reason} if reason else set()) | ({"escaped"} if reason in ("nul", "type", "escaped") else set())
        if column == "raddr" and "\0" in value:
            want.add("escaped")
        notes_only = want <= {"hash", "command", "nul", "type", "escaped"}
        label = f"{column} = {value!r:.40}"
        tap.ok(len(got) == 3 and (becomes is None or got[1][0] == becomes) and status == (0 if notes_only else 1) and
               set(said["reasons"]) == want, f"{label}: is taken as far as it goes", status, said, f"{got[1][0]!r:.80}")
        if column == "exe" and "\x1b" in str(value):
            tap.ok("\x1b" not in got[1][0] and "\n" not in got[1][0], "and its control characters are escaped")
        if column == "domain":
            place.whole(label)
        os.unlink(path)
        place.forget()


def test_hostile_files(place):
    path = place.file("enemy.db")

    def refused(what, *said_of, status=2):
        got, said = place.imported(path)
        tap.ok(got == status and all(w in str(said) for w in said_of), what, got, said)
        if os.path.exists(path):
            os.unlink(path)
        place.forget()

    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 3")
    db.execute("CREATE VIEW connections AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS contime"
               " FROM n")
    db.commit()
    db.close()
    refused("a view that never ends in the place of the table", "no table")
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 3")
    db.execute("CREATE TABLE other(x)")
    db.commit()
    db.close()
    refused("no table of connections", "no table")
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE connections(x)")
    db.execute("PRAGMA user_version = 2")
    db.commit()
    db.close()
    refused("a version that is not known", "version 2")
    open(path, "wb").write(b"SQLite format 3\0" + os.urandom(5000))
    refused("noise behind the head of a database", "cannot be read")
    open(path, "wb").write(b"SQLite format 3\0")
    refused("the head alone", "enemy.db")
    open(path, "wb").write(b"\0\1\2")
    refused("something else", "nothing that an older picosnitch")
    open(path, "wb").close()
    refused("an empty file", "nothing that an older picosnitch")
    os.mkfifo(path)
    refused("a pipe", "no regular file")
    os.symlink("/etc/passwd", path)
    refused("a link", "symbolic link")
    refused("a file that is not there", "No such file")

    db = old_files.make_v4(path, [old_files.row(i, 4) for i in range(50)])
    db.execute("DROP TABLE domains")
    db.execute("UPDATE connections SET exe_id = 999 WHERE rowid = 10")
    db.commit()
    db.close()
    status, said = place.imported(path)
    tap.ok(status == 1 and said["taken"] == 50 and said["reasons"]["missing"] == 51 and
           "no domains.domain" in said["notes"], "without a dictionary, and with an id of nothing, the rest is taken", said)
    os.unlink(path)
    place.forget()

    # Ids that are not unique would give each row many times over.
    db = old_files.make_v4(path, [old_files.row(i, 4) for i in range(20)])
    db.executescript("CREATE TABLE d2(id INTEGER, domain TEXT); INSERT INTO d2 SELECT id, domain FROM domains;"
                     "INSERT INTO d2 SELECT id, domain FROM domains; DROP TABLE domains; ALTER TABLE d2 RENAME TO domains;")
    db.close()
    status, said = place.imported(path)
    tap.ok(status == 1 and said["taken"] == 20 and said["reasons"]["twice"] > 0, "a row that comes twice is taken once", said)
    os.unlink(path)
    place.forget()


def test_damage(place):
    """Pages of noise in the middle: what stands before and behind them is taken."""
    path = place.file("damaged.db")
    rows = [old_files.row(i, 3) for i in range(20000)]
    old_files.make_v3(path, rows, local).close()
    with open(path, "r+b") as f:
        size = os.path.getsize(path)
        for share in (0.3, 0.31, 0.6):
            f.seek(int(size * share) // 4096 * 4096)
            f.write(b"\xa5" * 4096)
    status, said = place.imported(path)
    lost = said["reasons"].get("damaged", 0)
    tap.ok(status == 1 and 0 < lost < 300 and said["taken"] >= 20000 - lost, "a damaged file is read around the damage",
           status, said)
    got, want = stored(place), {str(expected(r)) for r in rows}
    tap.equal(len(got), said["taken"], "each row that was taken is there")
    tap.ok(all(str(g) in want for g in got), "and is one of the file's")
    place.whole("a damaged file")
    with open(path, "r+b") as f:
        f.truncate(size // 2 // 4096 * 4096)
    place.forget()
    status, said = place.imported(path)
    tap.ok(status == 1 and (said["taken"] > 5000 or "cannot be read" in str(said)), "of a file that was cut, what is left", said)
    os.unlink(path)
    place.forget()


def test_many(place):
    """200,000 rows, on a terminal."""
    path = place.file("many.db")
    old_files.make_v3(path, (old_files.row(i, 3) for i in range(200000)), local).close()
    parent, child = pty.openpty()
    begun = time.monotonic()
    with subprocess.Popen([place.program, "--config", place.config, "import", path], stdout=subprocess.PIPE, stderr=child,
                          env=dict(os.environ, TZ=ZONE)) as process:
        os.close(child)
        seen = b""
        while True:
            try:
                block = os.read(parent, 65536)
            except OSError:
                break
            if not block:
                break
            seen += block
        out = process.stdout.read().decode()
    took = time.monotonic() - begun
    os.close(parent)
    tap.ok(process.returncode == 0 and "200000 rows taken" in out, "200,000 rows", out)
    tap.note(f"{took:.1f} s, {200000 / took:.0f} rows/s")
    tap.ok(b"of 200000 (" in seen and b"%)" in seen, "progress is shown on a terminal", seen[-300:])
    place.whole("200,000 rows")
    place.forget()
    os.unlink(path)


def test_retention(place):
    path = place.file("aged.db")
    now = int(time.time())
    rows = [dict(old_files.row(i, 4), time=now - i * 86400) for i in range(60)]
    old_files.make_v4(path, rows).close()
    place.configure("retention = 30 d")
    status, said = place.imported(path)
    tap.ok(status == 0 and 29 <= said["older_than_retention"] <= 30, "what retention will remove is told", said)
    place.configure("retention = 0")
    place.forget()
    status, out, _ = place.run("import", path)
    tap.ok(status == 0 and "retention" not in out, "without retention there is nothing to tell", out)
    place.forget()
    os.unlink(path)


CONFIG_1 = {
    "DB retention (days)": 90, "DB sql log": True,
    "DB sql server": {"client": "psycopg2", "host": "logs.example", "password": "se cret#1", "table_name": "t", "odd": 1},
    "DB text log": True, "DB write limit (seconds)": 30, "Dash scroll zoom": False, "Dash theme": "darkly",
    "Desktop notifications": True, "Every exe (not just conns)": True, "GeoIP lookup": False, "Log addresses": True,
    "Log commands": False, "Log ignore": [443, "com.example", "10.0.0.0/8", "192.168.1.5/24", "::1", "A" * 64, "a b", None, 1 << 40],
    "Log ports": True, "Perf ring buffer (pages)": 512, "Set RLIMIT_NOFILE": 4096, "Set st_dev mask": 0,
    "VT API key": "k3y", "VT file upload": False, "VT request limit (seconds)": 15, "\x1b]Odd\n[core]\nuser = root": 1,
}
CONFIG_2 = {
    "database": {"enabled": False, "retention_days": 30, "write_limit_seconds": 0, "text_log": False, "remote": {}},
    "data": {"owner": "root", "group": "adm", "mode": "0644"},
    "log": {"addresses": False, "commands": True, "ports": True, "ignore_ports": [53], "ignore_domains": ["org.example"],
            "ignore_ips": ["fd00::/8"], "ignore_sha256": ["b" * 64]},
    "desktop": {"user": "", "notifications": False, "geoip_lookup": True},
    "monitoring": {"every_exe": False, "perf_ring_buffer_pages": 300, "conn_map_max_entries": 1024, "rlimit_nofile": None,
                   "st_dev_mask": None},
    "virustotal": {"api_key": "", "file_upload": True, "request_limit_seconds": 15},
}


def settings_of(text):
    found, section = {}, None
    for line in text.splitlines():
        if line.startswith("["):
            section = line[1:-1]
        elif line and not line.startswith("#"):
            key, value = line.split(" = ", 1)
            found[section, key] = value
    return found


def test_config(place):
    for number, config, want in ((1, CONFIG_1, {
            ("sink sqlite", "retention"): "90 d", ("sink textlog", "enabled"): "yes", ("core", "write_interval"): "30 s",
            ("core", "every_exe"): "yes", ("log", "commands"): "no", ("log", "ignore_ports"): "443",
            ("log", "ignore_domains"): "com.example", ("log", "ignore_subnets"): "10.0.0.0/8, 192.168.1.5/24, ::1",
            ("log", "ignore_hashes"): "A" * 64, ("capture", "ring_buffer_pages"): "512",
            ("core", "rlimit_nofile"): "4096", ("core", "st_dev_mask"): "0"}), (2, CONFIG_2, {
                ("sink sqlite", "enabled"): "no", ("core", "write_interval"): "1 s", ("data", "group"): "adm",
                ("data", "mode"): "0644", ("log", "addresses"): "no", ("log", "ignore_ports"): "53",
                ("log", "ignore_domains"): "org.example", ("log", "ignore_subnets"): "fd00::/8",
                ("log", "ignore_hashes"): "b" * 64, ("capture", "max_flows"): "1024"})):
        path, made = place.file("config.json"), place.file("made.ini")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config, f)
        status, out, err = place.run("import", path)
        found = settings_of(out)
        tap.ok(status == 0 and want.items() <= found.items(), f"the configuration of picosnitch {number}", status, err, out,
               {k: v for k, v in want.items() if found.get(k) != v})
        unsure = {k for k in found if k not in want and k[0] not in
                  ("sink postgres", "sink mariadb", "sink notify", "sink virustotal", "geoip", "dash")}
        tap.equal(unsure, set(), "and nothing else")
        keys = [k for k in config if number == 1] or [k for g in config.values() for k in g]
        named = out.replace("?", "")
        for key in keys:
            lines = [v for v in mapped.get(key, ()) if v in found or f"# {v[1]} = " in out]
            tap.ok(lines or f'"{key}"' in named or key[0] == "\x1b", f"{key!r:.30} is there or named", out)
        tap.ok(("password or key" in err) == any("password" in k[1] or "api_key" in k[1] for k in found),
               "a warning if there is a secret", err)
        tap.ok(number == 1 or "must be a power of two" in out, "a value that is wrong is a comment", out)
        tap.ok("\x1b" not in out and ("core", "user") not in found, "no name of a key becomes a line", out)
        with open(made, "w", encoding="utf-8") as f:
            f.write(out + "\n[paths]\n" + "".join(f"{n} = {place.file(n)}\n" for n in ("state", "log", "run", "cache", "plugins")))
        _, out, err = place.run("check", config=made)
        tap.ok("made.ini: no mistakes" in out, "`picosnitch check` finds no mistake in it", out[:200], err)
    with open(path, "w", encoding="utf-8") as f:
        f.write('[database]\nretention_days = 30\n')
    status, _, err = place.run("import", path)
    tap.ok(status == 2 and "tomllib" in err, "TOML: how to make JSON of it", err)
    for text, said in (('{"a": 1}', "neither"), ("{", "line 1"), ('{"DB sql log": ' + "[" * 100000, "line 1"), ("{}", "neither")):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        status, out, err = place.run("import", path)
        tap.ok(status == 2 and said in err and not out, f"{text!r:.30} is refused", status, err)


mapped = {
    "DB retention (days)": [("sink sqlite", "retention")], "DB sql server": [("sink postgres", "host")],
    "DB text log": [("sink textlog", "enabled")], "DB write limit (seconds)": [("core", "write_interval")],
    "Dash scroll zoom": [("dash", "scroll_zoom")], "Dash theme": [("dash", "theme")],
    "Desktop notifications": [("sink notify", "enabled")], "Every exe (not just conns)": [("core", "every_exe")],
    "GeoIP lookup": [("geoip", "enabled")], "Log commands": [("log", "commands")], "Log ignore": [("log", "ignore_ports")],
    "Perf ring buffer (pages)": [("capture", "ring_buffer_pages")], "Set RLIMIT_NOFILE": [("core", "rlimit_nofile")],
    "Set st_dev mask": [("core", "st_dev_mask")], "VT API key": [("sink virustotal", "api_key")],
    "enabled": [("sink sqlite", "enabled")], "write_limit_seconds": [("core", "write_interval")], "group": [("data", "group")],
    "mode": [("data", "mode")], "addresses": [("log", "addresses")], "ignore_ports": [("log", "ignore_ports")],
    "ignore_domains": [("log", "ignore_domains")], "ignore_ips": [("log", "ignore_subnets")],
    "ignore_sha256": [("log", "ignore_hashes")], "conn_map_max_entries": [("capture", "max_flows")],
    "perf_ring_buffer_pages": [("capture", "ring_buffer_pages")],
    "file_upload": [("sink virustotal", "file_upload")], "notifications": [("sink notify", "enabled")],
}


def test_record(place):
    path = place.file("state.json")
    old = {
        "Executables": {"/usr/bin/curl": ["curl", "c\\x"], "/opt/\u00fc": ["\u00fc"], "/bad": "no list", "/worse": [1]},
        "Names": {"curl": ["/usr/bin/curl"]}, "Parent Executables": {"/usr/bin/bash": ["bash"]}, "Parent Names": {},
        "Grandparent Executables": {"/usr/sbin/sshd": ["sshd"]}, "Grandparent Names": {},
        "SHA256": {"/usr/bin/curl": {"c" * 64: "{'malicious': 0}", "!!! FD Read Error": "VT Pending"},
                   "/usr/bin/bash": {"d" * 64: {"timeout": "url"}}, "/only/hashed": {"e" * 64: ""}},
    }
    with open(path, "w", encoding="utf-8") as f:
        json.dump(old, f)
    status, said = place.imported("--dry-run", path)
    tap.ok(status == 1 and said["taken"] > 10 and not os.path.exists(place.file("state/record.json")), "a dry run", said)
    status, said = place.imported(path)
    tap.ok(status == 1 and said["reasons"] == {"names": 2, "hash": 1}, "a record of known programs", said)
    new = json.load(open(place.file("state/record.json"), encoding="utf-8"))
    tap.ok(new["Executables"]["/usr/bin/curl"] == ["curl", "c\\\\x"] and new["Executables"]["/opt/\u00fc"] == ["\u00fc"] and
           new["Parent Executables"]["/usr/bin/bash"] == ["bash"] and
           new["Grandparent Executables"]["/usr/sbin/sshd"] == ["sshd"], "its executables and names", new)
    tap.ok(new["SHA256"]["/usr/bin/curl"] == {"c" * 64: "{'malicious': 0}"} and
           new["SHA256"]["/usr/bin/bash"] == {"d" * 64: '{"timeout":"url"}'} and "e" * 64 in new["SHA256"]["/only/hashed"],
           "its hashes, and what was known of them", new)
    _, out, _ = place.run("record", "/usr/bin/curl", "--long")
    tap.ok("/usr/bin/curl" in out and "c" * 64 in out, "`picosnitch record` shows them", out)
    status, said = place.imported(path)
    tap.ok(said["taken"] == 0 and said["present"] > 10, "a second time nothing is new", said)
    status, _, err = place.run("import", place.file("state/record.json"))
    tap.ok(status == 2 and "of this picosnitch" in err, "one of this picosnitch is none", err)
    os.unlink(path)
    place.forget()


def test_usage(place):
    for words, status, said in ((["--help"], 0, "usage"), ([], 2, "usage"), (["--odd", "x"], 2, "usage"),
                                (["--store", "nothing", place.config], 2, "seems to be TOML")):
        got, out, err = place.run("import", *words)
        tap.ok(got == status and said in out + err, f"import {' '.join(words)[:20]}: {status}", got, out, err)
    path = place.file("one.db")
    old_files.make_v3(path, [old_files.row(1, 3)], local).close()
    got, out, err = place.run("import", "--store", "nothing", path)
    tap.ok(got == 2 and "no [sink nothing]" in err, "a store that is not there", err)
    if ROOT:
        place.configure("retention = 0", user="no-such-user")
        got, out, err = place.run("import", path)
        tap.ok(got == 2, "never as root: without the sinks' user it is refused", err)
        place.configure("retention = 0")
    os.unlink(path)


def main():
    if not os.path.exists(os.path.join(os.environ.get("PICOSNITCH_PLUGINS") or os.path.join(BUILD, "plugins", ".libs"),
                                       "sqlite.so")):
        tap.skip_all("the sqlite plugin is not built")
    with Place() as place:
        chosen = sys.argv[1:]
        for test in (test_versions, test_both, test_log, test_times, test_hostile_values, test_hostile_files, test_damage,
                     test_many, test_retention, test_config, test_record, test_usage):
            if not chosen or test.__name__ in chosen:
                test(place)
    tap.done()


main()
