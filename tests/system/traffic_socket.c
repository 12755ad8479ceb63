/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kinds of sockets, and what is set on them. */
#include "traffic.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/tls.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static const struct kind {
	const char *name;
	int type, protocol;
} connections[] =
    {
        {"tcp", SOCK_STREAM, 0},
        {"tfo", SOCK_STREAM, 0},
        {"mptcp", SOCK_STREAM, IPPROTO_MPTCP},
        {"sctp", SOCK_STREAM, IPPROTO_SCTP},
        {"vsock", SOCK_STREAM, 0},
        {"vsock-seq", SOCK_SEQPACKET, 0},
},
  datagrams[] = {
      {"udp", SOCK_DGRAM, 0},
      {"udplite", SOCK_DGRAM, IPPROTO_UDPLITE},
      {"sctp", SOCK_SEQPACKET, IPPROTO_SCTP},
      {"vsock-dgram", SOCK_DGRAM, 0},
};

socklen_t socket_address(const char *addr, const char *port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	struct sockaddr_vm *vm = (struct sockaddr_vm *)out;
	struct sockaddr_ll *ll = (struct sockaddr_ll *)out;

	memset(out, 0, sizeof *out);
	if (!addr)
		fail("an address is missing");
	if (inet_pton(AF_INET, addr, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)number(port, 65535));
		return sizeof *v4;
	}
	if (inet_pton(AF_INET6, addr, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)number(port, 65535));
		return sizeof *v6;
	}
	if (*addr && strspn(addr, "0123456789") == strlen(addr)) {
		vm->svm_family = AF_VSOCK;
		vm->svm_cid = (unsigned)number(addr, UINT32_MAX);
		vm->svm_port = (unsigned)number(port, UINT32_MAX);
		return sizeof *vm;
	}
	if (if_nametoindex(addr)) {
		ll->sll_family = AF_PACKET;
		ll->sll_ifindex = (int)if_nametoindex(addr);
		ll->sll_protocol = htons((uint16_t)number(port, 65535));
		ll->sll_halen = 6;
		memset(ll->sll_addr, 0xff, 6);
		return sizeof *ll;
	}
	fail("'%s' is not an address", addr);
}

void socket_say_port(int fd)
{
	struct sockaddr_storage local = {0};
	socklen_t len = sizeof local;
	unsigned port = 0;
	getsockname(fd, (struct sockaddr *)&local, &len);
	if (local.ss_family == AF_INET6)
		port = ntohs(((struct sockaddr_in6 *)&local)->sin6_port);
	else if (local.ss_family == AF_INET)
		port = ntohs(((struct sockaddr_in *)&local)->sin_port);
	else if (local.ss_family == AF_VSOCK)
		port = ((struct sockaddr_vm *)&local)->svm_port;
	printf("{\"port\": %u}\n", port);
	fflush(stdout);
}

void socket_learn_peer(struct endpoint *e)
{
	e->peer_len = sizeof e->peer;
	e->connected = getpeername(e->fd, (struct sockaddr *)&e->peer, &e->peer_len) == 0;
}

static void set(int fd, int level, int option, int value, const char *what)
{
	have(setsockopt(fd, level, option, &value, sizeof value), what);
}

static void bind_to(int fd, struct sockaddr_storage *name, socklen_t len)
{
	struct sockaddr_vm *vm = (struct sockaddr_vm *)name;
	if (name->ss_family != AF_VSOCK) {
		must(bind(fd, (struct sockaddr *)name, len), "bind");
		return;
	}
	if (!vm->svm_port)
		vm->svm_port = VMADDR_PORT_ANY;
	have(bind(fd, (struct sockaddr *)name, len), "vsock with that context id");
}

static void open_connection(struct endpoint *e, const struct kind *kind, bool listens, char **w)
{
	struct sockaddr_storage name;
	socklen_t len = socket_address(w[1], w[2], &name);
	bool fast = !strcmp(kind->name, "tfo");

	e->type = kind->type;
	e->fd = (int)have(socket(name.ss_family, kind->type, kind->protocol), kind->name);
	if (!listens) {
		if (fast)
			set(e->fd, SOL_TCP, TCP_FASTOPEN_CONNECT, 1, "TCP_FASTOPEN_CONNECT");
		must(connect(e->fd, (struct sockaddr *)&name, len), "connect");
	} else {
		bind_to(e->fd, &name, len);
		if (fast)
			set(e->fd, SOL_TCP, TCP_FASTOPEN, 16, "TCP_FASTOPEN");
		must(listen(e->fd, 16), "listen");
		socket_say_port(e->fd);
		int fd = (int)must(accept(e->fd, NULL, NULL), "accept");
		close(e->fd);
		e->fd = fd;
	}
	socket_learn_peer(e);
	if (!listens && fast) {
		/* It connects with the first bytes that are sent. */
		e->peer = name;
		e->peer_len = len;
		e->connected = true;
	}
}

static void open_datagrams(struct endpoint *e, const struct kind *kind, char **w)
{
	struct sockaddr_storage name;
	socklen_t len = socket_address(w[1], w[2] ? w[2] : "0", &name);
	e->type = kind->type;
	e->fd = (int)have(socket(name.ss_family, kind->type, kind->protocol), kind->name);
	setsockopt(e->fd, SOL_SOCKET, SO_RCVBUF, &(int){4 << 20}, sizeof(int));
	bind_to(e->fd, &name, len);
	if (kind->type == SOCK_SEQPACKET)
		must(listen(e->fd, 16), "listen");
	socket_say_port(e->fd);
}

/* ping,ADDR and raw,ADDR,PROTOCOL */
static void open_ip(struct endpoint *e, char **w)
{
	bool raw = !strcmp(w[0], "raw");
	struct kind kind = {.name = w[0], .type = raw ? SOCK_RAW : SOCK_DGRAM};
	int echo = w[1] && strchr(w[1], ':') ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

	kind.protocol = raw ? (int)number(w[2], 255) : echo;
	if (kind.protocol == echo)
		e->dress = frame_echo;
	else if (kind.protocol == IPPROTO_RAW)
		e->dress = frame_ip;
	e->portless = raw;
	w[2] = NULL;
	open_datagrams(e, &kind, w);
}

/* packet,IFACE,ETHERTYPE[,dgram] */
static void open_packet(struct endpoint *e, char **w)
{
	struct kind kind = {.name = "AF_PACKET", .type = w[3] ? SOCK_DGRAM : SOCK_RAW};

	e->portless = true;
	e->ethertype = (uint16_t)number(w[2], 65535);
	if (!w[3])
		e->dress = frame_ethernet;
	open_datagrams(e, &kind, w);
}

/* Takes a socket that another program passes. */
static void open_passed(struct endpoint *e, const char *path)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int ear = (int)must(socket(AF_UNIX, SOCK_STREAM, 0), "socket");

	strncpy(name.sun_path, path, sizeof name.sun_path - 1);
	must(bind(ear, (struct sockaddr *)&name, sizeof name), path);
	must(listen(ear, 1), "listen");
	socket_say_port(ear);
	int fd = (int)must(accept(ear, NULL, NULL), "accept");
	must(recvmsg(fd, &msg, 0), "recvmsg");
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		fail("no socket was passed");
	memcpy(&e->fd, CMSG_DATA(header), sizeof(int));
	close(fd);
	close(ear);
}

void socket_pass(struct endpoint *e, const char *path)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {(char[1]){0}, 1};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = (int)must(socket(AF_UNIX, SOCK_STREAM, 0), "socket");

	if (!path)
		fail("pass to whom?");
	strncpy(name.sun_path, path, sizeof name.sun_path - 1);
	must(connect(fd, (struct sockaddr *)&name, sizeof name), path);
	control.header =
	    (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
	memcpy(CMSG_DATA(&control.header), &e->fd, sizeof fd);
	must(sendmsg(fd, &msg, 0), "sendmsg");
	close(fd);
	/* What is said of it at the end needs its name: it is closed then. */
}

static void adopt(struct endpoint *e)
{
	socklen_t len = sizeof e->type;
	must(getsockopt(e->fd, SOL_SOCKET, SO_TYPE, &e->type, &len), "getsockopt");
	socket_learn_peer(e);
}

void socket_open(struct endpoint *e, const char *spec)
{
	char *w[4];
	split(spec, w, 4);
	pthread_mutex_init(&e->lock, NULL);
	e->fd = -1;
	for (size_t i = 0; i < sizeof connections / sizeof *connections; i++) {
		size_t len = strlen(connections[i].name);
		const char *rest = w[0] + len;
		if (!strncmp(w[0], connections[i].name, len) && (!strcmp(rest, "-connect") || !strcmp(rest, "-listen")))
			open_connection(e, &connections[i], !strcmp(rest, "-listen"), w);
	}
	for (size_t i = 0; i < sizeof datagrams / sizeof *datagrams; i++)
		if (!strcmp(w[0], datagrams[i].name))
			open_datagrams(e, &datagrams[i], w);
	if (!strcmp(w[0], "tcp")) {
		e->type = SOCK_STREAM;
		e->fd = (int)must(socket(w[1] && strchr(w[1], ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0), "socket");
	} else if (!strcmp(w[0], "ping") || !strcmp(w[0], "raw")) {
		open_ip(e, w);
	} else if (!strcmp(w[0], "packet")) {
		open_packet(e, w);
	} else if (!strcmp(w[0], "tun") || !strcmp(w[0], "tap")) {
		tun_open(e, w[0], w[1], w[2]);
	} else if (!strcmp(w[0], "fd")) {
		e->fd = (int)number(w[1], 1023);
		adopt(e);
	} else if (!strcmp(w[0], "passed")) {
		open_passed(e, w[1]);
		adopt(e);
	}
	if (e->fd < 0)
		fail("'%s' is not a kind of socket", w[0]);
	/* Nothing waits for ever: a test that went wrong must end. */
	struct timeval limit = {.tv_sec = 120};
	setsockopt(e->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

void socket_ktls(struct endpoint *e)
{
	/* Both ends have the same key in both directions: nothing is kept secret here. */
	struct tls12_crypto_info_aes_gcm_128 crypto = {
	    .info = {.version = TLS_1_2_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128},
	    .key = "traffic traffic",
	    .salt = "tra",
	    .iv = "traffic"};
	have(setsockopt(e->fd, SOL_TCP, TCP_ULP, "tls", 3), "TLS");
	have(setsockopt(e->fd, SOL_TLS, TLS_TX, &crypto, sizeof crypto), "TLS_TX");
	have(setsockopt(e->fd, SOL_TLS, TLS_RX, &crypto, sizeof crypto), "TLS_RX");
}

void socket_expect_syn_data(struct endpoint *e)
{
	struct tcp_info info;
	socklen_t len = sizeof info;
	must(getsockopt(e->fd, SOL_TCP, TCP_INFO, &info, &len), "TCP_INFO");
	if (!(info.tcpi_options & TCPI_OPT_SYN_DATA))
		fail("no data went with the SYN");
}
