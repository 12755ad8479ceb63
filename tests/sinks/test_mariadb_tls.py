#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS to a MariaDB server: verified where it has to be, and never silently without."""
import os
import socket
import sys

import certificates
import mariadb
from certificates import accepted, refused

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests"))
from tap import done, equal, ok, skip, skip_all  # noqa: E402

why = mariadb.missing()
if why:
    skip_all(why)
keys = mariadb.folder()
certificates.make(keys)
ca, other = os.path.join(keys, "ca.pem"), os.path.join(keys, "other.pem")
client = {"cert": os.path.join(keys, "client.pem"), "key": os.path.join(keys, "client.key")}

plain = mariadb.Server("--skip-ssl").start().prepare("CREATE, INSERT")
refused(plain, "SSL is required", "verify, and the server offers no TLS", tls="verify", ca=ca)
refused(plain, "TLS is required", "require, and the server offers no TLS", tls="require")
accepted(plain, "off, in words", tls="off")
accepted(plain, "auto, on this machine")
# A name of this machine that is not known to be its own.
name = socket.gethostname()
try:
    elsewhere = socket.gethostbyname(name)
except OSError:
    elsewhere = None
plain.stop()
if not elsewhere or not elsewhere.startswith("127."):
    skip("auto, another machine", "this machine's own name is not an address of loopback")
else:
    plain.options.append(f"--bind-address={elsewhere}")
    plain.start()
    refused(plain, "SSL is required", "auto, another machine, and the server offers no TLS", host=name, ca=ca)
    pump = accepted(plain, "off, another machine", host=name, tls="off")
    ok(any("is not encrypted" in line for line in pump.lines), "there is a warning", pump.text())
    plain.stop()

for certificate in ("server", "address"):
    server = mariadb.Server(f"--ssl-ca={ca}", f"--ssl-cert={keys}/{certificate}.pem", f"--ssl-key={keys}/{certificate}.key")
    server.start().prepare("CREATE, INSERT")
    if certificate == "server":
        refused(server, "ertificate", "another name than the certificate's", tls="verify", ca=ca)
        accepted(server, "require does not look at names", tls="require")
    else:
        accepted(server, "verify, by the address in the certificate", tls="verify", ca=ca)
        refused(server, "ertificate", "a certificate of another authority", tls="verify", ca=other)
        refused(server, "ertificate", "an authority that this system does not know", tls="verify")
        os.environ["MARIADB_TLS_DISABLE_PEER_VERIFICATION"] = "1"
        refused(server, "ertificate", "nor do the surroundings change that", tls="verify", ca=other)
        del os.environ["MARIADB_TLS_DISABLE_PEER_VERIFICATION"]
        server.sql("ALTER USER 'picosnitch'@'%' REQUIRE X509")
        refused(server, "Access denied", "a role that needs a certificate", tls="verify", ca=ca)
        accepted(server, "with one", tls="verify", ca=ca, **client)
        server.sql("ALTER USER 'picosnitch'@'%' REQUIRE SSL")
        refused(server, "Access denied", "a role that needs TLS, without", tls="off")
        equal(server.number("SELECT count(*) FROM batches"), 1, "one batch, however often")
    server.stop()
done()
