/* src/peer/peer.c: the touched are looked at once, in the order of the first touch.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/peer_fixture.h"

static void peer_is_looked_at_once_however_often_it_is_touched(void **state)
{
    struct fixture *f = *state;

    assert_null(peer_take_touched(&f->core));
    peer_touch(&f->core, f->sa[7]);
    peer_touch(&f->core, f->sa[3]);
    peer_touch(&f->core, f->sa[7]);
    assert_ptr_equal(peer_take_touched(&f->core), f->sa[7]);
    peer_touch(&f->core, f->sa[7]); /* while it is looked at: once more, last */
    assert_ptr_equal(peer_take_touched(&f->core), f->sa[3]);
    assert_ptr_equal(peer_take_touched(&f->core), f->sa[7]);
    assert_null(peer_take_touched(&f->core));
}

static void peer_is_found_by_both_spis_and_from_the_other_side_alone(void **state)
{
    struct fixture *f = *state;
    struct peer *p = f->sa[1];
    uint8_t other[IKE_SPI_LEN] = {1};

    memset(p->spi_r, 9, sizeof(p->spi_r));
    assert_ptr_equal(peer_find(&f->core, p->spi_i, p->spi_r, false), p);
    assert_null(peer_find(&f->core, p->spi_i, p->spi_r, true));
    assert_null(peer_find(&f->core, p->spi_i, other, false));
    assert_ptr_equal(peer_by_number(&f->core, p->id), p);
    assert_null(peer_by_number(&f->core, p->id + MANY));
}

/* However many there are, only those of one connection to one address are looked at. */
static void peer_is_found_by_its_connection_and_address(void **state)
{
    static const struct cv_conn one = {.name = "one"}, two = {.name = "two"};
    struct fixture *f = *state;
    const struct cv_addr here = {CV_IPV4, {10}}, there = {CV_IPV4, {11}};

    for (unsigned i = 0; i < MANY; i++) {
        f->sa[i]->conn = i % 2 == 0 ? &one : &two;
        f->sa[i]->remote.addr = i < 3 ? here : there;
        peer_link_way(&f->core, f->sa[i]);
    }
    assert_ptr_equal(peer_first_on_way(&f->core, &one, &here), f->sa[2]);
    assert_ptr_equal(peer_next_on_way(&f->core, f->sa[2]), f->sa[0]);
    assert_null(peer_next_on_way(&f->core, f->sa[0]));
    f->sa[0]->remote.addr = there;
    assert_false(peer_is_on_way(&f->core, f->sa[0]));
    peer_link_way(&f->core, f->sa[0]);
    assert_true(peer_is_on_way(&f->core, f->sa[0]));
    assert_null(peer_next_on_way(&f->core, f->sa[2]));
    assert_ptr_equal(peer_first_on_way(&f->core, &one, &there), f->sa[0]);
    peer_unlink(&f->core, f->sa[2]);
    assert_null(peer_first_on_way(&f->core, &one, &here));
    assert_ptr_equal(peer_first_on_way(&f->core, &two, &here), f->sa[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PEER_TEST(peer_is_looked_at_once_however_often_it_is_touched),
        PEER_TEST(peer_is_found_by_its_connection_and_address),
        PEER_TEST(peer_is_found_by_both_spis_and_from_the_other_side_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
