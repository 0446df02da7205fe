/* The table of step.c, for what draws and checks it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_STEP_H
#define IKE_STEP_H

#include "ike/exchange.h"

/* In this state, when this comes: the handler, and the state afterwards, or the other one that
 * the handler may choose (ST_FREE: none).  Whatever a rule says, the SA may end. */
struct ike_rule {
    uint8_t state;    /* ike_state */
    uint8_t kind;     /* ike_kind */
    uint8_t exchange; /* that it belongs to */
    ike_handler *handle;
    uint8_t next, other;
};

/* Rule i, or NULL behind the last one. */
const struct ike_rule *ike_rule_at(size_t i);

#endif
