/* Owns: the answers that need no waiting.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ask/at_once.h"

#include "config/config.h"

static void take_psk(struct ask *a, struct asked *q, void *ctx)
{
    struct ask_answer answer = {.err = CV_OK};

    answer.err = creds_psk(ctx, q->fx.u.psk.local_id, q->fx.u.psk.remote_id, &answer.u.secret);
    (void)ask_answer(a, q->fx.question, &answer);
}

/* A lease that nobody waits for any more goes back. */
void ask_lease(struct ask *a, struct asked *q, struct pools *pools,
               const struct pool_wish *wish)
{
    const struct conn *c = q->fx.conn->host;
    const uint32_t ike = q->fx.ike;
    struct ask_answer answer = {.err = CV_OK};

    answer.err =
        pools_lease(pools, (const char *const *)c->pools, c->n_pools, wish, &answer.u.lease);
    if (!ask_answer(a, q->fx.question, &answer) && answer.err == CV_OK)
        pools_release(pools, ike);
}

static void take_address(struct ask *a, struct asked *q, void *ctx)
{
    const struct pool_wish wish = {
        .who = q->fx.u.address.remote_id,
        .ike = q->fx.ike,
        .v4 = &q->fx.u.address.want_v4,
        .v6 = &q->fx.u.address.want_v6,
    };

    ask_lease(a, q, ctx, &wish);
}

void ask_secrets_of(struct ask *a, struct creds *creds)
{
    ask_provide(a, CV_NEED_PSK, take_psk, creds);
}

void ask_addresses_of(struct ask *a, struct pools *pools)
{
    ask_provide(a, CV_NEED_ADDRESS, take_address, pools);
}
