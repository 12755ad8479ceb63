/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths beside TCP and UDP. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/tls.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/capture/self_traffic.h"

#define TUN_NAME "selftest0"

/* ---- ICMP and raw sockets: one socket hears what it says ---- */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n > 0;
}

bool open_ping(struct way *w)
{
	bool v6 = w->info->family == AF_INET6;
	struct sockaddr_storage own;
	socklen_t len;

	/* In a new network namespace nobody may have such a socket. */
	if (!write_file("/proc/sys/net/ipv4/ping_group_range", "0 0"))
		return way_failed(w, "ping_group_range");
	w->ends[0] = w->ends[1] = way_socket(w, w->info->family, SOCK_DGRAM, w->info->protocol);
	if (w->ends[0] < 0)
		return false;
	len = way_address(w, 0, &own);
	if (v6)
		((struct sockaddr_in6 *)&own)->sin6_port = htons(SELF_PING_ID);
	else
		((struct sockaddr_in *)&own)->sin_port = htons(SELF_PING_ID);
	return !bind(w->ends[0], (struct sockaddr *)&own, len) || way_failed(w, "bind");
}

bool send_ping(struct way *w)
{
	memset(way_data, 0, sizeof(struct icmphdr));
	way_data[0] = (char)(w->info->family == AF_INET6 ? 128 : ICMP_ECHO);
	return send_to(w);
}

bool open_raw(struct way *w)
{
	w->ends[0] = w->ends[1] = way_socket(w, w->info->family, SOCK_RAW, w->info->protocol);
	return w->ends[0] >= 0;
}

/* ---- AF_PACKET, on the loopback ---- */

static struct sockaddr_ll link_address(const struct way *w)
{
	return (struct sockaddr_ll){.sll_family = AF_PACKET,
	                            .sll_protocol = htons(w->info->protocol),
	                            .sll_ifindex = (int)if_nametoindex("lo"),
	                            .sll_halen = 6};
}

bool open_packet(struct way *w)
{
	struct sockaddr_ll lo = link_address(w);

	for (int end = 0; end < 2; end++) {
		w->ends[end] = way_socket(w, AF_PACKET, SOCK_DGRAM, htons(w->info->protocol));
		if (w->ends[end] < 0)
			return false;
	}
	return !bind(w->ends[1], (struct sockaddr *)&lo, sizeof(lo)) || way_failed(w, "bind");
}

bool send_packet(struct way *w)
{
	struct sockaddr_ll lo = link_address(w);

	return way_sent(w, sendto(w->ends[0], way_data, way_left(w), 0, (struct sockaddr *)&lo, sizeof(lo)), "sendto");
}

static const struct tpacket_req ring = {
    .tp_block_size = 4096, .tp_block_nr = 1, .tp_frame_size = 2048, .tp_frame_nr = 2};

bool open_ring(struct way *w)
{
	const int version = TPACKET_V2;

	if (!open_packet(w))
		return false;
	if (setsockopt(w->ends[0], SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(w->ends[0], SOL_PACKET, PACKET_TX_RING, &ring, sizeof(ring)))
		return way_failed(w, "PACKET_TX_RING");
	return true;
}

bool send_ring(struct way *w)
{
	size_t size = ring.tp_block_size * ring.tp_block_nr;
	void *frames = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, w->ends[0], 0);
	struct sockaddr_ll lo = link_address(w);
	struct tpacket2_hdr *first = frames;
	bool done;

	if (frames == MAP_FAILED)
		return way_failed(w, "mmap");
	first->tp_len = (uint32_t)way_left(w);
	__atomic_store_n(&first->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	done = way_sent(w, sendto(w->ends[0], NULL, 0, 0, (struct sockaddr *)&lo, sizeof(lo)), "sendto");
	munmap(frames, size);
	return done;
}

/* ---- a tun device: a datagram that is routed to it is read from it, and written back ---- */

static bool has_tun(void)
{
	FILE *in = fopen("/proc/misc", "re");
	char name[64] = "";
	bool found = false;

	while (in && !found && fscanf(in, "%*u %63s", name) == 1)
		found = strcmp(name, "tun") == 0;
	if (in)
		fclose(in);
	return found;
}

static bool raise_tun(struct way *w, int fd)
{
	struct ifreq request = {.ifr_name = TUN_NAME};
	struct sockaddr_in *address = (struct sockaddr_in *)&request.ifr_addr;

	address->sin_family = AF_INET;
	address->sin_addr.s_addr = inet_addr("192.0.2.1");
	if (ioctl(fd, SIOCSIFADDR, &request))
		return way_failed(w, "SIOCSIFADDR");
	address->sin_addr.s_addr = inet_addr("192.0.2.2");
	if (ioctl(fd, SIOCSIFDSTADDR, &request))
		return way_failed(w, "SIOCSIFDSTADDR");
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	return !ioctl(fd, SIOCSIFFLAGS, &request) || way_failed(w, "SIOCSIFFLAGS");
}

bool open_tun(struct way *w)
{
	struct ifreq request = {.ifr_name = TUN_NAME, .ifr_flags = IFF_TUN | IFF_NO_PI};

	if (!has_tun()) {
		errno = ENODEV;
		return way_failed(w, "tun");
	}
	w->ends[0] = w->ends[1] = way_hold(w, open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
	if (w->ends[0] < 0)
		return way_failed(w, "/dev/net/tun");
	if (ioctl(w->ends[0], TUNSETIFF, &request))
		return way_failed(w, "TUNSETIFF");
	return true;
}

bool send_tun(struct way *w)
{
	struct sockaddr_in far = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = inet_addr("192.0.2.2")};
	size_t payload = w->info->bytes - sizeof(struct ip) - 8;
	int fd = way_socket(w, AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || !raise_tun(w, fd))
		return false;
	if (sendto(fd, way_data, payload, 0, (struct sockaddr *)&far, sizeof(far)) != (ssize_t)payload)
		return way_failed(w, "sendto");
	return true;
}

bool receive_tun(struct way *w)
{
	ssize_t n;

	/* What is read is not counted, and the kernel's own first words on a new device come too. */
	do {
		n = read(w->ends[1], way_data, sizeof(way_data));
		if (n <= 0)
			return way_failed(w, "read");
	} while (n != w->info->bytes);
	return way_sent(w, write(w->ends[0], way_data, (size_t)n), "write");
}

/* ---- TLS in the kernel ---- */

static bool has_tls;

void look_for_tls(void)
{
	FILE *in = fopen("/proc/sys/net/ipv4/tcp_available_ulp", "re");
	char word[32];

	while (in && !has_tls && fscanf(in, "%31s", word) == 1)
		has_tls = strcmp(word, "tls") == 0;
	if (in)
		fclose(in);
}

bool open_tls(struct way *w)
{
	/* Both ends have the same key of zeros. */
	const struct tls12_crypto_info_aes_gcm_128 key = {
	    .info = {.version = TLS_1_2_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128}};

	if (!has_tls) {
		errno = ENOPROTOOPT;
		return way_failed(w, "tls");
	}
	for (int end = 0; end < 2; end++) {
		if (setsockopt(w->ends[end], IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")))
			return way_failed(w, "TCP_ULP");
		if (setsockopt(w->ends[end], SOL_TLS, end ? TLS_RX : TLS_TX, &key, sizeof(key)))
			return way_failed(w, end ? "TLS_RX" : "TLS_TX");
	}
	return true;
}
