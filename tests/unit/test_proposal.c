/* src/ident/proposal.c: the responder's choice, the initiator's check, what is written.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ident/proposal.h"

static const uint8_t esp_spi[4] = {1, 2, 3, 4};

#define GCM128                                                                                 \
    {                                                                                          \
        CV_ENCR, CV_ENCR_AES_GCM_16, 128                                                       \
    }
#define GCM256                                                                                 \
    {                                                                                          \
        CV_ENCR, CV_ENCR_AES_GCM_16, 256                                                       \
    }
#define CBC128                                                                                 \
    {                                                                                          \
        CV_ENCR, CV_ENCR_AES_CBC, 128                                                          \
    }
#define CHACHA                                                                                 \
    {                                                                                          \
        CV_ENCR, CV_ENCR_CHACHA20_POLY1305, 0                                                  \
    }
#define SHA256                                                                                 \
    {                                                                                          \
        CV_INTEG, CV_INTEG_HMAC_SHA2_256_128, 0                                                \
    }
#define SHA1                                                                                   \
    {                                                                                          \
        CV_INTEG, CV_INTEG_HMAC_SHA1_96, 0                                                     \
    }
#define NO_INTEG                                                                               \
    {                                                                                          \
        CV_INTEG, CV_INTEG_NONE, 0                                                             \
    }
#define PRF256                                                                                 \
    {                                                                                          \
        CV_PRF, CV_PRF_HMAC_SHA2_256, 0                                                        \
    }
#define X25519                                                                                 \
    {                                                                                          \
        CV_KE, CV_KE_X25519, 0                                                                 \
    }
#define P256                                                                                   \
    {                                                                                          \
        CV_KE, CV_KE_ECP_256, 0                                                                \
    }
#define NO_KE                                                                                  \
    {                                                                                          \
        CV_KE, CV_KE_NONE, 0                                                                   \
    }
#define NO_ESN                                                                                 \
    {                                                                                          \
        CV_ESN, CV_ESN_NO, 0                                                                   \
    }
#define ESN                                                                                    \
    {                                                                                          \
        CV_ESN, CV_ESN_YES, 0                                                                  \
    }

#define COUNT(...)                                                                             \
    (sizeof((const struct cv_transform[]){__VA_ARGS__}) / sizeof(struct cv_transform))
#define PROPOSAL(protocol, ...)                                                                \
    {                                                                                          \
        protocol, COUNT(__VA_ARGS__),                                                          \
        {                                                                                      \
            __VA_ARGS__                                                                        \
        }                                                                                      \
    }
#define IKE(...) PROPOSAL(CV_PROTO_IKE, __VA_ARGS__)
#define ESP(...) PROPOSAL(CV_PROTO_ESP, __VA_ARGS__)
#define AH(...) PROPOSAL(CV_PROTO_AH, __VA_ARGS__)

/* A backend that has AES and HMAC, but neither ChaCha20 nor group P-256. */
static const struct cv_aead gcm128 = {.id = CV_ENCR_AES_GCM_16, .key_len = 16, .salt_len = 4};
static const struct cv_aead gcm256 = {.id = CV_ENCR_AES_GCM_16, .key_len = 32, .salt_len = 4};
static const struct cv_cipher cbc128 = {.id = CV_ENCR_AES_CBC, .key_len = 16};
static const struct cv_integ sha256 = {.id = CV_INTEG_HMAC_SHA2_256_128, .key_len = 32};
static const struct cv_integ sha1 = {.id = CV_INTEG_HMAC_SHA1_96, .key_len = 20};
static const struct cv_prf prf256 = {.id = CV_PRF_HMAC_SHA2_256, .out_len = 32};
static const struct cv_ke x25519 = {.id = CV_KE_X25519};
static const struct cv_aead *const aeads[] = {&gcm128, &gcm256, NULL};
static const struct cv_cipher *const ciphers[] = {&cbc128, NULL};
static const struct cv_integ *const integs[] = {&sha256, &sha1, NULL};
static const struct cv_prf *const prfs[] = {&prf256, NULL};
static const struct cv_ke *const kes[] = {&x25519, NULL};
static const struct cv_hash *const hashes[] = {NULL};
static const struct cv_crypto some = {.aeads = aeads,
                                      .ciphers = ciphers,
                                      .integs = integs,
                                      .prfs = prfs,
                                      .kes = kes,
                                      .hashes = hashes};

/* The peer's SA body. */
struct body {
    uint8_t b[1024];
    struct cv_span sa;
};

static void offer(struct body *body, const struct cv_proposal *p, unsigned n)
{
    struct wr w = wr_init(body->b, sizeof(body->b));

    proposal_put_sa_body(&w, p, n,
                         p->protocol == CV_PROTO_IKE ? span(NULL, 0) : span(esp_spi, 4), true);
    body->sa = wr_done(&w);
    assert_int_equal(ike_check_sa(body->sa), CV_OK);
}

static enum cv_err choose(struct proposal_choice *out, struct cv_proposal ours,
                          struct cv_proposal theirs)
{
    static struct body body; /* the choice points into it */

    offer(&body, &theirs, 1);
    return proposal_select(out, &some, &ours, 1, body.sa, true, 0);
}

static void assert_refused(struct cv_proposal ours, struct cv_proposal theirs)
{
    struct proposal_choice c;

    assert_int_equal(choose(&c, ours, theirs), CV_ERR_NO_PROPOSAL);
}

static void our_order_decides_within_a_type(void **state)
{
    const struct cv_proposal ours = IKE(GCM256, GCM128, PRF256, X25519);
    const struct cv_proposal theirs = IKE(CHACHA, GCM128, GCM256, PRF256, P256, X25519);
    struct proposal_choice c;

    (void)state;
    assert_int_equal(choose(&c, ours, theirs), CV_OK);
    assert_int_equal(c.number, 1);
    assert_int_equal(c.protocol, CV_PROTO_IKE);
    assert_int_equal(c.suite.encr, CV_ENCR_AES_GCM_16);
    assert_int_equal(c.suite.encr_bits, 256);
    assert_int_equal(c.suite.integ, CV_INTEG_NONE);
    assert_int_equal(c.suite.prf, CV_PRF_HMAC_SHA2_256);
    assert_int_equal(c.suite.ke, CV_KE_X25519);
}

static void our_proposals_are_tried_in_order_against_all_of_theirs(void **state)
{
    const struct cv_proposal ours[] = {IKE(GCM128, PRF256, X25519),
                                       IKE(CBC128, SHA256, PRF256, X25519)};
    const struct cv_proposal theirs[] = {IKE(CBC128, SHA256, PRF256, X25519),
                                         IKE(CHACHA, PRF256, X25519),
                                         IKE(GCM128, PRF256, X25519)};
    struct proposal_choice c;
    struct body body;

    (void)state;
    offer(&body, theirs, 3);
    assert_int_equal(proposal_select(&c, &some, ours, 2, body.sa, true, 0), CV_OK);
    assert_int_equal(c.number, 3);
    offer(&body, theirs, 2);
    assert_int_equal(proposal_select(&c, &some, ours, 2, body.sa, true, 0), CV_OK);
    assert_int_equal(c.number, 1);
    assert_int_equal(c.suite.integ, CV_INTEG_HMAC_SHA2_256_128);
}

static void what_the_backend_lacks_is_not_chosen(void **state)
{
    const struct cv_proposal both = IKE(CHACHA, GCM128, PRF256, P256, X25519);
    const struct cv_proposal lacking = IKE(CHACHA, PRF256, X25519);
    struct proposal_choice c;

    (void)state;
    assert_int_equal(choose(&c, both, both), CV_OK);
    assert_int_equal(c.suite.encr, CV_ENCR_AES_GCM_16);
    assert_int_equal(c.suite.ke, CV_KE_X25519);
    assert_refused(lacking, lacking);
}

static void every_type_must_agree(void **state)
{
    const struct cv_proposal full = IKE(CBC128, SHA256, PRF256, X25519);

    (void)state;
    assert_refused(full, (struct cv_proposal)IKE(GCM128, PRF256, X25519));
    assert_refused(full, (struct cv_proposal)IKE(CBC128, SHA1, PRF256, X25519));
    assert_refused(full, (struct cv_proposal)IKE(CBC128, SHA256, X25519));
    assert_refused(full, (struct cv_proposal)IKE(CBC128, SHA256, PRF256));
    assert_refused(full, (struct cv_proposal)IKE(CBC128, PRF256, X25519));
    assert_refused(full, (struct cv_proposal)IKE(SHA256, PRF256, X25519));
    assert_refused(full, (struct cv_proposal)ESP(CBC128, SHA256, X25519, NO_ESN));
    assert_refused((struct cv_proposal)IKE(GCM128, PRF256, X25519),
                   (struct cv_proposal)IKE(GCM256, PRF256, X25519));
}

static void the_hint_picks_among_acceptable_groups(void **state)
{
    const struct cv_proposal ours = IKE(GCM128, PRF256, X25519, {CV_KE, 14, 0}, P256);
    static const struct cv_ke group14 = {.id = 14};
    static const struct cv_ke *const more[] = {&x25519, &group14, NULL};
    struct cv_crypto crypto = some;
    struct proposal_choice c;
    struct body body;

    (void)state;
    crypto.kes = more;
    offer(&body, &ours, 1);
    assert_int_equal(proposal_select(&c, &crypto, &ours, 1, body.sa, true, 14), CV_OK);
    assert_int_equal(c.suite.ke, 14);
    assert_int_equal(proposal_select(&c, &crypto, &ours, 1, body.sa, true, 0), CV_OK);
    assert_int_equal(c.suite.ke, CV_KE_X25519);
    /* A hint that the backend lacks, or that nobody listed, is no reason to refuse. */
    assert_int_equal(proposal_select(&c, &crypto, &ours, 1, body.sa, true, CV_KE_ECP_256),
                     CV_OK);
    assert_int_equal(c.suite.ke, CV_KE_X25519);
    assert_int_equal(proposal_select(&c, &crypto, &ours, 1, body.sa, true, 99), CV_OK);
    assert_int_equal(c.suite.ke, CV_KE_X25519);
}

static void combined_modes_go_without_integrity_or_with_none(void **state)
{
    const struct cv_proposal ours = ESP(GCM128, NO_ESN);
    const struct cv_proposal mixed = ESP(GCM128, CBC128, SHA256, NO_ESN);
    struct proposal_choice c;

    (void)state;
    assert_int_equal(choose(&c, ours, (struct cv_proposal)ESP(GCM128, NO_INTEG, NO_ESN)),
                     CV_OK);
    assert_int_equal(c.suite.integ, CV_INTEG_NONE);
    assert_refused(ours, (struct cv_proposal)ESP(GCM128, SHA256, NO_ESN));
    /* Ours lists both kinds: theirs decides which one it is. */
    assert_int_equal(choose(&c, mixed, ours), CV_OK);
    assert_int_equal(c.suite.encr, CV_ENCR_AES_GCM_16);
    assert_int_equal(choose(&c, mixed, (struct cv_proposal)ESP(CBC128, SHA256, NO_ESN)), CV_OK);
    assert_int_equal(c.suite.integ, CV_INTEG_HMAC_SHA2_256_128);
}

static void encryption_without_integrity_is_refused(void **state)
{
    const struct cv_proposal bare = ESP(CBC128, NO_ESN), none = ESP(CBC128, NO_INTEG, NO_ESN);

    (void)state;
    assert_refused(bare, bare);
    assert_refused(none, none);
    assert_refused((struct cv_proposal)AH(NO_INTEG, NO_ESN),
                   (struct cv_proposal)AH(NO_INTEG, NO_ESN));
}

static void authentication_alone_is_chosen_for_ah(void **state)
{
    const struct cv_proposal ours = AH(SHA256, SHA1, NO_ESN), theirs = AH(SHA1, NO_ESN);
    struct proposal_choice c;

    (void)state;
    assert_int_equal(choose(&c, ours, theirs), CV_OK);
    assert_int_equal(c.suite.encr, 0);
    assert_int_equal(c.suite.integ, CV_INTEG_HMAC_SHA1_96);
    assert_memory_equal(c.spi.p, esp_spi, 4);
}

static void silence_about_a_group_means_none(void **state)
{
    const struct cv_proposal silent = ESP(GCM128, NO_ESN), none = ESP(GCM128, NO_KE, NO_ESN);
    const struct cv_proposal pfs = ESP(GCM128, X25519, NO_ESN);
    const struct cv_proposal either = ESP(GCM128, X25519, NO_KE, NO_ESN);
    struct proposal_choice c;

    (void)state;
    assert_int_equal(choose(&c, silent, none), CV_OK);
    assert_int_equal(choose(&c, none, silent), CV_OK);
    assert_int_equal(c.suite.ke, CV_KE_NONE);
    assert_refused(pfs, silent);
    assert_refused(silent, pfs);
    assert_int_equal(choose(&c, either, silent), CV_OK);
    assert_int_equal(c.suite.ke, CV_KE_NONE);
    assert_int_equal(choose(&c, either, pfs), CV_OK);
    assert_int_equal(c.suite.ke, CV_KE_X25519);
}

static void groups_do_not_count_when_there_is_no_key_exchange(void **state)
{
    const struct cv_proposal ours = ESP(GCM128, X25519, NO_ESN), theirs = ESP(GCM128, NO_ESN);
    struct proposal_choice c;
    struct body body;

    (void)state;
    offer(&body, &theirs, 1);
    assert_int_equal(proposal_select(&c, &some, &ours, 1, body.sa, false, 0), CV_OK);
    assert_int_equal(c.suite.ke, CV_KE_NONE);
}

/* RFC 7296 section 3.3.3: the transform type is mandatory for ESP and AH. */
static void silence_about_extended_numbers_is_refused(void **state)
{
    const struct cv_proposal silent = ESP(GCM128), yes = ESP(GCM128, ESN);
    const struct cv_proposal both = ESP(GCM128, ESN, NO_ESN);
    struct proposal_choice c;

    (void)state;
    assert_refused(both, silent);
    assert_refused(yes, silent);
    assert_refused((struct cv_proposal)AH(SHA256, NO_ESN), (struct cv_proposal)AH(SHA256));
    assert_int_equal(choose(&c, both, (struct cv_proposal)ESP(GCM128, NO_ESN)), CV_OK);
    assert_int_equal(c.suite.esn, CV_ESN_NO);
    assert_int_equal(choose(&c, both, yes), CV_OK);
    assert_int_equal(c.suite.esn, CV_ESN_YES);
    assert_int_equal(choose(&c, both, both),
                     CV_OK); /* our first, though the other is number 0 */
    assert_int_equal(c.suite.esn, CV_ESN_YES);
}

static void a_transform_type_that_we_do_not_know_spoils_its_proposal_alone(void **state)
{
    const struct cv_proposal ours = IKE(GCM128, PRF256, X25519);
    const struct cv_proposal theirs[] = {IKE(GCM128, PRF256, X25519, {6, 35, 0}),
                                         IKE(GCM128, PRF256, X25519, NO_ESN),
                                         IKE(GCM128, PRF256, X25519)};
    struct proposal_choice c;
    struct body body;

    (void)state;
    offer(&body, theirs, 3);
    assert_int_equal(proposal_select(&c, &some, &ours, 1, body.sa, true, 0), CV_OK);
    assert_int_equal(c.number, 3);
}

/* ENCR AES-GCM-16 with a key length of 128 and an attribute nobody knows. */
static void a_transform_with_an_unknown_attribute_is_not_chosen(void **state)
{
    static const uint8_t sa[] = {0, 0, 0, 48, 1,    3,  4, 3,   1,    2,  3, 4, 3, 0, 0, 16,
                                 1, 0, 0, 20, 0x80, 14, 0, 128, 0x80, 99, 0, 1, 3, 0, 0, 12,
                                 1, 0, 0, 20, 0x80, 14, 1, 0,   0,    0,  0, 8, 5, 0, 0, 0};
    const struct cv_proposal gcm = ESP(GCM128, GCM256);
    struct proposal_choice c;

    (void)state;
    assert_int_equal(ike_check_sa(span(sa, sizeof(sa))), CV_OK);
    assert_int_equal(proposal_select(&c, &some, &gcm, 1, span(sa, sizeof(sa)), true, 0), CV_OK);
    assert_int_equal(c.suite.encr_bits, 256);
}

/* ---- the initiator's check ---- */

static enum cv_err check(const struct cv_proposal *ours, unsigned n, struct cv_proposal answer,
                         uint8_t number, bool want_ke, struct proposal_choice *out)
{
    uint8_t b[256];
    struct wr w = wr_init(b, sizeof(b));

    ike_put_proposal(&w, &answer, number, span(esp_spi, 4), true);
    return proposal_check_answer(out, ours, n, wr_done(&w), want_ke);
}

static void an_answer_picks_one_of_each_of_what_was_offered(void **state)
{
    const struct cv_proposal ours[] = {ESP(GCM256, NO_ESN),
                                       ESP(CBC128, SHA256, SHA1, X25519, P256, ESN, NO_ESN)};
    struct proposal_choice c;

    (void)state;
    assert_int_equal(
        check(ours, 2, (struct cv_proposal)ESP(CBC128, SHA1, P256, NO_ESN), 2, true, &c),
        CV_OK);
    assert_int_equal(c.suite.encr, CV_ENCR_AES_CBC);
    assert_int_equal(c.suite.encr_bits, 128);
    assert_int_equal(c.suite.integ, CV_INTEG_HMAC_SHA1_96);
    assert_int_equal(c.suite.ke, CV_KE_ECP_256);
    assert_int_equal(c.suite.esn, CV_ESN_NO);
    assert_int_equal(c.number, 2);
}

static void an_answer_outside_the_offer_is_refused(void **state)
{
    const struct cv_proposal ours[] = {ESP(GCM256, NO_ESN),
                                       ESP(CBC128, SHA256, X25519, NO_ESN)};
    const struct cv_proposal good = ESP(CBC128, SHA256, X25519, NO_ESN);
    struct proposal_choice c;

    (void)state;
    assert_int_equal(check(ours, 2, good, 2, true, &c), CV_OK);
    assert_int_equal(check(ours, 2, good, 1, true, &c), CV_ERR_NO_PROPOSAL);
    assert_int_equal(check(ours, 2, good, 3, true, &c), CV_ERR_NO_PROPOSAL);
    assert_int_equal(check(ours, 2, good, 0, true, &c), CV_ERR_NO_PROPOSAL);
    assert_int_equal(check(ours, 2, (struct cv_proposal)ESP(GCM128, NO_ESN), 1, true, &c),
                     CV_ERR_NO_PROPOSAL);
    assert_int_equal(check(ours, 2, (struct cv_proposal)ESP(GCM256, ESN), 1, true, &c),
                     CV_ERR_NO_PROPOSAL);
    assert_int_equal(
        check(ours, 2, (struct cv_proposal)ESP(CBC128, X25519, NO_ESN), 2, true, &c),
        CV_ERR_NO_PROPOSAL);
    assert_int_equal(
        check(ours, 2, (struct cv_proposal)ESP(CBC128, SHA256, NO_ESN), 2, true, &c),
        CV_ERR_NO_PROPOSAL);
}

static void an_answer_with_a_choice_is_a_syntax_error(void **state)
{
    const struct cv_proposal ours[] = {ESP(GCM128, GCM256, NO_ESN), ESP(GCM128, NO_ESN)};
    struct proposal_choice c;
    struct body body;

    (void)state;
    assert_int_equal(check(ours, 2, ours[0], 1, true, &c), CV_ERR_SYNTAX);
    assert_int_equal(check(ours, 2, (struct cv_proposal)ESP(GCM128, {9, 1, 0}), 1, true, &c),
                     CV_ERR_SYNTAX);
    offer(&body, ours, 2);
    assert_int_equal(proposal_check_answer(&c, ours, 2, body.sa, true), CV_ERR_SYNTAX);
}

static void an_answer_without_key_exchange_names_no_group(void **state)
{
    const struct cv_proposal ours = ESP(GCM128, X25519, NO_ESN);
    struct proposal_choice c;

    (void)state;
    assert_int_equal(check(&ours, 1, (struct cv_proposal)ESP(GCM128, NO_ESN), 1, false, &c),
                     CV_OK);
    assert_int_equal(c.suite.ke, CV_KE_NONE);
    assert_int_equal(check(&ours, 1, ours, 1, false, &c), CV_ERR_NO_PROPOSAL);
}

/* ---- writing ---- */

static void an_answer_says_exactly_the_suite_that_was_chosen(void **state)
{
    static const struct cv_proposal offers[] = {IKE(CBC128, SHA256, PRF256, X25519),
                                                ESP(GCM128, X25519, ESN), AH(SHA1, NO_ESN)};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct proposal_choice c, back;
        struct body body;
        uint8_t b[256];
        struct wr w = wr_init(b, sizeof(b));
        bool ike = offers[i].protocol == CV_PROTO_IKE;

        offer(&body, &offers[i], 1);
        assert_int_equal(proposal_select(&c, &some, &offers[i], 1, body.sa, true, 0), CV_OK);
        proposal_put_answer(&w, &c, ike ? span(NULL, 0) : span(esp_spi, 4), true);
        assert_int_equal(proposal_check_answer(&back, &offers[i], 1, wr_done(&w), true), CV_OK);
        assert_memory_equal(&back.suite, &c.suite, sizeof(c.suite));
        assert_int_equal(body.sa.n, w.n);
        assert_memory_equal(body.sa.p, w.p, w.n); /* one of each, so the offer itself */
    }
}

static void the_first_group_is_found_across_proposals(void **state)
{
    const struct cv_proposal p[] = {ESP(GCM128, NO_ESN), ESP(CBC128, SHA256, P256, X25519)};
    struct cv_proposal bare;

    (void)state;
    assert_int_equal(proposal_first_ke(p, 1), CV_KE_NONE);
    assert_int_equal(proposal_first_ke(p, 2), CV_KE_ECP_256);
    assert_true(proposal_has_ke(p, 2, CV_KE_X25519));
    assert_false(proposal_has_ke(p, 1, CV_KE_X25519));
    proposal_without_ke(&bare, &p[1]);
    assert_int_equal(bare.n, 2);
    assert_int_equal(proposal_first_ke(&bare, 1), CV_KE_NONE);
}

/* Appends n proposals that list all of t. */
static struct cv_span many(uint8_t *b, size_t cap, unsigned n, const struct cv_proposal *t)
{
    struct wr w = wr_init(b, cap);

    for (unsigned i = 0; i < n; i++)
        ike_put_proposal(&w, t, (uint8_t)(i + 1), span(NULL, 0), i + 1 == n);
    assert_int_equal(ike_check_sa(wr_done(&w)), CV_OK);
    return wr_done(&w);
}

/* One proposal of so many transforms, as a flood has them, and what we want as the last. */
static struct cv_span junk(uint8_t *b, size_t cap, unsigned n, const struct cv_proposal *good)
{
    struct wr w = wr_init(b, cap);

    wr_u32(&w, 8 + 8 * n + 8 * good->n + 4); /* Last Substruc 0, length; AES has a key length */
    wr_u32(&w, (uint32_t)(0x01010000 | (n + good->n)));
    for (unsigned i = 0; i < n; i++) {
        wr_u32(&w, 0x03000008);
        wr_u32(&w, (uint32_t)(0x02000000 | (40000 + i))); /* PRF of nobody's */
    }
    for (unsigned i = 0; i < good->n; i++) {
        const struct cv_transform *t = &good->t[i];

        wr_u32(&w, (uint32_t)((i + 1 < good->n ? 0x03000000 : 0) | (t->key_len != 0 ? 12 : 8)));
        wr_u32(&w, (uint32_t)(t->type << 24 | t->id));
        if (t->key_len != 0)
            wr_u32(&w, 0x800e0000 | t->key_len);
    }
    assert_int_equal(ike_check_sa(wr_done(&w)), CV_OK);
    return wr_done(&w);
}

static void only_what_we_can_do_is_kept_of_an_offer(void **state)
{
    const struct cv_proposal ours = IKE(GCM128, PRF256, X25519);
    uint8_t b[4096];
    struct proposal_choice c;
    struct offered o;

    (void)state;
    proposal_read(&o, &some, junk(b, sizeof(b), 240, &ours));
    assert_int_equal(o.n, 1);
    assert_int_equal(o.n_transforms, 3);
    assert_int_equal(proposal_choose(&c, &o, &ours, 1, true, 0), CV_OK);
    assert_int_equal(c.suite.encr, CV_ENCR_AES_GCM_16);
    proposal_read(&o, NULL, junk(b, sizeof(b), 240, &ours));
    assert_int_equal(o.n_transforms, OFFERED_TRANSFORMS);
}

static void a_transform_that_is_listed_again_is_kept_once(void **state)
{
    const struct cv_proposal twice = IKE(GCM128, PRF256, X25519, GCM128, X25519, GCM128);
    struct body body;
    struct offered o;

    (void)state;
    offer(&body, &twice, 1);
    proposal_read(&o, &some, body.sa);
    assert_int_equal(o.n_transforms, 3);
}

static void proposals_beyond_what_is_looked_at_are_as_if_not_there(void **state)
{
    const struct cv_proposal theirs = IKE(GCM128, PRF256, X25519);
    uint8_t b[4096];
    struct offered o;

    (void)state;
    proposal_read(&o, &some, many(b, sizeof(b), OFFERED_PROPOSALS + 8, &theirs));
    assert_int_equal(o.n, OFFERED_PROPOSALS);
    assert_true(o.n_transforms <= OFFERED_TRANSFORMS);
    for (unsigned i = 0; i < o.n; i++)
        assert_true(o.p[i].from + o.p[i].n <= OFFERED_TRANSFORMS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_order_decides_within_a_type),
        cmocka_unit_test(our_proposals_are_tried_in_order_against_all_of_theirs),
        cmocka_unit_test(what_the_backend_lacks_is_not_chosen),
        cmocka_unit_test(every_type_must_agree),
        cmocka_unit_test(the_hint_picks_among_acceptable_groups),
        cmocka_unit_test(combined_modes_go_without_integrity_or_with_none),
        cmocka_unit_test(encryption_without_integrity_is_refused),
        cmocka_unit_test(authentication_alone_is_chosen_for_ah),
        cmocka_unit_test(silence_about_a_group_means_none),
        cmocka_unit_test(groups_do_not_count_when_there_is_no_key_exchange),
        cmocka_unit_test(silence_about_extended_numbers_is_refused),
        cmocka_unit_test(a_transform_type_that_we_do_not_know_spoils_its_proposal_alone),
        cmocka_unit_test(a_transform_with_an_unknown_attribute_is_not_chosen),
        cmocka_unit_test(an_answer_picks_one_of_each_of_what_was_offered),
        cmocka_unit_test(an_answer_outside_the_offer_is_refused),
        cmocka_unit_test(an_answer_with_a_choice_is_a_syntax_error),
        cmocka_unit_test(an_answer_without_key_exchange_names_no_group),
        cmocka_unit_test(an_answer_says_exactly_the_suite_that_was_chosen),
        cmocka_unit_test(the_first_group_is_found_across_proposals),
        cmocka_unit_test(only_what_we_can_do_is_kept_of_an_offer),
        cmocka_unit_test(a_transform_that_is_listed_again_is_kept_once),
        cmocka_unit_test(proposals_beyond_what_is_looked_at_are_as_if_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
