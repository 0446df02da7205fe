/* Two engines in a simulated world: how they begin, a tape of what they said, and an end
 * that leaves every table empty.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_ENGINE_BENCH_H
#define TESTS_FUZZ_ENGINE_BENCH_H

#include "fuzz.h"
#include "sim/duo.h"
#include "sim/invariants.h"
#include "snapshot.h"

enum { TAPE_MAX = 48, CLOSING_MS = 400000 };

struct tape {
    struct datagram *d[TAPE_MAX];
    unsigned n;
};

struct bench {
    struct duo *duo;
    struct host *host[2];
    struct tape tape;
};

/* Delivers a datagram from nowhere and sees that it did nothing. */
static inline void inject_unauthentic(struct bench *b, const struct cv_endpoint *src,
                                      const struct cv_endpoint *dst, uint8_t carrier,
                                      struct cv_span data)
{
    static struct snapshot before[2];

    world_settle(b->duo->w);
    for (unsigned i = 0; i < 2; i++)
        snapshot_take(&before[i], b->host[i]);
    net_inject(&b->duo->w->net, src, dst, carrier, data);
    world_settle(b->duo->w);
    for (unsigned i = 0; i < 2; i++)
        snapshot_check(&before[i], b->host[i]);
}

static inline enum net_fate record(void *ctx, struct datagram *d)
{
    struct tape *t = ctx;

    if (t->n < TAPE_MAX) {
        struct datagram *copy = malloc(sizeof(*d) + d->n);

        FUZZ_CHECK(copy != NULL);
        memcpy(copy, d, sizeof(*d) + d->n);
        t->d[t->n++] = copy;
    }
    return NET_PASS;
}

/* What the first octets choose. */
enum {
    HOW_CERTS = 1,
    HOW_VIRTUAL_IP = 2,
    HOW_PFS = 4,
    HOW_ENCAP = 8,
    HOW_COOKIES = 16,
    HOW_LARGE = 32, /* certificates that need fragments */
    HOW_SHORT_LIVED = 64,
    HOW_CBC = 128,
    STAGE_NOTHING = 0, /* nobody has said anything */
    STAGE_AUTH = 1,    /* the IKE_AUTH request is held */
    STAGES = 4         /* any other: connected */
};

static inline void use_cbc(struct recipe *r)
{
    r->ike[0] = (struct cv_proposal){
        .protocol = CV_PROTO_IKE,
        .n = 4,
        .t = {{CV_ENCR, CV_ENCR_AES_CBC, 256},
              {CV_INTEG, CV_INTEG_HMAC_SHA2_256_128, 0},
              {CV_PRF, CV_PRF_HMAC_SHA2_256, 0},
              {CV_KE, CV_KE_X25519, 0}}
    };
}

static inline void configure(struct recipe *r, struct host *h, uint8_t how)
{
    /* Small tables: quick to make, and soon full. */
    h->settings.limits.messages = 32;
    h->settings.limits.message_size = 6000;
    h->settings.limits.handshakes = 8;
    h->settings.limits.ike_sas = 8;
    h->settings.limits.child_sas = 16;
    r->conn.keyingtries = 1;
    if (how & HOW_COOKIES)
        h->settings.cookie_threshold = 1;
    if (how & HOW_PFS)
        recipe_pfs(r, CV_KE_X25519);
    if (how & HOW_SHORT_LIVED) {
        r->conn.dpd_delay_s = 5;
        r->conn.rekey_s = 60;
        r->conn.over_s = 30;
        r->child[0].life = (struct cv_lifetime){.rekey_s = 40, .hard_s = 80};
    }
    if (how & HOW_CBC)
        use_cbc(r);
}

static inline void begin(struct bench *b, uint8_t how, uint8_t stage)
{
    struct duo *d = duo_new(1);

    *b = (struct bench){.duo = d};
    b->host[0] = d->dev;
    b->host[1] = d->gw;
    configure(&d->dev_conn, d->dev, how);
    configure(&d->gw_conn, d->gw, how);
    if (how & HOW_CERTS)
        duo_use_certs(d, 2, how & HOW_LARGE ? 1200 : 300);
    if (how & HOW_VIRTUAL_IP)
        duo_use_virtual_ip(d);
    d->dev_conn.conn.encap = how & HOW_ENCAP;
    d->w->tap = record;
    d->w->tap_ctx = &b->tape;
    duo_start(d);
    stage %= STAGES;
    if (stage == STAGE_NOTHING)
        return;
    if (stage == STAGE_AUTH)
        world_hold_all(d->w);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    if (stage == STAGE_AUTH) {
        world_deliver(d->w, d->dev);
        world_deliver(d->w, d->gw);
        return;
    }
    world_run(d->w, 1000);
    FUZZ_CHECK(host_ike_count(d->dev) == 1 && host_child_count(d->gw) == 1);
}

static inline void delete_all(struct host *h)
{
    struct cv_ike_info info;
    uint32_t at = 0;

    while (cv_ike_next(h->engine, &at, &info))
        host_delete_ike(h, info.id);
}

static inline void finish(struct bench *b)
{
    struct world *w = b->duo->w;
    char why[200] = "";

    world_release(w);
    for (unsigned round = 0; round < 2; round++) { /* a rekey on its way may leave an heir */
        for (unsigned i = 0; i < 2; i++)
            delete_all(b->host[i]);
        world_run(w, CLOSING_MS);
    }
    if (!w->failed && !invariants_empty(w, why, sizeof(why)))
        world_fail(w, "%s", why);
    FUZZ_CHECK(!w->failed);
    duo_free(b->duo);
    for (unsigned i = 0; i < b->tape.n; i++)
        free(b->tape.d[i]);
}

#endif
