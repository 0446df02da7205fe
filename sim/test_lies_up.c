/* Lies of an authentic peer whose SAs are up: what it asks that it must not, deletes or rekeys
 * that is not its own, and garbage at every step (RFC 7296
 * sections 1.3, 1.4, 2.3, 2.5, 2.8, 2.21.3, 2.23, 2.25).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/lies.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct cv_span none;

static struct cv_span spi_of(uint8_t out[4], uint32_t spi)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(spi >> (24 - 8 * i));
    return (struct cv_span){out, 4};
}

/* ---- Child SAs ------------------------------------------------------------------------- */

/* A request for a second Child SA; what is NULL or 0 is as it should be. */
struct wish {
    uint32_t spi;
    size_t spi_len;
    size_t nonce; /* octets; 1: none at all */
    const struct cv_ts *tsi, *tsr;
    unsigned n_ts; /* of each; 0: one */
    bool no_ts, no_sa;
    uint16_t chosen, ke; /* groups in SA and KE */
};

static void ask_child(struct liar *l, const struct wish *w)
{
    uint8_t spi[8] = {0};
    struct liar_say s;

    (void)spi_of(spi, w->spi != 0 ? w->spi : 0x0badf00d);
    say_request(l, &s, EX_CREATE_CHILD);
    if (!w->no_sa)
        put_sa_esp(&s, (struct cv_span){spi, w->spi_len != 0 ? w->spi_len : 4}, w->chosen);
    if (w->nonce != 1)
        put_nonce(&s, w->nonce != 0 ? w->nonce : LIAR_NONCE);
    if (w->ke != 0)
        put_ke(&s, w->ke);
    if (!w->no_ts) {
        put_ts(&s, PL_TSI, w->tsi != NULL ? w->tsi : &l->ts, w->n_ts != 0 ? w->n_ts : 1);
        put_ts(&s, PL_TSR, w->tsr != NULL ? w->tsr : &l->victim_ts, w->n_ts != 0 ? w->n_ts : 1);
    }
    (void)say_end(&s);
}

static void child_without_nonce(struct liar *l)
{
    ask_child(l, &(struct wish){.nonce = 1});
}

static void child_with_a_short_nonce(struct liar *l)
{
    ask_child(l, &(struct wish){.nonce = 8});
}

static void child_without_sa(struct liar *l)
{
    ask_child(l, &(struct wish){.no_sa = true});
}

static void child_without_selectors(struct liar *l)
{
    uint8_t spi[4];
    struct liar_say s;

    /* not to be taken for a rekey of the IKE SA, which has no selectors either */
    say_request(l, &s, EX_CREATE_CHILD);
    put_sa_esp(&s, spi_of(spi, 0x0badf00d), CV_KE_NONE);
    put_nonce(&s, LIAR_NONCE);
    (void)say_end(&s);
}

static void child_with_spi_1(struct liar *l)
{
    ask_child(l, &(struct wish){.spi = 1});
}

static void child_with_a_long_spi(struct liar *l)
{
    ask_child(l, &(struct wish){.spi_len = 8});
}

static void child_with_a_group_never_offered(struct liar *l)
{
    ask_child(l, &(struct wish){.ke = CV_KE_X25519});
}

static void child_with_foreign_selectors(struct liar *l)
{
    const struct cv_ts ts = {
        .family = CV_IPV4, .port_hi = 65535, .lo = {10, 99, 0, 0  },
                .hi = {10, 99, 0, 255}
    };

    ask_child(l, &(struct wish){.tsi = &ts});
}

static void child_of_another_family(struct liar *l)
{
    const struct cv_ts ts = {.family = CV_IPV6, .port_hi = 65535, .lo = {0x20}, .hi = {0x20}};

    ask_child(l, &(struct wish){.tsi = &ts, .tsr = &ts});
}

static void child_of_nothing(struct liar *l)
{
    struct liar_say s;
    uint8_t spi[4];

    say_request(l, &s, EX_CREATE_CHILD);
    put_sa_esp(&s, spi_of(spi, 0x0badf00d), CV_KE_NONE);
    put_nonce(&s, LIAR_NONCE);
    put_ts(&s, PL_TSI, &l->ts, 0);
    put_ts(&s, PL_TSR, &l->victim_ts, 0);
    (void)say_end(&s);
}

/* ---- rekeys of what is not theirs ------------------------------------------------------- */

static void rekey(struct liar *l, uint8_t protocol, uint32_t spi, size_t spi_len)
{
    uint8_t old[4], next[4];
    struct liar_say s;

    (void)spi_of(old, spi);
    say_request(l, &s, EX_CREATE_CHILD);
    ike_put_notify(&s.c, protocol, (struct cv_span){old, spi_len}, N_REKEY_SA, none);
    put_sa_esp(&s, spi_of(next, 0x0badf00d), CV_KE_NONE);
    put_nonce(&s, LIAR_NONCE);
    put_ts(&s, PL_TSI, &l->ts, 1);
    put_ts(&s, PL_TSR, &l->victim_ts, 1);
    (void)say_end(&s);
}

static void rekey_of_nothing(struct liar *l)
{
    rekey(l, CV_PROTO_ESP, 0x12345678, 4);
}

/* The peer names its own inbound SPI, not ours. */
static void rekey_by_our_spi(struct liar *l)
{
    rekey(l, CV_PROTO_ESP, l->spi_out, 4);
}

static void rekey_of_ah(struct liar *l)
{
    rekey(l, CV_PROTO_AH, l->spi_in, 4);
}

static void rekey_by_a_short_spi(struct liar *l)
{
    rekey(l, CV_PROTO_ESP, l->spi_in, 2);
}

static void rekey_by_no_spi(struct liar *l)
{
    rekey(l, CV_PROTO_ESP, l->spi_in, 0);
}

/* ---- rekeys of the IKE SA -----------------------------------------------------------------
 */

static void rekey_ike(struct liar *l, const uint8_t *spi, size_t n, uint16_t chosen,
                      uint16_t ke)
{
    struct liar_say s;

    say_request(l, &s, EX_CREATE_CHILD);
    put_sa_ike(&s, (struct cv_span){spi, n}, chosen);
    put_nonce(&s, LIAR_NONCE);
    if (ke != 0)
        put_ke(&s, ke);
    (void)say_end(&s);
}

static const uint8_t spi8[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void rekey_ike_with_spi_zero(struct liar *l)
{
    rekey_ike(l, (const uint8_t[8]){0}, 8, CV_KE_X25519, CV_KE_X25519);
}

static void rekey_ike_with_a_short_spi(struct liar *l)
{
    rekey_ike(l, spi8, 4, CV_KE_X25519, CV_KE_X25519);
}

static void rekey_ike_without_spi(struct liar *l)
{
    rekey_ike(l, spi8, 0, CV_KE_X25519, CV_KE_X25519);
}

static void rekey_ike_without_ke(struct liar *l)
{
    rekey_ike(l, spi8, 8, CV_KE_X25519, 0);
}

static void rekey_ike_with_another_group(struct liar *l)
{
    rekey_ike(l, spi8, 8, CV_KE_X25519, CV_KE_ECP_256);
}

static void rekey_ike_with_no_group(struct liar *l)
{
    rekey_ike(l, spi8, 8, CV_KE_NONE, 0);
}

static void rekey_ike_with_a_group_never_offered(struct liar *l)
{
    rekey_ike(l, spi8, 8, CV_KE_ECP_384, CV_KE_ECP_384);
}

static void rekey_ike_without_nonce(struct liar *l)
{
    struct liar_say s;

    say_request(l, &s, EX_CREATE_CHILD);
    put_sa_ike(&s, (struct cv_span){spi8, 8}, CV_KE_X25519);
    put_ke(&s, CV_KE_X25519);
    (void)say_end(&s);
}

/* ---- deletes ------------------------------------------------------------------------------
 */

static void del(struct liar *l, uint8_t protocol, uint8_t spi_len, uint16_t n,
                const uint8_t *spis, size_t len)
{
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    ike_put_delete(&s.c, protocol, spi_len, n, (struct cv_span){spis, len});
    (void)say_end(&s);
}

static void delete_of_nothing(struct liar *l)
{
    del(l, CV_PROTO_ESP, 4, 1, (const uint8_t[4]){1, 2, 3, 4}, 4);
}

static void delete_by_our_spi(struct liar *l)
{
    uint8_t spi[4];

    del(l, CV_PROTO_ESP, 4, 1, spi_of(spi, l->spi_out).p, 4);
}

static void delete_of_ah(struct liar *l)
{
    uint8_t spi[4];

    del(l, CV_PROTO_AH, 4, 1, spi_of(spi, l->spi_in).p, 4);
}

static void delete_with_a_long_spi(struct liar *l)
{
    del(l, CV_PROTO_ESP, 8, 1, spi8, 8);
}

static void delete_with_a_count_that_lies(struct liar *l)
{
    del(l, CV_PROTO_ESP, 4, 100, spi8, 8);
}

static void delete_of_protocol_9(struct liar *l)
{
    uint8_t spi[4];

    del(l, 9, 4, 1, spi_of(spi, l->spi_in).p, 4);
}

static void delete_twice(struct liar *l)
{
    uint8_t spis[8];

    (void)spi_of(spis, l->spi_in);
    (void)spi_of(spis + 4, l->spi_in);
    del(l, CV_PROTO_ESP, 4, 2, spis, 8);
}

static void delete_of_the_ike_sa(struct liar *l)
{
    del(l, CV_PROTO_IKE, 0, 0, NULL, 0);
}

/* ---- messages that do not belong here
 * --------------------------------------------------------- */

static void with_id(struct liar *l, uint32_t id)
{
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    s.hdr.msg_id = id;
    ike_put_delete(&s.c, CV_PROTO_IKE, 0, 0, none);
    (void)say_end(&s);
}

static void an_id_of_the_past(struct liar *l)
{
    with_id(l, 0);
}

static void an_id_of_the_future(struct liar *l)
{
    with_id(l, l->next_out + 1);
}

static void the_last_id(struct liar *l)
{
    with_id(l, UINT32_MAX);
}

static void another_message_by_an_old_id(struct liar *l)
{
    with_id(l, l->next_out - 1);
}

static void an_answer_to_nothing(struct liar *l)
{
    struct liar_say s;

    say_answer(l, &s);
    s.hdr.exchange = EX_INFORMATIONAL;
    s.hdr.msg_id = 0;
    ike_put_delete(&s.c, CV_PROTO_IKE, 0, 0, none);
    (void)say_end(&s);
}

static void with_exchange(struct liar *l, uint8_t exchange)
{
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    s.hdr.exchange = exchange;
    put_nonce(&s, LIAR_NONCE);
    (void)say_end(&s);
}

static void ike_auth_again(struct liar *l)
{
    with_exchange(l, EX_AUTH);
}

static void exchange_38(struct liar *l)
{
    with_exchange(l, 38);
}

static void exchange_255(struct liar *l)
{
    with_exchange(l, 255);
}

static void ike_sa_init_with_our_spis(struct liar *l)
{
    struct liar_say s;

    say_request(l, &s, EX_SA_INIT);
    s.hdr.msg_id = 0;
    put_sa_ike(&s, none, CV_KE_X25519);
    put_ke(&s, CV_KE_X25519);
    put_nonce(&s, LIAR_NONCE);
    (void)say_end(&s);
}

static void a_delete_in_the_clear(struct liar *l)
{
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    s.unprotected = true;
    ike_put_delete(&s.c, CV_PROTO_IKE, 0, 0, none);
    (void)say_end(&s);
}

static void an_error_in_the_clear(struct liar *l)
{
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    s.unprotected = true;
    put_notify(&s, N_INVALID_IKE_SPI, none);
    (void)say_end(&s);
}

/* RFC 7296 section 2.23: without a NAT nobody moves. */
static void a_request_from_elsewhere(struct liar *l)
{
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    s.from.addr = recipe_v4(203, 0, 113, 99);
    (void)say_end(&s);
}

/* ---- garbage
 * --------------------------------------------------------------------------------- */

static void garbage(struct liar *l, uint8_t exchange)
{
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    s.hdr.exchange = exchange;
    put_nonce(&s, LIAR_NONCE);
    wr_patch_u16(&s.w, 2, 4000);
    (void)say_end(&s);
}

static void garbage_in_create_child_sa(struct liar *l)
{
    garbage(l, EX_CREATE_CHILD);
}

static void garbage_in_informational(struct liar *l)
{
    garbage(l, EX_INFORMATIONAL);
}

static void critical(struct liar *l, uint8_t exchange)
{
    struct liar_say s;
    size_t at;

    say_request(l, &s, EX_INFORMATIONAL);
    s.hdr.exchange = exchange;
    at = s.w.n;
    ike_put_payload(&s.c, 200, none);
    wr_patch_u8(&s.w, at + 1, 0x80);
    (void)say_end(&s);
}

static void something_critical_in_informational(struct liar *l)
{
    critical(l, EX_INFORMATIONAL);
}

static void something_critical_in_create_child_sa(struct liar *l)
{
    critical(l, EX_CREATE_CHILD);
}

static void something_unknown(struct liar *l)
{
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    ike_put_payload(&s.c, 200, none);
    (void)say_end(&s);
}

static void sealed_twice(struct liar *l)
{
    uint8_t body[64] = {1};
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    ike_put_payload(&s.c, PL_SK, (struct cv_span){body, sizeof(body)});
    (void)say_end(&s);
}

static void says_notify(struct liar *l, uint16_t type, size_t n)
{
    uint8_t data[40] = {1, 2, 3};
    struct liar_say s;

    say_request(l, &s, EX_INFORMATIONAL);
    put_notify(&s, type, (struct cv_span){data, n});
    (void)say_end(&s);
}

static void says_invalid_syntax(struct liar *l)
{
    says_notify(l, N_INVALID_SYNTAX, 0);
}

static void says_unknown_error(struct liar *l)
{
    says_notify(l, 8000, 0);
}

static void an_alert_that_was_not_announced(struct liar *l)
{
    says_notify(l, N_CULVERT_ALERT, 9);
}

static void initial_contact_once_more(struct liar *l)
{
    says_notify(l, N_INITIAL_CONTACT, 0);
}

static void a_cookie_in_an_established_sa(struct liar *l)
{
    says_notify(l, N_COOKIE, 20);
}

static void does_not_believe_us(struct liar *l)
{
    says_notify(l, N_AUTHENTICATION_FAILED, 0);
}

static const struct lie requests[] = {
    {"a Child SA without a nonce",                     child_without_nonce,                   N_INVALID_SYNTAX,     CV_ERR_SYNTAX,          GONE     },
    {"a Child SA with a nonce of 8 octets",            child_with_a_short_nonce,              N_INVALID_SYNTAX,     CV_OK,
     GONE                                                                                                                                            },
    {"a Child SA without an SA payload",               child_without_sa,                      N_INVALID_SYNTAX,     CV_ERR_SYNTAX,
     GONE                                                                                                                                            },
    {"ESP without selectors",                          child_without_selectors,               N_INVALID_SYNTAX,     CV_OK,                  GONE     },
    {"a reserved SPI",                                 child_with_spi_1,                      N_NO_PROPOSAL_CHOSEN, CV_ERR_NO_PROPOSAL,     AS_BEFORE},
    {"an ESP SPI of 8 octets",                         child_with_a_long_spi,                 N_INVALID_SYNTAX,     CV_OK,                  GONE     },
    {"foreign selectors",                              child_with_foreign_selectors,          N_TS_UNACCEPTABLE,    CV_ERR_TS,
     AS_BEFORE                                                                                                                                       },
    {"selectors of another family",                    child_of_another_family,               N_TS_UNACCEPTABLE,    CV_ERR_TS,
     AS_BEFORE                                                                                                                                       },
    {"no selectors",                                   child_of_nothing,                      N_TS_UNACCEPTABLE,    CV_ERR_TS,              AS_BEFORE},
    {"a rekey of nothing",                             rekey_of_nothing,                      N_CHILD_SA_NOT_FOUND, CV_ERR_CHILD_NOT_FOUND,
     AS_BEFORE                                                                                                                                       },
    {"a rekey by our own SPI",                         rekey_by_our_spi,                      N_CHILD_SA_NOT_FOUND, CV_ERR_CHILD_NOT_FOUND,
     AS_BEFORE                                                                                                                                       },
    {"a rekey of AH",                                  rekey_of_ah,                           N_CHILD_SA_NOT_FOUND, CV_ERR_CHILD_NOT_FOUND, AS_BEFORE},
    {"a rekey by half an SPI",                         rekey_by_a_short_spi,                  N_CHILD_SA_NOT_FOUND, CV_OK,                  AS_BEFORE},
    {"a rekey by no SPI",                              rekey_by_no_spi,                       N_CHILD_SA_NOT_FOUND, CV_OK,                  AS_BEFORE},
    {"an IKE rekey with an SPI of zero",               rekey_ike_with_spi_zero,               N_INVALID_SYNTAX,
     CV_ERR_SYNTAX,                                                                                                                         GONE     },
    {"an IKE rekey with an SPI of 4 octets",           rekey_ike_with_a_short_spi,            N_INVALID_SYNTAX,
     CV_OK,                                                                                                                                 GONE     },
    {"an IKE rekey without an SPI",                    rekey_ike_without_spi,                 N_NO_PROPOSAL_CHOSEN,
     CV_ERR_NO_PROPOSAL,                                                                                                                    AS_BEFORE},
    {"an IKE rekey without a KE payload",              rekey_ike_without_ke,                  N_INVALID_SYNTAX,     CV_OK,                  GONE     },
    {"an IKE rekey with another group",                rekey_ike_with_another_group,          N_INVALID_KE_PAYLOAD,
     CV_ERR_KE_GROUP,                                                                                                                       AS_BEFORE},
    {"an IKE rekey with no group",                     rekey_ike_with_no_group,               N_INVALID_SYNTAX,     CV_OK,                  GONE     },
    {"an IKE rekey with a group never offered",        rekey_ike_with_a_group_never_offered,
     N_NO_PROPOSAL_CHOSEN,                                                                                          CV_ERR_NO_PROPOSAL,     AS_BEFORE},
    {"an IKE rekey without a nonce",                   rekey_ike_without_nonce,               N_INVALID_SYNTAX,     CV_ERR_SYNTAX,
     GONE                                                                                                                                            },
    {"a delete of nothing",                            delete_of_nothing,                     NO_ERROR,             CV_OK,                  AS_BEFORE},
    {"a delete by our own SPI",                        delete_by_our_spi,                     NO_ERROR,             CV_OK,                  AS_BEFORE},
    {"a delete of AH",                                 delete_of_ah,                          NO_ERROR,             CV_OK,                  AS_BEFORE},
    {"a delete with an SPI of 8 octets",               delete_with_a_long_spi,                N_INVALID_SYNTAX,     CV_OK,                  GONE     },
    {"a delete of protocol 9",                         delete_of_protocol_9,                  NO_ERROR,             CV_OK,                  AS_BEFORE},
    {"a delete with a count that lies",                delete_with_a_count_that_lies,         N_INVALID_SYNTAX,     CV_OK,
     GONE                                                                                                                                            },
    {"a message ID of the past",                       an_id_of_the_past,                     SILENCE,              CV_ERR_IKE_WINDOW,      AS_BEFORE},
    {"a message ID of the future",                     an_id_of_the_future,                   SILENCE,              CV_ERR_IKE_WINDOW,      AS_BEFORE},
    {"the last message ID",                            the_last_id,                           SILENCE,              CV_ERR_IKE_WINDOW,      AS_BEFORE},
    {"another message by an answered ID",              another_message_by_an_old_id,          NO_ERROR,
     CV_ERR_IKE_RETRANSMIT,                                                                                                                 AS_BEFORE},
    {"an answer to nothing",                           an_answer_to_nothing,                  SILENCE,              CV_ERR_IKE_WINDOW,      AS_BEFORE},
    {"IKE_AUTH again",                                 ike_auth_again,                        SILENCE,              CV_ERR_UNEXPECTED,      AS_BEFORE},
    {"exchange 38",                                    exchange_38,                           SILENCE,              CV_ERR_UNEXPECTED,      AS_BEFORE},
    {"exchange 255",                                   exchange_255,                          SILENCE,              CV_ERR_UNEXPECTED,      AS_BEFORE},
    {"IKE_SA_INIT with the SPIs of the SA",            ike_sa_init_with_our_spis,             SILENCE,              CV_OK,
     AS_BEFORE                                                                                                                                       },
    {"a delete in the clear",                          a_delete_in_the_clear,                 SILENCE,              CV_ERR_IKE_UNPROTECTED,
     AS_BEFORE                                                                                                                                       },
    {"an error in the clear",                          an_error_in_the_clear,                 SILENCE,              CV_ERR_IKE_UNPROTECTED,
     AS_BEFORE                                                                                                                                       },
    {"a request from elsewhere",                       a_request_from_elsewhere,              NO_ERROR,             CV_OK,                  AS_BEFORE},
    {"garbage in CREATE_CHILD_SA",                     garbage_in_create_child_sa,            N_INVALID_SYNTAX,     CV_OK,                  GONE     },
    {"garbage in INFORMATIONAL",                       garbage_in_informational,              N_INVALID_SYNTAX,     CV_OK,                  GONE     },
    {"an unknown critical payload in INFORMATIONAL",   something_critical_in_informational,
     N_UNSUPPORTED_CRITICAL_PAYLOAD,                                                                                CV_ERR_CRITICAL,        AS_BEFORE},
    {"an unknown critical payload in CREATE_CHILD_SA", something_critical_in_create_child_sa,
     N_UNSUPPORTED_CRITICAL_PAYLOAD,                                                                                CV_ERR_CRITICAL,        AS_BEFORE},
    {"an unknown payload that is not critical",        something_unknown,                     NO_ERROR,             CV_OK,                  AS_BEFORE},
    {"a sealed payload in a sealed payload",           sealed_twice,                          N_INVALID_SYNTAX,     CV_OK,                  GONE     },
    {"INVALID_SYNTAX for no reason",                   says_invalid_syntax,                   NO_ERROR,             CV_OK,                  AS_BEFORE},
    {"an unknown error",                               says_unknown_error,                    NO_ERROR,             CV_OK,                  AS_BEFORE},
    {"an alert that was not announced",                an_alert_that_was_not_announced,       NO_ERROR,             CV_OK,
     AS_BEFORE                                                                                                                                       },
    {"INITIAL_CONTACT once more",                      initial_contact_once_more,             NO_ERROR,             CV_OK,                  AS_BEFORE},
    {"a cookie",                                       a_cookie_in_an_established_sa,         NO_ERROR,             CV_OK,                  AS_BEFORE},
    {"a KE payload nobody asked for",                  child_with_a_group_never_offered,      NO_ERROR,             CV_OK,                  UP       },
    {"a delete of the same Child SA twice",            delete_twice,                          NO_ERROR,             CV_OK,                  UP       },
    {"a delete of the IKE SA",                         delete_of_the_ike_sa,                  NO_ERROR,             CV_OK,                  GONE     },
    {"AUTHENTICATION_FAILED",                          does_not_believe_us,                   NO_ERROR,             CV_OK,                  GONE     },
};

static void an_initiator_gets_nothing_by_lying(void **state)
{
    const struct lies t = {
        .initiator = true, .steps = 2, .lie = requests, .n = COUNT(requests)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
}

static void a_responder_gets_nothing_by_lying(void **state)
{
    const struct lies t = {
        .initiator = false, .steps = 2, .lie = requests, .n = COUNT(requests)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_initiator_gets_nothing_by_lying),
        cmocka_unit_test(a_responder_gets_nothing_by_lying),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
