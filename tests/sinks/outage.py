# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to database servers while rows flow into them, the same for each: stopped, killed, hung, cut off,
full, changed. Afterwards what was sent is stored, and nothing twice.

The server of a test has
  plugin, row              the sink, and the name of the column of that name in SQL
  words                    what is found in the packets that begin and end a transaction
  reset()                  an empty database, and a role that may make tables and insert
  make_tables()            that are not the role's own
  start(), stop()          start() waits until it answers
  kill()                   all its processes, without a word
  freeze(), thaw()         all its processes
  disconnect()             ends the role's sessions
  set_password(text)       the role's
  run(sql), number(sql)    in the database, as its owner
  rename(table, to)        likewise
  arguments(**options)     for the sink, over TCP
"""
import os
import sys
import time

import server_home
from pump import Proxy, Pump

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests"))
from tap import equal, note, ok, skip  # noqa: E402

ROWS = 50


def run(server, *tests):
    """Those that were named, or all."""
    for test in tests:
        if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
            start = time.monotonic()
            test(server)
            note(f"{test.__name__}: {time.monotonic() - start:.1f} s")


def stored(server):
    """Rows, and how many of them are there once."""
    return (server.number("SELECT count(*) FROM connections"),
            server.number(f"SELECT count(*) FROM (SELECT DISTINCT host, batch, {server.row} FROM connections) d"))


def check(server, pump, batches, what, rejected=0, refused=0):
    end = pump.end()
    equal(end[:2], (batches - rejected, rejected), f"{what}: every batch is stored", pump.text())
    equal(stored(server), (batches * ROWS - refused, batches * ROWS - refused),
          f"{what}: {batches * ROWS} rows sent, {refused or 'none'} set aside, the rest stored, none twice")
    equal(server.number("SELECT count(*) FROM batches"), batches, f"{what}: the ledger has them all")
    return end


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)


def flow(server, batches, pause=10, **options):
    """Rows that flow by now."""
    pump = Pump(server.plugin, server.arguments(**options), batches=batches, rows=ROWS, pause=pause)
    ok(pump.saw("stored"), "rows flow", pump.text())
    return pump


def away(pump, what, since=0):
    ok(pump.saw("away", since=since), f"{what}: away", pump.text())


def password(server):
    server.reset()
    path = os.path.join(server.dir, "password")
    with open(path, "w", encoding="ascii") as f:
        f.write("secret\n")
    os.chmod(path, 0o640)
    pump = flow(server, 60, password="", password_file=path)
    server.set_password("another")
    server.disconnect()
    away(pump, "the password is changed")
    with open(path, "w", encoding="ascii") as f:
        f.write("another\n")
    check(server, pump, 60, "password changed")
    ok(not any("another" in line or "secret" in line for line in pump.lines), "no password is told")
    os.chmod(path, 0o644)
    pump = Pump(server.plugin, server.arguments(password="", password_file=path), batches=1, limit=1)
    pump.end()
    ok(any("others may not read" in line for line in pump.lines), "a password that all can read is refused", pump.text())


def restart(server):
    for what, act in (("stopped", server.stop), ("killed", server.kill)):
        server.reset()
        pump = flow(server, 80)
        act()
        away(pump, what)
        server.start()
        check(server, pump, 80, what)


def hang(server):
    server.reset()
    pump = flow(server, 60, answer_timeout="2 s", connect_timeout="2 s")
    server.freeze()
    away(pump, "a server that hangs")
    server.thaw()
    check(server, pump, 60, "hung")


def cut(server):
    server.reset()
    proxy = Proxy(("127.0.0.1", server.port))
    pump = flow(server, 80, port=proxy.port)
    for word in [server.words[1]] * 8 + [server.words[0]] * 2:
        proxy.cut(word)
        until(lambda: not proxy.word)
    check(server, pump, 80, "cut between COMMIT and its answer")
    ok(proxy.cuts == 10, f"cut {proxy.cuts} times")


def orphan(server):
    """The server does not see that nobody is there any more, in the middle of a transaction that holds locks."""
    server.reset()
    proxy = Proxy(("127.0.0.1", server.port))
    pump = flow(server, 60, port=proxy.port, answer_timeout="2 s", connect_timeout="2 s")
    since = len(pump.lines)
    proxy.cut(server.words[1], "orphan")
    away(pump, "a session that nobody ends", since)
    check(server, pump, 60, "a session that nobody ends")
    proxy.close()


def drop(server):
    """By the kernel's packet filter, wherever the connection is just then."""
    port = server.port
    for what, *rules in (("answers are dropped", f"tcp sport {port} drop"),
                         ("all packets are dropped", f"tcp sport {port} drop", f"tcp dport {port} drop"),
                         ("reset, which the server does not see", f"tcp dport {port} reject with tcp reset")):
        if not server.network:
            skip(what, "there is no network of its own (root, nft, ip)")
            continue
        server.reset()
        pump = flow(server, 60, pause=2, answer_timeout="2 s", connect_timeout="2 s")
        for _ in range(3):
            since = len(pump.lines)
            server_home.filter_packets(*rules)
            away(pump, what, since)
            server_home.filter_packets()
            ok(pump.saw("stored", since=since), "and back", pump.text())
        check(server, pump, 60, what)


def refuse(server):
    server.reset()
    Pump(server.plugin, server.arguments(), batches=1, rows=1, host=9).end()
    server.run("DELETE FROM connections; DELETE FROM batches;"
               "ALTER TABLE connections ADD CONSTRAINT lucky CHECK (lport <> 32775)")
    pump = Pump(server.plugin, server.arguments(), batches=3)
    check(server, pump, 3, "a CHECK", rejected=3, refused=3)
    ok("row 8 of connections: " in pump.lines[-1] and "lucky" in pump.lines[-1], "the row is named, and what the server said",
       pump.lines[-1])
    equal((server.number("SELECT min(set_aside) FROM batches"), server.number("SELECT max(set_aside) FROM batches")),
          (1, 1), "the ledger says so")

    # The sink is killed when the server has the batch, and before anybody is told.
    proxy = Proxy(("127.0.0.1", server.port))
    pump = Pump(server.plugin, server.arguments(port=proxy.port), batches=50, host=2, pause=100)
    ok(pump.saw("rejected"), "a row of each batch is refused", pump.text())
    before = server.number("SELECT count(*) FROM batches")
    proxy.cut(server.words[1], "mute")
    until(lambda: proxy.cuts)
    pump.process.kill()
    pump.end()
    done = server.number("SELECT count(*) FROM batches") - 3
    ok(done > before - 3, f"killed after the COMMIT of batch {done}")
    pump = Pump(server.plugin, server.arguments(), batches=done, host=2)
    equal(pump.end()[:2], (0, done), "its rows that were refused are set aside when it comes again", pump.text())
    equal(stored(server), ((3 + done) * (ROWS - 1),) * 2, "and none is there twice")

    server.reset()
    Pump(server.plugin, server.arguments(), batches=1, rows=1, host=9).end()
    server.run("DELETE FROM connections; DELETE FROM batches")
    server.refuse_ports(32770, 32771)
    pump = Pump(server.plugin, server.arguments(), batches=2)
    check(server, pump, 2, "a trigger", rejected=2, refused=4)
    ok("not that one" in pump.lines[-1], "the trigger's message is told", pump.lines[-1])

    server.reset()
    Pump(server.plugin, server.arguments(), batches=1, rows=1, host=9).end()
    server.run("DELETE FROM connections; DELETE FROM batches; DELETE FROM executables WHERE exe <> '';"
               "ALTER TABLE executables ADD CONSTRAINT narrow CHECK (exe <> '/usr/bin/program-1')")
    pump = Pump(server.plugin, server.arguments(), batches=1)
    # Every third row is of that program.
    check(server, pump, 1, "an executable that is refused", rejected=1, refused=17)
    ok("executables" in pump.lines[-1] and "narrow" in pump.lines[-1], "and named", pump.lines[-1])
    equal(server.number(f"SELECT count(*) FROM connections c LEFT JOIN executables e ON e.{server.key} = c.exe_id WHERE"
                        " e.exe IS NULL"), 0, "no row refers to what is not there")


def schema(server):
    server.reset()
    pump = flow(server, 60)

    def more():
        """Rows came after what was done."""
        before = server.number("SELECT count(*) FROM batches")
        until(lambda: server.number("SELECT count(*) FROM batches") > before + 2)

    server.run("ALTER TABLE connections ADD COLUMN note VARCHAR(20) DEFAULT 'x'")
    more()
    server.rename("audit", "audit_old")
    check(server, pump, 60, "a column more, and a table less")

    server.reset()
    server.make_tables()
    pump = flow(server, 60)
    server.run("ALTER TABLE connections DROP COLUMN domain_rivals")
    ok(pump.saw("connections.domain_rivals"), "a column is gone: told which", pump.text())
    server.run("ALTER TABLE connections ADD COLUMN domain_rivals BIGINT NOT NULL DEFAULT 0")
    check(server, pump, 60, "a column was gone")

    server.reset()
    server.run("CREATE TABLE connections (contime DATE NOT NULL)")
    pump = Pump(server.plugin, server.arguments(), batches=1, limit=1)
    pump.end()
    ok(any("contime is of type date" in line for line in pump.lines), "another's table is left alone", pump.text())


def full(make, megabytes, rows=20000):
    """make(folder): a server whose disk that is."""
    disk = server_home.small_disk("ps-full-", megabytes)
    if not disk:
        skip("a full disk", "nothing can be mounted here")
        return
    server = None
    try:
        server = make(disk)
        server.reset()
        pump = Pump(server.plugin, server.arguments(), batches=40, pause=20, limit=120)
        ok(pump.saw("stored"), "rows flow")
        room = os.statvfs(disk)
        with open(os.path.join(disk, "ballast"), "wb") as f:
            try:
                while True:
                    f.write(bytes(1 << 20))
            except OSError:
                pass
        note(f"{room.f_bavail * room.f_bsize >> 20} MiB were free")
        big = Pump(server.plugin, server.arguments(), batches=3, rows=rows, host=2, limit=120)
        ok(big.saw("away", limit=60), "a disk that is full: away", big.text())
        note(big.text())
        os.unlink(os.path.join(disk, "ballast"))
        if server.process.poll() is not None:
            note("the server has ended itself")
            server.start()
        equal(big.end()[:2], (3, 0), "with room again: stored", big.text())
        equal(pump.end()[:2], (40, 0), "as are the others", pump.text())
        total = 3 * rows + 40 * ROWS
        equal(stored(server), (total, total), f"full disk: {total} rows sent, as many stored, none twice")
    finally:
        if server:
            server.kill()
        server_home.no_disk(disk)


def hundred(server):
    server.reset()
    pumps = [Pump(server.plugin, server.arguments(), batches=5, rows=ROWS, host=100 + i, pause=5, limit=120) for i in range(100)]
    ends = [p.end()[:2] for p in pumps]
    equal([e for e in ends if e != (5, 0)], [], "100 hosts at once: every batch is stored")
    equal(stored(server), (500 * ROWS, 500 * ROWS), f"{500 * ROWS} rows sent, as many stored, none twice")
    equal(server.number("SELECT count(DISTINCT host) FROM connections"), 100, "each under its name")
