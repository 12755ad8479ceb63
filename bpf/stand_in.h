/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stand-ins. The kernel passes over a program on a CPU where it runs already: as long as a task
 * that was preempted inside of it waits there, no other task's calls are seen. So where programs can
 * be preempted, each is there four times, one behind the other, and the first that runs does the work.
 * For programs in a task's own context: one that runs in an interrupt would take the turn of another.
 */
#ifndef PS_BPF_STAND_IN_H
#define PS_BPF_STAND_IN_H

#include "notes.h"

enum { FIRST = 1 };

/* Whether this program has this call's work to do: in a call they run by their numbers, so one with a
 * lower number was the last of this call, and any other the last of an earlier one. Where there is no
 * room for that, the first has it, and what the kernel passed over it with is missed. */
static __noinline bool turn_is(int turn)
{
	struct note *note = note_here();
	__u64 last;

	if (!note)
		return turn == FIRST;
	last = note->turn;
	note->turn = turn;
	if (last && last < (__u64)turn)
		return false;
	if (turn != FIRST)
		count(WIRE_STOOD_IN, 1);
	return true;
}

#define TURN(section, name, turn, work, ...)                                                                           \
	SEC(section)                                                                                                       \
	int BPF_PROG(name##_##turn, __VA_ARGS__)                                                                           \
	{                                                                                                                  \
		if (turn_is(turn))                                                                                             \
			work;                                                                                                      \
		return 0;                                                                                                      \
	}

/* A program that does `work` with the arguments that follow: by itself, NAME, and in four, NAME_1
 * to NAME_4, as `again` (the same, in a function that they share). */
#define WITH_STAND_INS(section, name, work, again, ...)                                                                \
	SEC(section)                                                                                                       \
	int BPF_PROG(name, __VA_ARGS__)                                                                                    \
	{                                                                                                                  \
		work;                                                                                                          \
		return 0;                                                                                                      \
	}                                                                                                                  \
	TURN(section, name, 1, again, __VA_ARGS__)                                                                         \
	TURN(section, name, 2, again, __VA_ARGS__)                                                                         \
	TURN(section, name, 3, again, __VA_ARGS__)                                                                         \
	TURN(section, name, 4, again, __VA_ARGS__)

#endif
