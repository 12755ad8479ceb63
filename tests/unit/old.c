/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plugin of another ABI. */
#include "core/plugin.h"

const struct ps_plugin ps_plugin = {.abi = PS_PLUGIN_ABI + 1, .size = sizeof(struct ps_plugin), .name = "old"};
