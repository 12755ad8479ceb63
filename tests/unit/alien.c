/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A shared object that is no plugin. */
#include "core/plugin.h"

PS_EXPORT int alien(void);

int alien(void)
{
	return 1;
}
