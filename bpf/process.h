/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who a process is, and where: told when it forks, execs, is moved and exits, and for those that
 * are older. */
#ifndef PS_BPF_PROCESS_H
#define PS_BPF_PROCESS_H

#include "stand_in.h"

/* What is told of a mount is a part of a larger structure. */
static __always_inline struct mount *mount_at(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

static __always_inline void mount_of(struct wire_file *out, struct file *file)
{
	struct mount *mount = mount_at(BPF_CORE_READ(file, f_path.mnt));
	struct mnt_namespace *ns = 0;

	bpf_probe_read_kernel(&out->mount, sizeof(out->mount), &mount->mnt_id);
	bpf_probe_read_kernel(&ns, sizeof(ns), &mount->mnt_ns);
	/* One that is being taken apart has an error in its place. */
	if (ns)
		bpf_probe_read_kernel(&out->mnt_ns, sizeof(out->mnt_ns), &ns->ns.inum);
}

static __always_inline void file_of(struct wire_file *out, struct file *file)
{
	struct inode *inode;

	if (!file)
		return;
	inode = BPF_CORE_READ(file, f_inode);
	out->ino = BPF_CORE_READ(inode, i_ino);
	out->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	out->size = BPF_CORE_READ(inode, i_size);
	out->nlink = BPF_CORE_READ(inode, i_nlink);
	out->magic = BPF_CORE_READ(inode, i_sb, s_magic);
	mount_of(out, file);
	/* 6.6 renamed the one and 6.7 the other, before 6.11 took both apart. */
	if (bpf_core_field_exists(struct inode, i_ctime_sec)) {
		out->ctime_s = BPF_CORE_READ(inode, i_ctime_sec);
		out->ctime_ns = BPF_CORE_READ(inode, i_ctime_nsec) & ~I_CTIME_QUERIED;
	} else if (bpf_core_field_exists(struct inode___before_6_11, __i_ctime)) {
		struct inode___before_6_11 *old = (void *)inode;

		out->ctime_s = BPF_CORE_READ(old, __i_ctime.tv_sec);
		out->ctime_ns = BPF_CORE_READ(old, __i_ctime.tv_nsec);
	} else {
		struct inode___before_6_7 *old = (void *)inode;

		out->ctime_s = BPF_CORE_READ(old, i_ctime.tv_sec);
		out->ctime_ns = BPF_CORE_READ(old, i_ctime.tv_nsec);
	}
	if (bpf_core_field_exists(struct inode, i_mtime_sec)) {
		out->mtime_s = BPF_CORE_READ(inode, i_mtime_sec);
		out->mtime_ns = BPF_CORE_READ(inode, i_mtime_nsec);
	} else if (bpf_core_field_exists(struct inode___before_6_11, __i_mtime)) {
		struct inode___before_6_11 *old = (void *)inode;

		out->mtime_s = BPF_CORE_READ(old, __i_mtime.tv_sec);
		out->mtime_ns = BPF_CORE_READ(old, __i_mtime.tv_nsec);
	} else {
		struct inode___before_6_7 *old = (void *)inode;

		out->mtime_s = BPF_CORE_READ(old, i_mtime.tv_sec);
		out->mtime_ns = BPF_CORE_READ(old, i_mtime.tv_nsec);
	}
}

static __always_inline void folder_of(struct wire_folder *out, struct dentry *dentry)
{
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);

	out->ino = BPF_CORE_READ(inode, i_ino);
	out->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	out->pad = 0;
}

/* Where the way from a folder to the root of all mounts has come to. */
struct climb {
	struct dentry *dentry;
	struct mount *mount;
	__u32 len; /* of the names, even if they have no room */
};

/* One step: to the folder above, or from a mount to where it is mounted. False: this is the end. With few branches, as
 * the verifier follows them all for each step. */
static __always_inline bool climb_step(struct climb *c, char *names)
{
	struct mount *mount = c->mount;
	struct dentry *at = c->dentry;
	__u32 len = c->len;

	if (at == BPF_CORE_READ(mount, mnt.mnt_root)) {
		c->mount = BPF_CORE_READ(mount, mnt_parent);
		c->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		return c->mount != mount;
	}
	barrier_var(len);
	c->len += bpf_probe_read_kernel_str(names + (len & (WIRE_WAY - 1)), WIRE_WAY_NAME, BPF_CORE_READ(at, d_name.name)) &
	          (2 * WIRE_WAY_NAME - 1);
	c->dentry = BPF_CORE_READ(at, d_parent);
	return true;
}

/* The mount namespaces of process 1 and of the core: those that stay. */
const volatile __u32 staying[2];

/* The way to the file of a process, or to its working folder: the names, and how long they are, or 0. */
static __noinline __u32 way_of(struct task_struct *task, struct wire_exec *event)
{
	struct file *exe = BPF_CORE_READ(task, mm, exe_file);
	struct mount *mount = mount_at(BPF_CORE_READ(exe, f_path.mnt));
	__u32 ns = BPF_CORE_READ(mount, mnt_ns, ns.inum);
	struct climb c = {.dentry = BPF_CORE_READ(exe, f_path.dentry), .mount = mount}, next;

	event->way_of_file = ns && ns != staying[0] && ns != staying[1];
	if (!event->way_of_file) {
		c.dentry = BPF_CORE_READ(task, fs, pwd.dentry);
		c.mount = mount_at(BPF_CORE_READ(task, fs, pwd.mnt));
	}
	for (__u32 i = 0; i < WIRE_WAY_STEPS; i++) {
		if (!climb_step(&c, event->way))
			return c.len <= WIRE_WAY ? c.len : 0;
		next = c;
		forget(&c, &next);
	}
	return 0;
}

/* Its control group in the hierarchy of version 2: every process is in one, mounted or not. */
static __always_inline __u64 cgroup_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

/* Whose process it is, and in which network namespace: 0 when it is about to end. */
static __always_inline void owner_of(__u32 *uid, __u32 *netns, struct task_struct *task)
{
	*uid = BPF_CORE_READ(task, cred, uid.val);
	*netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
}

static __always_inline void *reserve(__u32 kind, __u64 size)
{
	struct wire_event *event = bpf_ringbuf_reserve(&events, size, 0);

	if (!event) {
		count(WIRE_LOST_EVENTS, 1);
		if (kind == WIRE_EXEC)
			count(WIRE_LOST_EXECS, 1);
		return 0;
	}
	event->kind = kind;
	event->pad = 0;
	return event;
}

/* For what can wait until the next drain or exec: wakes the core only when the buffer fills up. */
static __always_inline void submit_later(void *event)
{
	bool filling = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > bpf_ringbuf_query(&events, BPF_RB_RING_SIZE) / 4;

	bpf_ringbuf_submit(event, filling ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

static __noinline int forked(struct task_struct *parent, struct task_struct *child)
{
	struct wire_fork *event;

	if (child->pid != child->tgid)
		return 0;
	event = reserve(WIRE_FORK, sizeof(*event));
	if (!event)
		return 0;
	image_of(&event->event.image, child);
	image_of(&event->forker, parent);
	image_of(&event->parent, BPF_CORE_READ(child, real_parent));
	event->cgroup = cgroup_of(child);
	submit_later(event);
	return 0;
}

WITH_STAND_INS("tp_btf/sched_process_fork", on_fork, forked(parent, child), forked(parent, child),
               struct task_struct *parent, struct task_struct *child)

/* One part of a long command line. Not inlined and not static: so the verifier looks at it once,
 * not once per turn of the loop. */
__noinline int send_args(__u64 address, __u32 offset, __u32 n)
{
	struct wire_args *event = reserve(WIRE_ARGS, sizeof(*event));
	__u32 uid;

	if (!event)
		return -1;
	n = at_most(n, WIRE_ARGS_CHUNK);
	current_image(&event->event.image, &uid);
	event->offset = offset;
	event->len = n;
	if (bpf_probe_read_user(event->data, n, (void *)address))
		event->len = 0;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

static __noinline int executed(struct task_struct *task, struct linux_binprm *bprm)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	unsigned long start = BPF_CORE_READ(mm, arg_start);
	struct wire_exec *event = reserve(WIRE_EXEC, sizeof(*event));
	__u32 total, n;
	__u64 length;

	if (!event)
		return 0;
	/* First, and so once: before there are several ways to here. */
	event->way_len = way_of(task, event);
	length = BPF_CORE_READ(mm, arg_end) - start;
	total = length > 0x7fffffff ? 0x7fffffff : length;
	image_of(&event->event.image, task);
	image_of(&event->parent, BPF_CORE_READ(task, real_parent));
	__builtin_memset(&event->file, 0, sizeof(event->file));
	file_of(&event->file, BPF_CORE_READ(mm, exe_file));
	event->cgroup = cgroup_of(task);
	event->time = bpf_ktime_get_boot_ns();
	folder_of(&event->root, BPF_CORE_READ(task, fs, root.dentry));
	folder_of(&event->cwd, BPF_CORE_READ(task, fs, pwd.dentry));
	event->interpreted = BPF_CORE_READ(bprm, interp) != BPF_CORE_READ(bprm, filename);
	owner_of(&event->uid, &event->netns, task);
	event->gid = BPF_CORE_READ(task, cred, gid.val);
	bpf_probe_read_kernel(event->comm, sizeof(event->comm), task->comm);
	if (bpf_probe_read_kernel_str(event->filename, sizeof(event->filename), BPF_CORE_READ(bprm, filename)) < 0)
		event->filename[0] = 0;
	n = at_most(total, WIRE_ARGS_FIRST);
	event->args_total = total;
	event->args_len = n;
	if (bpf_probe_read_user(event->args, n, (void *)start))
		event->args_len = 0;
	/* By force: the buffer may hold what did not wake the core. */
	bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
	for (__u32 i = 0, at = WIRE_ARGS_FIRST; i < WIRE_ARGS_CHUNKS && at < total; i++, at += WIRE_ARGS_CHUNK)
		if (send_args(start + at, at, total - at))
			break;
	return 0;
}

WITH_STAND_INS("tp_btf/sched_process_exec", on_exec, executed(task, bprm), executed(task, bprm),
               struct task_struct *task, int old_pid, struct linux_binprm *bprm)

static __noinline int exited(struct task_struct *task)
{
	struct wire_exit *event;

	thread_end(task);
	if (BPF_CORE_READ(task, signal, live.counter))
		return 0;
	event = reserve(WIRE_EXIT, sizeof(*event));
	if (!event)
		return 0;
	image_of(&event->event.image, task);
	submit_later(event);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	return exited(task);
}

/* For what the kernel passes over the one above with. Who is told twice of an end takes it once. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit_2, struct task_struct *task)
{
	return exited(task);
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(on_cgroup_mkdir, struct cgroup *cgroup, const char *path)
{
	struct wire_cgroup *event;

	/* 0 is the hierarchy of version 2. */
	if (cgroup->root->hierarchy_id)
		return 0;
	event = reserve(WIRE_CGROUP, sizeof(*event));
	if (!event)
		return 0;
	__builtin_memset(&event->event.image, 0, sizeof(event->event.image));
	event->id = cgroup->kn->id;
	if (bpf_probe_read_kernel_str(event->path, sizeof(event->path), path) < 0)
		event->path[0] = 0;
	submit_later(event);
	return 0;
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_cgroup_attach, struct cgroup *cgroup, const char *path, struct task_struct *task)
{
	struct wire_move *event;

	/* A process is where its first thread is. */
	if (cgroup->root->hierarchy_id || task->pid != task->tgid)
		return 0;
	event = reserve(WIRE_MOVE, sizeof(*event));
	if (!event)
		return 0;
	image_of(&event->event.image, task);
	event->cgroup = cgroup->kn->id;
	submit_later(event);
	return 0;
}

SEC("iter/task")
int each_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct wire_task out = {0};

	if (!task || task->pid != task->tgid)
		return 0;
	image_of(&out.image, task);
	image_of(&out.parent, BPF_CORE_READ(task, real_parent));
	file_of(&out.file, BPF_CORE_READ(task, mm, exe_file));
	out.cgroup = cgroup_of(task);
	owner_of(&out.uid, &out.netns, task);
	bpf_probe_read_kernel(out.comm, sizeof(out.comm), task->comm);
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

#endif
