/* What a host may see of the engine's work while it looks for a fault: messages in the clear
 * and, only where it asks for them, keys.
 *
 * Without cv_settings.watch nothing is shown and nothing is spent.  A function is called from
 * inside calls into the engine and calls nothing of it; what it is shown is good for that call.
 * The host may change its functions between calls into the engine.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CULVERT_WATCH_H
#define CULVERT_WATCH_H

#include <culvert/plane.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A whole IKE message that was taken or made; of those that are repeated, the first.  No keys
 * are in it. */
struct cv_watched_message {
    bool out, response;
    uint8_t exchange; /* RFC 7296 section 3.1: 34 is IKE_SA_INIT */
    uint8_t first;    /* type of the first payload */
    uint32_t ike;     /* IKE SA number; 0: none yet */
    uint32_t msg_id;
    uint8_t spi_i[8], spi_r[8];
    const struct cv_conn *conn; /* NULL before one is chosen */
    struct cv_endpoint local, remote;
    struct cv_span payloads; /* the chain, decrypted */
};

/* SK_e with its salt and SK_a (empty for an AEAD) of both directions, by who began the IKE SA.
 */
struct cv_watched_keys {
    uint8_t spi_i[8], spi_r[8];
    struct cv_suite suite;
    struct cv_span ei, er, ai, ar;
};

/* A function that is NULL shows nothing. */
struct cv_watch {
    void *ctx;
    void (*message)(void *ctx, const struct cv_watched_message *m);
    /* Whoever has these reads the traffic. */
    void (*ike_keys)(void *ctx, const struct cv_watched_keys *keys);
    void (*child_keys)(void *ctx, const struct cv_pair_config *pair);
};

#ifdef __cplusplus
}
#endif

#endif
