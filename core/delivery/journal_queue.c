/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests to the journal's thread, and what it answers. */
#include <stdlib.h>

#include "core/delivery/journal_inside.h"

void journal_ops_init(struct ops *list)
{
	list->first = NULL;
	list->end = &list->first;
}

void journal_ops_add(struct ops *list, struct op *op)
{
	op->next = NULL;
	*list->end = op;
	list->end = &op->next;
}

void journal_op_free(struct op *op)
{
	for (size_t i = 0; i < op->n; i++) {
		if (op->batches)
			buf_done(&op->batches[i]);
		if (op->names)
			free(op->names[i]);
	}
	free(op->batches);
	free(op->names);
	free(op->people);
	free(op->sink);
	free(op->text);
	free(op);
}

void journal_ops_free(struct ops *list)
{
	for (struct op *op = list->first, *next; op; op = next) {
		next = op->next;
		journal_op_free(op);
	}
	journal_ops_init(list);
}

void journal_events_init(struct events_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

void journal_event_free(struct event *e)
{
	free(e->data);
	free(e->text);
	free(e);
}
