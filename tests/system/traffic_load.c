/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loads, each with an account of its own as one line of JSON at the end:
 *
 *   spawn COUNT PARALLEL PROGRAM... -- ARGUMENT...  runs the programs in turn, at full speed
 *   flood-send ADDR PORT SECONDS SIZE               datagrams at full speed
 *   pace ADDR PORT RATE SIZE                        RATE datagrams a second until SIGTERM
 *   flood-recv ADDR PORT                            takes them until SIGTERM, and what then is queued
 *   churn ADDR PORT COUNT RATE BYTES                short TCP connections; RATE 0: at full speed
 *   churn-serve ADDR BYTES [PORT]                   answers them until SIGTERM
 *   scatter ADDR PORT PEERS THREADS EACH SIZE       threads that share a socket: EACH datagrams of each, to the
 *                                                   ports from PORT on in turn
 *   pingpong SECONDS SIZE                           one process, two sockets: datagrams to itself
 */
#include "traffic.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static volatile sig_atomic_t asked_to_stop;

static void on_term(int signal)
{
	(void)signal;
	asked_to_stop = 1;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void expect(bool good, const char *usage)
{
	errno = 0;
	if (!good)
		die("usage: traffic %s", usage);
}

static int bound(int type, const char *addr, const char *port)
{
	struct sockaddr_storage name;
	socklen_t len = socket_address(addr, port, &name);
	int fd = (int)must(socket(name.ss_family, type | SOCK_CLOEXEC, 0), "socket"), size = 4 << 20;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	must(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int)), "SO_REUSEPORT");
	must(bind(fd, (struct sockaddr *)&name, len), "bind");
	return fd;
}

static unsigned port_of(int fd)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof name;
	must(getsockname(fd, (struct sockaddr *)&name, &len), "getsockname");
	return ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
	                                        : ((struct sockaddr_in *)&name)->sin_port);
}

/* SIGTERM ends the load; a receive that waits looks up now and then, so that none is slept through. */
static void stop_on_term(int fd)
{
	struct sigaction action = {.sa_handler = on_term};
	struct timeval limit = {.tv_usec = 50000};
	sigaction(SIGTERM, &action, NULL);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

static void wait_until(double moment)
{
	struct timespec t = {.tv_sec = (time_t)moment, .tv_nsec = (long)((moment - (double)(time_t)moment) * 1e9)};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

int load_spawn(int argc, char **argv)
{
	expect(argc > 3, "spawn COUNT PARALLEL PROGRAM... [-- ARGUMENT...]");
	uint64_t count = number(argv[1], 10000000), parallel = number(argv[2], 1024), running = 0, failed = 0;
	char **programs = argv + 3, *args[64] = {NULL};
	size_t n = 0;
	while (programs[n] && strcmp(programs[n], "--"))
		n++;
	for (size_t i = 1; programs[n] && programs[n + i] && i < 63; i++)
		args[i] = programs[n + i];
	double start = now();
	for (uint64_t i = 0; i < count || running;) {
		int status;
		pid_t pid;
		if (i < count && running < parallel) {
			args[0] = programs[i++ % n];
			errno = posix_spawn(&pid, args[0], NULL, NULL, args, environ);
			if (errno)
				die("%s", args[0]);
			running++;
			continue;
		}
		must(wait(&status), "wait");
		failed += status != 0;
		running--;
	}
	printf("{\"runs\": %llu, \"failed\": %llu, \"seconds\": %.3f}\n", (unsigned long long)count,
	       (unsigned long long)failed, now() - start);
	return failed != 0;
}

int load_flood_send(int argc, char **argv)
{
	expect(argc == 5, "flood-send ADDR PORT SECONDS SIZE");
	char data[65536] = "";
	struct sockaddr_storage to;
	socklen_t len = socket_address(argv[1], argv[2], &to);
	double seconds = (double)number(argv[3], 3600), start = now(), end;
	size_t size = number(argv[4], sizeof data);
	int fd = (int)must(socket(to.ss_family, SOCK_DGRAM, 0), "socket");
	uint64_t sent = 0, calls = 0;
	must(connect(fd, (struct sockaddr *)&to, len), "connect");
	do {
		for (int i = 0; i < 64; i++) {
			ssize_t n = send(fd, data, size, 0);
			/* ECONNREFUSED tells of an earlier datagram: this one was not sent. */
			if (n < 0 && errno != ECONNREFUSED && errno != ENOBUFS)
				die("send");
			sent += n > 0 ? (uint64_t)n : 0;
			calls += n >= 0;
		}
		end = now();
	} while (end - start < seconds);
	printf("{\"pid\": %d, \"lport\": %u, \"sent\": %llu, \"calls\": %llu, \"seconds\": %.3f}\n", getpid(), port_of(fd),
	       (unsigned long long)sent, (unsigned long long)calls, end - start);
	return 0;
}

int load_pace(int argc, char **argv)
{
	expect(argc == 5, "pace ADDR PORT RATE SIZE");
	char data[65536] = "";
	struct sockaddr_storage to;
	socklen_t len = socket_address(argv[1], argv[2], &to);
	double rate = (double)number(argv[3], 1000000), start = now();
	size_t size = number(argv[4], sizeof data);
	int fd = (int)must(socket(to.ss_family, SOCK_DGRAM, 0), "socket");
	uint64_t calls = 0;
	must(connect(fd, (struct sockaddr *)&to, len), "connect");
	stop_on_term(fd);
	for (; !asked_to_stop; calls++) {
		wait_until(start + (double)calls / rate);
		must(send(fd, data, size, 0), "send");
	}
	printf("{\"pid\": %d, \"sent\": %llu, \"calls\": %llu}\n", getpid(), (unsigned long long)(calls * size),
	       (unsigned long long)calls);
	return 0;
}

int load_flood_recv(int argc, char **argv)
{
	expect(argc == 3, "flood-recv ADDR PORT");
	char data[65536];
	uint64_t received = 0, calls = 0;
	int fd = bound(SOCK_DGRAM, argv[1], argv[2]);
	stop_on_term(fd);
	printf("{\"port\": %u}\n", port_of(fd));
	fflush(stdout);
	for (;;) {
		ssize_t n = recv(fd, data, sizeof data, asked_to_stop ? MSG_DONTWAIT : 0);
		if (n >= 0) {
			received += (uint64_t)n;
			calls++;
		} else if (errno != EAGAIN && errno != EINTR) {
			die("recv");
		} else if (asked_to_stop && errno == EAGAIN) {
			break;
		}
	}
	printf("{\"pid\": %d, \"received\": %llu, \"calls\": %llu}\n", getpid(), (unsigned long long)received,
	       (unsigned long long)calls);
	return 0;
}

/* Moves `size` bytes one way; false if the connection ended before. */
static bool move(int fd, char *data, size_t size, bool out, uint64_t *account_of)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = out ? send(fd, data, size - done, MSG_NOSIGNAL) : recv(fd, data, size - done, 0);
		if (n <= 0)
			return false;
		done += (size_t)n;
		*account_of += (uint64_t)n;
	}
	return true;
}

int load_churn(int argc, char **argv)
{
	expect(argc == 6, "churn ADDR PORT COUNT RATE BYTES");
	static char data[MAX_CHUNK];
	struct sockaddr_storage to;
	socklen_t len = socket_address(argv[1], argv[2], &to);
	uint64_t count = number(argv[3], 100000000), rate = number(argv[4], 1000000), sent = 0, received = 0;
	size_t size = number(argv[5], sizeof data);
	/* Closed by a reset, or the ports would be used up. All data has been read by then. */
	struct linger reset = {.l_onoff = 1};
	double start = now();
	for (uint64_t i = 0; i < count; i++) {
		if (rate)
			wait_until(start + (double)i / (double)rate);
		int fd = (int)must(socket(to.ss_family, SOCK_STREAM, 0), "socket");
		must(connect(fd, (struct sockaddr *)&to, len), "connect");
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		if (!move(fd, data, size, true, &sent) || !move(fd, data, size, false, &received))
			die("connection %llu", (unsigned long long)i);
		close(fd);
	}
	printf("{\"pid\": %d, \"connections\": %llu, \"sent\": %llu, \"received\": %llu, \"seconds\": %.3f}\n", getpid(),
	       (unsigned long long)count, (unsigned long long)sent, (unsigned long long)received, now() - start);
	return 0;
}

int load_churn_serve(int argc, char **argv)
{
	expect(argc == 3 || argc == 4, "churn-serve ADDR BYTES [PORT]");
	static char data[MAX_CHUNK];
	uint64_t sent = 0, received = 0, connections = 0;
	size_t size = number(argv[2], sizeof data);
	int fd = bound(SOCK_STREAM, argv[1], argc > 3 ? argv[3] : "0");
	stop_on_term(fd);
	must(listen(fd, 4096), "listen");
	printf("{\"port\": %u}\n", port_of(fd));
	fflush(stdout);
	while (!asked_to_stop) {
		int client = accept(fd, NULL, NULL);
		if (client < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			die("accept");
		if (client < 0)
			continue;
		connections += move(client, data, size, false, &received) && move(client, data, size, true, &sent);
		close(client);
	}
	printf("{\"pid\": %d, \"connections\": %llu, \"sent\": %llu, \"received\": %llu}\n", getpid(),
	       (unsigned long long)connections, (unsigned long long)sent, (unsigned long long)received);
	return 0;
}

static struct scatter {
	struct sockaddr_storage to;
	socklen_t len;
	uint64_t port, peers, threads, each;
	size_t size;
	int fd;
	pthread_barrier_t all;
} scatter;

static void *scatter_thread(void *arg)
{
	struct sockaddr_storage to = scatter.to;
	in_port_t *port =
	    to.ss_family == AF_INET6 ? &((struct sockaddr_in6 *)&to)->sin6_port : &((struct sockaddr_in *)&to)->sin_port;
	char data[2048] = "";

	/* All of them live at once. */
	pthread_barrier_wait(&scatter.all);
	for (uint64_t i = 0; i < scatter.each; i++) {
		*port = htons((uint16_t)(scatter.port + ((uintptr_t)arg * scatter.each + i) % scatter.peers));
		must(sendto(scatter.fd, data, scatter.size, 0, (struct sockaddr *)&to, scatter.len), "sendto");
	}
	pthread_barrier_wait(&scatter.all);
	return NULL;
}

int load_scatter(int argc, char **argv)
{
	expect(argc == 7, "scatter ADDR PORT PEERS THREADS EACH SIZE");
	pthread_attr_t attr;
	scatter.len = socket_address(argv[1], argv[2], &scatter.to);
	scatter.port = number(argv[2], 65535);
	scatter.peers = number(argv[3], 65535 - scatter.port);
	scatter.threads = number(argv[4], 10000);
	scatter.each = number(argv[5], 1000000);
	scatter.size = number(argv[6], 2048);
	scatter.fd = (int)must(socket(scatter.to.ss_family, SOCK_DGRAM, 0), "socket");
	pthread_barrier_init(&scatter.all, NULL, (unsigned)scatter.threads);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	pthread_t *threads = calloc(scatter.threads, sizeof *threads);
	for (uintptr_t i = 0; i < scatter.threads; i++) {
		errno = pthread_create(&threads[i], &attr, scatter_thread, (void *)i);
		if (errno)
			die("thread %zu", (size_t)i);
	}
	for (uint64_t i = 0; i < scatter.threads; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	printf("{\"pid\": %d, \"lport\": %u, \"calls\": %llu, \"sent\": %llu}\n", getpid(), port_of(scatter.fd),
	       (unsigned long long)(scatter.threads * scatter.each),
	       (unsigned long long)(scatter.threads * scatter.each * scatter.size));
	return 0;
}

int load_pingpong(int argc, char **argv)
{
	expect(argc == 3, "pingpong SECONDS SIZE");
	char data[65536] = "";
	double seconds = (double)number(argv[1], 3600), start = now(), end;
	size_t size = number(argv[2], sizeof data);
	struct sockaddr_storage name;
	socklen_t len = sizeof name;
	int to = bound(SOCK_DGRAM, "127.0.0.1", "0"), from = bound(SOCK_DGRAM, "127.0.0.1", "0");
	uint64_t rounds = 0;
	must(getsockname(to, (struct sockaddr *)&name, &len), "getsockname");
	must(connect(from, (struct sockaddr *)&name, len), "connect");
	do {
		for (int i = 0; i < 64; i++, rounds++) {
			must(send(from, data, size, 0), "send");
			must(recv(to, data, sizeof data, 0), "recv");
		}
		end = now();
	} while (end - start < seconds);
	printf("{\"rounds\": %llu, \"bytes\": %llu, \"seconds\": %.6f}\n", (unsigned long long)rounds,
	       (unsigned long long)(rounds * size), end - start);
	return 0;
}
