/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads that nobody waits for: they may hang in a call of the kernel for as long as they like. */
#ifndef PS_BASE_THREAD_H
#define PS_BASE_THREAD_H

/* Starts run(arg) in a thread of its own, with a small stack (256 KiB) and all signals blocked: they are the main
 * thread's. 0 or -errno. */
int thread_detach(void *(*run)(void *arg), void *arg);

#endif
