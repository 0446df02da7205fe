/* A key exchange whose two sides send different lengths, as ML-KEM's do, in every exchange that
 * has one; and values of another length, which are refused wherever they come.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/crypto.h"
#include "sim/duo.h"
#include "wire/ike.h"

enum { HDR = 28, SK_HDR = 4, KE_HDR = 8, CUT = 4, VENDOR = 43 };

/* What the KE payloads of a run look like, and which one is to be cut short. */
struct watch {
    struct duo *d;
    unsigned n_public, n_answer, n_other;
    const struct host *liar;
    uint8_t exchange; /* of the liar's message; 0: nobody lies */
};

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* The last octets of a KE payload become a vendor ID: a well-formed message with a value that
 * is too short. */
static void cut_short(uint8_t *ke)
{
    uint16_t len = (uint16_t)(be16(ke + 2) - CUT);

    ke[len] = ke[0];
    ke[len + 1] = 0;
    ke[len + 2] = 0;
    ke[len + 3] = CUT;
    ke[0] = VENDOR;
    ke[2] = (uint8_t)(len >> 8);
    ke[3] = (uint8_t)len;
}

/* chain: the payloads of a message with this header, which begins with one of type first. */
static void look(struct watch *t, const struct host *from, const uint8_t *hdr, uint8_t first,
                 uint8_t *chain, size_t n)
{
    uint8_t type = first;

    for (size_t at = 0; at + 4 <= n && type != 0;) {
        size_t len = be16(chain + at + 2);

        if (type == PL_KE) {
            bool answers = (hdr[19] & IKE_F_RESPONSE) != 0;

            if (len == KE_HDR + (answers ? SIM_KEM_ANSWER : SIM_KEM_PUBLIC))
                (answers ? &t->n_answer : &t->n_public)[0]++;
            else
                t->n_other++;
            if (from == t->liar && hdr[18] == t->exchange)
                cut_short(chain + at);
            return;
        }
        type = chain[at];
        at += len;
    }
}

static void look_inside(void *ctx, const struct host *h, struct cv_span aad, uint8_t *plain,
                        size_t n)
{
    if (aad.n == HDR + SK_HDR && aad.p[17] == 0x20)
        look(ctx, h, aad.p, aad.p[HDR], plain, n);
}

static enum net_fate look_at_init(void *ctx, struct datagram *d)
{
    struct watch *t = ctx;
    const struct host *from = d->from == t->d->dev->port ? t->d->dev : t->d->gw;

    if (d->carrier == CV_UDP_500 && d->n > HDR && d->data[18] == EX_SA_INIT)
        look(t, from, d->data, d->data[16], d->data + HDR, d->n - HDR);
    return NET_PASS;
}

static void use_kem(struct duo *d, struct watch *t)
{
    static const uint16_t kem[] = {SIM_KE_KEM};

    recipe_ike_kes(&d->dev_conn, kem, 1);
    recipe_ike_kes(&d->gw_conn, kem, 1);
    recipe_pfs(&d->dev_conn, SIM_KE_KEM);
    recipe_pfs(&d->gw_conn, SIM_KE_KEM);
    *t = (struct watch){.d = d};
    d->w->tap = look_at_init;
    d->w->tap_ctx = t;
    d->w->mangle = look_inside;
    d->w->mangle_ctx = t;
}

static void a_kem_serves_every_exchange_from_either_side(void **state)
{
    struct duo *d = *state;
    struct watch t;

    use_kem(d, &t);
    assert_true(duo_connect(d));
    assert_int_equal(host_ike_info(d->gw, host_ike(d->gw)).suite.ke, SIM_KE_KEM);
    for (unsigned i = 0; i < 2; i++) {
        struct host *by = i == 0 ? d->dev : d->gw;

        host_rekey_child(by, host_child(by));
        assert_true(duo_settles(d, 15000, 1, 1));
        assert_int_equal(by->saw[CV_EV_CHILD_REKEYED], 2 * i + 1);
        assert_int_equal(host_child_info(by, host_child(by)).suite.ke, SIM_KE_KEM);
        host_rekey_ike(by, host_ike(by));
        assert_true(duo_settles(d, 60000, 1, 1));
        assert_int_equal(by->saw[CV_EV_IKE_REKEYED], i + 1);
        host_rekey_child(by, host_child(by)); /* by keys of the new SA */
        assert_true(duo_settles(d, 15000, 1, 1));
        assert_true(world_ping(d->w, d->flow));
    }
    /* IKE_SA_INIT, then four rekeys of the Child SA and two of the IKE SA */
    assert_int_equal(t.n_public, 7);
    assert_int_equal(t.n_answer, 7);
    assert_int_equal(t.n_other, 0);
    assert_true(duo_closes(d));
}

/* In IKE_SA_INIT nothing is left of it at the responder, and the initiator says why it ends. */
static void a_short_value_ends_ike_sa_init(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct duo *d = duo_new(i + 1);
        struct watch t;
        struct host *victim = i == 0 ? d->gw : d->dev;

        use_kem(d, &t);
        t.liar = i == 0 ? d->dev : d->gw;
        t.exchange = EX_SA_INIT;
        assert_false(duo_connect(d));
        assert_int_not_equal(host_errors(victim, CV_ERR_KE_VALUE), 0);
        assert_int_equal(host_ike_count(d->gw), i);
        if (i == 1)
            assert_int_equal(host_last(d->dev, CV_EV_IKE_DOWN)->err, CV_ERR_KE_VALUE);
        assert_true(duo_free(d));
    }
}

/* In a request it is answered with INVALID_SYNTAX, which is fatal.  In an answer it fails the
 * rekey and leaves what was there.  Only whoever answers the rekey of an IKE SA with such a
 * value has moved on to the new one. */
static void a_short_value_ends_the_rekey_or_the_sa(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct duo *d = duo_new(i + 1);
        struct watch t;
        struct host *victim = i % 2 == 0 ? d->gw : d->dev;

        use_kem(d, &t);
        assert_true(duo_connect(d));
        t.liar = i % 2 == 0 ? d->dev : d->gw;
        t.exchange = EX_CREATE_CHILD;
        if (i < 2)
            host_rekey_child(d->dev, host_child(d->dev));
        else
            host_rekey_ike(d->dev, host_ike(d->dev));
        world_run(d->w, 2000);
        assert_int_not_equal(host_errors(victim, CV_ERR_KE_VALUE), 0);
        assert_int_equal(d->dev->saw[CV_EV_CHILD_REKEYED], 0);
        assert_int_equal(d->dev->saw[CV_EV_IKE_REKEYED], 0);
        t.exchange = 0;
        if (i % 2 ==
            0) { /* answered with INVALID_SYNTAX, which is fatal: RFC 6989 section 2.5 */
            assert_true(duo_settles(d, 90000, 0, 0));
            assert_true(duo_free(d));
            continue;
        }
        assert_true(world_ping(d->w, d->flow));
        if (i < 3) {
            assert_true(duo_settles(d, 90000, 1, 1));
            assert_true(world_ping(d->w, d->flow));
        }
        assert_true(duo_free(d));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(a_kem_serves_every_exchange_from_either_side),
        cmocka_unit_test(a_short_value_ends_ike_sa_init),
        cmocka_unit_test(a_short_value_ends_the_rekey_or_the_sa),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
