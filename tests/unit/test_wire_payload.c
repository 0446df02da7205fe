/* src/wire/ike_payload.c: the walk over a payload chain.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"
#include "wire_test.h"

enum { CRITICAL_BIT = 0x80, UNKNOWN = 54, IKEV1_HASH = 8 };

#define NONCE_16 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16

/* One of each payload that may stand outside SK, starting with SA. */
/* clang-format off */
static const uint8_t every_payload[] = {
    PL_KE, 0, 0, 6, 0xa1, 0xa2,                              /* SA */
    PL_IDI, 0, 0, 11, 0, 31, 0xff, 0xff, 0x0a, 0x0b, 0x0c,   /* KE: X25519, RESERVED, data */
    PL_IDR, 0, 0, 6, 0xb1, 0xb2,                             /* IDi */
    PL_CERT, 0, 0, 5, 0xc1,                                  /* IDr */
    PL_CERTREQ, 0, 0, 7, 4, 0xd1, 0xd2,                      /* CERT: X.509 */
    PL_AUTH, 0, 0, 6, 4, 0xe1,                               /* CERTREQ: X.509 */
    PL_NONCE, 0, 0, 10, 2, 9, 9, 9, 0xf1, 0xf2,              /* AUTH: PSK, RESERVED, data */
    PL_NOTIFY, 0, 0, 20, NONCE_16,                           /* Nonce */
    PL_DELETE, 0, 0, 13, 3, 4, 0x40, 0x09, 1, 2, 3, 4, 0x77, /* N: ESP, REKEY_SA, SPI, data */
    PL_VENDOR, 0, 0, 16, 3, 4, 0, 2, 1, 1, 1, 1, 2, 2, 2, 2, /* D: ESP, two SPIs */
    PL_TSI, 0, 0, 7, 'v', 'i', 'd',                          /* V */
    PL_TSR, 0, 0, 5, 0x11,                                   /* TSi */
    PL_CP, 0, 0, 5, 0x22,                                    /* TSr */
    PL_EAP, 0, 0, 5, 0x33,                                   /* CP */
    PL_NONE, 0, 0, 5, 0x44,                                  /* EAP */
};
/* clang-format on */

static enum cv_err parse_every(struct cv_span s)
{
    struct ike_msg m;

    return ike_parse_payloads(&m, PL_SA, s, IKE_HDR_LEN);
}

/* A chain of one payload with body after the generic header. */
static enum cv_err parse_one(struct ike_msg *m, uint8_t type, struct cv_span body)
{
    static uint8_t buf[70000];
    struct wr w = wr_init(buf, sizeof(buf));

    wr_u16(&w, PL_NONE << 8);
    wr_u16(&w, (uint16_t)(body.n + IKE_PAYLOAD_HDR_LEN));
    wr_span(&w, body);
    return ike_parse_payloads(m, type, wr_done(&w), IKE_HDR_LEN);
}

static void walk_finds_every_payload(void **state)
{
    static const uint8_t nonce[] = {NONCE_16};
    struct ike_msg m;

    (void)state;
    assert_int_equal(ike_parse_payloads(&m, PL_SA, ALL(every_payload), IKE_HDR_LEN), CV_OK);
    for (uint8_t t = PL_SA; t <= PL_EAP; t++)
        assert_int_equal(ike_has(&m, t), t != PL_SK);
    assert_false(ike_has(&m, PL_SKF));
    assert_span_is(m.sa, "\xa1\xa2", 2);
    assert_int_equal(m.ke_group, 31);
    assert_span_is(m.ke_data, "\x0a\x0b\x0c", 3);
    assert_span_is(m.idi, "\xb1\xb2", 2);
    assert_span_is(m.idr, "\xc1", 1);
    assert_int_equal(m.n_cert, 1);
    assert_int_equal(m.cert[0].encoding, 4);
    assert_span_is(m.cert[0].data, "\xd1\xd2", 2);
    assert_int_equal(m.n_certreq, 1);
    assert_span_is(m.certreq[0], "\xe1", 1);
    assert_false(m.wants_ocsp);
    assert_int_equal(m.auth_method, 2);
    assert_span_is(m.auth, "\xf1\xf2", 2);
    assert_span_is(m.nonce, nonce, sizeof(nonce));
    assert_int_equal(m.n_notify, 1);
    assert_int_equal(m.notify[0].protocol, CV_PROTO_ESP);
    assert_int_equal(m.notify[0].type, N_REKEY_SA);
    assert_span_is(m.notify[0].spi, "\1\2\3\4", 4);
    assert_span_is(m.notify[0].data, "\x77", 1);
    assert_int_equal(m.n_del, 1);
    assert_int_equal(m.del[0].protocol, CV_PROTO_ESP);
    assert_int_equal(m.del[0].spi_len, 4);
    assert_int_equal(m.del[0].n, 2);
    assert_span_is(m.del[0].spis, "\1\1\1\1\2\2\2\2", 8);
    assert_int_equal(m.n_vendor, 1);
    assert_span_is(m.vendor[0], "vid", 3);
    assert_span_is(m.tsi, "\x11", 1);
    assert_span_is(m.tsr, "\x22", 1);
    assert_span_is(m.cp, "\x33", 1);
    assert_span_is(m.eap, "\x44", 1);
}

static void walk_refuses_every_proper_prefix_and_a_trailing_octet(void **state)
{
    (void)state;
    assert_prefixes_refused(parse_every, ALL(every_payload));
    assert_trailing_octet_refused(parse_every, ALL(every_payload));
}

static void walk_accepts_an_empty_chain_and_nothing_after_it(void **state)
{
    struct ike_msg m;

    (void)state;
    assert_int_equal(ike_parse_payloads(&m, PL_NONE, span(NULL, 0), 0), CV_OK);
    assert_true(m.present == 0);
    assert_int_equal(ike_parse_payloads(&m, PL_NONE, ALL(every_payload), 0), CV_ERR_MALFORMED);
    assert_int_equal(ike_parse_payloads(&m, PL_NOTIFY, span(NULL, 0), 0), CV_ERR_MALFORMED);
}

static void walk_refuses_a_length_below_the_generic_header(void **state)
{
    struct ike_msg m;

    (void)state;
    for (uint8_t n = 0; n < IKE_PAYLOAD_HDR_LEN; n++) {
        const uint8_t chain[] = {PL_NONE, 0, 0, n};

        assert_int_equal(ike_parse_payloads(&m, PL_VENDOR, ALL(chain), 0), CV_ERR_MALFORMED);
        assert_int_equal(ike_parse_payloads(&m, UNKNOWN, ALL(chain), 0), CV_ERR_MALFORMED);
    }
}

static void unknown_payloads_are_skipped_unless_critical(void **state)
{
    static const uint8_t types[] = {1, IKEV1_HASH, 32, 49, 52, UNKNOWN, 127, 128, 200, 255};
    struct ike_msg m;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        uint8_t chain[] = {PL_VENDOR, 0, 0, 5, 0, PL_NONE, 0, 0, 5, 'v'};

        assert_int_equal(ike_parse_payloads(&m, types[i], ALL(chain), 0), CV_OK);
        assert_int_equal(m.n_vendor, 1);
        chain[1] = CRITICAL_BIT;
        assert_int_equal(ike_parse_payloads(&m, types[i], ALL(chain), 0), CV_ERR_CRITICAL);
        assert_int_equal(m.critical_type, types[i]);
    }
}

static void reserved_bits_and_the_critical_bit_of_known_payloads_are_ignored(void **state)
{
    static const uint8_t chain[] = {PL_NONE, 0xff, 0, 5, 'v'};
    struct ike_msg m;

    (void)state;
    assert_int_equal(ike_parse_payloads(&m, PL_VENDOR, ALL(chain), 0), CV_OK);
    assert_int_equal(m.n_vendor, 1);
}

static void a_payload_that_may_come_once_is_refused_the_second_time(void **state)
{
    static const uint8_t once[] = {PL_SA,    PL_KE,  PL_IDI, PL_IDR, PL_AUTH,
                                   PL_NONCE, PL_TSI, PL_TSR, PL_CP,  PL_EAP};
    struct ike_msg m;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(once); i++) {
        const uint8_t chain[] = {once[i], 0, 0, 20, NONCE_16, PL_NONE, 0, 0, 20, NONCE_16};

        assert_int_equal(ike_parse_payloads(&m, once[i], span(chain, 20), 0), CV_ERR_MALFORMED);
        assert_int_equal(ike_parse_payloads(&m, once[i], span(chain + 20, 20), 0), CV_OK);
        assert_int_equal(ike_parse_payloads(&m, once[i], ALL(chain), 0), CV_ERR_MALFORMED);
    }
}

/* n payloads of one type with the same body. */
static enum cv_err parse_many(struct ike_msg *m, uint8_t type, unsigned n, struct cv_span body)
{
    uint8_t buf[1024];
    struct wr w = wr_init(buf, sizeof(buf));

    for (unsigned i = 0; i < n; i++) {
        wr_u8(&w, i + 1 == n ? PL_NONE : type);
        wr_u8(&w, 0);
        wr_u16(&w, (uint16_t)(body.n + IKE_PAYLOAD_HDR_LEN));
        wr_span(&w, body);
    }
    assert_true(wr_ok(&w));
    return ike_parse_payloads(m, type, wr_done(&w), 0);
}

static void more_than_the_table_holds_is_refused_or_skipped(void **state)
{
    static const uint8_t body[] = {4, 0, 0x40, 0x00};
    static const uint8_t del[] = {CV_PROTO_IKE, 0, 0, 0};
    struct ike_msg m;

    (void)state;
    assert_int_equal(parse_many(&m, PL_NOTIFY, IKE_NOTIFIES_MAX, ALL(body)), CV_OK);
    assert_int_equal(m.n_notify, IKE_NOTIFIES_MAX);
    assert_int_equal(parse_many(&m, PL_NOTIFY, IKE_NOTIFIES_MAX + 1, ALL(body)), CV_ERR_LIMIT);
    assert_int_equal(parse_many(&m, PL_CERT, IKE_CERTS_MAX, ALL(body)), CV_OK);
    assert_int_equal(m.n_cert, IKE_CERTS_MAX);
    assert_int_equal(parse_many(&m, PL_CERT, IKE_CERTS_MAX + 1, ALL(body)), CV_ERR_LIMIT);
    assert_int_equal(parse_many(&m, PL_DELETE, IKE_DELETES_MAX, ALL(del)), CV_OK);
    assert_int_equal(m.n_del, IKE_DELETES_MAX);
    assert_int_equal(parse_many(&m, PL_DELETE, IKE_DELETES_MAX + 1, ALL(del)), CV_ERR_LIMIT);
    assert_int_equal(parse_many(&m, PL_VENDOR, IKE_VENDORS_MAX + 9, ALL(body)), CV_OK);
    assert_int_equal(m.n_vendor, IKE_VENDORS_MAX);
    assert_int_equal(parse_many(&m, PL_CERTREQ, IKE_CERTREQS_MAX + 9, ALL(body)), CV_OK);
    assert_int_equal(m.n_certreq, IKE_CERTREQS_MAX);
}

static void a_nonce_has_16_to_256_octets(void **state)
{
    static const uint8_t octets[300];
    struct ike_msg m;

    (void)state;
    for (size_t n = 0; n <= sizeof(octets); n++)
        assert_int_equal(parse_one(&m, PL_NONCE, span(octets, n)),
                         n >= 16 && n <= 256 ? CV_OK : CV_ERR_MALFORMED);
}

static void fixed_parts_must_be_whole(void **state)
{
    static const struct {
        uint8_t type;
        size_t fixed;
    } parts[] = {
        {PL_KE,      4},
        {PL_CERT,    1},
        {PL_CERTREQ, 1},
        {PL_AUTH,    4},
        {PL_NOTIFY,  4},
        {PL_DELETE,  4},
    };
    static const uint8_t zeros[4];
    struct ike_msg m;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        for (size_t n = 0; n < parts[i].fixed; n++)
            assert_int_equal(parse_one(&m, parts[i].type, span(zeros, n)), CV_ERR_MALFORMED);
        assert_int_equal(parse_one(&m, parts[i].type, span(zeros, parts[i].fixed)), CV_OK);
    }
}

static void a_notify_spi_must_fit_its_payload(void **state)
{
    uint8_t body[] = {CV_PROTO_ESP, 4, 0x40, 0x09, 1, 2, 3, 4};
    struct ike_msg m;

    (void)state;
    assert_int_equal(parse_one(&m, PL_NOTIFY, ALL(body)), CV_OK);
    assert_int_equal(m.notify[0].data.n, 0);
    body[1] = 5;
    assert_int_equal(parse_one(&m, PL_NOTIFY, ALL(body)), CV_ERR_MALFORMED);
}

static void a_delete_counts_its_spis_exactly(void **state)
{
    static const struct {
        uint8_t body[12];
        size_t n;
        enum cv_err err;
    } cases[] = {
        {{CV_PROTO_IKE, 0, 0, 0},                         4,  CV_OK           },
        {{CV_PROTO_IKE, 8, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8}, 12, CV_ERR_MALFORMED},
        {{CV_PROTO_ESP, 4, 0, 1, 1, 2, 3, 4},             8,  CV_OK           },
        {{CV_PROTO_AH, 4, 0, 1, 1, 2, 3, 4},              8,  CV_OK           },
        {{CV_PROTO_ESP, 4, 0, 2, 1, 2, 3, 4},             8,  CV_ERR_MALFORMED},
        {{CV_PROTO_ESP, 4, 0, 1, 1, 2, 3, 4},             12, CV_ERR_MALFORMED},
        {{CV_PROTO_ESP, 2, 0, 2, 1, 2, 3, 4},             8,  CV_ERR_MALFORMED},
        {{CV_PROTO_ESP, 0, 0xff, 0xff},                   4,  CV_ERR_MALFORMED},
        {{CV_PROTO_ESP, 0xff, 0xff, 0xff},                12, CV_ERR_MALFORMED},
        {{99, 2, 0, 2, 1, 2, 3, 4},                       8,  CV_OK           }, /* unknown */
    };
    struct ike_msg m;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(parse_one(&m, PL_DELETE, span(cases[i].body, cases[i].n)),
                         cases[i].err);
}

static void certificate_requests_of_other_encodings_are_skipped(void **state)
{
    static const uint8_t body[] = {12, 1, 2, 3}; /* hash and URL */
    struct ike_msg m;

    (void)state;
    assert_int_equal(parse_one(&m, PL_CERTREQ, ALL(body)), CV_OK);
    assert_true(ike_has(&m, PL_CERTREQ));
    assert_int_equal(m.n_certreq, 0);
    assert_false(m.wants_ocsp);
}

/* RFC 4806 section 3.1: with hashes of responders or without. */
static void ocsp_answers_are_asked_for(void **state)
{
    static const uint8_t body[] = {14, 1, 2, 3};
    struct ike_msg m;

    (void)state;
    for (size_t n = 1; n <= sizeof(body); n++) {
        assert_int_equal(parse_one(&m, PL_CERTREQ, span(body, n)), CV_OK);
        assert_true(m.wants_ocsp);
        assert_int_equal(m.n_certreq, 0);
    }
}

/* clang-format off */
static const uint8_t notify_then_sk[] = {
    PL_SK, 0, 0, 8, 0, 0, 0x40, 0x00,     /* N */
    PL_IDI, 0, 0, 7, 0xe1, 0xe2, 0xe3,    /* SK with IDi first inside */
};
/* clang-format on */

static enum cv_err parse_sk(struct cv_span s)
{
    struct ike_msg m;

    return ike_parse_payloads(&m, PL_NOTIFY, s, IKE_HDR_LEN);
}

static void sk_ends_the_chain_and_says_what_is_authenticated(void **state)
{
    struct ike_msg m;

    (void)state;
    assert_int_equal(ike_parse_payloads(&m, PL_NOTIFY, ALL(notify_then_sk), IKE_HDR_LEN),
                     CV_OK);
    assert_true(ike_has(&m, PL_SK));
    assert_false(m.is_skf);
    assert_int_equal(m.sk_next, PL_IDI);
    assert_span_is(m.sk, "\xe1\xe2\xe3", 3);
    assert_int_equal(m.sk_offset, IKE_HDR_LEN + 8 + IKE_PAYLOAD_HDR_LEN);
    assert_prefixes_refused(parse_sk, ALL(notify_then_sk));
    assert_trailing_octet_refused(parse_sk, ALL(notify_then_sk));
}

static void sk_inside_sk_is_refused(void **state)
{
    struct ike_msg m;

    (void)state;
    assert_int_equal(ike_parse_payloads(&m, PL_NOTIFY, ALL(notify_then_sk), 0),
                     CV_ERR_MALFORMED);
}

static void a_fragment_has_a_number_from_one_to_its_total(void **state)
{
    static const struct {
        uint8_t no, total;
        enum cv_err err;
    } cases[] = {
        {1, 1, CV_OK           },
        {2, 3, CV_OK           },
        {3, 3, CV_OK           },
        {4, 3, CV_ERR_MALFORMED},
        {0, 3, CV_ERR_MALFORMED},
        {0, 0, CV_ERR_MALFORMED},
        {1, 0, CV_ERR_MALFORMED},
    };
    struct ike_msg m;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const uint8_t body[] = {0, cases[i].no, 0, cases[i].total, 0xe1, 0xe2};

        assert_int_equal(parse_one(&m, PL_SKF, ALL(body)), cases[i].err);
        if (cases[i].err != CV_OK)
            continue;
        assert_true(m.is_skf);
        assert_int_equal(m.frag_no, cases[i].no);
        assert_int_equal(m.frag_total, cases[i].total);
        assert_span_is(m.sk, "\xe1\xe2", 2);
        assert_int_equal(m.sk_offset, IKE_HDR_LEN + IKE_PAYLOAD_HDR_LEN + 4);
        for (size_t n = 0; n < 4; n++)
            assert_int_equal(parse_one(&m, PL_SKF, span(body, n)), CV_ERR_MALFORMED);
    }
}

static void notifies_are_found_by_type_and_errors_by_kind(void **state)
{
    static const uint8_t chain[] = {
        PL_NOTIFY, 0, 0, 8,  0, 0, 0x40, 0x04,        /* NAT_DETECTION_SOURCE_IP */
        PL_NOTIFY, 0, 0, 10, 0, 0, 0,    17,   0, 14, /* INVALID_KE_PAYLOAD */
        PL_NOTIFY, 0, 0, 9,  0, 0, 0x40, 0x04, 1,     /* NAT_DETECTION_SOURCE_IP */
        PL_NONE,   0, 0, 8,  0, 0, 0x3f, 0xff,        /* the last error type */
    };
    struct ike_msg m;

    (void)state;
    assert_int_equal(ike_parse_payloads(&m, PL_NOTIFY, ALL(chain), 0), CV_OK);
    assert_ptr_equal(ike_find_notify(&m, N_NAT_DETECTION_SOURCE_IP), &m.notify[0]);
    assert_ptr_equal(ike_find_notify(&m, N_ERROR_LAST), &m.notify[3]);
    assert_null(ike_find_notify(&m, N_COOKIE));
    assert_ptr_equal(ike_error_notify(&m), &m.notify[1]);
    assert_int_equal(ike_parse_payloads(&m, PL_NOTIFY, span(chain + 27, 8), 0), CV_OK);
    assert_ptr_equal(ike_error_notify(&m), &m.notify[0]);
    assert_null(ike_find_notify(&m, 0));
    assert_int_equal(ike_parse_payloads(&m, PL_NONE, span(NULL, 0), 0), CV_OK);
    assert_null(ike_error_notify(&m));
}

/* Whatever the octets, a walk ends, and every span lies in the chain. */
static void random_chains_never_leave_their_octets(void **state)
{
    uint64_t seed = 20240601;
    uint8_t chain[96];

    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t n = chance(&seed) % sizeof(chain);
        struct ike_msg m;

        chance_fill(&seed, chain, n);
        for (size_t at = 0; at + 3 < n; at += 4 + chance(&seed) % 16) {
            chain[at] = (uint8_t)(PL_SA + chance(&seed) % 21);
            chain[at + 2] = 0;
            chain[at + 3] = (uint8_t)(4 + chance(&seed) % 24);
        }
        if (ike_parse_payloads(&m, PL_NOTIFY, span(chain, n), IKE_HDR_LEN) != CV_OK)
            continue;
        for (unsigned i = 0; i < m.n_notify; i++) {
            struct cv_span d = m.notify[i].data;

            assert_true(d.p >= chain && d.p + d.n <= chain + n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk_finds_every_payload),
        cmocka_unit_test(walk_refuses_every_proper_prefix_and_a_trailing_octet),
        cmocka_unit_test(walk_accepts_an_empty_chain_and_nothing_after_it),
        cmocka_unit_test(walk_refuses_a_length_below_the_generic_header),
        cmocka_unit_test(unknown_payloads_are_skipped_unless_critical),
        cmocka_unit_test(reserved_bits_and_the_critical_bit_of_known_payloads_are_ignored),
        cmocka_unit_test(a_payload_that_may_come_once_is_refused_the_second_time),
        cmocka_unit_test(more_than_the_table_holds_is_refused_or_skipped),
        cmocka_unit_test(a_nonce_has_16_to_256_octets),
        cmocka_unit_test(fixed_parts_must_be_whole),
        cmocka_unit_test(a_notify_spi_must_fit_its_payload),
        cmocka_unit_test(a_delete_counts_its_spis_exactly),
        cmocka_unit_test(certificate_requests_of_other_encodings_are_skipped),
        cmocka_unit_test(ocsp_answers_are_asked_for),
        cmocka_unit_test(sk_ends_the_chain_and_says_what_is_authenticated),
        cmocka_unit_test(sk_inside_sk_is_refused),
        cmocka_unit_test(a_fragment_has_a_number_from_one_to_its_total),
        cmocka_unit_test(notifies_are_found_by_type_and_errors_by_kind),
        cmocka_unit_test(random_chains_never_leave_their_octets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
