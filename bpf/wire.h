/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel side and the core say to each other: layouts that both compile. Numbers are in
 * the machine's byte order; ports in host order; addresses in network order, as bytes.
 */
#ifndef PS_BPF_WIRE_H
#define PS_BPF_WIRE_H

#ifndef __bpf__
#include <linux/types.h>
#include <stddef.h>
#endif

/* A program image: a process (tgid and start time, so a reused pid is another process) between
 * two execs. */
struct wire_image {
	__u64 start; /* start_boottime of the thread group leader, ns */
	__u32 tgid;
	__u32 exec_id; /* counts the execs of the task and its ancestors */
};

struct wire_flow_key {
	struct wire_image image;
	__u32 uid;
	__u32 netns;
	__u8 family;    /* AF_*, or WIRE_FAMILY_TUN */
	__u8 portless;  /* a raw socket: its protocol says nothing of ports */
	__u16 protocol; /* IPPROTO_*; the EtherType of frames */
	__u16 lport, rport;
	__u8 laddr[16], raddr[16]; /* IPv4: the first four bytes; vsock: CID and port, four bytes each */
};

#define WIRE_FAMILY_TUN 200 /* frames written to a tun or tap device: core/base/value.h's PS_FAMILY_TUN */

struct wire_flow {
	__u64 sent, received, calls;
	__u64 opened, closed; /* the connection: ns since boot; 0: not known, or not yet */
	__u32 direction;      /* enum ps_direction of core/base/value.h */
	__u32 began;          /* 1: here the connection became this image's, which is told once */
};

enum wire_direction { WIRE_UNKNOWN, WIRE_OUT, WIRE_IN };

/* A flow that is found without the hash map. */
struct wire_slot {
	struct wire_flow_key key;
	struct wire_flow flow;
	__u32 claims; /* 1: somebody's */
	__u32 filled; /* 1: key is there; written last */
	__u64 pad;
};

/* The programs count in one half of the slots while the core reads the other. */
struct wire_slots {
	struct wire_slot half[2];
};

#define WIRE_SLOT_BITS 12 /* of them there are at most two to the power of this */

/* A file as an inode says it; ctime and size tell one content from another. */
struct wire_file {
	__u64 ino;
	__u64 size;
	__s64 ctime_s, mtime_s;
	__u32 ctime_ns, mtime_ns;
	__u32 dev; /* of the file system, in the kernel's encoding: major << 20 | minor */
	__u32 nlink;
	__u32 magic;  /* which kind of file system: statfs()'s f_type */
	__u32 mount;  /* the mount through which it was executed: statx()'s stx_mnt_id; 0: not known */
	__u32 mnt_ns; /* inode of that mount's namespace; 0: it is in none */
	__u32 pad;
};

/* A folder, as an inode says it. */
struct wire_folder {
	__u64 ino;
	__u32 dev; /* the kernel's encoding */
	__u32 pad;
};

enum wire_kind {
	WIRE_FORK = 1,
	WIRE_EXEC = 2,
	WIRE_ARGS = 3,
	WIRE_EXIT = 4,
	WIRE_CGROUP = 5,
	WIRE_MOVE = 6,
};

struct wire_event {
	__u32 kind; /* enum wire_kind */
	__u32 pad;
	struct wire_image image;
};

/* A new process, which is for now the same program as the one that forked it. */
struct wire_fork {
	struct wire_event event;
	struct wire_image forker; /* whose image it has */
	struct wire_image parent; /* real_parent: differs under CLONE_PARENT */
	__u64 cgroup;             /* id of its control group, in the hierarchy of version 2 */
};

#define WIRE_COMM 16
#define WIRE_FILENAME 128
#define WIRE_ARGS_FIRST 256
#define WIRE_ARGS_CHUNK 4096
#define WIRE_ARGS_CHUNKS 64 /* a longer command line is cut; /proc may have all of it */

#define WIRE_WAY 256      /* in all, each name with its NUL ... */
#define WIRE_WAY_NAME 128 /* ... one name: what is longer is cut */
#define WIRE_WAY_STEPS 32 /* names and mounts */

/* A process has become another program; image is the new one. */
struct wire_exec {
	struct wire_event event;
	struct wire_image parent;
	struct wire_file file;
	__u64 cgroup;
	__u64 time; /* ns since boot */
	struct wire_folder root, cwd;
	char comm[WIRE_COMM];
	char filename[WIRE_FILENAME]; /* as given to execve() */
	__u32 interpreted;            /* filename was handed to an interpreter, which is what runs */
	__u32 uid, gid, netns;
	__u32 way_len;     /* of way; 0: it is longer than there is room for, or begins at the root */
	__u32 way_of_file; /* or of cwd */
	__u32 args_total;  /* length of the command line, NULs included */
	__u32 args_len;    /* how much of it is here */
	char args[WIRE_ARGS_FIRST];
	/* The names on the way up to the root of the mounts, for when the process has ended: from the file that was
	 * executed if its mounts end then, too; or from the working folder. Taken without a lock: it is to be proved. */
	char way[WIRE_WAY + WIRE_WAY_NAME];
};

/* A further part of the command line of the image; parts follow their WIRE_EXEC in order. */
struct wire_args {
	struct wire_event event;
	__u32 offset, len;
	char data[WIRE_ARGS_CHUNK];
};

struct wire_exit {
	struct wire_event event;
};

#define WIRE_CGROUP_PATH 1024 /* the kernel cuts what is longer */

/* A control group was made. */
struct wire_cgroup {
	struct wire_event event; /* of no image */
	__u64 id;
	char path[WIRE_CGROUP_PATH]; /* below the root of the hierarchy; a NUL ends it */
};

/* A process was moved to another control group. */
struct wire_move {
	struct wire_event event;
	__u64 cgroup;
};

/* A process that was there before: what the task iterator writes, one after the other. */
struct wire_task {
	struct wire_image image;
	struct wire_image parent;
	struct wire_file file; /* ino 0: no executable (a kernel thread) */
	__u64 cgroup;
	char comm[WIRE_COMM];
	__u32 uid, netns;
};

/* An open file through which a program may reach the network past the programs here. */
struct wire_channel {
	struct wire_image image;
	__u32 family; /* a socket's: AF_XDP; 0: a character device */
	__u32 device; /* the kernel's encoding: major << 20 | minor */
};

/* A socket that waits for others, and who has it open: there is one for each descriptor. */
struct wire_listener {
	__u64 socket;             /* its inode: of a socket that several have open, or one several times, the same */
	struct wire_flow_key key; /* without the other end; portless: where it waits is not known */
};

/* What tells the names of addresses. It goes through a ring buffer of its own, so that a flood of it
 * leaves process events alone. */
enum wire_evidence_kind {
	WIRE_DNS = 1,    /* what a program received from a name server */
	WIRE_TLS = 2,    /* the first that it sent on a connection of TCP, and looks like TLS */
	WIRE_LOOKUP = 3, /* what a C library told it */
};

#define WIRE_LOOKUP_FOUND 32 /* what is beyond is left out; most are there three times, for kinds of sockets */

struct wire_found {
	__u32 family; /* 0: nothing */
	__u8 addr[16];
};

/* What getaddrinfo() said. */
struct wire_lookup {
	__u32 kind; /* WIRE_LOOKUP */
	__u32 len;  /* of the name */
	__u64 time; /* ns since boot */
	struct wire_image image;
	__u32 netns, pad;
	struct wire_found found[WIRE_LOOKUP_FOUND];
	char name[256];
};

#define WIRE_SAID_MOST 4096 /* what is longer is cut */

/* Bytes that a program received, or sent. They follow. */
struct wire_said {
	__u32 kind;   /* enum wire_evidence_kind */
	__u32 len;    /* how many follow ... */
	__u32 total;  /* ... of those that there were */
	__u32 seq;    /* the place of the first in its stream */
	__u64 stream; /* which; 0: this is a datagram */
	__u64 time;   /* ns since boot */
	struct wire_flow_key flow;
};

/* Counters of the kernel side, per CPU. */
enum wire_counter {
	WIRE_LOST_EVENTS, /* process events without room in the ring buffer ... */
	WIRE_LOST_EXECS,  /* ... of which so many were executions */
	WIRE_COARSE,      /* flows without room in the flow map: counted per process ... */
	WIRE_FULL_CALLS,  /* ... and calls that found no room there either ... */
	WIRE_FULL_SENT,   /* ... with their bytes */
	WIRE_FULL_RECEIVED,
	WIRE_NO_PEER,    /* datagrams whose peer found no room */
	WIRE_STOOD_IN,   /* calls whose work a stand-in did */
	WIRE_NO_STORAGE, /* TCP sockets without room for what is known of them: splice reads may be missed */
	WIRE_LOST_NAMES, /* evidence of names without room in its ring buffer */
	WIRE_COUNTERS
};

#define WIRE_SAME(type, size) _Static_assert(sizeof(type) == (size), "layout of " #type)
WIRE_SAME(struct wire_image, 16);
WIRE_SAME(struct wire_flow_key, 64);
WIRE_SAME(struct wire_flow, 48);
WIRE_SAME(struct wire_slot, 128);
WIRE_SAME(struct wire_file, 64);
WIRE_SAME(struct wire_event, 24);
WIRE_SAME(struct wire_lookup, 936);
WIRE_SAME(struct wire_folder, 16);
WIRE_SAME(struct wire_fork, 64);
WIRE_SAME(struct wire_exec, 968);
WIRE_SAME(struct wire_args, 4128);
WIRE_SAME(struct wire_exit, 24);
WIRE_SAME(struct wire_cgroup, 1056);
WIRE_SAME(struct wire_move, 32);
WIRE_SAME(struct wire_task, 128);
WIRE_SAME(struct wire_channel, 24);
WIRE_SAME(struct wire_listener, 72);
WIRE_SAME(struct wire_said, 96);

#endif
