/* src/ike/frag.c: gathering fragments in any order, and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "ike/frag.h"

enum { MSG_ID = 1, FIRST_PAYLOAD = 35 };

struct gather {
    struct frag f;
    uint8_t buf[64];
    bool complete;
};

static enum cv_err add(struct gather *g, uint16_t no, uint16_t total, const char *text)
{
    const struct frag_piece piece = {.msg_id = MSG_ID,
                                     .no = no,
                                     .total = total,
                                     .first = no == 1 ? FIRST_PAYLOAD : 0,
                                     .plain = span(text, strlen(text))};

    return frag_add(&g->f, g->buf, sizeof(g->buf), &piece, &g->complete);
}

static void assert_whole(const struct gather *g, const char *text)
{
    uint8_t out[64];

    assert_true(g->complete);
    assert_int_equal(g->f.first, FIRST_PAYLOAD);
    assert_int_equal(frag_assemble(&g->f, g->buf, out, sizeof(out)), strlen(text));
    assert_memory_equal(out, text, strlen(text));
}

static void fragments_join_in_every_order_of_arrival(void **state)
{
    static const uint16_t orders[6][3] = {
        {1, 2, 3},
        {1, 3, 2},
        {2, 1, 3},
        {2, 3, 1},
        {3, 1, 2},
        {3, 2, 1}
    };
    static const char *const parts[] = {"first ", "second part ", "third"};

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct gather g = {0};

        for (unsigned j = 0; j < 3; j++) {
            assert_int_equal(add(&g, orders[i][j], 3, parts[orders[i][j] - 1]), CV_OK);
            assert_int_equal(g.complete, j == 2);
        }
        assert_whole(&g, "first second part third");
    }
}

static void a_single_fragment_is_a_whole_message(void **state)
{
    struct gather g = {0};

    (void)state;
    assert_int_equal(add(&g, 1, 1, "alone"), CV_OK);
    assert_whole(&g, "alone");
}

static void a_repeated_fragment_has_no_effect(void **state)
{
    struct gather g = {0};

    (void)state;
    assert_int_equal(add(&g, 1, 2, "one "), CV_OK);
    assert_int_equal(add(&g, 1, 2, "other octets"), CV_OK);
    assert_false(g.complete);
    assert_int_equal(g.f.used, 4);
    assert_int_equal(add(&g, 2, 2, "two"), CV_OK);
    assert_whole(&g, "one two");
    assert_int_equal(add(&g, 2, 2, "two"), CV_OK);
    assert_whole(&g, "one two");
}

static void a_larger_total_starts_afresh_and_a_smaller_one_is_refused(void **state)
{
    struct gather g = {0};

    (void)state;
    assert_int_equal(add(&g, 1, 2, "large first"), CV_OK);
    assert_int_equal(add(&g, 2, 3, "b"), CV_OK);
    assert_int_equal(add(&g, 2, 2, "large second"), CV_ERR_IKE_FRAGMENT);
    assert_int_equal(add(&g, 1, 3, "a"), CV_OK);
    assert_false(g.complete);
    assert_int_equal(add(&g, 3, 3, "c"), CV_OK);
    assert_whole(&g, "abc");
}

static void a_new_message_id_starts_afresh_whatever_its_total(void **state)
{
    const struct frag_piece other = {.msg_id = MSG_ID + 1,
                                     .no = 1,
                                     .total = 1,
                                     .first = FIRST_PAYLOAD,
                                     .plain = span("new", 3)};
    struct gather g = {0};

    (void)state;
    assert_int_equal(add(&g, 1, 5, "old"), CV_OK);
    assert_int_equal(frag_add(&g.f, g.buf, sizeof(g.buf), &other, &g.complete), CV_OK);
    assert_whole(&g, "new");
}

static void impossible_numbers_are_refused_and_change_nothing(void **state)
{
    struct gather g = {0};
    struct frag before;

    (void)state;
    assert_int_equal(add(&g, 1, 3, "a"), CV_OK);
    before = g.f;
    assert_int_equal(add(&g, 0, 3, "x"), CV_ERR_IKE_FRAGMENT);
    assert_int_equal(add(&g, 4, 3, "x"), CV_ERR_IKE_FRAGMENT);
    assert_int_equal(add(&g, 0, 0, "x"), CV_ERR_IKE_FRAGMENT);
    assert_int_equal(add(&g, 1, FRAGS_MAX + 1, "x"), CV_ERR_LIMIT);
    assert_memory_equal(&g.f, &before, sizeof(before));
}

static void the_last_possible_fragment_number_is_kept(void **state)
{
    struct gather g = {0};

    (void)state;
    for (uint16_t i = FRAGS_MAX; i > 0; i--)
        assert_int_equal(add(&g, i, FRAGS_MAX, i % 2 == 0 ? "e" : "o"), CV_OK);
    assert_true(g.complete);
    assert_int_equal(g.f.used, FRAGS_MAX);
}

static void what_exceeds_the_buffer_is_refused(void **state)
{
    struct gather g = {0};
    char text[sizeof(g.buf) + 1];
    uint8_t out[sizeof(g.buf)];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(add(&g, 1, 2, text), CV_OK);
    assert_int_equal(add(&g, 2, 2, "y"), CV_ERR_LIMIT);
    assert_false(g.complete);
    assert_int_equal(frag_assemble(&g.f, g.buf, out, sizeof(out)), 0);
    assert_int_equal(add(&g, 2, 2, ""), CV_OK);
    assert_true(g.complete);
    assert_int_equal(frag_assemble(&g.f, g.buf, out, sizeof(out) - 1), 0);
    assert_int_equal(frag_assemble(&g.f, g.buf, out, sizeof(out)), sizeof(g.buf));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_join_in_every_order_of_arrival),
        cmocka_unit_test(a_single_fragment_is_a_whole_message),
        cmocka_unit_test(a_repeated_fragment_has_no_effect),
        cmocka_unit_test(a_larger_total_starts_afresh_and_a_smaller_one_is_refused),
        cmocka_unit_test(a_new_message_id_starts_afresh_whatever_its_total),
        cmocka_unit_test(impossible_numbers_are_refused_and_change_nothing),
        cmocka_unit_test(the_last_possible_fragment_number_is_kept),
        cmocka_unit_test(what_exceeds_the_buffer_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
