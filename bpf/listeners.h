/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who waits for others: sockets that listen, and UDP sockets that are bound and have no peer, in
 * every network namespace.
 */
#ifndef PS_BPF_LISTENERS_H
#define PS_BPF_LISTENERS_H

#include "account.h"

/* Streams of every family, those of vsock too, have the state that TCP names. */
static __always_inline bool is_waiting(const struct sock *sk, __u16 protocol)
{
	if (protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE)
		return BPF_CORE_READ(sk, __sk_common.skc_num) && !BPF_CORE_READ(sk, __sk_common.skc_dport);
	return BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN;
}

SEC("iter/task_file")
int each_listener(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct wire_listener out = {0};
	struct file *file = ctx->file;
	struct socket *socket;
	struct inode *inode;
	struct sock *sk;

	if (!task || !file)
		return 0;
	inode = file->f_inode;
	if ((inode->i_mode & S_IFMT) != S_IFSOCK || inode->i_sb->s_magic != SOCKFS_MAGIC)
		return 0;
	socket = file->private_data;
	sk = BPF_CORE_READ(socket, sk);
	if (!sk)
		return 0;
	out.key.family = (__u8)BPF_CORE_READ(sk, __sk_common.skc_family);
	if (out.key.family != AF_INET && out.key.family != AF_INET6 && out.key.family != AF_VSOCK)
		return 0;
	if (out.key.family != AF_VSOCK) {
		if (BPF_CORE_READ(sk, sk_type) == SOCK_RAW)
			return 0;
		out.key.protocol = BPF_CORE_READ(sk, sk_protocol);
	}
	if (!is_waiting(sk, out.key.protocol))
		return 0;
	if (out.key.family == AF_VSOCK) {
		other_ends_of(&out.key, sk);
		out.key.portless = !bpf_core_type_exists(struct vsock_sock);
	} else {
		/* That of MPTCP is found here only. */
		out.key.lport = bpf_ntohs(BPF_CORE_READ((const struct inet_sock *)sk, inet_sport));
		if (!out.key.lport)
			out.key.lport = BPF_CORE_READ(sk, __sk_common.skc_num);
		if (out.key.family == AF_INET)
			BPF_CORE_READ_INTO((__u32 *)out.key.laddr, sk, __sk_common.skc_rcv_saddr);
		else
			BPF_CORE_READ_INTO((struct in6_addr *)out.key.laddr, sk, __sk_common.skc_v6_rcv_saddr);
	}
	out.socket = inode->i_ino;
	out.key.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	out.key.uid = BPF_CORE_READ(task, group_leader, cred, uid.val);
	image_of(&out.key.image, task);
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

#endif
