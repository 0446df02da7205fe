/* A host that looks on sees each message once and in the clear, and keys where it asks for
 * them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <culvert/watch.h>

#include "sim/check.h"
#include "sim/duo.h"
#include "wire/ike.h"

enum { SEEN = 32, CHAIN = 1500 };

struct seen {
    bool out, response;
    uint8_t exchange, first;
    uint32_t msg_id;
    size_t n;
    uint8_t chain[CHAIN];
};

struct sight {
    struct seen m[SEEN];
    unsigned n, ike_keys, child_keys;
    uint8_t ei[64], er[64];
    size_t e_len;
    uint32_t spi_in, spi_out;
    uint8_t key_in[128], key_out[128];
};

static void see_message(void *ctx, const struct cv_watched_message *m)
{
    struct sight *s = ctx;
    struct seen *to;

    assert_true(s->n < SEEN && m->payloads.n <= CHAIN);
    to = &s->m[s->n++];
    *to = (struct seen){m->out,    m->response,   m->exchange, m->first,
                        m->msg_id, m->payloads.n, {0}};
    if (m->payloads.n > 0)
        memcpy(to->chain, m->payloads.p, m->payloads.n);
}

static void see_ike_keys(void *ctx, const struct cv_watched_keys *k)
{
    struct sight *s = ctx;

    s->ike_keys++;
    s->e_len = k->ei.n;
    memcpy(s->ei, k->ei.p, k->ei.n);
    memcpy(s->er, k->er.p, k->er.n);
}

static void see_child_keys(void *ctx, const struct cv_pair_config *p)
{
    struct sight *s = ctx;

    s->child_keys++;
    s->spi_in = p->spi_in;
    s->spi_out = p->spi_out;
    memcpy(s->key_in, p->key_in.p, p->key_in.n);
    memcpy(s->key_out, p->key_out.p, p->key_out.n);
}

static bool is(const struct seen *m, bool out, uint8_t exchange, bool response, uint8_t first)
{
    struct ike_msg parsed;

    return m->out == out && m->exchange == exchange && m->response == response &&
           m->first == first &&
           ike_parse_payloads(&parsed, m->first, (struct cv_span){m->chain, m->n}, 0) == CV_OK;
}

static void each_message_is_seen_once_and_in_the_clear(void **state)
{
    struct sight s = {.n = 0};
    const struct cv_watch watch = {.ctx = &s, .message = see_message};
    struct duo *d = *state;

    d->dev->settings.watch = &watch;
    assert_true(duo_connect(d));
    assert_int_equal(s.n, 4);
    assert_true(is(&s.m[0], true, EX_SA_INIT, false, PL_SA));
    assert_true(is(&s.m[1], false, EX_SA_INIT, true, PL_SA));
    assert_true(is(&s.m[2], true, EX_AUTH, false, PL_IDI));
    assert_true(is(&s.m[3], false, EX_AUTH, true, PL_IDR));
    assert_int_equal(s.m[3].msg_id, 1);
    assert_int_equal(s.ike_keys + s.child_keys, 0);
    assert_true(duo_closes(d));
}

static void what_is_repeated_is_not_seen_again(void **state)
{
    struct sight s = {.n = 0};
    const struct cv_watch watch = {.ctx = &s, .message = see_message};
    struct duo *d = *state;

    d->dev->settings.watch = &watch;
    duo_start(d);
    world_lose_nth(d->w, d->dev, 0);
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 10000, 1, 1));
    assert_int_equal(s.n, 4);
}

static void keys_are_seen_where_asked_for_and_are_those_in_use(void **state)
{
    struct sight dev = {.n = 0}, gw = {.n = 0};
    const struct cv_watch by_dev = {&dev, NULL, see_ike_keys, see_child_keys};
    const struct cv_watch by_gw = {&gw, NULL, see_ike_keys, see_child_keys};
    struct duo *d = *state;

    d->dev->settings.watch = &by_dev;
    d->gw->settings.watch = &by_gw;
    assert_true(duo_connect(d));
    assert_int_equal(dev.ike_keys, 1);
    assert_int_equal(dev.child_keys, 1);
    assert_true(dev.e_len > 0 && memcmp(dev.ei, dev.er, dev.e_len) != 0);
    assert_memory_equal(dev.ei, gw.ei, sizeof(gw.ei));
    assert_memory_equal(dev.er, gw.er, sizeof(gw.er));
    assert_int_equal(dev.spi_in, gw.spi_out);
    assert_memory_equal(dev.key_in, gw.key_out, sizeof(gw.key_out));
    assert_memory_equal(dev.key_out, gw.key_in, sizeof(gw.key_in));
    host_rekey_ike(d->dev, d->ike);
    world_run(d->w, 5000);
    assert_int_equal(dev.ike_keys, 2);
    assert_memory_equal(dev.ei, gw.ei, sizeof(gw.ei));
}

/* RFC 7296 section 2.6: with the cookie comes the same message, all other payloads unchanged,
 * also where a NAT is only claimed. */
static void with_a_cookie_all_other_payloads_are_unchanged(void **state)
{
    struct sight s = {.n = 0};
    const struct cv_watch watch = {.ctx = &s, .message = see_message};
    struct duo *d = *state;
    const struct seen *again = &s.m[2];
    size_t cookie;

    d->dev->settings.watch = &watch;
    d->dev_conn.conn.encap = true;
    d->gw->settings.cookie_threshold = 1;
    d->gw->settings.block_threshold = UINT32_MAX;
    duo_start(d);
    d->w->net.ports[d->dev->port].in.down = true; /* leaves a half-open SA at the gateway */
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 1000);
    d->w->net.ports[d->dev->port].in.down = false;
    host_reboot(d->dev);
    s.n = 0;
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 5000);
    assert_true(is(&s.m[0], true, EX_SA_INIT, false, PL_SA));
    assert_true(is(again, true, EX_SA_INIT, false, PL_NOTIFY));
    cookie = (size_t)(again->chain[2] << 8 | again->chain[3]);
    assert_int_equal(again->n - cookie, s.m[0].n);
    assert_memory_equal(again->chain + cookie, s.m[0].chain, s.m[0].n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(each_message_is_seen_once_and_in_the_clear),
        DUO(what_is_repeated_is_not_seen_again),
        DUO(keys_are_seen_where_asked_for_and_are_those_in_use),
        DUO(with_a_cookie_all_other_payloads_are_unchanged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
