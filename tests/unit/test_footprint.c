/* What an established tunnel is made of: plain records of a known size.  Whoever makes one
 * larger changes the figure here, knowingly; a gateway has a million of them and a device has
 * to pay for it, too.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ike/sa.h"
#include "ipsec/plane.h"

enum { MORE = 64 };

static void records_are_no_larger_than_they_were(void **state)
{
    (void)state;
    assert_true(sizeof(struct ike_sa) <= 832);
    assert_true(sizeof(struct child_sa) <= 176);
    assert_true(sizeof(struct ipsec_pair) <= 288);
    assert_true(sizeof(struct raw_keys) <= 208);
    assert_true(sizeof(struct hot_slot) <= 64);
}

/* All tables' shares, but for expanded keys: those are bounded by hot_keys. */
static void a_tunnel_costs_less_than_two_thousand_octets(void **state)
{
    struct cv_limits few = {.ike_sas = 1,
                            .child_sas = 2,
                            .conns = 1,
                            .handshakes = 1,
                            .messages = 4,
                            .message_size = 1280,
                            .effects = 16,
                            .hot_keys = 2};
    struct cv_limits many = few;

    (void)state;
    many.ike_sas += MORE;
    many.child_sas += MORE;
    assert_true((cv_engine_size(&many) - cv_engine_size(&few)) / MORE <= 2000);
    few = many;
    many.hot_keys += MORE;
    assert_int_equal((cv_engine_size(&many) - cv_engine_size(&few)) / MORE,
                     sizeof(struct hot_slot));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_no_larger_than_they_were),
        cmocka_unit_test(a_tunnel_costs_less_than_two_thousand_octets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
