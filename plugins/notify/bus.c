/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/notify/bus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#define CONNECT_US 3000000
#define CALL_US 3000000
#define SERVICE "org.freedesktop.Notifications"
#define OBJECT "/org/freedesktop/Notifications"

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void bus_close(struct bus *b)
{
	sd_bus_close_unref(b->bus);
	b->bus = NULL;
}

/* The connection is given up: after an error nobody knows what of it still works. */
static int failed(struct bus *b, int err, const char *doing, const char *message)
{
	snprintf(b->why, sizeof(b->why), "%s: %s", doing, message && *message ? message : strerror(-err));
	bus_close(b);
	return err;
}

/* sd_bus_call() would wait for the greeting of the bus for as long as it likes. */
static int greet(struct bus *b)
{
	int64_t end = now_us() + CONNECT_US;
	int r;

	while ((r = sd_bus_is_ready(b->bus)) == 0) {
		int64_t left = end - now_us();

		if (left <= 0)
			return -ETIMEDOUT;
		r = sd_bus_process(b->bus, NULL);
		if (r == 0)
			r = sd_bus_wait(b->bus, (uint64_t)left);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

static int connect_bus(struct bus *b, const char *address)
{
	int r = sd_bus_new(&b->bus);

	if (r >= 0)
		r = sd_bus_set_address(b->bus, address);
	if (r >= 0)
		r = sd_bus_set_bus_client(b->bus, 1);
	if (r >= 0)
		r = sd_bus_start(b->bus);
	if (r >= 0)
		r = greet(b);
	return r < 0 ? failed(b, r, "the session bus", NULL) : 0;
}

static int read_capabilities(struct bus *b, sd_bus_message *reply)
{
	const char *sender = sd_bus_message_get_sender(reply), *word;
	int r = sd_bus_message_enter_container(reply, 'a', "s");

	b->markup = false;
	while (r >= 0 && (r = sd_bus_message_read_basic(reply, 's', &word)) > 0)
		b->markup |= strcmp(word, "body-markup") == 0;
	if (sender && strcmp(sender, b->server) != 0) {
		snprintf(b->server, sizeof(b->server), "%s", sender);
		b->servers++;
	}
	return r;
}

int bus_ready(struct bus *b, const char *address)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *call = NULL, *reply = NULL;
	int r = 1;

	/* Signals that nobody asked for, and the end of a bus that has gone. */
	while (b->bus && r > 0)
		r = sd_bus_process(b->bus, NULL);
	if (b->bus && (r < 0 || !sd_bus_is_open(b->bus)))
		bus_close(b);
	if (!b->bus && (r = connect_bus(b, address)))
		return r;
	r = sd_bus_message_new_method_call(b->bus, &call, SERVICE, OBJECT, SERVICE, "GetCapabilities");
	if (r >= 0)
		r = sd_bus_call(b->bus, call, CALL_US, &error, &reply);
	if (r >= 0)
		r = read_capabilities(b, reply);
	if (r < 0)
		failed(b, r, "the notification server", error.message);
	sd_bus_message_unref(call);
	sd_bus_message_unref(reply);
	sd_bus_error_free(&error);
	return r < 0 ? r : 0;
}

int bus_notify(struct bus *b, const struct bus_message *m, uint32_t *id)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *call = NULL, *reply = NULL;
	int r = sd_bus_message_new_method_call(b->bus, &call, SERVICE, OBJECT, SERVICE, "Notify");

	if (r >= 0)
		r = sd_bus_message_append(call, "susssasa{sv}i", "picosnitch", m->replaces, m->icon, m->summary, m->body, 0, 2,
		                          "urgency", "y", m->urgency, "category", "s", "network", -1);
	if (r >= 0)
		r = sd_bus_call(b->bus, call, CALL_US, &error, &reply);
	if (r >= 0)
		r = sd_bus_message_read_basic(reply, 'u', id);
	if (r < 0)
		failed(b, r, "the notification server", error.message);
	sd_bus_message_unref(call);
	sd_bus_message_unref(reply);
	sd_bus_error_free(&error);
	return r < 0 ? r : 0;
}
