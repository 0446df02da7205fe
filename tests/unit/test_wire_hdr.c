/* src/wire/ike_hdr.c: the 28 octets that every IKE message starts with.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"
#include "wire_test.h"

/* clang-format off */
static const uint8_t request[] = {
    1, 2, 3, 4, 5, 6, 7, 8,         /* initiator's SPI */
    11, 12, 13, 14, 15, 16, 17, 18, /* responder's SPI */
    46, 0x20, 37, 0x08,             /* SK, version 2.0, INFORMATIONAL, initiator */
    0xde, 0xad, 0xbe, 0xef,         /* message ID */
    0, 0, 0, 32,                    /* length */
    0, 0, 0, 4,                     /* one empty payload */
};
/* clang-format on */

static enum cv_err parse(struct cv_span s)
{
    struct ike_hdr h;

    return ike_parse_hdr(&h, s);
}

static void hdr_reads_every_field(void **state)
{
    struct ike_hdr h;

    (void)state;
    assert_int_equal(ike_parse_hdr(&h, ALL(request)), CV_OK);
    assert_memory_equal(h.spi_i, request, 8);
    assert_memory_equal(h.spi_r, request + 8, 8);
    assert_int_equal(h.next, PL_SK);
    assert_int_equal(h.version, 0x20);
    assert_int_equal(h.exchange, EX_INFORMATIONAL);
    assert_int_equal(h.flags, IKE_F_INITIATOR);
    assert_int_equal(h.msg_id, 0xdeadbeef);
    assert_int_equal(h.length, 32);
}

static void hdr_says_short_below_28_octets_and_malformed_above(void **state)
{
    (void)state;
    for (size_t n = 0; n < IKE_HDR_LEN; n++)
        assert_int_equal(parse_exact(parse, ALL(request), n), CV_ERR_SHORT);
    for (size_t n = IKE_HDR_LEN; n < sizeof(request); n++)
        assert_int_equal(parse_exact(parse, ALL(request), n), CV_ERR_MALFORMED);
    assert_int_equal(parse_exact(parse, ALL(request), sizeof(request) + 1), CV_ERR_MALFORMED);
}

static void hdr_does_not_judge_version_exchange_or_flags(void **state)
{
    uint8_t odd[sizeof(request)];

    (void)state;
    memcpy(odd, request, sizeof(odd));
    memset(odd + 16, 0xff, 4);
    assert_int_equal(parse(ALL(odd)), CV_OK);
}

static void hdr_refuses_a_length_of_four_gigabytes(void **state)
{
    uint8_t odd[sizeof(request)];

    (void)state;
    memcpy(odd, request, sizeof(odd));
    memset(odd + 24, 0xff, 4);
    assert_int_equal(parse(ALL(odd)), CV_ERR_MALFORMED);
}

static void hdr_is_written_as_it_is_read(void **state)
{
    uint8_t buf[sizeof(request)];
    struct wr w = wr_init(buf, sizeof(buf));
    struct ike_hdr h;

    (void)state;
    assert_int_equal(ike_parse_hdr(&h, ALL(request)), CV_OK);
    ike_put_hdr(&w, &h);
    assert_int_equal(w.n, IKE_HDR_LEN);
    wr_u32(&w, 4);
    ike_msg_end(&w);
    assert_span_is(wr_done(&w), request, sizeof(request));
}

static void hdr_without_room_spoils_the_writer(void **state)
{
    uint8_t buf[IKE_HDR_LEN];
    struct ike_hdr h = {0};

    (void)state;
    for (size_t n = 0; n < IKE_HDR_LEN; n++) {
        struct wr w = wr_init(buf, n);

        ike_put_hdr(&w, &h);
        ike_msg_end(&w);
        assert_false(wr_ok(&w));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hdr_reads_every_field),
        cmocka_unit_test(hdr_says_short_below_28_octets_and_malformed_above),
        cmocka_unit_test(hdr_does_not_judge_version_exchange_or_flags),
        cmocka_unit_test(hdr_refuses_a_length_of_four_gigabytes),
        cmocka_unit_test(hdr_is_written_as_it_is_read),
        cmocka_unit_test(hdr_without_room_spoils_the_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
