#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
`picosnitch dash` over a PostgreSQL and a MariaDB server that have the rows of several machines: all of the API by its
schema, answers as SQLite gives them of the same rows, a server that goes and comes back, that lets nobody in, that has no
tables, that is held up; and SQLite, when a question takes too long.

Arguments: the servers' plugins, if not all.

PICOSNITCH  the program (default: that of the build tree)
"""
import json
import os
import sqlite3
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir)]
import fleet  # noqa: E402
import tap  # noqa: E402
from dash_api import Dash, Place  # noqa: E402

COUNTRIES = os.path.join(os.path.abspath(HERE), "../fixtures/countries/flat.mmdb")
GEOIP = f"update = never\ndatabase = {COUNTRIES}"
QUICK = {"query_timeout": "1 s", "connect_timeout": "2 s", "answer_timeout": "3 s"}


def mixed(first, n, now):
    """SQLite's file with the rows of those machines."""
    place = Place(None, geoip=GEOIP)
    fleet.seed("sqlite", place.path, now, first, n)
    place.open_up()
    return place


def without(answer, *names):
    """The answer but for what is of a moment or of a machine."""
    if isinstance(answer, dict):
        return {k: without(v, *names) for k, v in answer.items() if k not in names}
    return [without(v, *names) for v in answer] if isinstance(answer, list) else answer


def questions(dimensions, now):
    """Of every kind, all of fixed times."""
    times = ("from", str(now - 100 * 3600)), ("to", str(now + 60))
    for name in dimensions:
        # SQLite alone has sums in which clients' ports are one.
        yield "traffic", (("by", name), *times, ("limit", "10000"), ("order", "key"), ("ports", "all")) + ((("step", "3600"),) if name == "time" else ())
        if name != "time":
            yield "series", (("by", name), *times, ("points", "60"), ("top", "30"), ("ports", "all"))
    yield "traffic", (("by", "exe,raddr,domain"), *times, ("order", "key"))
    yield "traffic", (("by", "country,exe"), *times, ("order", "key"))
    for filters in ((("f", "country=AU"),), (("x", "country=private"),), (("f", "exe=/usr/bin/agent"), ("x", "uid=1001")), (("f", "domain=com.example.www"),)):
        yield "traffic", (("by", "raddr"), *times, ("order", "key"), *filters)
        yield "series", (("by", "country"), *times, ("points", "20"), *filters)
    yield "traffic", (("by", "none"), ("last", "all"), ("f", "exe=/usr/bin/nothing"))
    yield "events", (("kind", "program,loss,verdict"), *times, ("limit", "1000"))
    yield "events", (("kind", "program"), *times, ("f", "exe=/usr/bin/only-0"))
    yield "audit", times


def in_order(answer):
    """What is of one time or one total has no order of its own."""
    for name in ("events", "audit", "losses", "series"):
        if name in answer:
            answer[name] = sorted(answer[name], key=lambda e: json.dumps(e, sort_keys=True))
    return answer


def compare(dash, other, dimensions, now, what, *filters):
    wrong, asked = [], 0
    for endpoint, pairs in questions(dimensions, now):
        a, b = dash.ask(endpoint, *pairs, *filters), other.ask(endpoint, *pairs)
        asked += 1
        a, b = ((status, in_order(without(answer, "host"))) for status, answer in (a, b))
        if a != b or a[0] != 200:
            differs = [k for k in {**a[1], **b[1]} if a[1].get(k) != b[1].get(k)]
            wrong.append((endpoint, pairs, a[0], b[0], [(k, a[1].get(k), b[1].get(k)) for k in differs]))
    tap.ok(not wrong, f"{what}: {asked} questions have SQLite's answers", *wrong[:3])


def answers(kind, server, place):
    name, now = kind.called, server.now
    with Dash(place) as dash:
        status, info = dash.ask("info")
        tap.equal((status, info["store"], info["geoip"]["enabled"]), (200, "fleet", True), f"{name}: info", info)
        dimensions = [d["name"] for d in info["dimensions"] if d["name"] != "host"]
        for n, machine in enumerate(fleet.MACHINES):
            with mixed(n, 1, now) as one, Dash(one) as other:
                if machine != "beta":
                    compare(dash, other, dimensions, now, f"{name}, f=host={machine}", ("f", f"host={machine}"))
                else:
                    compare(dash, other, dimensions, now, f"{name}, without the other two", ("x", "host=alpha"), ("x", "host=gamma"))
        with mixed(0, 3, now) as all_, Dash(all_) as other:
            compare(dash, other, dimensions, now, f"{name}, all machines")
            tap.equal(dash.ask("info")[1]["first"], other.ask("info")[1]["first"], f"{name}: since when")
        status, got = dash.ask("traffic", ("by", "host"), ("last", "all"), ("order", "key"))
        tap.equal((status, [r["values"] for r in got["rows"]], got["total"]["groups"]), (200, [[m] for m in fleet.MACHINES], 3), f"{name}: by machine", got)
        bad = [r for r in got["rows"] if dash.ask("traffic", ("by", "none"), ("last", "all"), ("f", f"host={r['values'][0]}"))[1]["total"]["sent"] != r["sent"]]
        tap.equal(bad, [], f"{name}: each machine is a filter")
        status, got = dash.ask("traffic", ("by", "exe,host"), ("last", "all"), ("f", "exe=/usr/bin/agent"), ("order", "sent"))
        tap.equal([r["values"][1] for r in got["rows"]], ["gamma", "beta", "alpha"], f"{name}: a program of all machines, the largest first")
        status, got = dash.ask("series", ("by", "host"), ("last", "3d"), ("points", "30"), ("top", "2"))
        tap.equal((len(got["series"]), got["other"]["groups"]), (2, 1), f"{name}: machines over time")
        status, got = dash.ask("events", ("last", "all"), ("kind", "program"), ("f", "host=beta"))
        tap.equal([(e["host"], e["exe"]) for e in got["events"]], [("beta", "/usr/bin/only-1")], f"{name}: what happened at one of them")
        for form in ("csv", "json"):
            status, headers, body = dash.get(f"/api/v1/export?format={form}&by=host,exe,country&last=all&order=key")
            said = place.query("--store", "fleet", "--by", "host,exe,country", "--last", "all", "--order", "key", "--format", form)
            tap.equal((status, body), (200, said), f"{name}: export as {form} is what query says")
            tap.ok(body.count(b"only-") == 3 and b"alpha" in body, f"{name}: of all machines", body[:600])
        metrics = dash.get("/metrics")[2]
        tap.ok(b"\npicosnitch_store_up 1\n" in metrics and b"\npicosnitch_hosts 3\n" in metrics, f"{name}: metrics", metrics.decode()[:2000])


def traffic(dash, *more):
    status, got = dash.ask("traffic", ("by", "host"), ("last", "all"), *more)
    return status, got.get("error")


def until(dash, status, seconds=5):
    end = time.monotonic() + seconds
    while (got := traffic(dash))[0] != status and time.monotonic() < end:
        time.sleep(0.2)
    return got


def goes_and_comes(kind, server, place):
    name = kind.called
    with Dash(place) as dash:
        # All connections are in use before.
        threads = [threading.Thread(target=traffic, args=(dash,)) for _ in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        server.stop()
        said = [traffic(dash) for _ in range(6)]
        tap.equal({s for s, _ in said}, {503}, f"{name} is stopped: 503", said)
        tap.ok(all(error for _, error in said), f"{name}: and why", said)
        status, headers, body = dash.get("/metrics")
        tap.ok(status == 200 and b"\npicosnitch_store_up 0\n" in body, f"{name}: which is a metric", status, body)
        tap.equal([dash.ask(e)[0] for e in ("events", "audit", "series")], [503] * 3, f"{name}: of every endpoint")
        tap.equal(dash.get("/api/v1/export?format=csv&by=exe&last=all")[0], 503, f"{name}: and no export is a part of one")
        tap.equal(dash.get("/")[0], 200, f"{name}: the page is there")
        server.again()
        time.sleep(1.1)
        said = [traffic(dash) for _ in range(8)]
        tap.equal(said, [(200, None)] * 8, f"{name} is back: 200")
        server.stop()
        server.again()
        said = [traffic(dash) for _ in range(8)]
        tap.equal(said, [(200, None)] * 8, f"{name} was started again between two questions: nobody sees that")
    server.stop()
    with Dash(place) as dash:
        tap.equal(dash.ask("info")[0], 503, f"{name}: the dash starts without it")
        server.again()
        tap.equal(until(dash, 200), (200, None), f"{name}: and finds it when it comes")


def refused(kind, server):
    name = kind.called

    def said(**more):
        with Place(None, "[dash]\nstore = fleet\n" + server.section(**{**QUICK, **more})) as place, Dash(place) as dash:
            return traffic(dash)

    status, error = said(password="wrong")
    tap.ok(status == 503 and "password" in error.lower() and "secret" not in error and "wrong" not in error, f"{name}: a wrong password is told", status, error)
    status, error = said(dbname="elsewhere")
    tap.ok(status == 503 and "elsewhere" in error, f"{name}: a database that is not there", status, error)
    status, error = said(table="elsewhere")
    tap.ok(status == 503 and "nothing has been recorded there yet, or table and table_prefix are others" in error, f"{name}: no table", status, error)
    status, error = said(port=1)
    tap.ok(status == 503 and error, f"{name}: nobody is there", status, error)
    with Place(None, "[dash]\nstore = fleet\n" + server.section(**QUICK)) as place, Dash(place) as dash:
        tap.equal(traffic(dash)[0], 200, f"{name}: it is let in")
        server.rights("INSERT")
        status, error = until(dash, 503)
        tap.ok(status == 503 and "may only insert" in error and "SELECT" in error, f"{name}: no right to read, and what to do", status, error)
        server.rights("CREATE, INSERT, SELECT" if kind.plugin == "mariadb" else "INSERT, SELECT")
        tap.equal(until(dash, 200), (200, None), f"{name}: and it is given")
        server.rename("connections", "aside")
        status, error = until(dash, 503)
        tap.ok(status == 503 and "nothing has been recorded there yet" in error, f"{name}: a table that goes", status, error)
        server.rename("aside", "connections")
        tap.equal(until(dash, 200), (200, None), f"{name}: and comes back")


def held_up(kind, server, place):
    name = kind.called
    with Dash(place) as dash:
        tap.equal(traffic(dash)[0], 200, f"{name}: it answers")
        server.lock()
        began = time.monotonic()
        status, error = traffic(dash)
        took = time.monotonic() - began
        tap.ok(status == 504 and "took longer than 1 s" in error and took < 4, f"{name} is held up: 504 after the limit", status, error, took)
        said = [traffic(dash) for _ in range(4)]
        tap.equal({s for s, _ in said}, {504}, f"{name}: each time", said)
        # All who ask the store are busy: what needs none is served.
        threads = [threading.Thread(target=traffic, args=(dash,)) for _ in range(4)]
        for t in threads:
            t.start()
        began = time.monotonic()
        tap.equal([dash.get(p)[0] for p in ("/", "/nothing", "/api/v1/traffic/")], [200, 404, 404], f"{name}: the page is served meanwhile")
        tap.ok(time.monotonic() - began < 1, f"{name}: at once", time.monotonic() - began)
        for t in threads:
            t.join()
        status, headers, body = dash.get("/metrics")
        tap.ok(status == 200 and b"\npicosnitch_store_up 0\n" in body, f"{name}: metrics say so", status, body[:300])
        server.unlock()
        said = [traffic(dash) for _ in range(8)]
        tap.equal(said, [(200, None)] * 8, f"{name} goes on: all questions are answered")
        server.server.freeze()
        began = time.monotonic()
        status, error = traffic(dash)
        took = time.monotonic() - began
        server.server.thaw()
        tap.ok(status == 504 and took < 9, f"{name} says nothing at all: 504, too", status, error, took)
        said = [traffic(dash) for _ in range(8)]
        tap.equal(said, [(200, None)] * 8, f"{name} is there again: all questions are answered")


def ends(kind, server):
    """Whoever is asked for something that takes long is not waited for: neither the client that goes, nor at the end."""
    name = kind.called
    with Place(None, "[dash]\nstore = fleet\n" + server.section(query_timeout="30 s")) as place, Dash(place) as dash:
        tap.equal(traffic(dash)[0], 200, f"{name}: it answers")
        server.lock()
        began = time.monotonic()
        status, headers, body = dash.get("/metrics", X_Prometheus_Scrape_Timeout_Seconds="10")
        took = time.monotonic() - began
        tap.ok(status == 200 and b"\npicosnitch_store_up 0\n" in body and 4 < took < 10, f"{name}: Prometheus hears in time that it is held up", took, body[:300])
        for _ in range(4):
            dash.raw(b"GET /api/v1/traffic?last=all HTTP/1.1\r\nHost: localhost\r\n\r\n", 0.2)
        time.sleep(6)
        began = time.monotonic()
        # Another table.
        tap.equal((dash.ask("audit", ("last", "all"))[0], time.monotonic() - began < 3), (200, True), f"{name}: clients that have gone do not keep others waiting")
        dash.raw(b"GET /api/v1/traffic?last=all HTTP/1.1\r\nHost: localhost\r\n\r\n", 0.5)
        began = time.monotonic()
        tap.equal((dash.end(), time.monotonic() - began < 8), (0, True), f"{name}: and it ends though a question is out", time.monotonic() - began)
        server.unlock()


def endless():
    """A question that SQLite cannot end: its table is the rows times all numbers."""
    with Place("usual", "[sink sqlite]\nquery_timeout = 1 s\n") as place, Dash(place) as dash:
        tap.equal(traffic(dash)[0], 200, "SQLite: it answers")
        with sqlite3.connect(place.store) as db:
            db.execute("ALTER TABLE connections RENAME TO aside")
            db.execute("CREATE VIEW connections AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT aside.* FROM n, aside")
        place.open_up()
        began = time.monotonic()
        status, error = traffic(dash, ("ports", "all"))
        took = time.monotonic() - began
        tap.ok(status == 504 and "took longer than 1 s" in error and took < 5, "SQLite: a question without an end: 504 after the limit", status, error, took)
        tap.equal(dash.get("/")[0], 200, "SQLite: the page is served")
        with sqlite3.connect(place.store) as db:
            db.execute("DROP VIEW connections")
            db.execute("ALTER TABLE aside RENAME TO connections")
        place.open_up()
        tap.equal([traffic(dash) for _ in range(5)], [(200, None)] * 5, "SQLite: after that it answers")
        tap.equal(dash.end(), 0, "SQLite: and ends")


def main():
    if not sys.argv[1:]:
        endless()
    for kind, why in fleet.kinds():
        if sys.argv[1:] and kind.plugin not in sys.argv[1:]:
            continue
        if why:
            tap.skip(kind.called, why)
            continue
        server = kind()
        server.fill()
        with Place(None, "[dash]\nstore = fleet\n" + server.section(**QUICK), geoip=GEOIP) as place:
            for part in (answers, held_up, goes_and_comes):
                began = time.monotonic()
                part(kind, server, place)
                tap.note(f"{kind.called}, {part.__name__}: {time.monotonic() - began:.1f} s")
        ends(kind, server)
        refused(kind, server)
        server.stop()
    tap.done()


main()
