/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/place.h"

#include <stdbool.h>
#include <string.h>

struct reader {
	struct ps_place *place;
	char *room;
	bool contained;   /* place has a container that stays */
	bool new_manager; /* the next unit is that of another service manager */
	bool kubernetes;  /* below kubepods */
};

/* ---- text ---- */

static struct ps_text text_of(const char *s)
{
	return (struct ps_text){s, (uint32_t)strlen(s)};
}

static bool is(struct ps_text t, const char *s)
{
	return t.len == strlen(s) && memcmp(t.data, s, t.len) == 0;
}

/* Takes a prefix off, if it is there and something is left. */
static bool take_prefix(struct ps_text *t, const char *prefix)
{
	size_t n = strlen(prefix);

	if (t->len <= n || memcmp(t->data, prefix, n) != 0)
		return false;
	t->data += n;
	t->len -= (uint32_t)n;
	return true;
}

static bool take_suffix(struct ps_text *t, const char *suffix)
{
	size_t n = strlen(suffix);

	if (t->len <= n || memcmp(t->data + t->len - n, suffix, n) != 0)
		return false;
	t->len -= (uint32_t)n;
	return true;
}

/* What is before the first or last of a byte, and what is behind it. False: it is not in there. */
static bool split(struct ps_text t, char at, bool last, struct ps_text *before, struct ps_text *behind)
{
	const char *p = t.len ? (last ? memrchr : memchr)(t.data, at, t.len) : NULL;

	if (!p)
		return false;
	*before = (struct ps_text){t.data, (uint32_t)(p - t.data)};
	*behind = (struct ps_text){p + 1, (uint32_t)(t.data + t.len - p - 1)};
	return true;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The id of a container or pod of an engine: at least `least` hexadecimal digits. */
static bool is_id(struct ps_text t, size_t least)
{
	for (size_t i = 0; i < t.len; i++)
		if (hex(t.data[i]) < 0)
			return false;
	return t.len >= least && t.len <= 128;
}

static struct ps_text keep(struct reader *r, struct ps_text t)
{
	struct ps_text kept = {r->room, t.len};

	memcpy(r->room, t.data, t.len);
	r->room[t.len] = 0;
	r->room += t.len + 1;
	return kept;
}

/* Undoes systemd's \x2d in what was kept last. */
static struct ps_text unescape(struct reader *r, struct ps_text t)
{
	char *data = r->room - t.len - 1, *out = data;

	for (size_t i = 0; i < t.len; i++) {
		if (t.len - i >= 4 && data[i] == '\\' && data[i + 1] == 'x' && hex(data[i + 2]) >= 0 && hex(data[i + 3]) >= 0) {
			*out++ = (char)(hex(data[i + 2]) << 4 | hex(data[i + 3]));
			i += 3;
		} else {
			*out++ = data[i];
		}
	}
	*out = 0;
	r->room = out + 1;
	t.len = (uint32_t)(out - data);
	return t;
}

/* A user's id; -1: it is none. */
static int64_t uid_of(struct ps_text t)
{
	int64_t uid = 0;

	if (!t.len || t.len > 10 || (t.len > 1 && t.data[0] == '0'))
		return -1;
	for (size_t i = 0; i < t.len; i++) {
		if (t.data[i] < '0' || t.data[i] > '9')
			return -1;
		uid = uid * 10 + (t.data[i] - '0');
	}
	return uid < UINT32_MAX ? uid : -1;
}

/* ---- containers ---- */

/* A container, or with an empty id its engine's own process. */
static void found(struct reader *r, const char *engine, struct ps_text id)
{
	if (r->contained)
		return;
	r->place->engine = text_of(engine);
	r->place->container = (struct ps_text){"", 0};
	if (!id.len)
		return;
	r->place->container = unescape(r, keep(r, id));
	r->contained = true;
	r->new_manager = true;
}

/* What stands before an id, alone or in a scope: "docker-ID.scope", "SLICE:cri-containerd:ID". */
static const struct {
	const char *name, *engine;
	bool monitor;
} engines[] = {
    {"docker", "docker", false},
    {"libpod-payload", "podman", false},
    {"libpod-conmon", "podman", true},
    {"libpod", "podman", false},
    {"cri-containerd", "containerd", false},
    {"nerdctl", "containerd", false},
    {"crio-conmon", "crio", true},
    {"crio", "crio", false},
};

#define ENGINES (sizeof(engines) / sizeof(engines[0]))

/* Kubernetes' and Podman's pods have a group of their own, with the containers below it. */
static void read_pod(struct reader *r, struct ps_text c, struct ps_text previous)
{
	struct ps_text before, id = c;

	if (r->contained)
		return;
	if (take_suffix(&id, ".slice")) {
		if ((r->kubernetes && split(id, '-', true, &before, &id) && take_prefix(&id, "pod")) ||
		    take_prefix(&id, "machine-libpod_pod_") || take_prefix(&id, "user-libpod_pod_"))
			goto found;
		return;
	}
	if (!(r->kubernetes && take_prefix(&id, "pod")) && !(is(previous, "libpod_parent") && is_id(id, 12)))
		return;
found:
	if (r->kubernetes)
		r->place->engine = text_of("kubernetes");
	r->place->pod = keep(r, id);
	/* A uid is written with dashes, which part slices from each other in a slice's name. */
	for (char *p = r->room - id.len - 1; *p; p++)
		if (*p == '_')
			*p = '-';
}

/* Names that systemd-machined and those who register with it give: "machine-NAME.scope". */
static bool read_machine(struct reader *r, struct ps_text c, struct ps_text previous, struct ps_text next)
{
	struct ps_text name = c, type, number;
	bool libvirt = false;

	if (take_prefix(&name, "machine-") && take_suffix(&name, ".scope")) {
		/* libvirt: "qemu\x2d3\x2dNAME" */
		type = name;
		libvirt = take_prefix(&type, "qemu\\x2d") || take_prefix(&type, "lxc\\x2d");
		if (libvirt && split(type, '\\', false, &number, &type) && uid_of(number) >= 0 && take_prefix(&type, "x2d"))
			name = type;
		else
			libvirt = false;
	} else {
		name = c;
		if (!take_suffix(&name, ".service") || !(take_prefix(&name, "systemd-nspawn@") ||
		                                         (is(previous, "machine.slice") && take_prefix(&name, "container@"))))
			return false;
	}
	if (is(next, "supervisor"))
		name.len = 0;
	found(r, libvirt ? "libvirt" : "nspawn", name);
	return true;
}

static bool read_lxc(struct reader *r, struct ps_text c, struct ps_text previous)
{
	struct ps_text name = c;

	if (take_prefix(&name, "lxc.payload.") || is(previous, "lxc.payload") || is(previous, "lxc")) {
		found(r, "lxc", name);
		return true;
	}
	if (take_prefix(&name, "lxc.monitor.") || is(c, "lxc.monitor")) {
		found(r, "lxc", (struct ps_text){"", 0});
		return true;
	}
	return false;
}

/* A group that an engine made. */
static bool read_container(struct reader *r, struct ps_text c, struct ps_text previous)
{
	struct ps_text id = c, name, slice;

	take_suffix(&id, ".scope");
	/* What a runtime that does not talk to systemd makes of a name that is meant for systemd. */
	if (split(c, ':', true, &name, &id) && split(name, ':', true, &slice, &name)) {
		for (size_t i = 0; i < ENGINES; i++)
			if (is(name, engines[i].name) && is_id(id, 12)) {
				r->kubernetes |= memmem(slice.data, slice.len, "kubepods", 8) != NULL;
				read_pod(r, slice, previous);
				found(r, engines[i].engine, id);
				return true;
			}
		return false;
	}
	for (size_t i = 0; i < ENGINES; i++) {
		name = id;
		if (take_prefix(&name, engines[i].name) && take_prefix(&name, "-") && is_id(name, 12)) {
			if (engines[i].monitor)
				name.len = 0;
			found(r, engines[i].engine, name);
			return true;
		}
	}
	if (is(previous, "libpod_parent") && is(c, "conmon")) {
		found(r, "podman", (struct ps_text){"", 0});
		return true;
	}
	if (is(previous, "buildkit")) {
		found(r, "buildkit", c);
		return true;
	}
	if (is(previous, "libpod_parent") || !is_id(c, is(previous, "docker") ? 12 : 64))
		return read_lxc(r, c, previous);
	/* A bare id: only what it is in may say whose. */
	found(r, is(previous, "docker") ? "docker" : r->place->pod.len ? "kubernetes" : "", c);
	return true;
}

/* ---- applications ---- */

/* "app-LAUNCHER-ID-RANDOM.scope", "app-ID@RANDOM.service": parts are escaped, so dashes part them. */
static void read_desktop(struct reader *r, struct ps_text unit)
{
	struct ps_text id = unit, launcher = {"", 0}, rest;

	if (take_suffix(&id, ".scope")) {
		bool flatpak = take_prefix(&id, "flatpak-");

		if (!flatpak && !take_prefix(&id, "app-"))
			return;
		split(id, '-', true, &id, &rest);
		if (flatpak)
			launcher = text_of("flatpak");
	} else if (take_suffix(&id, ".service")) {
		split(id, '@', false, &id, &rest);
		/* Started by the message bus: "dbus-:1.2-org.gnome.Maps@0.service" */
		if (!take_prefix(&id, "app-") && !take_prefix(&id, "dbus-:"))
			return;
	} else {
		return;
	}
	if (split(id, '-', true, &rest, &id) && !launcher.len)
		launcher = rest;
	if (!id.len || r->contained)
		return;
	found(r, is(launcher, "flatpak") ? "flatpak" : "desktop", id);
	/* It is no container: one that it makes counts. */
	r->contained = is(launcher, "flatpak");
	r->new_manager = false;
}

/* "snap.NAME.APP-UUID.scope", "snap.NAME.APP.service" */
static bool read_snap(struct reader *r, struct ps_text unit)
{
	struct ps_text name = unit, rest;

	if (!take_prefix(&name, "snap.") || !split(name, '.', false, &name, &rest) || !name.len)
		return false;
	found(r, "snap", name);
	r->new_manager = false;
	return true;
}

/* ---- systemd ---- */

static bool is_unit(struct ps_text c)
{
	static const char *const types[] = {".service", ".scope", ".socket", ".mount", ".swap"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (take_suffix(&c, types[i]))
			return true;
	return false;
}

static void read_slice(struct reader *r, struct ps_text c, struct ps_text *slice)
{
	struct ps_text name = c;

	take_suffix(&name, ".slice");
	if (!r->contained && take_prefix(&name, "user-") && uid_of(name) >= 0)
		r->place->owner = uid_of(name);
	*slice = c;
}

static void read_unit(struct reader *r, struct ps_text c)
{
	struct ps_text name = c, instance;

	if (take_suffix(&name, ".service")) {
		if (split(name, '@', false, &name, &instance) && (is(name, "user") || is(name, "capsule"))) {
			r->new_manager = true;
			if (!r->contained && is(name, "user") && uid_of(instance) >= 0)
				r->place->owner = uid_of(instance);
		}
	} else if (take_suffix(&name, ".scope") && take_prefix(&name, "session-") && !r->contained) {
		r->place->session = keep(r, name);
	}
	if (!read_snap(r, c))
		read_desktop(r, c);
}

static struct ps_text component(const char **at, const char *end)
{
	const char *from = *at;
	const char *to = from < end ? memchr(from, '/', (size_t)(end - from)) : NULL;

	if (!to)
		to = end;
	*at = to < end ? to + 1 : end;
	/* systemd puts an underscore before what could be taken for a file of the kernel's. */
	if (to - from > 1 && *from == '_')
		from++;
	return (struct ps_text){from, (uint32_t)(to - from)};
}

void place_parse(struct ps_place *out, char *room, const char *path, size_t len)
{
	const struct ps_text none = {"", 0};
	struct reader r = {.place = out, .room = room};
	struct ps_text c, next, previous = none, unit = none, slice = none;
	const char *at = path, *end = path + len;

	*out = (struct ps_place){none, none, none, none, none, none, none, -1};
	out->cgroup = keep(&r, (struct ps_text){path, (uint32_t)len});
	next = component(&at, end);
	for (bool more = len > 0; more; previous = c) {
		more = at < end;
		c = next;
		next = more ? component(&at, end) : none;
		if (!c.len)
			continue;
		r.kubernetes |= is(c, "kubepods") || is(c, "kubepods.slice") ||
		                take_suffix(&(struct ps_text){c.data, c.len}, "-kubepods.slice");
		read_pod(&r, c, previous);
		if (c.len > 6 && memcmp(c.data + c.len - 6, ".slice", 6) == 0) {
			if (r.new_manager || !unit.len)
				read_slice(&r, c, &slice);
			continue;
		}
		if (is_unit(c) && (r.new_manager || !unit.len)) {
			unit = c;
			r.new_manager = false;
			read_unit(&r, c);
		}
		if (!read_machine(&r, c, previous, next))
			read_container(&r, c, previous);
	}
	out->unit = keep(&r, unit);
	out->slice = keep(&r, slice);
}
