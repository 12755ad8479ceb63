/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is sent with headers of its own, and the ways that only frames have: tun, tap, PACKET_TX_RING. */
#include "traffic.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPERIMENTAL 253 /* a protocol and, with tun, a UDP port that nobody has */
#define RING_FRAMES 8

enum { TX_DATA = TPACKET_ALIGN(sizeof(struct tpacket2_hdr)) };

static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void need(size_t len, size_t least)
{
	if (len < least)
		fail("%zu bytes are too few for the headers", len);
}

void frame_echo(const struct endpoint *e, char *data, size_t len)
{
	struct icmphdr head = {0};
	int domain;
	socklen_t size = sizeof domain;
	must(getsockopt(e->fd, SOL_SOCKET, SO_DOMAIN, &domain, &size), "SO_DOMAIN");
	need(len, sizeof head);
	head.type = domain == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	memcpy(data, &head, sizeof head);
	head.checksum = checksum(data, len);
	memcpy(data, &head, sizeof head);
}

void frame_ethernet(const struct endpoint *e, char *data, size_t len)
{
	uint16_t type = htons(e->ethertype);
	need(len, 14);
	memset(data, 0xff, 6);
	memset(data + 6, 2, 6);
	memcpy(data + 12, &type, 2);
}

/* To the first peer, or into a tun device: a UDP datagram from its neighbour to its own address. */
void frame_ip(const struct endpoint *e, char *data, size_t len)
{
	struct iphdr head = {.version = 4, .ihl = 5, .ttl = 64, .protocol = EXPERIMENTAL, .tot_len = htons((uint16_t)len)};
	struct udphdr udp = {.source = htons(EXPERIMENTAL), .dest = htons(EXPERIMENTAL)};
	need(len, sizeof head + sizeof udp);
	if (e->of_tun.s_addr) {
		head.protocol = IPPROTO_UDP;
		head.daddr = e->of_tun.s_addr;
		head.saddr = e->of_tun.s_addr ^ htonl(3);
	} else if (e->n_to) {
		head.daddr = ((const struct sockaddr_in *)&e->to[0])->sin_addr.s_addr;
		head.saddr = htonl(INADDR_LOOPBACK);
	}
	head.check = checksum(&head, sizeof head);
	udp.len = htons((uint16_t)(len - sizeof head));
	memcpy(data, &head, sizeof head);
	memcpy(data + sizeof head, &udp, sizeof udp);
}

static void give_address(int fd, struct ifreq *request, const char *addr, struct in_addr *out)
{
	struct sockaddr_in name = {.sin_family = AF_INET};
	if (inet_pton(AF_INET, addr, &name.sin_addr) != 1)
		fail("'%s' is not an IPv4 address", addr);
	*out = name.sin_addr;
	memcpy(&request->ifr_addr, &name, sizeof name);
	must(ioctl(fd, SIOCSIFADDR, request), "SIOCSIFADDR");
	name.sin_addr.s_addr = htonl(0xffffff00);
	memcpy(&request->ifr_netmask, &name, sizeof name);
	must(ioctl(fd, SIOCSIFNETMASK, request), "SIOCSIFNETMASK");
}

void tun_open(struct endpoint *e, const char *kind, const char *name, const char *addr)
{
	struct ifreq request = {0};
	bool tap = !strcmp(kind, "tap");
	int fd = (int)must(socket(AF_INET, SOCK_DGRAM, 0), "socket");

	if (!name)
		fail("%s: a name is missing", kind);
	e->fd = (int)have(open("/dev/net/tun", O_RDWR | O_CLOEXEC), "/dev/net/tun");
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	request.ifr_flags = (short)((tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI);
	must(ioctl(e->fd, TUNSETIFF, &request), "TUNSETIFF");
	if (addr)
		give_address(fd, &request, addr, &e->of_tun);
	must(ioctl(fd, SIOCGIFFLAGS, &request), "SIOCGIFFLAGS");
	request.ifr_flags |= IFF_UP;
	must(ioctl(fd, SIOCSIFFLAGS, &request), "SIOCSIFFLAGS");
	close(fd);
	e->type = SOCK_DGRAM;
	e->portless = true;
	e->ethertype = 0x88b5; /* for experiments */
	e->dress = tap ? frame_ethernet : frame_ip;
	alarm(120); /* it has no time limit of its own */
	socket_say_port(e->fd);
}

struct tx_ring {
	char *map;
	size_t frame;
	unsigned next;
};

struct tx_ring *tx_ring_open(struct endpoint *e, size_t chunk)
{
	struct tx_ring *r = calloc(1, sizeof *r);
	int version = TPACKET_V2;
	if (!r)
		die("memory");
	for (r->frame = 4096; r->frame < chunk + 512; r->frame *= 2)
		;
	struct tpacket_req request = {.tp_block_size = (unsigned)r->frame,
	                              .tp_block_nr = RING_FRAMES,
	                              .tp_frame_size = (unsigned)r->frame,
	                              .tp_frame_nr = RING_FRAMES};
	must(setsockopt(e->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version), "PACKET_VERSION");
	must(setsockopt(e->fd, SOL_PACKET, PACKET_TX_RING, &request, sizeof request), "PACKET_TX_RING");
	r->map = mmap(NULL, r->frame * RING_FRAMES, PROT_READ | PROT_WRITE, MAP_SHARED, e->fd, 0);
	if (r->map == MAP_FAILED)
		die("mmap of the ring");
	return r;
}

ssize_t tx_ring_send(struct tx_ring *r, struct endpoint *e, uint64_t total, size_t chunk)
{
	for (unsigned i = 0; i < RING_FRAMES && total; i++, r->next = (r->next + 1) % RING_FRAMES) {
		struct tpacket2_hdr *head = (void *)(r->map + r->next * r->frame);
		char *data = (char *)head + TX_DATA;
		if (__atomic_load_n(&head->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_AVAILABLE)
			break;
		head->tp_len = (uint32_t)(total < chunk ? total : chunk);
		memset(data, 'x', head->tp_len);
		if (e->dress)
			e->dress(e, data, head->tp_len);
		total -= head->tp_len;
		__atomic_store_n(&head->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	}
	return send(e->fd, NULL, 0, 0);
}

void tx_ring_close(struct tx_ring *r)
{
	munmap(r->map, r->frame * RING_FRAMES);
	free(r);
}
