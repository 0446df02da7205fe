/* A device with valid credentials that wants everything: Child SAs, rekeys without a delete,
 * connections without end, fragments of messages that it never finishes.  Beside it others
 * connect, rekey and are answered as ever, and what the gateway holds for it stays what it is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/crowd.h"
#include "sim/liar.h"

enum { TIMES = 300, HONEST = 2, HEARING = 60 };

/* The most of each table that was in use. */
struct marks {
    uint32_t ike_sas, child_sas, handshakes, gathers, messages;
};

struct greed {
    struct crowd *c;
    struct recipe conn; /* the gateway's, for the greedy one */
    struct liar *l;
    struct marks most, early; /* so far; after the first third */
};

static void raise(uint32_t *mark, uint32_t value)
{
    *mark = value > *mark ? value : *mark;
}

static void look(struct greed *g)
{
    struct cv_stats st;

    cv_get_stats(g->c->gw->engine, &st);
    raise(&g->most.ike_sas, st.ike_sas);
    raise(&g->most.child_sas, st.child_sas);
    raise(&g->most.handshakes, st.handshakes);
    raise(&g->most.gathers, st.gathers);
    raise(&g->most.messages, st.messages);
}

static struct greed *begin(uint64_t seed)
{
    struct greed *g = sim_alloc(sizeof(*g));
    struct host *gw;

    g->c = crowd_new(seed, HONEST);
    gw = g->c->gw;
    g->c->w->quick = true;
    recipe_init(&g->conn, "greedy", "gateway.example", "device.example");
    recipe_local_ts(&g->conn, 0, recipe_subnet(gw->inner[0], 24));
    recipe_remote_ts(&g->conn, 0, recipe_subnet(recipe_v4(10, 77, 0, 1), 24));
    host_add(gw, &g->conn);
    gw->settings.limits = (struct cv_limits){.ike_sas = 120,
                                             .child_sas = 240,
                                             .conns = 4,
                                             .handshakes = 32,
                                             .messages = 200,
                                             .message_size = 2048,
                                             .effects = 64,
                                             .gathers = 8};
    crowd_start(g->c);
    crowd_connect(g->c, 0);
    world_run(g->c->w, 3000);
    g->l = liar_new(gw, true);
    g->l->hearing_ms = HEARING;
    return g;
}

/* While the greedy one goes on, the honest ones have what they want. */
typedef void act_fn(struct greed *g, unsigned i);

static void go_on(struct greed *g, act_fn *act)
{
    struct crowd *c = g->c;

    for (unsigned i = 0; i < TIMES; i++) {
        act(g, i);
        look(g);
        if (i == TIMES / 3)
            g->early = g->most;
        if (i == TIMES / 2) {
            crowd_connect(c, 1);
            host_rekey_child(c->dev[0], host_child(c->dev[0]));
            host_rekey_ike(c->dev[0], host_ike(c->dev[0]));
        }
    }
}

static void end(struct greed *g, const char *what)
{
    struct crowd *c = g->c;

    print_message("%-32s at most %3u IKE SAs, %3u Child SAs, %2u handshakes, %u gathers, %3u "
                  "messages\n",
                  what, g->most.ike_sas, g->most.child_sas, g->most.handshakes, g->most.gathers,
                  g->most.messages);
    assert_int_equal(crowd_up(c), HONEST);
    assert_int_equal(c->dev[0]->saw[CV_EV_CHILD_REKEYED], 1);
    assert_int_equal(c->dev[0]->saw[CV_EV_IKE_REKEYED], 1);
    assert_true(crowd_ping(c, 0) && crowd_ping(c, 1));
    liar_free(g->l);
    assert_true(crowd_free(c));
    free(g);
}

/* What the honest two may add after the first third of the time: a device that connects, an SA
 * rekeyed, a message or two each. */
static void assert_flat(const struct greed *g)
{
    assert_in_range(g->most.ike_sas, 0, g->early.ike_sas + 3);
    assert_in_range(g->most.child_sas, 0, g->early.child_sas + 3);
    assert_in_range(g->most.handshakes, 0, g->early.handshakes + 2);
    assert_in_range(g->most.messages, 0, g->early.messages + 8);
}

/* ---- what it does ------------------------------------------------------------------------ */

static void ask_child(struct greed *g, unsigned i)
{
    struct liar *l = g->l;
    struct liar_say s;

    if (i == 0)
        assert_true(liar_init(l) && liar_auth(l));
    say_request(l, &s, EX_CREATE_CHILD);
    l->spi_in++;
    put_nonce(&s, LIAR_NONCE);
    put_child(&s);
    assert_true(say_end(&s));
}

static void rekey_child(struct greed *g, unsigned i)
{
    struct liar *l = g->l;
    uint8_t old[4];
    struct wr w = wr_init(old, sizeof(old));
    struct liar_say s;

    if (i == 0)
        assert_true(liar_init(l) && liar_auth(l));
    wr_u32(&w, l->spi_in);
    say_request(l, &s, EX_CREATE_CHILD);
    ike_put_notify(&s.c, CV_PROTO_ESP, wr_done(&w), N_REKEY_SA, span(NULL, 0));
    l->spi_in++;
    put_nonce(&s, LIAR_NONCE);
    put_child(&s);
    assert_true(say_end(&s));
    assert_int_equal(heard_error(l), 0);
}

static void rekey_ike(struct greed *g, unsigned i)
{
    if (i == 0)
        assert_true(liar_init(g->l) && liar_auth(g->l));
    assert_true(liar_rekey(g->l));
}

static void connect(struct greed *g, unsigned i)
{
    (void)i;
    assert_true(liar_again(g->l));
}

static void connect_and_delete(struct greed *g, unsigned i)
{
    const uint8_t ike[] = {CV_PROTO_IKE, 0, 0, 0};
    struct liar_say s;

    connect(g, i);
    say_request(g->l, &s, EX_INFORMATIONAL);
    ike_put_payload(&s.c, PL_DELETE, span(ike, sizeof(ike)));
    assert_true(say_end(&s));
}

static void connect_halfway(struct greed *g, unsigned i)
{
    struct liar *l = g->l;

    (void)i;
    prng_fill(&l->w->prng, l->spi_i, IKE_SPI_LEN);
    memset(l->spi_r, 0, IKE_SPI_LEN);
    l->next_out = 0;
    (void)liar_init(l); /* a cookie, when it has several */
}

/* ---- */

static void child_sas_without_end(void **state)
{
    struct greed *g = begin(1);

    (void)state;
    go_on(g, ask_child);
    assert_int_equal(heard_error(g->l), N_NO_ADDITIONAL_SAS);
    assert_in_range(g->most.child_sas, 64, 64 + 4);
    assert_flat(g);
    end(g, "CREATE_CHILD_SA");
}

static void rekeys_of_a_child_sa_without_delete(void **state)
{
    struct greed *g = begin(2);

    (void)state;
    go_on(g, rekey_child);
    assert_in_range(g->most.child_sas, 0, 12);
    assert_flat(g);
    end(g, "REKEY_SA without DELETE");
}

static void rekeys_of_an_ike_sa_without_delete(void **state)
{
    struct greed *g = begin(3);

    (void)state;
    go_on(g, rekey_ike);
    assert_in_range(g->most.ike_sas, 0, 8);
    assert_flat(g);
    end(g, "IKE rekeys without DELETE");
}

static void connections_without_end(void **state)
{
    struct greed *g = begin(4);

    (void)state;
    go_on(g, connect);
    assert_in_range(g->most.ike_sas, 0, 24);
    assert_flat(g);
    end(g, "connections");
}

static void connections_that_are_deleted_at_once(void **state)
{
    struct greed *g = begin(5);

    (void)state;
    go_on(g, connect_and_delete);
    assert_flat(g); /* each lingers for five seconds, to repeat its last answer */
    end(g, "connect and DELETE");
}

static void connections_that_are_never_finished(void **state)
{
    struct greed *g = begin(6);

    (void)state;
    go_on(g, connect_halfway);
    end(g, "IKE_SA_INIT alone");
}

/* ---- fragments --------------------------------------------------------------------------- */

enum { PARTNERS = 12, SLOTS = 8 };

static void begin_message(struct liar *l, struct liar_say *s)
{
    say_request(l, s, EX_INFORMATIONAL);
    put_notify(s, N_INITIAL_CONTACT, span(NULL, 0));
    put_notify(s, N_INITIAL_CONTACT, span(NULL, 0));
}

static struct cv_span half_of(const struct liar_say *s, unsigned i)
{
    struct rd r = rd_init(span(s->w.p, s->w.n));

    (void)rd_take(&r, i * s->w.n / 2);
    return rd_take(&r, s->w.n / 2);
}

static void incomplete_messages_keep_nobody_waiting(void **state)
{
    struct greed *g = begin(7);
    struct liar *l[PARTNERS];
    struct liar_say s;
    struct cv_stats st;

    (void)state;
    for (unsigned i = 0; i < PARTNERS; i++) {
        l[i] = liar_new_at(g->c->gw, true, recipe_v4(192, 0, 2, (uint8_t)(100 + i)));
        l[i]->hearing_ms = HEARING;
        assert_true(liar_init(l[i]) && liar_auth(l[i]));
    }
    for (unsigned i = 0; i < TIMES; i++) {
        begin_message(l[i % PARTNERS], &s);
        say_fragment(&s, 1, 2, half_of(&s, 0));
        look(g);
    }
    cv_get_stats(g->c->gw->engine, &st);
    assert_int_equal(st.gathers, SLOTS);
    assert_true(st.gave_way >= TIMES - PARTNERS - SLOTS);
    assert_in_range(g->most.messages, 0, PARTNERS + SLOTS + 4);
    /* who finishes is heard, and whose first half is gone says it again */
    begin_message(l[0], &s);
    say_fragment(&s, 1, 2, half_of(&s, 0));
    say_fragment(&s, 2, 2, half_of(&s, 1));
    assert_true(l[0]->heard.plain && l[0]->heard.hdr.exchange == EX_INFORMATIONAL);
    assert_int_equal(host_errors(g->c->gw, CV_ERR_FULL), 0);
    crowd_connect(g->c, 1);
    host_rekey_child(g->c->dev[0], host_child(g->c->dev[0]));
    host_rekey_ike(g->c->dev[0], host_ike(g->c->dev[0]));
    world_run(g->c->w, 60000);
    cv_get_stats(g->c->gw->engine, &st);
    assert_int_equal(st.gathers, 0); /* given up by now */
    end(g, "lone fragments");
    for (unsigned i = 0; i < PARTNERS; i++)
        liar_free(l[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_sas_without_end),
        cmocka_unit_test(rekeys_of_a_child_sa_without_delete),
        cmocka_unit_test(rekeys_of_an_ike_sa_without_delete),
        cmocka_unit_test(connections_without_end),
        cmocka_unit_test(connections_that_are_deleted_at_once),
        cmocka_unit_test(connections_that_are_never_finished),
        cmocka_unit_test(incomplete_messages_keep_nobody_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
