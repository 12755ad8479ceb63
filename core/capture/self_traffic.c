/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/self_traffic.h"

#include <errno.h>
#include <linux/udp.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define PATIENCE_S 30
#define CALL_US 500000

char way_data[16384];

bool way_failed(struct way *w, const char *what)
{
	snprintf(w->moved->why, sizeof(w->moved->why), "%s: %s", what, strerror(errno));
	return false;
}

int way_hold(struct way *w, int fd)
{
	if (fd >= 0)
		w->fds[w->n_fds++] = fd;
	return fd;
}

int way_socket(struct way *w, int family, int type, int protocol)
{
	const struct timeval moment = {.tv_usec = CALL_US};
	int fd = way_hold(w, socket(family, type | SOCK_CLOEXEC, protocol));

	if (fd < 0) {
		way_failed(w, "socket");
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &moment, sizeof(moment));
	return fd;
}

static bool is_mapped(const struct way *w)
{
	return w->path == SELF_TCP_MAPPED || w->path == SELF_UDP_MAPPED;
}

socklen_t way_address(const struct way *w, int end, struct sockaddr_storage *out)
{
	uint16_t port = w->info->ports ? SELF_PORT(w->path, end) : 0;

	memset(out, 0, sizeof(*out));
	if (w->info->family == AF_VSOCK) {
		struct sockaddr_vm *vm = (struct sockaddr_vm *)out;

		*vm = (struct sockaddr_vm){.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL, .svm_port = port};
		return sizeof(*vm);
	}
	if (w->info->family == AF_INET && !is_mapped(w)) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	in6->sin6_addr = in6addr_loopback;
	if (is_mapped(w)) {
		in6->sin6_addr = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
	}
	return sizeof(*in6);
}

int way_bound(struct way *w, int end, int type)
{
	struct sockaddr_storage addr;
	socklen_t len = way_address(w, end, &addr);
	int protocol = w->info->ports ? w->info->protocol : 0;
	int fd = way_socket(w, addr.ss_family, type, protocol);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, len)) {
		way_failed(w, "bind");
		return -1;
	}
	return fd;
}

bool way_sent(struct way *w, ssize_t n, const char *call)
{
	if (n <= 0)
		return way_failed(w, call);
	w->moved->sent += (uint64_t)n;
	return true;
}

bool way_received(struct way *w, ssize_t n, const char *call)
{
	if (n <= 0)
		return way_failed(w, call);
	w->moved->received += (uint64_t)n;
	return true;
}

size_t way_left(const struct way *w)
{
	return w->info->bytes > w->moved->sent ? w->info->bytes - (size_t)w->moved->sent : 0;
}

size_t way_pending(const struct way *w)
{
	return w->moved->sent > w->moved->received ? (size_t)(w->moved->sent - w->moved->received) : 0;
}

/* ---- pairs of sockets ---- */

static int listener(struct way *w)
{
	int fd = way_bound(w, 1, SOCK_STREAM);

	if (fd >= 0 && listen(fd, 1)) {
		way_failed(w, "listen");
		return -1;
	}
	return fd;
}

static bool open_stream(struct way *w)
{
	struct sockaddr_storage to;
	socklen_t len = way_address(w, 1, &to);
	int ear = listener(w);

	w->ends[0] = ear < 0 ? -1 : way_bound(w, 0, SOCK_STREAM);
	if (w->ends[0] < 0)
		return false;
	if (connect(w->ends[0], (struct sockaddr *)&to, len))
		return way_failed(w, "connect");
	w->ends[1] = way_hold(w, accept4(ear, NULL, NULL, SOCK_CLOEXEC));
	return w->ends[1] >= 0 || way_failed(w, "accept");
}

/* The connection is made by the call that sends. */
static bool open_fastopen(struct way *w)
{
	const int queue = 1;

	w->ends[1] = listener(w);
	if (w->ends[1] < 0)
		return false;
	setsockopt(w->ends[1], IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue));
	w->ends[0] = way_bound(w, 0, SOCK_STREAM);
	return w->ends[0] >= 0;
}

static bool receive_fastopen(struct way *w)
{
	w->ends[1] = way_hold(w, accept4(w->ends[1], NULL, NULL, SOCK_CLOEXEC));
	return w->ends[1] >= 0 ? receive_plainly(w) : way_failed(w, "accept");
}

static bool open_zerocopy(struct way *w)
{
	const int on = 1;

	if (!open_stream(w))
		return false;
	return !setsockopt(w->ends[0], SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)) || way_failed(w, "SO_ZEROCOPY");
}

static bool open_tls_stream(struct way *w)
{
	return open_stream(w) && open_tls(w);
}

static bool open_datagrams(struct way *w)
{
	for (int end = 0; end < 2; end++)
		if ((w->ends[end] = way_bound(w, end, SOCK_DGRAM)) < 0)
			return false;
	return true;
}

static bool open_connected(struct way *w)
{
	if (!open_datagrams(w))
		return false;
	for (int end = 0; end < 2; end++) {
		struct sockaddr_storage to;
		socklen_t len = way_address(w, !end, &to);

		if (connect(w->ends[end], (struct sockaddr *)&to, len))
			return way_failed(w, "connect");
	}
	return true;
}

static bool open_segments(struct way *w)
{
	const int size = 700, on = 1;

	if (!open_connected(w))
		return false;
	setsockopt(w->ends[1], IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
	return !setsockopt(w->ends[0], IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) || way_failed(w, "UDP_SEGMENT");
}

/* ---- the paths ---- */

static const struct {
	const char *needs; /* a name in the kernel's list of protocols: asking for a socket would load a module */
	way_step open, send, receive;
} ways[SELF_PATHS] = {
    [SELF_TCP4] = {"TCP", open_stream, send_plainly, receive_plainly},
    [SELF_TCP6] = {"TCPv6", open_stream, send_plainly, receive_plainly},
    [SELF_TCP_MAPPED] = {"TCPv6", open_stream, send_plainly, receive_plainly},
    [SELF_TCP_WRITE] = {"TCP", open_stream, send_write, receive_read},
    [SELF_TCP_MSG] = {"TCPv6", open_stream, send_msg, receive_msg},
    [SELF_TCP_SENDFILE] = {"TCP", open_stream, send_file, receive_plainly},
    [SELF_TCP_SPLICE_OUT] = {"TCPv6", open_stream, send_splice, receive_plainly},
    [SELF_TCP_SPLICE_IN] = {"TCP", open_stream, send_plainly, receive_splice},
    [SELF_TCP_PEEK] = {"TCP", open_stream, send_plainly, receive_peek},
    [SELF_TCP_ZEROCOPY] = {"TCP", open_zerocopy, send_zerocopy, receive_plainly},
    [SELF_TCP_FASTOPEN] = {"TCP", open_fastopen, send_fastopen, receive_fastopen},
    [SELF_TCP_URING] = {"TCP", open_stream, send_uring, receive_uring},
    [SELF_TCP_URING_ZC] = {"TCP", open_stream, send_uring_zc, receive_plainly},
    [SELF_TCP_TLS] = {"TCP", open_tls_stream, send_plainly, receive_plainly},
    [SELF_UDP4] = {"UDP", open_datagrams, send_to, receive_from},
    [SELF_UDP6] = {"UDPv6", open_datagrams, send_to, receive_from},
    [SELF_UDP_MAPPED] = {"UDPv6", open_datagrams, send_to, receive_from},
    [SELF_UDP_CONNECTED4] = {"UDP", open_connected, send_write, receive_read},
    [SELF_UDP_CONNECTED6] = {"UDPv6", open_connected, send_plainly, receive_plainly},
    [SELF_UDP_RECV] = {"UDP", open_datagrams, send_to, receive_plainly},
    [SELF_UDP_MMSG] = {"UDPv6", open_datagrams, send_mmsg, receive_mmsg},
    [SELF_UDP_GSO] = {"UDP", open_segments, send_segments, receive_msg},
    [SELF_UDP_URING] = {"UDP", open_datagrams, send_uring_msg, receive_uring_msg},
    [SELF_UDPLITE] = {"UDP-Lite", open_connected, send_plainly, receive_plainly},
    [SELF_SCTP] = {"SCTP", open_stream, send_plainly, receive_plainly},
    [SELF_MPTCP] = {"MPTCP", open_stream, send_plainly, receive_plainly},
    [SELF_PING4] = {"PING", open_ping, send_ping, receive_from},
    [SELF_PING6] = {"PINGv6", open_ping, send_ping, receive_from},
    [SELF_RAW4] = {"RAW", open_raw, send_to, receive_from},
    [SELF_RAW6] = {"RAWv6", open_raw, send_to, receive_from},
    [SELF_PACKET] = {"PACKET", open_packet, send_packet, receive_from},
    [SELF_PACKET_RING] = {"PACKET", open_ring, send_ring, receive_from},
    [SELF_VSOCK] = {"AF_VSOCK", open_stream, send_plainly, receive_plainly},
    [SELF_TUN] = {NULL, open_tun, send_tun, receive_tun},
};

/* Whether the kernel has a protocol as it is, without loading anything. */
static bool has_protocol(const char *name)
{
	FILE *in = fopen("/proc/self/net/protocols", "re");
	char line[256], first[64];
	bool found = false;

	while (in && !found && fgets(line, sizeof(line), in))
		found = sscanf(line, "%63s", first) == 1 && strcmp(first, name) == 0;
	if (in)
		fclose(in);
	return found;
}

static bool has_ring(enum self_path path)
{
	return ways[path].send == send_uring || ways[path].send == send_uring_zc || ways[path].send == send_uring_msg;
}

static void try(enum self_path path, struct self_moved *moved)
{
	struct way w = {.path = path, .info = &self_paths[path], .moved = moved, .ends = {-1, -1}};

	if (ways[path].needs && !has_protocol(ways[path].needs))
		snprintf(moved->why, sizeof(moved->why), "this kernel does not have it, or has not loaded it");
	else if (ways[path].open(&w) && ways[path].send(&w))
		ways[path].receive(&w);
	while (w.n_fds)
		close(w.fds[--w.n_fds]);
}

static int raise_loopback(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &lo);

	if (fd >= 0)
		close(fd);
	return err;
}

static bool say_hello(void)
{
	struct self_hello hello = {""};
	char word;

	if (unshare(CLONE_NEWNET))
		snprintf(hello.why, sizeof(hello.why), "a network namespace cannot be made: %s", strerror(errno));
	else if (raise_loopback())
		snprintf(hello.why, sizeof(hello.why), "the loopback of a network namespace cannot be used: %s",
		         strerror(errno));
	return send(SELF_FD, &hello, sizeof(hello), MSG_NOSIGNAL) == sizeof(hello) && !*hello.why &&
	       recv(SELF_FD, &word, 1, 0) == 1;
}

int self_traffic_main(int argc, char **argv)
{
	static struct self_moved moved[SELF_PATHS];
	struct stat about;

	(void)argv;
	if (argc > 1 || fstat(SELF_FD, &about) || !S_ISSOCK(about.st_mode)) {
		fprintf(stderr, "self-traffic is for the daemon's own use\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	alarm(PATIENCE_S);
	look_for_tls();
	if (!say_hello())
		return 1;
	/* Those with a ring last: a while after it is closed the kernel interrupts a call that waits. */
	for (int rings = 0; rings < 2; rings++)
		for (enum self_path path = 0; path < SELF_PATHS; path++)
			if (has_ring(path) == rings)
				try(path, &moved[path]);
	return send(SELF_FD, moved, sizeof(moved), MSG_NOSIGNAL) == sizeof(moved) ? 0 : 1;
}
