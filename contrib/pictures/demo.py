# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pictures show: a machine that nobody has. A month of it as a store of picosnitch 2, and a minute of it live."""
import hashlib
import math
import random
import sqlite3
import time

DAYS = 30
STEP = 300  # seconds of a row

# path, user, uid, parent, unit is not in that store; kB a minute sent and received at noon, ports and names of its peers
PROGRAMS = [
    ("/usr/lib/firefox/firefox", "firefox", 1000, "/usr/bin/gnome-shell", 40, 2200, 443,
     ["org.wikipedia.en", "org.debian.www", "com.github", "net.lwn", "org.mozilla.push.services", "com.example.news"]),
    ("/usr/bin/thunderbird", "thunderbird", 1000, "/usr/bin/gnome-shell", 12, 90, 993, ["org.example.imap", "org.example.smtp"]),
    ("/usr/lib/apt/methods/https", "https", 42, "/usr/bin/apt-get", 2, 800, 443, ["org.debian.deb", "org.debian.security"]),
    ("/usr/bin/ssh", "ssh", 1000, "/usr/bin/bash", 30, 45, 22, ["org.example.build1", "org.example.backup"]),
    ("/usr/bin/rsync", "rsync", 0, "/usr/sbin/cron", 950, 12, 873, ["org.example.backup"]),
    ("/usr/sbin/nginx", "nginx", 33, "/usr/lib/systemd/systemd", 640, 70, 80, [""]),
    ("/usr/lib/postgresql/15/bin/postgres", "postgres", 104, "/usr/lib/systemd/systemd", 210, 190, 5432, [""]),
    ("/usr/bin/git", "git-remote-https", 1000, "/usr/bin/bash", 4, 60, 443, ["com.github", "org.kernel.git"]),
    ("/usr/sbin/chronyd", "chronyd", 106, "/usr/lib/systemd/systemd", 1, 1, 123, ["org.ntp.pool.2", "org.ntp.pool.3"]),
    ("/usr/bin/python3.11", "pip", 1000, "/usr/bin/bash", 1, 35, 443, ["org.pypi", "org.pythonhosted.files"]),
    ("/usr/lib/systemd/systemd-resolved", "systemd-resolve", 101, "/usr/lib/systemd/systemd", 2, 5, 53, [""]),
    ("/opt/sync/sync-agent", "sync-agent", 1000, "/usr/bin/gnome-shell", 130, 20, 8443, ["com.example.sync"]),
]

# Documentation does not show anybody's address: but a country wants one that is somebody's. These are well-known ones.
PEERS = ["8.8.8.8", "1.1.1.1", "193.0.6.139", "130.89.148.77", "151.101.2.132", "140.82.121.4", "208.80.154.224", "2a02:16a8:dc41:100::233",
         "139.178.84.217", "185.125.190.36", "103.21.244.8", "200.160.2.3", "133.243.238.163", "41.77.138.1"]

SCHEMA = """
CREATE TABLE executables (id INTEGER PRIMARY KEY, exe TEXT NOT NULL, name TEXT NOT NULL, cmdline TEXT NOT NULL,
 sha256 TEXT NOT NULL) STRICT;
CREATE TABLE domains (id INTEGER PRIMARY KEY, domain TEXT NOT NULL) STRICT;
CREATE TABLE addresses (id INTEGER PRIMARY KEY, addr TEXT NOT NULL) STRICT;
CREATE TABLE connections (contime INTEGER NOT NULL, send INTEGER NOT NULL, recv INTEGER NOT NULL,
 events INTEGER NOT NULL, exe_id INTEGER NOT NULL, pexe_id INTEGER NOT NULL, gpexe_id INTEGER NOT NULL,
 uid INTEGER NOT NULL, family INTEGER NOT NULL, protocol INTEGER NOT NULL, lport INTEGER NOT NULL,
 rport INTEGER NOT NULL, laddr_id INTEGER NOT NULL, raddr_id INTEGER NOT NULL, domain_id INTEGER NOT NULL,
 netns INTEGER NOT NULL) STRICT;
PRAGMA user_version = 4;
"""


class Store:
    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.db.executescript(SCHEMA)
        self.ids = {}
        for table in "executables", "domains", "addresses":
            self.intern(table, *([""] * (4 if table == "executables" else 1)))

    def intern(self, table, *values):
        """Ids count from 0, which is the empty one."""
        known = self.ids.setdefault(table, {})
        if values not in known:
            known[values] = len(known)
            self.db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * (1 + len(values)))})", (known[values], *values))
        return known[values]

    def exe(self, path, name, version=0):
        return self.intern("executables", path, name, name, hashlib.sha256(f"{path} {version}".encode()).hexdigest())


def share_of(when, program, rng):
    """How busy a program is then: people by day, cron at night, servers always, a little noise."""
    hour = time.localtime(when).tm_hour + time.localtime(when).tm_min / 60
    if program[1] == "rsync":
        return 1.5 if 2 <= hour < 3.2 else 0
    if program[1] == "https":
        return 2.5 if int(hour) in (6, 18) and rng.random() < 0.5 else 0
    if program[2] >= 1000:
        day = max(0, math.sin((hour - 7) / 15 * math.pi)) if 7 <= hour <= 22 else 0
        return day * rng.uniform(0.2, 1.8) * (0.4 if time.localtime(when).tm_wday >= 5 else 1) if rng.random() < 0.6 else 0
    return (0.6 + 0.4 * math.sin((hour - 6) / 24 * 2 * math.pi)) * rng.uniform(0.6, 1.4)


def make_store(path, now):
    """A month until `now` at `path`. The agent has come three days ago; firefox was upgraded in between."""
    rng, store = random.Random(7), Store(path)
    start = (now - DAYS * 86400) // STEP * STEP
    rows = []
    for when in range(start, now - STEP, STEP):
        for i, program in enumerate(PROGRAMS):
            exe, name, uid, parent, sent, received, port, domains = program
            share = share_of(when, program, rng)
            if not share or name == "sync-agent" and when < now - 3 * 86400:
                continue
            version = when > now - 11 * 86400 if name == "firefox" else 0
            domain = rng.choice(domains)
            peer = PEERS[(i * 5 + hash_of(domain)) % len(PEERS)] if domain else f"10.0.0.{20 + rng.randrange(6)}"
            serves = port in (80, 5432)
            rows.append((when + rng.randrange(STEP), int(share * sent * 5e3), int(share * received * 5e3), rng.randrange(4, 400),
                         store.exe(exe, name, int(version)), store.exe(parent, parent.rsplit("/", 1)[1]), 0, uid,
                         10 if ":" in peer else 2, 17 if port in (53, 123) else 6, port if serves else rng.randrange(33000, 60000),
                         rng.randrange(33000, 60000) if serves else port, store.intern("addresses", "10.0.0.2"),
                         store.intern("addresses", peer), store.intern("domains", domain), 4026531840))
    store.db.executemany(f"INSERT INTO connections VALUES ({', '.join('?' * 16)})", rows)
    store.db.commit()
    store.db.close()
    return len(rows)


def hash_of(text):
    return hashlib.sha256(text.encode()).digest()[0]


def live(feed, seconds):
    """As many drains of half a second, on a played feed (tests/front/terminal.py)."""
    rng = random.Random(11)
    for _ in range(2 * seconds):
        total = [0, 0]
        for i, (exe, name, uid, _, sent, received, port, domains) in enumerate(PROGRAMS):
            if name in ("rsync", "pip") or rng.random() < 0.25:
                continue
            up, down = int(sent * rng.uniform(100, 900)), int(received * rng.uniform(100, 900))
            domain = rng.choice(domains)
            feed.traffic(exe, up, down, name=name, uid=uid, pid=1000 + i, lport=40000 + rng.randrange(3) + 10 * i, rport=port,
                         domain=domain or None, raddr=PEERS[i % len(PEERS)], protocol=17 if port in (53, 123) else 6)
            total = [total[0] + up, total[1] + down]
        feed.tick(*total)
