/* The log's finer levels: messages, choices, octets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_TRACES_H
#define DAEMON_TRACES_H

#include "kit/log.h"

struct daemon;

/* The log's levels are these from now on; the engine's messages are shown as far as they ask.
 */
void traces_set_levels(struct daemon *d, const uint8_t levels[LOG_GROUPS]);

#endif
