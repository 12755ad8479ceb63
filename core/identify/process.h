/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is who: processes as the kernel tells of them, and the programs that they are. A process is
 * (tgid, start time); between two execs it is one image. Main thread only.
 */
#ifndef PS_IDENTIFY_PROCESS_H
#define PS_IDENTIFY_PROCESS_H

#include <stdint.h>

#include "core/capture/decode.h"
#include "core/identify/executable.h"
#include "core/identify/places.h"
#include "core/identify/roster.h"
#include "core/identify/scripts.h"

/* What an image is, who started it, and who started that one, and where it runs. None is NULL; what
 * is not known is a program without path and name, or a place without a path. */
struct lineage {
	struct program *self, *parent, *grandparent;
	struct place *place;
};

struct processes;

struct processes *processes_open(uv_loop_t *, struct executables *);
void processes_close(struct processes *);

/* A process that was there at start. */
void processes_existing(struct processes *, const struct wire_task *);
/* After the last of them: finds everyone's parents. */
void processes_existing_done(struct processes *);

/* `executed` is what executables_executed() gives for an EXEC event, and is taken over; NULL: it was
 * not told, then /proc is asked. */
void processes_event(struct processes *, const struct process_event *, const struct executed *executed);

/* The lineage of an image, each with a reference; asks /proc when the image was never told of.
 * False, and programs that say nothing, when it is not known at all. */
bool processes_find(struct processes *, const struct wire_image *, struct lineage *);

/* Which images its parent and its grandparent were when it was started, as far as that is known: else zeros. False:
 * it is not known itself. */
bool processes_above(struct processes *, const struct wire_image *, struct wire_image above[2]);

/* Whether an image is known, and has not ended. */
bool processes_lives(struct processes *, const struct wire_image *);

/* The lineage of what is not known at all, each with a reference. */
void processes_nobody(struct processes *, struct lineage *);

/* A connection became that image's, or came to its end. A socket can outlive who had it, until its peer has
 * answered, or as another's who does not use it. */
void processes_connection(struct processes *, const struct wire_image *, bool began, bool ended);

/* What has ended before the last but one call is forgotten: to be called after each drain, when
 * all of its flows have been looked up. But those that have connections stay, the last PROCESSES_AWAITED of them. */
enum { PROCESSES_AWAITED = 4096 };
void processes_expire(struct processes *);

/* Settles the programs whose scripts were opened by now, or hang. To be called before lineages are looked up. */
void processes_take(struct processes *);

/* All that it refers to; what is NULL stays out. */
void lineage_hold(const struct lineage *);
void lineage_drop(struct processes *, const struct lineage *);

/* The same, if wanted without command lines; each with a reference. */
struct lineage lineage_named(struct processes *, const struct lineage *, bool with_cmdline);

struct processes_stats {
	uint64_t images, programs;
	uint64_t awaited;    /* of the images: they have ended, and have connections that have not */
	uint64_t unknown;    /* lookups of images that are not known */
	uint64_t not_opened; /* executions whose file neither fanotify nor /proc gave */
	uint64_t cut;        /* command lines that were cut */
	struct scripts_stats scripts;
	struct places_stats places;
};
void processes_get_stats(const struct processes *, struct processes_stats *);

#endif
