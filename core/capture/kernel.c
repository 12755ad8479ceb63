/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

bool kernel_has_function(struct btf *kernel, const char *name, const char *module)
{
	struct btf *btf;
	bool has;

	if (btf__find_by_name_kind(kernel, name, BTF_KIND_FUNC) > 0)
		return true;
	if (!module)
		return false;
	btf = btf__load_module_btf(module, kernel);
	has = !libbpf_get_error(btf) && btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
	btf__free(btf);
	return has;
}

int kernel_traces_functions(struct btf *kernel)
{
	struct bpf_insn nothing[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FEXIT);
	int id = btf__find_by_name_kind(kernel, "inet_sendmsg", BTF_KIND_FUNC), program, link, err;

	if (id < 0)
		return id;
	opts.attach_btf_id = (__u32)id;
	program =
	    bpf_prog_load(BPF_PROG_TYPE_TRACING, "nothing", "GPL", nothing, sizeof(nothing) / sizeof(nothing[0]), &opts);
	if (program < 0)
		return program;
	link = bpf_raw_tracepoint_open(NULL, program);
	err = link < 0 ? link : 0;
	if (link >= 0)
		close(link);
	close(program);
	return err;
}

bool kernel_has_module(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return access(path, F_OK) == 0;
}

bool kernel_preempts(enum hooks door)
{
	/* Tracepoints kept tasks from being preempted until 7.0; to trampolines it matters since 5.12. */
	unsigned since = door == HOOKS_FEXIT ? 5 << 16 | 12 : 7 << 16, major = 0, minor = 0;
	char line[128] = "";
	struct utsname u;
	FILE *mode;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return true;
	if ((major << 16 | minor) < since || !strstr(u.version, "PREEMPT"))
		return false;
	/* What was chosen is in parentheses. */
	mode = fopen("/sys/kernel/debug/sched/preempt", "re");
	if (mode) {
		if (!fgets(line, sizeof(line), mode))
			line[0] = 0;
		fclose(mode);
	}
	return !strstr(line, "(none)") && !strstr(line, "(voluntary)");
}

void kernel_mount_namespaces(uint32_t out[2])
{
	static const char *const paths[] = {"/proc/1/ns/mnt", "/proc/self/ns/mnt"};
	struct stat st;

	for (size_t i = 0; i < 2; i++)
		out[i] = stat(paths[i], &st) ? 0 : (uint32_t)st.st_ino;
}
