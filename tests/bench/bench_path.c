/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a send and its receive cost the program that does them: bench_path KIND SECONDS [HOOK]..., with KIND
 *
 *   udp-connected     64 bytes from one socket of loopback to another, send() and recv()
 *   udp-unconnected   the same with sendto() and recvfrom()
 *   tcp               128 KiB down a connection and out of it again
 *
 * A HOOK (tp_btf/sock_send_length, cgroup/sendmsg4, fexit/inet_sendmsg) gets a program that does nothing: what
 * the kernel takes for calling any program there at all.
 *
 * Prints nanoseconds a round, of the process's own processor time, the kernel's work on loopback included. Rounds
 * are timed in slices of a fraction of a millisecond, and the fastest twentieth of the slices is told: those
 * that nobody disturbed.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <mntent.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { SLICE = 128, LARGE_SLICE = 8, SLICES = 1 << 16, SMALL = 64, LARGE = 128 << 10 };

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

static int cgroup_root(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	int fd = -1;

	while (mounts && fd < 0 && (m = getmntent(mounts)))
		if (strcmp(m->mnt_type, "cgroup2") == 0)
			fd = open(m->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mounts)
		endmntent(mounts);
	return fd;
}

/* Attaches an empty program for as long as this process lives. What is attached elsewhere, or not at all, is left
 * out. */
static void attach_empty(const char *hook)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	enum bpf_prog_type type;
	const char *name = strchr(hook, '/');
	bool cgroup = strncmp(hook, "cgroup/", 7) == 0;
	/* return 1; to a cgroup's hook that means yes */
	const struct bpf_insn nothing[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = cgroup},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	int fd, id;

	if (!name || strncmp(hook, "iter/", 5) == 0 || libbpf_prog_type_by_name(hook, &type, &opts.expected_attach_type))
		return;
	if (!cgroup) {
		id = libbpf_find_vmlinux_btf_id(name + 1, opts.expected_attach_type);
		if (id <= 0)
			return;
		opts.attach_btf_id = (__u32)id;
	}
	fd = bpf_prog_load(type, "empty", "GPL", nothing, sizeof(nothing) / sizeof(nothing[0]), &opts);
	if (fd < 0)
		err(1, "an empty program for %s", hook);
	if ((cgroup ? bpf_link_create(fd, cgroup_root(), opts.expected_attach_type, NULL)
	            : bpf_raw_tracepoint_open(NULL, fd)) < 0)
		err(1, "an empty program at %s", hook);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	const char *kind = argc >= 3 ? argv[1] : "";
	bool tcp = !strcmp(kind, "tcp"), named = !strcmp(kind, "udp-unconnected");
	int rounds = tcp ? LARGE_SLICE : SLICE, out, in;
	static double slices[SLICES];
	struct sockaddr_in to, from;
	double end, before;
	size_t n = 0;

	if (!tcp && !named && strcmp(kind, "udp-connected") != 0)
		errx(2, "usage: bench_path udp-connected|udp-unconnected|tcp SECONDS [HOOK]...");
	for (int i = 3; i < argc; i++)
		attach_empty(argv[i]);
	connect_pair(tcp ? SOCK_STREAM : SOCK_DGRAM, &out, &in, &to, &from);
	if (!tcp && !named &&
	    (connect(out, (struct sockaddr *)&to, sizeof(to)) || connect(in, (struct sockaddr *)&from, sizeof(from))))
		err(1, "connect");
	end = now(CLOCK_MONOTONIC) + strtod(argv[2], NULL);
	while (n < SLICES && (n < 20 || now(CLOCK_MONOTONIC) < end)) {
		before = now(CLOCK_PROCESS_CPUTIME_ID);
		for (int i = 0; i < rounds; i++) {
			if (tcp)
				stream_round(out, in);
			else
				datagram_round(out, in, named ? &to : NULL);
		}
		slices[n++] = (now(CLOCK_PROCESS_CPUTIME_ID) - before) * 1e9 / rounds;
	}
	qsort(slices, n, sizeof(slices[0]), by_value);
	printf("%.1f\n", slices[n / 20]);
	return 0;
}
