/* SAs inside SAs, negotiated: AH around ESP in one connection, a tunnel with its IKE SA inside
 * another connection's tunnel.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"
#include "wire/ip.h"

/* ---- AH around ESP ---- */

enum { DATA = 0, AUTH = 1 };

static const struct cv_proposal ah = {
    .protocol = CV_PROTO_AH,
    .n = 2,
    .t = {{CV_INTEG, CV_INTEG_HMAC_SHA2_256_128, 0}, {CV_ESN, CV_ESN_NO, 0}},
};

static void use_adjacency(struct recipe *r)
{
    struct cv_ts_config any = recipe_dynamic(), esp = recipe_dynamic();
    unsigned auth = recipe_add_child(r);

    esp.ts.proto = IPPROTO_NUM_ESP;
    r->child[DATA].mode = r->child[auth].mode = CV_TRANSPORT;
    r->child[DATA].nested = true;
    r->child[DATA].n_local_ts = r->child[DATA].n_remote_ts = 0;
    recipe_local_ts(r, DATA, any);
    recipe_remote_ts(r, DATA, any);
    r->child[auth].proposals = &ah;
    recipe_local_ts(r, auth, esp);
    recipe_remote_ts(r, auth, esp);
}

/* Nothing but IKE and AH on the wire. */
static enum net_fate watch_wire(void *ctx, struct datagram *d)
{
    unsigned *others = ctx;

    if (d->carrier != CV_UDP_500 && d->carrier != CV_RAW_AH)
        (*others)++;
    return NET_PASS;
}

static uint32_t child_of(const struct host *h, const struct recipe *r, unsigned i)
{
    struct cv_child_info info;

    for (uint32_t at = 0; cv_child_next(h->engine, 0, &at, &info);)
        if (info.cfg == &r->child[i] && info.state == CV_CHILD_INSTALLED)
            return info.id;
    return 0;
}

static void connect_adjacency(struct duo *d)
{
    use_adjacency(&d->dev_conn);
    use_adjacency(&d->gw_conn);
    duo_start(d);
    d->flow = world_flow_between(d->w, d->dev, &d->dev->v4, d->gw, &d->gw->v4);
    d->w->stack.flows[d->flow].transport = d->w->stack.flows[d->flow ^ 1].transport = true;
    host_initiate(d->dev, &d->dev_conn, DATA, d->gw);
    assert_true(duo_settles(d, 5000, 1, 1));
}

static void ah_and_esp_are_negotiated_one_by_one_and_used_together(void **state)
{
    struct duo *d = *state;
    unsigned others = 0;

    connect_adjacency(d);
    d->w->tap = watch_wire;
    d->w->tap_ctx = &others;
    /* ESP alone is not what was configured */
    assert_false(world_ping(d->w, d->flow));
    assert_int_equal(host_errors(d->dev, CV_ERR_NO_TUNNEL), 1);
    host_initiate(d->dev, &d->dev_conn, AUTH, d->gw);
    assert_true(duo_settles(d, 5000, 1, 2));
    assert_true(world_ping(d->w, d->flow));
    assert_int_equal(others, 0);
    for (unsigned i = 0; i < 2; i++) {
        struct cv_child_info info = host_child_info(d->gw, child_of(d->gw, &d->gw_conn, i));

        assert_int_equal(info.packets_in, 1);
        assert_int_equal(info.packets_out, 1);
    }
    assert_true(duo_closes(d));
}

static void either_half_is_rekeyed_by_either_side_without_loss(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct duo *d = duo_new(i + 1);
        struct host *by = i & 1 ? d->gw : d->dev;
        struct recipe *r = i & 1 ? &d->gw_conn : &d->dev_conn;
        unsigned others = 0;

        connect_adjacency(d);
        host_initiate(d->dev, &d->dev_conn, AUTH, d->gw);
        assert_true(duo_settles(d, 5000, 1, 2));
        d->w->tap = watch_wire;
        d->w->tap_ctx = &others;
        duo_traffic(d, 5);
        world_run(d->w, 1000);
        host_rekey_child(by, child_of(by, r, i & 2 ? AUTH : DATA));
        if (i & 4) /* the other one at the same time */
            host_rekey_child(by, child_of(by, r, i & 2 ? DATA : AUTH));
        assert_true(duo_settles(d, 15000, 1, 2));
        assert_int_equal(by->saw[CV_EV_CHILD_REKEYED], i & 4 ? 2 : 1);
        assert_int_equal(duo_missing(d), 0);
        assert_int_equal(others, 0);
        assert_true(duo_closes(d));
        assert_true(duo_free(d));
    }
}

static void without_the_outer_half_nothing_goes(void **state)
{
    struct duo *d = *state;
    unsigned others = 0;

    connect_adjacency(d);
    host_initiate(d->dev, &d->dev_conn, AUTH, d->gw);
    assert_true(duo_settles(d, 5000, 1, 2));
    assert_true(world_ping(d->w, d->flow));
    host_delete_child(d->gw, child_of(d->gw, &d->gw_conn, AUTH));
    assert_true(duo_settles(d, 10000, 1, 1));
    d->w->tap = watch_wire;
    d->w->tap_ctx = &others;
    assert_false(world_ping(d->w, d->flow));
    assert_int_equal(others, 0);
}

/* ---- a tunnel in a tunnel ---- */

/* The inner connection's ends are the addresses that the outer one's tunnel protects. */
struct stacked {
    struct recipe dev, gw;
    uint32_t flow, ike;
};

static void init_inner(struct recipe *r, const struct host *here, const struct host *there,
                       struct cv_addr local, struct cv_addr remote)
{
    recipe_init(r, "inner", here->name, there->name);
    r->child[0].nested = true;
    recipe_local_ts(r, 0, recipe_subnet(local, 24));
    recipe_remote_ts(r, 0, recipe_subnet(remote, 24));
    r->remote_range.family = CV_IPV4;
    memcpy(r->remote_range.lo, there->inner[0].b, 16);
    memcpy(r->remote_range.hi, there->inner[0].b, 16);
    r->conn.remote_addrs = &r->remote_range;
    r->conn.n_remote_addrs = 1;
}

/* All of it between the outer addresses. */
static enum net_fate watch_addresses(void *ctx, struct datagram *d)
{
    const struct duo *duo = ctx;

    if (!addr_equal(&d->src.addr, &duo->dev->v4) && !addr_equal(&d->src.addr, &duo->gw->v4))
        world_fail(duo->w, "the inner connection speaks outside the tunnel");
    return NET_PASS;
}

static void initiate_inner(struct duo *d, struct stacked *s)
{
    const struct cv_endpoint from = {d->dev->inner[0], 500}, to = {d->gw->inner[0], 500};

    d->w->active = d->dev;
    assert_int_equal(cv_initiate(d->dev->engine, &s->dev.conn, s->dev.children[0], &from, &to,
                                 world_now(d->w), &s->ike),
                     CV_OK);
    host_drain(d->dev);
}

static void connect_stacked(struct duo *d, struct stacked *s)
{
    const struct cv_addr dev = recipe_v4(172, 16, 1, 1), gw = recipe_v4(172, 16, 2, 1);

    init_inner(&s->dev, d->dev, d->gw, dev, gw);
    init_inner(&s->gw, d->gw, d->dev, gw, dev);
    host_add(d->dev, &s->dev);
    host_add(d->gw, &s->gw);
    assert_true(duo_connect(d));
    s->flow = world_flow_between(d->w, d->dev, &dev, d->gw, &gw);
    d->w->tap = watch_addresses;
    d->w->tap_ctx = d;
    initiate_inner(d, s);
    assert_true(duo_settles(d, 10000, 2, 2));
}

static void a_tunnel_and_its_ike_sa_go_through_another(void **state)
{
    struct duo *d = *state;
    struct stacked s;

    connect_stacked(d, &s);
    assert_true(world_ping(d->w, s.flow));
    assert_true(world_ping(d->w, d->flow));
    host_rekey_child(d->gw, child_of(d->gw, &s.gw, 0));
    assert_true(duo_settles(d, 15000, 2, 2));
    assert_true(world_ping(d->w, s.flow));
    host_rekey_child(d->dev, child_of(d->dev, &d->dev_conn, 0));
    assert_true(duo_settles(d, 15000, 2, 2));
    assert_true(world_ping(d->w, s.flow));
    host_rekey_ike(d->dev, s.ike);
    assert_true(duo_settles(d, 15000, 2, 2));
    assert_true(world_ping(d->w, s.flow));
    host_rekey_ike(d->gw, host_ike(d->gw));
    assert_true(duo_settles(d, 15000, 2, 2));
    assert_true(world_ping(d->w, s.flow));
}

static void when_the_outer_tunnel_goes_the_inner_one_sends_nothing(void **state)
{
    struct duo *d = *state;
    struct stacked s;
    uint64_t before;

    connect_stacked(d, &s);
    host_delete_ike(d->dev, d->ike);
    assert_true(duo_settles(d, 10000, 1, 1));
    before = host_errors(d->dev, CV_ERR_NO_TUNNEL);
    assert_false(world_ping(d->w, s.flow));
    assert_int_equal(host_errors(d->dev, CV_ERR_NO_TUNNEL), before + 1);
    /* and goes on when there is one again */
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 10000, 2, 2));
    assert_true(world_ping(d->w, s.flow));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(ah_and_esp_are_negotiated_one_by_one_and_used_together),
        cmocka_unit_test(either_half_is_rekeyed_by_either_side_without_loss),
        DUO(without_the_outer_half_nothing_goes),
        DUO(a_tunnel_and_its_ike_sa_go_through_another),
        DUO(when_the_outer_tunnel_goes_the_inner_one_sends_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
