/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The members of ps_reader: for whoever may select, which the sink's role may not. */
#ifndef PS_MARIADB_READER_H
#define PS_MARIADB_READER_H

#include "core/plugin.h"

extern const struct ps_reader reader;

#endif
