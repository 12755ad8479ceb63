/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What counts as a change of a file, and as a step of the clock. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/daemon/own_file.h"
#include "core/daemon/tamper.h"
#include "tests/tap.h"
#include "tests/unit/scratch.h"

static void put(const char *path, const char *text)
{
	scratch_write(path, text, strlen(text), 0644);
}

/* What has changed since the last call. */
static int changed(struct own_state *state, const char *path, const char *want)
{
	struct own_state now;
	const char *change;

	own_state_of(&now, path);
	change = own_state_change(state, &now);
	*state = now;
	return want ? change && strstr(change, want) : !change;
}

static void files(void)
{
	struct timespec times[2];
	struct own_state state;
	struct stat st;
	char *path = scratch_path("own"), *other = scratch_path("other");

	put(path, "one");
	put(other, "two");
	own_state_of(&state, path);
	ok(changed(&state, path, NULL), "a file that is left alone has not changed");
	usleep(20000); /* a file's times are as coarse as the kernel's tick */
	put(path, "One");
	ok(changed(&state, path, "content"), "written to, with the size kept: its content");
	stat(path, &st);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	usleep(20000);
	put(path, "oNe");
	utimensat(AT_FDCWD, path, times, 0);
	ok(changed(&state, path, "set back"), "written to, with size and time of writing kept: seen all the same");
	rename(other, path);
	ok(changed(&state, path, "replaced"), "another file in its place");
	unlink(path);
	ok(changed(&state, path, "removed"), "removed");
	ok(changed(&state, path, NULL), "which is told once");
	put(path, "one");
	ok(changed(&state, path, "again"), "back again");
	free(path);
	free(other);
}

static void clocks(void)
{
	int64_t at = clock_offset_ns();

	ok(tamper_step(at, at) == 0 && tamper_step(at, at + NS_PER_S) == 0 && tamper_step(at, at - NS_PER_S) == 0,
	   "up to a second is no step");
	ok(tamper_step(at, at + NS_PER_S + 1) == NS_PER_S + 1, "forward");
	ok(tamper_step(at, at - 3600 * NS_PER_S) == -3600 * NS_PER_S, "back");
	usleep(50000);
	ok(tamper_step(at, clock_offset_ns()) == 0, "time that passes is no step");
}

int main(void)
{
	scratch_make();
	files();
	clocks();
	scratch_remove();
	return tap_done();
}
