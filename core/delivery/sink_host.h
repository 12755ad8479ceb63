/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process that holds one sink: `picosnitch sink-host`, started by a courier with its socket
 * as descriptor 3. It gives up root and every capability before it loads the plugin, takes
 * batches, and answers with verdicts. It ends when the socket does.
 */
#ifndef PS_DELIVERY_SINK_HOST_H
#define PS_DELIVERY_SINK_HOST_H

/* The subcommand, with argv[0] its name: sink-host SINK PARENT-PID [UID GID]. Returns the exit
 * status: 0 when the socket ended. */
int sink_host_main(int argc, char **argv);

/* The subcommand plugin-describe DIR/NAME.so [UID GID]: prints what the plugin declares
 * (option_write()) and returns 0, or prints why not and returns 1. */
int plugin_describe_main(int argc, char **argv);

#endif
