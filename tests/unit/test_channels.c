/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which open file is a way to the network past the kernel side. */
#include <string.h>
#include <sys/socket.h>

#include "core/daemon/channels.h"
#include "tests/tap.h"

static const char devices[] = "Character devices:\n"
                              "  1 mem\n"
                              " 10 misc\n"
                              "231 infiniband_verbs\n"
                              "242 uio\n"
                              "243 vfio\n"
                              "511 vfio-dev\n"
                              "\n"
                              "Block devices:\n"
                              "  7 loop\n"
                              "249 uio\n";

static const char *kind(unsigned major, unsigned minor)
{
	struct wire_channel c = {.device = major << 20 | minor};

	return channels_kind(&c, devices);
}

int main(void)
{
	struct wire_channel socket = {.family = AF_XDP};

	ok(strstr(channels_kind(&socket, ""), "AF_XDP"), "an AF_XDP socket");
	ok(strstr(kind(242, 3), "UIO"), "/dev/uio3");
	ok(strstr(kind(243, 0), "VFIO") && kind(243, 0) == kind(10, 196) && kind(511, 1) == kind(10, 196),
	   "a group, a device and the container of VFIO are one kind");
	ok(strstr(kind(231, 192), "verbs"), "/dev/infiniband/uverbs0");
	ok(!kind(10, 200) && !kind(10, 232), "other devices are none");
	ok(!kind(249, 0) && !kind(7, 0), "nor are numbers of block devices");
	return tap_done();
}
