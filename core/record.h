/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The normalized record: the only currency between the core and its plugins.
 *
 * Installed as <picosnitch/record.h>. A batch is one immutable run of records; it
 * interns its executables, places and texts once, and records refer to them by index.
 * Index 0 is always present and empty: it means "not known".
 *
 * Everything that a batch points to lives as long as the batch; a plugin that wants
 * to keep something after write() has returned copies it.
 */
#ifndef PS_RECORD_H
#define PS_RECORD_H

#include <stdint.h>

#include "base/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One program image: what was executed, and how. */
struct ps_exe {
	struct ps_text path;
	struct ps_text name;    /* the program's name (comm of the thread group leader) */
	struct ps_text cmdline; /* the arguments, each followed by a NUL */
	uint8_t hash_state;     /* enum ps_hash_state */
	uint8_t flags;          /* enum ps_exe_flag */
	uint8_t sha256[32];     /* zero unless hash_state is PS_HASH_OK */
	/* Of an interpreter: the script that it was started on. Empty, PS_HASH_ABSENT: none. */
	struct ps_text script;     /* its path */
	uint8_t script_state;      /* enum ps_hash_state */
	uint8_t script_sha256[32]; /* zero unless script_state is PS_HASH_OK */
};

enum ps_kind {
	PS_TRAFFIC = 1 << 0,
	PS_PROGRAM = 1 << 1,
	PS_VERDICT = 1 << 2,
	PS_ALERT = 1 << 3,
	PS_AUDIT = 1 << 4,
};

/* Bytes that one program image exchanged in one flow during one window. */
struct ps_traffic {
	uint32_t exe, parent, grandparent; /* into batch->exes */
	uint32_t place;                    /* into batch->places */
	uint32_t domain;                   /* into batch->texts, reverse notation */
	uint8_t domain_source;             /* enum ps_domain_source */
	uint16_t domain_rivals;            /* further names that the evidence allows; 65535: that many or more */
	uint32_t uid;                      /* real user id of the caller */
	uint32_t netns;                    /* inode of the network namespace */
	uint8_t family;                    /* AF_INET, AF_INET6, AF_PACKET, AF_VSOCK, PS_FAMILY_TUN */
	uint8_t direction;                 /* enum ps_direction */
	uint16_t protocol;                 /* IPPROTO_*; of frames: the EtherType; vsock: 0 */
	int64_t lport, rport;              /* -1: no ports here; 0: not known; vsock's have 32 bits */
	struct ps_addr laddr, raddr;
	int64_t opened_ns, closed_ns; /* the connection's own, ns since the Unix epoch; 0: not known, not yet */
	uint64_t sent, received;      /* payload bytes */
	uint64_t calls;               /* send and receive calls that moved them */
};

/* What is new about a program. Values are stored: append only. */
enum ps_program_event {
	PS_PROGRAM_NEW_EXE = 1,  /* an executable that was never seen */
	PS_PROGRAM_NEW_NAME = 2, /* a known executable under a name that it never had */
	PS_PROGRAM_NEW_HASH = 3, /* a known executable with a content that it never had */
	PS_PROGRAM_CHANGED = 4,  /* the file at the path of a running program is another one now, or gone */
};

/* As what a program was seen. Values are stored: append only. */
enum ps_program_role {
	PS_ROLE_SELF,
	PS_ROLE_PARENT,
	PS_ROLE_GRANDPARENT,
};

/* A program, or something about it, is seen for the first time. */
struct ps_program {
	uint32_t exe;                 /* into batch->exes: the program that this is about */
	uint32_t parent, grandparent; /* its own, into batch->exes */
	uint32_t place;               /* into batch->places */
	uint32_t text;                /* into batch->texts: one line for people */
	uint32_t uid;
	uint8_t event;    /* enum ps_program_event */
	uint8_t role;     /* enum ps_program_role */
	uint8_t expected; /* 1: its owner has said that it will come */
	/* NEW_HASH: the content that was known last; CHANGED: the content that runs, while exe has
	 * what lies there now. Zero: not known. */
	uint8_t previous[32];
};

/* Where something was lost or went wrong. Values are stored: append only. */
enum ps_stage {
	PS_STAGE_RING = 1,      /* process events that found no room in the ring buffer */
	PS_STAGE_FLOWS = 2,     /* bytes of flows that found no room in the flow map */
	PS_STAGE_PROGRAMS = 3,  /* BPF programs that the kernel did not run */
	PS_STAGE_FANOTIFY = 4,  /* overflow of the fanotify queue */
	PS_STAGE_HASH = 5,      /* executables without a hash */
	PS_STAGE_PROCESS = 6,   /* traffic of a process that could not be identified */
	PS_STAGE_HANDOFF = 7,   /* a window was kept open because the journal was behind */
	PS_STAGE_JOURNAL = 8,   /* batches dropped for a sink because of the journal's limits */
	PS_STAGE_SINK = 9,      /* a sink set a batch aside, crashed, hung or is away */
	PS_STAGE_RESTART = 10,  /* time that was not watched: the daemon was killed */
	PS_STAGE_CAPTURE = 11,  /* a hook that could not be attached */
	PS_STAGE_CONFIG = 12,   /* the configuration */
	PS_STAGE_SELFTEST = 13, /* a path that should count, and did not when it was tried */
	PS_STAGE_AUDIT = 14,    /* the kernel counted more than we did */
	PS_STAGE_CHANNEL = 15,  /* a program opened a way to the network that cannot be seen */
	PS_STAGE_TAMPER = 16,   /* someone changed what picosnitch stands on */
	PS_STAGE_MEMORY = 17,   /* the memory of known programs */
	PS_STAGE_NAMES = 18,    /* evidence of the names of addresses */
};

/* An error, or something that was lost: count and bytes where they are known. */
struct ps_alert {
	uint32_t stage; /* enum ps_stage */
	uint32_t text;  /* into batch->texts: one line for people */
	uint64_t count; /* events, calls, rows or batches, as the stage has them */
	uint64_t sent, received;
};

/* Where the kernel's own counters are compared with what was seen. Values are stored: append only. */
enum ps_layer {
	PS_LAYER_LINK = 1, /* interfaces but lo; own: AF_PACKET */
	PS_LAYER_IP = 2,   /* own: all payload over IP */
	PS_LAYER_TCP = 3,
	PS_LAYER_UDP = 4,
	PS_LAYER_UDPLITE = 5,
	PS_LAYER_ICMP = 6, /* own: raw and ping sockets */
};

/* The self-audit of one layer of one network namespace. IPv4 and IPv6 together. */
struct ps_audit {
	uint32_t netns; /* inode */
	uint32_t layer; /* enum ps_layer */
	/* What the kernel counted; bytes with headers, at the layers link and IP alone. */
	uint64_t sent, received;
	uint64_t packets_sent, packets_received; /* frames, packets, segments, datagrams, messages */
	uint64_t errors, retransmitted, forwarded;
	/* What traffic records say: payload. */
	uint64_t own_sent, own_received, own_calls;
	/* What nobody accounts for. IP: bytes beyond payload, headers and retransmissions, estimated.
	 * Link: bytes beyond IP's and Ethernet's headers, estimated. */
	int64_t rest_sent, rest_received;
	/* Packets beyond calls, both ways together: UDP and UDP-Lite, exact; ICMP, estimated. */
	int64_t rest_packets;
};

/* What is known of a content elsewhere. Values are stored: append only. */
enum ps_finding_state {
	PS_FINDING_NO_KEY = 1,     /* nobody was asked: there is no key to ask with */
	PS_FINDING_PENDING = 2,    /* it will be asked for, or is being analysed */
	PS_FINDING_UNKNOWN = 3,    /* the service does not know it */
	PS_FINDING_CLEAN = 4,      /* no engine objects */
	PS_FINDING_SUSPICIOUS = 5, /* some do */
	PS_FINDING_FAILED = 6,     /* no answer that can be used: it will be asked for again */
};

/* A verdict: what a service says of the content of files. */
struct ps_finding {
	uint8_t sha256[32];
	uint8_t state;    /* enum ps_finding_state */
	uint8_t previous; /* the one before; 0: none */
	uint32_t service; /* into batch->texts: the sink that asked it */
	uint32_t path;    /* into batch->texts: the file that was seen last with this content; 0: none is remembered */
	uint32_t text;    /* into batch->texts: one line for people */
	uint32_t link;    /* into batch->texts: where more is to be read; 0: nowhere */
	/* Engines, by what they say of it. */
	uint32_t malicious, suspicious, harmless, undetected;
	/* When the service answered, and when its engines looked at it, ns since the Unix epoch; 0: not known. */
	int64_t asked_ns, analysed_ns;
};

/* The same as a sink tells it: ps_host.found() in plugin.h. */
struct ps_found {
	uint8_t sha256[32];
	enum ps_finding_state state;
	uint32_t malicious, suspicious, harmless, undetected;
	int64_t asked_ns, analysed_ns;
	const char *reason; /* why it failed, in a few words; else "" */
	const char *link;   /* "https://...", or "" */
};

/* How much of a text of struct ps_found is taken, and the most engines. */
#define PS_FOUND_REASON_MAX 160
#define PS_FOUND_LINK_MAX 256
#define PS_FOUND_ENGINES_MAX 10000

struct ps_record {
	uint32_t kind;            /* one of enum ps_kind: which member below is set */
	int64_t start_ns, end_ns; /* window, nanoseconds since the Unix epoch, UTC */
	union {
		struct ps_traffic traffic;
		struct ps_program program;
		struct ps_alert alert;
		struct ps_audit audit;
		struct ps_finding finding; /* PS_VERDICT */
	};
};

#define PS_ID_SIZE 16
#define PS_DIGEST_SIZE 32

/* (host, boot, seq) names a batch for ever: a destination that has stored that name has
 * stored the batch. */
struct ps_batch {
	uint8_t host[PS_ID_SIZE];         /* this machine (machine-id of this program) */
	uint8_t boot[PS_ID_SIZE];         /* the kernel's boot id */
	uint64_t seq;                     /* counts up by one, across restarts */
	uint8_t previous[PS_DIGEST_SIZE]; /* digest of batch seq - 1: a hash chain */
	uint8_t digest[PS_DIGEST_SIZE];   /* over this batch's rows; see picosnitch-store(7) */
	struct ps_text hostname;
	uint32_t n_exes, n_places, n_texts, n_records;
	const struct ps_exe *exes;
	const struct ps_place *places;
	const struct ps_text *texts;
	const struct ps_record *records;
};

#ifdef __cplusplus
}
#endif

#endif
