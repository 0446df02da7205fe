/* src/peer/conn.c: the index chooses the connection that looking at each in turn chooses, and
 * knows who is used how often.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"
#include "ident/id.h"
#include "peer/conn.h"
#include "tests/unit/peer_fixture.h"

enum { CONNS = 24, ROUNDS = 3000, QUERIES = 8, ADDRS = 4 };

static uint32_t seed;

static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

/* clang-format off */
static const struct cv_proposal ours_too = {
    .protocol = CV_PROTO_IKE, .n = 3, .t = {{1, CV_ENCR_AES_GCM_16, 128}, {2, CV_PRF_HMAC_SHA2_256, 0}, {4, CV_KE_X25519, 0}}};
static const struct cv_proposal not_ours = {
    .protocol = CV_PROTO_IKE, .n = 3, .t = {{1, CV_ENCR_AES_GCM_16, 256}, {2, CV_PRF_HMAC_SHA2_256, 0}, {4, CV_KE_X25519, 0}}};
/* clang-format on */

struct sample {
    struct cv_conn conn;
    struct cv_addr_range local, remote[2];
};

/* All addresses that begin with so many bits of a. */
static struct cv_addr_range network(struct cv_addr a, unsigned bits)
{
    struct cv_addr_range r = {.family = a.family};

    for (unsigned i = 0; i < addr_len(a.family); i++) {
        const unsigned whole = bits > 8 * i ? bits - 8 * i : 0;
        const uint8_t mask = (uint8_t)(whole >= 8 ? 0xff : 0xff00U >> whole);

        r.lo[i] = a.b[i] & mask;
        r.hi[i] = r.lo[i] | (uint8_t)~mask;
    }
    return r;
}

static struct cv_addr_range some_range(void)
{
    struct cv_addr_range r = {.family = CV_IPV4};

    if (chance(4) == 0)
        return (struct cv_addr_range){.family = CV_ANY_FAMILY};
    if (chance(2) == 0)
        return network((struct cv_addr){CV_IPV4, {(uint8_t)chance(ADDRS)}}, chance(33));
    r.lo[0] = (uint8_t)chance(ADDRS);
    r.hi[0] = (uint8_t)(r.lo[0] + (chance(3) == 0));
    if (chance(2) == 0)
        memset(r.hi + 1, 0, sizeof(r.hi) - 1);
    return r;
}

/* Identities that are equal but for their case are one; some stand for many. */
static struct cv_id some_id(bool pattern)
{
    static const char *const names[] = {"a.example", "A.example", "b.example", "*.example",
                                        "*"};
    struct cv_id id = {.type = CV_ID_FQDN};
    uint32_t i = chance(pattern ? 6 : 3);

    if (i == 5)
        return (struct cv_id){.type = CV_ID_ANY};
    id.n = (uint8_t)strlen(names[i]);
    memcpy(id.b, names[i], id.n);
    return id;
}

static void roll(struct sample *s)
{
    memset(s, 0, sizeof(*s));
    s->local = some_range();
    s->remote[0] = some_range();
    s->remote[1] = some_range();
    s->conn.local_addrs = &s->local;
    s->conn.n_local_addrs = chance(2);
    s->conn.remote_addrs = s->remote;
    s->conn.n_remote_addrs = chance(3);
    s->conn.proposals = chance(5) == 0 ? &not_ours : &ours_too;
    s->conn.n_proposals = 1;
    s->conn.remote.id = some_id(true);
    s->conn.remote.kind = (uint8_t)chance(3);
    if (chance(2) == 0)
        s->conn.local.id = some_id(false);
}

/* The rule: each in turn, the first of those that fit best. */
static const struct cv_conn *plain_rule(struct sample *const *in, unsigned n,
                                        const struct conn_query *q, enum cv_err *result)
{
    const struct cv_conn *found = NULL;
    int best = 0;

    *result = CV_ERR_NO_CONN;
    for (unsigned i = 0; i < n; i++) {
        const struct cv_conn *c = &in[i]->conn;
        int fit = conn_fits(c, q->local, q->remote);
        enum id_match theirs = id_matches(&c->remote.id, q->theirs), ours = ID_MATCH_ANY;

        if (q->ours != NULL && c->local.id.type != CV_ID_ANY)
            ours = id_matches(&c->local.id, q->ours);
        if (fit == 0 || theirs == ID_NO || ours == ID_NO || c->proposals != &ours_too)
            continue;
        if (c->remote.kind != CV_AUTH_ANY &&
            (q->method == CV_METHOD_PSK) != (c->remote.kind == CV_AUTH_PSK)) {
            *result = CV_ERR_AUTH_METHOD;
            continue;
        }
        fit += (int)theirs * 64 + (int)ours * 16;
        if (fit > best) {
            best = fit;
            found = c;
        }
    }
    if (found != NULL)
        *result = CV_OK;
    return found;
}

static void compare(struct core *core, struct sample *const *in, unsigned n)
{
    static const struct cv_suite suite = {.encr = CV_ENCR_AES_GCM_16,
                                          .encr_bits = 128,
                                          .prf = CV_PRF_HMAC_SHA2_256,
                                          .ke = CV_KE_X25519};
    struct cv_addr local = {CV_IPV4, {(uint8_t)chance(ADDRS)}};
    struct cv_addr remote = {CV_IPV4, {(uint8_t)chance(ADDRS)}};
    struct cv_id theirs = some_id(false), ours = some_id(false);
    const struct conn_query q = {.local = &local,
                                 .remote = &remote,
                                 .theirs = &theirs,
                                 .ours = chance(2) == 0 ? &ours : NULL,
                                 .method = chance(2) == 0 ? CV_METHOD_PSK : CV_METHOD_RSA,
                                 .suite = &suite};
    const struct cv_conn *got = NULL, *want;
    enum cv_err result;

    want = plain_rule(in, n, &q, &result);
    assert_int_equal(conn_for_auth(core, &q, &got), result);
    assert_ptr_equal(got, want);
}

/* The same for a first message, which offers ours_too. */
static void compare_first(struct core *core, struct sample *const *in, unsigned n)
{
    struct cv_addr local = {CV_IPV4, {(uint8_t)chance(ADDRS)}};
    struct cv_addr remote = {CV_IPV4, {(uint8_t)chance(ADDRS)}};
    const struct cv_conn *got = NULL, *want = NULL;
    enum cv_err result = CV_ERR_NO_CONN;
    struct proposal_choice choice;
    uint8_t body[128];
    struct wr w = wr_init(body, sizeof(body));
    int best = 0;

    proposal_put_sa_body(&w, &ours_too, 1, span(NULL, 0), true);
    for (unsigned i = 0; i < n; i++) {
        const struct cv_conn *c = &in[i]->conn;
        int fit = conn_fits(c, &local, &remote);

        if (fit <= best)
            continue;
        if (c->proposals != &ours_too) {
            result = best == 0 ? CV_ERR_NO_PROPOSAL : result;
            continue;
        }
        best = fit;
        want = c;
    }
    assert_int_equal(
        conn_for_init(core, &local, &remote, wr_done(&w), CV_KE_X25519, &got, &choice),
        want != NULL ? CV_OK : result);
    assert_ptr_equal(got, want);
}

static void conn_index_chooses_as_the_plain_rule_does(void **state)
{
    static struct sample samples[CONNS];
    struct sample *in[CONNS];
    struct fixture *f = *state;
    bool configured[CONNS] = {false};
    unsigned n = 0;

    f->core.set.limits.conns = CONNS;
    f->core.crypto = &cv_crypto_openssl;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = chance(CONNS);

        if (configured[i]) {
            unsigned at = 0;

            conn_remove(&f->core, &samples[i].conn);
            while (in[at] != &samples[i])
                at++;
            memmove(&in[at], &in[at + 1], (--n - at) * sizeof(in[0]));
        } else {
            roll(&samples[i]);
            assert_int_equal(conn_add(&f->core, &samples[i].conn), CV_OK);
            in[n++] = &samples[i];
        }
        configured[i] = !configured[i];
        for (unsigned q = 0; q < QUERIES; q++) {
            compare(&f->core, in, n);
            compare_first(&f->core, in, n);
        }
    }
}

static void conn_that_is_removed_counts_until_nobody_uses_it(void **state)
{
    static const struct cv_conn one = {.name = "one"}, two = {.name = "two"};
    static const struct cv_conn three = {.name = "three"};
    struct fixture *f = *state;

    f->core.set.limits.conns = 1;
    assert_int_equal(conn_add(&f->core, &one), CV_OK);
    assert_true(conn_use(&f->core, &one));
    assert_true(conn_use(&f->core, &one));
    assert_int_equal(conn_add(&f->core, &two), CV_ERR_FULL);
    conn_remove(&f->core, &one);
    assert_int_equal(conn_users(&f->core, &one), 2);
    assert_int_equal(conn_add(&f->core, &two), CV_OK);
    conn_drop(&f->core, &one);
    assert_int_equal(conn_users(&f->core, &one), 1);
    conn_drop(&f->core, &one);
    conn_drop(&f->core, &one); /* once too often */
    assert_int_equal(conn_users(&f->core, &one), 0);
    conn_remove(&f->core, &two);
    assert_int_equal(conn_add(&f->core, &three), CV_OK);
    assert_true(conn_use(&f->core, NULL));
}

/* How many connections a first message from anywhere is compared with. */
static unsigned looked_at(const struct core *core)
{
    uint32_t i = core->conns.wide[CONN_BY_ADDRESS].first;
    unsigned n = 0;

    for (; i != POOL_NONE; n++)
        i = ((struct conn_entry *)pool_at(&core->conns.entries, i))->next[CONN_BY_ADDRESS];
    return n;
}

/* The number of the connection that a first message with this proposal is for. */
static int first_message(struct core *core, const struct cv_conn *conns,
                         const struct cv_proposal *offer)
{
    struct cv_addr any = {CV_IPV4, {9}};
    const struct cv_conn *got = NULL;
    struct proposal_choice choice;
    uint8_t body[128];
    struct wr w = wr_init(body, sizeof(body));
    enum cv_err err;

    proposal_put_sa_body(&w, offer, 1, span(NULL, 0), true);
    err = conn_for_init(core, &any, &any, wr_done(&w), CV_KE_X25519, &got, &choice);
    return err == CV_OK ? (int)(got - conns) : -1;
}

static void connections_that_are_alike_are_looked_at_once(void **state)
{
    struct fixture *f = *state;
    struct cv_conn conns[16] = {{0}};
    struct cv_proposal copies[16]; /* equal, wherever they are in memory */

    f->core.set.limits.conns = 16;
    f->core.crypto = &cv_crypto_openssl;
    for (unsigned i = 0; i < 16; i++) {
        copies[i] = i % 2 == 0 ? ours_too : not_ours;
        conns[i].proposals = &copies[i];
        conns[i].n_proposals = 1;
        assert_int_equal(conn_add(&f->core, &conns[i]), CV_OK);
    }
    assert_int_equal(looked_at(&f->core), 2);
    for (int i = 0; i < 16; i += 2) { /* the next oldest takes the place of the oldest */
        assert_int_equal(first_message(&f->core, conns, &ours_too), i);
        assert_int_equal(first_message(&f->core, conns, &not_ours), i + 1);
        conn_remove(&f->core, &conns[i]);
        conn_remove(&f->core, &conns[i + 1]);
    }
    assert_int_equal(looked_at(&f->core), 0);
    assert_int_equal(first_message(&f->core, conns, &ours_too), -1);
}

static void a_first_message_is_compared_with_so_many_sets_of_proposals(void **state)
{
    enum { N = CONN_OFFERS_MAX + 1 };
    struct fixture *f = *state;
    struct cv_conn conns[N] = {{0}};
    struct cv_proposal sets[N];

    f->core.set.limits.conns = N;
    f->core.crypto = &cv_crypto_openssl;
    for (unsigned i = 0; i < N; i++) {
        sets[i] = ours_too;
        sets[i].t[0].key_len = (uint16_t)(i + 1 < CONN_OFFERS_MAX ? 1 + i : 128);
        sets[i].t[1].id = (uint16_t)(i + 1 < N ? ours_too.t[1].id : CV_PRF_HMAC_SHA2_384);
        conns[i].proposals = &sets[i];
        conns[i].n_proposals = 1;
        assert_int_equal(conn_add(&f->core, &conns[i]), CV_OK);
    }
    assert_int_equal(first_message(&f->core, conns, &sets[N - 2]), N - 2);
    assert_int_equal(first_message(&f->core, conns, &sets[N - 1]), -1);
    conn_remove(&f->core, &conns[0]);
    assert_int_equal(first_message(&f->core, conns, &sets[N - 1]), N - 1);
}

/* One network each, and none is looked at but that of the peer: the others have proposals of
 * their own, of which a first message is compared with a few alone. */
static void networks_are_found_without_a_look_at_others(void **state)
{
    enum { SETS = CONN_OFFERS_MAX + 8 };
    static struct cv_proposal sets[SETS];
    static struct sample s[SETS];
    struct fixture *f = *state;

    f->core.crypto = &cv_crypto_openssl;
    f->core.set.limits.conns = SETS;
    for (unsigned family = 0; family < 2; family++) {
        for (unsigned i = 0; i < SETS; i++) {
            const struct cv_addr net = {
                family ? CV_IPV6 : CV_IPV4, {10, (uint8_t)i}
            };

            memset(&s[i], 0, sizeof(s[i]));
            sets[i] = ours_too;
            sets[i].t[sets[i].n++] = (struct cv_transform){CV_KE, (uint16_t)(1000 + i), 0};
            s[i].remote[0] = network(net, 16);
            s[i].conn.remote_addrs = s[i].remote;
            s[i].conn.n_remote_addrs = 1;
            s[i].conn.proposals = &sets[i];
            s[i].conn.n_proposals = 1;
            assert_int_equal(conn_add(&f->core, &s[i].conn), CV_OK);
        }
        for (unsigned i = 0; i < SETS; i++) {
            const struct cv_addr from = {
                family ? CV_IPV6 : CV_IPV4, {10, (uint8_t)i, 7, 9}
            };
            const struct cv_conn *got = NULL;
            struct proposal_choice choice;
            uint8_t body[128];
            struct wr w = wr_init(body, sizeof(body));

            proposal_put_sa_body(&w, &ours_too, 1, span(NULL, 0), true);
            assert_int_equal(
                conn_for_init(&f->core, &from, &from, wr_done(&w), CV_KE_X25519, &got, &choice),
                CV_OK);
            assert_ptr_equal(got, &s[i].conn);
        }
        for (unsigned i = 0; i < SETS; i++)
            conn_remove(&f->core, &s[i].conn);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PEER_TEST(conn_index_chooses_as_the_plain_rule_does),
        PEER_TEST(conn_that_is_removed_counts_until_nobody_uses_it),
        PEER_TEST(connections_that_are_alike_are_looked_at_once),
        PEER_TEST(a_first_message_is_compared_with_so_many_sets_of_proposals),
        PEER_TEST(networks_are_found_without_a_look_at_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
