/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/addresses.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"

enum { ADDRESSES_MAX = 4096, ANSWER_SIZE = 32768 };

/* A netlink socket of the namespace; the thread is where it was before, when it returns. */
static int socket_in(uint32_t netns, uint32_t pid)
{
	int own = -1, there = -1, fd;
	struct stat st;
	char path[64];

	if (!pid) {
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
		return fd < 0 ? -errno : fd;
	}
	snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0 || there < 0 || fstat(there, &st)) {
		fd = -errno;
	} else if (st.st_ino != netns) {
		fd = -ESRCH; /* it has gone elsewhere */
	} else if (setns(there, CLONE_NEWNET)) {
		fd = -errno;
	} else {
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
		if (fd < 0)
			fd = -errno;
		if (setns(own, CLONE_NEWNET))
			log_error("a worker cannot return from a network namespace: %s", strerror(errno));
	}
	if (own >= 0)
		close(own);
	if (there >= 0)
		close(there);
	return fd;
}

static void add(struct own_addresses *a, uint32_t netns, struct nlmsghdr *message)
{
	struct ifaddrmsg *info = NLMSG_DATA(message);
	size_t left = message->nlmsg_len - NLMSG_LENGTH(sizeof(*info)), size = info->ifa_family == AF_INET ? 4 : 16;
	struct rtattr *found = NULL;

	if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)
		return;
	/* Of a link to one peer, ADDRESS is that one's. */
	for (struct rtattr *at = IFA_RTA(info); RTA_OK(at, left); at = RTA_NEXT(at, left))
		if (RTA_PAYLOAD(at) == size && (at->rta_type == IFA_LOCAL || (at->rta_type == IFA_ADDRESS && !found)))
			found = at;
	if (!found)
		return;
	if ((a->n & (a->n - 1)) == 0)
		a->list = mem_resize(a->list, (a->n ? 2 * a->n : 1) * sizeof(*a->list));
	a->list[a->n] = (struct own_address){.netns = netns, .addr.family = info->ifa_family};
	memcpy(a->list[a->n++].addr.bytes, RTA_DATA(found), size);
}

int addresses_read(struct own_addresses *a, uint32_t netns, uint32_t pid)
{
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg info;
	} request = {
	    .head = {.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETADDR, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	int fd = socket_in(netns, pid), err = 0;
	size_t before = a->n;
	bool more = true;
	void *answer;

	if (fd < 0)
		return fd;
	answer = mem_alloc(ANSWER_SIZE);
	if (send(fd, &request, sizeof(request), 0) < 0)
		err = -errno;
	while (!err && more) {
		ssize_t n = recv(fd, answer, ANSWER_SIZE, 0);
		size_t left = n > 0 ? (size_t)n : 0;

		if (n <= 0)
			err = n < 0 ? -errno : -EIO;
		for (struct nlmsghdr *m = answer; NLMSG_OK(m, left) && more; m = NLMSG_NEXT(m, left)) {
			if (m->nlmsg_type == NLMSG_ERROR)
				err = -EIO;
			more = m->nlmsg_type != NLMSG_DONE && m->nlmsg_type != NLMSG_ERROR && a->n - before < ADDRESSES_MAX;
			if (m->nlmsg_type == RTM_NEWADDR && m->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)) && more)
				add(a, netns, m);
		}
	}
	if (err)
		a->n = before;
	free(answer);
	close(fd);
	return err;
}

void addresses_done(struct own_addresses *a)
{
	free(a->list);
	*a = (struct own_addresses){0};
}
