/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is open for moving traffic that no program here can see: AF_XDP sockets, and character
 * devices, of which the core knows by their numbers which hand a network card to a program.
 */
#ifndef PS_BPF_CHANNELS_H
#define PS_BPF_CHANNELS_H

#include "maps.h"

/* Memory (null, zero, random) and terminals: open everywhere, and no way to a network. */
static __always_inline bool is_common(__u32 major)
{
	return major == 1 || major == 4 || major == 5 || (major >= 136 && major <= 143);
}

SEC("iter/task_file")
int each_channel(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct wire_channel out = {0};
	struct file *file = ctx->file;
	struct inode *inode;
	__u16 type;

	if (!task || !file)
		return 0;
	inode = file->f_inode;
	type = inode->i_mode & S_IFMT;
	if (type == S_IFSOCK && inode->i_sb->s_magic == SOCKFS_MAGIC) {
		struct socket *sock = file->private_data;

		if (BPF_CORE_READ(sock, sk, __sk_common.skc_family) != AF_XDP)
			return 0;
		out.family = AF_XDP;
	} else if (type == S_IFCHR && !is_common(inode->i_rdev >> 20)) {
		out.device = inode->i_rdev;
	} else {
		return 0;
	}
	image_of(&out.image, task);
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

#endif
