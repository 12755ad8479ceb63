/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a flow and as an event of the kernel side: refused, or within their bounds. */
#include <stdlib.h>
#include <string.h>

#include "core/capture/decode.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *memory = aligned_alloc(8, size / 8 * 8 + 8);
	struct evidence_event evidence;
	struct process_event e;
	struct observation o;

	memcpy(memory, data, size);
	if (!decode_event(&e, memory, size)) {
		const char *end = (const char *)memory + size;

		must(!e.args.len || (e.args.data >= (const char *)memory && e.args.data + e.args.len <= end));
		must(!e.comm || memchr(e.comm, 0, (size_t)(end - e.comm)));
		must(!e.filename || memchr(e.filename, 0, (size_t)(end - e.filename)));
	}
	if (!decode_evidence(&evidence, memory, size))
		must(evidence.text.data + evidence.text.len <= (const char *)memory + size &&
		     evidence.text.len <= evidence.total);
	if (!decode_flow(&o, memory, size))
		must(o.family == 2 || o.family == 10 || o.family == 17 || o.family == 40 || o.family == 200);
	free(memory);
	return 0;
}
