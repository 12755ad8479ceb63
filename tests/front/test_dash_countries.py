#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Countries in the API of `picosnitch dash`, by databases as different makers have them: the dimension, filters, what is in no
country, what stands beside addresses, and to whom the data is owed.

PICOSNITCH  the program (default: that of the build tree)
"""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir)]
import tap  # noqa: E402
from country_server import FIXTURES, database  # noqa: E402
from dash_api import Dash, Place, tops_are_traffic  # noqa: E402
from fleet import seed  # noqa: E402

RANGE = ("last", "2d")
# Of the first of the fleet's machines (tests/front/seed.c): its agent sends 1000 bytes and one more to each of five addresses.
AGENT = {"1.0.0.1": ("AU", 1000), "8.8.8.8": ("US", 1001), "10.0.0.1": ("private", 1002), "127.0.0.1": ("loopback", 1003), "11.0.0.1": ("", 1004)}
# To addresses that are for documentation: curl six times, wget, firefox, sshd twice, and one program more.
OTHERS = 6 * 1000 + 5000 + 20000 + 2 * 20 + 77


def place_with(geoip):
    place = Place(None, geoip=geoip)
    seed("sqlite", place.path, int(time.time()), 0, 1)
    place.open_up()
    return place


def sums(dash, *pairs):
    status, got = dash.ask("traffic", ("by", "country"), RANGE, *pairs)
    return {r["values"][0]: r["sent"] for r in got["rows"]} if status == 200 else got


def known(dash, name):
    want = {"documentation": OTHERS, **dict(AGENT.values())}
    tap.equal(sums(dash), want, f"{name}: each country, and what is none")
    status, got = dash.ask("traffic", ("by", "country"), RANGE, ("limit", "2"), ("order", "sent"))
    tap.equal(([r["values"][0] for r in got["rows"]], got["more"], got["total"]["groups"], got["total"]["sent"]), (["documentation", ""], True, 6, sum(want.values())),
              f"{name}: the largest, and the total of all")
    for country, sent in want.items():
        status, got = dash.ask("traffic", ("by", "raddr"), RANGE, ("f", f"country={country}"))
        tap.equal((status, got["total"]["sent"], {r["beside"][0]["country"] for r in got["rows"]}), (200, sent, {country}), f"{name}: f=country={country}")
        tap.equal(sums(dash, ("x", f"country={country}")), {c: s for c, s in want.items() if c != country}, f"{name}: and without it")
    tap.equal(sums(dash, ("f", "country=AU"), ("f", "country=US")), {"AU": 1000, "US": 1001}, f"{name}: one of two")
    tap.equal(sums(dash, ("f", "country=AU"), ("f", "exe=/usr/bin/curl")), {}, f"{name}: nothing of curl's")
    tap.equal(sums(dash, ("f", "country=XX")), {}, f"{name}: nothing of a country that is not there")
    status, got = dash.ask("traffic", ("by", "exe,country"), RANGE, ("f", "exe=/usr/bin/agent"))
    tap.equal(sorted(r["values"][1] for r in got["rows"]), sorted(c for c, _ in AGENT.values()), f"{name}: with another dimension")
    status, got = dash.ask("traffic", ("by", "raddr"), RANGE, ("f", "exe=/usr/bin/agent"))
    tap.equal({r["values"][0]: (r["beside"][0]["country"], r["sent"]) for r in got["rows"]}, AGENT, f"{name}: it stands beside addresses")
    status, got = dash.ask("series", ("by", "country"), RANGE, ("points", "30"))
    tap.equal({s["value"]: sum(s["sent"]) for s in got["series"]}, want, f"{name}: over time")
    status, got = dash.ask("series", ("by", "exe"), RANGE, ("points", "30"), ("f", "country=private"))
    tap.equal({s["value"]: sum(s["sent"]) for s in got["series"]}, {"/usr/bin/agent": 1002}, f"{name}: one of them over time")
    tops_are_traffic(dash, ["country", "raddr", "exe"], 3, RANGE)
    body = dash.get("/api/v1/export?format=csv&by=country&last=2d&order=key")[2].decode().splitlines()
    tap.equal((len(body), [line.split(",")[0] for line in body if line.startswith(("AU", "private"))]), (7, ["AU", "private"]), f"{name}: exported", body)


def put(path, content):
    """As an update does: whoever has the old file open keeps it."""
    with open(path + ".new", "wb") as f:
        f.write(content)
    os.rename(path + ".new", path)


def newer(dash, mine, built):
    """The page outlives many editions: it looks for a newer one once a minute."""
    put(mine, database(built + 3600, "flat"))
    served, end = [], time.monotonic() + 90
    while (about := dash.ask("info")[1]["geoip"])["built"] == built and time.monotonic() < end:
        served.append(sums(dash).get("AU"))
        time.sleep(1)
    tap.equal(set(served) - {1000}, set(), "meanwhile the old one serves")
    tap.equal((about["enabled"], about["built"]), (True, built + 3600), "a newer edition takes the place of the old one")
    known(dash, "the newer one")


def main():
    built = int(time.time()) - 86400
    for name, attribution in (("flat", {"text": "IP Geolocation by DB-IP", "link": "https://db-ip.com"}), ("nested", None), ("ipv4", None), ("plain", None)):
        with place_with("") as place:
            mine = os.path.join(place.path, "mine.mmdb")
            with open(mine, "wb") as f:
                f.write(database(built, name))
            with open(place.config, "a", encoding="ascii") as f:
                f.write(f"[geoip]\nupdate = never\ndatabase = {mine}\n")
            with Dash(place) as dash:
                tap.equal(dash.ask("info")[1]["geoip"], {"enabled": True, "attribution": attribution, "built": built}, f"{name}: to whom it is owed, and its age")
                known(dash, name)
                if name == "flat":
                    newer(dash, mine, built)
    want = {"documentation": OTHERS, "private": 1002, "loopback": 1003, "": 3005}
    for what, geoip in (("none is wanted", "enabled = no"), ("there is none", "update = never\ndatabase = /nowhere/country.mmdb"),
                        ("what is there is none", f"update = never\ndatabase = {os.path.join(FIXTURES, 'make.pl')}")):
        with place_with(geoip) as place, Dash(place) as dash:
            tap.equal(dash.ask("info")[1]["geoip"], {"enabled": False, "attribution": None, "built": None}, f"{what}: info")
            tap.equal(sums(dash), want, f"{what}: private addresses and the like are still told")
            tap.equal(sums(dash, ("f", "country=private")), {"private": 1002}, f"{what}: and are a filter")
            status, got = dash.ask("traffic", ("by", "raddr"), RANGE, ("f", "exe=/usr/bin/agent"))
            tap.equal((status, {str(r["beside"]) for r in got["rows"]}), (200, {"[None]"}), f"{what}: nothing stands beside addresses")
    tap.done()


main()
