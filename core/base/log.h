/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages for people. Thread-safe; never allocates, never fails.
 *
 * A message goes to stderr and, when one is set, to a hook (the daemon's error.log).
 * A control character, one that turns the direction of text, and what is not UTF-8 becomes a ?, so
 * that no name can forge a line. It is cut at 4095 bytes.
 */
#ifndef PS_BASE_LOG_H
#define PS_BASE_LOG_H

#include <stdarg.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Messages above `level` are left out. `program` is put before each line; the string stays
 * the caller's and must live on. With journal set, lines begin with "<N>", the priority that
 * systemd-journald reads. */
void log_setup(const char *program, enum log_level level, int journal);

/* Called with each error and warning, without a newline, on the thread that logs. NULL: none. */
void log_hook(void (*hook)(enum log_level level, const char *line));

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_message(enum log_level level, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

#endif
