/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `picosnitch geoip`: the database of countries; and, started by it or by the daemon, the process that fetches it. */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/cli/cli.h"
#include "core/cli/front.h"
#include "core/delivery/confine.h"
#include "core/delivery/own_folder.h"
#include "core/geoip/fetch.h"
#include "core/geoip/renew.h"
#include "core/geoip/wanted.h"

enum { OLD_DAYS = 90 };

static const char help[] =
    "usage: picosnitch geoip [--update]\n"
    "\n"
    "Says which database of countries is in use, and how old it is.\n"
    "\n"
    "  --update   fetch a newer one first, as the user that sinks run as; see [geoip] in picosnitch.ini(5)\n"
    "\n"
    "Exit status: 0 there is one, 1 there is none, or it could not be fetched.\n"
    "\n"
    "What is fetched, unless the configuration says otherwise, is DB-IP's IP to Country Lite:\n"
    "IP Geolocation by DB-IP (https://db-ip.com), CC-BY-4.0.\n";

/* --fetch URL FOLDER UID GID [--if-due]: the process that fetches, which has those ids already, or "-": whoever it
 * is. What it has to say goes to stdout. */
static int fetch_main(int argc, char **argv)
{
	const struct rlimit size = {FETCH_UNPACKED_MAX + 1, FETCH_UNPACKED_MAX + 1};
	struct renew_order order = {argv[2], argv[3], argc > 6, time(NULL)};
	int ids = strcmp(argv[4], "-") != 0, r;
	char why[TRUST_WHY], said[RENEW_SAID];

	if (confine(ids ? argv[4] : NULL, ids ? argv[5] : NULL, STDERR_FILENO, why)) {
		printf("%s\n", why);
		return 1;
	}
	if (order.if_due && confine_to_parent(getppid()))
		return 1;
	setrlimit(RLIMIT_FSIZE, &size);
	signal(SIGXFSZ, SIG_IGN);
	umask(022);
	r = renew(&order, said);
	printf("%s\n", said);
	return r < 0;
}

/* In the child: becomes that user, and then the process that fetches. */
static void become(const struct settings *s, const char *folder, const struct passwd *user)
{
	char *uid = user ? mem_printf("%u", (unsigned)user->pw_uid) : mem_strdup("-");
	char *gid = user ? mem_printf("%u", (unsigned)user->pw_gid) : mem_strdup("-");
	char *args[] = {mem_strdup(cli.program),
	                mem_strdup("geoip"),
	                mem_strdup("--fetch"),
	                mem_strdup(s->geoip.url),
	                mem_strdup(folder),
	                uid,
	                gid,
	                NULL};

	if (user && (setgroups(0, NULL) || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
	             setresuid(user->pw_uid, user->pw_uid, user->pw_uid)))
		log_error("this process cannot become user %s: %s", user->pw_name, strerror(errno));
	else if (execv(cli.program, args))
		log_error("%s: %s", cli.program, strerror(errno));
	_exit(1);
}

static int update(const struct settings *s)
{
	struct passwd *user = geteuid() ? NULL : getpwnam(s->core.user);
	char *folder = mem_printf("%s/geoip", s->paths.cache), why[TRUST_WHY];
	int status = 1;
	pid_t pid;

	if (*s->geoip.database) {
		log_error("[geoip] database names a file of your own: nothing is fetched");
	} else if (!geteuid() && !user) {
		log_error("there is no user %s ([core] user) to fetch it as", s->core.user);
	} else if (own_folder_make(s->paths.cache, "geoip", user ? user->pw_uid : 0, user ? user->pw_gid : 0, why)) {
		log_error("%s", why);
	} else if ((pid = fork()) == 0) {
		become(s, folder, user);
	} else if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		log_error("the process that fetches: %s", strerror(errno));
	}
	free(folder);
	return status != 0;
}

static int show(const struct settings *s)
{
	char why[COUNTRY_WHY], *path;
	struct country *db;
	int64_t days, built;
	time_t t;
	struct tm tm = {0};
	char date[32] = "?";

	if (!s->geoip.enabled) {
		printf("countries are not shown ([geoip] enabled is no)\n");
		return 1;
	}
	db = country_open_wanted(s, why);
	if (!db) {
		log_error("%s", why);
		return 1;
	}
	path = country_wanted(s);
	built = country_built(db);
	days = (clock_wall_ns() / NS_PER_S - built) / 86400;
	t = (time_t)built;
	if (gmtime_r(&t, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	printf("database   %s\ntype       %s\nbuilt      %s, %" PRId64 " days ago\n", path, country_type(db), date, days);
	if (!*s->geoip.database)
		printf("fetched    %s, %s\n", s->geoip.update ? "monthly, by the daemon" : "when it is asked for",
		       s->geoip.url);
	if (country_attribution(db))
		printf("\n%s\n", country_attribution(db));
	if (days > OLD_DAYS)
		log_warning("it is old: countries of many addresses have changed");
	country_close(db);
	free(path);
	return 0;
}

int front_main(int argc, char **argv)
{
	struct settings *s;
	int status = 0;

	if (argc >= 6 && strcmp(argv[1], "--fetch") == 0)
		return fetch_main(argc, argv);
	if (cli_help(argc, argv, help))
		return 0;
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--update") != 0)
			return cli_usage("geoip", argv[i]);
	s = cli_load_paths();
	if (!s)
		return 1;
	if (argc > 1) {
		fflush(stdout);
		status = update(s);
	}
	status |= show(s);
	settings_free(s);
	return status;
}
