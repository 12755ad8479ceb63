/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the control groups of version 2 are mounted: alone, or beside those of version 1. */
#ifndef PS_CAPTURE_CGROUP_ROOT_H
#define PS_CAPTURE_CGROUP_ROOT_H

/* An open folder, the first such mount; or -errno. */
int cgroup_root_open(void);

#endif
