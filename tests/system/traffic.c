/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Traffic generator: moves an exactly known number of bytes in a given way, and says as one line
 * of JSON how many went where. One process plays one role on one socket:
 *
 *   traffic SOCKET STEP...
 *
 *   SOCKET  KIND-connect,ADDR,PORT   KIND-listen,ADDR,PORT (one connection): KIND is tcp, tfo (fast
 *                                    open), mptcp, sctp, vsock or vsock-seq
 *           KIND,ADDR,PORT           KIND is udp, udplite, sctp (one to many) or vsock-dgram
 *           ping,ADDR                ICMP echo by a datagram socket
 *           raw,ADDR,PROTOCOL        ICMP: echo requests; 255: with an IPv4 header of its own
 *           packet,IFACE,ETHERTYPE[,dgram]   AF_PACKET
 *           tun,NAME,ADDR            makes that device, with that address (IPv4, /24)
 *           tap,NAME                 the same for Ethernet frames, without an address
 *           fd,N   passed,PATH       inherited; taken from a Unix socket at PATH
 *   ADDR    IPv4, IPv6, a vsock's context id, or (in `to`) an interface, whose PORT is an EtherType
 *   STEP    send,METHOD,TOTAL[,CHUNK]      traffic_io.c has the methods
 *           recv,METHOD,TOTAL|eof[,CHUNK]
 *           connect,ADDR,PORT   to,ADDR,PORT (one more peer of an unconnected socket)
 *           segment,N (UDP GSO)   gro   ktls (both sides, before the first byte)
 *           syndata (ends badly unless the peer took data with the SYN)
 *           peek,N   errqueue   recverr   zerocopy   shut
 *           wait (for a line on standard input)
 *           rest,MS (sleeps)
 *           pause (says the port again, waits, and forgets what it counted so far)
 *           thread (the next step is done by another thread)
 *           beside (likewise, while the steps behind it are done: until the end, or the next of these)
 *           fork (the rest is done by a child)   exec,PATH (the rest is done by that program)
 *           pass,PATH (gives the socket to whoever waits at PATH for it, and closes it)
 *
 * Bytes are as the program gives and gets them: a raw IPv4 socket gets the IP header too, frames
 * have theirs, kTLS carries plain text. A socket that others must find first prints {"port": N}.
 * What this kernel does not have ends with status 77. There are loads besides, see main().
 */
#include "traffic.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/vm_sockets.h>
#include <netdb.h>
#include <netinet/udp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void die(const char *format, ...)
{
	int error = errno;
	va_list args;
	fprintf(stderr, "traffic: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, error ? ": %s\n" : "\n", strerror(error));
	exit(1);
}

ssize_t must(ssize_t value, const char *what)
{
	if (value < 0)
		die("%s", what);
	return value;
}

ssize_t have(ssize_t value, const char *what)
{
	static const int absent[] = {EPROTONOSUPPORT, ESOCKTNOSUPPORT, EAFNOSUPPORT,  ENOPROTOOPT, EOPNOTSUPP,
	                             ENOSYS,          ENOENT,          EADDRNOTAVAIL, ENODEV};
	for (size_t i = 0; value < 0 && i < sizeof absent / sizeof *absent; i++) {
		if (errno == absent[i]) {
			fprintf(stderr, "this kernel has no %s: %s\n", what, strerror(errno));
			exit(77);
		}
	}
	return must(value, what);
}

uint64_t number(const char *text, uint64_t max)
{
	char *end;
	errno = 0;
	uint64_t n = text ? strtoull(text, &end, 10) : 0;
	if (!text || errno || !*text || *end || n > max)
		die("'%s' is not a number up to %llu", text ? text : "", (unsigned long long)max);
	return n;
}

void account(struct endpoint *e, const struct sockaddr_storage *peer, socklen_t len, uint64_t sent, uint64_t received)
{
	if (!peer) {
		peer = &e->peer;
		len = e->connected ? e->peer_len : 0;
	}
	if (len && peer->ss_family == AF_PACKET)
		len = 0; /* an interface is nobody */
	pthread_mutex_lock(&e->lock);
	size_t i = 0;
	while (i < e->n_flows && (e->flows[i].len != len || (len && memcmp(&e->flows[i].peer, peer, len))))
		i++;
	if (i == MAX_FLOWS)
		die("more than %d peers", MAX_FLOWS);
	if (i == e->n_flows) {
		e->n_flows++;
		e->flows[i].len = len;
		if (len)
			memcpy(&e->flows[i].peer, peer, len);
	}
	e->flows[i].sent += sent;
	e->flows[i].received += received;
	pthread_mutex_unlock(&e->lock);
}

/* No address and no port: "" and -1. */
static void print_name(const struct endpoint *e, const char *what, const struct sockaddr_storage *name, socklen_t len)
{
	char addr[NI_MAXHOST] = "", port[NI_MAXSERV] = "0";
	if (len && name->ss_family == AF_VSOCK) {
		const struct sockaddr_vm *vm = (const struct sockaddr_vm *)name;
		if (vm->svm_cid != VMADDR_CID_ANY)
			snprintf(addr, sizeof addr, "%u", vm->svm_cid);
		snprintf(port, sizeof port, "%u", vm->svm_port);
	} else if (len && name->ss_family != AF_PACKET)
		getnameinfo((const struct sockaddr *)name, len, addr, sizeof addr, port, sizeof port,
		            NI_NUMERICHOST | NI_NUMERICSERV);
	printf("\"%saddr\": \"%s\", \"%sport\": %s, ", what, addr, what, e->portless ? "-1" : port);
}

static void report(struct endpoint *e)
{
	struct sockaddr_storage local;
	socklen_t len = sizeof local;
	if (getsockname(e->fd, (struct sockaddr *)&local, &len) < 0)
		len = 0;
	printf("{\"pid\": %d, \"flows\": [", getpid());
	for (size_t i = 0; i < e->n_flows; i++) {
		printf("%s{", i ? ", " : "");
		print_name(e, "l", &local, len);
		print_name(e, "r", &e->flows[i].peer, e->flows[i].len);
		printf("\"sent\": %llu, \"received\": %llu}", (unsigned long long)e->flows[i].sent,
		       (unsigned long long)e->flows[i].received);
	}
	printf("]}\n");
	fflush(stdout);
}

size_t split(const char *text, char **words, size_t n)
{
	size_t count = 0;
	char *copy = strdup(text);
	if (!copy)
		die("memory");
	memset(words, 0, n * sizeof *words);
	for (char *save, *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (count == n)
			fail("too many words in a step");
		words[count++] = word;
	}
	return count;
}

static void set(struct endpoint *e, int level, int option, int value)
{
	must(setsockopt(e->fd, level, option, &value, sizeof value), "setsockopt");
}

static void wait_for_line(void)
{
	must(read(STDIN_FILENO, &(char){0}, 1), "standard input");
}

/* A step that any thread may do. */
static void step(struct endpoint *e, const char *text)
{
	char *w[4];
	size_t n = split(text, w, 4);
	if (!n)
		fail("an empty step");
	if (!strcmp(w[0], "send")) {
		io_send(e, w[1], number(w[2], UINT64_MAX), w[3] ? number(w[3], MAX_CHUNK) : 16384);
	} else if (!strcmp(w[0], "recv")) {
		uint64_t total = w[2] && !strcmp(w[2], "eof") ? UINT64_MAX : number(w[2], UINT64_MAX);
		io_recv(e, w[1], total, w[3] ? number(w[3], MAX_CHUNK) : 16384);
	} else if (!strcmp(w[0], "connect")) {
		/* getpeername() knows nothing where there are no ports. */
		e->peer_len = socket_address(w[1], w[2], &e->peer);
		must(connect(e->fd, (struct sockaddr *)&e->peer, e->peer_len), "connect");
		e->connected = true;
	} else if (!strcmp(w[0], "to") && e->n_to < MAX_FLOWS) {
		e->to_len[e->n_to] = socket_address(w[1], w[2], &e->to[e->n_to]);
		e->n_to++;
	} else if (!strcmp(w[0], "peek")) {
		io_peek(e, number(w[1], MAX_CHUNK));
	} else if (!strcmp(w[0], "errqueue")) {
		io_errqueue(e);
	} else if (!strcmp(w[0], "recverr")) {
		set(e, SOL_IP, IP_RECVERR, 1);
	} else if (!strcmp(w[0], "zerocopy")) {
		set(e, SOL_SOCKET, SO_ZEROCOPY, 1);
	} else if (!strcmp(w[0], "shut")) {
		must(shutdown(e->fd, SHUT_WR), "shutdown");
	} else if (!strcmp(w[0], "wait")) {
		wait_for_line();
	} else if (!strcmp(w[0], "pause")) {
		socket_say_port(e->fd);
		wait_for_line();
		memset(e->flows, 0, sizeof e->flows);
		e->n_flows = 0;
	} else if (!strcmp(w[0], "rest")) {
		usleep((unsigned)number(w[1], 1000) * 1000);
	} else if (!strcmp(w[0], "segment")) {
		set(e, SOL_UDP, UDP_SEGMENT, (int)number(w[1], 65535));
	} else if (!strcmp(w[0], "gro")) {
		set(e, SOL_UDP, UDP_GRO, 1);
	} else if (!strcmp(w[0], "ktls")) {
		socket_ktls(e);
	} else if (!strcmp(w[0], "syndata")) {
		socket_expect_syn_data(e);
	} else if (!strcmp(w[0], "pass")) {
		socket_pass(e, w[1]);
	} else
		fail("'%s' is not a step", w[0]);
}

struct errand {
	struct endpoint *endpoint;
	const char *text;
};

static void *errand_run(void *arg)
{
	struct errand *errand = arg;
	step(errand->endpoint, errand->text);
	return NULL;
}

static struct {
	struct errand errand;
	pthread_t thread;
	bool busy;
} beside;

/* Waits for the step that is done beside the others, if there is one. */
static void beside_end(void)
{
	if (beside.busy && pthread_join(beside.thread, NULL))
		die("thread");
	beside.busy = false;
}

static void beside_start(struct endpoint *e, const char *text)
{
	beside_end();
	beside.errand = (struct errand){e, text};
	if (pthread_create(&beside.thread, NULL, errand_run, &beside.errand))
		die("thread");
	beside.busy = true;
}

/* Gives its socket to another program, which does the steps that are left. */
static void hand_over(struct endpoint *e, char *path, char **steps)
{
	char spec[32];
	char *argv[64] = {path, spec};
	size_t n = 2;
	snprintf(spec, sizeof spec, "fd,%d", e->fd);
	while (*steps && n < 63)
		argv[n++] = *steps++;
	report(e);
	execv(path, argv);
	die("%s", path);
}

static int play(int argc, char **argv)
{
	struct endpoint e = {0};
	socket_open(&e, argv[1]);
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "fork")) {
			pid_t child = (pid_t)must(fork(), "fork");
			int status;
			if (!child)
				continue;
			close(e.fd);
			must(waitpid(child, &status, 0), "waitpid");
			return status != 0;
		}
		if (!strncmp(argv[i], "exec,", 5))
			hand_over(&e, argv[i] + 5, argv + i + 1);
		if (!strcmp(argv[i], "beside") && i + 1 < argc) {
			beside_start(&e, argv[++i]);
			continue;
		}
		if (!strcmp(argv[i], "thread") && i + 1 < argc) {
			pthread_t thread;
			struct errand errand = {&e, argv[++i]};
			if (pthread_create(&thread, NULL, errand_run, &errand) || pthread_join(thread, NULL))
				die("thread");
			continue;
		}
		step(&e, argv[i]);
	}
	beside_end();
	report(&e);
	if (e.fd >= 0)
		close(e.fd);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} loads[] = {
	    {"spawn", load_spawn},
	    {"flood-send", load_flood_send},
	    {"flood-recv", load_flood_recv},
	    {"churn", load_churn},
	    {"churn-serve", load_churn_serve},
	    {"pingpong", load_pingpong},
	    {"scatter", load_scatter},
	    {"pace", load_pace},
	};
	errno = 0;
	if (argc < 2)
		die("usage: traffic SOCKET STEP... | LOAD ARGUMENT... (see the top of traffic.c)");
	for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
		if (!strcmp(argv[1], loads[i].name))
			return loads[i].run(argc - 1, argv + 1);
	return play(argc, argv);
}
