/* Keys that take more than one form, complete each other or earn a warning.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/conf_loaded.h"

static void lifetimes_complete_each_other(void **state)
{
    static const struct {
        const char *text;
        uint64_t rekey, hard, rnd;
    } cases[] = {
        {"rekey_time = 10s",                                   10,    11,    1  },
        {"life_time = 110m",                                   6000,  6600,  600},
        {"rekey_time = 0",                                     0,     0,     0  },
        {"rekey_time = 0\n rand_time = 5m",                    0,     0,     0  },
        {"rekey_time = 0\n life_time = 1h",                    0,     3600,  0  },
        {"rekey_time = 50m\n life_time = 1h\n rand_time = 5m", 3000,  3600,  300},
        {"rekey_time = 1h\n life_time = 0",                    3600,  0,     360},
        {"rekey_time = 1h\n life_time = 5h",                   3600,  18000, 360},
        {"rekey_time = 1h 30m 10s",                            5410,  5951,  541},
        {"rekey_time = 1d\n rand_time = 0",                    86400, 95040, 0  },
        {"rekey_time = 90",                                    90,    99,    9  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[256];
        const struct cv_lifetime *l;

        snprintf(text, sizeof(text), "connections { c { children { n {\n %s\n } } } }",
                 cases[i].text);
        load(text);
        l = &child(conn("c"), "n")->life;
        assert_int_equal(l->rekey_s, cases[i].rekey);
        assert_int_equal(l->hard_s, cases[i].hard);
        assert_int_equal(l->rand_s, cases[i].rnd);
        fixture_unload(&f);
    }
}

static void lifetimes_of_a_connection_complete_each_other(void **state)
{
    static const struct {
        const char *text;
        uint64_t rekey, reauth, over, rnd;
    } cases[] = {
        {"rekey_time = 10m\n over_time = 1h",    600,   0,     3600, 600 },
        {"reauth_time = 10h",                    0,     36000, 3600, 3600},
        {"reauth_time = 10h\n rekey_time = 30m", 1800,  36000, 3600, 1800},
        {"reauth_time = 0",                      14400, 0,     1440, 1440},
        {"rekey_time = 0",                       0,     0,     0,    0   },
        {"rekey_time = 1h\n rand_time = 5m",     3600,  0,     360,  300 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[256];
        const struct cv_conn *c;

        snprintf(text, sizeof(text), "connections { c {\n %s\n } }", cases[i].text);
        load(text);
        c = &conn("c")->cv;
        assert_int_equal(c->rekey_s, cases[i].rekey);
        assert_int_equal(c->reauth_s, cases[i].reauth);
        assert_int_equal(c->over_s, cases[i].over);
        assert_int_equal(c->rand_s, cases[i].rnd);
        fixture_unload(&f);
    }
}

static void default_proposals_can_be_mixed_with_others(void **state)
{
    const struct conn *c;

    (void)state;
    load("connections { c { proposals = aes128-sha1-modp1024, default\n"
         " children { n { esp_proposals = default, null-sha256\n } } } }");
    c = conn("c");
    assert_int_equal(c->cv.n_proposals, 3);
    assert_proposal(&c->cv.proposals[0], "AES_CBC-128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024");
    assert_int_equal(child(c, "n")->n_proposals, 3);
    fixture_unload(&f);
}

/* The warnings of what was loaded, without the file; those of missing credentials left out. */
static void collect(char *text)
{
    text[0] = '\0';
    for (size_t i = 0; i < f.conf.found.n; i++) {
        const struct problem *p = &f.conf.found.v[i].problem;

        if (strstr(p->text, "is loaded") == NULL)
            strcat(strcat(text, p->text + p->key_at), "\n");
    }
}

static void what_is_weak_is_said(void **state)
{
    char text[1024] = "";

    (void)state;
    load("connections { c { proposals = aes128-sha1-modp1024\n"
         " children { n { esp_proposals = null-sha256\n replay_window = 0\n } } } }");
    collect(text);
    assert_string_equal(
        text,
        "connections.c: 'sha1' is weak; use it only for peers that have nothing better\n"
        "connections.c: 'modp1024' is weak; use it only for peers that have nothing better\n"
        "connections.c: 'prfsha1' is weak; use it only for peers that have nothing better\n"
        "connections.c.children.n: 'null' is weak; use it only for peers that have nothing "
        "better\n"
        "connections.c.children.n: replay protection is off\n");
    fixture_unload(&f);
    load("connections { c { children { n { } } } }");
    collect(text);
    assert_string_equal(text, "");
    fixture_unload(&f);
}

static void a_tunnels_priority_is_said_to_have_no_effect(void **state)
{
    char text[1024] = "";

    (void)state;
    load("connections { c { children { n { priority = 7\n }\n"
         " p { mode = pass\n priority = 7\n } } } }");
    collect(text);
    assert_string_equal(
        text, "connections.c.children.n: priority is for pass and drop; a tunnel has none\n");
    fixture_unload(&f);
}

static void flow_padding_is_octets_or_the_paths_mtu(void **state)
{
    (void)state;
    load("connections { c { children { a { tfc_padding = 1000\n }\n"
         " b { tfc_padding = mtu\n } n { } } } }");
    assert_int_equal(child(conn("c"), "a")->tfc, 1000);
    assert_int_equal(child(conn("c"), "b")->tfc, CV_TFC_MTU);
    assert_int_equal(child(conn("c"), "n")->tfc, 0);
    fixture_unload(&f);
}

static void ah_with_esp_is_said(void **state)
{
    char text[1024] = "";

    (void)state;
    load("connections { c { children { auth { ah_proposals = sha256\n }"
         " data { nested = yes\n } } } }");
    assert_false(child(conn("c"), "auth")->nested);
    assert_true(child(conn("c"), "data")->nested);
    collect(text);
    assert_string_equal(text,
                        "connections.c: AH and ESP together are not recommended (RFC 8221 "
                        "section 4); ESP alone protects as well\n");
    fixture_unload(&f);
    load("connections { c { children { data { nested = yes\n } other { } } } }");
    collect(text);
    assert_string_equal(text, "");
    fixture_unload(&f);
}

static void trap_and_start_go_together_in_either_order(void **state)
{
    static const char *const forms[] = {"trap|start", "start|trap", "trap, start", "start,trap",
                                        "route|start"};

    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char text[160];
        const struct cv_child_config *n;

        (void)snprintf(text, sizeof(text),
                       "connections { c { children { n { start_action = %s\n"
                       " close_action = %s\n } } } }",
                       forms[i], forms[i]);
        load(text);
        n = child(conn("c"), "n");
        assert_int_equal(n->start_action, CV_ACTION_TRAP | CV_ACTION_START);
        assert_int_equal(n->close_action, CV_ACTION_TRAP | CV_ACTION_START);
        fixture_unload(&f);
    }
}

/* charon's older words, which it still takes. */
static void older_words_for_actions_mean_the_same(void **state)
{
    const struct cv_child_config *n;

    (void)state;
    load("connections { c { children {\n a { start_action = route\n dpd_action = route\n"
         " close_action = route\n }\n b { start_action = clear\n dpd_action = none\n"
         " close_action = clear\n }\n d { start_action = restart\n dpd_action = trap|start\n"
         " close_action = restart\n } } } }");
    n = child(conn("c"), "a");
    assert_int_equal(n->start_action, CV_ACTION_TRAP);
    assert_int_equal(n->dpd_action, CV_ACTION_TRAP);
    assert_int_equal(n->close_action, CV_ACTION_TRAP);
    n = child(conn("c"), "b");
    assert_int_equal(n->start_action, CV_ACTION_NONE);
    assert_int_equal(n->dpd_action, CV_ACTION_CLEAR);
    assert_int_equal(n->close_action, CV_ACTION_NONE);
    n = child(conn("c"), "d");
    assert_int_equal(n->start_action, CV_ACTION_START);
    assert_int_equal(n->dpd_action, CV_ACTION_TRAP | CV_ACTION_START);
    assert_int_equal(n->close_action, CV_ACTION_START);
    fixture_unload(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(older_words_for_actions_mean_the_same),
        cmocka_unit_test(lifetimes_complete_each_other),
        cmocka_unit_test(lifetimes_of_a_connection_complete_each_other),
        cmocka_unit_test(default_proposals_can_be_mixed_with_others),
        cmocka_unit_test(what_is_weak_is_said),
        cmocka_unit_test(a_tunnels_priority_is_said_to_have_no_effect),
        cmocka_unit_test(flow_padding_is_octets_or_the_paths_mtu),
        cmocka_unit_test(ah_with_esp_is_said),
        cmocka_unit_test(trap_and_start_go_together_in_either_order),
    };

    return cmocka_run_group_tests(tests, fixture_make, fixture_drop);
}
