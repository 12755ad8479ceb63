/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plugin boundary. Installed as <picosnitch/plugin.h>; see picosnitch-plugin(7).
 *
 * A plugin is one shared object that exports one symbol, `ps_plugin`. It calls the core
 * only through the struct ps_host that it is handed, and imports no symbol of the
 * program. Nothing that one side allocated is freed by the other.
 *
 * A sink runs in a process of its own, without root and without capabilities, on one
 * thread: its calls never overlap, and may block.
 */
#ifndef PS_PLUGIN_H
#define PS_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/plugin_option.h"
#include "record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever this header, record.h, question.h, trail.h or what they include changes; the loader wants it equal.
 */
#define PS_PLUGIN_ABI 10u

#define PS_EXPORT __attribute__((visibility("default")))

struct ps_ctx;      /* this instance of the plugin, as the core knows it */
struct ps_question; /* question.h */
struct ps_answer;
struct ps_trail; /* trail.h */

enum ps_level { PS_ERROR, PS_WARNING, PS_INFO, PS_DEBUG };

/* What the core offers to a plugin. */
struct ps_host {
	uint32_t abi, size; /* PS_PLUGIN_ABI, sizeof(struct ps_host) */

	/* The value of an option of this plugin; valid until close(). */
	const char *(*text)(struct ps_ctx *, const char *key);
	int64_t (*number)(struct ps_ctx *, const char *key);

	void (*log)(struct ps_ctx *, enum ps_level, const char *format, ...) __attribute__((format(printf, 3, 4)));

	/* Says, before a verdict other than PS_STORED is returned, what the matter is. */
	void (*why)(struct ps_ctx *, const char *format, ...) __attribute__((format(printf, 2, 3)));

	/* Writes text in a form that is valid UTF-8 without control characters, and from which
	 * the bytes can be had back. Returns the length that it needs, without the NUL, as
	 * snprintf() does; never writes more than size bytes. */
	size_t (*show)(char *out, size_t size, struct ps_text text, enum ps_show how);

	/* Moves the file of option key (and its companions) out of the way, to
	 * NAME.REASON-YYYYmmddTHHMMSSZ, and makes a new empty one. 0 or -errno. */
	int (*set_aside)(struct ps_ctx *, const char *key, const char *reason);

	/* Shifts NAME to NAME.1, NAME.1 to NAME.2 and so on, keeps `keep` of them (its companions
	 * likewise), and makes a
	 * new empty NAME. 0 or -errno. */
	int (*rotate)(struct ps_ctx *, const char *key, unsigned keep);

	/* True when the process is asked to stop: to be looked at in any long wait. */
	int (*stopping)(struct ps_ctx *);

	/* Hands over what was found out about a content: it becomes a record of kind PS_VERDICT, which
	 * comes back to every sink that wants those. 0: it is durable in the core. -EAGAIN: not now, tell it again later
	 * (there have been too many lately, or the core is starting or stopping). Other errors: never. A value or a text
	 * that record.h does not allow ends the process. */
	int (*found)(struct ps_ctx *, const struct ps_found *);
};

/* What ps_sink.idle() returns after why() when it cannot go on: as PS_MISCONFIGURED of write(). */
#define PS_IDLE_MISCONFIGURED (-2)

enum ps_verdict {
	PS_STORED,        /* durable at the destination: the core forgets the batch */
	PS_AWAY,          /* the destination is away: the same batch comes again, later */
	PS_REJECTED,      /* this batch can never be stored whole; what can be stored is stored */
	PS_MISCONFIGURED, /* configuration or schema is wrong: this sink stops, with an alert */
};

/* Where records go. */
struct ps_sink {
	/* The enum ps_kind that it wants: write() does not see others, and is not called for a batch
	 * that has none of them. */
	uint32_t kinds;

	/* Checks what the options' types cannot say. No I/O beyond this machine. May be NULL. */
	enum ps_verdict (*check)(const struct ps_host *, struct ps_ctx *);

	/* Connects. PS_STORED with *self set, or another verdict: then close() is not called. */
	enum ps_verdict (*open)(const struct ps_host *, struct ps_ctx *, void **self);

	/* Stores one batch, all or nothing, once however often it is given: PS_STORED means
	 * that it is durable now. */
	enum ps_verdict (*write)(void *self, const struct ps_batch *);

	/* Called when there is nothing to write; does a slice of upkeep. Returns the time in
	 * milliseconds after which it wants to be called again, -1: not before it was given a batch; or
	 * PS_IDLE_MISCONFIGURED. May be NULL. */
	int64_t (*idle)(void *self);

	/* One line for `picosnitch status`. May be NULL. */
	void (*stats)(void *self, char *out, size_t size);

	void (*close)(void *self);
};

/* Where people's questions are answered from. Runs in the process of whoever asks. */
struct ps_reader {
	/* 0 and *self set, or -errno after why(). Needs no write access. */
	int (*open)(const struct ps_host *, struct ps_ctx *, void **self);

	/* Calls answer->row for each row until it returns non-zero. 0 or -errno after why(). */
	int (*ask)(void *self, const struct ps_question *, struct ps_answer *);

	/* Tells all that is stored. 0, what a function of the trail returned, or -errno after why(). May be
	 * NULL: then `picosnitch verify` cannot be asked about this store. */
	int (*walk)(void *self, const struct ps_trail *);

	void (*close)(void *self);
};

struct ps_plugin {
	uint32_t abi, size; /* PS_PLUGIN_ABI, sizeof(struct ps_plugin) */
	const char *name;   /* the INI section's plugin name */
	const char *about;  /* one line */
	const struct ps_option *options;
	const struct ps_sink *sink;     /* or NULL */
	const struct ps_reader *reader; /* or NULL */
};

/* The one symbol. */
extern PS_EXPORT const struct ps_plugin ps_plugin;

#ifdef __cplusplus
}
#endif

#endif
