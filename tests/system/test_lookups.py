#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What getaddrinfo() of C libraries says: glibc, musl, one of another file system as a container has, and that of
32-bit programs.
"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, built, need_root, tap, wait_for  # noqa: E402
from names import OLD, PORT, Asker, Named, Net, check, reverse, v4, v6  # noqa: E402


def runs(program):
    """Whether a program of 32 bits is there, and can be executed."""
    try:
        return subprocess.run([built(f"tests/system/{program}")], capture_output=True, check=False).returncode == 2
    except OSError as lack:
        tap.skip(f"32 bits, {program}", f"neither made nor run here: {lack}")
        return False


def libcs(net, daemon):
    net.resolve_by(net.server)
    askers = [Asker(net, "libc", "", "4", "glibc.example", program="asker_libc"),
              Asker(net, "libc", "", "6", "glibc6.example", program="asker_libc")]
    try:
        askers.append(Asker(net, "libc", "", "4", "musl.example", program="asker_musl"))
    except FileNotFoundError:
        tap.skip("musl", "musl-gcc is not here")
    check(daemon, askers, ("dns", "getaddrinfo"))
    if runs("asker32"):
        check(daemon, [Asker(net, "recvmsg", net.server, "A", "narrow.plain.example", program="asker32"),
                       Asker(net, "read" if OLD else "tcp-readv", v6(2), "AAAA", "narrow.plain.example", program="asker32")])


def lookups(net, daemon):
    """Names that no name server is asked for: the C library alone knows them."""
    net.resolve_by(net.server)
    with open(f"{net.etc}/hosts", "w", encoding="ascii") as f:
        f.write(f"127.0.0.1 localhost\n{v4(44)} glibc.files.example\n{v6(45)} glibc6.files.example\n{v4(46)} musl.files.example\n"
                f"{v4(47)} copy.files.example\n{v4(48)} narrow.files.example\n{v6(49)} narrow6.files.example\n")

    def libraries():
        return daemon.status()["names"]["libraries"]

    wait_for("the libc", libraries)
    check(daemon, [Asker(net, "libc", "", "4", "glibc.files.example", program="asker_libc"),
                   Asker(net, "libc", "", "6", "glibc6.files.example", program="asker_libc")], ("getaddrinfo",))
    def learns(what, name, program):
        """Once the library is found, which takes some seconds."""
        def source():
            asker = Asker(net, "libc", "", "4", name, program=program).done()
            row = wait_for(asker.what, lambda: asker.row(daemon))
            return isinstance(row, Named) and row.source == "getaddrinfo" and row
        row = wait_for(what, source, 150)
        tap.equal(row[:3], (reverse(name), "getaddrinfo", 0), what)

    try:
        holder = Asker(net, "libc", "", "4", "musl.files.example", "w" + PORT, program="asker_musl")
        learns("musl", "musl.files.example", "asker_musl")
        holder.role.kill()
    except FileNotFoundError:
        tap.skip("musl", "musl-gcc is not here")
    if runs("asker_libc32"):
        holder = Asker(net, "libc", "", "4", "narrow.files.example", "w" + PORT, program="asker_libc32")
        learns("32 bits", "narrow.files.example", "asker_libc32")
        check(daemon, [Asker(net, "libc", "", "6", "narrow6.files.example", program="asker_libc32")], ("getaddrinfo",))
        holder.role.kill()
    # Another file system with a library of its own, as a container has.
    mount = net.place.file("mount")
    os.mkdir(mount)
    subprocess.run(["mount", "-t", "tmpfs", "none", mount], check=True)
    try:
        with open("/proc/self/maps", encoding="utf-8") as f:
            shutil.copy(next(line.split()[-1] for line in f if line.endswith("/libc.so.6\n")), f"{mount}/libc.so.6")
        os.environ["LD_LIBRARY_PATH"] = mount
        holder = subprocess.Popen(["sleep", "1000"])
        try:
            learns("another file system's library", "copy.files.example", "asker_libc")
        finally:
            del os.environ["LD_LIBRARY_PATH"]
            holder.kill()
            holder.wait()
        done = wait_for("the file system", lambda: subprocess.run(["umount", mount], check=False, capture_output=True).returncode == 0)
        tap.ok(done, "a library is let go with the process that it was found by")
    finally:
        subprocess.run(["umount", "-l", mount], check=False, capture_output=True)
    os.unlink(f"{net.etc}/hosts")


def main():
    need_root()
    with Place() as place, Net(place) as net, Daemon(place).start() as daemon:
        libcs(net, daemon)
        lookups(net, daemon)
        daemon.stop()
    tap.done()


main()
