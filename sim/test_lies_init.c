/* Lies in IKE_SA_INIT: nobody is authenticated yet, so what is wrong is dropped or answered
 * without state, and an honest message that follows is taken (RFC 7296
 * sections 2.6, 2.7, 2.21.1).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/lies.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct cv_span none;

/* ---- requests ------------------------------------------------------------------------ */

/* An honest request but for what is left out. */
static void put_request(struct liar_say *s, bool sa, bool ke, bool nonce)
{
    if (sa)
        put_sa_ike(s, none, CV_KE_X25519);
    if (ke)
        put_ke(s, CV_KE_X25519);
    if (nonce)
        put_nonce(s, LIAR_NONCE);
}

static void begin(struct liar *l, struct liar_say *s)
{
    say_request(l, s, EX_SA_INIT);
}

static void no_sa(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_request(&s, false, true, true);
    (void)say_end(&s);
}

static void no_ke(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_request(&s, true, false, true);
    (void)say_end(&s);
}

static void no_nonce(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_request(&s, true, true, false);
    (void)say_end(&s);
}

static void nonce_of(struct liar *l, size_t n)
{
    struct liar_say s;

    begin(l, &s);
    put_request(&s, true, true, false);
    put_nonce(&s, n);
    (void)say_end(&s);
}

static void nonce_short(struct liar *l)
{
    nonce_of(l, 15);
}

static void nonce_long(struct liar *l)
{
    nonce_of(l, 257);
}

static void two_sas(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_sa_ike(&s, none, CV_KE_X25519);
    put_request(&s, true, true, true);
    (void)say_end(&s);
}

static void two_nonces(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_nonce(&s, LIAR_NONCE);
    put_request(&s, true, true, true);
    (void)say_end(&s);
}

static void group_never_offered(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_sa_ike(&s, none, CV_KE_X25519);
    put_ke(&s, CV_KE_ECP_256);
    put_nonce(&s, LIAR_NONCE);
    (void)say_end(&s);
}

static void group_unknown(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_sa_ike(&s, none, 4711);
    put_ke(&s, 4711);
    put_nonce(&s, LIAR_NONCE);
    (void)say_end(&s);
}

static void ke_of(struct liar *l, size_t n)
{
    uint8_t pub[100] = {9};
    struct liar_say s;

    begin(l, &s);
    put_sa_ike(&s, none, CV_KE_X25519);
    ike_put_ke(&s.c, CV_KE_X25519, (struct cv_span){pub, n});
    put_nonce(&s, LIAR_NONCE);
    (void)say_end(&s);
}

static void ke_empty(struct liar *l)
{
    ke_of(l, 0);
}

static void ke_short(struct liar *l)
{
    ke_of(l, 31);
}

static void ke_long(struct liar *l)
{
    ke_of(l, 33);
}

static void esp_proposal(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_sa_esp(&s, none, CV_KE_X25519);
    put_request(&s, false, true, true);
    (void)say_end(&s);
}

static void proposal_with_an_spi(struct liar *l)
{
    uint8_t spi[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct liar_say s;

    begin(l, &s);
    put_sa_ike(&s, (struct cv_span){spi, 8}, CV_KE_X25519);
    put_request(&s, false, true, true);
    (void)say_end(&s);
}

static void empty_sa(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    ike_put_payload(&s.c, PL_SA, none);
    put_request(&s, false, true, true);
    (void)say_end(&s);
}

static void no_encryption(struct liar *l)
{
    struct cv_proposal p = {
        .protocol = CV_PROTO_IKE,
        .n = 2,
        .t = {{CV_PRF, CV_PRF_HMAC_SHA2_256, 0}, {CV_KE, CV_KE_X25519, 0}}
    };
    struct liar_say s;

    begin(l, &s);
    ike_payload_begin(&s.c, PL_SA);
    ike_put_proposal(&s.w, &p, 1, none, true);
    ike_payload_end(&s.c);
    put_request(&s, false, true, true);
    (void)say_end(&s);
}

static void another_header(struct liar *l, uint32_t id, uint8_t flags, uint8_t version)
{
    struct liar_say s;

    begin(l, &s);
    s.hdr.msg_id = id;
    s.hdr.flags = flags;
    s.hdr.version = version;
    put_request(&s, true, true, true);
    (void)say_end(&s);
}

static void message_id_1(struct liar *l)
{
    another_header(l, 1, IKE_F_INITIATOR, 0x20);
}

static void not_the_initiator(struct liar *l)
{
    another_header(l, 0, 0, 0x20);
}

static void an_answer_to_nothing(struct liar *l)
{
    another_header(l, 0, IKE_F_INITIATOR | IKE_F_RESPONSE, 0x20);
}

static void version_3(struct liar *l)
{
    another_header(l, 0, IKE_F_INITIATOR, 0x30);
}

static void version_1(struct liar *l)
{
    another_header(l, 0, IKE_F_INITIATOR, 0x10);
}

static void spi_i_zero(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    memset(s.hdr.spi_i, 0, IKE_SPI_LEN);
    put_request(&s, true, true, true);
    (void)say_end(&s);
}

static void spi_r_taken(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    memset(s.hdr.spi_r, 7, IKE_SPI_LEN);
    put_request(&s, true, true, true);
    (void)say_end(&s);
}

static void critical_unknown(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    ike_payload_begin(&s.c, 200);
    s.octets[1] = 0x80;
    ike_payload_end(&s.c);
    put_request(&s, true, true, true);
    (void)say_end(&s);
}

static void payload_beyond_the_end(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_request(&s, true, true, true);
    wr_patch_u16(&s.w, 2, 4000);
    (void)say_end(&s);
}

static void octets_behind_the_last_payload(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_request(&s, true, true, true);
    wr_zero(&s.w, 4);
    (void)say_end(&s);
}

static void sealed_before_there_are_keys(struct liar *l)
{
    uint8_t body[64] = {1};
    struct liar_say s;

    begin(l, &s);
    ike_put_payload(&s.c, PL_SK, (struct cv_span){body, sizeof(body)});
    (void)say_end(&s);
}

static void thirty_three_notifies(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    for (unsigned i = 0; i < 33; i++)
        put_notify(&s, 40000, none);
    put_request(&s, true, true, true);
    (void)say_end(&s);
}

static const struct lie requests[] = {
    {"no SA payload",                          no_sa,                          SILENCE,                        CV_ERR_MALFORMED,   AS_BEFORE},
    {"no KE payload",                          no_ke,                          SILENCE,                        CV_ERR_MALFORMED,   AS_BEFORE},
    {"no nonce",                               no_nonce,                       SILENCE,                        CV_ERR_MALFORMED,   AS_BEFORE},
    {"a nonce of 15 octets",                   nonce_short,                    SILENCE,                        CV_ERR_MALFORMED,   AS_BEFORE},
    {"a nonce of 257 octets",                  nonce_long,                     SILENCE,                        CV_ERR_MALFORMED,   AS_BEFORE},
    {"two SA payloads",                        two_sas,                        SILENCE,                        CV_ERR_MALFORMED,   AS_BEFORE},
    {"two nonces",                             two_nonces,                     SILENCE,                        CV_ERR_MALFORMED,   AS_BEFORE},
    {"a KE payload of a group not offered",    group_never_offered,            N_INVALID_KE_PAYLOAD,
     CV_ERR_KE_GROUP,                                                                                                              AS_BEFORE},
    {"a group that nobody has",                group_unknown,                  N_NO_PROPOSAL_CHOSEN,           CV_ERR_NO_PROPOSAL,
     AS_BEFORE                                                                                                                              },
    {"an empty public value",                  ke_empty,                       SILENCE,                        CV_ERR_KE_VALUE,    AS_BEFORE},
    {"a public value that is too short",       ke_short,                       SILENCE,                        CV_ERR_KE_VALUE,    AS_BEFORE},
    {"a public value that is too long",        ke_long,                        SILENCE,                        CV_ERR_KE_VALUE,    AS_BEFORE},
    {"a proposal for ESP",                     esp_proposal,                   SILENCE,                        CV_ERR_MALFORMED,   AS_BEFORE},
    {"an SPI in the first proposal",           proposal_with_an_spi,           N_NO_PROPOSAL_CHOSEN,
     CV_ERR_NO_PROPOSAL,                                                                                                           AS_BEFORE},
    {"an empty SA payload",                    empty_sa,                       SILENCE,                        CV_ERR_MALFORMED,   AS_BEFORE},
    {"a proposal without encryption",          no_encryption,                  N_NO_PROPOSAL_CHOSEN,           CV_ERR_NO_PROPOSAL,
     AS_BEFORE                                                                                                                              },
    {"message ID 1",                           message_id_1,                   SILENCE,                        CV_ERR_MALFORMED,   AS_BEFORE},
    {"a request without the initiator's flag", not_the_initiator,              SILENCE,                        CV_ERR_MALFORMED,
     AS_BEFORE                                                                                                                              },
    {"an answer that nobody asked for",        an_answer_to_nothing,           SILENCE,                        CV_ERR_IKE_SPI,
     AS_BEFORE                                                                                                                              },
    {"version 3",                              version_3,                      N_INVALID_MAJOR_VERSION,        CV_ERR_VERSION,     AS_BEFORE},
    {"version 1",                              version_1,                      SILENCE,                        CV_ERR_VERSION,     AS_BEFORE},
    {"an initiator's SPI of zero",             spi_i_zero,                     SILENCE,                        CV_ERR_MALFORMED,   AS_BEFORE},
    {"a responder's SPI before there is one",  spi_r_taken,                    SILENCE,                        CV_ERR_MALFORMED,
     AS_BEFORE                                                                                                                              },
    {"an unknown critical payload",            critical_unknown,               N_UNSUPPORTED_CRITICAL_PAYLOAD,
     CV_ERR_CRITICAL,                                                                                                              AS_BEFORE},
    {"a payload beyond the end",               payload_beyond_the_end,         SILENCE,                        CV_ERR_MALFORMED,   AS_BEFORE},
    {"octets behind the last payload",         octets_behind_the_last_payload, SILENCE,
     CV_ERR_MALFORMED,                                                                                                             AS_BEFORE},
    {"a sealed payload before there are keys", sealed_before_there_are_keys,   SILENCE,
     CV_ERR_MALFORMED,                                                                                                             AS_BEFORE},
    {"33 notifies",                            thirty_three_notifies,          SILENCE,                        CV_ERR_LIMIT,       AS_BEFORE},
};

static void no_lie_of_an_initiator_is_believed(void **state)
{
    const struct lies t = {.initiator = true, .lie = requests, .n = COUNT(requests)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
}

/* ---- answers ------------------------------------------------------------------------- */

/* An answer to the victim's IKE_SA_INIT, whose SPI we know by now. */
static void begin_answer(struct liar *l, struct liar_say *s)
{
    memcpy(l->spi_i, l->asked.hdr.spi_i, IKE_SPI_LEN);
    say_answer(l, s);
}

static void put_answer(struct liar_say *s, uint16_t chosen, uint16_t group, size_t nonce)
{
    uint8_t pub[32] = {9};

    put_sa_ike(s, none, chosen);
    ike_put_ke(&s->c, group, (struct cv_span){pub, sizeof(pub)});
    put_nonce(s, nonce);
}

static void answers_what_was_not_offered(struct liar *l)
{
    struct liar_say s;

    begin_answer(l, &s);
    put_answer(&s, CV_KE_ECP_256, CV_KE_ECP_256, LIAR_NONCE);
    (void)say_end(&s);
}

static void answers_with_another_group(struct liar *l)
{
    struct liar_say s;

    begin_answer(l, &s);
    put_answer(&s, CV_KE_X25519, CV_KE_ECP_256, LIAR_NONCE);
    (void)say_end(&s);
}

static void answers_with_a_short_nonce(struct liar *l)
{
    struct liar_say s;

    begin_answer(l, &s);
    put_answer(&s, CV_KE_X25519, CV_KE_X25519, 8);
    (void)say_end(&s);
}

static void answers_with_spi_zero(struct liar *l)
{
    struct liar_say s;

    begin_answer(l, &s);
    memset(s.hdr.spi_r, 0, IKE_SPI_LEN);
    put_answer(&s, CV_KE_X25519, CV_KE_X25519, LIAR_NONCE);
    (void)say_end(&s);
}

static void answers_from_elsewhere(struct liar *l)
{
    struct liar_say s;

    begin_answer(l, &s);
    s.from.addr = recipe_v4(192, 0, 2, 78);
    put_answer(&s, CV_KE_X25519, CV_KE_X25519, LIAR_NONCE);
    (void)say_end(&s);
}

static void answers_with_id_1(struct liar *l)
{
    struct liar_say s;

    begin_answer(l, &s);
    s.hdr.msg_id = 1;
    put_answer(&s, CV_KE_X25519, CV_KE_X25519, LIAR_NONCE);
    (void)say_end(&s);
}

static void answers_nothing(struct liar *l)
{
    struct liar_say s;

    begin_answer(l, &s);
    (void)say_end(&s);
}

static void answers_with_a_notify(struct liar *l, uint16_t type, size_t n)
{
    uint8_t data[80] = {0x12, 0x67};
    struct liar_say s;

    begin_answer(l, &s);
    memset(s.hdr.spi_r, 0, IKE_SPI_LEN);
    put_notify(&s, type, (struct cv_span){data, n});
    (void)say_end(&s);
}

static void refuses_the_proposal(struct liar *l)
{
    answers_with_a_notify(l, N_NO_PROPOSAL_CHOSEN, 0);
}

static void finds_the_syntax_wrong(struct liar *l)
{
    answers_with_a_notify(l, N_INVALID_SYNTAX, 0);
}

static void refuses_to_believe(struct liar *l)
{
    answers_with_a_notify(l, N_AUTHENTICATION_FAILED, 0);
}

static void wants_a_group_not_offered(struct liar *l)
{
    answers_with_a_notify(l, N_INVALID_KE_PAYLOAD, 2);
}

static void wants_half_a_group(struct liar *l)
{
    answers_with_a_notify(l, N_INVALID_KE_PAYLOAD, 1);
}

static void gives_an_empty_cookie(struct liar *l)
{
    answers_with_a_notify(l, N_COOKIE, 0);
}

static void gives_a_cookie_of_65_octets(struct liar *l)
{
    answers_with_a_notify(l, N_COOKIE, 65);
}

static void gives_cookies_for_ever(struct liar *l)
{
    for (unsigned i = 0; i < 12; i++)
        answers_with_a_notify(l, N_COOKIE, 8 + i);
}

static void answers_with_something_critical(struct liar *l)
{
    struct liar_say s;

    begin_answer(l, &s);
    ike_payload_begin(&s.c, 200);
    s.octets[1] = 0x80;
    ike_payload_end(&s.c);
    put_answer(&s, CV_KE_X25519, CV_KE_X25519, LIAR_NONCE);
    (void)say_end(&s);
}

static void says_our_request_back(struct liar *l)
{
    say_octets(l, (struct cv_span){l->asked.octets, l->asked.len});
}

static const struct lie answers[] = {
    {"a proposal that was not offered",              answers_what_was_not_offered,    SILENCE, CV_OK,
     AS_BEFORE                                                                                                 },
    {"another group than it chose",                  answers_with_another_group,      SILENCE, CV_OK, AS_BEFORE},
    {"a nonce of 8 octets",                          answers_with_a_short_nonce,      SILENCE, CV_OK, AS_BEFORE},
    {"a responder's SPI of zero",                    answers_with_spi_zero,           SILENCE, CV_OK, AS_BEFORE},
    {"the answer from another address",              answers_from_elsewhere,          SILENCE, CV_OK, AS_BEFORE},
    {"message ID 1",                                 answers_with_id_1,               SILENCE, CV_OK, AS_BEFORE},
    {"an answer without payloads",                   answers_nothing,                 SILENCE, CV_OK, AS_BEFORE},
    {"NO_PROPOSAL_CHOSEN",                           refuses_the_proposal,            SILENCE, CV_OK, AS_BEFORE},
    {"INVALID_SYNTAX",                               finds_the_syntax_wrong,          SILENCE, CV_OK, AS_BEFORE},
    {"AUTHENTICATION_FAILED",                        refuses_to_believe,              SILENCE, CV_OK, AS_BEFORE},
    {"INVALID_KE_PAYLOAD for a group never offered", wants_a_group_not_offered,       SILENCE, CV_OK,
     AS_BEFORE                                                                                                 },
    {"INVALID_KE_PAYLOAD with half a group",         wants_half_a_group,              SILENCE, CV_OK, AS_BEFORE},
    {"an empty cookie",                              gives_an_empty_cookie,           SILENCE, CV_OK, AS_BEFORE},
    {"a cookie of 65 octets",                        gives_a_cookie_of_65_octets,     SILENCE, CV_OK, AS_BEFORE},
    {"cookies for ever",                             gives_cookies_for_ever,          SILENCE, CV_OK, GONE     },
    {"an unknown critical payload",                  answers_with_something_critical, SILENCE, CV_OK, AS_BEFORE},
    {"our own request",                              says_our_request_back,           SILENCE, CV_OK, AS_BEFORE},
};

static void no_lie_of_a_responder_ends_the_attempt(void **state)
{
    const struct lies t = {.initiator = false, .lie = answers, .n = COUNT(answers)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_lie_of_an_initiator_is_believed),
        cmocka_unit_test(no_lie_of_a_responder_ends_the_attempt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
