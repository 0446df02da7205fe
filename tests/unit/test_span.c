/* src/base/span.c: cursors never leave their memory and failures stick.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"

static const uint8_t fifteen[15] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void span_from_never_leaves_its_memory(void **state)
{
    (void)state;
    assert_ptr_equal(span_from(span(fifteen, 15), 4).p, fifteen + 4);
    assert_int_equal(span_from(span(fifteen, 15), 4).n, 11);
    assert_int_equal(span_from(span(fifteen, 15), 15).n, 0);
    assert_int_equal(span_from(span(fifteen, 15), 16).n, 0);
    assert_int_equal(span_from(span(fifteen, 15), SIZE_MAX).n, 0);
    assert_null(span_from(span(NULL, 0), 1).p);
}

static void rd_reads_numbers_in_network_order(void **state)
{
    struct rd r = rd_init(span(fifteen, 15));

    (void)state;
    assert_int_equal(rd_u8(&r), 0x01);
    assert_int_equal(rd_u16(&r), 0x0203);
    assert_int_equal(rd_u32(&r), 0x04050607);
    assert_true(rd_u64(&r) == UINT64_C(0x08090a0b0c0d0e0f));
    assert_true(rd_done(&r));
}

static void rd_fails_on_every_proper_prefix_and_stays_failed(void **state)
{
    (void)state;
    for (size_t n = 0; n < 15; n++) {
        struct rd r = rd_init(span(fifteen, n));

        rd_u8(&r);
        rd_u16(&r);
        rd_u32(&r);
        assert_true(rd_u64(&r) == 0);
        assert_false(rd_ok(&r));
        assert_false(rd_done(&r));
        assert_int_equal(rd_left(&r), 0);
        assert_int_equal(rd_u8(&r), 0);
        assert_int_equal(rd_take(&r, 1).n, 0);
        assert_int_equal(rd_rest(&r).n, 0);
        assert_false(rd_ok(&r));
    }
}

static void rd_is_not_done_while_octets_are_left(void **state)
{
    struct rd r = rd_init(span(fifteen, 3));

    (void)state;
    rd_u16(&r);
    assert_true(rd_ok(&r));
    assert_false(rd_done(&r));
    assert_int_equal(rd_left(&r), 1);
    rd_fail(&r);
    assert_false(rd_ok(&r));
    assert_int_equal(rd_left(&r), 0);
}

static void rd_take_and_rest_point_into_the_input(void **state)
{
    struct rd r = rd_init(span(fifteen, 15));
    struct cv_span head = rd_take(&r, 5), rest = rd_rest(&r);

    (void)state;
    assert_ptr_equal(head.p, fifteen);
    assert_int_equal(head.n, 5);
    assert_ptr_equal(rest.p, fifteen + 5);
    assert_int_equal(rest.n, 10);
    assert_true(rd_done(&r));
}

static void rd_refuses_lengths_that_would_overflow(void **state)
{
    struct rd r = rd_init(span(fifteen, 15));

    (void)state;
    rd_u8(&r);
    assert_int_equal(rd_take(&r, SIZE_MAX).n, 0);
    assert_false(rd_ok(&r));
}

static void rd_copy_zeros_its_output_on_failure(void **state)
{
    struct rd r = rd_init(span(fifteen, 4));
    uint8_t out[4] = {9, 9, 9, 9};

    (void)state;
    rd_copy(&r, out, 2);
    assert_memory_equal(out, fifteen, 2);
    rd_copy(&r, out, 3);
    assert_memory_equal(out, "\0\0\0\x09", 4);
    assert_false(rd_ok(&r));
}

static void rd_works_on_a_span_without_an_address(void **state)
{
    struct rd r = rd_init(span(NULL, 0));
    uint8_t out = 1;

    (void)state;
    assert_int_equal(rd_take(&r, 0).n, 0);
    rd_copy(&r, &out, 0);
    assert_int_equal(out, 1);
    assert_true(rd_done(&r));
    assert_int_equal(rd_u8(&r), 0);
    assert_false(rd_ok(&r));
}

static void rd_sub_is_bad_when_the_octets_are_not_there(void **state)
{
    struct rd r = rd_init(span(fifteen, 15));
    struct rd sub = rd_sub(&r, 10);

    (void)state;
    assert_int_equal(rd_left(&sub), 10);
    assert_int_equal(rd_left(&r), 5);
    sub = rd_sub(&r, 6);
    assert_false(rd_ok(&sub));
    assert_false(rd_ok(&r));
}

static void rd_block16_counts_what_was_seen_already(void **state)
{
    const uint8_t payload[] = {33, 0, 0, 6, 0xaa, 0xbb, 0xcc};
    struct rd r = rd_init(span(payload, sizeof(payload)));
    struct rd body;

    (void)state;
    rd_u16(&r);
    body = rd_block16(&r, 4);
    assert_int_equal(rd_left(&body), 2);
    assert_int_equal(rd_u16(&body), 0xaabb);
    assert_true(rd_done(&body));
    assert_int_equal(rd_left(&r), 1);
}

static void rd_block16_refuses_a_length_that_lies(void **state)
{
    const uint8_t below[] = {0, 3, 0xaa}, beyond[] = {0, 6, 0xaa}, half[] = {0};
    const struct cv_span cases[] = {span(below, 3), span(beyond, 3), span(half, 1)};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct rd r = rd_init(cases[i]);
        struct rd body = rd_block16(&r, 4);

        assert_false(rd_ok(&body));
        assert_false(rd_ok(&r));
        assert_int_equal(rd_left(&body), 0);
    }
}

static void wr_writes_what_rd_reads(void **state)
{
    uint8_t buf[32];
    struct wr w = wr_init(buf, sizeof(buf));

    (void)state;
    wr_u8(&w, 1);
    wr_u16(&w, 0x0203);
    wr_u32(&w, 0x04050607);
    wr_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
    assert_true(span_equal(wr_done(&w), span(fifteen, 15)));
    wr_zero(&w, 2);
    wr_span(&w, span(fifteen, 3));
    wr_copy(&w, fifteen, 4);
    assert_int_equal(wr_done(&w).n, 24);
    assert_memory_equal(buf + 15, "\0\0\x01\x02\x03\x01\x02\x03\x04", 9);
}

static void wr_stops_at_its_capacity_and_writes_nothing_more(void **state)
{
    uint8_t buf[4] = {9, 9, 9, 9};
    struct wr w = wr_init(buf, 3);

    (void)state;
    wr_u16(&w, 0x0101);
    wr_u16(&w, 0x0202);
    assert_false(wr_ok(&w));
    wr_u8(&w, 3);
    assert_memory_equal(buf, "\x01\x01\x09\x09", 4);
    assert_int_equal(wr_done(&w).n, 0);
    assert_null(wr_reserve(&w, 0));
}

static void wr_reserve_gives_room_to_fill(void **state)
{
    uint8_t buf[4] = {0};
    struct wr w = wr_init(buf, sizeof(buf));

    (void)state;
    assert_ptr_equal(wr_reserve(&w, 3), buf);
    assert_ptr_equal(wr_reserve(&w, 1), buf + 3);
    assert_null(wr_reserve(&w, SIZE_MAX));
    assert_false(wr_ok(&w));
}

static void wr_patch_changes_only_what_was_written(void **state)
{
    uint8_t buf[8];
    struct wr w = wr_init(buf, sizeof(buf));

    (void)state;
    wr_zero(&w, 7);
    wr_patch_u8(&w, 0, 0x11);
    wr_patch_u16(&w, 1, 0x2233);
    wr_patch_u32(&w, 3, 0x44556677);
    assert_memory_equal(buf, "\x11\x22\x33\x44\x55\x66\x77", 7);
    assert_true(wr_ok(&w));
    wr_patch_u16(&w, 6, 0xffff);
    assert_false(wr_ok(&w));
}

static void wr_patch_refuses_an_offset_past_the_end(void **state)
{
    uint8_t buf[8] = {0};
    struct wr w = wr_init(buf, sizeof(buf));

    (void)state;
    wr_u8(&w, 1);
    wr_patch_u8(&w, SIZE_MAX, 1);
    assert_false(wr_ok(&w));
}

static void spans_are_equal_by_content(void **state)
{
    (void)state;
    assert_true(span_equal(span("ab", 2), span("abc", 2)));
    assert_false(span_equal(span("ab", 2), span("abc", 3)));
    assert_false(span_equal(span("ab", 2), span("ac", 2)));
    assert_true(span_equal(span(NULL, 0), span("x", 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(span_from_never_leaves_its_memory),
        cmocka_unit_test(rd_reads_numbers_in_network_order),
        cmocka_unit_test(rd_fails_on_every_proper_prefix_and_stays_failed),
        cmocka_unit_test(rd_is_not_done_while_octets_are_left),
        cmocka_unit_test(rd_take_and_rest_point_into_the_input),
        cmocka_unit_test(rd_refuses_lengths_that_would_overflow),
        cmocka_unit_test(rd_copy_zeros_its_output_on_failure),
        cmocka_unit_test(rd_works_on_a_span_without_an_address),
        cmocka_unit_test(rd_sub_is_bad_when_the_octets_are_not_there),
        cmocka_unit_test(rd_block16_counts_what_was_seen_already),
        cmocka_unit_test(rd_block16_refuses_a_length_that_lies),
        cmocka_unit_test(wr_writes_what_rd_reads),
        cmocka_unit_test(wr_stops_at_its_capacity_and_writes_nothing_more),
        cmocka_unit_test(wr_reserve_gives_room_to_fill),
        cmocka_unit_test(wr_patch_changes_only_what_was_written),
        cmocka_unit_test(wr_patch_refuses_an_offset_past_the_end),
        cmocka_unit_test(spans_are_equal_by_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
