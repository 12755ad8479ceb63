/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sinks/batches.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"

#define MOST 32768 /* of each in a batch */
#define LONG_ARGUMENTS (100 * 1024)

struct ps_text made_text(struct made *m, const void *data, size_t len)
{
	return (struct ps_text){arena_copy(&m->memory, data, len), (uint32_t)len};
}

static struct ps_place nowhere(struct made *m)
{
	struct ps_text none = m->texts[0];

	return (struct ps_place){none, none, none, none, none, none, none, -1};
}

void made_init(struct made *m, uint64_t seq)
{
	memset(m, 0, sizeof(*m));
	arena_init(&m->memory);
	memset(m->batch.host, 0x11, sizeof(m->batch.host));
	memset(m->batch.boot, 0x22, sizeof(m->batch.boot));
	memset(m->batch.digest, (int)(seq & 0xff), sizeof(m->batch.digest));
	m->batch.seq = seq;
	m->batch.hostname = made_text(m, "test", 4);
	m->exes = mem_alloc(MOST * sizeof(*m->exes));
	m->places = mem_alloc(MOST * sizeof(*m->places));
	m->texts = mem_alloc(MOST * sizeof(*m->texts));
	m->records = mem_alloc(MOST * sizeof(*m->records));
	m->texts[0] = made_text(m, "", 0);
	m->exes[0].path = m->exes[0].name = m->exes[0].cmdline = m->exes[0].script = m->texts[0];
	m->places[0] = nowhere(m);
	m->batch.exes = m->exes;
	m->batch.places = m->places;
	m->batch.texts = m->texts;
	m->batch.records = m->records;
	m->batch.n_exes = m->batch.n_places = m->batch.n_texts = 1;
}

void made_done(struct made *m)
{
	arena_done(&m->memory);
	free(m->exes);
	free(m->places);
	free(m->texts);
	free(m->records);
}

uint32_t made_exe(struct made *m, struct ps_text path, struct ps_text name, struct ps_text cmdline)
{
	struct ps_exe *exe = &m->exes[m->batch.n_exes];

	*exe = (struct ps_exe){
	    .path = path, .name = name, .cmdline = cmdline, .hash_state = PS_HASH_OK, .script = m->texts[0]};
	memset(exe->sha256, (int)m->batch.n_exes, sizeof(exe->sha256));
	return m->batch.n_exes++;
}

uint32_t made_domain(struct made *m, struct ps_text text)
{
	m->texts[m->batch.n_texts] = text;
	return m->batch.n_texts++;
}

uint32_t made_place(struct made *m, const char *container)
{
	struct ps_place *place = &m->places[m->batch.n_places];
	char *cgroup = mem_printf("/machine.slice/libpod-%s.scope", container);

	*place = nowhere(m);
	place->cgroup = made_text(m, cgroup, strlen(cgroup));
	place->unit = made_text(m, cgroup + 15, strlen(cgroup + 15));
	place->slice = made_text(m, "machine.slice", 13);
	place->engine = made_text(m, "podman", 6);
	place->container = made_text(m, container, strlen(container));
	free(cgroup);
	return m->batch.n_places++;
}

static struct ps_record *made_record(struct made *m, int64_t start, uint32_t kind)
{
	struct ps_record *r = &m->records[m->batch.n_records++];

	*r = (struct ps_record){.kind = kind, .start_ns = start * NS_PER_S, .end_ns = (start + 10) * NS_PER_S};
	return r;
}

struct ps_record *made_traffic(struct made *m, int64_t start)
{
	struct ps_record *r = made_record(m, start, PS_TRAFFIC);

	r->traffic = (struct ps_traffic){
	    .exe = m->batch.n_exes > 1,
	    .uid = 1000,
	    .netns = 4026531840U,
	    .family = AF_INET,
	    .protocol = IPPROTO_TCP,
	    .lport = 40000,
	    .rport = 443,
	    .laddr = {.family = AF_INET, .bytes = {192, 0, 2, 1}},
	    .raddr = {.family = AF_INET, .bytes = {198, 51, 100, 7}},
	    .sent = 1000,
	    .received = 2000,
	    .calls = 3,
	};
	return r;
}

struct ps_record *made_program(struct made *m, int64_t start, const char *text)
{
	struct ps_record *r = made_record(m, start, PS_PROGRAM);

	r->program = (struct ps_program){
	    .exe = m->batch.n_exes > 1,
	    .text = made_domain(m, made_text(m, text, strlen(text))),
	    .uid = 1000,
	    .event = PS_PROGRAM_NEW_HASH,
	    .role = PS_ROLE_PARENT,
	    .expected = 1,
	    .previous = {0xab},
	};
	return r;
}

struct ps_record *made_audit(struct made *m, int64_t start)
{
	struct ps_record *r = made_record(m, start, PS_AUDIT);

	r->audit = (struct ps_audit){
	    .netns = 4026531840U,
	    .layer = PS_LAYER_IP,
	    .sent = 10000,
	    .received = 20000,
	    .packets_sent = 10,
	    .packets_received = 20,
	    .errors = 1,
	    .retransmitted = 2,
	    .forwarded = 3,
	    .own_sent = 9000,
	    .own_received = 19000,
	    .own_calls = 30,
	    .rest_sent = -5,
	    .rest_received = 6,
	    .rest_packets = -7,
	};
	return r;
}

struct ps_record *made_verdict(struct made *m, int64_t start, const char *text)
{
	struct ps_record *r = made_record(m, start, PS_VERDICT);

	r->finding = (struct ps_finding){
	    .sha256 = {0xcd},
	    .state = PS_FINDING_SUSPICIOUS,
	    .previous = PS_FINDING_CLEAN,
	    .service = made_domain(m, made_text(m, "virustotal", 10)),
	    .text = made_domain(m, made_text(m, text, strlen(text))),
	    .link = made_domain(m, made_text(m, "https://example.com/", 20)),
	    .malicious = 3,
	    .suspicious = 1,
	    .harmless = 2,
	    .undetected = 66,
	    .asked_ns = start * NS_PER_S,
	};
	r->finding.path = made_domain(m, hostile_path());
	return r;
}

struct ps_record *made_alert(struct made *m, int64_t start, const char *text)
{
	struct ps_record *r = made_record(m, start, PS_ALERT);

	r->alert = (struct ps_alert){
	    .stage = PS_STAGE_FLOWS,
	    .text = made_domain(m, made_text(m, text, strlen(text))),
	    .count = 4,
	    .sent = 500,
	    .received = 600,
	};
	return r;
}

void made_usual(struct made *m, uint64_t seq, uint32_t n, int64_t start)
{
	char text[64];

	made_init(m, seq);
	for (unsigned i = 0; i < 5; i++) {
		int len = snprintf(text, sizeof(text), "/usr/bin/program-%u", i);
		struct ps_text path = made_text(m, text, (size_t)len);

		len = snprintf(text, sizeof(text), "program-%u%c--now%c", i, 0, 0);
		made_exe(m, path, made_text(m, text, strlen(text)), made_text(m, text, (size_t)len));
	}
	made_domain(m, made_text(m, "org.example.www", 15));
	for (uint32_t i = 0; i < n; i++) {
		struct ps_traffic *t = &made_traffic(m, start)->traffic;

		t->exe = 1 + i % 3;
		t->parent = 4;
		t->grandparent = 5;
		t->domain = i % 2;
		t->lport = 32768 + (int32_t)(i % 20000);
		t->raddr.bytes[2] = (uint8_t)(i >> 8 & 7);
		t->raddr.bytes[3] = (uint8_t)i;
	}
}

struct ps_text hostile_path(void)
{
	static const char path[] =
	    "/tmp/\xff\xfe,\"'\n2026-01-01T00:00:00Z,1,1,/bin/forged\r\t\0x\x1b[31m\\x41\xe2\x80\xae\xc3\xa9";

	return (struct ps_text){path, sizeof(path) - 1};
}

void made_hostile(struct made *m, uint64_t seq, int64_t start)
{
	char *arguments = mem_alloc(LONG_ARGUMENTS);
	struct ps_traffic *t;
	uint32_t exe;

	made_init(m, seq);
	for (size_t i = 0; i < LONG_ARGUMENTS; i++)
		arguments[i] = (char)(i * 31 + i / 251);
	exe = made_exe(m, hostile_path(), made_text(m, "a\nb\xc3", 4), made_text(m, arguments, LONG_ARGUMENTS));
	t = &made_traffic(m, start)->traffic;
	t->exe = t->parent = t->grandparent = exe;
	t->domain = made_domain(m, made_text(m, "org.\xff\n,evil\0x", 13));
	made_traffic(m, start);
	free(arguments);
}
