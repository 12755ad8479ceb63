#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The page of `picosnitch dash` in a browser: over a store of a million rows, over one without rows, without a store, and over a
daemon. Pictures are kept in the build folder, tests/front/pictures.

PAGE_ROWS  rows of the store (1000000)
"""
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir), os.path.join(HERE, os.pardir, "system")]
import tap  # noqa: E402
try:
    import browser  # noqa: E402
except ImportError:
    tap.skip_all("needs selenium (Debian python3-selenium)")
if not browser.there():
    tap.skip_all("needs Debian's chromium and chromium-driver")
from browser import Browser, Keys  # noqa: E402
from served import BUILD, Dash, dash_of, seed  # noqa: E402

PICTURES = os.path.join(BUILD, "tests/front/pictures")
ROWS = os.environ.get("PAGE_ROWS", "1000000")
THEMES = ("auto", "light", "dark", "cyborg", "darkly", "flatly", "sandstone", "slate", "solar")
PAGES = ("/?last=30d", "/explore?last=30d&by=cmdline&and=domain", "/program?exe=%2Fopt%2Fbackup%2Fbin%2Fuploader&last=30d", "/alerts?last=30d", "/live")
UPLOADER = "/opt/backup/bin/uploader"


def said_well(b, what, allowed=()):
    """Nothing on the console, and no question to anybody else."""
    said, asked = b.listen()
    # Of the test's own look at what is drawn.
    said = [s for s in said if not any(a in s for a in (*allowed, "willReadFrequently"))]
    tap.equal(said, [], f"{what}: nothing on the console")
    elsewhere = [u for u in asked if not u.startswith((b.base + "/", "data:", "chrome:", "about:"))]
    tap.equal(elsewhere, [], f"{what}: nothing is asked of another host")


def overview(b):
    b.open("/?last=30d")
    b.wait("top program", lambda: "program-0" in b.text(".tile"))
    first = b.run("return performance.now()")
    b.quiet()
    tap.note(f"first answer {first:.0f} ms after the address was entered, all of them {b.run('return performance.now()'):.0f} ms; "
             f"first paint {b.run('return performance.getEntriesByType(`paint`)[0]?.startTime'):.0f} ms")
    tap.ok(b.colours() > 8, "the chart is drawn, in colours", b.colours())
    tap.ok(re.search(r"program-0\s+[\d.]+ [MG]B, \d+ % of what \d+ programs moved", b.text(".tiles")), "who moves the most is said first", b.text(".tiles"))
    tap.ok("suspicious verdict" in b.text(".tiles"), "and what is new")
    tap.ok("Not everything was seen" in b.text("#top"), "and what was lost", b.text("#top"))
    # Of this document: the one before it may have been let finish, or not.
    api = b.run("return performance.getEntriesByType('resource').map((r) => r.name).filter((name) => name.includes('/api/'))")
    tap.ok(0 < len(api) <= 5, "with few questions", *api)
    label = b.run("return document.querySelector('.plot').getAttribute('aria-label')")
    tap.ok("Largest: /usr/bin/program-0" in label, "the chart says in words what it shows", label)
    b.hover(".u-over", 0.5)
    tip = b.wait("values at the cursor", lambda: b.text(".tip"))
    tap.ok("program-0" in tip and "Together" in tip, "the crosshair shows values", tip)
    b.picture("overview-light")
    b.click("details.alternative > summary")
    tap.ok(b.wait("table of the chart", lambda: len(b.all(".alternative tbody tr")) >= 30), "the chart is a table, too")
    b.click(".ranking a.open")
    b.wait("page of a program", lambda: b.text("h1") == "program-0")
    path, query = b.address()
    tap.equal((path, query["exe"]), ("/program", ["/usr/bin/program-0"]), "a click leads to the program")
    b.driver.back()
    b.wait("back", lambda: b.address()[0] == "/" and b.text(".tiles"))
    tap.equal(b.address()[1], {"last": ["30d"]}, "and back leads back")


def last_tuesday(b, then):
    """What did this machine talk to then, and who started it?"""
    b.open("/explore")
    b.quiet()
    b.key("w")
    b.wait("range menu", lambda: b.all("#range-at") and b.one("#range-at").is_displayed())
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(then))
    b.one("#range-at").send_keys(at, Keys.ENTER)
    b.wait("range", lambda: "from" in b.address()[1])
    path, query = b.address()
    tap.equal((int(query["from"][0]), int(query["to"][0])), (then // 60 * 60, then // 60 * 60 + 3600), "a point in time is found as it is typed")
    b.run("const s = document.querySelector('[data-keep=by]'); s.value = 'domain'; s.dispatchEvent(new Event('change'))")
    b.wait("by domain", lambda: "domain" in b.address()[1].get("by", []))
    b.run("const s = document.querySelector('[data-keep=and]'); s.value = 'pexe'; s.dispatchEvent(new Event('change'))")
    b.wait("and by parent", lambda: "nightly-cron" in b.text("table.full"))
    row = b.text("table.full tbody tr")
    tap.ok("example" in row and "/usr/sbin/nightly-cron" in row.replace("\n", ""), "what was talked to, and who started it, is the first row", row)
    b.picture("explore-light")


def rows_of(b):
    return [e.text for e in b.all("table.full tbody tr th")]


def explore(b):
    b.open("/explore?last=30d")
    b.quiet()
    tap.ok(b.colours() > 8, "explore: the chart is drawn")
    b.wait("rows", lambda: len(rows_of(b)) > 40)
    made = b.wait("buttons of all rows", lambda: len(b.all("table.full tbody button[title^=Only]")) == len(b.all("table.full tbody tr")))
    tap.ok(made, "what is left is made when there is time: for who points at nothing")
    b.run("scrollTo(0, 1e6)")
    deep = b.run("return scrollY")
    b.key("u")
    b.wait("another unit", lambda: "unit" in b.address()[1])
    b.quiet()
    tap.ok(deep > 500 and abs(b.run("return scrollY") - deep) < 60, "who has scrolled down stays there", deep, b.run("return scrollY"))
    b.run("scrollTo(0, 0)")
    b.hover("table.full tbody tr:nth-child(2)", 0.7)
    b.click("table.full tbody tr:nth-child(2) button[title^=Without]")
    b.wait("excluded", lambda: "x" in b.address()[1] and "/usr/bin/program-1" not in " ".join(rows_of(b)).split())
    tap.ok(b.text(".chip").startswith("without"), "a click leaves a value out", b.text(".chips"))
    b.hover("table.full tbody tr:nth-child(1)", 0.7)
    b.click("table.full tbody tr:nth-child(1) button[title^=Only]")
    b.wait("included", lambda: "f" in b.address()[1] and len(rows_of(b)) == 1)
    tap.equal(len(b.all(".chip:not(.plain)")), 2, "filters stack")
    b.driver.back()
    b.wait("one filter", lambda: "f" not in b.address()[1] and len(rows_of(b)) > 40)
    b.driver.forward()
    b.wait("two filters", lambda: len(rows_of(b)) == 1)
    tap.ok(True, "back and forward take them along")
    b.click(".chip [aria-label^=Remove]")
    b.wait("removed", lambda: len(b.all(".chip:not(.plain)")) == 1)
    b.click(".chip .flip")
    b.wait("flipped", lambda: "x" in b.address()[1])
    b.open("/explore?last=30d&by=uid")
    b.quiet()
    b.click("table.full a.open")
    b.wait("drilled", lambda: "f" in b.address()[1])
    path, query = b.address()
    tap.ok(path == "/explore" and query["f"][0].startswith("uid=") and "by" not in query, "a click drills down to programs", query)
    b.open("/explore?last=30d")
    b.quiet()
    before = rows_of(b)
    b.click("th button.sort")
    b.wait("sorted by name", lambda: b.address()[1].get("sort") == ["key"] and rows_of(b) != before and not b.all("[aria-busy]"))
    tap.equal(b.run("return document.querySelector('th[aria-sort]').getAttribute('aria-sort')"), "ascending", "a column sorts")
    b.one("[data-find]").send_keys("program-5")
    b.wait("found", lambda: 0 < len(rows_of(b)) < 10)
    tap.ok(all("program-5" in r for r in rows_of(b)), "find narrows the rows", rows_of(b))
    b.click("[aria-label=Shape] button:nth-child(2)")
    b.wait("lines", lambda: "lines" in b.address()[1].get("shape", []))
    b.quiet()
    tap.ok(b.colours() > 8, "lines are drawn")
    b.picture("explore-lines")


def ports(b):
    """Ports that clients had for a connection each are one row, which is no value; all of them are there for who asks."""
    b.open("/explore?by=rport&last=30d")
    b.wait("ports of clients", lambda: "(ports of clients)" in b.text("table.full"))
    row = next(e for e in b.all("table.full tbody tr") if "(ports of clients)" in e.text)
    tap.equal(len(row.find_elements("css selector", "button, a")), 0, "ports of clients can be neither kept nor opened")
    few, all_of_them = (json.load(urllib.request.urlopen(f"{b.base}/api/v1/traffic?by=rport&last=30d{more}"))["total"] for more in ("", "&ports=all"))
    tap.ok(few["groups"] < all_of_them["groups"], "they are one group", few, all_of_them)
    tap.equal({**few, "groups": 0}, {**all_of_them, "groups": 0}, "of the same bytes")


def late(b):
    """What waits for its answer is pale if that is long, and only then."""
    b.open("/explore?last=30d")
    b.quiet()
    network = {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
    b.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**network, "latency": 1500})
    b.click("nav a[href^='/alerts']")
    b.wait("a pale panel", lambda: b.all(".panel.late[aria-busy]"))
    b.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**network, "latency": 0})
    b.quiet()
    tap.ok(not b.all(".panel.late"), "a panel is pale while its answer is late")


def zoom(b):
    b.open("/explore?last=30d")
    b.quiet()
    b.drag(".u-over", 0.4, 0.6)
    b.wait("brushed", lambda: "from" in b.address()[1])
    query = b.address()[1]
    length = int(query["to"][0]) - int(query["from"][0])
    tap.ok(abs(length - 6 * 86400) < 86400, "a brush zooms to what it covers", length)
    b.quiet()
    b.wheel(".u-over", -100)
    b.wait("wheel in", lambda: int(b.address()[1]["to"][0]) - int(b.address()[1]["from"][0]) < length)
    query = b.address()[1]
    narrow = int(query["to"][0]) - int(query["from"][0])
    tap.ok(abs(narrow - length / 2) < 3600, "the wheel zooms", narrow)
    b.quiet()
    b.key("h")
    b.wait("earlier", lambda: int(b.address()[1]["to"][0]) == int(query["from"][0]))
    b.key("H")
    b.wait("later", lambda: b.address()[1] == query)
    tap.ok(True, "h and H step through history")
    b.driver.back()
    b.driver.back()
    b.driver.back()
    b.wait("back", lambda: int(b.address()[1]["to"][0]) - int(b.address()[1]["from"][0]) == length)
    tap.ok(True, "back goes back through what was zoomed")


def keyboard(b):
    b.open("/explore?last=30d")
    b.quiet()
    row = "return document.activeElement.closest('tr')?.querySelector('th')?.innerText"
    b.key("j", "j")
    tap.ok("program-1" in b.run(row), "j: the next row", b.run(row))
    b.key("k", Keys.ARROW_DOWN, Keys.ARROW_UP)
    tap.ok("program-0" in b.run(row), "k and arrows: up and down", b.run(row))
    b.key("e")
    b.wait("excluded", lambda: "x" in b.address()[1])
    b.quiet()
    b.key("j", "f")
    b.wait("included", lambda: "f" in b.address()[1])
    b.key(Keys.BACKSPACE)
    b.wait("last removed", lambda: "f" not in b.address()[1] and "x" in b.address()[1])
    tap.ok(True, "f, e and Backspace: filters")
    b.key("u")
    b.wait("unit", lambda: b.address()[1].get("unit") == ["B"])
    b.key("T")
    b.wait("shorter", lambda: b.address()[1].get("last") == ["7d"])
    b.key("t")
    b.wait("longer", lambda: b.address()[1].get("last") == ["30d"])
    tap.ok(True, "u, t and T: unit and range")
    b.quiet()
    b.key("j", Keys.ENTER)
    b.wait("opened", lambda: b.address()[0] == "/program")
    tap.ok(True, "Enter opens the row")
    for key, path in (("o", "/"), ("e", "/explore"), ("a", "/alerts"), ("l", "/live")):
        b.key("g", key)
        b.wait(f"g {key}", lambda path=path: b.address()[0] == path)
    tap.ok(True, "g and a letter: pages")
    b.key("g", "e")
    b.quiet()
    b.key("/")
    tap.ok(b.run("return document.activeElement.matches('[data-find]')"), "/: find")
    b.key(Keys.ESCAPE, "?")
    b.wait("help", lambda: b.one("#help").is_displayed())
    tap.ok("Backspace" in b.text("#help"), "?: help")
    b.picture("help", whole=False)
    b.key(Keys.ESCAPE)
    b.wait("no help", lambda: not b.one("#help").is_displayed())
    b.run("document.querySelector('.plot').focus()")
    b.key(Keys.ARROW_RIGHT)
    tap.ok(re.search(r"\d\d:\d\d: [\d.\s]+ k?M?G?B", b.text("#said")), "arrows on the chart tell values", b.text("#said"))
    tap.ok(b.run("return ['header', 'nav', 'main', 'footer'].every(t => document.querySelector(t)) && [...document.querySelectorAll('table')].every(t => t.caption && t.tHead)"),
           "landmarks, and tables with captions and heads")
    nameless = b.run("return [...document.querySelectorAll('button, a, input, select')].filter(e => !e.textContent.trim() && !e.getAttribute('aria-label')).map(e => e.outerHTML.slice(0, 80))")
    tap.equal(nameless, [], "every control has a name")


def program(b):
    b.open("/program?exe=" + urllib.request.quote(UPLOADER, safe="") + "&last=30d")
    b.quiet()
    text = b.text("main")
    for what, words in (("its contents over time", ["e1e1e1e", "e2e2e2e"]), ("verdicts", ["suspicious 4/72"]), ("who started it", ["nightly-cron"]),
                        ("its container", ["backup-1"]), ("its destinations", ["198.51.100.77"]), ("its events", ["new program", "new contents"])):
        tap.ok(all(w in text for w in words), f"program: {what}", *[w for w in words if w not in text])
    tap.equal(len(b.all(".strip")), 2, "program: a strip for each content")
    tap.ok(b.colours() > 4, "program: the chart is drawn")
    b.picture("program-light")


def downloads(b):
    b.open("/explore?last=30d&by=exe&x=exe%3D%2Fusr%2Fbin%2Fprogram-0")
    b.quiet()
    links = [e.get_attribute("href") for e in b.all("a[download]")]
    with urllib.request.urlopen(links[0], timeout=60) as answer:
        kind, name, rows = answer.headers["Content-Type"], answer.headers["Content-Disposition"], list(csv.reader(io.StringIO(answer.read().decode())))
    tap.ok(kind.startswith("text/csv") and ".csv" in name and len(rows) > 40, "CSV of what is shown", kind, name, len(rows))
    tap.ok(not any("/usr/bin/program-0" in row for row in rows), "with its filters")
    with urllib.request.urlopen(links[1], timeout=60) as answer:
        name, lines = answer.headers["Content-Disposition"], answer.read().decode().splitlines()
    tap.ok(".jsonl" in name and len(lines) == len(rows) - 1 and '"/usr/bin/program-1"' in "".join(lines), "and JSON", name, len(lines))


def themes(b):
    grounds = set()
    b.open("/?last=30d")
    b.quiet()
    for theme in THEMES:
        b.run("const s = document.querySelector('[aria-label=Theme]'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))", theme)
        time.sleep(0.2)
        grounds.add(b.run("return getComputedStyle(document.querySelector('.panel')).backgroundColor + getComputedStyle(document.documentElement).backgroundColor"))
        tap.ok(b.colours() > 8, f"{theme}: the chart is drawn")
        b.picture(f"theme-{theme}")
    tap.equal(len(grounds), len(THEMES) - 1, "themes differ (auto is one of them)")
    b.open("/alerts")
    tap.equal(b.run("return document.documentElement.dataset.theme"), "solar", "a theme is remembered")
    for path, name in zip(PAGES[1:], ("explore", "program", "alerts", "live")):
        b.run("localStorage.setItem('picosnitch.theme', 'dark')")
        b.open(path)
        b.wait("drawn", lambda: b.text("main"))
        if name != "live":
            b.quiet()
        b.picture(f"{name}-dark")
    b.run("localStorage.setItem('picosnitch.theme', 'light')")


def narrow(b):
    b.size(360, 760)
    for path, name in zip(PAGES, ("overview", "explore", "program", "alerts", "live")):
        b.open(path)
        b.wait("drawn", lambda: b.text("main"))
        if name != "live":
            b.quiet()
        wide = b.run("return [document.documentElement.scrollWidth, innerWidth]")
        tap.ok(wide[0] <= wide[1], f"{name}: 360 pixels are wide enough", wide)
        b.picture(f"phone-{name}")
        b.size(360, 760)
    b.size(1300)


def hostile(b):
    for by in ("exe", "name", "cmdline", "domain", "pexe", "pcmdline", "gpcmdline"):
        b.open(f"/explore?last=3h&by={by}&and={'exe' if by != 'exe' else 'cmdline'}&sort=-total&limit=10000")
        b.quiet()
        tall = b.run("return Math.max(...[...document.querySelectorAll('table.full tr')].map(r => r.offsetHeight))")
        wide = b.run("return [document.documentElement.scrollWidth, innerWidth]")
        tap.ok(tall < 160 and wide[0] <= wide[1], f"hostile {by}: it keeps to its place", tall, wide)
    markup = "return document.querySelectorAll('main img, main b, main script, body > script').length"
    b.open("/explore?last=3h&find=gnp")
    b.quiet()
    tap.ok("gnp" in b.text("table.full") and b.run(markup) == 0, "hostile names are text", b.text("table.full")[:300])
    tap.equal(b.run(r"return /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(document.querySelector('main').textContent)"), False, "what would turn or hide text is spelled out")
    b.picture("hostile")
    b.click("table.full a.open")
    b.wait("its page", lambda: b.address()[0] == "/program")
    b.quiet()
    tap.ok("gnp" in b.text("h1") and b.colours() > 4, "a hostile name has a page, too: what is shown is what is asked", b.text("h1"))
    b.picture("hostile-program")
    b.open("/explore?last=3h&find=onerror&and=domain")
    b.quiet()
    tap.ok("<img src=x onerror=alert(1)>" in b.text("table.full").replace("\n", "") and b.run(markup) == 0, "markup in a name is text", b.text("table.full")[:300])
    b.open("/alerts")
    b.quiet()
    tap.ok("<b>some</b> was not counted" in b.text("table.full") and b.run(markup) == 0, "markup in a message is text")
    for find in ("<img src=x onerror=alert(1)>", "\u202e" + "Ж" * 280):
        b.open("/explore?last=3h&find=" + urllib.request.quote(find))
        b.quiet()
    b.open("/program?exe=" + urllib.request.quote("/<img src=x onerror=alert(1)>" + "Ж" * 2000) + "&f=domain%3D" + urllib.request.quote("<b>x</b>" * 200))
    b.quiet()
    wide = b.run("return [document.documentElement.scrollWidth, innerWidth]")
    tap.ok(b.run(markup) == 0 and wide[0] <= wide[1], "nor is it markup in an address", b.run(markup), wide)
    b.open("/explore?last=3h&f=" + urllib.request.quote("cmdline=" + "\\x01" * 50000))
    b.wait("an answer in words", lambda: b.all(".notice"))
    tap.ok(b.text(".notice"), "a filter of 200 kB is answered in words", b.text("main"))


def seeded(place, now):
    file = seed(os.path.join(place, "month"), now, ("month", ROWS), ("find", "2"))
    with dash_of(place, file) as base, Browser(base, PICTURES) as b:
        b.size(1300)
        b.open("/")
        b.run("localStorage.setItem('picosnitch.theme', 'light')")
        for part in (overview, lambda x: last_tuesday(x, now - 7 * 86400), explore, ports, late, zoom, keyboard, program, downloads, themes, narrow):
            part(b)
        # There is no daemon, which the live page is told by an event, not by an error.
        said_well(b, "a month")
        b.open("/live")
        b.wait("no daemon", lambda: "picosnitch start" in b.text("main"))
        tap.ok(True, "live: without a daemon it says how to start one")
        b.picture("live-without-daemon")
        said_well(b, "no daemon")
    file = seed(os.path.join(place, "hostile"), now, ("usual",), ("hostile", "2"), ("find", "3"))
    with dash_of(place, file) as base, Browser(base, PICTURES) as b:
        b.size(1300)
        hostile(b)
        said_well(b, "hostile names", ("the server responded with a status of 4",))


def empty(place):
    file = seed(os.path.join(place, "empty"), int(time.time()), ("empty",))
    with dash_of(place, file) as base, Browser(base, PICTURES) as b:
        b.size(1300)
        b.open("/")
        b.wait("words", lambda: "Nothing is recorded yet" in b.text("main"))
        tap.ok("picosnitch start" in b.text("main"), "an empty store: it says what to do", b.text("main"))
        b.picture("empty")
        said_well(b, "an empty store")
        for name in os.listdir(os.path.dirname(file)):
            os.unlink(os.path.join(os.path.dirname(file), name))
        b.open("/explore")
        b.wait("words", lambda: b.all(".notice.bad"))
        tap.ok("picosnitch status" in b.text("main"), "no store: it says what to do", b.text("main"))
        b.picture("no-store")


def living():
    """Over a daemon that watches: what happens now, and what has just been stored."""
    if os.geteuid() or not os.path.exists("/sys/kernel/btf/vmlinux"):
        tap.skip("live updates", "needs root and BTF")
        return
    import harness
    harness.need_root()
    with harness.Place() as place, harness.Daemon(place).start() as daemon:
        mover = place.copy("/bin/cat", "mover")
        with Dash([daemon.program, "--config", daemon.config, "dash", "--port", "0"]) as base, Browser(base, PICTURES) as b:
            b.size(1300)
            b.open("/live")
            b.wait("live", lambda: "B/s" in b.text("main .sum"))
            echo = subprocess.Popen([sys.executable, "-c", "import socket,sys\ns=socket.create_server(('127.0.0.1',0))\nprint(s.getsockname()[1],flush=True)\n"
                                     "c=s.accept()[0]\nwhile c.recv(65536): pass"], stdout=subprocess.PIPE, text=True)
            port = echo.stdout.readline().strip()
            # The name of the program is the copy's; the shell opens the connection for it.
            run = subprocess.Popen(["bash", "-c", f"exec 3>/dev/tcp/127.0.0.1/{port}; for i in $(seq 40); do head -c 200000 /dev/zero; sleep 0.2; done | {mover} >&3"])
            b.wait("the program", lambda: "mover" in b.text("main .grid"), 20)
            row = b.wait("its rate", lambda: next((e.text for e in b.all("table.full tbody tr") if "mover" in e.text and "kB/s" in e.text), None), 20)
            tap.ok("kB/s" in row, "live: a program shows up with its rate", row)
            tap.ok(b.colours("canvas.spark") > 1, "live: with its last minute as a small chart")
            b.key("p")
            still = b.text("main .grid")
            time.sleep(2.5)
            tap.equal(b.text("main .grid"), still, "live: p holds it")
            b.picture("live-light")
            b.key("p")
            b.wait("goes on", lambda: b.text("main .grid") != still)
            b.one("[data-find]").send_keys("mover")
            b.wait("found", lambda: all("mover" in e.text for e in b.all("section:first-child table.full tbody tr")))
            tap.ok("mover" in b.text("main .grid"), "live: find")
            run.wait(60)
            echo.wait(20)
            echo.stdout.close()
            b.open("/explore?last=1h")
            b.wait("stored", lambda: "mover" in b.text("table.full") or b.key("r"), 30)
            tap.ok(True, "what it was is stored, and shown")
            said_well(b, "a daemon", ("status of 503",))
            daemon.stop()
            b.open("/live")
            b.wait("gone", lambda: "picosnitch start" in b.text("main"), 30)
            tap.ok(True, "live: it is told when the daemon has gone")


def main():
    shutil.rmtree(PICTURES, ignore_errors=True)
    place = tempfile.mkdtemp(prefix="picosnitch-page.")
    os.chmod(place, 0o755)
    try:
        seeded(place, int(time.time()))
        empty(place)
        living()
    finally:
        shutil.rmtree(place)
    tap.done()


main()
