/* The registry, for verbs that read and write it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_FLEET_OPEN_H
#define CLI_FLEET_OPEN_H

#include "cli/cli.h"
#include "fleet/registry.h"
#include "setup/places.h"

/* uri NULL: the one that fleet.conf below root names (root NULL: /), else the usual file. NULL:
 * it has been said, and *code is the exit code; else that is CLI_OK. */
struct registry *fleet_open(const char *root, const char *uri, enum cli_exit *code);
/* Where that is. */
bool fleet_find(const char *root, const char *uri, char out[PLACE_MAX], enum cli_exit *code);
/* Says what the registry said; returns the exit code for it. */
enum cli_exit fleet_fail(const struct registry *r);

#endif
