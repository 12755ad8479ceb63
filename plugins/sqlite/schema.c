/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/sqlite/schema.h"

#include <stdio.h>

/*
 * Dictionary rows carry `seen`: no row of connections that refers to one is younger than that
 * (retention needs it, see retention.c). Executables are found by `key`, the beginning of a
 * SHA-256 of their texts: an index over the texts would hold every command line twice.
 */
static const char first[] =
    "CREATE TABLE executables(id INTEGER PRIMARY KEY, exe TEXT NOT NULL, name TEXT NOT NULL, cmdline TEXT NOT NULL,"
    " sha256 TEXT NOT NULL, hash_state TEXT NOT NULL, flags INTEGER NOT NULL, key INTEGER NOT NULL,"
    " seen INTEGER NOT NULL) STRICT;"
    "CREATE INDEX executables_key ON executables(key);"
    "CREATE INDEX executables_seen ON executables(seen);"
    "CREATE TABLE domains(id INTEGER PRIMARY KEY, domain TEXT NOT NULL UNIQUE, seen INTEGER NOT NULL) STRICT;"
    "CREATE INDEX domains_seen ON domains(seen);"
    "CREATE TABLE addresses(id INTEGER PRIMARY KEY, addr TEXT NOT NULL UNIQUE, seen INTEGER NOT NULL) STRICT;"
    "CREATE INDEX addresses_seen ON addresses(seen);"
    "INSERT INTO executables VALUES(0, '', '', '', '', 'absent', 0, 0, 9223372036854775807);"
    "INSERT INTO domains VALUES(0, '', 9223372036854775807);"
    "INSERT INTO addresses VALUES(0, '', 9223372036854775807);"

    "CREATE TABLE connections(contime INTEGER NOT NULL, send INTEGER NOT NULL, recv INTEGER NOT NULL,"
    " events INTEGER NOT NULL, exe_id INTEGER NOT NULL, pexe_id INTEGER NOT NULL, gpexe_id INTEGER NOT NULL,"
    " uid INTEGER NOT NULL, family INTEGER NOT NULL, protocol INTEGER NOT NULL, lport INTEGER NOT NULL,"
    " rport INTEGER NOT NULL, laddr_id INTEGER NOT NULL, raddr_id INTEGER NOT NULL, domain_id INTEGER NOT NULL,"
    " netns INTEGER NOT NULL, endtime INTEGER NOT NULL, batch_id INTEGER NOT NULL) STRICT;"
    "CREATE INDEX connections_contime ON connections(contime);"

    "CREATE TABLE losses(starttime INTEGER NOT NULL, endtime INTEGER NOT NULL, stage TEXT NOT NULL,"
    " count INTEGER NOT NULL, send INTEGER NOT NULL, recv INTEGER NOT NULL, text TEXT NOT NULL,"
    " batch_id INTEGER NOT NULL) STRICT;"
    "CREATE INDEX losses_endtime ON losses(endtime);"

    "CREATE TABLE batches(id INTEGER PRIMARY KEY, host BLOB NOT NULL, boot BLOB NOT NULL, seq INTEGER NOT NULL,"
    " digest BLOB NOT NULL, previous BLOB NOT NULL, starttime INTEGER NOT NULL, endtime INTEGER NOT NULL,"
    " rows INTEGER NOT NULL, UNIQUE(host, boot, seq)) STRICT;"

    "CREATE VIEW connections_flat AS SELECT"
    " strftime('%Y-%m-%d %H:%M:%S', c.contime, 'unixepoch', 'localtime') AS contime, c.send AS send, c.recv AS recv,"
    " e.exe AS exe, e.name AS name, e.cmdline AS cmdline, e.sha256 AS sha256,"
    " p.exe AS pexe, p.name AS pname, p.cmdline AS pcmdline, p.sha256 AS psha256,"
    " c.uid AS uid, c.lport AS lport, c.rport AS rport, l.addr AS laddr, r.addr AS raddr, d.domain AS domain"
    " FROM connections c LEFT JOIN executables e ON e.id = c.exe_id LEFT JOIN executables p ON p.id = c.pexe_id"
    " LEFT JOIN addresses l ON l.id = c.laddr_id LEFT JOIN addresses r ON r.id = c.raddr_id"
    " LEFT JOIN domains d ON d.id = c.domain_id;";

/* Seconds, and NULL for what is not known or has not ended, so that durations come out right. */
static const char life[] = "ALTER TABLE connections ADD COLUMN direction TEXT NOT NULL DEFAULT '';"
                           "ALTER TABLE connections ADD COLUMN opened INTEGER;"
                           "ALTER TABLE connections ADD COLUMN closed INTEGER;";

/* Bytes and packets as in struct ps_audit; layer by name. */
static const char audit[] =
    "CREATE TABLE audit(starttime INTEGER NOT NULL, endtime INTEGER NOT NULL, netns INTEGER NOT NULL, layer TEXT NOT "
    "NULL,"
    " send INTEGER NOT NULL, recv INTEGER NOT NULL, packets_send INTEGER NOT NULL, packets_recv INTEGER NOT NULL,"
    " errors INTEGER NOT NULL, retransmitted INTEGER NOT NULL, forwarded INTEGER NOT NULL, own_send INTEGER NOT NULL,"
    " own_recv INTEGER NOT NULL, own_events INTEGER NOT NULL, rest_send INTEGER NOT NULL, rest_recv INTEGER NOT NULL,"
    " rest_packets INTEGER NOT NULL, batch_id INTEGER NOT NULL) STRICT;"
    "CREATE INDEX audit_endtime ON audit(endtime);";

/* Where programs run, scripts, and what was new. NULL for an owner that is not there. */
static const char places[] =
    "CREATE TABLE places(id INTEGER PRIMARY KEY, cgroup TEXT NOT NULL, unit TEXT NOT NULL, slice TEXT NOT NULL,"
    " session TEXT NOT NULL, engine TEXT NOT NULL, container TEXT NOT NULL, pod TEXT NOT NULL, owner INTEGER,"
    " key INTEGER NOT NULL, seen INTEGER NOT NULL) STRICT;"
    "CREATE INDEX places_key ON places(key);"
    "CREATE INDEX places_seen ON places(seen);"
    "INSERT INTO places VALUES(0, '', '', '', '', '', '', '', NULL, 0, 9223372036854775807);"
    "ALTER TABLE connections ADD COLUMN place_id INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE connections ADD COLUMN domain_source TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE connections ADD COLUMN domain_rivals INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE executables ADD COLUMN script TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE executables ADD COLUMN script_sha256 TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE executables ADD COLUMN script_state TEXT NOT NULL DEFAULT 'absent';"
    "CREATE TABLE programs(time INTEGER NOT NULL, event TEXT NOT NULL, role TEXT NOT NULL, exe_id INTEGER NOT NULL,"
    " pexe_id INTEGER NOT NULL, gpexe_id INTEGER NOT NULL, place_id INTEGER NOT NULL, uid INTEGER NOT NULL,"
    " expected INTEGER NOT NULL, previous_sha256 TEXT NOT NULL, text TEXT NOT NULL, batch_id INTEGER NOT NULL) STRICT;"
    "CREATE INDEX programs_time ON programs(time);";

/* What the hash chain is computed from (core/trail). marks is NULL for batches of older versions, whose digest
 * cannot be computed again. Batches that began before the cutoff may have lost rows to retention.
 * closed: its writer has ended in good order. */
static const char trail[] = "ALTER TABLE batches ADD COLUMN hostname TEXT NOT NULL DEFAULT '';"
                            "ALTER TABLE batches ADD COLUMN marks BLOB;"
                            "CREATE TABLE upkeep(cutoff INTEGER NOT NULL, closed INTEGER NOT NULL) STRICT;"
                            "INSERT INTO upkeep VALUES(-9223372036854775807, 1);";

/*
 * Sums of connections by hour and by day (rollup.c), which answer questions about long ranges. A port that
 * a client has for one connection alone would make each connection a row: there, it is ROLLUP_ANY_PORT.
 * rolled: before that, all hours and days are there but those that are stale.
 */
#define ROLLUP                                                                                                         \
	"(time INTEGER NOT NULL, exe_id INTEGER NOT NULL, pexe_id INTEGER NOT NULL, gpexe_id INTEGER NOT NULL,"            \
	" uid INTEGER NOT NULL, family INTEGER NOT NULL, protocol INTEGER NOT NULL, lport INTEGER NOT NULL,"               \
	" rport INTEGER NOT NULL, laddr_id INTEGER NOT NULL, raddr_id INTEGER NOT NULL, domain_id INTEGER NOT NULL,"       \
	" domain_source TEXT NOT NULL, netns INTEGER NOT NULL, place_id INTEGER NOT NULL, direction TEXT NOT NULL,"        \
	" send INTEGER NOT NULL, recv INTEGER NOT NULL, events INTEGER NOT NULL, n INTEGER NOT NULL,"                      \
	" first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;"

static const char rollups[] = "CREATE TABLE hours" ROLLUP "CREATE INDEX hours_time ON hours(time);"
                              "CREATE TABLE days" ROLLUP "CREATE INDEX days_time ON days(time);"
                              "CREATE TABLE stale(hour INTEGER PRIMARY KEY) STRICT;"
                              "ALTER TABLE upkeep ADD COLUMN rolled INTEGER NOT NULL DEFAULT -9223372036854775807;";

/*
 * Quarters of a day, too; and sums of who it was alone, without whom with: far fewer rows, so that there are some for
 * each ten minutes. All that was summed up before is summed up anew, with them.
 */
#define WHO                                                                                                            \
	"(time INTEGER NOT NULL, exe_id INTEGER NOT NULL, pexe_id INTEGER NOT NULL, gpexe_id INTEGER NOT NULL,"            \
	" uid INTEGER NOT NULL, family INTEGER NOT NULL, protocol INTEGER NOT NULL, netns INTEGER NOT NULL,"               \
	" place_id INTEGER NOT NULL, direction TEXT NOT NULL, send INTEGER NOT NULL, recv INTEGER NOT NULL,"               \
	" events INTEGER NOT NULL, n INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;"

static const char who[] = "CREATE TABLE quarters" ROLLUP "CREATE INDEX quarters_time ON quarters(time);"
                          "CREATE TABLE who_10min" WHO "CREATE INDEX who_10min_time ON who_10min(time);"
                          "CREATE TABLE who_hours" WHO "CREATE INDEX who_hours_time ON who_hours(time);"
                          "CREATE TABLE who_days" WHO "CREATE INDEX who_days_time ON who_days(time);"
                          "DELETE FROM hours; DELETE FROM days; DELETE FROM stale;"
                          "UPDATE upkeep SET rolled = -9223372036854775807;";

/* asked and analysed are NULL when they are not known. */
static const char verdicts[] =
    "CREATE TABLE verdicts(time INTEGER NOT NULL, sha256 TEXT NOT NULL, state TEXT NOT NULL, previous TEXT NOT NULL,"
    " service TEXT NOT NULL, malicious INTEGER NOT NULL, suspicious INTEGER NOT NULL, harmless INTEGER NOT NULL,"
    " undetected INTEGER NOT NULL, asked INTEGER, analysed INTEGER, exe TEXT NOT NULL, text TEXT NOT NULL,"
    " link TEXT NOT NULL, batch_id INTEGER NOT NULL) STRICT;"
    "CREATE INDEX verdicts_time ON verdicts(time);"
    "CREATE INDEX verdicts_sha256 ON verdicts(sha256);";

/*
 * The same sums as they are read: those of a time beside each other, and first what every question adds up. seq tells
 * those of a time apart. All that was summed up before is summed up anew.
 */
#define SUMS(keys)                                                                                                     \
	"(time INTEGER NOT NULL, seq INTEGER NOT NULL, send INTEGER NOT NULL, recv INTEGER NOT NULL, n INTEGER NOT NULL,"  \
	" events INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, " keys                                   \
	" PRIMARY KEY(time, seq)) STRICT, WITHOUT ROWID;"
#define SUMS_WHO                                                                                                       \
	SUMS("exe_id INTEGER NOT NULL, uid INTEGER NOT NULL, pexe_id INTEGER NOT NULL, gpexe_id INTEGER NOT NULL,"         \
	     " family INTEGER NOT NULL, protocol INTEGER NOT NULL, netns INTEGER NOT NULL, place_id INTEGER NOT NULL,"     \
	     " direction TEXT NOT NULL,")
#define SUMS_WIDE                                                                                                      \
	SUMS("domain_id INTEGER NOT NULL, raddr_id INTEGER NOT NULL, rport INTEGER NOT NULL, exe_id INTEGER NOT NULL,"     \
	     " uid INTEGER NOT NULL, pexe_id INTEGER NOT NULL, gpexe_id INTEGER NOT NULL, family INTEGER NOT NULL,"        \
	     " protocol INTEGER NOT NULL, lport INTEGER NOT NULL, laddr_id INTEGER NOT NULL, domain_source TEXT NOT NULL," \
	     " netns INTEGER NOT NULL, place_id INTEGER NOT NULL, direction TEXT NOT NULL,")

static const char clustered[] =
    "DROP TABLE hours; DROP TABLE quarters; DROP TABLE days; DROP TABLE who_10min; DROP TABLE who_hours;"
    "DROP TABLE who_days; CREATE TABLE hours" SUMS_WIDE "CREATE TABLE quarters" SUMS_WIDE "CREATE TABLE days" SUMS_WIDE
    "CREATE TABLE who_10min" SUMS_WHO "CREATE TABLE who_hours" SUMS_WHO "CREATE TABLE who_days" SUMS_WHO
    "DELETE FROM stale; UPDATE upkeep SET rolled = -9223372036854775807;";

/* Step i makes version SCHEMA_FIRST + i out of the one before. Append only: files have run them. */
static const char *const steps[] = {first, life, audit, places, trail, rollups, verdicts, who, clustered};

#define STEPS ((int)(sizeof(steps) / sizeof(*steps)))

int schema_newest(void)
{
	return SCHEMA_FIRST + STEPS - 1;
}

static int one_number(sqlite3 *db, const char *sql, int *number)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		*number = sqlite3_column_int(st, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc;
}

int schema_version(sqlite3 *db, int *version)
{
	int tables = 0, rc = one_number(db, "PRAGMA user_version", version);

	if (rc == SQLITE_OK && *version == 0)
		rc = one_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (rc == SQLITE_OK && tables)
		*version = -1;
	return rc;
}

int schema_apply(sqlite3 *db, int version)
{
	int rc = SQLITE_OK;

	for (int step = version ? version - SCHEMA_FIRST + 1 : 0; step < STEPS && rc == SQLITE_OK; step++) {
		char number[64];

		snprintf(number, sizeof(number), "PRAGMA user_version = %d", SCHEMA_FIRST + step);
		rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db, steps[step], NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db, number, NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
		if (rc != SQLITE_OK)
			sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	}
	return rc;
}
