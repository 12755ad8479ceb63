/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which programs of the skeleton are wanted in this kernel, where they are attached, and whether
 * they still are. Where a task can be preempted inside of a program, most are there four times
 * (bpf/stand_in.h); to the outside those are one hook.
 */
#ifndef PS_CAPTURE_PROGRAMS_H
#define PS_CAPTURE_PROGRAMS_H

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/capture/probe.h"

enum { PROGRAMS_MAX = 64, PROGRAMS_TURNS = 4 };

struct programs {
	enum hooks door;
	bool stand_ins; /* where they are of use */
	unsigned n;
	struct probe_hook hook[PROGRAMS_MAX];
	struct bpf_program *program[PROGRAMS_MAX][PROGRAMS_TURNS]; /* NULL: that many there are not */
	struct bpf_link *link[PROGRAMS_MAX][PROGRAMS_TURNS];
	uint64_t passed_over, stood_in; /* before all were attached */
	uint64_t missed, maybe_missed;
	uint64_t misses[PROGRAMS_MAX]; /* of each at the last look ... */
	unsigned missing;              /* ... and which has had some since */
};

/* Decides what is to be loaded for a door, of an object that was opened and not loaded yet. */
void programs_choose(struct programs *, struct bpf_object *, enum hooks door, struct btf *);

/* Attaches what was loaded. known() is called when it is told of processes, and nothing is counted
 * yet. 0, or -errno if something is missing that must be there. */
int programs_attach(struct programs *, void (*known)(void *arg), void *arg);
void programs_detach(struct programs *);

/* All are attached. stood_in: WIRE_STOOD_IN. */
void programs_begin(struct programs *, uint64_t stood_in);

/* Calls that no program has seen, since programs_begin(). Of what is attached twice (a state that
 * can be noted again) at most so many. stood_in: WIRE_STOOD_IN, read before. */
uint64_t programs_missed(struct programs *, uint64_t stood_in);

/* The hook that has last been passed over. */
const char *programs_missing(const struct programs *);

#endif
