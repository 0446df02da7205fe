/* Negotiation over a peer's SA payload: the responder's choice and the initiator's
 * check of an answer.
 *
 * The first octet chooses the protocol and the key exchange wishes; the rest is the
 * peer's SA body.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "ident/proposal.h"

static const struct cv_proposal ike_ours[] = {
    {.protocol = CV_PROTO_IKE,
     .n = 6,
     .t = {{CV_ENCR, CV_ENCR_AES_GCM_16, 128},
           {CV_ENCR, CV_ENCR_AES_GCM_16, 256},
           {CV_PRF, CV_PRF_HMAC_SHA2_256, 0},
           {CV_PRF, CV_PRF_HMAC_SHA2_512, 0},
           {CV_KE, CV_KE_X25519, 0},
           {CV_KE, CV_KE_ECP_256, 0}}  },
    {.protocol = CV_PROTO_IKE,
     .n = 4,
     .t = {{CV_ENCR, CV_ENCR_AES_CBC, 128},
           {CV_INTEG, CV_INTEG_HMAC_SHA2_256_128, 0},
           {CV_PRF, CV_PRF_HMAC_SHA2_256, 0},
           {CV_KE, CV_KE_MODP_2048, 0}}},
};

static const struct cv_proposal esp_ours[] = {
    {.protocol = CV_PROTO_ESP,
     .n = 3,
     .t = {{CV_ENCR, CV_ENCR_AES_GCM_16, 128}, {CV_KE, CV_KE_X25519, 0}, {CV_ESN, 0, 0}}},
    {.protocol = CV_PROTO_ESP,
     .n = 4,
     .t = {{CV_ENCR, CV_ENCR_AES_CBC, 256},
           {CV_INTEG, CV_INTEG_HMAC_SHA2_256_128, 0},
           {CV_ESN, 1, 0},
           {CV_ESN, 0, 0}}                                                              },
};

static bool offers(const struct cv_proposal *p, uint8_t type, uint16_t id, uint16_t bits)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->t[i].type == type && p->t[i].id == id && p->t[i].key_len == bits)
            return true;
    return false;
}

/* One of our proposals says every algorithm that was chosen. */
static void check_choice(const struct proposal_choice *c, const struct cv_proposal *ours,
                         unsigned n, bool want_ke)
{
    const struct cv_suite *s = &c->suite;
    bool found = false;

    for (unsigned i = 0; i < n && !found; i++)
        found = offers(&ours[i], CV_ENCR, s->encr, s->encr_bits) &&
                (s->integ == CV_INTEG_NONE || offers(&ours[i], CV_INTEG, s->integ, 0)) &&
                (s->prf == 0 || offers(&ours[i], CV_PRF, s->prf, 0)) &&
                (s->ke == CV_KE_NONE || offers(&ours[i], CV_KE, s->ke, 0)) &&
                (s->esn == CV_ESN_NO || offers(&ours[i], CV_ESN, s->esn, 0));
    FUZZ_CHECK(found);
    FUZZ_CHECK(c->protocol == ours[0].protocol);
    FUZZ_CHECK(want_ke || s->ke == CV_KE_NONE);
}

/* Answered to a side that offered ours, under the number that it gave one of them, the
 * choice is taken and means the same. */
static void check_answer(const struct proposal_choice *c, const struct cv_proposal *ours,
                         unsigned n, bool want_ke)
{
    static const uint8_t spi[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct proposal_choice answer = *c, back;
    bool taken = false;

    for (unsigned i = 0; i < n && !taken; i++) {
        uint8_t buf[256];
        struct wr w = wr_init(buf, sizeof(buf));

        answer.number = (uint8_t)(i + 1);
        proposal_put_answer(&w, &answer, span(spi, c->spi.n), want_ke);
        FUZZ_CHECK(ike_check_sa(wr_done(&w)) == CV_OK);
        taken = proposal_check_answer(&back, ours, n, wr_done(&w), want_ke) == CV_OK;
    }
    FUZZ_CHECK(taken);
    FUZZ_CHECK(back.number == answer.number);
    FUZZ_CHECK(back.suite.encr == c->suite.encr && back.suite.encr_bits == c->suite.encr_bits);
    FUZZ_CHECK(back.suite.integ == c->suite.integ && back.suite.prf == c->suite.prf);
    FUZZ_CHECK(back.suite.ke == c->suite.ke && back.suite.esn == c->suite.esn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd r = rd_init(span(data, n));
    uint8_t how = rd_u8(&r);
    const struct cv_proposal *ours = how & 1 ? esp_ours : ike_ours;
    bool want_ke = how & 2 || ours == ike_ours;
    struct cv_span sa = rd_rest(&r);
    struct proposal_choice c;

    if (ike_check_sa(sa) != CV_OK)
        return 0;
    if (proposal_select(&c, &cv_crypto_openssl, ours, 2, sa, want_ke,
                        how & 4 ? CV_KE_ECP_256 : CV_KE_NONE) == CV_OK) {
        check_choice(&c, ours, 2, want_ke);
        FUZZ_CHECK(fuzz_within(c.spi, sa));
        check_answer(&c, ours, 2, want_ke);
    }
    if (proposal_check_answer(&c, ours, 2, sa, want_ke) == CV_OK)
        check_choice(&c, ours, 2, want_ke);
    return 0;
}
