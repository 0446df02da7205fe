/* What a careful reader of the engine asked: repeated SPIs in a Delete, requests ahead of
 * their turn, replays as signs of life, exchanges that are begun and never ended.
 *
 * Messages that an honest peer would not write are sealed with the peer's own keys.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/crowd.h"
#include "sim/duo.h"

#include "engine/engine.h"

static struct ike *inside(const struct host *h)
{
    return &h->engine->ike;
}

static struct ike_sa *its_sa(const struct host *h)
{
    return sa_by_number_mut(inside(h), host_ike(h));
}

/* Sends what was written into o as a request of its own, past the one that is outstanding. */
static void slip_in(struct host *h, struct ike_sa *sa, uint8_t exchange, struct ike_out *o)
{
    struct ike_sa kept = *sa;

    sa->req = POOL_NONE;
    assert_int_equal(send_request(inside(h), sa, exchange, DO_LIVENESS, o), CV_OK);
    msg_unref(&inside(h)->core.msgs, &sa->req);
    sa->req = kept.req;
    sa->doing = kept.doing;
    sa->tries = kept.tries;
    sa->resend_ms = kept.resend_ms;
    host_drain(h);
}

static struct cv_stats stats_of(const struct host *h)
{
    struct cv_stats s;

    cv_get_stats(h->engine, &s);
    return s;
}

/* ---- deletes ---- */

static void a_delete_that_names_an_spi_twice_ends_one_child(void **state)
{
    struct duo *d = *state;
    struct child_sa *c;
    struct ike_out o;
    uint8_t spis[8];
    struct wr w = wr_init(spis, sizeof(spis));

    assert_true(duo_connect(d));
    c = child_by_number_mut(&inside(d->dev)->core, host_child(d->dev));
    wr_u32(&w, c->spi_in);
    wr_u32(&w, c->spi_in);
    out_begin(inside(d->dev), &o);
    ike_put_delete(&o.chain, CV_PROTO_ESP, 4, 2, wr_done(&w));
    slip_in(d->dev, its_sa(d->dev), EX_INFORMATIONAL, &o);
    world_run(d->w, 1000);
    assert_int_equal(host_child_count(d->gw), 0);
    assert_int_equal(d->gw->saw[CV_EV_CHILD_DOWN], 1);
    assert_true(duo_closes(d));
}

/* ---- timers ---- */

static void an_idle_child_waits_for_the_outstanding_request(void **state)
{
    struct duo *d = *state;

    d->dev_conn.child[0].inactivity_s = 20;
    assert_true(duo_connect(d));
    d->w->net.ports[d->dev->port].out.down = true;
    host_rekey_ike(d->dev, d->ike);
    world_run(d->w, 22000);
    d->w->net.ports[d->dev->port].out.down = false;
    assert_true(duo_settles(d, 60000, 1, 0));
}

static void liveness_without_a_free_buffer_waits_for_one(void **state)
{
    struct duo *d = *state;
    struct msgs *m;
    uint32_t taken[4096], n = 0;

    d->dev_conn.conn.dpd_delay_s = 30;
    assert_true(duo_connect(d));
    world_run(d->w, 200000);
    m = &inside(d->dev)->core.msgs;
    while (n < 4096 && (taken[n] = msg_new(m)) != POOL_NONE)
        n++;
    world_run(d->w, 40000);
    assert_true(host_errors(d->dev, CV_ERR_FULL) > 0);
    while (n-- > 0)
        msg_unref(m, &taken[n]);
    assert_true(duo_settles(d, 60000, 1, 1));
    assert_true(world_ping(d->w, d->flow));
}

/* The peer was away for longer than an answer of the host may take. */
static void a_late_first_answer_leaves_the_host_its_time(void **state)
{
    struct duo *d = *state;

    d->dev->answer_ms = 500;
    d->dev_conn.conn.keyingtries = 0;
    duo_start(d);
    d->w->net.ports[d->dev->port].out.down = true;
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 100000);
    d->w->net.ports[d->dev->port].out.down = false;
    assert_true(duo_settles(d, 120000, 1, 1));
}

static void a_host_that_is_slow_to_drain_may_let_lingering_end(void **state)
{
    struct duo *d = *state;
    struct ike *k;

    assert_true(duo_connect(d));
    host_rekey_child(d->dev, host_child(d->dev));
    world_run(d->w, 8000);
    k = inside(d->gw);
    sa_close(k, its_sa(d->gw), CV_ERR_DELETED_LOCALLY, true);
    cv_tick(d->gw->engine, world_now(d->w) + LINGER_MS + 1);
    host_drain(d->gw);
    assert_int_equal(stats_of(d->gw).ike_sas, 0);
}

static void a_child_that_cannot_be_asked_for_fails_and_blocks_nobody(void **state)
{
    struct duo *d = *state;
    uint32_t flow = duo_add_child(d);
    unsigned i = recipe_add_child(&d->dev_conn);

    d->dev_conn.conn.dpd_delay_s = 30;
    recipe_local_ts(&d->dev_conn, i, recipe_subnet(recipe_v4(172, 16, 7, 0), 24));
    recipe_remote_ts(&d->dev_conn, i, recipe_subnet(recipe_v4(172, 16, 8, 0), 24));
    assert_true(duo_connect(d));
    /* a group that no backend has */
    d->dev_conn.esp[1] = d->dev_conn.esp[0];
    d->dev_conn.esp[1].t[d->dev_conn.esp[1].n++] = (struct cv_transform){CV_KE, 999, 0};
    d->dev_conn.child[i].proposals = &d->dev_conn.esp[1];
    host_initiate(d->dev, &d->dev_conn, i, d->gw);
    world_run(d->w, 5000);
    assert_int_equal(d->dev->saw[CV_EV_CHILD_FAILED], 1);
    host_initiate(d->dev, &d->dev_conn, 1, d->gw);
    assert_true(duo_settles(d, 60000, 1, 2));
    assert_true(world_ping(d->w, flow));
}

/* ---- numbers ---- */

static void slots_that_were_used_a_lot_still_have_numbers_of_their_own(void **state)
{
    struct duo *d = *state;
    struct host *const hosts[] = {d->dev, d->gw};

    for (unsigned i = 0; i < 2; i++)
        hosts[i]->settings.limits.ike_sas = hosts[i]->settings.limits.child_sas = 7;
    duo_start(d);
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned n = 0; n < 7; n++) {
            inside(hosts[i])->core.sa_gen[n] = UINT32_MAX / 7 - 1;
            inside(hosts[i])->core.child_gen[n] = UINT32_MAX / 7 - 1;
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        uint32_t ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);

        assert_true(duo_settles(d, 5000, 1, 1));
        assert_int_equal(host_ike(d->dev), ike);
        host_rekey_child(d->dev, host_child(d->dev));
        host_rekey_ike(d->dev, host_ike(d->dev));
        assert_true(duo_settles(d, 20000, 1, 1));
        assert_true(duo_closes(d));
    }
}

/* ---- one request at a time ---- */

/* While the host thinks about IKE_AUTH, its answer alone has its message ID (and its IV). */
static void a_request_ahead_of_its_turn_is_dropped(void **state)
{
    struct duo *d = *state;
    struct ike_out o;

    d->gw->answer_ms = 2000;
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 1000);
    assert_int_equal(its_sa(d->dev)->state, ST_I_AUTH);
    out_begin(inside(d->dev), &o);
    ike_put_payload(&o.chain, 200, span(NULL, 0));
    o.w.p[1] |= 0x80; /* critical, and nobody knows it */
    slip_in(d->dev, its_sa(d->dev), EX_INFORMATIONAL, &o);
    its_sa(d->dev)->next_out--;
    world_run(d->w, 500);
    assert_true(duo_settles(d, 20000, 1, 1));
    assert_true(world_ping(d->w, d->flow));
}

/* RFC 7296 section 2.2: an SA ends before its message IDs start again. */
static void message_ids_never_start_again(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    its_sa(d->dev)->next_out = its_sa(d->gw)->next_in = UINT32_MAX - 1;
    host_rekey_child(d->dev, host_child(d->dev)); /* one ID for it, none for the delete */
    world_run(d->w, 5000);
    assert_int_equal(host_ike_count(d->dev), 0);
    assert_int_equal(host_last(d->dev, CV_EV_IKE_DOWN)->err, CV_ERR_LIFETIME);
    assert_int_equal(its_sa(d->gw)->next_in, UINT32_MAX);
}

/* ---- half-open ---- */

static void a_new_port_leaves_an_exchange_half_open(void **state)
{
    struct duo *d = *state;
    struct ike_sa *sa;

    d->dev->answer_ms = 100;
    d->gw->answer_ms = 60000;
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 50);
    sa = its_sa(d->dev);
    assert_int_equal(sa->state, ST_I_SIGN);
    sa->peer.local.port = sa->peer.remote.port = 4500;
    sa->peer.carrier = CV_UDP_4500;
    world_run(d->w, 5000);
    assert_int_equal(stats_of(d->gw).half_open, 1);
    host_stop(d->dev);
    world_run(d->w, 200000);
    assert_true(host_is_empty(d->gw));
}

static void refused_devices_take_no_room_that_others_need(void **state)
{
    struct duo *d = *state;

    d->dev->psk = "wrong";
    d->gw->settings.limits.ike_sas = 8;
    duo_start(d);
    for (unsigned i = 0; i < 20; i++) {
        uint32_t ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);

        world_run(d->w, 200);
        if (cv_terminate_ike(d->dev->engine, ike, true, world_now(d->w)) == CV_OK)
            host_drain(d->dev);
        assert_int_equal(stats_of(d->gw).half_open, 0); /* they linger, and give way */
    }
    assert_int_equal(host_errors(d->gw, CV_ERR_FULL), 0);
    d->dev->psk = d->gw->psk;
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 30000, 1, 1));
}

/* ---- who is there ---- */

struct last_word {
    struct datagram *d;
    uint32_t from;
};

static enum net_fate keep_last(void *ctx, struct datagram *d)
{
    struct last_word *l = ctx;

    if (d->from != l->from || d->carrier != CV_UDP_500)
        return NET_PASS;
    free(l->d);
    l->d = sim_alloc(sizeof(*d) + d->n);
    memcpy(l->d, d, sizeof(*d) + d->n);
    return NET_PASS;
}

/* RFC 7296 section 2.4: only fresh messages are a sign of life. */
static void a_replayed_request_is_no_sign_of_life(void **state)
{
    struct duo *d = *state;
    struct last_word l = {.d = NULL};

    d->gw_conn.conn.dpd_delay_s = 30;
    assert_true(duo_connect(d));
    l.from = d->dev->port;
    d->w->tap = keep_last;
    d->w->tap_ctx = &l;
    host_rekey_child(d->dev, host_child(d->dev));
    world_run(d->w, 5000);
    d->w->tap = NULL;
    assert_non_null(l.d);
    host_stop(d->dev);
    for (unsigned i = 0; i < 40; i++) {
        net_inject(&d->w->net, &l.d->src, &l.d->dst, l.d->carrier,
                   (struct cv_span){l.d->data, l.d->n});
        world_run(d->w, 10000);
    }
    free(l.d);
    assert_int_equal(d->gw->saw[CV_EV_IKE_DOWN], 1);
}

/* unique = keep refuses other hosts with the same identity, not the same host's return. */
static void a_gateway_that_keeps_what_it_has_lets_a_device_reauthenticate(void **state)
{
    struct duo *d = *state;

    d->gw_conn.conn.unique = CV_UNIQUE_KEEP;
    assert_true(duo_connect(d));
    host_reauth(d->dev, d->ike);
    assert_true(duo_settles(d, 20000, 1, 1));
    assert_int_not_equal(host_ike(d->dev), d->ike);
    assert_true(world_ping(d->w, d->flow));
}

static void a_gateway_with_another_name_is_told(void **state)
{
    struct duo *d = *state;

    recipe_id(&d->dev_conn.conn.remote.id, "*.elsewhere");
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 30000);
    assert_int_equal(d->dev->saw[CV_EV_AUTH_FAILED], 1);
    assert_int_equal(host_last(d->dev, CV_EV_AUTH_FAILED)->err, CV_ERR_ID_MISMATCH);
    assert_true(host_is_empty(d->dev) && host_is_empty(d->gw));
}

/* ---- effects ---- */

enum { BATCH = 24 };

/* Takes the oldest held message out of the network and into a packet. */
static void take_held(struct world *w, struct cv_packet *p)
{
    const struct datagram *d = w->net.held[0];

    *p = (struct cv_packet){
        .cap = d->n, .len = d->n, .local = d->dst, .remote = d->src, .carrier = d->carrier};
    p->buf = sim_alloc(d->n);
    memcpy(p->buf, d->data, d->n);
    net_discard(&w->net, 0);
}

/* Each message of a batch leads to a question, each answer to more effects than one. */
static void a_batch_of_handshakes_loses_no_effect(void **state)
{
    struct crowd *c = crowd_new(1, BATCH);
    struct cv_packet pkts[BATCH];
    unsigned n_up = 0;

    (void)state;
    c->gw->settings.limits.effects = 32;
    c->gw->settings.limits.handshakes = c->gw->settings.limits.ike_sas = 2 * BATCH;
    c->gw->settings.limits.child_sas = 2 * BATCH;
    c->gw->settings.limits.messages = 16 * BATCH;
    c->gw->settings.cookie_threshold = 1000;
    crowd_start(c);
    world_hold_all(c->w);
    for (unsigned i = 0; i < BATCH; i++) {
        crowd_connect(c, i);
        world_deliver(c->w, c->dev[i]);
        world_deliver(c->w, c->gw);
        take_held(c->w, &pkts[i]);
    }
    assert_int_equal(c->w->net.n_held, 0);
    world_unhold(c->w);
    c->w->active = c->gw;
    cv_input(c->gw->engine, pkts, BATCH, world_now(c->w));
    host_drain(c->gw);
    for (unsigned i = 0; i < BATCH; i++) {
        n_up += pkts[i].verdict == CV_TAKEN;
        free(pkts[i].buf);
    }
    assert_true(n_up > 1);
    assert_int_equal(host_errors(c->gw, CV_ERR_BUSY), BATCH - n_up); /* refused as a whole */
    assert_int_equal(c->gw->saw[CV_EV_IKE_UP], n_up);
    assert_int_equal(c->gw->saw[CV_EV_CHILD_UP], n_up);
    world_run(c->w, 60000); /* the others repeat theirs */
    assert_int_equal(crowd_up(c), BATCH);
    assert_true(crowd_free(c));
}

/* ---- fragments ---- */

static enum net_fate only_first_fragments(void *ctx, struct datagram *d)
{
    (void)ctx;
    return d->carrier == CV_UDP_500 && d->n > 36 && d->data[16] == PL_SKF && d->data[33] > 1
               ? NET_LOSE
               : NET_PASS;
}

static void half_a_message_does_not_keep_a_slot_for_ever(void **state)
{
    struct duo *d = *state;

    d->dev->settings.fragment_size = 400;
    recipe_pfs(&d->dev_conn, CV_KE_MODP_2048);
    recipe_pfs(&d->gw_conn, CV_KE_MODP_2048);
    assert_true(duo_connect(d));
    d->w->tap = only_first_fragments;
    host_rekey_child(d->dev, host_child(d->dev));
    world_run(d->w, 1000);
    assert_int_equal(stats_of(d->gw).gathers, 1);
    host_stop(d->dev);
    world_run(d->w, 100000);
    assert_int_equal(stats_of(d->gw).gathers, 0);
    assert_int_equal(stats_of(d->gw).ike_sas, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(a_delete_that_names_an_spi_twice_ends_one_child),
        DUO(an_idle_child_waits_for_the_outstanding_request),
        DUO(liveness_without_a_free_buffer_waits_for_one),
        DUO(a_late_first_answer_leaves_the_host_its_time),
        DUO(a_host_that_is_slow_to_drain_may_let_lingering_end),
        DUO(a_child_that_cannot_be_asked_for_fails_and_blocks_nobody),
        DUO(slots_that_were_used_a_lot_still_have_numbers_of_their_own),
        DUO(a_request_ahead_of_its_turn_is_dropped),
        DUO(message_ids_never_start_again),
        DUO(a_new_port_leaves_an_exchange_half_open),
        DUO(refused_devices_take_no_room_that_others_need),
        DUO(a_replayed_request_is_no_sign_of_life),
        DUO(a_gateway_that_keeps_what_it_has_lets_a_device_reauthenticate),
        DUO(a_gateway_with_another_name_is_told),
        cmocka_unit_test(a_batch_of_handshakes_loses_no_effect),
        DUO(half_a_message_does_not_keep_a_slot_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
