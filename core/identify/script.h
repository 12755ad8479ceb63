/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which script an interpreter was started on, from its command line: "python3 -u x.py", but not
 * "sh -c" nor "python3 -m". A table says which programs are interpreters, and which of their
 * options take a value, name the script, or come instead of one. Pure.
 */
#ifndef PS_IDENTIFY_SCRIPT_H
#define PS_IDENTIFY_SCRIPT_H

#include <stdbool.h>

#include "core/base/value.h"

enum script_found {
	SCRIPT_NONE, /* no interpreter, or none that was started on a file */
	SCRIPT_FOUND,
	SCRIPT_MORE, /* not to be told from this much of the command line */
};

/* exe: path of the program's file. args: its arguments, each followed by a NUL, the first one its
 * own name; `whole`: there are no more. *script is then one of them, as it stands there: a path,
 * relative to where the program was started. */
enum script_found script_of_args(const char *exe, struct ps_text args, bool whole, struct ps_text *script);

#endif
