/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gives up what serving a page has no use for. Before other threads. */
#ifndef PS_DASH_BECOME_H
#define PS_DASH_BECOME_H

/* If this is root, becomes `user`, with `group` as a further one so that the store and the feed can be read. In any
 * case no capability, no new privileges, no core dumps and no system call that only an intruder wants. 0, or -errno
 * after saying why: then the process must end. */
int become(const char *user, const char *group);

#endif
