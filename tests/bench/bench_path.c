/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a send and its receive cost the program that does them: bench_path KIND SECONDS, with KIND
 *
 *   udp-connected     64 bytes from one socket of loopback to another, send() and recv()
 *   udp-unconnected   the same with sendto() and recvfrom()
 *   tcp               128 KiB down a connection and out of it again
 *
 * Prints nanoseconds a round, of the process's own processor time: others that run here meanwhile
 * change it little, and the kernel's work on loopback is part of it.
 */
#include <err.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 256, SMALL = 64, LARGE = 128 << 10 };

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A socket on a port of loopback. */
static int bound(int type, struct sockaddr_in *name)
{
	socklen_t len = sizeof(*name);
	int fd = socket(AF_INET, type, 0);

	*name = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)name, len) || getsockname(fd, (struct sockaddr *)name, &len))
		err(1, "a socket on loopback");
	return fd;
}

/* Two sockets: what is sent on out arrives on in, from the address `from`. */
static void connect_pair(int type, int *out, int *in, struct sockaddr_in *to, struct sockaddr_in *from)
{
	int size = 4 * LARGE;

	*in = bound(type, to);
	*out = bound(type, from);
	if (type == SOCK_DGRAM)
		return;
	if (listen(*in, 1) || connect(*out, (struct sockaddr *)to, sizeof(*to)) || (*in = accept(*in, NULL, NULL)) < 0 ||
	    setsockopt(*out, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) ||
	    setsockopt(*in, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)))
		err(1, "a connection on loopback");
}

static void stream_round(int out, int in)
{
	static char data[LARGE];
	ssize_t n;

	for (size_t sent = 0, taken = 0; taken < LARGE;) {
		n = sent < LARGE ? send(out, data, LARGE - sent, MSG_DONTWAIT) : 0;
		sent += n > 0 ? (size_t)n : 0;
		n = recv(in, data, LARGE, MSG_DONTWAIT);
		taken += n > 0 ? (size_t)n : 0;
	}
}

static void datagram_round(int out, int in, const struct sockaddr_in *to)
{
	char data[SMALL] = "";
	struct sockaddr_in from;
	socklen_t len = sizeof(from);

	if ((to ? sendto(out, data, SMALL, 0, (const struct sockaddr *)to, sizeof(*to)) : send(out, data, SMALL, 0)) !=
	        SMALL ||
	    (to ? recvfrom(in, data, SMALL, 0, (struct sockaddr *)&from, &len) : recv(in, data, SMALL, 0)) != SMALL)
		err(1, "a datagram");
}

int main(int argc, char **argv)
{
	const char *kind = argc == 3 ? argv[1] : "";
	bool tcp = !strcmp(kind, "tcp"), named = !strcmp(kind, "udp-unconnected");
	struct sockaddr_in to, from;
	uint64_t rounds = 0;
	double end, cpu;
	int out, in;

	if (!tcp && !named && strcmp(kind, "udp-connected") != 0)
		errx(2, "usage: bench_path udp-connected|udp-unconnected|tcp SECONDS");
	connect_pair(tcp ? SOCK_STREAM : SOCK_DGRAM, &out, &in, &to, &from);
	if (!tcp && !named &&
	    (connect(out, (struct sockaddr *)&to, sizeof(to)) || connect(in, (struct sockaddr *)&from, sizeof(from))))
		err(1, "connect");
	end = now(CLOCK_MONOTONIC) + strtod(argv[2], NULL);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	while (now(CLOCK_MONOTONIC) < end) {
		for (int i = 0; i < BATCH; i++, rounds++) {
			if (tcp)
				stream_round(out, in);
			else
				datagram_round(out, in, named ? &to : NULL);
		}
	}
	printf("%.1f\n", (now(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e9 / (double)rounds);
	return 0;
}
