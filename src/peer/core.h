/* What every IKE SA stands on, whatever the version of IKE: the clock of the current call,
 * chance, settings, counters, messages and effects on their way, the configured connections,
 * and the tables of SAs with what finds them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_CORE_H
#define PEER_CORE_H

#include <culvert/engine.h>

#include "base/htab.h"
#include "base/pool.h"
#include "base/timer.h"
#include "ipsec/ipsec.h"
#include "peer/cookie.h"
#include "peer/effect.h"
#include "peer/msg.h"

struct core {
    const struct cv_crypto *crypto;
    struct cv_settings set;
    uint64_t now_ms; /* of the current call */
    struct wheel wheel;
    struct pool sas, children;    /* each slot of sas starts with a struct peer */
    uint32_t *sa_gen, *child_gen; /* how often each slot was used: makes numbers unique */
    struct htab half_open; /* peer's SPI and address -> responder's unauthenticated IKE SA */
    struct htab half_addr; /* peer's address -> number of half-open SAs */
    struct htab by_id;     /* remote identity -> first IKE SA with it */
    const struct cv_conn **conns;
    uint32_t n_conns;
    uint32_t n_half_open;
    bool cookies_on;
    struct cookie_jar cookies;
    uint64_t seed[2];
    struct msgs msgs;
    struct effects fx;
    uint32_t dead_sas, dead_children;  /* lists */
    uint8_t *scratch_in, *scratch_out; /* message_size octets each */
    struct ipsec *ipsec;
    uint32_t next_reqid;
    struct cv_stats stats;
};

#endif
