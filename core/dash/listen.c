/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"

enum { BACKLOG = 64 };

static unsigned port_of(const struct sockaddr_storage *a)
{
	return ntohs(a->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port
	                                      : ((const struct sockaddr_in *)a)->sin_port);
}

char *listen_name(char out[64], int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	out[0] = 0;
	if (getsockname(fd, (struct sockaddr *)&a, &len) == 0 &&
	    getnameinfo((struct sockaddr *)&a, len, out, 64, NULL, 0, NI_NUMERICHOST) != 0)
		out[0] = 0;
	out[strcspn(out, "%")] = 0;
	if (strncmp(out, "::ffff:", 7) == 0)
		memmove(out, out + 7, strlen(out + 7) + 1);
	return out;
}

/* Whether an address is this machine's alone. */
static bool is_loopback(const char *address)
{
	struct in_addr four;

	return strcmp(address, "::1") == 0 ||
	       (inet_pton(AF_INET, address, &four) == 1 && ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET);
}

/* A descriptor, or -errno. */
static int listen_one(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* Else :: would take the port of 0.0.0.0. */
	if (a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static void take(struct listeners *l, int fd)
{
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);

	if (getsockname(fd, (struct sockaddr *)&own, &len) == 0)
		l->port = port_of(&own);
	listen_name(l->names[l->n], fd);
	l->loopback = l->loopback && is_loopback(l->names[l->n]);
	l->fds[l->n++] = fd;
}

int listen_at(struct listeners *l, const char *host, unsigned port)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *list;
	size_t len = strlen(host);
	char name[256];
	int err, worst = 0;

	*l = (struct listeners){.port = port, .loopback = true};
	/* As in an address bar. */
	if (len > 2 && len < sizeof(name) && host[0] == '[' && host[len - 1] == ']')
		snprintf(name, sizeof(name), "%.*s", (int)len - 2, host + 1);
	else
		snprintf(name, sizeof(name), "%s", host);
	err = getaddrinfo(name, NULL, &hints, &list);
	if (err) {
		log_error("%s: %s", host, gai_strerror(err));
		return -ENOENT;
	}
	for (const struct addrinfo *a = list; a && l->n < DASH_LISTENERS_MAX; a = a->ai_next) {
		int fd;

		if (a->ai_family == AF_INET6)
			((struct sockaddr_in6 *)a->ai_addr)->sin6_port = htons((uint16_t)l->port);
		else if (a->ai_family == AF_INET)
			((struct sockaddr_in *)a->ai_addr)->sin_port = htons((uint16_t)l->port);
		else
			continue;
		fd = listen_one(a);
		if (fd >= 0)
			take(l, fd);
		/* A machine without IPv6 has ::1 in its hosts all the same. */
		else if (fd != -EADDRNOTAVAIL && fd != -EAFNOSUPPORT)
			worst = fd;
	}
	freeaddrinfo(list);
	if (l->n && !worst)
		return 0;
	log_error("cannot listen at %s, port %u: %s", host, l->port, strerror(worst ? -worst : EADDRNOTAVAIL));
	while (l->n)
		close(l->fds[--l->n]);
	return worst ? worst : -EADDRNOTAVAIL;
}
