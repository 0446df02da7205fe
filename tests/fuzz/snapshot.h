/* What nobody without keys may change: the SAs of a host that have keys, all but their
 * timers, and the counters of authentic packets.
 *
 * A tamper alert is the one thing that a forger causes, on purpose.  Between taking a
 * snapshot and checking it alerts are switched off, so that they hide nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_SNAPSHOT_H
#define TESTS_FUZZ_SNAPSHOT_H

#include "engine/engine.h"
#include "fuzz.h"
#include "sim/host.h"

enum { SAS_MAX = 16, CHILDREN_MAX = 32 };

struct snapshot {
    struct ike_sa sa[SAS_MAX];
    struct child_sa child[CHILDREN_MAX];
    struct cv_pair_counters count[CHILDREN_MAX];
    bool has_sa[SAS_MAX], has_child[CHILDREN_MAX], alerts[SAS_MAX];
};

static inline struct ike *ike_of(const struct host *h)
{
    return &h->engine->ike;
}

static inline bool is_keyed(const struct ike_sa *sa)
{
    return sa != NULL && sa->state != ST_I_INIT && sa->has_keys;
}

/* Changes what every SA of h thinks of alerts to what s says, and the other way round. */
static inline void swap_alerts(struct snapshot *s, const struct host *h)
{
    struct ike *k = ike_of(h);

    for (uint32_t i = 0; i < k->core.sas.cap; i++) {
        bool was = sa_at(k, i) != NULL && sa_at(k, i)->peer_alerts;

        if (sa_at(k, i) != NULL)
            sa_at_mut(k, i)->peer_alerts = s->alerts[i];
        s->alerts[i] = was;
    }
}

static inline void snapshot_take(struct snapshot *s, const struct host *h)
{
    const struct ike *k = ike_of(h);

    FUZZ_CHECK(k->core.sas.cap <= SAS_MAX && k->core.children.cap <= CHILDREN_MAX);
    memset(s->alerts, 0, sizeof(s->alerts));
    swap_alerts(s, h);
    for (uint32_t i = 0; i < k->core.sas.cap; i++) {
        s->has_sa[i] = is_keyed(sa_at(k, i));
        if (s->has_sa[i])
            memcpy(&s->sa[i], sa_at(k, i), sizeof(s->sa[i])); /* padding as well */
    }
    for (uint32_t i = 0; i < k->core.children.cap; i++) {
        const struct child_sa *c = child_at(&k->core, i);

        s->has_child[i] = c != NULL && is_keyed(sa_at(k, c->ike));
        if (!s->has_child[i])
            continue;
        memcpy(&s->child[i], c, sizeof(s->child[i]));
        s->count[i] = *ipsec_counters(k->core.ipsec, i);
    }
}

static inline bool same_from(const void *a, const void *b, size_t from, size_t n)
{
    return memcmp((const uint8_t *)a + from, (const uint8_t *)b + from, n - from) == 0;
}

/* Half-open, the responder repeats its IKE_SA_INIT for whoever asks again. */
static inline void forgive_repeated_init(struct ike_sa *before, const struct ike_sa *now)
{
    if (before->state == ST_R_INIT)
        before->peer.last_out_ms = now->peer.last_out_ms;
}

static inline void snapshot_check(struct snapshot *s, const struct host *h)
{
    const struct ike *k = ike_of(h);

    for (uint32_t i = 0; i < k->core.sas.cap; i++) {
        if (!s->has_sa[i])
            continue;
        FUZZ_CHECK(sa_at(k, i) != NULL);
        forgive_repeated_init(&s->sa[i], sa_at(k, i));
        FUZZ_CHECK(same_from(&s->sa[i], sa_at(k, i), offsetof(struct ike_sa, peer.id),
                             sizeof(struct ike_sa)));
    }
    for (uint32_t i = 0; i < k->core.children.cap; i++) {
        if (!s->has_child[i])
            continue;
        FUZZ_CHECK(child_at(&k->core, i) != NULL);
        FUZZ_CHECK(same_from(&s->child[i], child_at(&k->core, i), offsetof(struct child_sa, id),
                             sizeof(struct child_sa)));
        FUZZ_CHECK(s->count[i].packets_in == ipsec_counters(k->core.ipsec, i)->packets_in);
        FUZZ_CHECK(s->count[i].packets_out == ipsec_counters(k->core.ipsec, i)->packets_out);
    }
    swap_alerts(s, h);
}

#endif
