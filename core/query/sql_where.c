/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/sql_where.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/query/names.h"

static const struct sql_place places[PS_DIMENSIONS] = {
    [PS_BY_EXE] = {"exe_id", ROW_EXECUTABLES, "exe"},
    [PS_BY_NAME] = {"exe_id", ROW_EXECUTABLES, "name"},
    [PS_BY_CMDLINE] = {"exe_id", ROW_EXECUTABLES, "cmdline"},
    [PS_BY_SHA256] = {"exe_id", ROW_EXECUTABLES, "sha256"},
    [PS_BY_PEXE] = {"pexe_id", ROW_EXECUTABLES, "exe"},
    [PS_BY_PNAME] = {"pexe_id", ROW_EXECUTABLES, "name"},
    [PS_BY_PCMDLINE] = {"pexe_id", ROW_EXECUTABLES, "cmdline"},
    [PS_BY_PSHA256] = {"pexe_id", ROW_EXECUTABLES, "sha256"},
    [PS_BY_GPEXE] = {"gpexe_id", ROW_EXECUTABLES, "exe"},
    [PS_BY_GPNAME] = {"gpexe_id", ROW_EXECUTABLES, "name"},
    [PS_BY_GPCMDLINE] = {"gpexe_id", ROW_EXECUTABLES, "cmdline"},
    [PS_BY_GPSHA256] = {"gpexe_id", ROW_EXECUTABLES, "sha256"},
    [PS_BY_UID] = {"uid", SQL_NOWHERE, NULL},
    [PS_BY_LPORT] = {"lport", SQL_NOWHERE, NULL},
    [PS_BY_RPORT] = {"rport", SQL_NOWHERE, NULL},
    [PS_BY_LADDR] = {"laddr_id", ROW_ADDRESSES, "addr"},
    [PS_BY_RADDR] = {"raddr_id", ROW_ADDRESSES, "addr"},
    [PS_BY_DOMAIN] = {"domain_id", ROW_DOMAINS, "domain"},
    [PS_BY_NETNS] = {"netns", SQL_NOWHERE, NULL},
    [PS_BY_FAMILY] = {"family", SQL_NOWHERE, NULL},
    [PS_BY_PROTOCOL] = {"protocol", SQL_NOWHERE, NULL},
    [PS_BY_DIRECTION] = {"direction", SQL_NOWHERE, NULL},
    [PS_BY_DOMAIN_SOURCE] = {"domain_source", SQL_NOWHERE, NULL},
    [PS_BY_SCRIPT] = {"exe_id", ROW_EXECUTABLES, "script"},
    [PS_BY_SCRIPT_SHA256] = {"exe_id", ROW_EXECUTABLES, "script_sha256"},
    [PS_BY_CGROUP] = {"place_id", ROW_PLACES, "cgroup"},
    [PS_BY_UNIT] = {"place_id", ROW_PLACES, "unit"},
    [PS_BY_SLICE] = {"place_id", ROW_PLACES, "slice"},
    [PS_BY_SESSION] = {"place_id", ROW_PLACES, "session"},
    [PS_BY_ENGINE] = {"place_id", ROW_PLACES, "engine"},
    [PS_BY_CONTAINER] = {"place_id", ROW_PLACES, "container"},
    [PS_BY_POD] = {"place_id", ROW_PLACES, "pod"},
    [PS_BY_TIME] = {"step", SQL_NOWHERE, NULL},
    [PS_BY_HOST] = {"host", SQL_NOWHERE, NULL},
    [PS_BY_COUNTRY] = {"", SQL_NOWHERE, NULL}, /* nowhere: source_ask() refuses it */
};

const struct sql_place *sql_place(enum ps_dimension dimension)
{
	return &places[dimension];
}

void sql_put_text(struct sql *s, const char *of, const char *column)
{
	buf_printf(&s->text, "%s%s%s%s", s->dialect->text_before, of, column, s->dialect->text_after);
}

void sql_put_host(struct sql *s, const char *host)
{
	if (s->dialect->one_host) {
		sql_put(s, s->dialect->one_host);
		return;
	}
	buf_printf(&s->text, "%s(SELECT l.hostname FROM ", s->dialect->text_before);
	sql_put_name(s, RELATION_BATCHES);
	buf_printf(&s->text, " l WHERE l.host = %s ORDER BY l.seq DESC LIMIT 1)%s", host, s->dialect->text_after);
}

/* The same of a table's rows. False: the table does not have it. */
static int find_place(enum row_table table, enum ps_dimension dimension, struct sql_place *place)
{
	static const char *const of_programs[] = {"exe_id", "pexe_id", "gpexe_id", "place_id", "uid"};

	*place = places[dimension];
	if (table == ROW_CONNECTIONS || dimension == PS_BY_HOST)
		return 1;
	if (table == ROW_VERDICTS) {
		*place = (struct sql_place){place->value, SQL_NOWHERE, place->value};
		return dimension == PS_BY_SHA256 || dimension == PS_BY_EXE;
	}
	for (size_t i = 0; table == ROW_PROGRAMS && i < sizeof(of_programs) / sizeof(*of_programs); i++)
		if (strcmp(place->column, of_programs[i]) == 0)
			return 1;
	return 0;
}

/* What stands before the values of a filter, and the brackets that it opens. */
static unsigned put_filtered(struct sql *s, enum ps_dimension dimension, const struct sql_place *place, int exclude)
{
	const char *in = exclude ? " NOT IN (" : " IN (";

	if (dimension == PS_BY_HOST && s->dialect->one_host) {
		buf_printf(&s->text, "%s%s", s->dialect->one_host, in);
		return 1;
	}
	if (dimension == PS_BY_HOST || place->in != SQL_NOWHERE) {
		buf_printf(&s->text, "%s%sSELECT %s FROM ", place->column, in,
		           dimension == PS_BY_HOST ? "host" : s->dialect->key);
		sql_put_name(s, dimension == PS_BY_HOST ? (unsigned)RELATION_BATCHES : ROW_TABLES + (unsigned)place->in);
		sql_put(s, " WHERE ");
		sql_put_text(s, "", dimension == PS_BY_HOST ? "hostname" : place->value);
		sql_put(s, " IN (");
		return 2;
	}
	if (place->value)
		sql_put_text(s, "", place->column);
	else
		sql_put(s, place->column);
	sql_put(s, in);
	return 1;
}

static int bind_filter(struct sql *s, const struct ps_filter *f, const char **why)
{
	char number[24], *end;

	if (!names_is_number(f->dimension)) {
		sql_bind_text(s, f->value);
		return 0;
	}
	*why = "a filter on uid, lport, rport, netns, family or protocol wants a number";
	if (!f->value.len || f->value.len >= sizeof(number))
		return -EINVAL;
	memcpy(number, f->value.data, f->value.len);
	number[f->value.len] = 0;
	errno = 0;
	sql_bind_number(s, strtoll(number, &end, 10));
	return errno || *end ? -EINVAL : 0;
}

/* Everything that is included, or everything that is excluded, of one dimension. How many, or -EINVAL. */
static int put_filters(struct sql *s, const struct ps_question *q, enum ps_dimension dimension,
                       const struct sql_place *place, int exclude, const char *glue, const char **why)
{
	unsigned brackets = 0;
	int n = 0;

	for (uint32_t i = 0; i < q->n_filters; i++) {
		const struct ps_filter *f = &q->filters[i];

		if (f->dimension != dimension || !f->exclude != !exclude)
			continue;
		sql_put(s, n ? ", " : glue);
		if (!n++)
			brackets = put_filtered(s, dimension, place, exclude);
		if (bind_filter(s, f, why) < 0)
			return -EINVAL;
	}
	while (brackets--)
		sql_put(s, ")");
	return n;
}

int sql_put_where(struct sql *s, const struct ps_question *q, enum row_table table, const struct sql_stretch *stretch,
                  const char **why)
{
	const char *glue = " WHERE ";
	struct sql_place place;

	if (stretch->from != INT64_MIN) {
		buf_printf(&s->text, "%s%s >= ", glue, stretch->since);
		sql_bind_number(s, stretch->from);
		glue = " AND ";
	}
	if (stretch->to != INT64_MAX) {
		buf_printf(&s->text, "%s%s < ", glue, stretch->until);
		sql_bind_number(s, stretch->to);
		glue = " AND ";
	}
	for (int dimension = 0; dimension < PS_DIMENSIONS; dimension++)
		for (int exclude = 0; exclude < 2 && find_place(table, (enum ps_dimension)dimension, &place); exclude++) {
			int n = put_filters(s, q, (enum ps_dimension)dimension, &place, exclude, glue, why);

			if (n < 0)
				return n;
			if (n)
				glue = " AND ";
		}
	return 0;
}
