/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a hosts file: what is told has an address and a name, and is bounded. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/identify/domain_name.h"
#include "core/identify/hosts_file.h"
#include "tests/fuzz/target.h"

static void told(void *arg, const struct ps_addr *addr, struct ps_text name)
{
	++*(size_t *)arg;
	must(addr->family == AF_INET || addr->family == AF_INET6);
	must(name.len && name.len < DOMAIN_NAME_SIZE && !name.data[name.len]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *memory = malloc(size ? size : 1);
	size_t n = 0, result;

	memcpy(memory, data, size);
	result = hosts_file_read(memory, size, told, &n);
	must(result == n && n <= HOSTS_FILE_NAMES);
	free(memory);
	return 0;
}
