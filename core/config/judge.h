/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What settings.c and sinks.c share: the words of a mistake, and each other's parts. */
#ifndef PS_CONFIG_JUDGE_H
#define PS_CONFIG_JUDGE_H

#include <stdbool.h>

#include "core/config/ini.h"
#include "core/config/settings.h"

/* A value is wrong, and `kept` stands (NULL or "": the key stays unset). The value is shown unless
 * the option is secret. */
void judge_bad(struct mistakes *, const struct ini_entry *, const struct ps_option *, const char *wrong,
               const char *kept);

/* One word of a list is wrong. */
void judge_word(struct mistakes *, const struct ini_entry *, const char *word, const char *wrong);

/* A key that neither list (`more` may be NULL) has. */
void judge_unknown(struct mistakes *, const struct ini_entry *, const struct ps_option *options,
                   const struct ps_option *more);

/* True, with a mistake, if *line says that the key was there before; else sets it. */
bool judge_repeated(struct mistakes *, const struct ini_entry *, unsigned *line);

/* The keys of every [sink NAME]. */
extern const struct ps_option sink_options[];

/* True for "sink" and "sink ANYTHING". */
bool sink_section(const char *section);

void sinks_load(struct settings *, const struct ini *, settings_describe, struct mistakes *);
void sinks_free(struct settings *);

#endif
