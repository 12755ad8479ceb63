#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a PostgreSQL server and the sink know each other: TLS, verified where it has to be and never silently without;
passwords, which nobody is told; the user of a Unix socket."""
import os
import pwd
import socket
import sys

import certificates
from certificates import accepted, refused
from postgres_server import NO_SYNC, Server, folder

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests"))
from tap import done, equal, ok, skip  # noqa: E402

PASSWORD = "open sesame"
ADMIN = "local all admin trust\n"
seen = []


def hba(server, *lines):
    server.write("pg_hba.conf", ADMIN + "".join(f"{line}\n" for line in lines))
    server.reload()


def certify(server, name, *more):
    server.write("postgresql.auto.conf", "".join(f"{line}\n" for line in (
        f"ssl_cert_file = '{keys}/{name}.pem'", f"ssl_key_file = '{keys}/{name}.key'", f"ssl_ca_file = '{ca}'",
        "ssl = on", *more)), append=True)
    server.stop()
    server.start()


keys = folder()
certificates.make(keys)
ca, other = os.path.join(keys, "ca.pem"), os.path.join(keys, "other.pem")
client = {"cert": os.path.join(keys, "client.pem"), "key": os.path.join(keys, "client.key")}
server = Server(NO_SYNC, ADMIN)
server.reset()

# ---- without TLS ----
hba(server, "host all all samenet scram-sha-256")
refused(server, "does not support SSL", "verify-full, and the server offers no TLS", sslmode="verify-full", ca=ca)
refused(server, "does not support SSL", "verify-ca, likewise", sslmode="verify-ca", ca=ca)
refused(server, "does not support SSL", "require, likewise", sslmode="require")
accepted(server, "disable, in words", sslmode="disable")
accepted(server, "auto, on this machine")
# A name of this machine that is not known to be its own.
name = socket.gethostname()
try:
    elsewhere = socket.gethostbyname(name)
except OSError:
    elsewhere = None
if not elsewhere:
    skip("auto, another machine", "this machine's own name has no address")
else:
    server.write("postgresql.auto.conf", f"listen_addresses = '127.0.0.1, {elsewhere}'\n", append=True)
    server.stop()
    server.start()
    refused(server, "does not support SSL", "auto, another machine, and the server offers no TLS", host=name, ca=ca)
    # By several names, one of which is another machine's.
    refused(server, "does not support SSL", "one of two is another machine", host=f"127.0.0.1,{name}",
            port=f"{server.port},{server.port}", ca=ca)
    for mode in ("disable", "prefer"):
        pump = accepted(server, f"{mode}, another machine", host=name, sslmode=mode)
        ok(any("is not encrypted" in line for line in pump.lines), "there is a warning", pump.text())

# ---- with TLS ----
certify(server, "server")
refused(server, "does not match host name", "verify-full, another name than the certificate's", sslmode="verify-full", ca=ca)
accepted(server, "verify-ca does not look at names", sslmode="verify-ca", ca=ca)
refused(server, "certificate verify failed", "verify-ca, an authority that has not signed", sslmode="verify-ca", ca=other)
accepted(server, "require takes any certificate", sslmode="require")
# The surroundings of the process do not weaken what was asked for.
os.environ["PGSERVICEFILE"] = os.path.join(server.dir, "services")
with open(os.environ["PGSERVICEFILE"], "w", encoding="ascii") as f:
    f.write(f"[weak]\nsslmode=disable\nsslrootcert={ca}\nuser=admin\n")
for variable, value in (("PGSSLMODE", "disable"), ("PGSSLROOTCERT", ca), ("PGSERVICE", "weak")):
    os.environ[variable] = value
    refused(server, "certificate verify failed", f"{variable} does not change that", sslmode="verify-ca", ca=other)
    del os.environ[variable]

certify(server, "address", "ssl_max_protocol_version = 'TLSv1.2'")
accepted(server, "verify-full, by the address in the certificate; TLS 1.2", sslmode="verify-full", ca=ca)
refused(server, "certificate verify failed", "verify-full, a certificate of another authority", sslmode="verify-full", ca=other)
refused(server, "certificate verify failed", "an authority that this system does not know", sslmode="verify-full")
refused(server, "root certificate file", "a file of authorities that is not there", sslmode="verify-full", ca="/nonexistent.pem")
server.write("postgresql.auto.conf", "ssl_min_protocol_version = 'TLSv1'\nssl_max_protocol_version = 'TLSv1.1'\n", append=True)
server.stop()
server.start()
refused(server, "SSL error", "TLS 1.1", sslmode="require")
server.write("postgresql.auto.conf", "ssl_max_protocol_version = ''\n", append=True)
server.stop()
server.start()

hba(server, "hostssl all all 127.0.0.1/32 scram-sha-256")
refused(server, "no pg_hba.conf entry", "a server that wants TLS, without", sslmode="disable")
accepted(server, "prefer is enough there", sslmode="prefer")
hba(server, "hostssl all all 127.0.0.1/32 cert")
refused(server, "client certificate", "a role that needs a certificate, without", sslmode="verify-full", ca=ca)
accepted(server, "with one, and no password", sslmode="verify-full", ca=ca, password="", **client)
os.chmod(client["key"], 0o644)
refused(server, "has group or world access", "a key that all can read", sslmode="verify-full", ca=ca, **client)
os.chmod(client["key"], 0o600)

# ---- passwords ----
server.set_password(PASSWORD)
hba(server, "host all all 127.0.0.1/32 scram-sha-256")
ok(server.sql("SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'picosnitch'") == "t", "SCRAM it is")
path = os.path.join(server.dir, "password")
with open(path, "w", encoding="ascii") as f:
    f.write(PASSWORD + "\nand what is not the password\n")
for mode, word in ((0o600, None), (0o640, None), (0o644, "others may not read"), (0o604, "others may not read")):
    os.chmod(path, mode)
    what = f"password_file of mode {mode:o}"
    pump = (refused(server, word, what, password="", password_file=path) if word
            else accepted(server, what, password="", password_file=path))
    seen.append(pump)
os.chmod(path, 0o640)
seen.append(refused(server, "password authentication failed", "another password", password="open barley"))
seen.append(refused(server, "no password supplied", "none", password=""))
seen.append(refused(server, "No such file", "a file that is not there", password="", password_file=path + ".none"))
with open(path, "w", encoding="ascii"):
    pass
seen.append(refused(server, "is empty", "an empty file", password="", password_file=path))
seen.append(refused(server, "both set", "a password and a file of one", password=PASSWORD, password_file=path))
# What a server that is not ours would like to have.
hba(server, "host all all 127.0.0.1/32 password")
seen.append(accepted(server, "over TLS in the clear", password=PASSWORD, sslmode="verify-full", ca=ca))
seen.append(refused(server, "certificate verify failed", "never to a server that is not verified", password=PASSWORD,
                    sslmode="verify-full", ca=other))
# Words that would be more than a password if they were pasted into a connection string.
server.set_password("x host=192.0.2.1 sslmode=disable")
seen.append(accepted(server, "a password of several words", password="x host=192.0.2.1 sslmode=disable"))
seen.append(refused(server, "does not exist", "a name of a database that is a connection string",
                    password="x host=192.0.2.1 sslmode=disable", dbname="host=127.0.0.1 password=open"))
ok(not any(word in line for pump in seen for line in pump.lines for word in ("sesame", "barley", "password=", "host=192")
           if "name of" not in line and "dbname" not in line and 'database "' not in line),
   "no password is in the log, nor in what is told")

# ---- Unix socket ----
me = pwd.getpwuid(os.geteuid()).pw_name
server.write("pg_ident.conf", f"here {me} picosnitch\n", append=True)
hba(server, "local all picosnitch peer map=here")
accepted(server, "Unix socket, by the user that we are", host=server.dir, password="")
server.write("pg_ident.conf", "here somebody picosnitch\n")
hba(server, "local all picosnitch peer map=here")
refused(server, "Peer authentication failed", "another user", host=server.dir, password="")
hba(server, "local all picosnitch scram-sha-256")
server.set_password(PASSWORD)
accepted(server, "Unix socket, with a password", host=server.dir, password=PASSWORD)
accepted(server, "verify-full means nothing there", host=server.dir, password=PASSWORD, sslmode="verify-full", ca=ca)

equal(server.number("SELECT count(*) FROM batches"), 1, "one batch, however often")
server.stop()
done()
