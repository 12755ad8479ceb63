/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"

static const char *log_program = "picosnitch";
static enum log_level log_level = LOG_LEVEL_INFO;
static int log_journal;
static void (*_Atomic log_hooked)(enum log_level, const char *);

void log_setup(const char *program, enum log_level level, int journal)
{
	log_program = program;
	log_level = level;
	log_journal = journal;
}

void log_hook(void (*hook)(enum log_level, const char *))
{
	atomic_store(&log_hooked, hook);
}

void log_message(enum log_level level, const char *format, va_list args)
{
	static const char *const word[] = {"error: ", "warning: ", "", "debug: "};
	static const int priority[] = {3, 4, 6, 7};
	char text[4096], line[4352];
	void (*hook)(enum log_level, const char *) = atomic_load(&log_hooked);
	int saved = errno, n;

	if (level > log_level)
		return;
	vsnprintf(text, sizeof(text), format, args);
	text_clean(text, strlen(text));
	if (log_journal)
		n = snprintf(line, sizeof(line), "<%d>%s%s\n", priority[level], word[level], text);
	else
		n = snprintf(line, sizeof(line), "%s: %s%s\n", log_program, word[level], text);
	if (n > (int)sizeof(line) - 1) {
		n = (int)sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	/* One write, so that lines of several threads and processes do not mix. */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		errno = 0; /* nowhere to say it */
	if (hook && level <= LOG_LEVEL_WARNING)
		hook(level, text);
	errno = saved;
}

#define LOG_AT(level)                                                                                                  \
	do {                                                                                                               \
		va_list args;                                                                                                  \
		va_start(args, format);                                                                                        \
		log_message(level, format, args);                                                                              \
		va_end(args);                                                                                                  \
	} while (0)

void log_error(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_ERROR);
}

void log_warning(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_WARNING);
}

void log_info(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_INFO);
}

void log_debug(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_DEBUG);
}
