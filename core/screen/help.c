/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/screen/help.h"

#include "core/screen/press.h"

bool help_key(struct help *h, uint32_t press, size_t page)
{
	if (press == PRESS_DOWN || press == 'j' || press == ' ')
		h->top++;
	else if (press == PRESS_UP || press == 'k')
		h->top -= h->top > 0;
	else if (press == PRESS_PAGE_DOWN)
		h->top += page;
	else if (press == PRESS_PAGE_UP)
		h->top -= h->top < page ? h->top : page;
	else
		return false;
	help_fit(h, page);
	return true;
}

void help_fit(struct help *h, size_t page)
{
	size_t most = h->n > page ? h->n - page : 0;

	if (h->top > most)
		h->top = most;
}
