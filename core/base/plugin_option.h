/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be set, and how: declared by plugins, and by the core for itself. Installed as
 * <picosnitch/base/plugin_option.h>. */
#ifndef PS_BASE_PLUGIN_OPTION_H
#define PS_BASE_PLUGIN_OPTION_H

#include <stdint.h>

enum ps_option_type {
	PS_OPTION_TEXT,
	PS_OPTION_INT,
	PS_OPTION_BOOL,
	PS_OPTION_DURATION,   /* "10 s", "5 min", "2 h", "30 d"; number() gives milliseconds */
	PS_OPTION_SIZE,       /* "64 KiB", "1 GiB"; number() gives bytes */
	PS_OPTION_CHOICE,     /* one of choices; number() gives its index */
	PS_OPTION_STATE_FILE, /* a file in [paths] state; text() gives its absolute path */
	PS_OPTION_LOG_FILE,   /* a file in [paths] log; text() gives its absolute path */
	/* "auto" or user names: the sink is one for people. It runs once for each of them who sits at the machine, as that
	 * user (auto: whoever has an active session), and gets only batches with something that people are told of; those
	 * of a while are kept when nobody is there. */
	PS_OPTION_USERS,
};

enum ps_option_flag {
	PS_OPTION_SECRET = 1 << 0,   /* never logged, never printed */
	PS_OPTION_REQUIRED = 1 << 1, /* the section is wrong without it */
};

/* One key of the plugin's section of the INI file: checked by the core. */
struct ps_option {
	const char *key; /* NULL ends the list */
	enum ps_option_type type;
	const char *fallback; /* default, as it would be written in the file */
	int64_t min, max;     /* INT, DURATION (ms), SIZE (bytes); both 0: no bounds */
	const char *choices;  /* CHOICE: words separated by one space */
	const char *help;     /* one line */
	unsigned flags;       /* enum ps_option_flag */
	/* STATE_FILE and LOG_FILE: suffixes of files that belong to it ("-wal -shm"). The
	 * core makes the file and these before open(), owned by the plugin's user. */
	const char *companions;
};

#endif
