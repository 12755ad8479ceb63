#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
A Prometheus of the test's own reads /metrics of `picosnitch dash`, and answers everything that the dashboard in
contrib/grafana asks; also with a token, without the right one, and of programs whose names are hostile.

PICOSNITCH  the program (default: that of the build tree)
"""
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir)]
import tap  # noqa: E402
from dash_api import Dash, Place  # noqa: E402

DASHBOARD = os.path.join(HERE, "../../contrib/grafana/picosnitch.json")
TOKEN = "0123456789abcdef"
JOB = """- job_name: {name}
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
{more}"""
BEARER = "  authorization: {credentials: %s}\n"


class Prometheus:
    """Reads those jobs' metrics each second."""

    def __init__(self, folder, jobs):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        config, self.log = os.path.join(folder, "prometheus.yml"), os.path.join(folder, "log")
        with open(config, "w", encoding="ascii") as f:
            f.write("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n" + "".join(jobs))
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{self.port}"], cwd=folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path):
        with self.opener.open(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=10) as r:
            return json.loads(r.read())["data"]

    def ask(self, expression):
        """Its series as (labels, number); None: it is not there yet."""
        try:
            result = self.get("query?" + urllib.parse.urlencode({"query": expression}))["result"]
        except OSError as e:
            return None if not hasattr(e, "read") else [({"error": e.read().decode()}, math.nan)]
        return [(r["metric"], float(r["value"][1])) for r in result]

    def one(self, expression):
        got = self.ask(expression)
        return got[0][1] if got and len(got) == 1 else None

    def until(self, expression, value, seconds=30):
        end = time.monotonic() + seconds
        while (got := self.one(expression)) != value and time.monotonic() < end:
            time.sleep(0.2)
        return got

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)


def dashboard(prometheus):
    """Every question of it: understood, and answered with numbers and with the labels that its legend has."""
    with open(DASHBOARD, encoding="utf-8") as f:
        panels = json.load(f)["panels"]
    for panel in panels:
        for target in panel["targets"]:
            got = prometheus.ask(target["expr"])
            tap.ok(got and all(math.isfinite(n) for _, n in got), f"{panel['title']}: {target['expr']}", got)
            labels = set(re.findall(r"{{\s*(\w+)\s*}}", target.get("legendFormat", "")))
            tap.ok(all(labels <= set(metric) for metric, _ in got or []), f"{panel['title']}: and its legend can be written", labels, got)


def main():
    if not shutil.which("prometheus"):
        tap.skip_all("needs prometheus (Debian prometheus)")
    with Place("usual") as place, Place("hostile") as evil, Dash(place, "--token", TOKEN) as dash, Dash(evil) as other:
        jobs = [JOB.format(name="ours", port=dash.port, more=BEARER % TOKEN), JOB.format(name="stranger", port=dash.port, more=BEARER % "wrong"),
                JOB.format(name="evil", port=other.port, more="")]
        with Prometheus(place.path, jobs) as prometheus:
            tap.equal(prometheus.until('up{job="ours"}', 1), 1, "it reads the metrics, with the token")
            tap.equal(prometheus.until('count_over_time(up{job="stranger"}[1m]) > bool 0', 1), 1, "it tries with another, too")
            tap.equal(prometheus.one('max_over_time(up{job="stranger"}[1m])'), 0, "which is of no use")
            tap.equal(prometheus.until('up{job="evil"}', 1), 1, "names that speak to a terminal are labels like others")
            evil.seed("grow", "100")
            tap.equal(prometheus.until('picosnitch_sent_bytes_total{job="evil",exe="/usr/bin/late"}', 1e9), 1e9, "beside which a program is counted")
            late = 'picosnitch_sent_bytes_total{job="ours",exe="/usr/bin/late"}'
            for n in range(1, 4):
                place.seed("grow", str(100 + n))
                tap.equal(prometheus.until(late, n * 1e9), n * 1e9, f"what a program has sent, {n} times: to the byte")
            tap.ok((prometheus.one(f"rate({late}[5m])") or 0) > 0, "which has a rate")
            tap.equal(prometheus.one('picosnitch_losses_last_day{job="ours",stage="flows"}'), 4, "what was lost in the last day")
            dashboard(prometheus)
            tap.equal(prometheus.one('max by (job) (resets(picosnitch_sent_bytes_total{job="ours",exe="/usr/bin/late"}[5m]))'), 0, "no counter has fallen")
            place.set_aside()
            tap.equal((prometheus.until('picosnitch_store_up{job="ours"}', 0), prometheus.one('up{job="ours"}')), (0, 1), "a store that goes is a metric")
            bad = [t for t in prometheus.get("targets")["activeTargets"] if t["lastError"] and t["labels"]["job"] != "stranger"]
            tap.equal(bad, [], "nothing was wrong with any answer")
    tap.done()


main()
