# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the tests' database servers live: in folders and on ports of their own, as a user without rights; and a
network of the test's own, in which packets can be dropped."""
import atexit
import ctypes
import os
import pwd
import shutil
import socket
import subprocess
import tempfile

USER = "nobody"
CLONE_NEWNET = 0x40000000


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def who():
    """Arguments of subprocess that give root's rights away."""
    if os.geteuid():
        return {}
    user = pwd.getpwnam(USER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def give(path):
    """To the servers' user."""
    if not os.geteuid():
        user = pwd.getpwnam(USER)
        os.chown(path, user.pw_uid, user.pw_gid)


def folder(prefix):
    """One that servers can use, removed at the end."""
    path = tempfile.mkdtemp(prefix=prefix, dir="/tmp")
    atexit.register(shutil.rmtree, path, True)
    give(path)
    os.chmod(path, 0o755)
    return path


def small_disk(prefix, megabytes):
    """A folder that is a small disk, or None; give it to no_disk() in the end."""
    path = folder(prefix)
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=777", "none", path],
                                      check=False).returncode:
        return None
    give(path)
    os.chmod(path, 0o755)
    return path


def no_disk(path):
    subprocess.run(["umount", "-l", path], check=False)


def own_network():
    """From here on this process and its children have a loopback of their own. Before any thread is started."""
    if os.geteuid() or not shutil.which("nft") or not shutil.which("ip"):
        return False
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        return False
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    return True


def filter_packets(*rules):
    """What happens from now on to packets that come in, in own_network(); nothing: they all pass."""
    text = "table inet cut {}\ndelete table inet cut\n"
    if rules:
        text += "table inet cut { chain in { type filter hook input priority 0\n%s\n}\n}\n" % "\n".join(rules)
    subprocess.run(["nft", "-f", "-"], input=text.encode(), check=True)
