/* An attacker on the path: truncated, flipped, replayed, reflected and rewritten messages
 * change nothing that is established, and nobody connects through a rewritten handshake.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"

enum { TAPE = 64, NONSENSE = 300 };

/* Every datagram that the two hosts sent. */
struct tape {
    struct datagram *d[TAPE];
    unsigned n;
};

static enum net_fate record(void *ctx, struct datagram *d)
{
    struct tape *t = ctx;

    if (t->n < TAPE) {
        t->d[t->n] = sim_alloc(sizeof(*d) + d->n);
        memcpy(t->d[t->n++], d, sizeof(*d) + d->n);
    }
    return NET_PASS;
}

static void erase(struct tape *t)
{
    for (unsigned i = 0; i < t->n; i++)
        free(t->d[i]);
    t->n = 0;
}

/* What an attacker must not be able to change. */
struct state {
    struct cv_ike_info ike[2];
    struct cv_child_info child[2];
    unsigned ikes[2], children[2];
};

static void keep_what_matters(struct cv_child_info *c)
{
    memset(c->drops, 0, sizeof(c->drops));
}

static void take_state(struct state *s, const struct duo *d)
{
    const struct host *hosts[] = {d->dev, d->gw};

    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < 2; i++) {
        (void)cv_ike_info(hosts[i]->engine, host_ike(hosts[i]), &s->ike[i]);
        (void)cv_child_info(hosts[i]->engine, host_child(hosts[i]), &s->child[i]);
        keep_what_matters(&s->child[i]);
        s->ikes[i] = host_ike_count(hosts[i]);
        s->children[i] = host_child_count(hosts[i]);
    }
}

static void assert_same_state(const struct state *before, const struct duo *d, const char *what)
{
    struct state after;

    take_state(&after, d);
    for (unsigned i = 0; i < 2; i++) {
        const struct cv_ike_info *a = &before->ike[i], *b = &after.ike[i];
        const struct cv_child_info *x = &before->child[i], *y = &after.child[i];

        if (a->id != b->id || a->state != b->state || a->n_children != b->n_children ||
            memcmp(&a->remote, &b->remote, sizeof(a->remote)) != 0 ||
            memcmp(&a->local, &b->local, sizeof(a->local)) != 0 ||
            a->rekey_at_ms != b->rekey_at_ms)
            fail_msg("%s changed an IKE SA", what);
        if (x->id != y->id || x->state != y->state || x->packets_in != y->packets_in ||
            x->packets_out != y->packets_out || x->spi_out != y->spi_out)
            fail_msg("%s changed a Child SA", what);
    }
}

static void inject(struct duo *d, const struct datagram *t, const uint8_t *octets, size_t n)
{
    net_inject(&d->w->net, &t->src, &t->dst, t->carrier, (struct cv_span){octets, n});
    world_settle(d->w);
}

/* Every datagram of a life: handshake, traffic, child rekey, liveness. */
static void record_a_life(struct duo *d, struct tape *t)
{
    d->w->tap = record;
    d->w->tap_ctx = t;
    assert_true(duo_connect(d));
    host_rekey_child(d->dev, host_child(d->dev));
    world_run(d->w, 10000);
    assert_true(world_ping(d->w, d->flow));
    d->w->tap = NULL;
    world_run(d->w, 100000);
    assert_true(duo_has(d, 1, 1));
}

static void nothing_that_was_heard_can_be_said_again(void **state)
{
    struct duo *d = *state;
    struct tape t = {.n = 0};
    struct state before;

    record_a_life(d, &t);
    assert_true(t.n >= 12);
    take_state(&before, d);
    for (unsigned i = 0; i < t.n; i++) {
        inject(d, t.d[i], t.d[i]->data, t.d[i]->n);
        world_run(d->w, 50000); /* a half-open SA of a replayed IKE_SA_INIT goes away */
        assert_same_state(&before, d, "a replayed datagram");
    }
    assert_true(world_ping(d->w, d->flow));
    assert_true(duo_closes(d));
    erase(&t);
}

static void nothing_works_when_sent_back_to_its_sender(void **state)
{
    struct duo *d = *state;
    struct tape t = {.n = 0};
    struct state before;

    record_a_life(d, &t);
    take_state(&before, d);
    for (unsigned i = 0; i < t.n; i++) {
        struct cv_endpoint swap = t.d[i]->src;

        t.d[i]->src = t.d[i]->dst;
        t.d[i]->dst = swap;
        inject(d, t.d[i], t.d[i]->data, t.d[i]->n);
        world_run(d->w, 50000);
        assert_same_state(&before, d, "a reflected datagram");
    }
    assert_true(world_ping(d->w, d->flow));
    assert_true(duo_closes(d));
    erase(&t);
}

static void no_truncated_datagram_changes_anything(void **state)
{
    struct duo *d = *state;
    struct tape t = {.n = 0};
    struct state before;

    record_a_life(d, &t);
    take_state(&before, d);
    for (unsigned i = 0; i < t.n; i++) {
        for (size_t n = 0; n < t.d[i]->n; n++)
            inject(d, t.d[i], t.d[i]->data, n);
        assert_same_state(&before, d, "a truncated datagram");
    }
    assert_true(world_ping(d->w, d->flow));
    erase(&t);
}

static void no_flipped_bit_changes_anything(void **state)
{
    struct duo *d = *state;
    struct tape t = {.n = 0};
    struct state before;

    /* Flipped SPIs of IKE_SA_INIT requests are new requests: let them pass by. */
    d->gw->settings.cookie_threshold = 1;
    record_a_life(d, &t);
    take_state(&before, d);
    for (unsigned i = 0; i < t.n; i++) {
        for (size_t bit = 0; bit < 8 * t.d[i]->n; bit++) {
            t.d[i]->data[bit / 8] = (uint8_t)(t.d[i]->data[bit / 8] ^ 1u << bit % 8);
            inject(d, t.d[i], t.d[i]->data, t.d[i]->n);
            t.d[i]->data[bit / 8] = (uint8_t)(t.d[i]->data[bit / 8] ^ 1u << bit % 8);
        }
        world_run(d->w, 50000);
        assert_same_state(&before, d, "a datagram with a flipped bit");
    }
    assert_true(world_ping(d->w, d->flow));
    erase(&t);
}

/* Protected messages come damaged in every way before they come whole. */
static void damaged_copies_ahead_of_the_message_do_no_harm(void **state)
{
    struct duo *d = *state;

    duo_start(d);
    world_hold_all(d->w);
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_deliver(d->w, d->dev);
    world_deliver(d->w, d->gw);
    for (unsigned step = 0; step < 2; step++) { /* IKE_AUTH both ways */
        struct host *from = step == 0 ? d->dev : d->gw;
        struct datagram *m = d->w->net.held[0];
        uint8_t *copy = sim_alloc(m->n);

        assert_int_equal(world_held(d->w, from), 1);
        for (size_t bit = 0; bit < 8 * m->n; bit++) {
            memcpy(copy, m->data, m->n);
            copy[bit / 8] = (uint8_t)(copy[bit / 8] ^ 1u << bit % 8);
            inject(d, m, copy, m->n);
        }
        for (size_t n = 0; n < m->n; n++)
            inject(d, m, m->data, n);
        free(copy);
        while (d->w->net.n_held > 1) /* answers to the damaged ones, if any */
            net_discard(&d->w->net, 1);
        world_deliver(d->w, from);
    }
    world_release(d->w);
    assert_true(duo_settles(d, 60000, 1, 1));
    assert_true(world_ping(d->w, d->flow));
}

/* ---- rewriting the handshake --------------------------------------------------------- */

struct rewriter {
    uint32_t from;
    size_t bit; /* of the IKE_SA_INIT message of that host */
    size_t n;   /* its length, for the caller's loop */
};

static enum net_fate rewrite(void *ctx, struct datagram *d)
{
    struct rewriter *r = ctx;

    if (d->from != r->from || d->carrier != CV_UDP_500 || d->n < 28 || d->data[18] != 34)
        return NET_PASS;
    r->n = d->n;
    if (r->bit < 8 * d->n)
        d->data[r->bit / 8] = (uint8_t)(d->data[r->bit / 8] ^ 1u << r->bit % 8);
    return NET_PASS;
}

/* Both IKE_SA_INIT messages are under AUTH: RFC 7296 section 2.15. */
static void nobody_connects_through_a_rewritten_ike_sa_init(void **state)
{
    (void)state;
    for (unsigned side = 0; side < 2; side++) {
        struct rewriter r = {.from = side, .n = 200};

        for (r.bit = 0; r.bit < 8 * r.n; r.bit += 3) {
            struct duo *d = duo_new(r.bit + 1);

            d->w->tap = rewrite;
            d->w->tap_ctx = &r;
            duo_start(d);
            host_initiate(d->dev, &d->dev_conn, 0, d->gw);
            world_run(d->w, 300000);
            /* A gateway whose answer was rewritten learns of it when the device objects. */
            if (d->dev->saw[CV_EV_IKE_UP] != 0 || (side == 0 && d->gw->saw[CV_EV_IKE_UP] != 0))
                fail_msg("side %u bit %u: connected", side, (unsigned)r.bit);
            assert_true(host_is_empty(d->dev) && host_is_empty(d->gw));
            assert_true(duo_free(d));
        }
    }
}

/* ---- an authentic peer that lies about its address -------------------------------------- */

/* Moves the source of the device's inner packets to the next /24 and keeps the header's
 * checksum right. */
static void lie(void *ctx, const struct host *h, struct cv_span aad, uint8_t *plain, size_t n)
{
    const struct duo *d = ctx;
    unsigned sum;

    if (h != d->dev || aad.n >= 32 || n < 28 || plain[0] != 0x45)
        return;
    sum = (unsigned)(plain[10] << 8 | plain[11]) + 0xffff - 1;
    sum = (sum & 0xffff) + (sum >> 16);
    plain[10] = (uint8_t)(sum >> 8);
    plain[11] = (uint8_t)sum;
    plain[13]++; /* 10.x.y.z: the low octet of the first half */
}

/* RFC 4301 section 5.2: the inner header must fit the SA it came by. */
static void a_peer_cannot_send_from_an_address_outside_its_selectors(void **state)
{
    struct duo *d = *state;
    uint64_t before;

    assert_true(duo_connect(d));
    before = host_errors(d->gw, CV_ERR_SELECTOR);
    d->w->mangle = lie;
    d->w->mangle_ctx = d;
    assert_false(world_ping(d->w, d->flow));
    d->w->mangle = NULL;
    assert_int_equal(host_errors(d->gw, CV_ERR_SELECTOR), before + 1);
    assert_int_equal(host_errors(d->gw, CV_ERR_INNER), 0);
    assert_true(world_ping(d->w, d->flow));
}

/* ---- an authentic peer that writes nonsense ------------------------------------------- */

/* Damages the inside of some of the device's IKE messages: a flipped bit, an octet, a
 * length, a type. */
static void write_nonsense(void *ctx, const struct host *h, struct cv_span aad, uint8_t *plain,
                           size_t n)
{
    struct duo *d = ctx;
    struct prng *p = &d->w->prng;

    if (h != d->dev || aad.n < 32 || aad.p[17] != 0x20 || n == 0 || prng_chance(p, 400))
        return;
    for (unsigned i = prng_range(p, 1, 3); i > 0; i--) {
        size_t at = prng_below(p, (uint32_t)n);

        if (prng_chance(p, 300))
            plain[at] = (uint8_t)(plain[at] ^ 1u << prng_below(p, 8));
        else
            plain[at] = (uint8_t)prng_below(p, prng_chance(p, 500) ? 256 : 60);
    }
}

static void live_with_nonsense(struct duo *d)
{
    struct prng *p = &d->w->prng;

    duo_start(d);
    d->w->mangle_ctx = d;
    if (prng_chance(p, 300)) /* else the handshake, too, is nonsense */
        d->w->mangle = write_nonsense;
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 5000);
    d->w->mangle = write_nonsense;
    for (unsigned i = 0; i < 12; i++) {
        struct host *h = prng_chance(p, 700) ? d->dev : d->gw;
        unsigned what = prng_below(p, 5);

        if (what == 0)
            host_rekey_child(h, host_child(h));
        else if (what == 1)
            host_rekey_ike(h, host_ike(h));
        else if (what == 2)
            host_delete_child(h, host_child(h));
        else
            host_initiate(d->dev, &d->dev_conn, 0, d->gw);
        world_run(d->w, prng_below(p, 3000));
    }
}

static void an_authentic_peer_that_writes_nonsense_breaks_nothing(void **state)
{
    const char *more = getenv("CULVERT_SEEDS");
    unsigned seeds = more == NULL ? NONSENSE : (unsigned)strtoul(more, NULL, 10);
    uint64_t refused = 0;

    (void)state;
    for (unsigned seed = 1; seed <= seeds; seed++) {
        struct duo *d = duo_new(seed);
        struct cv_ike_info info;

        d->gw_conn.conn.dpd_delay_s = d->dev_conn.conn.dpd_delay_s = 10;
        if (seed % 3 == 0)
            duo_use_certs(d, 2, 900);
        if (seed % 4 == 0)
            duo_use_virtual_ip(d);
        live_with_nonsense(d);
        for (uint32_t at = 0; cv_ike_next(d->gw->engine, &at, &info);)
            host_delete_ike(d->gw, info.id);
        host_stop(d->dev);
        world_run(d->w, 400000);
        if (d->w->failed || !host_is_empty(d->gw) || d->gw->n_leases != 0)
            fail_msg("seed %u", seed);
        refused += host_errors(d->gw, CV_ERR_SYNTAX) + host_errors(d->gw, CV_ERR_MALFORMED);
        assert_true(duo_free(d));
    }
    assert_true(refused > seeds / 4); /* it was nonsense indeed */
}

/* Unprotected error notifies must not end a connection attempt at once when a genuine
 * answer may follow (RFC 7296 section 2.21.1), and never touch what is established. */
static void forged_errors_do_not_end_an_established_sa(void **state)
{
    struct duo *d = *state;
    struct state before;
    struct cv_ike_info info;
    uint8_t m[36] = {0};

    assert_true(duo_connect(d));
    take_state(&before, d);
    info = host_ike_info(d->dev, d->ike);
    memcpy(m, info.spi_i, 8);
    memcpy(m + 8, info.spi_r, 8);
    m[16] = 41; /* Notify */
    m[17] = 0x20;
    m[27] = sizeof(m);
    m[31] = 8;
    for (unsigned exchange = 34; exchange <= 37; exchange++) {
        for (unsigned flags = 0; flags < 64; flags += 8) {
            for (unsigned type = 0; type < 50; type++) {
                struct cv_endpoint gw = {d->gw->v4, 500}, dev = {d->dev->v4, 500};

                m[18] = (uint8_t)exchange;
                m[19] = (uint8_t)flags;
                m[23] = (uint8_t)(type % 4);
                m[35] = (uint8_t)type;
                net_inject(&d->w->net, &gw, &dev, CV_UDP_500, (struct cv_span){m, sizeof(m)});
                net_inject(&d->w->net, &dev, &gw, CV_UDP_500, (struct cv_span){m, sizeof(m)});
                world_settle(d->w);
            }
        }
    }
    world_run(d->w, 60000);
    assert_same_state(&before, d, "a forged error");
    assert_true(world_ping(d->w, d->flow));
}

static void noise_is_dropped(void **state)
{
    struct duo *d = *state;
    struct cv_endpoint src = {recipe_v4(203, 0, 113, 9), 4500};
    uint8_t noise[200];
    struct state before;

    assert_true(duo_connect(d));
    take_state(&before, d);
    for (unsigned i = 0; i < 20000; i++) {
        size_t n = prng_below(&d->w->prng, sizeof(noise) + 1);
        struct cv_endpoint dst = {i & 1 ? d->gw->v4 : d->dev->v4, i & 2 ? 4500 : 500};

        prng_fill(&d->w->prng, noise, n);
        if (i & 4 && n >= 32) { /* nearly a header */
            memset(noise, 0, 4);
            noise[dst.port == 4500 ? 21 : 17] = 0x20;
            noise[dst.port == 4500 ? 22 : 18] = (uint8_t)(34 + i % 4);
            noise[dst.port == 4500 ? 30 : 26] = 0;
            noise[dst.port == 4500 ? 31 : 27] = (uint8_t)(dst.port == 4500 ? n - 4 : n);
            memset(noise + (dst.port == 4500 ? 28 : 24), 0, 2);
        }
        net_inject(&d->w->net, &src, &dst, CV_UDP_4500, (struct cv_span){noise, n});
        world_settle(d->w);
    }
    assert_same_state(&before, d, "noise");
    assert_true(world_ping(d->w, d->flow));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(nothing_that_was_heard_can_be_said_again),
        DUO(nothing_works_when_sent_back_to_its_sender),
        DUO(no_truncated_datagram_changes_anything),
        DUO(no_flipped_bit_changes_anything),
        DUO(damaged_copies_ahead_of_the_message_do_no_harm),
        cmocka_unit_test(nobody_connects_through_a_rewritten_ike_sa_init),
        DUO(a_peer_cannot_send_from_an_address_outside_its_selectors),
        cmocka_unit_test(an_authentic_peer_that_writes_nonsense_breaks_nothing),
        DUO(forged_errors_do_not_end_an_established_sa),
        DUO(noise_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
