# SPDX-License-Identifier: GPL-3.0-or-later
"""
Where the scenarios are played: a host and its peer, each in a network namespace of its own, joined by a
cable, and a container behind the host; and nftables, which counts independently what comes in at either
end of the cable and over the host's loopback. Each of them carries 100 Mbit/s: at the speed of memory, tools
that look at copies of packets would be tested on their buffers alone.
"""
import collections
import json
import os
import subprocess
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.realpath(__file__))}/../system")
from harness import Namespaces  # noqa: E402

# Each element of a set is one kind of packet, so that its headers' length is known and payload can be told exactly.
TABLE = """table netdev count_%s {
 set streams { typeof meta protocol . tcp doff; size 64; flags dynamic; counter; }
 set other { typeof meta protocol . meta l4proto; size 256; flags dynamic; counter; }
 set frames { typeof meta protocol; size 256; flags dynamic; counter; }
 chain c { type filter hook ingress device "%s" priority 0;
  meta l4proto tcp update @streams { meta protocol . tcp doff } return
  meta protocol { ip, ip6 } update @other { meta protocol . meta l4proto } return
  meta protocol != arp update @frames { meta protocol }
 }
}"""
SETS = ("streams", "other", "frames")
IP = {"ip": 20, "ip6": 40}
ETHERNET = 14
L4 = {"udp": 8, "udplite": 8, 17: 8, 136: 8}  # what the application hands over begins behind these

# What came in: payload as an application hands it over, and all that was on the cable.
Count = collections.namedtuple("Count", "payload wire")


class Wire(Namespaces):
    """self.names: the host and the peer; self.container: a third one."""

    def __enter__(self):
        host, peer = self.names
        self.container = f"{host[:-1]}c"
        self.devices = {"host": (host, host), "peer": (peer, peer), "lo": (host, "lo")}
        try:
            super().__enter__()
            for (netns, device), burst in zip(self.devices.values(), ("32kb", "32kb", "256kb")):
                subprocess.run(["tc", "-n", netns, "qdisc", "add", "dev", device, "root", "tbf", "rate", "100mbit", "burst",
                                burst, "latency", "300ms"], check=True)
            self.add_container(host, peer)
            for where, (netns, device) in self.devices.items():
                self.nft(netns, "-f", "-", text=TABLE % (where, device))
        except subprocess.CalledProcessError:
            self.__exit__()
            raise
        return self

    def add_container(self, host, peer):
        """Behind the host and routed by it, as an engine's bridge would."""
        c = self.container
        self.ip("netns", "add", c)
        self.ip("link", "add", c, "netns", c, "type", "veth", "peer", f"{c}0", "netns", host)
        self.ip("-n", c, "addr", "add", "10.231.8.2/24", "dev", c)
        self.ip("-n", host, "addr", "add", "10.231.8.1/24", "dev", f"{c}0")
        for netns, device in ((c, c), (c, "lo"), (host, f"{c}0")):
            self.ip("-n", netns, "link", "set", device, "up")
        self.ip("-n", c, "route", "add", "default", "via", "10.231.8.1")
        self.ip("-n", peer, "route", "add", "10.231.8.0/24", "via", self.v4[0])
        # Forwarding for the container; echo sockets for everybody, as distributions set it.
        self.ip("netns", "exec", host, "sh", "-c", "cd /proc/sys/net/ipv4; echo 1 >ip_forward; "
                "echo 0 2147483647 >ping_group_range")

    def __exit__(self, *_):
        super().__exit__()
        subprocess.run(["ip", "netns", "del", self.container], check=False, capture_output=True)

    @staticmethod
    def nft(netns, *words, text=None):
        return subprocess.run(["ip", "netns", "exec", netns, "nft", *words], check=True, capture_output=True, text=True,
                              input=text).stdout

    def reset(self):
        for where, (netns, _) in self.devices.items():
            self.nft(netns, "-f", "-", text="".join(f"flush set netdev count_{where} {s}\n" for s in SETS))

    def counts(self, where):
        """What came in there since the last reset: {kind of packet: Count}."""
        netns = self.devices[where][0]
        answer = json.loads(self.nft(netns, "-j", "list", "table", "netdev", f"count_{where}"))
        sums = collections.defaultdict(lambda: Count(0, 0))
        for entry in answer["nftables"]:
            for element in entry.get("set", {}).get("elem", ()):
                name, key = entry["set"]["name"], element["elem"]["val"]
                count = element["elem"]["counter"]
                if name == "streams":
                    kind, headers = "tcp", IP[key["concat"][0]] + 4 * key["concat"][1]
                elif name == "other":
                    ip, kind = key["concat"]
                    headers = IP[ip] + L4.get(kind, 0)
                else:
                    kind, headers = key, -ETHERNET
                was = sums[kind]
                sums[kind] = Count(was.payload + count["bytes"] - count["packets"] * headers,
                                   was.wire + count["bytes"] + count["packets"] * ETHERNET)
        return dict(sums)
