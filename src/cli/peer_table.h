/* Peers as an aligned table, and each as a JSON object.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PEER_TABLE_H
#define CLI_PEER_TABLE_H

#include "cli/peers.h"

void table_print(const struct peers *p);
/* On one line; now_s is the time of day that ages count from. */
void peer_print_json(const struct peer *p, int64_t now_s);

#endif
