/* SAs inside SAs: AH around ESP, tunnels in tunnels, how large packets may be and what room
 * they need.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/nested_fixture.h"

static void too_big_is_known_for_the_whole_stack(void **state)
{
    static const struct layer *const stacks[] = {esp_in_ah, tunnels};
    static struct fixture room;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct layer l[2] = {stacks[i][0], stacks[i][1]};
        const size_t outer_head = l[1].protocol == CV_PROTO_AH ? 0 : IP4_HDR_LEN;
        struct fixture *f;
        size_t most = 0;

        l[1].mtu = 1400;
        f = fresh(&room, l, 2);
        for (size_t n = 1000; n < 1400; n++) {
            const size_t len = n + 28;

            make_packet(f, &l[0], n);
            cv_packet_data(&f->pkt)[6] |= IP4_DF >> 8;
            set_tos(cv_packet_data(&f->pkt), 0);
            if (send(f) == CV_OK) {
                assert_true(f->pkt.len + outer_head <= 1400);
                assert_true(f->pkt.df);
                assert_int_equal(most, len - 1 > 1028 ? len - 1 : most);
                most = len;
                continue;
            }
            /* still the sender's own packet, with a size that will do */
            assert_int_equal(f->pkt.err, CV_ERR_TOO_BIG);
            assert_int_equal(f->pkt.child, 1);
            assert_int_equal(f->pkt.len, len);
            assert_int_equal(ipsec_inner_mtu(f->p[0], 0), most);
        }
        assert_true(most > 1200 && most < 1400 - 60);
        ipsec_learn_mtu(f->p[0], 1, 1300, 0);
        make_packet(f, &l[0], most - 28);
        cv_packet_data(&f->pkt)[6] |= IP4_DF >> 8;
        set_tos(cv_packet_data(&f->pkt), 0);
        assert_int_equal(send(f), CV_ERR_TOO_BIG);
        done(f);
    }
}

static void what_may_be_fragmented_is_so_outside_all_sas(void **state)
{
    static struct fixture room;

    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct layer l[2] = {tunnels[0], tunnels[1]};
        struct fixture *f;

        l[1].mtu = 1400;
        l[0].v6 = l[1].v6 = l[1].inside_v6 = v6;
        f = fresh(&room, l, 2);
        make_packet(f, &l[0], 1500);
        assert_int_equal(send(f), CV_OK);
        assert_false(f->pkt.df);
        assert_int_equal(receive(f), CV_OK);
        assert_int_equal(f->way.n, 2);
        done(f);
    }
}

static void room_that_is_missing_is_noticed_everywhere(void **state)
{
    static struct fixture room;
    struct layer l[3];
    struct fixture *f;
    bool fits = false;

    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        l[i] = layer_of(i == 1 ? 5 : 12, (uint8_t)(i + 2), (uint8_t)(i + 1), i > 0);
        l[i].nested = i < 2;
    }
    f = fresh(&room, l, 3);
    for (size_t off = 0; off <= ROOM; off++) {
        make_packet(f, &l[0], 30);
        memmove(f->buf + off, f->buf + ROOM, f->pkt.len);
        f->pkt.off = off;
        assert_true(send(f) == CV_OK || (!fits && f->pkt.err == CV_ERR_NO_ROOM));
        fits = f->pkt.err == CV_OK;
    }
    assert_true(fits);
    fits = false;
    for (size_t tail = 0; tail <= CV_NESTED_MAX * CV_TAILROOM; tail++) {
        make_packet(f, &l[0], 30);
        f->pkt.cap = f->pkt.off + f->pkt.len + tail;
        assert_true(send(f) == CV_OK || (!fits && f->pkt.err == CV_ERR_NO_ROOM));
        fits = f->pkt.err == CV_OK;
    }
    assert_true(fits);
    done(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_big_is_known_for_the_whole_stack),
        cmocka_unit_test(what_may_be_fragmented_is_so_outside_all_sas),
        cmocka_unit_test(room_that_is_missing_is_noticed_everywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
