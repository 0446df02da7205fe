/* Lies in IKE_AUTH, from a peer that has the keys of the IKE SA and not yet our trust: who does
 * not prove himself is told AUTHENTICATION_FAILED and nothing else, and no Child SA is made for
 * what cannot be (RFC 7296 sections 1.2, 2.15, 2.21.2, 3.15.4; RFC 7383 section 2.6).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/lies.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { ICV_LEN = 32 };

static const struct cv_span none;

static void begin(struct liar *l, struct liar_say *s)
{
    if (l->initiator)
        say_request(l, s, EX_AUTH);
    else
        say_answer(l, s);
    put_id(s, l->initiator ? PL_IDI : PL_IDR, &l->id);
}

static void put_auth(struct liar_say *s, uint8_t method, size_t n)
{
    uint8_t data[100] = {0x5a};

    ike_put_auth(&s->c, method, (struct cv_span){data, n});
}

/* ---- the proof ----------------------------------------------------------------------- */

static void proof_of(struct liar *l, uint8_t method, size_t n)
{
    struct liar_say s;

    begin(l, &s);
    put_auth(&s, method, n);
    put_child(&s);
    (void)say_end(&s);
}

static void proof_empty(struct liar *l)
{
    proof_of(l, CV_METHOD_PSK, 0);
}

static void proof_short(struct liar *l)
{
    proof_of(l, CV_METHOD_PSK, ICV_LEN - 1);
}

static void proof_long(struct liar *l)
{
    proof_of(l, CV_METHOD_PSK, ICV_LEN + 1);
}

static void proof_wrong(struct liar *l)
{
    proof_of(l, CV_METHOD_PSK, ICV_LEN);
}

static void proof_by_rsa(struct liar *l)
{
    proof_of(l, CV_METHOD_RSA, 64);
}

static void proof_by_signature(struct liar *l)
{
    proof_of(l, CV_METHOD_DIGITAL_SIGNATURE, 64);
}

static void proof_by_empty_signature(struct liar *l)
{
    proof_of(l, CV_METHOD_DIGITAL_SIGNATURE, 0);
}

static void proof_by_method_0(struct liar *l)
{
    proof_of(l, 0, ICV_LEN);
}

static void proof_by_method_200(struct liar *l)
{
    proof_of(l, 200, ICV_LEN);
}

/* The right proof, but of another key. */
static void proof_with_another_secret(struct liar *l)
{
    struct liar_say s;

    l->psk = "not the one that we share";
    begin(l, &s);
    put_proof(&s);
    put_child(&s);
    (void)say_end(&s);
}

/* Proves one identity and shows another. */
static void proof_of_another_identity(struct liar *l)
{
    struct cv_id shown;
    struct liar_say s;

    recipe_id(&shown, l->initiator ? "device2.example" : "gateway2.example");
    if (l->initiator)
        say_request(l, &s, EX_AUTH);
    else
        say_answer(l, &s);
    put_id(&s, l->initiator ? PL_IDI : PL_IDR, &shown);
    put_proof(&s);
    put_child(&s);
    (void)say_end(&s);
}

static void shows(struct liar *l, const struct cv_id *id)
{
    struct liar_say s;

    l->id = *id;
    begin(l, &s);
    put_proof(&s);
    put_child(&s);
    (void)say_end(&s);
}

static void nobody_we_know(struct liar *l)
{
    struct cv_id id;

    recipe_id(&id, "nobody.example");
    shows(l, &id);
}

static void the_victims_own_identity(struct liar *l)
{
    struct cv_id id;

    recipe_id(&id, l->initiator ? "gateway.example" : "device.example");
    shows(l, &id);
}

static void an_identity_of_no_octets(struct liar *l)
{
    const struct cv_id id = {.type = CV_ID_FQDN};

    shows(l, &id);
}

static void an_identity_of_type_77(struct liar *l)
{
    struct cv_id id = l->id;

    id.type = 77;
    shows(l, &id);
}

static void an_identity_with_a_zero_inside(struct liar *l)
{
    struct cv_id id = l->id;

    id.b[id.n++] = 0;
    shows(l, &id);
}

/* Right in every way, and longer than we keep: a limit of ours is not the peer's bad syntax. */
static void an_identity_longer_than_we_keep(struct liar *l)
{
    struct liar_say s;

    if (l->initiator)
        say_request(l, &s, EX_AUTH);
    else
        say_answer(l, &s);
    ike_payload_begin(&s.c, l->initiator ? PL_IDI : PL_IDR);
    wr_u8(&s.w, CV_ID_KEY_ID);
    wr_zero(&s.w, 3 + CV_ID_MAX + 1);
    ike_payload_end(&s.c);
    put_proof(&s);
    put_child(&s);
    (void)say_end(&s);
}

static void no_identity(struct liar *l)
{
    struct liar_say s;

    if (l->initiator)
        say_request(l, &s, EX_AUTH);
    else
        say_answer(l, &s);
    put_proof(&s);
    put_child(&s);
    (void)say_end(&s);
}

static void no_proof(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_child(&s);
    (void)say_end(&s);
}

static void two_proofs(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_proof(&s);
    put_proof(&s);
    put_child(&s);
    (void)say_end(&s);
}

static void nothing_at_all(struct liar *l)
{
    struct liar_say s;

    if (l->initiator)
        say_request(l, &s, EX_AUTH);
    else
        say_answer(l, &s);
    (void)say_end(&s);
}

/* ---- the message around it ------------------------------------------------------------- */

static void in_the_clear(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    s.unprotected = true;
    put_proof(&s);
    put_child(&s);
    (void)say_end(&s);
}

static void with_id(struct liar *l, uint32_t id)
{
    struct liar_say s;

    begin(l, &s);
    s.hdr.msg_id = id;
    put_proof(&s);
    put_child(&s);
    (void)say_end(&s);
}

static void with_id_0(struct liar *l)
{
    with_id(l, 0);
}

static void with_id_2(struct liar *l)
{
    with_id(l, 2);
}

static void with_the_last_id(struct liar *l)
{
    with_id(l, UINT32_MAX);
}

static void something_critical(struct liar *l)
{
    struct liar_say s;
    size_t at;

    begin(l, &s);
    put_proof(&s);
    at = s.w.n;
    ike_put_payload(&s.c, 200, none);
    wr_patch_u8(&s.w, at + 1, 0x80);
    put_child(&s);
    (void)say_end(&s);
}

static void lengths_that_contradict(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_proof(&s);
    put_child(&s);
    wr_patch_u16(&s.w, 2, 5000);
    (void)say_end(&s);
}

static void another_exchange(struct liar *l, uint8_t exchange)
{
    struct liar_say s;

    begin(l, &s);
    s.hdr.exchange = exchange;
    put_proof(&s);
    put_child(&s);
    (void)say_end(&s);
}

static void as_create_child_sa(struct liar *l)
{
    another_exchange(l, EX_CREATE_CHILD);
}

static void as_informational(struct liar *l)
{
    another_exchange(l, EX_INFORMATIONAL);
}

static void as_exchange_240(struct liar *l)
{
    another_exchange(l, 240);
}

static void with_the_wrong_flag(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    s.hdr.flags ^= IKE_F_INITIATOR;
    put_proof(&s);
    put_child(&s);
    (void)say_end(&s);
}

static void with_another_spi(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    (l->initiator ? s.hdr.spi_i : s.hdr.spi_r)[7] ^= 1;
    put_proof(&s);
    put_child(&s);
    (void)say_end(&s);
}

/* ---- fragments ------------------------------------------------------------------------- */

static void begin_fragments(struct liar *l, struct liar_say *s)
{
    begin(l, s);
    put_proof(s);
    put_child(s);
}

static struct cv_span part(const struct liar_say *s, unsigned no, unsigned total)
{
    size_t each = s->w.n / total, from = (no - 1) * each;

    return (struct cv_span){s->octets + from, no == total ? s->w.n - from : each};
}

static void fragment_0(struct liar *l)
{
    struct liar_say s;

    begin_fragments(l, &s);
    say_fragment(&s, 0, 2, part(&s, 1, 2));
}

static void fragment_3_of_2(struct liar *l)
{
    struct liar_say s;

    begin_fragments(l, &s);
    say_fragment(&s, 3, 2, part(&s, 1, 2));
}

static void fragment_1_of_0(struct liar *l)
{
    struct liar_say s;

    begin_fragments(l, &s);
    say_fragment(&s, 1, 0, part(&s, 1, 2));
}

static void fragment_that_repeats(struct liar *l)
{
    struct liar_say s;

    begin_fragments(l, &s);
    for (unsigned i = 0; i < 5; i++)
        say_fragment(&s, 1, 3, part(&s, 1, 3));
}

/* RFC 7383 section 2.6: fewer in total than before is an old message, and dropped. */
static void fragments_that_get_fewer(struct liar *l)
{
    struct liar_say s;

    begin_fragments(l, &s);
    say_fragment(&s, 1, 4, part(&s, 1, 4));
    say_fragment(&s, 2, 2, part(&s, 2, 2));
}

static void fragment_of_60000(struct liar *l)
{
    struct liar_say s;

    begin_fragments(l, &s);
    say_fragment(&s, 60000, 60000, part(&s, 1, 4));
}

static void fragments_that_do_not_fit_together(struct liar *l)
{
    struct liar_say s;

    begin_fragments(l, &s);
    say_fragment(&s, 1, 2, part(&s, 2, 2));
    say_fragment(&s, 2, 2, part(&s, 1, 2));
}

/* ---- the Child SA ------------------------------------------------------------------------ */

static struct cv_ts range4(uint8_t net, uint8_t lo, uint8_t hi)
{
    return (struct cv_ts){
        .family = CV_IPV4, .port_hi = 65535, .lo = {10, net, 0, lo},
                .hi = {10, net, 0, hi}
    };
}

/* TSi and TSr as they are to stand in the message. */
static void with_selectors(struct liar *l, const struct cv_ts *i, unsigned n_i,
                           const struct cv_ts *r, unsigned n_r)
{
    uint8_t spi[4] = {0x0b, 0xad, 0xca, 0xfe};
    struct liar_say s;

    begin(l, &s);
    put_proof(&s);
    put_sa_esp(&s, (struct cv_span){spi, 4}, CV_KE_NONE);
    put_ts(&s, PL_TSI, i, n_i);
    put_ts(&s, PL_TSR, r, n_r);
    (void)say_end(&s);
}

static const struct cv_ts *own(const struct liar *l)
{
    return l->initiator ? &l->ts : &l->victim_ts;
}

static const struct cv_ts *theirs(const struct liar *l)
{
    return l->initiator ? &l->victim_ts : &l->ts;
}

static void selectors_of_nobody(struct liar *l)
{
    const struct cv_ts ts = range4(200, 0, 255);

    with_selectors(l, &ts, 1, &ts, 1);
}

static void selectors_of_another_family(struct liar *l)
{
    const struct cv_ts ts = {.family = CV_IPV6, .port_hi = 65535, .lo = {0x20}, .hi = {0x20}};

    with_selectors(l, &ts, 1, &ts, 1);
}

static void no_selectors(struct liar *l)
{
    with_selectors(l, own(l), 0, theirs(l), 0);
}

static void selectors_upside_down(struct liar *l)
{
    const struct cv_ts ts = range4(77, 200, 100);

    with_selectors(l, &ts, 1, theirs(l), 1);
}

static void everything(struct liar *l)
{
    const struct cv_ts all = {
        .family = CV_IPV4, .port_hi = 65535, .hi = {255, 255, 255, 255}
    };

    with_selectors(l, &all, 1, &all, 1);
}

static void two_hundred_and_fifty_five_selectors(struct liar *l)
{
    struct cv_ts many[255];

    for (unsigned i = 0; i < COUNT(many); i++)
        many[i] = range4(200, (uint8_t)i, (uint8_t)i);
    many[254] = *own(l);
    with_selectors(l, many, COUNT(many), theirs(l), 1);
}

static void a_count_of_selectors_that_lies(struct liar *l)
{
    uint8_t spi[4] = {0x0b, 0xad, 0xca, 0xfe};
    struct liar_say s;
    size_t at;

    begin(l, &s);
    put_proof(&s);
    put_sa_esp(&s, (struct cv_span){spi, 4}, CV_KE_NONE);
    at = s.w.n;
    put_ts(&s, PL_TSI, own(l), 1);
    wr_patch_u8(&s.w, at + 4, 9);
    put_ts(&s, PL_TSR, theirs(l), 1);
    (void)say_end(&s);
}

static void with_spi(struct liar *l, const uint8_t *spi, size_t n)
{
    struct liar_say s;

    begin(l, &s);
    put_proof(&s);
    put_sa_esp(&s, (struct cv_span){spi, n}, CV_KE_NONE);
    put_ts(&s, PL_TSI, own(l), 1);
    put_ts(&s, PL_TSR, theirs(l), 1);
    (void)say_end(&s);
}

static void spi_zero(struct liar *l)
{
    with_spi(l, (const uint8_t[4]){0}, 4);
}

static void spi_255(struct liar *l)
{
    with_spi(l, (const uint8_t[4]){0, 0, 0, 255}, 4);
}

static void spi_of_8_octets(struct liar *l)
{
    with_spi(l, (const uint8_t[8]){1, 2, 3, 4, 5, 6, 7, 8}, 8);
}

static void transport_mode(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_proof(&s);
    put_notify(&s, N_USE_TRANSPORT_MODE, none);
    put_child(&s);
    (void)say_end(&s);
}

static void selectors_without_an_sa(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_proof(&s);
    put_ts(&s, PL_TSI, own(l), 1);
    put_ts(&s, PL_TSR, theirs(l), 1);
    (void)say_end(&s);
}

static void an_sa_without_selectors(struct liar *l)
{
    uint8_t spi[4] = {0x0b, 0xad, 0xca, 0xfe};
    struct liar_say s;

    begin(l, &s);
    put_proof(&s);
    put_sa_esp(&s, (struct cv_span){spi, 4}, CV_KE_NONE);
    (void)say_end(&s);
}

static void a_configuration_payload_cut_off(struct liar *l)
{
    uint8_t body[7] = {CP_REQUEST, 0, 0, 0, 0, CP_IP4_ADDRESS, 0};
    struct liar_say s;

    begin(l, &s);
    put_proof(&s);
    ike_put_payload(&s.c, PL_CP, (struct cv_span){body, sizeof(body)});
    put_child(&s);
    (void)say_end(&s);
}

/* An answer that gives an address to a peer that asked for one. */
static void gives_address(struct liar *l, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    struct ike_cp cp = {.type = CP_REPLY, .has_v4 = true, .v4 = recipe_v4(a, b, c, d)};
    struct liar_say s;

    begin(l, &s);
    put_proof(&s);
    ike_payload_begin(&s.c, PL_CP);
    ike_put_cp_body(&s.w, &cp);
    ike_payload_end(&s.c);
    put_child(&s);
    (void)say_end(&s);
}

static void gives_multicast(struct liar *l)
{
    gives_address(l, 224, 0, 0, 5);
}

static void gives_loopback(struct liar *l)
{
    gives_address(l, 127, 0, 0, 1);
}

static void gives_broadcast(struct liar *l)
{
    gives_address(l, 255, 255, 255, 255);
}

static void gives_our_outer_address(struct liar *l)
{
    gives_address(l, 192, 0, 2, 1);
}

static void gives_its_own_outer_address(struct liar *l)
{
    gives_address(l, 192, 0, 2, 77);
}

/* ---- the tables ----------------------------------------------------------------------------
 */

static const struct lie requests[] = {
    {"an empty proof",                              proof_empty,                          N_AUTHENTICATION_FAILED,        CV_ERR_SIGNATURE,       GONE     },
    {"a proof that is too short",                   proof_short,                          N_AUTHENTICATION_FAILED,        CV_ERR_SIGNATURE,       GONE     },
    {"a proof that is too long",                    proof_long,                           N_AUTHENTICATION_FAILED,        CV_ERR_SIGNATURE,       GONE     },
    {"a wrong proof",                               proof_wrong,                          N_AUTHENTICATION_FAILED,        CV_ERR_SIGNATURE,       GONE     },
    {"another secret",                              proof_with_another_secret,            N_AUTHENTICATION_FAILED,        CV_ERR_SIGNATURE,
     GONE                                                                                                                                                  },
    {"the proof of another identity",               proof_of_another_identity,            N_AUTHENTICATION_FAILED,        CV_OK,
     GONE                                                                                                                                                  },
    {"RSA where a secret is configured",            proof_by_rsa,                         N_AUTHENTICATION_FAILED,
     CV_ERR_AUTH_METHOD,                                                                                                                          GONE     },
    {"a signature where a secret is configured",    proof_by_signature,                   N_AUTHENTICATION_FAILED,
     CV_ERR_AUTH_METHOD,                                                                                                                          GONE     },
    {"an empty signature",                          proof_by_empty_signature,             N_AUTHENTICATION_FAILED,
     CV_ERR_AUTH_METHOD,                                                                                                                          GONE     },
    {"method 0",                                    proof_by_method_0,                    N_AUTHENTICATION_FAILED,        CV_ERR_AUTH_METHOD,     GONE     },
    {"method 200",                                  proof_by_method_200,                  N_AUTHENTICATION_FAILED,        CV_ERR_AUTH_METHOD,     GONE     },
    {"somebody unknown",                            nobody_we_know,                       N_AUTHENTICATION_FAILED,        CV_ERR_NO_CONN,         GONE     },
    {"the victim's own identity",                   the_victims_own_identity,             N_AUTHENTICATION_FAILED,        CV_OK,
     GONE                                                                                                                                                  },
    {"an identity of no octets",                    an_identity_of_no_octets,             N_AUTHENTICATION_FAILED,        CV_OK,
     GONE                                                                                                                                                  },
    {"an identity of type 77",                      an_identity_of_type_77,               N_AUTHENTICATION_FAILED,        CV_OK,                  GONE     },
    {"an identity with a zero inside",              an_identity_with_a_zero_inside,       N_AUTHENTICATION_FAILED,
     CV_OK,                                                                                                                                       GONE     },
    {"an identity longer than we keep",             an_identity_longer_than_we_keep,
     N_AUTHENTICATION_FAILED,                                                                                             CV_ERR_ID_SIZE,         GONE     },
    {"no identity",                                 no_identity,                          N_INVALID_SYNTAX,               CV_OK,                  GONE     },
    {"no proof",                                    no_proof,                             N_AUTHENTICATION_FAILED,        CV_OK,                  GONE     },
    {"two proofs",                                  two_proofs,                           N_INVALID_SYNTAX,               CV_OK,                  GONE     },
    {"nothing at all",                              nothing_at_all,                       N_INVALID_SYNTAX,               CV_OK,                  GONE     },
    {"all of it in the clear",                      in_the_clear,                         SILENCE,                        CV_ERR_IKE_UNPROTECTED, AS_BEFORE},
    {"message ID 0",                                with_id_0,                            NO_ERROR,                       CV_ERR_IKE_RETRANSMIT,  AS_BEFORE},
    {"message ID 2",                                with_id_2,                            SILENCE,                        CV_ERR_IKE_WINDOW,      AS_BEFORE},
    {"the last message ID there is",                with_the_last_id,                     SILENCE,                        CV_ERR_IKE_WINDOW,      AS_BEFORE},
    {"an unknown critical payload",                 something_critical,                   N_UNSUPPORTED_CRITICAL_PAYLOAD,
     CV_ERR_CRITICAL,                                                                                                                             GONE     },
    {"lengths that contradict each other",          lengths_that_contradict,              N_INVALID_SYNTAX,               CV_OK,
     GONE                                                                                                                                                  },
    {"CREATE_CHILD_SA before IKE_AUTH",             as_create_child_sa,                   SILENCE,                        CV_ERR_UNEXPECTED,
     AS_BEFORE                                                                                                                                             },
    {"INFORMATIONAL before IKE_AUTH",               as_informational,                     SILENCE,                        CV_ERR_UNEXPECTED,      AS_BEFORE},
    {"exchange 240",                                as_exchange_240,                      SILENCE,                        CV_ERR_UNEXPECTED,      AS_BEFORE},
    {"the responder's flag",                        with_the_wrong_flag,                  SILENCE,                        CV_ERR_IKE_SPI,         AS_BEFORE},
    {"another SPI",                                 with_another_spi,                     SILENCE,                        CV_ERR_IKE_SPI,         AS_BEFORE},
    {"fragment 0",                                  fragment_0,                           SILENCE,                        CV_OK,                  AS_BEFORE},
    {"fragment 3 of 2",                             fragment_3_of_2,                      SILENCE,                        CV_OK,                  AS_BEFORE},
    {"fragment 1 of 0",                             fragment_1_of_0,                      SILENCE,                        CV_OK,                  AS_BEFORE},
    {"the same fragment five times",                fragment_that_repeats,                SILENCE,                        CV_OK,                  AS_BEFORE},
    {"fewer fragments than before",                 fragments_that_get_fewer,             SILENCE,                        CV_ERR_IKE_FRAGMENT,
     AS_BEFORE                                                                                                                                             },
    {"fragment 60000 of 60000",                     fragment_of_60000,                    SILENCE,                        CV_OK,                  AS_BEFORE},
    {"fragments that do not fit together",          fragments_that_do_not_fit_together,   N_INVALID_SYNTAX,
     CV_OK,                                                                                                                                       GONE     },
    {"selectors of nobody",                         selectors_of_nobody,                  N_TS_UNACCEPTABLE,              CV_ERR_TS,              BARE     },
    {"selectors of another family",                 selectors_of_another_family,          N_TS_UNACCEPTABLE,              CV_ERR_TS,
     BARE                                                                                                                                                  },
    {"no selectors",                                no_selectors,                         N_TS_UNACCEPTABLE,              CV_ERR_TS,              BARE     },
    {"selectors upside down",                       selectors_upside_down,                N_INVALID_SYNTAX,               CV_OK,                  GONE     },
    {"everything, which is narrowed",               everything,                           NO_ERROR,                       CV_OK,                  UP       },
    {"255 selectors, the last one ours",            two_hundred_and_fifty_five_selectors, NO_ERROR,                       CV_OK,
     UP                                                                                                                                                    },
    {"a count of selectors that lies",              a_count_of_selectors_that_lies,       N_INVALID_SYNTAX,               CV_OK,
     GONE                                                                                                                                                  },
    {"an ESP SPI of zero",                          spi_zero,                             N_NO_PROPOSAL_CHOSEN,           CV_ERR_NO_PROPOSAL,     BARE     },
    {"a reserved ESP SPI",                          spi_255,                              N_NO_PROPOSAL_CHOSEN,           CV_ERR_NO_PROPOSAL,     BARE     },
    {"an ESP SPI of 8 octets",                      spi_of_8_octets,                      N_INVALID_SYNTAX,               CV_OK,                  GONE     },
    {"transport mode where a tunnel is configured", transport_mode,                       NO_ERROR,                       CV_OK,                  UP       },
    {"selectors without an SA",                     selectors_without_an_sa,              NO_ERROR,                       CV_OK,                  BARE     },
    {"an SA without selectors",                     an_sa_without_selectors,              N_INVALID_SYNTAX,               CV_OK,                  GONE     },
    {"a configuration payload that is cut off",     a_configuration_payload_cut_off,      NO_ERROR,
     CV_OK,                                                                                                                                       UP       },
};

static void who_lies_in_ike_auth_gets_no_tunnel(void **state)
{
    const struct lies t = {
        .initiator = true, .steps = 1, .lie = requests, .n = COUNT(requests)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
}

static void want_certificates(struct host *victim, struct recipe *r)
{
    (void)victim;
    r->conn.remote.kind = CV_AUTH_PUBKEY;
}

static void prove_honestly(struct liar *l)
{
    struct liar_say s;

    begin(l, &s);
    put_proof(&s);
    put_child(&s);
    (void)say_end(&s);
}

static void a_secret_is_no_certificate(void **state)
{
    static const struct lie lie[] = {
        {"a secret where a certificate is required", prove_honestly, N_AUTHENTICATION_FAILED,
         CV_ERR_AUTH_METHOD, GONE},
    };
    const struct lies as_initiator = {
        .initiator = true, .steps = 1, .arrange = want_certificates, .lie = lie, .n = 1};
    const struct lies as_responder = {
        .initiator = false, .steps = 1, .arrange = want_certificates, .lie = lie, .n = 1};

    (void)state;
    assert_int_equal(lies_tell(&as_initiator), 0);
    assert_int_equal(lies_tell(&as_responder), 0);
}

static const struct lie answers[] = {
    {"an empty proof",                       proof_empty,                          SILENCE, CV_ERR_SIGNATURE,       GONE     },
    {"a proof that is too short",            proof_short,                          SILENCE, CV_ERR_SIGNATURE,       GONE     },
    {"a proof that is too long",             proof_long,                           SILENCE, CV_ERR_SIGNATURE,       GONE     },
    {"a wrong proof",                        proof_wrong,                          SILENCE, CV_ERR_SIGNATURE,       GONE     },
    {"another secret",                       proof_with_another_secret,            SILENCE, CV_ERR_SIGNATURE,       GONE     },
    {"the proof of another identity",        proof_of_another_identity,            SILENCE, CV_OK,                  GONE     },
    {"RSA where a secret is configured",     proof_by_rsa,                         SILENCE, CV_ERR_AUTH_METHOD,     GONE     },
    {"method 200",                           proof_by_method_200,                  SILENCE, CV_ERR_AUTH_METHOD,     GONE     },
    {"another identity than was asked for",  nobody_we_know,                       SILENCE, CV_ERR_ID_MISMATCH,     GONE     },
    {"the victim's own identity",            the_victims_own_identity,             SILENCE, CV_ERR_ID_MISMATCH,     GONE     },
    {"an identity of no octets",             an_identity_of_no_octets,             SILENCE, CV_OK,                  GONE     },
    {"an identity longer than we keep",      an_identity_longer_than_we_keep,      SILENCE,
     CV_ERR_ID_SIZE,                                                                                                GONE     },
    {"no identity",                          no_identity,                          SILENCE, CV_OK,                  GONE     },
    {"no proof",                             no_proof,                             SILENCE, CV_OK,                  GONE     },
    {"two proofs",                           two_proofs,                           SILENCE, CV_OK,                  GONE     },
    {"all of it in the clear",               in_the_clear,                         SILENCE, CV_ERR_IKE_UNPROTECTED, AS_BEFORE},
    {"message ID 0",                         with_id_0,                            SILENCE, CV_ERR_IKE_WINDOW,      AS_BEFORE},
    {"message ID 2",                         with_id_2,                            SILENCE, CV_ERR_IKE_WINDOW,      AS_BEFORE},
    {"CREATE_CHILD_SA as the answer",        as_create_child_sa,                   SILENCE, CV_ERR_UNEXPECTED,
     AS_BEFORE                                                                                                               },
    {"the initiator's flag",                 with_the_wrong_flag,                  SILENCE, CV_ERR_IKE_SPI,         AS_BEFORE},
    {"another SPI",                          with_another_spi,                     SILENCE, CV_ERR_IKE_SPI,         AS_BEFORE},
    {"selectors of nobody",                  selectors_of_nobody,                  SILENCE, CV_ERR_TS,              BARE     },
    {"selectors of another family",          selectors_of_another_family,          SILENCE, CV_OK,                  BARE     },
    {"selectors wider than asked for",       everything,                           SILENCE, CV_ERR_TS,              BARE     },
    {"no selectors",                         no_selectors,                         SILENCE, CV_OK,                  BARE     },
    {"255 selectors",                        two_hundred_and_fifty_five_selectors, SILENCE, CV_ERR_LIMIT,           BARE     },
    {"an ESP SPI of zero",                   spi_zero,                             SILENCE, CV_OK,                  BARE     },
    {"a reserved ESP SPI",                   spi_255,                              SILENCE, CV_OK,                  BARE     },
    {"an ESP SPI of 8 octets",               spi_of_8_octets,                      SILENCE, CV_OK,                  BARE     },
    {"transport mode that nobody asked for", transport_mode,                       SILENCE, CV_OK,                  BARE     },
    {"an SA without selectors",              an_sa_without_selectors,              SILENCE, CV_OK,                  BARE     },
};

static void who_lies_in_answer_to_ike_auth_gets_no_tunnel(void **state)
{
    const struct lies t = {.initiator = false, .steps = 1, .lie = answers, .n = COUNT(answers)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
}

static void want_address(struct host *victim, struct recipe *r)
{
    (void)victim;
    r->vips[0] = (struct cv_addr){.family = CV_IPV4};
    r->conn.vips = r->vips;
    r->conn.n_vips = 1;
}

static const struct lie addresses[] = {
    {"a multicast address",   gives_multicast,             SILENCE, CV_ERR_ADDRESS, BARE},
    {"a loopback address",    gives_loopback,              SILENCE, CV_ERR_ADDRESS, BARE},
    {"the broadcast address", gives_broadcast,             SILENCE, CV_ERR_ADDRESS, BARE},
    {"our own outer address", gives_our_outer_address,     SILENCE, CV_ERR_ADDRESS, BARE},
    {"its own outer address", gives_its_own_outer_address, SILENCE, CV_ERR_ADDRESS, BARE},
    {"no address",            prove_honestly,              SILENCE, CV_ERR_ADDRESS, BARE},
};

static void a_senseless_address_makes_no_tunnel(void **state)
{
    const struct lies t = {.initiator = false,
                           .steps = 1,
                           .arrange = want_address,
                           .lie = addresses,
                           .n = COUNT(addresses)};

    (void)state;
    assert_int_equal(lies_tell(&t), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_lies_in_ike_auth_gets_no_tunnel),
        cmocka_unit_test(a_secret_is_no_certificate),
        cmocka_unit_test(who_lies_in_answer_to_ike_auth_gets_no_tunnel),
        cmocka_unit_test(a_senseless_address_makes_no_tunnel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
