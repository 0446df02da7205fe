/* Lies in answer to what the victim asks of an established SA: rekeys, deletes, liveness (RFC
 * 7296 sections 1.3, 2.8, 2.9, 2.17, 2.25).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/lies.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct cv_span none;

/* ---- answers that are no answers
 * ------------------------------------------------------------- */

static void with_header(struct liar *l, int32_t id, uint8_t exchange, uint8_t flags)
{
    struct liar_say s;

    say_answer(l, &s);
    s.hdr.msg_id += (uint32_t)id;
    s.hdr.exchange = exchange != 0 ? exchange : s.hdr.exchange;
    s.hdr.flags ^= flags;
    (void)say_end(&s);
}

static void the_next_id(struct liar *l)
{
    with_header(l, 1, 0, 0);
}

static void the_last_id(struct liar *l)
{
    with_header(l, -1, 0, 0);
}

static void another_exchange(struct liar *l)
{
    with_header(l, 0, EX_AUTH, 0);
}

static void the_other_sides_flag(struct liar *l)
{
    with_header(l, 0, 0, IKE_F_INITIATOR);
}

static void unprotected(struct liar *l)
{
    struct liar_say s;

    say_answer(l, &s);
    s.unprotected = true;
    put_notify(&s, N_INVALID_IKE_SPI, none);
    (void)say_end(&s);
}

static void the_request_itself(struct liar *l)
{
    say_octets(l, (struct cv_span){l->asked.octets, l->asked.len});
}

static void garbage(struct liar *l)
{
    struct liar_say s;

    say_answer(l, &s);
    put_nonce(&s, LIAR_NONCE);
    wr_patch_u16(&s.w, 2, 4000);
    (void)say_end(&s);
}

static void something_critical(struct liar *l)
{
    struct liar_say s;

    say_answer(l, &s);
    ike_put_payload(&s.c, 200, none);
    wr_patch_u8(&s.w, 1, 0x80);
    (void)say_end(&s);
}

static void nothing(struct liar *l)
{
    struct liar_say s;

    say_answer(l, &s);
    (void)say_end(&s);
}

static void refuse(struct liar *l, uint16_t type, size_t n)
{
    uint8_t data[4] = {0, CV_KE_ECP_521};
    struct liar_say s;

    say_answer(l, &s);
    put_notify(&s, type, (struct cv_span){data, n});
    (void)say_end(&s);
}

static void temporary_failure(struct liar *l)
{
    refuse(l, N_TEMPORARY_FAILURE, 0);
}

static void no_proposal(struct liar *l)
{
    refuse(l, N_NO_PROPOSAL_CHOSEN, 0);
}

static void ts_unacceptable(struct liar *l)
{
    refuse(l, N_TS_UNACCEPTABLE, 0);
}

static void no_additional_sas(struct liar *l)
{
    refuse(l, N_NO_ADDITIONAL_SAS, 0);
}

static void invalid_syntax(struct liar *l)
{
    refuse(l, N_INVALID_SYNTAX, 0);
}

static void an_unknown_error(struct liar *l)
{
    refuse(l, 8000, 0);
}

static void a_group_never_offered(struct liar *l)
{
    refuse(l, N_INVALID_KE_PAYLOAD, 2);
}

static void half_a_group(struct liar *l)
{
    refuse(l, N_INVALID_KE_PAYLOAD, 1);
}

static void a_group_never_offered_again_and_again(struct liar *l)
{
    for (unsigned i = 0; i < 5; i++) {
        refuse(l, N_INVALID_KE_PAYLOAD, 2);
        world_run(l->w, 30000);
    }
}

/* ---- a rekeyed Child SA
 * ------------------------------------------------------------------------- */

struct reply {
    const uint8_t *spi;
    size_t spi_len;
    size_t nonce; /* 0: as it should be; 1: none */
    const struct cv_ts *tsi, *tsr;
    unsigned n_tsi; /* 0: one */
    bool no_ts, no_sa, transport, two;
    uint16_t chosen, ke;
};

static void answer_child(struct liar *l, const struct reply *r)
{
    static const uint8_t good[4] = {0x0b, 0xad, 0xf0, 0x0d};
    const struct cv_span spi = {r->spi != NULL ? r->spi : good,
                                r->spi != NULL ? r->spi_len : 4};
    const unsigned n = r->n_tsi != 0 ? r->n_tsi : 1;
    struct liar_say s;

    say_answer(l, &s);
    if (r->transport)
        put_notify(&s, N_USE_TRANSPORT_MODE, none);
    if (!r->no_sa)
        put_sa_esp(&s, spi, r->chosen);
    if (r->nonce != 1)
        put_nonce(&s, r->nonce != 0 ? r->nonce : LIAR_NONCE);
    if (r->ke != 0)
        put_ke(&s, r->ke);
    if (!r->no_ts) { /* the victim asks: TSi is its side */
        put_ts(&s, PL_TSI, r->tsi != NULL ? r->tsi : &l->victim_ts, n);
        put_ts(&s, PL_TSR, r->tsr != NULL ? r->tsr : &l->ts, 1);
    }
    (void)say_end(&s);
}

static void spi_zero(struct liar *l)
{
    answer_child(l, &(struct reply){.spi = (const uint8_t[4]){0}, .spi_len = 4});
}

static void spi_reserved(struct liar *l)
{
    answer_child(l, &(struct reply){
                        .spi = (const uint8_t[4]){0, 0, 0, 77},
                           .spi_len = 4
    });
}

static void spi_long(struct liar *l)
{
    answer_child(l, &(struct reply){
                        .spi = (const uint8_t[8]){1, 2, 3, 4, 5},
                           .spi_len = 8
    });
}

static void spi_short(struct liar *l)
{
    answer_child(l, &(struct reply){
                        .spi = (const uint8_t[4]){1, 2, 3, 4},
                           .spi_len = 3
    });
}

static void no_nonce(struct liar *l)
{
    answer_child(l, &(struct reply){.nonce = 1});
}

static void short_nonce(struct liar *l)
{
    answer_child(l, &(struct reply){.nonce = 8});
}

static void no_sa(struct liar *l)
{
    answer_child(l, &(struct reply){.no_sa = true});
}

static void no_selectors(struct liar *l)
{
    answer_child(l, &(struct reply){.no_ts = true});
}

static void wider_selectors(struct liar *l)
{
    const struct cv_ts all = {
        .family = CV_IPV4, .port_hi = 65535, .hi = {255, 255, 255, 255}
    };

    answer_child(l, &(struct reply){.tsi = &all, .tsr = &all});
}

static void foreign_selectors(struct liar *l)
{
    const struct cv_ts ts = {
        .family = CV_IPV4, .port_hi = 65535, .lo = {10, 99, 0, 0  },
                .hi = {10, 99, 0, 255}
    };

    answer_child(l, &(struct reply){.tsr = &ts});
}

static void selectors_of_another_family(struct liar *l)
{
    const struct cv_ts ts = {.family = CV_IPV6, .port_hi = 65535, .lo = {0x20}, .hi = {0x20}};

    answer_child(l, &(struct reply){.tsi = &ts, .tsr = &ts});
}

static void many_selectors(struct liar *l)
{
    struct cv_ts many[255];

    for (unsigned i = 0; i < COUNT(many); i++)
        many[i] = (struct cv_ts){
            .family = CV_IPV4,
            .port_hi = 65535,
            .lo = {10, 200, 0, (uint8_t)i},
            .hi = {10, 200, 0, (uint8_t)i}
        };
    answer_child(l, &(struct reply){.tsi = many, .n_tsi = COUNT(many)});
}

static void transport_mode(struct liar *l)
{
    answer_child(l, &(struct reply){.transport = true});
}

static void a_group_nobody_offered(struct liar *l)
{
    answer_child(l, &(struct reply){.chosen = CV_KE_ECP_256, .ke = CV_KE_ECP_256});
}

static const struct lie about_children[] = {
    {"the next message ID",                          the_next_id,                           SILENCE, CV_ERR_IKE_WINDOW,      UP  },
    {"the last message ID",                          the_last_id,                           SILENCE, CV_ERR_IKE_WINDOW,      UP  },
    {"IKE_AUTH",                                     another_exchange,                      SILENCE, CV_ERR_UNEXPECTED,      UP  },
    {"the other side's flag",                        the_other_sides_flag,                  SILENCE, CV_ERR_IKE_SPI,         UP  },
    {"an answer in the clear",                       unprotected,                           SILENCE, CV_ERR_IKE_UNPROTECTED, UP  },
    {"our own request",                              the_request_itself,                    SILENCE, CV_OK,                  UP  },
    {"garbage",                                      garbage,                               SILENCE, CV_OK,                  GONE},
    {"an unknown critical payload",                  something_critical,                    SILENCE, CV_ERR_CRITICAL,        GONE},
    {"an empty answer",                              nothing,                               SILENCE, CV_OK,                  UP  },
    {"INVALID_SYNTAX",                               invalid_syntax,                        SILENCE, CV_OK,                  GONE},
    {"TEMPORARY_FAILURE",                            temporary_failure,                     SILENCE, CV_ERR_TEMPORARY,       UP  },
    {"NO_PROPOSAL_CHOSEN",                           no_proposal,                           SILENCE, CV_ERR_NO_PROPOSAL,     UP  },
    {"TS_UNACCEPTABLE",                              ts_unacceptable,                       SILENCE, CV_ERR_TS,              UP  },
    {"NO_ADDITIONAL_SAS",                            no_additional_sas,                     SILENCE, CV_ERR_NO_ADDITIONAL,   UP  },
    {"an unknown error",                             an_unknown_error,                      SILENCE, CV_OK,                  UP  },
    {"INVALID_KE_PAYLOAD for a group never offered", a_group_never_offered,                 SILENCE,
     CV_ERR_KE_GROUP,                                                                                                        UP  },
    {"INVALID_KE_PAYLOAD with half a group",         half_a_group,                          SILENCE, CV_ERR_KE_GROUP,        UP  },
    {"INVALID_KE_PAYLOAD again and again",           a_group_never_offered_again_and_again, SILENCE,
     CV_ERR_KE_GROUP,                                                                                                        UP  },
    {"an SPI of zero",                               spi_zero,                              SILENCE, CV_OK,                  UP  },
    {"a reserved SPI",                               spi_reserved,                          SILENCE, CV_OK,                  UP  },
    {"an SPI of 8 octets",                           spi_long,                              SILENCE, CV_OK,                  UP  },
    {"an SPI of 3 octets",                           spi_short,                             SILENCE, CV_OK,                  UP  },
    {"no nonce",                                     no_nonce,                              SILENCE, CV_ERR_SYNTAX,          UP  },
    {"a nonce of 8 octets",                          short_nonce,                           SILENCE, CV_OK,                  GONE},
    {"no SA payload",                                no_sa,                                 SILENCE, CV_OK,                  UP  },
    {"no selectors",                                 no_selectors,                          SILENCE, CV_OK,                  UP  },
    {"wider selectors",                              wider_selectors,                       SILENCE, CV_ERR_TS,              UP  },
    {"foreign selectors",                            foreign_selectors,                     SILENCE, CV_ERR_TS,              UP  },
    {"selectors of another family",                  selectors_of_another_family,           SILENCE, CV_ERR_TS,              UP  },
    {"255 selectors",                                many_selectors,                        SILENCE, CV_ERR_LIMIT,           UP  },
    {"transport mode that nobody asked for",         transport_mode,                        SILENCE, CV_OK,                  UP  },
    {"a group that nobody offered",                  a_group_nobody_offered,                SILENCE, CV_OK,                  UP  },
};

static void rekey_child(struct host *victim)
{
    host_rekey_child(victim, host_child(victim));
}

static void a_rekey_of_a_child_sa_is_not_answered_with_a_lie(void **state)
{
    const struct lies t = {
        .steps = 2, .ask = rekey_child, .lie = about_children, .n = COUNT(about_children)};
    const struct lies u = {.initiator = true,
                           .steps = 2,
                           .ask = rekey_child,
                           .lie = about_children,
                           .n = COUNT(about_children)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
    assert_int_equal(lies_tell(&u), 0);
}

/* The peer no longer has what we rekey: a new one from scratch (RFC 7296 section 2.25). */
static void it_has_lost_the_child_sa(struct liar *l)
{
    const uint32_t old = host_child(l->victim);
    const unsigned asked = l->asked.n;

    refuse(l, N_CHILD_SA_NOT_FOUND, 0);
    assert_int_equal(host_child_info(l->victim, old).id, 0);
    assert_int_equal(l->asked.n, asked + 1); /* for a new one */
    assert_int_equal(l->asked.hdr.exchange, EX_CREATE_CHILD);
    assert_null(ike_find_notify(&l->asked.msg, N_REKEY_SA));
    answer_child(l, &(struct reply){0});
    assert_int_equal(l->victim->saw[CV_EV_CHILD_UP], 2);
    assert_int_equal(host_child_count(l->victim), 1);
}

/* It asks for the same rekey, is answered, and refuses ours: its own stands. */
static void it_has_rekeyed_the_child_sa_itself(struct liar *l)
{
    static const uint8_t next[4] = {0x0b, 0xad, 0xf0, 0x0d};
    uint8_t spi[4];
    struct wr w = wr_init(spi, sizeof(spi));
    const uint32_t old = host_child(l->victim);
    struct liar_say s;

    wr_u32(&w, l->spi_in);
    say_request(l, &s, EX_CREATE_CHILD);
    ike_put_notify(&s.c, CV_PROTO_ESP, wr_done(&w), N_REKEY_SA, none);
    put_sa_esp(&s, (struct cv_span){next, 4}, CV_KE_NONE);
    put_nonce(&s, LIAR_NONCE);
    put_ts(&s, PL_TSI, &l->ts, 1);
    put_ts(&s, PL_TSR, &l->victim_ts, 1);
    assert_true(say_end(&s));
    assert_int_equal(heard_error(l), NO_ERROR);
    assert_int_equal(l->victim->saw[CV_EV_CHILD_REKEYED], 0); /* ours may yet be the one */
    refuse(l, N_TEMPORARY_FAILURE, 0);
    assert_int_equal(l->victim->saw[CV_EV_CHILD_REKEYED], 1);
    assert_int_equal(host_last(l->victim, CV_EV_CHILD_REKEYED)->child, old);
    say_request(l, &s, EX_INFORMATIONAL); /* who rekeys deletes the old one */
    ike_put_delete(&s.c, CV_PROTO_ESP, 4, 1, wr_done(&w));
    assert_true(say_end(&s));
    world_run(l->w, 30000); /* what was on its way is let in for a while */
    assert_int_equal(host_child_info(l->victim, old).id, 0);
    assert_int_equal(host_child_count(l->victim), 1);
}

static const struct lie about_refusals[] = {
    {"CHILD_SA_NOT_FOUND",                    it_has_lost_the_child_sa,           SILENCE, CV_ERR_CHILD_NOT_FOUND, UP},
    {"TEMPORARY_FAILURE after its own rekey", it_has_rekeyed_the_child_sa_itself, SILENCE,
     CV_OK,                                                                                                        UP},
};

static void a_refused_rekey_leaves_one_child_sa(void **state)
{
    const struct lies t = {
        .steps = 2, .ask = rekey_child, .lie = about_refusals, .n = COUNT(about_refusals)};
    const struct lies u = {.initiator = true,
                           .steps = 2,
                           .ask = rekey_child,
                           .lie = about_refusals,
                           .n = COUNT(about_refusals)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
    assert_int_equal(lies_tell(&u), 0);
}

/* ---- a rekeyed IKE SA
 * ---------------------------------------------------------------------------- */

static void answer_ike(struct liar *l, const uint8_t *spi, size_t n, uint16_t chosen,
                       uint16_t ke, size_t nonce)
{
    struct liar_say s;

    say_answer(l, &s);
    put_sa_ike(&s, (struct cv_span){spi, n}, chosen);
    if (nonce != 0)
        put_nonce(&s, nonce);
    if (ke != 0)
        put_ke(&s, ke);
    (void)say_end(&s);
}

static const uint8_t spi8[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void ike_spi_zero(struct liar *l)
{
    answer_ike(l, (const uint8_t[8]){0}, 8, CV_KE_X25519, CV_KE_X25519, LIAR_NONCE);
}

static void ike_spi_short(struct liar *l)
{
    answer_ike(l, spi8, 4, CV_KE_X25519, CV_KE_X25519, LIAR_NONCE);
}

static void ike_no_spi(struct liar *l)
{
    answer_ike(l, spi8, 0, CV_KE_X25519, CV_KE_X25519, LIAR_NONCE);
}

static void ike_no_ke(struct liar *l)
{
    answer_ike(l, spi8, 8, CV_KE_X25519, 0, LIAR_NONCE);
}

static void ike_another_group(struct liar *l)
{
    answer_ike(l, spi8, 8, CV_KE_X25519, CV_KE_ECP_256, LIAR_NONCE);
}

static void ike_not_offered(struct liar *l)
{
    answer_ike(l, spi8, 8, CV_KE_ECP_521, CV_KE_ECP_521, LIAR_NONCE);
}

static void ike_no_nonce(struct liar *l)
{
    answer_ike(l, spi8, 8, CV_KE_X25519, CV_KE_X25519, 0);
}

static const struct lie about_ike[] = {
    {"an SPI of zero",                               ike_spi_zero,                          SILENCE, CV_OK,              UP  },
    {"an SPI of 4 octets",                           ike_spi_short,                         SILENCE, CV_OK,              UP  },
    {"no SPI",                                       ike_no_spi,                            SILENCE, CV_OK,              UP  },
    {"no KE payload",                                ike_no_ke,                             SILENCE, CV_OK,              UP  },
    {"another group",                                ike_another_group,                     SILENCE, CV_OK,              UP  },
    {"a group that was not offered",                 ike_not_offered,                       SILENCE, CV_OK,              UP  },
    {"no nonce",                                     ike_no_nonce,                          SILENCE, CV_OK,              UP  },
    {"an empty answer",                              nothing,                               SILENCE, CV_OK,              UP  },
    {"INVALID_SYNTAX",                               invalid_syntax,                        SILENCE, CV_OK,              GONE},
    {"TEMPORARY_FAILURE",                            temporary_failure,                     SILENCE, CV_ERR_TEMPORARY,   UP  },
    {"NO_PROPOSAL_CHOSEN",                           no_proposal,                           SILENCE, CV_ERR_NO_PROPOSAL, UP  },
    {"INVALID_KE_PAYLOAD for a group never offered", a_group_never_offered,                 SILENCE,
     CV_ERR_KE_GROUP,                                                                                                    UP  },
    {"INVALID_KE_PAYLOAD again and again",           a_group_never_offered_again_and_again, SILENCE,
     CV_ERR_KE_GROUP,                                                                                                    UP  },
    {"the next message ID",                          the_next_id,                           SILENCE, CV_ERR_IKE_WINDOW,  UP  },
};

static void rekey_ike(struct host *victim)
{
    host_rekey_ike(victim, host_ike(victim));
}

static void a_rekey_of_the_ike_sa_is_not_answered_with_a_lie(void **state)
{
    const struct lies t = {
        .steps = 2, .ask = rekey_ike, .lie = about_ike, .n = COUNT(about_ike)};
    const struct lies u = {.initiator = true,
                           .steps = 2,
                           .ask = rekey_ike,
                           .lie = about_ike,
                           .n = COUNT(about_ike)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
    assert_int_equal(lies_tell(&u), 0);
}

/* ---- deletes
 * -------------------------------------------------------------------------------------- */

static void delete_of_another(struct liar *l)
{
    struct liar_say s;

    say_answer(l, &s);
    ike_put_delete(&s.c, CV_PROTO_ESP, 4, 1, (struct cv_span){spi8, 4});
    (void)say_end(&s);
}

static const struct lie about_deletes[] = {
    {"a delete of another",              delete_of_another, SILENCE, CV_OK,             GONE},
    {"an unknown error",                 an_unknown_error,  SILENCE, CV_OK,             GONE},
    {"garbage",                          garbage,           SILENCE, CV_OK,             GONE},
    {"silence and the wrong message ID", the_next_id,       SILENCE, CV_ERR_IKE_WINDOW, GONE},
};

static void delete_ike(struct host *victim)
{
    host_delete_ike(victim, host_ike(victim));
}

static void a_delete_ends_the_sa_whatever_is_answered(void **state)
{
    const struct lies t = {
        .steps = 2, .ask = delete_ike, .lie = about_deletes, .n = COUNT(about_deletes)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rekey_of_a_child_sa_is_not_answered_with_a_lie),
        cmocka_unit_test(a_refused_rekey_leaves_one_child_sa),
        cmocka_unit_test(a_rekey_of_the_ike_sa_is_not_answered_with_a_lie),
        cmocka_unit_test(a_delete_ends_the_sa_whatever_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
