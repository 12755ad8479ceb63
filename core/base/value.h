/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The values that all else speaks of, records and plugins too. Installed as <picosnitch/base/value.h>. */
#ifndef PS_BASE_VALUE_H
#define PS_BASE_VALUE_H

#include <stdint.h>

/* Bytes with a length: any value is allowed, NUL and invalid UTF-8 included. data is
 * never NULL; a NUL that len does not count follows the last byte. */
struct ps_text {
	const char *data;
	uint32_t len;
};

/* An address. family is AF_INET (bytes[0..3]), AF_INET6 (bytes[0..15]), AF_VSOCK (bytes[0..3]: the
 * context id, big-endian), or 0 when the address is not known. IPv4-mapped IPv6 addresses are
 * always given as AF_INET. */
struct ps_addr {
	uint8_t family;
	uint8_t bytes[16];
};

enum ps_show {
	PS_SHOW_PATH, /* UTF-8 as it is; \xHH for other bytes and controls; \\ for a backslash */
	PS_SHOW_ARGV, /* NUL-ended arguments as one line that bash would read back the same */
};

/* Why an executable has a SHA-256, or has none. */
enum ps_hash_state {
	PS_HASH_ABSENT,     /* there is no file behind it: a kernel thread, or nothing is known */
	PS_HASH_OK,         /* sha256 is that of the file that was executed */
	PS_HASH_GONE,       /* process and file had gone before either could be opened */
	PS_HASH_MISMATCH,   /* what could be opened was not the file that was executed */
	PS_HASH_UNREADABLE, /* opening or reading it failed */
	PS_HASH_CHANGED,    /* it changed while it was being read */
	PS_HASH_LATE,       /* it was not ready when the row had to be written */
};

enum ps_exe_flag {
	PS_EXE_CMDLINE_CUT = 1 << 0,  /* the command line was longer than could be kept */
	PS_EXE_PATH_GUESSED = 1 << 1, /* path as given to execve(), not as the kernel resolved it */
	/* path as it is in another mount namespace than those of process 1 and the daemon, or in none: whoever made that
	 * chose it */
	PS_EXE_PATH_ELSEWHERE = 1 << 2,
	/* The file could be changed unseen between its execution and the reading, or its file system is a
	 * program (FUSE), which can show one content to who executes and another to who reads. */
	PS_EXE_HASH_UNSURE = 1 << 3,
	/* The same of its script. */
	PS_EXE_SCRIPT_UNSURE = 1 << 4,
};

/* Where a program runs: its control group, and what the path of that says. Texts are empty when
 * there is no such thing. */
struct ps_place {
	struct ps_text cgroup;    /* path below the root of cgroup v2: "/system.slice/ssh.service" */
	struct ps_text unit;      /* systemd's, the user's own or one in a container: "ssh.service" */
	struct ps_text slice;     /* the one that unit is in: "system.slice" */
	struct ps_text session;   /* logind's: "3" */
	struct ps_text engine;    /* "docker", "podman", "containerd", "crio", "kubernetes", "lxc", "nspawn", "libvirt",
	                             "buildkit", "flatpak", "snap", "desktop"; may be empty beside a container */
	struct ps_text container; /* its id or name, as the engine has it; flatpak, snap, desktop: the application */
	struct ps_text pod;       /* of Kubernetes: its uid; of Podman: its id */
	int64_t owner;            /* the user whose slice it is; -1: none */
};

/* A family of its own: frames that a program writes to and reads from a tun or tap device. */
#define PS_FAMILY_TUN 200

/* How a domain is known, from the strongest evidence on. Values are stored: append only. */
enum ps_domain_source {
	PS_DOMAIN_NONE,
	PS_DOMAIN_SNI,         /* the program named it in its TLS handshake on this connection */
	PS_DOMAIN_GETADDRINFO, /* the program asked its C library for it */
	PS_DOMAIN_DNS,         /* an answer that came into this network namespace */
	PS_DOMAIN_HOSTS,       /* /etc/hosts */
	PS_DOMAIN_PTR,         /* whoever owns the address says so */
};

/* Who opened a connection. */
enum ps_direction {
	PS_DIRECTION_UNKNOWN,
	PS_DIRECTION_OUT, /* this program's side */
	PS_DIRECTION_IN,  /* the other side */
};

#endif
