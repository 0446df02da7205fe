/* strongswan.conf: the values of charon { } that mean something here.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/conf_loaded.h"

static void charon_s_values_count_and_ours_count_more(void **state)
{
    const struct daemon_settings *s = &f.conf.settings;

    (void)state;
    fixture_write("strongswan.conf", "charon {\n"
                                     "  load_modular = yes\n"
                                     "  threads = many\n"
                                     "  retransmit_timeout = 1.5\n retransmit_tries = 3\n"
                                     "  retransmit_base = 1.3\n half_open_timeout = 9\n"
                                     "  keep_alive = 1m\n cookie_threshold = 30\n"
                                     "  block_threshold = 7\n fragment_size = 1400\n"
                                     "  port = 1500\n port_nat_t = 1501\n"
                                     "  install_routes = no\n"
                                     "  send_delay = 300\n send_delay_type = 36\n"
                                     "  send_delay_request = no\n"
                                     "}\n"
                                     "charon-systemd { retransmit_tries = 4 }\n"
                                     "libstrongswan { dh_exponent_ansi_x9_42 = no }\n");
    load("connections { c { } }\nculvert { port = 2500 }\n");
    assert_int_equal(f.conf.found.errors + f.conf.found.warnings, 0);
    assert_int_equal(s->engine.retransmit_ms, 1500);
    assert_int_equal(s->engine.retransmit_tries, 4);
    assert_int_equal(s->engine.retransmit_base_pct, 130);
    assert_int_equal(s->engine.half_open_ms, 9000);
    assert_int_equal(s->engine.keepalive_ms, 60000);
    assert_int_equal(s->engine.cookie_threshold, 30);
    assert_int_equal(s->engine.block_threshold, 7);
    assert_int_equal(s->engine.fragment_size, 1400);
    assert_int_equal(s->port, 2500);
    assert_int_equal(s->port_nat_t, 1501);
    assert_false(s->install_routes);
    assert_true(s->install_virtual_ip);
    assert_int_equal(s->delay.ms, 300);
    assert_int_equal(s->delay.exchange, 36);
    assert_true(s->delay.responses && !s->delay.requests);
    fixture_unload(&f);
    fixture_remove("strongswan.conf");
}

static void its_servers_are_told_with_every_lease(void **state)
{
    static const uint8_t want[] = {0, 4, 0, 4, 10, 0, 0, 44, 0, 25, 0, 3, 'l', 'a', 'b'};
    struct cv_addr any = {.family = CV_IPV4};
    const struct pool_wish wish = {.ike = 1, .who = &(struct cv_id){0}, .v4 = &any};
    const char *const p = "p";
    struct cv_lease l;

    (void)state;
    fixture_write(
        "strongswan.conf",
        "charon {\n dns1 = 10.0.0.53\n dns2 = fd00::53\n nbns1 = 10.0.0.44\n"
        " plugins { attr {\n load = yes\n dns = 10.0.1.53\n dns_domain = lab\n } }\n}\n");
    load("connections { c { } }\npools { p { addrs = 10.3.0.0/24\n dns = 10.0.2.53 } }\n");
    assert_int_equal(pools_lease(f.pools, &p, 1, &wish, &l), CV_OK);
    assert_int_equal(l.n_dns, 4);
    assert_int_equal(l.dns[0].b[2], 2);
    assert_int_equal(l.dns[2].family, CV_IPV6);
    assert_int_equal(l.attributes.n, sizeof(want));
    assert_memory_equal(l.attributes.p, want, sizeof(want));
    fixture_unload(&f);
    fixture_remove("strongswan.conf");
}

/* One that nobody has named may be half written, and keeps no tunnel down. */
static void what_is_wrong_there_is_warned_of(void **state)
{
    (void)state;
    fixture_write("strongswan.conf",
                  "charon { keep_alive = soon\n port = 0\n port_nat_t = 4600 }\n");
    load("connections { c { } }\n");
    assert_int_equal(f.conf.found.errors, 0);
    assert_int_equal(f.conf.found.warnings, 2);
    assert_non_null(
        strstr(f.conf.found.v[0].problem.text, "charon.keep_alive: expected a time like 30s"));
    assert_int_equal(f.conf.settings.port_nat_t, 4600);
    fixture_unload(&f);
    fixture_write("strongswan.conf", "charon { ");
    load("connections { c { } }\n");
    assert_int_equal(f.conf.found.warnings, 1);
    fixture_unload(&f);
    fixture_remove("strongswan.conf");
}

static void one_that_is_named_has_to_be_there(void **state)
{
    struct conf_source from = {.path = "/dev/null"};
    struct problems found;
    char path[160];

    (void)state;
    fixture_path(path, sizeof(path), "other.conf");
    from.strongswan = path;
    assert_false(conf_check(&from, &found));
    assert_int_equal(found.errors, 1);
    problems_free(&found);
    fixture_write("other.conf", "charon { retransmit_tries = 9 }\n");
    assert_true(conf_check(&from, &found));
    assert_int_equal(found.n, 0);
    problems_free(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charon_s_values_count_and_ours_count_more),
        cmocka_unit_test(its_servers_are_told_with_every_lease),
        cmocka_unit_test(what_is_wrong_there_is_warned_of),
        cmocka_unit_test(one_that_is_named_has_to_be_there),
    };

    return cmocka_run_group_tests(tests, fixture_make, fixture_drop);
}
