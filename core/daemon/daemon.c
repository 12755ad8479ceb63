/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/daemon/control.h"
#include "core/daemon/countries.h"
#include "core/daemon/couriers.h"
#include "core/daemon/gap.h"
#include "core/daemon/pidfile.h"
#include "core/daemon/privileges.h"
#include "core/daemon/status.h"
#include "core/daemon/watch.h"
#include "core/delivery/journal.h"
#include "core/query/rows.h"

/* How long stopping may take: for hashes under way, for the journal, for the sinks. */
#define STOP_NS (8 * NS_PER_S)
#define JOURNAL_CLOSE_MS 10000

enum phase { RUNNING, DRAINING, DELIVERING, CLOSING };

struct daemon {
	const struct daemon_options *options;
	struct settings *settings, *next; /* next: read anew, waits for the couriers to end */
	uv_loop_t loop;
	uv_signal_t terminate, interrupt, hangup;
	uv_timer_t patience; /* of stopping */
	uv_work_t reload;
	bool reloading;
	struct own_state config_read; /* the configuration as it was read last */
	struct watch watch;
	struct journal *journal;
	struct control *control;
	struct couriers *couriers;
	struct countries *countries;
	struct courier_host host;
	enum phase phase;
	int pidfile;
	int64_t started_ns, deadline_ns;
	char hostname[HOST_NAME_MAX + 1];
};

/* log_hook() has no argument. */
static struct journal *log_journal;
static int starter = -1;

static void on_error(enum log_level level, const char *line)
{
	char stamp[CLOCK_TEXT_SIZE], *text;

	if (starter >= 0)
		dprintf(starter, "picosnitch: %s%s\n", level == LOG_LEVEL_ERROR ? "error: " : "warning: ", line);
	if (!log_journal)
		return;
	text =
	    mem_printf("%s %s%s", clock_text(stamp, clock_wall_ns()), level == LOG_LEVEL_WARNING ? "warning: " : "", line);
	journal_line(log_journal, JOURNAL_ERROR_LOG, text);
	free(text);
}

static void tell_systemd(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
	           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_debug("systemd does not listen: %s", strerror(errno));
	close(fd);
}

/* ---- couriers ---- */

static void start_couriers(struct daemon *d);

static void deliver_or_close(struct daemon *d)
{
	d->phase = CLOSING;
	control_close(d->control);
	uv_close((uv_handle_t *)&d->terminate, NULL);
	uv_close((uv_handle_t *)&d->interrupt, NULL);
	uv_close((uv_handle_t *)&d->hangup, NULL);
	uv_close((uv_handle_t *)&d->patience, NULL);
	couriers_close(d->couriers);
	countries_close(d->countries);
	uv_stop(&d->loop);
}

static void on_couriers_ended(void *arg)
{
	struct daemon *d = arg;

	if (d->phase == DELIVERING)
		deliver_or_close(d);
	else if (d->next)
		start_couriers(d);
}

static void on_courier_alert(void *arg, const char *sink, const char *text, uint64_t count)
{
	struct daemon *d = arg;

	losses_add(d->watch.losses, PS_STAGE_SINK, count, 0, 0, "sink %s: %s", sink, text);
}

static int on_courier_found(void *arg, const char *sink, const struct ps_found *found)
{
	struct daemon *d = arg;

	return d->phase == RUNNING ? programs_found(&d->watch.programs, sink, found) : -EAGAIN;
}

/* Puts new settings in force, if there are any, and starts a courier for each sink. */
static void start_couriers(struct daemon *d)
{
	if (d->next) {
		struct journal_limits limits = {d->next->journal.max_size, d->next->journal.max_age_ms};

		settings_free(d->settings);
		d->settings = d->next;
		d->next = NULL;
		watch_reload(&d->watch, d->settings);
		countries_reload(d->countries, d->settings);
		journal_set_limits(d->journal, &limits);
		tamper_reload(d->watch.tamper, d->settings, &d->config_read);
		losses_tell(d->watch.losses, PS_STAGE_CONFIG, 0, 0, "the configuration has been read again, and is in force");
	}
	d->host.settings = d->settings;
	if (!couriers_start(d->couriers, &d->host))
		log_warning("no sink is enabled: records are kept nowhere");
}

/* ---- the journal ---- */

static void stop_delivery(struct daemon *d)
{
	if (d->phase != DRAINING)
		return;
	d->phase = DELIVERING;
	couriers_stop(d->couriers, 1, d->deadline_ns);
}

static void on_committed(void *arg, uint64_t last_seq)
{
	struct daemon *d = arg;

	(void)last_seq;
	couriers_wake(d->couriers);
	couriers_found_done(d->couriers);
	if (d->phase == DRAINING && !d->watch.handles && !journal_queued(d->journal))
		stop_delivery(d);
}

static void on_dropped(void *arg, const struct journal_drop *drop)
{
	struct daemon *d = arg;
	char *text =
	    mem_printf("the journal met its limits ([journal] max_size, max_age): %llu batches were dropped for sink %s",
	               (unsigned long long)drop->batches, drop->sink);

	losses_add_range(d->watch.losses, PS_STAGE_JOURNAL, drop->start_ns, drop->end_ns, drop->records, drop->sent,
	                 drop->received, text);
	free(text);
}

static void on_trouble(void *arg, int error, const char *what)
{
	struct daemon *d = arg;

	if (error)
		losses_add(d->watch.losses, PS_STAGE_JOURNAL, 0, 0, 0, "the journal cannot be written: %s; it is tried again",
		           what);
	else
		log_info("the journal can be written again");
}

/* ---- the watch ---- */

static void on_window_ended(void *arg)
{
	struct daemon *d = arg;

	pidfile_touch(d->pidfile);
}

static void on_watch_stopped(void *arg)
{
	struct daemon *d = arg;

	/* What it has handed over must be durable before the couriers are told that it is all. */
	if (!journal_queued(d->journal) || clock_monotonic_ns() >= d->deadline_ns)
		stop_delivery(d);
}

/* ---- signals ---- */

/* Whatever stopping waits for has had its time. */
static void hurry(struct daemon *d)
{
	d->deadline_ns = clock_monotonic_ns();
	watch_stop(&d->watch, d->deadline_ns);
	if (d->phase == DRAINING && !d->watch.handles)
		stop_delivery(d);
	if (d->phase == DELIVERING)
		couriers_stop(d->couriers, 0, d->deadline_ns);
}

static void on_patience(uv_timer_t *timer)
{
	log_warning("not everything could be finished in time; what the sinks have not taken stays in the journal");
	hurry(timer->data);
}

static void on_stop(uv_signal_t *signal, int number)
{
	struct daemon *d = signal->data;

	if (d->phase != RUNNING) {
		/* Asked twice: no more patience. */
		log_warning("asked to stop again (signal %d): not waiting any longer", number);
		hurry(d);
		return;
	}
	log_info("stopping: draining the kernel, writing the last window");
	tell_systemd("STOPPING=1");
	d->phase = DRAINING;
	d->deadline_ns = clock_monotonic_ns() + STOP_NS;
	watch_stop(&d->watch, clock_monotonic_ns() + STOP_NS / 2);
	uv_timer_start(&d->patience, on_patience, STOP_NS / NS_PER_MS, 1000);
}

static void reload_work(uv_work_t *work)
{
	struct daemon *d = work->data;

	own_state_of(&d->config_read, d->options->config);
	d->next = d->options->reload(d->options->config);
}

/* Paths and capture are fixed while the daemon runs. */
static void refuse_fixed(const struct settings *old, const struct settings *new)
{
	if (strcmp(old->paths.state, new->paths.state) != 0 || strcmp(old->paths.run, new->paths.run) != 0 ||
	    strcmp(old->paths.log, new->paths.log) != 0 || old->capture.hooks != new->capture.hooks ||
	    old->capture.max_flows != new->capture.max_flows ||
	    old->capture.ring_buffer_pages != new->capture.ring_buffer_pages || strcmp(old->core.user, new->core.user) != 0)
		log_warning("[capture], [paths] and [core] user take effect at the next start");
}

static void reload_done(uv_work_t *work, int status)
{
	struct daemon *d = work->data;

	(void)status;
	d->reloading = false;
	if (!d->next) {
		log_error("the configuration was left as it is");
		return;
	}
	if (d->phase != RUNNING) {
		settings_free(d->next);
		d->next = NULL;
		return;
	}
	refuse_fixed(d->settings, d->next);
	couriers_stop(d->couriers, 0, clock_monotonic_ns() + STOP_NS);
}

static void on_hangup(uv_signal_t *signal, int number)
{
	struct daemon *d = signal->data;

	(void)number;
	journal_reopen_logs(d->journal);
	if (d->reloading || d->next || d->phase != RUNNING)
		return;
	d->reloading = true;
	d->reload.data = d;
	uv_queue_work(&d->loop, &d->reload, reload_work, reload_done);
}

static char *answer(void *arg, const char *request, bool root)
{
	struct daemon *d = arg;

	if (strcmp(request, "record") == 0)
		return record_answer(d->watch.programs.record, "", root);
	if (strncmp(request, "record ", 7) == 0)
		return record_answer(d->watch.programs.record, request + 7, root);
	if (strcmp(request, "status") != 0)
		return NULL;
	return status_json(&d->watch, d->couriers, d->countries, d->options->config, d->started_ns);
}

/* ---- start ---- */

int daemon_user(const struct settings *s, uid_t *uid, gid_t *gid)
{
	struct passwd *user = getpwnam(s->core.user);

	if (geteuid()) {
		*uid = geteuid();
		*gid = getegid();
		return 0;
	}
	if (!user) {
		log_error("there is no user %s for the sinks ([core] user): make it with "
		          "`useradd --system --no-create-home --shell /usr/sbin/nologin %s`",
		          s->core.user, s->core.user);
		return -ENOENT;
	}
	*uid = user->pw_uid;
	*gid = user->pw_gid;
	return 0;
}

static int make_folder(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST) {
		log_error("%s cannot be made: %s", path, strerror(errno));
		return -errno;
	}
	return 0;
}

static void read_boot_id(uint8_t id[PS_ID_SIZE])
{
	char text[64] = "";
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	unsigned n = 0;

	if (fd >= 0) {
		if (read(fd, text, sizeof(text) - 1) < 0)
			text[0] = 0;
		close(fd);
	}
	memset(id, 0, PS_ID_SIZE);
	for (const char *c = text; *c && n < 2 * PS_ID_SIZE; c++) {
		const char *digit = strchr("0123456789abcdef", *c);

		if (digit) {
			id[n / 2] = (uint8_t)(id[n / 2] << 4 | (digit - "0123456789abcdef"));
			n++;
		}
	}
}

static int open_journal(struct daemon *d, struct journal_start *start)
{
	const struct settings *s = d->settings;
	struct journal_limits limits = {s->journal.max_size, s->journal.max_age_ms};
	struct journal_events events = {d, on_committed, on_dropped, on_trouble};
	char *path = mem_printf("%s/journal.db", s->paths.state);
	char *errors = mem_printf("%s/error.log", s->paths.log), *exes = mem_printf("%s/exe.log", s->paths.log);
	struct journal_logs logs = {{errors, exes}, geteuid(), getegid(), s->data.mode};
	struct passwd *owner = getpwnam(s->data.owner);
	struct group *group = getgrnam(s->data.group);
	int err;

	if (!geteuid() && owner)
		logs.uid = owner->pw_uid;
	if (!geteuid() && group)
		logs.gid = group->gr_gid;
	err = journal_open(&d->journal, &d->loop, path, rows_digest, &logs, &limits, &events, start);
	if (err)
		log_error("%s cannot be opened: %s", path, strerror(-err));
	free(path);
	free(errors);
	free(exes);
	return err;
}

static void open_signal(struct daemon *d, uv_signal_t *handle, int number, uv_signal_cb callback)
{
	uv_signal_init(&d->loop, handle);
	handle->data = d;
	uv_signal_start(handle, callback, number);
}

static void tell_ready(struct daemon *d)
{
	struct probe_hook const *hook;
	unsigned n;

	hook = probe_hooks(d->watch.probe, &n);
	for (unsigned i = 0; i < n; i++)
		if (!hook[i].attached && !hook[i].asleep && hook[i].without)
			losses_add(d->watch.losses, PS_STAGE_CAPTURE, 1, 0, 0, "%s: %s: not seen: %s", hook[i].name,
			           strerror(-hook[i].error), hook[i].without);
	log_info("watching through the %s hooks; a window is %lld ms", probe_door_name(d->watch.probe),
	         (long long)d->settings->core.write_interval_ms);
	if (starter >= 0) {
		if (write(starter, "", 1) < 0)
			log_debug("nobody waits for the start");
		close(starter);
		starter = -1;
	}
	tell_systemd("READY=1");
}

static int start(struct daemon *d)
{
	const struct settings *s = d->settings;
	struct journal_start journal = {0};
	struct ledger_origin origin = {.hostname = d->hostname};
	const struct couriers_events couriers = {d, on_courier_alert, on_courier_found, on_couriers_ended};
	struct group *group = getgrnam(s->data.group);
	int64_t before_ns;
	pid_t other;
	int err;

	if (daemon_user(s, &d->host.uid, &d->host.gid))
		return -ENOENT;
	if (make_folder(s->paths.state) || make_folder(s->paths.log))
		return -EIO;
	d->pidfile = pidfile_open(s->paths.run, &before_ns, &other);
	if (d->pidfile < 0) {
		if (other)
			log_error("picosnitch runs already (pid %d); `picosnitch stop` ends it", other);
		else
			log_error("%s: the pid file cannot be made: %s", s->paths.run, strerror(-d->pidfile));
		return d->pidfile;
	}
	privileges_raise_nofile(s->core.rlimit_nofile);
	err = open_journal(d, &journal);
	if (err)
		return err;
	log_journal = d->journal;
	memcpy(origin.host, journal.host, PS_ID_SIZE);
	read_boot_id(origin.boot);
	d->watch.journal = d->journal;
	gap_tell(d->watch.losses, &journal, before_ns, d->started_ns);
	if (journal.set_aside)
		losses_add(d->watch.losses, PS_STAGE_JOURNAL, 1, 0, 0, "the journal was damaged: it was set aside as %s",
		           journal.set_aside);
	free(journal.set_aside);
	err = watch_start(&d->watch, &origin);
	if (err)
		return err;
	if (!geteuid() && (err = privileges_cut()))
		log_warning("capabilities cannot be given up: %s", strerror(-err));
	d->host.program = d->options->program;
	d->couriers = couriers_open(&d->loop, d->journal, &couriers);
	start_couriers(d);
	d->countries = countries_open(&d->loop, d->options->geoip, d->host.uid, d->host.gid);
	countries_reload(d->countries, s);
	err = control_open(&d->control, &d->loop, s->paths.run, group ? group->gr_gid : 0, answer, d);
	if (err)
		log_warning("%s/control.sock: %s: `picosnitch status` will know little", s->paths.run, strerror(-err));
	open_signal(d, &d->terminate, SIGTERM, on_stop);
	open_signal(d, &d->interrupt, SIGINT, on_stop);
	open_signal(d, &d->hangup, SIGHUP, on_hangup);
	uv_timer_init(&d->loop, &d->patience);
	d->patience.data = d;
	tell_ready(d);
	return 0;
}

int daemon_run(struct settings *settings, const struct daemon_options *options)
{
	struct daemon *d = mem_alloc(sizeof(*d));
	char threads[24];
	bool durable;
	int err;

	/* libuv's workers hash; one drains the kernel, one reads the configuration again, one looks for tampering, one
	 * for who listens, one has record.json. */
	snprintf(threads, sizeof(threads), "%lld", (long long)settings->core.hash_threads + 5);
	setenv("UV_THREADPOOL_SIZE", threads, 1);
	mallopt(M_ARENA_MAX, 2); /* its threads allocate little: memory counts more than contention */
	d->options = options;
	d->settings = settings;
	d->pidfile = -1;
	d->started_ns = clock_wall_ns();
	gethostname(d->hostname, sizeof(d->hostname) - 1);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN); /* of a lease that someone breaks, while hashing looks for writers */
	starter = options->ready_fd;
	log_hook(on_error);
	umask(0022);
	uv_loop_init(&d->loop);
	d->watch.loop = &d->loop;
	d->watch.settings = settings;
	d->watch.program = options->program;
	d->watch.config = options->config;
	d->watch.losses = losses_open();
	d->watch.window_ended = on_window_ended;
	d->watch.stopped = on_watch_stopped;
	d->watch.arg = d;
	err = start(d);
	if (!err)
		uv_run(&d->loop, UV_RUN_DEFAULT);
	log_journal = NULL;
	durable = d->journal && !journal_close(d->journal, JOURNAL_CLOSE_MS);
	if (d->journal && !durable) {
		log_error("the journal did not take the last window in time: it is lost");
		err = err ? err : -ETIMEDOUT;
	}
	log_hook(NULL);
	watch_done(&d->watch, durable);
	losses_close(d->watch.losses);
	uv_run(&d->loop, UV_RUN_NOWAIT);
	uv_loop_close(&d->loop);
	if (d->pidfile >= 0)
		pidfile_close(d->pidfile, d->settings->paths.run);
	settings_free(d->settings);
	free(d);
	return err ? 1 : 0;
}
