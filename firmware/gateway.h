/* Who the gateway is, what is asked of it, and how both sides prove who they are; from
 * config.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_GATEWAY_H
#define FIRMWARE_GATEWAY_H

#include <culvert/engine.h>

extern const struct cv_conn gateway_conn;
extern const struct cv_child_config gateway_child;

/* Answers a question of the engine; false: fx is none. */
bool gateway_answer(struct cv_engine *e, const struct cv_effect *fx, uint64_t now);

#endif
