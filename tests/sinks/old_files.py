# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as picosnitch 1 and 2 have left them, made from their documented schemas. Standard library only."""
import shlex
import sqlite3

V3 = """CREATE TABLE connections (contime text, send integer, recv integer, exe text, name text, cmdline text,
 sha256 text, pexe text, pname text, pcmdline text, psha256 text, uid integer, lport integer, rport integer,
 laddr text, raddr text, domain text)"""
V4 = """
CREATE TABLE executables (id INTEGER PRIMARY KEY, exe TEXT NOT NULL, name TEXT NOT NULL, cmdline TEXT NOT NULL,
 sha256 TEXT NOT NULL, UNIQUE(exe, name, cmdline, sha256)) STRICT;
CREATE TABLE domains (id INTEGER PRIMARY KEY, domain TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE addresses (id INTEGER PRIMARY KEY, addr TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO executables VALUES (0, '', '', '', '');
INSERT INTO domains VALUES (0, '');
INSERT INTO addresses VALUES (0, '');
CREATE TABLE connections (contime INTEGER NOT NULL, send INTEGER NOT NULL, recv INTEGER NOT NULL,
 events INTEGER NOT NULL, exe_id INTEGER NOT NULL, pexe_id INTEGER NOT NULL, gpexe_id INTEGER NOT NULL,
 uid INTEGER NOT NULL, family INTEGER NOT NULL, protocol INTEGER NOT NULL, lport INTEGER NOT NULL,
 rport INTEGER NOT NULL, laddr_id INTEGER NOT NULL, raddr_id INTEGER NOT NULL, domain_id INTEGER NOT NULL,
 netns INTEGER NOT NULL) STRICT;
CREATE INDEX idx_contime ON connections(contime);
"""
BASH = ("/usr/bin/bash", "bash", ["bash", "-c", "curl it's; echo \"$HOME\""], "b" * 64)


def exe(i):
    """The i-th program: path, name, arguments, SHA-256."""
    return (f"/usr/bin/p{i}", f"p{i}", [f"p{i}", "a b", "", "it's", 'say "x"', "back\\slash", f"{i}"], f"{i:064x}")


def row(i, version):
    """The i-th connection, as a dict."""
    six = i % 3 == 1
    made = {"time": 1700000000 + i, "sent": i * 1000, "received": 1 << (i % 40), "uid": i % 2 * 1000,
            "lport": 40000 + i % 20000, "rport": 443, "laddr": "fe80::1" if six else "10.0.0.1",
            "raddr": f"2001:db8::{i % 65535 + 1:x}" if six else f"198.51.{i // 256 % 256}.{i % 256}",
            "domain": f"com.example.h{i % 50}", "exe": exe(i % 7), "parent": BASH, "grandparent": None,
            "family": 10 if six else 2, "protocol": 0, "events": 0, "netns": 0}
    if version == 4:
        made.update(protocol=17 if six else 6, events=i + 1, netns=4026531840, grandparent=exe(100))
    if i % 11 == 5:  # a program that was executed
        made.update(lport=-1, rport=-1, laddr="", raddr="", domain="", sent=0, received=0, family=0, protocol=0)
    return made


def three(e):
    return (e[0], e[1], shlex.join(e[2]), e[3]) if e else ("", "", "", "")


def fill_v3(db, rows, local):
    db.executemany(f"INSERT INTO connections VALUES ({', '.join('?' * 17)})", (
        (local(r["time"]), r["sent"], r["received"], *three(r["exe"]), *three(r["parent"]), r["uid"], r["lport"],
         r["rport"], r["laddr"], r["raddr"], r["domain"]) for r in rows))


def make_v3(path, rows, local):
    """local: Unix seconds to the text of a local time."""
    db = sqlite3.connect(path)
    db.execute(V3)
    db.execute("PRAGMA user_version = 3")
    fill_v3(db, rows, local)
    db.commit()
    return db


def intern(db, table, columns, values):
    where = " AND ".join(f"{c} = ?" for c in columns)
    found = db.execute(f"SELECT id FROM {table} WHERE {where}", values).fetchone()
    if found:
        return found[0]
    return db.execute(f"INSERT INTO {table}({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
                      values).lastrowid


def make_v4(path, rows):
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(V4)
    db.execute("PRAGMA user_version = 4")
    for r in rows:
        exes = [intern(db, "executables", ("exe", "name", "cmdline", "sha256"), three(r[k]))
                for k in ("exe", "parent", "grandparent")]
        ends = [intern(db, "addresses", ("addr",), (r[k],)) for k in ("laddr", "raddr")]
        domain = intern(db, "domains", ("domain",), (r["domain"],))
        db.execute(f"INSERT INTO connections VALUES ({', '.join('?' * 16)})",
                   (r["time"], r["sent"], r["received"], r["events"], *exes, r["uid"], r["family"], r["protocol"],
                    r["lport"], r["rport"], *ends, domain, r["netns"]))
    db.commit()
    return db
