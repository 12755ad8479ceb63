/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who sits at the machine, from files as logind writes them. */
#include "core/daemon/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tap.h"
#include "tests/unit/scratch.h"

static struct person list[PEOPLE_MAX];
static size_t n;

static void put(const char *name, const char *text)
{
	char *path = scratch_path(name);
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		printf("Bail out! %s\n", path);
	free(path);
}

static void folder(const char *name)
{
	char *path = scratch_path(name);

	mkdir(path, 0755);
	free(path);
}

static void look(const char *sessions)
{
	char *s = scratch_path(sessions), *r = scratch_path("user");

	n = people_read(s, r, list);
	free(s);
	free(r);
}

/* 2: active; 1: not; 0: not there. */
static int state(uid_t uid)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].uid == uid)
			return 1 + list[i].active;
	return 0;
}

static void test_sessions(void)
{
	folder("sessions");
	folder("user");
	put("sessions/1", "# comment\nUID=1000\nUSER=a\nACTIVE=1\nREMOTE=0\nTYPE=wayland\nCLASS=user\n");
	put("sessions/2", "UID=1001\nACTIVE=0\nREMOTE=0\nCLASS=user\n");
	put("sessions/3", "UID=1002\nACTIVE=1\nREMOTE=1\nCLASS=user\n");
	put("sessions/c4", "UID=120\nACTIVE=1\nREMOTE=0\nCLASS=greeter\n");
	put("sessions/5", "UID=0\nACTIVE=1\nREMOTE=0\nCLASS=user\n");
	put("sessions/6", "UID=1001x\nACTIVE=1\nREMOTE=0\nCLASS=user\n");
	put("sessions/7", "UID=4294967295\nACTIVE=1\nREMOTE=0\nCLASS=user\n");
	put("sessions/8", "");
	put("sessions/9", "UID=1003\nACTIVE=1\nREMOTE=0\nCLASS=user-early\n");
	put("sessions/1.ref", "UID=77\nACTIVE=1\nCLASS=user\n");
	look("sessions");
	is_int(state(1000), 2, "who has a session in front is there");
	is_int(state(1001), 1, "who has one that is not is there, but not active");
	is_int(state(1002), 1, "nor is one over the network");
	is_int(state(120), 0, "a greeter is nobody");
	is_int(state(0), 0, "root is left out");
	is_int(state(1003), 2, "any class of user sessions counts");
	is_int((long long)n, 4, "and nobody else is there");
	put("sessions/2b", "UID=1001\nACTIVE=1\nREMOTE=0\nCLASS=user\n");
	look("sessions");
	is_int(state(1001), 2, "of two sessions, one in front is enough");
	folder("user/1005");
	folder("user/0");
	folder("user/x");
	look("sessions");
	is_int(state(1005), 1, "a folder in /run/user alone is no active session where there is logind");
	look("none");
	is_int(state(1005), 2, "but is one where there is none");
	is_int((long long)n, 1, "root's and others are left out");
}

static void test_many(void)
{
	for (int i = 2000; i < 2200; i++) {
		char name[32];

		snprintf(name, sizeof(name), "user/%d", i);
		folder(name);
	}
	look("none");
	is_int((long long)n, PEOPLE_MAX, "there are no more of them than have room");
}

static void test_wanted(void)
{
	const struct person active = {1000, true}, away = {1001, false};

	ok(people_wanted("auto", &active, "a") && !people_wanted("auto", &away, "b"), "auto: who is active");
	ok(people_wanted("b", &away, "b") && !people_wanted("b", &active, "a"), "a name: that user, active or not");
	ok(people_wanted("x, b,y", &away, "b") && !people_wanted("x, bb,y", &away, "b"), "whole names of a list");
	ok(people_wanted("auto b", &active, "a") && people_wanted("auto b", &away, "b"), "both");
}

int main(void)
{
	scratch_make();
	test_sessions();
	test_many();
	test_wanted();
	scratch_remove();
	return tap_done();
}
