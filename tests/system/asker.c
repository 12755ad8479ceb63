/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program that looks a name up and then talks to the address: asker HOW SERVER TYPE NAME PORT BYTES,
 * with HOW
 *
 *   libc      getaddrinfo(); SERVER and TYPE are not looked at (`any`, `4`, `6`: which addresses)
 *   read      a resolver of its own, as Go's: connected UDP, write() and read()
 *   recvfrom, recvmsg, recvmmsg, ping   unconnected UDP, and which call; ping: sendmmsg() of two questions
 *   flood     answers itself, on loopback, from SERVER, 100,000 times with other names and addresses; says how often
 *   tcp       over TCP, two bytes of length first; tcp-whole: all at once; tcp-readv: both by one call
 *
 * TYPE is A, AAAA or HTTPS (its first hint). PORT 0: no talk. Sends BYTES over TCP to the first address, or
 * over UDP with a port of u53, say. mapped,PORT: through a socket of IPv6, IPv4 mapped. Waits for a line of
 * its input before it talks if PORT begins with a w. Says the address.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct end {
	struct sockaddr_storage name;
	socklen_t len;
};

static struct end end_of(const char *address, unsigned port)
{
	struct end e = {.len = sizeof(struct sockaddr_in)};
	struct sockaddr_in *in4 = (struct sockaddr_in *)&e.name;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&e.name;

	if (strchr(address, ':')) {
		*in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
		inet_pton(AF_INET6, address, &in6->sin6_addr);
		e.len = sizeof(*in6);
	} else {
		*in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
		inet_pton(AF_INET, address, &in4->sin_addr);
	}
	return e;
}

/* ---- a resolver of its own ---- */

static size_t question(uint8_t *m, uint16_t id, const char *name, unsigned type)
{
	static const uint8_t opt[11] = {0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0}; /* EDNS, 4096 bytes */
	size_t n = 12;

	memset(m, 0, 12);
	m[0] = (uint8_t)(id >> 8);
	m[1] = (uint8_t)id;
	m[2] = m[5] = m[11] = 1;
	while (*name) {
		size_t len = strcspn(name, ".");

		m[n++] = (uint8_t)len;
		memcpy(m + n, name, len);
		n += len;
		name += len + (name[len] == '.');
	}
	m[n++] = 0;
	m[n++] = 0;
	m[n++] = (uint8_t)type;
	m[n++] = 0;
	m[n++] = 1;
	memcpy(m + n, opt, sizeof(opt));
	return n + sizeof(opt);
}

static ssize_t all(int fd, uint8_t *m, size_t n)
{
	size_t have = 0;
	ssize_t got;

	while (have < n && (got = read(fd, m + have, n - have)) > 0)
		have += (size_t)got;
	return (ssize_t)have;
}

static ssize_t ask_tcp(const char *how, const struct end *server, const uint8_t *q, size_t n, uint8_t *m, size_t room)
{
	uint8_t length[2] = {(uint8_t)(n >> 8), (uint8_t)n};
	struct iovec out[2] = {{length, 2}, {(void *)(uintptr_t)q, n}}, in[2] = {{length, 2}, {m, room}};
	int fd = socket(server->name.ss_family, SOCK_STREAM, 0);
	ssize_t got;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&server->name, server->len) || writev(fd, out, 2) < 0)
		err(1, "the name server");
	if (strcmp(how, "tcp") == 0) {
		if (all(fd, length, 2) != 2)
			err(1, "the length");
		return all(fd, m, (size_t)length[0] << 8 | length[1]);
	}
	if (strcmp(how, "tcp-readv") == 0)
		return readv(fd, in, 2) - 2;
	got = recv(fd, m, room, 0) - 2;
	memmove(m, m + 2, got > 0 ? (size_t)got : 0);
	return got;
}

static ssize_t ask_udp(const char *how, const struct end *server, const uint8_t *q, size_t n, uint8_t *m, size_t room)
{
	int fd = socket(server->name.ss_family, SOCK_DGRAM, 0);
	struct iovec in = {m, room}, out = {(void *)(uintptr_t)q, n};
	struct mmsghdr several[2] = {{.msg_hdr = {.msg_iov = &in, .msg_iovlen = 1}}};
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);

	several[0].msg_hdr.msg_name = &from;
	several[0].msg_hdr.msg_namelen = len;
	if (strcmp(how, "read") == 0) {
		if (connect(fd, (const struct sockaddr *)&server->name, server->len) || write(fd, q, n) < 0)
			err(1, "the name server");
		return read(fd, m, room);
	}
	if (strcmp(how, "ping") == 0) {
		uint8_t first[512];
		struct iovec before = {first, question(first, 7, "nothing.example", 1)};
		struct mmsghdr both[2] = {{.msg_hdr = {.msg_iov = &before, .msg_iovlen = 1}},
		                          {.msg_hdr = {.msg_iov = &out, .msg_iovlen = 1}}};

		if (connect(fd, (const struct sockaddr *)&server->name, server->len) || sendmmsg(fd, both, 2, 0) != 2)
			err(1, "the name server");
		do
			n = (size_t)recv(fd, m, room, 0);
		while (n >= 2 && m[0] == 0 && m[1] == 7);
		return (ssize_t)n;
	}
	if (sendto(fd, q, n, 0, (const struct sockaddr *)&server->name, server->len) < 0)
		err(1, "the name server");
	if (strcmp(how, "recvfrom") == 0)
		return recvfrom(fd, m, room, 0, (struct sockaddr *)&from, &len);
	if (strcmp(how, "recvmsg") == 0)
		return recvmsg(fd, &several[0].msg_hdr, 0);
	if (strcmp(how, "recvmmsg") == 0)
		return recvmmsg(fd, several, 1, 0, NULL) == 1 ? (ssize_t)several[0].msg_len : -1;
	errx(2, "%s?", how);
}

static unsigned flood(const char *server)
{
	struct end name = end_of(server, 53), from;
	int ear = socket(AF_INET, SOCK_DGRAM, 0), mouth = socket(AF_INET, SOCK_DGRAM, 0);
	static uint8_t q[512], m[4096];
	unsigned n = 0;

	from.len = sizeof(from.name);
	if (bind(mouth, (struct sockaddr *)&name.name, name.len) || connect(ear, (struct sockaddr *)&name.name, name.len) ||
	    getsockname(ear, (struct sockaddr *)&from.name, &from.len))
		err(1, "%s", server);
	for (; n < 100000; n++) {
		char asked[64];
		size_t len;

		snprintf(asked, sizeof(asked), "n%u.flood.example", n);
		len = question(q, (uint16_t)n, asked, 1) - 11;
		if (send(ear, q, len, 0) < 0)
			err(1, "send");
		q[2] = 0x80;
		q[7] = 1;
		q[11] = 0;
		memcpy(q + len, "\300\014\0\1\0\1\0\0\16\20\0\4", 12);
		memcpy(q + len + 12, &n, 4);
		if (sendto(mouth, q, len + 16, 0, (struct sockaddr *)&from.name, from.len) < 0 ||
		    recv(ear, m, sizeof(m), 0) < 0)
			err(1, "recv");
	}
	return n;
}

static size_t past_name(const uint8_t *m, size_t at)
{
	while (m[at] && m[at] < 0xc0)
		at += m[at] + 1u;
	return at + (m[at] ? 2 : 1);
}

/* The first address in an answer. */
static void pick(char out[INET6_ADDRSTRLEN], const uint8_t *m, ssize_t len, unsigned type)
{
	size_t at = past_name(m, 12) + 4;

	while (at + 12 < (size_t)len) {
		size_t fixed = past_name(m, at), n = (size_t)m[fixed + 8] << 8 | m[fixed + 9], data = fixed + 10;
		unsigned got = (unsigned)m[fixed] << 8 | m[fixed + 1];

		if (got == type && type == 65) /* priority, ".", key 4, its length */
			inet_ntop(AF_INET, m + data + 7, out, INET6_ADDRSTRLEN);
		else if (got == type)
			inet_ntop(type == 28 ? AF_INET6 : AF_INET, m + data, out, INET6_ADDRSTRLEN);
		if (got == type)
			return;
		at = data + n;
	}
	errx(1, "no address in an answer of %zd bytes", len);
}

static void ask(char out[INET6_ADDRSTRLEN], const char *how, const char *server, const char *kind, const char *name)
{
	unsigned type = strcmp(kind, "A") == 0 ? 1 : strcmp(kind, "AAAA") == 0 ? 28 : 65;
	struct end end = end_of(server, 53);
	static uint8_t m[65536], q[512];
	size_t n = question(q, (uint16_t)getpid(), name, type);
	ssize_t got =
	    strncmp(how, "tcp", 3) == 0 ? ask_tcp(how, &end, q, n, m, sizeof(m)) : ask_udp(how, &end, q, n, m, sizeof(m));

	if (got < 12)
		err(1, "no answer");
	pick(out, m, got, type);
}

#ifdef WITH_LIBC
static void look_up(char out[INET6_ADDRSTRLEN], const char *kind, const char *name)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	int wrong;

	hints.ai_family = *kind == '4' ? AF_INET : *kind == '6' ? AF_INET6 : AF_UNSPEC;
	wrong = getaddrinfo(name, NULL, &hints, &found);
	if (wrong)
		errx(1, "%s: %s", name, gai_strerror(wrong));
	getnameinfo(found->ai_addr, found->ai_addrlen, out, INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST);
	freeaddrinfo(found);
}
#else
static void look_up(char out[INET6_ADDRSTRLEN], const char *kind, const char *name)
{
	(void)out;
	(void)kind;
	errx(2, "%s: this one has no libc's resolver", name);
}
#endif

/* ---- the talk ---- */

static void talk(const char *address, const char *port, size_t bytes)
{
	bool mapped = strncmp(port, "mapped,", 7) == 0, udp = *port == 'u';
	char wide[INET6_ADDRSTRLEN + 8];
	static char data[65536];
	struct end to;
	int fd;

	snprintf(wide, sizeof(wide), "%s%s", mapped ? "::ffff:" : "", address);
	to = end_of(wide, (unsigned)atoi(port + (mapped ? 7 : udp)));
	fd = socket(to.name.ss_family, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to.name, to.len) || write(fd, data, bytes) != (ssize_t)bytes)
		err(1, "%s, port %s", wide, port);
	close(fd);
}

int main(int argc, char **argv)
{
	char address[INET6_ADDRSTRLEN] = "", line[16];
	const char *port;

	if (argc != 7)
		errx(2, "usage: asker HOW SERVER TYPE NAME PORT BYTES");
	if (strcmp(argv[1], "flood") == 0)
		snprintf(address, sizeof(address), "%u", flood(argv[2]));
	else if (strcmp(argv[1], "libc") == 0)
		look_up(address, argv[3], argv[4]);
	else
		ask(address, argv[1], argv[2], argv[3], argv[4]);
	printf("{\"address\": \"%s\"}\n", address);
	fflush(stdout);
	port = argv[5];
	if (*port == 'w') {
		port++;
		if (!fgets(line, sizeof(line), stdin))
			return 1;
	}
	if (strcmp(port, "0") != 0)
		talk(address, port, (size_t)atoi(argv[6]));
	return 0;
}
