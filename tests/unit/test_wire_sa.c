/* src/wire/ike_sa.c: proposals, transforms and attributes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"
#include "wire_test.h"

/* An IKE proposal without SPI and an ESP proposal with one. */
/* clang-format off */
static const uint8_t two_proposals[] = {
    2, 0, 0, 44, 1, CV_PROTO_IKE, 0, 4,                      /* 1: IKE, 4 transforms */
    3, 0, 0, 12, CV_ENCR, 0, 0, 12, 0x80, 14, 0x01, 0x00,    /* AES-CBC, 256 bits */
    3, 0, 0, 8, CV_PRF, 0, 0, 5,                             /* PRF-HMAC-SHA-256 */
    3, 0, 0, 8, CV_INTEG, 0, 0, 12,                          /* HMAC-SHA-256-128 */
    0, 0, 0, 8, CV_KE, 0, 0, 31,                             /* X25519 */
    0, 0, 0, 32, 2, CV_PROTO_ESP, 4, 2, 0xc0, 1, 2, 3,       /* 2: ESP, SPI, 2 transforms */
    3, 0, 0, 12, CV_ENCR, 0, 0, 20, 0x80, 14, 0x00, 0x80,    /* AES-GCM-16, 128 bits */
    0, 0, 0, 8, CV_ESN, 0, 0, 0,                             /* no ESN */
};
/* clang-format on */

static const struct cv_proposal ike_proposal = {
    .protocol = CV_PROTO_IKE,
    .n = 4,
    .t = {{CV_ENCR, 12, 256}, {CV_PRF, 5, 0}, {CV_INTEG, 12, 0}, {CV_KE, 31, 0}},
};

static const struct cv_proposal esp_proposal = {
    .protocol = CV_PROTO_ESP,
    .n = 2,
    .t = {{CV_ENCR, 20, 128}, {CV_ESN, 0, 0}},
};

static void assert_transforms_are(const struct ike_proposal *got,
                                  const struct cv_proposal *want)
{
    struct rd r = rd_init(got->transforms);
    struct cv_transform t;
    bool unknown;

    assert_int_equal(got->protocol, want->protocol);
    assert_int_equal(got->n_transforms, want->n);
    for (unsigned i = 0; i < want->n; i++) {
        assert_true(ike_next_transform(&r, &t, &unknown));
        assert_false(unknown);
        assert_int_equal(t.type, want->t[i].type);
        assert_int_equal(t.id, want->t[i].id);
        assert_int_equal(t.key_len, want->t[i].key_len);
    }
    assert_false(ike_next_transform(&r, &t, &unknown));
    assert_true(rd_done(&r));
}

static void sa_gives_its_proposals_in_order(void **state)
{
    struct rd r = rd_init(ALL(two_proposals));
    struct ike_proposal p;

    (void)state;
    assert_int_equal(ike_check_sa(ALL(two_proposals)), CV_OK);
    assert_true(ike_next_proposal(&r, &p));
    assert_int_equal(p.number, 1);
    assert_int_equal(p.spi.n, 0);
    assert_transforms_are(&p, &ike_proposal);
    assert_true(ike_next_proposal(&r, &p));
    assert_int_equal(p.number, 2);
    assert_span_is(p.spi, "\xc0\1\2\3", 4);
    assert_transforms_are(&p, &esp_proposal);
    assert_false(ike_next_proposal(&r, &p));
    assert_true(rd_done(&r));
}

static void sa_is_written_as_it_is_read(void **state)
{
    uint8_t buf[sizeof(two_proposals)];
    struct wr w = wr_init(buf, sizeof(buf));

    (void)state;
    ike_put_proposal(&w, &ike_proposal, 1, span(NULL, 0), false);
    ike_put_proposal(&w, &esp_proposal, 2, span("\xc0\1\2\3", 4), true);
    assert_span_is(wr_done(&w), two_proposals, sizeof(two_proposals));
}

static void sa_without_room_spoils_the_writer(void **state)
{
    uint8_t buf[sizeof(two_proposals)];

    (void)state;
    for (size_t n = 0; n < 44; n++) {
        struct wr w = wr_init(buf, n);

        ike_put_proposal(&w, &ike_proposal, 1, span(NULL, 0), true);
        assert_false(wr_ok(&w));
    }
}

static void sa_refuses_every_proper_prefix_and_a_trailing_octet(void **state)
{
    (void)state;
    assert_prefixes_refused(ike_check_sa, ALL(two_proposals));
    assert_trailing_octet_refused(ike_check_sa, ALL(two_proposals));
}

/* Every octet that a length, a count or a Last Substruc is made of. */
static void sa_refuses_every_other_length_count_and_last_substruc(void **state)
{
    static const uint8_t at[] = {
        0,  2,  3,  6,  7,  /* proposal 1: last, length, SPI size, transforms */
        8,  10, 11, 16, 17, /* transform with an attribute; attribute type turns to TLV */
        20, 22, 23, 28, 36, /* plain transforms */
        44, 46, 47, 50, 51, /* proposal 2 */
        56, 58, 59, 68, 70, 71,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(at); i++) {
        uint8_t odd[sizeof(two_proposals)];

        memcpy(odd, two_proposals, sizeof(odd));
        for (unsigned v = 0; v < 256; v++) {
            odd[at[i]] = (uint8_t)v;
            /* With the key length as TV or TLV the attribute's octets may still add up. */
            if (v == two_proposals[at[i]] || at[i] == 16 || at[i] == 17)
                continue;
            assert_int_equal(ike_check_sa(ALL(odd)), CV_ERR_MALFORMED);
        }
    }
}

static void sa_ignores_reserved_octets(void **state)
{
    static const uint8_t reserved[] = {1, 9, 13, 21, 25, 29, 33, 37, 41, 45, 57, 61, 69, 73};
    uint8_t odd[sizeof(two_proposals)];

    (void)state;
    memcpy(odd, two_proposals, sizeof(odd));
    for (size_t i = 0; i < sizeof(reserved); i++) {
        assert_int_equal(odd[reserved[i]], 0);
        odd[reserved[i]] = 0xff;
    }
    assert_int_equal(ike_check_sa(ALL(odd)), CV_OK);
}

static void spi_size_fits_the_protocol(void **state)
{
    static const struct {
        uint8_t protocol, spi_len;
        enum cv_err err;
    } cases[] = {
        {CV_PROTO_IKE, 0,   CV_OK           },
        {CV_PROTO_IKE, 8,   CV_OK           },
        {CV_PROTO_IKE, 4,   CV_ERR_MALFORMED},
        {CV_PROTO_ESP, 4,   CV_OK           },
        {CV_PROTO_ESP, 0,   CV_ERR_MALFORMED},
        {CV_PROTO_ESP, 8,   CV_ERR_MALFORMED},
        {CV_PROTO_AH,  4,   CV_OK           },
        {CV_PROTO_AH,  3,   CV_ERR_MALFORMED},
        {4,            3,   CV_OK           }, /* no protocol of ours: skipped by its length */
        {200,          255, CV_OK           },
    };
    static const uint8_t octets[255];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cv_proposal p = {
            .protocol = cases[i].protocol, .n = 1, .t = {{CV_ENCR, 20, 128}}};
        uint8_t buf[300];
        struct wr w = wr_init(buf, sizeof(buf));

        ike_put_proposal(&w, &p, 1, span(octets, cases[i].spi_len), true);
        assert_int_equal(ike_check_sa(wr_done(&w)), cases[i].err);
    }
}

/* One proposal with one transform that carries these attributes. */
static enum cv_err parse_attributes(struct cv_transform *t, bool *unknown, struct cv_span attrs)
{
    uint8_t buf[64];
    struct wr w = wr_init(buf, sizeof(buf));
    struct rd r;
    struct ike_proposal p;
    enum cv_err err;

    wr_u16(&w, 0);
    wr_u16(&w, (uint16_t)(16 + attrs.n));
    wr_u8(&w, 1);
    wr_u8(&w, CV_PROTO_IKE);
    wr_u16(&w, 1);
    wr_u16(&w, 0);
    wr_u16(&w, (uint16_t)(8 + attrs.n));
    wr_u16(&w, CV_ENCR << 8);
    wr_u16(&w, CV_ENCR_AES_CBC);
    wr_span(&w, attrs);
    err = ike_check_sa(wr_done(&w));
    if (err != CV_OK)
        return err;
    r = rd_init(wr_done(&w));
    assert_true(ike_next_proposal(&r, &p));
    r = rd_init(p.transforms);
    assert_true(ike_next_transform(&r, t, unknown));
    return CV_OK;
}

static void attributes_other_than_one_key_length_make_a_transform_unusable(void **state)
{
    static const struct {
        uint8_t attrs[8];
        size_t n;
        uint16_t key_len;
        bool unknown;
    } cases[] = {
        {{0},                                  0, 0,   false},
        {{0x80, 14, 0, 128},                   4, 128, false},
        {{0x80, 14, 0, 0},                     4, 0,   true }, /* no length at all */
        {{0x80, 14, 0, 128, 0x80, 14, 0, 128}, 8, 128, true }, /* twice */
        {{0x80, 15, 0, 128},                   4, 0,   true },
        {{0x00, 14, 0, 2, 0, 128},             6, 0,   true }, /* key length as TLV */
        {{0x00, 15, 0, 0},                     4, 0,   true },
        {{0x80, 14, 0, 128, 0x00, 15, 0, 0},   8, 128, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cv_transform t;
        bool unknown;

        assert_int_equal(parse_attributes(&t, &unknown, span(cases[i].attrs, cases[i].n)),
                         CV_OK);
        assert_int_equal(t.type, CV_ENCR);
        assert_int_equal(t.id, CV_ENCR_AES_CBC);
        assert_int_equal(t.key_len, cases[i].key_len);
        assert_int_equal(unknown, cases[i].unknown);
    }
}

static void attributes_must_fit_their_transform(void **state)
{
    static const uint8_t tv[] = {0x80, 14, 0, 128}, tlv[] = {0, 15, 0, 2, 1, 2};
    struct cv_transform t;
    bool unknown;

    (void)state;
    for (size_t n = 1; n < sizeof(tv); n++)
        assert_int_equal(parse_attributes(&t, &unknown, span(tv, n)), CV_ERR_MALFORMED);
    for (size_t n = 1; n < sizeof(tlv); n++)
        assert_int_equal(parse_attributes(&t, &unknown, span(tlv, n)), CV_ERR_MALFORMED);
}

static void random_proposals_survive_a_round_trip(void **state)
{
    uint64_t seed = 7296;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct cv_proposal want = {.protocol = CV_PROTO_IKE};
        uint8_t buf[600], spi[8];
        struct wr w = wr_init(buf, sizeof(buf));
        struct ike_proposal got;
        struct rd r;

        want.n = (uint8_t)(chance(&seed) % (CV_TRANSFORMS_MAX + 1));
        for (unsigned i = 0; i < want.n; i++)
            want.t[i] = (struct cv_transform){.type = (uint8_t)chance(&seed),
                                              .id = (uint16_t)chance(&seed),
                                              .key_len = (uint16_t)(chance(&seed) % 3 * 64)};
        chance_fill(&seed, spi, sizeof(spi));
        ike_put_proposal(&w, &want, (uint8_t)round, ALL(spi), true);
        assert_int_equal(ike_check_sa(wr_done(&w)), CV_OK);
        r = rd_init(wr_done(&w));
        assert_true(ike_next_proposal(&r, &got));
        assert_int_equal(got.number, (uint8_t)round);
        assert_span_is(got.spi, spi, sizeof(spi));
        assert_transforms_are(&got, &want);
        assert_false(ike_next_proposal(&r, &got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sa_gives_its_proposals_in_order),
        cmocka_unit_test(sa_is_written_as_it_is_read),
        cmocka_unit_test(sa_without_room_spoils_the_writer),
        cmocka_unit_test(sa_refuses_every_proper_prefix_and_a_trailing_octet),
        cmocka_unit_test(sa_refuses_every_other_length_count_and_last_substruc),
        cmocka_unit_test(sa_ignores_reserved_octets),
        cmocka_unit_test(spi_size_fits_the_protocol),
        cmocka_unit_test(attributes_other_than_one_key_length_make_a_transform_unusable),
        cmocka_unit_test(attributes_must_fit_their_transform),
        cmocka_unit_test(random_proposals_survive_a_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
