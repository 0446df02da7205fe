/* src/ipsec/replay.c against a model that remembers every number.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipsec/replay.h"

static const uint64_t TWO_32 = UINT64_C(1) << 32;

static uint64_t rng_state;

static uint64_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state;
}

struct fixture {
    _Alignas(max_align_t) uint8_t mem[4096];
    struct replay_blocks blocks;
    struct replay r;
};

/* Blocks for n_pairs pairs and one open window. */
static struct fixture *fresh(struct fixture *f, uint32_t n_pairs, uint32_t window)
{
    struct arena a = {.p = f->mem, .cap = sizeof(f->mem)};

    memset(f->mem, 0xee, sizeof(f->mem));
    replay_blocks_init(&f->blocks, &a, n_pairs);
    assert_false(a.bad);
    replay_open(&f->r, &f->blocks, window);
    return f;
}

static bool accept(struct fixture *f, uint64_t seq)
{
    if (!replay_check(&f->r, &f->blocks, seq))
        return false;
    replay_commit(&f->r, &f->blocks, seq);
    return true;
}

static void window_takes_each_number_once_in_any_order(void **state)
{
    struct fixture room, *f = fresh(&room, 1, 64);

    (void)state;
    assert_false(accept(f, 0)); /* RFC 4303 section 3.3.3: the first is 1 */
    assert_true(accept(f, 1));
    assert_false(accept(f, 1));
    assert_true(accept(f, 70));
    assert_true(accept(f, 7)); /* 70 - 63: the left edge */
    assert_false(accept(f, 7));
    assert_false(accept(f, 6)); /* left of the window */
    assert_true(accept(f, 69));
    assert_true(accept(f, 71));
    assert_false(accept(f, 70));
    assert_false(accept(f, 69));
}

static void checking_alone_changes_nothing(void **state)
{
    struct fixture room, before, *f = fresh(&room, 4, 1024);

    (void)state;
    accept(f, 5000);
    accept(f, 4990);
    before = *f;
    for (uint64_t seq = 3900; seq < 7000; seq++)
        replay_check(&f->r, &f->blocks, seq);
    assert_memory_equal(f, &before, sizeof(before));
}

static void commit_tells_whether_the_number_is_the_newest(void **state)
{
    struct fixture room, *f = fresh(&room, 1, 32);

    (void)state;
    assert_true(replay_commit(&f->r, &f->blocks, 10));
    assert_false(replay_commit(&f->r, &f->blocks, 9));
    assert_true(replay_commit(&f->r, &f->blocks, 11));
}

static void window_zero_takes_everything(void **state)
{
    struct fixture room, *f = fresh(&room, 1, 0);

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(accept(f, 0));
        assert_true(accept(f, 5));
        assert_true(accept(f, UINT32_MAX));
    }
}

static void jump_of_any_width_leaves_no_old_bit_behind(void **state)
{
    static const uint64_t jumps[] = {1,    31,     32,       33,        63,   64,
                                     65,   1023,   1024,     1025,      4095, 4096,
                                     4097, 100000, 1u << 31, 0xffffffff};
    static const uint32_t windows[] = {1, 32, 33, 64, 65, 128, 1000, 1024, 1025, 4096};

    (void)state;
    for (size_t w = 0; w < sizeof(windows) / sizeof(windows[0]); w++) {
        for (size_t j = 0; j < sizeof(jumps) / sizeof(jumps[0]); j++) {
            struct fixture room, *f = fresh(&room, 4, windows[w]);
            const uint64_t top = 9000 + jumps[j];

            assert_int_equal(f->r.window, windows[w]);
            for (uint64_t seq = 1; seq <= 9000; seq++)
                assert_true(accept(f, seq));
            assert_true(accept(f, top));
            for (uint64_t seq = top; seq > 0 && top - seq < 5000; seq--) {
                bool fresh_number = seq > 9000 && seq < top && top - seq < windows[w];

                assert_int_equal(replay_check(&f->r, &f->blocks, seq), fresh_number);
            }
        }
    }
}

enum { SPAN = 60000 };

/* What the window should say, remembering all. */
static bool model_accepts(bool seen[SPAN], uint64_t *top, uint64_t base, uint64_t seq,
                          uint32_t window)
{
    if (seq == 0 || (seq <= *top && *top - seq >= window) || seen[seq - base])
        return false;
    seen[seq - base] = true;
    if (seq > *top)
        *top = seq;
    return true;
}

static void run_against_model(uint32_t window, uint64_t base, bool esn)
{
    static bool seen[SPAN];
    struct fixture room, *f = fresh(&room, 4, window);
    uint64_t top = base > 0 ? base : 0, near = base + 1;

    memset(seen, 0, sizeof(seen));
    if (base > 0) {
        replay_commit(&f->r, &f->blocks, base);
        seen[0] = true;
    }
    while (near < base + SPAN - 5000) {
        uint64_t seq = near + rng() % (window + window / 4 + 4);
        bool want, got;

        seq = seq > base + window ? seq - window : base + 1;
        if (rng() % 500 == 0)
            near += rng() % 3000;
        near += rng() % 2;
        want = model_accepts(seen, &top, base, seq, window);
        /* as on the wire: only 32 bits; a number far left of the window cannot be told
         * from one of the next subspace, so only those within 2^31 are tried */
        if (esn && top - base > 0 && seq <= top && top - seq >= window)
            continue;
        assert_true(!esn || replay_infer(&f->r, (uint32_t)seq, true) == seq);
        got = accept(f, esn ? replay_infer(&f->r, (uint32_t)seq, true) : seq);
        if (got != want)
            fail_msg("window %u base %llu seq %llu top %llu: got %d want %d", window,
                     (unsigned long long)base, (unsigned long long)seq, (unsigned long long)top,
                     got, want);
    }
    assert_int_equal(f->r.top, top);
}

static void window_agrees_with_the_model_for_every_size(void **state)
{
    static const uint32_t windows[] = {1,  2,   31,  32,   33,   63,   64,
                                       65, 128, 500, 1024, 1025, 2048, 4096};

    (void)state;
    rng_state = 20260001;
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        run_against_model(windows[i], 0, false);
        run_against_model(windows[i], TWO_32 - SPAN, false);
    }
}

static void extended_numbers_agree_with_the_model_across_the_rollover(void **state)
{
    static const uint32_t windows[] = {1, 32, 64, 65, 1024, 4096};

    (void)state;
    rng_state = 20260002;
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        run_against_model(windows[i], TWO_32 - SPAN / 2, true);
        run_against_model(windows[i], 7 * TWO_32 - 100, true);
        run_against_model(windows[i], 3 * TWO_32 - 1, true);
    }
}

/* RFC 4303 appendix A2.2: any number from the window's left edge to almost 2^32 after
 * it is recovered from its low half. */
static void high_half_is_inferred_within_half_the_space(void **state)
{
    static const uint32_t windows[] = {32, 64, 1024, 4096};

    (void)state;
    rng_state = 20260003;
    for (unsigned i = 0; i < 200000; i++) {
        const uint32_t window = windows[rng() % 4];
        struct fixture room, *f = &room;
        uint64_t top = rng() >> (rng() % 40), seq;

        f->r = (struct replay){.top = top, .window = (uint16_t)window};
        seq = rng() % 4 == 0 ? top - rng() % window : top + rng() % (TWO_32 - window);
        if (seq > top + TWO_32 || (seq > top && top > UINT64_MAX - TWO_32))
            continue; /* left of zero, or at the very end */
        if (replay_infer(&f->r, (uint32_t)seq, true) != seq)
            fail_msg("top %llx seq %llx window %u", (unsigned long long)top,
                     (unsigned long long)seq, window);
    }
}

static void first_packets_of_an_extended_sa_are_in_subspace_zero(void **state)
{
    struct fixture room, *f = fresh(&room, 1, 1024);

    (void)state;
    assert_int_equal(replay_infer(&f->r, 1, true), 1);
    assert_int_equal(replay_infer(&f->r, UINT32_MAX, true), UINT32_MAX);
    accept(f, 5);
    assert_int_equal(replay_infer(&f->r, UINT32_MAX, true), UINT32_MAX);
}

static void a_hundred_thousand_replays_are_all_refused(void **state)
{
    struct fixture room, *f = fresh(&room, 1, 1024);

    (void)state;
    rng_state = 20260004;
    for (uint64_t seq = 1; seq <= 3000; seq++)
        assert_true(accept(f, seq));
    for (unsigned i = 0; i < 100000; i++)
        assert_false(accept(f, 1 + rng() % 3000));
}

static void narrow_windows_take_no_block_and_wide_ones_give_theirs_back(void **state)
{
    struct fixture room, *f = fresh(&room, 4, 64);

    (void)state;
    assert_int_equal(f->blocks.pool.used, 0);
    replay_close(&f->r, &f->blocks);
    for (unsigned i = 0; i < 3; i++) {
        replay_open(&f->r, &f->blocks, 1024);
        assert_int_equal(f->blocks.pool.used, 1);
        replay_close(&f->r, &f->blocks);
        replay_open(&f->r, &f->blocks, 4096);
        assert_int_equal(f->blocks.pool.used, 4);
        replay_close(&f->r, &f->blocks);
        assert_int_equal(f->blocks.pool.used, 0);
    }
}

static void window_is_as_wide_as_the_free_blocks_allow(void **state)
{
    struct fixture room, *f = fresh(&room, 2, 100000);
    struct replay second;

    (void)state;
    assert_int_equal(f->r.window, 2048);
    replay_open(&second, &f->blocks, 1024);
    assert_int_equal(second.window, 64);
    replay_close(&f->r, &f->blocks);
    replay_close(&second, &f->blocks);
    replay_open(&second, &f->blocks, 1024);
    assert_int_equal(second.window, 1024);
    f = fresh(&room, 4, 100000);
    assert_int_equal(f->r.window, REPLAY_WINDOW_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_takes_each_number_once_in_any_order),
        cmocka_unit_test(checking_alone_changes_nothing),
        cmocka_unit_test(commit_tells_whether_the_number_is_the_newest),
        cmocka_unit_test(window_zero_takes_everything),
        cmocka_unit_test(jump_of_any_width_leaves_no_old_bit_behind),
        cmocka_unit_test(window_agrees_with_the_model_for_every_size),
        cmocka_unit_test(extended_numbers_agree_with_the_model_across_the_rollover),
        cmocka_unit_test(high_half_is_inferred_within_half_the_space),
        cmocka_unit_test(first_packets_of_an_extended_sa_are_in_subspace_zero),
        cmocka_unit_test(a_hundred_thousand_replays_are_all_refused),
        cmocka_unit_test(narrow_windows_take_no_block_and_wide_ones_give_theirs_back),
        cmocka_unit_test(window_is_as_wide_as_the_free_blocks_allow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
