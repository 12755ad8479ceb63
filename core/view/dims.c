/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/view/dims.h"

#include <stddef.h>

#include "core/query/names.h"

#define N(list) (sizeof(list) / sizeof(*(list)))
_Static_assert(PS_DIMENSIONS <= 64, "a set of them is a number");

/* The first ten have a digit. What is not here comes behind. */
static const struct {
	enum ps_dimension dimension;
	const char *title;
} usual[] = {
    {PS_BY_EXE, "executable"},
    {PS_BY_DOMAIN, "domain"},
    {PS_BY_RADDR, "remote address"},
    {PS_BY_RPORT, "remote port"},
    {PS_BY_COUNTRY, "country"},
    {PS_BY_UID, "user"},
    {PS_BY_CMDLINE, "command line"},
    {PS_BY_PEXE, "parent"},
    {PS_BY_UNIT, "systemd unit"},
    {PS_BY_TIME, "time"},
    {PS_BY_HOST, "machine"},
    {PS_BY_NAME, "process name"},
    {PS_BY_SHA256, "SHA-256"},
    {PS_BY_SCRIPT, "script"},
    {PS_BY_SCRIPT_SHA256, "script's SHA-256"},
    {PS_BY_PNAME, "parent's name"},
    {PS_BY_PCMDLINE, "parent's command line"},
    {PS_BY_PSHA256, "parent's SHA-256"},
    {PS_BY_GPEXE, "grandparent"},
    {PS_BY_GPNAME, "grandparent's name"},
    {PS_BY_GPCMDLINE, "grandparent's command line"},
    {PS_BY_GPSHA256, "grandparent's SHA-256"},
    {PS_BY_LADDR, "local address"},
    {PS_BY_LPORT, "local port"},
    {PS_BY_PROTOCOL, "protocol"},
    {PS_BY_FAMILY, "address family"},
    {PS_BY_DIRECTION, "direction"},
    {PS_BY_DOMAIN_SOURCE, "how the domain is known"},
    {PS_BY_CONTAINER, "container"},
    {PS_BY_ENGINE, "container engine"},
    {PS_BY_POD, "pod"},
    {PS_BY_CGROUP, "control group"},
    {PS_BY_SLICE, "slice"},
    {PS_BY_SESSION, "session"},
    {PS_BY_NETNS, "network namespace"},
};

static unsigned usual_place(enum ps_dimension dimension)
{
	unsigned i = 0;

	while (i < N(usual) && usual[i].dimension != dimension)
		i++;
	return i;
}

enum ps_dimension dims_at(unsigned place)
{
	unsigned d = 0;

	if (place < N(usual))
		return usual[place].dimension;
	for (place -= N(usual); d < PS_DIMENSIONS; d++)
		if (usual_place((enum ps_dimension)d) == N(usual) && !place--)
			break;
	return (enum ps_dimension)d;
}

unsigned dims_place(enum ps_dimension dimension)
{
	unsigned place = usual_place(dimension);

	if (place == N(usual))
		while (dims_at(place) != dimension)
			place++;
	return place;
}

const char *dims_title(enum ps_dimension dimension)
{
	unsigned place = usual_place(dimension);

	return place < N(usual) ? usual[place].title : names_dimension(dimension);
}

static const char keys[] = "1234567890abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
_Static_assert(PS_DIMENSIONS < sizeof(keys), "a key for each");

char dims_key(unsigned place)
{
	return keys[place];
}

enum ps_dimension dims_of_key(uint32_t key)
{
	for (unsigned i = 0; i < PS_DIMENSIONS; i++)
		if ((uint32_t)keys[i] == key)
			return dims_at(i);
	return PS_DIMENSIONS;
}

bool dims_is_hash(enum ps_dimension d)
{
	return d == PS_BY_SHA256 || d == PS_BY_PSHA256 || d == PS_BY_GPSHA256 || d == PS_BY_SCRIPT_SHA256;
}

bool dims_is_address(enum ps_dimension d)
{
	return d == PS_BY_RADDR || d == PS_BY_LADDR;
}

bool dims_is_place(enum ps_dimension d)
{
	return dims_is_address(d) || d == PS_BY_COUNTRY;
}

enum ps_dimension dims_next(uint64_t done)
{
	static const enum ps_dimension path[] = {PS_BY_EXE,     PS_BY_DOMAIN, PS_BY_RADDR, PS_BY_RPORT,
	                                         PS_BY_CMDLINE, PS_BY_UID,    PS_BY_PEXE};

	for (size_t i = 0; i < N(path); i++)
		if (!(done & 1ULL << path[i]))
			return path[i];
	return PS_BY_TIME;
}
