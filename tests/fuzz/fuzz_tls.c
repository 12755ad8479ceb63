/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as the first message of TLS: a name is one, whatever surrounds it, and stays if more is cut. */
#include <stdlib.h>
#include <string.h>

#include "core/identify/tls_hello.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[DOMAIN_NAME_SIZE], again[DOMAIN_NAME_SIZE];
	uint8_t *memory = malloc(size ? size : 1);
	size_t len, cut = size;

	memcpy(memory, data, size);
	len = tls_hello_name(name, memory, size);
	must(len < sizeof(name) && !name[len] && (!len || strlen(name) <= len));
	/* Behind the name nothing counts; without its last byte there is none. */
	while (len && cut && tls_hello_name(again, memory, cut - 1) == len && memcmp(name, again, len) == 0)
		cut--;
	must(!len || (cut && !tls_hello_name(again, memory, cut - 1)));
	free(memory);
	return 0;
}
