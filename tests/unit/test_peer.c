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

int main(void)
{
    const struct CMUnitTest tests[] = {
        PEER_TEST(peer_is_looked_at_once_however_often_it_is_touched),
        PEER_TEST(peer_is_found_by_both_spis_and_from_the_other_side_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
