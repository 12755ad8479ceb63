/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The few fields of kernel structures that the programs read. CO-RE finds each by its name in the
 * running kernel's BTF, so neither order nor size matters here, and no generated header is needed.
 * A name with three underscores is a flavour: the same structure as older or newer kernels have it.
 */
#ifndef PS_BPF_KERNEL_TYPES_H
#define PS_BPF_KERNEL_TYPES_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
	__u16 i_mode;
	__u32 i_rdev;
	unsigned int i_nlink;
	__s64 i_size;
	__s64 i_ctime_sec, i_mtime_sec; /* 6.11 and later */
	__u32 i_ctime_nsec, i_mtime_nsec;
};

struct inode___before_6_7 {
	struct timespec64 i_ctime, i_mtime;
};

struct inode___before_6_11 {
	struct timespec64 __i_ctime, __i_mtime;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct inode *d_inode;
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct inode *f_inode;
	struct path f_path;
	void *private_data;
};

struct fs_struct {
	struct path root, pwd;
};

struct mm_struct {
	struct file *exe_file;
	unsigned long arg_start, arg_end;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
};

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

struct cred {
	kuid_t uid;
	kgid_t gid;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct css_set {
	struct cgroup *dfl_cgrp; /* in the hierarchy of version 2 */
};

struct task_struct {
	int pid, tgid;
	char comm[16];
	__u64 start_boottime;
	__u64 self_exec_id;
	struct mm_struct *mm;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	const struct cred *cred;
	struct css_set *cgroups;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	void *stack;
};

/* What the program had in its registers when it made a system call. */
struct pt_regs {
#if defined(__TARGET_ARCH_arm64)
	__u64 regs[31];
	__s32 syscallno;
#else
	unsigned long orig_ax, ax, bx, cx, dx, si, di;
	unsigned long cs, sp;
#endif
};

struct linux_binprm {
	const char *filename;
	const char *interp; /* another string, when filename was handed to an interpreter */
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

struct nsproxy {
	struct net *net_ns;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct mount {
	struct vfsmount mnt;
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint; /* in mnt_parent */
	struct mnt_namespace *mnt_ns;
	int mnt_id;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__u32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	__u32 skc_daddr, skc_rcv_saddr; /* network byte order */
	__u16 skc_dport;                /* network byte order */
	__u16 skc_num;                  /* host byte order */
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned long skc_flags;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol, sk_type;
};

struct inet_sock {
	__u16 inet_sport; /* network byte order */
};

struct inet_connection_sock {
	const void *icsk_ulp_ops;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 copied_seq, rcv_nxt;
	__u32 data_segs_out;
	__u64 bytes_received;
};

/* The two families below may be modules: their types are known if they are loaded. */
struct packet_sock {
	__u16 num; /* EtherType, network byte order */
};

struct sockaddr_vm {
	unsigned int svm_port, svm_cid;
};

struct vsock_sock {
	struct sockaddr_vm local_addr, remote_addr;
};

struct proto_ops {
	const void *splice_read;
};

struct socket {
	struct sock *sk;
	const struct proto_ops *ops;
};

struct sockaddr {
	unsigned short sa_family;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
};

struct rtnl_link_ops {
	const char *kind;
};

struct net_device {
	unsigned short type; /* ARPHRD_* */
	const struct rtnl_link_ops *rtnl_link_ops;
	possible_net_t nd_net;
};

struct sk_buff {
	struct net_device *dev;
	unsigned int len;
	__u16 protocol; /* network byte order */
	__u16 transport_header, network_header;
	unsigned char *head;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct file *file;
};

#pragma clang attribute pop

#define AF_INET 2
#define AF_INET6 10
#define AF_PACKET 17
#define AF_VSOCK 40
#define AF_XDP 44
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFCHR 0020000
#define SOCKFS_MAGIC 0x534f434b
#define SOCK_RAW 3
#define ARPHRD_ETHER 1
#define ETH_HLEN 14
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_UDPLITE 136
#define IPPROTO_MPTCP 262
#define SOCK_STREAM 1
#define MSG_PEEK 0x2
#define MSG_ERRQUEUE 0x2000
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define SOCK_DONE 1                /* enum sock_flags: the peer has sent its FIN */
#define USER32_CS 0x23             /* code of 32 bits, on x86-64 */
#define I_CTIME_QUERIED (1u << 31) /* a mark in i_ctime_nsec, 6.13 and later */

#endif
