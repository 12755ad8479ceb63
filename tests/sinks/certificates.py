# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for the tests of TLS, and what they ask of a sink: taken, or refused with a word for it."""
import os
import shutil
import subprocess
import sys

import server_home
from pump import Pump

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests"))
from tap import ok, skip_all  # noqa: E402


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make(folder):
    """Two authorities, ca and other; the first has signed for db.example.net (server), 127.0.0.1 (address) and a
    client, whose common name is that of the role. Keys are for their owner alone: the client's is ours."""
    if not shutil.which("openssl"):
        skip_all("openssl is not here")
    for ca in ("ca", "other"):
        openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN=test {ca}", "-keyout",
                f"{ca}.key", "-out", f"{ca}.pem")
    for name, subject, extension in (("server", "server", "subjectAltName=DNS:db.example.net"),
                                     ("address", "address", "subjectAltName=IP:127.0.0.1"),
                                     ("client", "picosnitch", "extendedKeyUsage=clientAuth")):
        openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={subject}", "-keyout", f"{name}.key", "-out",
                f"{name}.csr")
        with open(os.path.join(folder, "ext"), "w", encoding="ascii") as f:
            f.write(extension)
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "2", "-extfile", "ext", "-out", f"{name}.pem")
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        os.chmod(path, 0o600 if name.endswith(".key") else 0o644)
        if name in ("server.key", "address.key"):
            server_home.give(path)


def send(server, **options):
    """One batch: whether it is stored, and its pump."""
    pump = Pump(server.plugin, server.arguments(**options), batches=1, limit=1)
    return pump.end()[0] == 1, pump


def refused(server, word, what, **options):
    good, pump = send(server, **options)
    ok(not good and any(word in line for line in pump.lines), f"{what}: refused", pump.text())
    return pump


def accepted(server, what, **options):
    good, pump = send(server, **options)
    ok(good, what, pump.text())
    return pump
