#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three nodes of a Galera cluster on loopback, of which the one in use is killed, or cut off from the others, while
rows flow; and a server that only reads. All that was sent is stored once, on every node that is left."""
import glob
import os
import shutil
import sys
import time

import mariadb
from pump import Pump

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests"))
from tap import done, equal, note, ok, skip_all  # noqa: E402

ROWS = 50
PROVIDERS = ["/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera*/libgalera_smm.so", "/usr/lib/*/galera/libgalera_smm.so"]


def provider():
    found = [path for pattern in PROVIDERS for path in glob.glob(pattern)]
    return found[0] if found else None


class Node(mariadb.Server):
    def __init__(self, number, data=None, peers=()):
        self.cluster_port, ist = mariadb.free_port(), mariadb.free_port()
        super().__init__(data=data)
        self.peers = peers
        self.options = [
            "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--wsrep-on=ON", f"--wsrep-provider={provider()}",
            f"--wsrep-node-name=node{number}", "--wsrep-node-address=127.0.0.1", "--wsrep-cluster-name=test",
            "--wsrep-sst-method=same", f"--wsrep-node-incoming-address=127.0.0.1:{self.port}",
            "--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:%d;ist.recv_addr=127.0.0.1:%d;gcache.size=16M;"
            "evs.suspect_timeout=PT3S;evs.inactive_timeout=PT6S;evs.install_timeout=PT4S"
            % (self.cluster_port, ist)]

    def status(self, name):
        rows = self.sql(f"SHOW STATUS LIKE '{name}'")
        return rows[0][1] if rows else ""

    def until(self, name, value, limit=60):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if self.status(name) == value:
                return True
            time.sleep(0.2)
        return False


def cluster():
    """The first makes the system's state; the others begin as its copies, so that nothing has to be handed over."""
    first = Node(1)
    first.start("--wsrep-new-cluster", "--wsrep-cluster-address=gcomm://").prepare("CREATE, INSERT")
    first.stop()
    nodes = [first, Node(2, first.data), Node(3, first.data)]
    addresses = ",".join(f"127.0.0.1:{n.cluster_port}" for n in nodes)
    first.start("--wsrep-new-cluster", f"--wsrep-cluster-address=gcomm://{addresses}")
    for node in nodes[1:]:
        node.start(f"--wsrep-cluster-address=gcomm://{addresses}")
    ok(all(n.until("wsrep_cluster_size", "3") and n.until("wsrep_ready", "ON") for n in nodes), "three nodes are a cluster")
    return nodes


def check(node, batches, what):
    equal((node.number("SELECT count(*) FROM connections"),
           node.number("SELECT count(*) FROM (SELECT DISTINCT host, batch, `row` FROM connections) d"),
           node.number("SELECT count(*) FROM batches")), (batches * ROWS, batches * ROWS, batches),
          f"{what}: {batches * ROWS} rows sent, as many stored, none twice")


why = mariadb.missing() or (None if provider() else "Galera is not installed (Debian: galera-4)")
if why:
    skip_all(why)
# Where nodes find wsrep_sst_same, and it its files.
os.environ["PATH"] = os.path.abspath(os.path.dirname(__file__)) + ":" + os.environ["PATH"]
os.environ["PS_SST_DIR"] = mariadb.folder()
nodes = cluster()
options = [f"host={','.join(['127.0.0.1'] * 3)}", f"port={','.join(str(n.port) for n in nodes)}", "password=secret",
           "connect_timeout=3 s", "answer_timeout=10 s"]
pump = Pump("mariadb", options, batches=300, rows=ROWS, pause=20, limit=120)
if not ok(pump.saw("stored"), "rows flow", pump.text()):
    note(nodes[0].log)
others = [Pump("mariadb", options[:1] + [f"port={','.join(str(n.port) for n in nodes[i:] + nodes[:i])}"] + options[2:],
               batches=100, rows=ROWS, host=10 + i, pause=30, limit=120) for i in (1, 2)]
time.sleep(2)
nodes[0].kill()
for p in [pump] + others:
    p.end()
equal([p.end()[:2] for p in [pump] + others], [(300, 0), (100, 0), (100, 0)], "the node in use is killed: all are stored",
      pump.text(), *[p.text() for p in others])
for n in (1, 2):
    nodes[n].until("wsrep_local_recv_queue", "0")
    check(nodes[n], 500, f"killed, on node {n + 1}")
note(pump.text())

# One without the others is not the cluster: it must not be written to.
nodes[2].signal(19)
pump = Pump("mariadb", options, batches=3, rows=ROWS, host=20, pause=20, limit=12)
pump.end()
ok(any("not ready" in line or "not a part" in line or "prepared node" in line for line in pump.lines),
   "a node that is alone is not written to", pump.text())
nodes[2].signal(18)
ok(nodes[1].until("wsrep_cluster_size", "2"), "the other comes back")
pump = Pump("mariadb", options, batches=3, rows=ROWS, host=20, pause=20, limit=60)
equal(pump.end()[:2], (3, 0), "and rows flow again", pump.text())
check(nodes[1], 503, "two of three")

# A replica that only reads is passed over.
nodes[1].sql("SET GLOBAL read_only = 1")
pump = Pump("mariadb", options, batches=3, rows=ROWS, host=30, pause=20, limit=60)
equal(pump.end()[:2], (3, 0), "the one that takes writes is found", pump.text())
pump = Pump("mariadb", [f"host=127.0.0.1", f"port={nodes[1].port}", "password=secret"], batches=1, limit=1)
pump.end()
ok(any("read-only" in line for line in pump.lines), "a server that only reads is away", pump.text())
for node in nodes:
    node.kill()
done()
