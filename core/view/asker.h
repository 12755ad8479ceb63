/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whoever asks the store, in a thread of its own: a question takes its time, and the keys do not wait. One question at
 * a time. A thread that hangs in a server's library is left behind at the end.
 */
#ifndef PS_VIEW_ASKER_H
#define PS_VIEW_ASKER_H

#include "core/cli/store.h"
#include "core/view/job.h"

struct asker;

/* Opens the store, as cli_store_open() does. NULL after saying on stderr what is the matter. */
struct asker *asker_open(const char *config_path, const char *name, const char *file);

/* What is asked: "sqlite /var/lib/picosnitch/snitch.db". */
const char *asker_called(const struct asker *);

/* What has to be shown beside countries, or NULL. */
const char *asker_attribution(const struct asker *);

void asker_close(struct asker *);

/* Readable when there is something for asker_take(). */
int asker_fd(const struct asker *);

/* Hands over the question, which has to be the only one. */
void asker_ask(struct asker *, struct view_job *);

/* The one that is out is of no use any more: it comes back soon, with -ECANCELED. */
void asker_give_up(struct asker *);

/* The question with its answer, or NULL: not yet. */
struct view_job *asker_take(struct asker *);

#endif
