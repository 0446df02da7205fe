/* Providers that answer from memory, in the loop: shared secrets and addresses.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ASK_AT_ONCE_H
#define ASK_AT_ONCE_H

#include "ask/ask.h"
#include "creds/creds.h"
#include "fleet/pools.h"

/* Both outlive a. */
void ask_secrets_of(struct ask *a, struct creds *creds);
void ask_addresses_of(struct ask *a, struct pools *pools);
/* Answers a question about addresses with a lease as wished. */
void ask_lease(struct ask *a, struct asked *q, struct pools *pools,
               const struct pool_wish *wish);

#endif
