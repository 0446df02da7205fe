/* Updown scripts: environment, order, output and failure.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "daemon/env.h"
#include "daemon/updown.h"
#include "text/text.h"

static struct event_base *base;
static struct updown *updown;
static struct event *child_signal;
static char heard[8192];

static void hear(void *ctx, int level, const char *text)
{
    (void)ctx;
    (void)level;
    assert_true(strlen(heard) + strlen(text) + 2 < sizeof(heard));
    strcat(heard, text);
    strcat(heard, "\n");
}

static void on_child(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    (void)ctx;
    updown_reap(updown);
    if (updown_idle(updown))
        event_base_loopbreak(base);
}

static int set_up(void **state)
{
    (void)state;
    heard[0] = '\0';
    base = event_base_new();
    updown = updown_new(base, "updown", hear, NULL);
    child_signal = evsignal_new(base, SIGCHLD, on_child, NULL);
    return event_add(child_signal, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    event_free(child_signal);
    updown_free(updown);
    event_base_free(base);
    return 0;
}

static void run_all(void)
{
    const struct timeval limit = {.tv_sec = 10};

    event_base_loopexit(base, &limit);
    event_base_dispatch(base);
    assert_true(updown_idle(updown));
}

static struct cv_ts ts_of(const char *text)
{
    struct cv_ts_config cfg;
    struct problem why;

    assert_true(ts_parse(&cfg, text, &why));
    return cfg.ts;
}

static struct child_conf conf;
static struct cv_child_config cfg;
static struct cv_ike_info ike;
static struct cv_child_info child;

/* A device behind a NAT with a virtual address, and its one Child SA. */
static void make_sa(char *script)
{
    struct problem why;

    conf = (struct child_conf){.updown = script, .hostaccess = true};
    cfg = (struct cv_child_config){.name = "net-net", .host = &conf};
    memset(&ike, 0, sizeof(ike));
    ike.id = 3;
    ike.initiator = true;
    addr_parse(&ike.local.addr, "10.0.0.1");
    addr_parse(&ike.remote.addr, "192.0.2.7");
    ike.local.port = ike.remote.port = 4500;
    assert_true(id_parse(&ike.local_id, "sensor-17.fleet.example", &why));
    assert_true(id_parse(&ike.remote_id, "C=CH, O=it's, CN=gw", &why));
    addr_parse(&ike.lease.v4, "10.9.0.5");
    addr_parse(&ike.lease.dns[0], "10.1.0.53");
    ike.lease.n_dns = 1;
    child = (struct cv_child_info){.id = 4, .ike = 3, .reqid = 11, .encap = true, .cfg = &cfg};
    child.protocol = CV_PROTO_ESP;
    child.local_ts.n = child.remote_ts.n = 1;
    child.local_ts.ts[0] = ts_of("10.9.0.5/32");
    child.remote_ts.ts[0] = ts_of("10.1.0.0/16[tcp/8883]");
}

static const char *value_of(const struct env *e, const char *name)
{
    size_t n = strlen(name);

    for (unsigned i = 0; i < e->n; i++)
        if (strncmp(e->v[i], name, n) == 0 && e->v[i][n] == '=')
            return e->v[i] + n + 1;
    return NULL;
}

static void the_environment_is_what_strongswans_scripts_expect(void **state)
{
    static const char *const expected[][2] = {
        {"PLUTO_VERSION",        "1.1"                    },
        {"PLUTO_VERB",           "up-client"              },
        {"PLUTO_CONNECTION",     "net-net"                },
        {"PLUTO_INTERFACE",      "culvert0"               },
        {"PLUTO_REQID",          "11"                     },
        {"PLUTO_PROTO",          "esp"                    },
        {"PLUTO_UNIQUEID",       "3"                      },
        {"PLUTO_ME",             "10.0.0.1"               },
        {"PLUTO_MY_ID",          "sensor-17.fleet.example"},
        {"PLUTO_MY_CLIENT",      "10.9.0.5/32"            },
        {"PLUTO_MY_PORT",        "0"                      },
        {"PLUTO_MY_PROTOCOL",    "0"                      },
        {"PLUTO_MY_SOURCEIP",    "10.9.0.5"               },
        {"PLUTO_MY_SOURCEIP4_1", "10.9.0.5"               },
        {"PLUTO_PEER",           "192.0.2.7"              },
        {"PLUTO_PEER_CLIENT",    "10.1.0.0/16"            },
        {"PLUTO_PEER_PORT",      "8883"                   },
        {"PLUTO_PEER_PROTOCOL",  "6"                      },
        {"PLUTO_UDP_ENC",        "4500"                   },
        {"PLUTO_DNS4_1",         "10.1.0.53"              },
        {"PLUTO_HOST_ACCESS",    "1"                      },
    };
    char script[] = "true";
    struct env e = {0};

    (void)state;
    make_sa(script);
    env_put_child(&e, true, &ike, &child, &child.local_ts.ts[0], &child.remote_ts.ts[0],
                  "culvert0");
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const char *value = value_of(&e, expected[i][0]);
        if (value == NULL)
            fail_msg("%s is missing", expected[i][0]);
        assert_string_equal(value, expected[i][1]);
    }
    assert_null(value_of(&e, "PLUTO_PEER_SOURCEIP"));
    assert_null(value_of(&e, "PLUTO_MARK_IN"));
    env_free(&e);
}

static void a_responder_tells_the_address_it_assigned(void **state)
{
    char script[] = "true";
    struct env e = {0};

    (void)state;
    make_sa(script);
    ike.initiator = false;
    env_put_child(&e, false, &ike, &child, &child.remote_ts.ts[0], &child.local_ts.ts[0],
                  "culvert0");
    assert_string_equal(value_of(&e, "PLUTO_VERB"), "down-client");
    assert_string_equal(value_of(&e, "PLUTO_PEER_SOURCEIP"), "10.9.0.5");
    assert_null(value_of(&e, "PLUTO_MY_SOURCEIP"));
    assert_null(value_of(&e, "PLUTO_DNS4_1"));
    env_free(&e);
}

static void our_own_address_alone_is_a_host_verb(void **state)
{
    struct cv_ts mine = ts_of("10.0.0.1/32"), v6 = ts_of("fd00::/64");
    char script[] = "true";
    struct env e = {0};

    (void)state;
    make_sa(script);
    env_put_child(&e, true, &ike, &child, &mine, &child.remote_ts.ts[0], "culvert0");
    assert_string_equal(value_of(&e, "PLUTO_VERB"), "up-host");
    env_free(&e);
    env_put_child(&e, true, &ike, &child, &v6, &v6, "culvert0");
    assert_string_equal(value_of(&e, "PLUTO_VERB"), "up-client-v6");
    assert_string_equal(value_of(&e, "PLUTO_PEER_CLIENT"), "fd00::/64");
    env_free(&e);
}

static void scripts_run_in_order_and_their_output_is_logged(void **state)
{
    char script[] = "echo \"$PLUTO_VERB $1\"; echo err >&2; exit 0";

    (void)state;
    make_sa(script);
    updown_run(updown, true, &ike, &child, "culvert0");
    updown_run(updown, false, &ike, &child, "culvert0");
    assert_false(updown_idle(updown));
    run_all();
    assert_string_equal(heard, "updown: up-client \nupdown: err\n"
                               "updown: down-client \nupdown: err\n");
}

/* A peer chooses its identity; the shell must see it as a value only. */
static void an_identity_full_of_shell_characters_stays_a_value(void **state)
{
    char script[] = "printf '%s\\n' \"$PLUTO_PEER_ID\"";

    (void)state;
    make_sa(script);
    ike.remote_id = (struct cv_id){.type = CV_ID_FQDN, .n = 20};
    memcpy(ike.remote_id.b, "'; echo pwned $(id)`", 20);
    updown_run(updown, true, &ike, &child, "culvert0");
    run_all();
    assert_string_equal(heard, "updown: '; echo pwned $(id)`\n");
}

static void a_failing_script_is_told_and_does_not_stop_the_next(void **state)
{
    char script[] = "test $PLUTO_VERB = down-client || exit 3";

    (void)state;
    make_sa(script);
    updown_run(updown, true, &ike, &child, "culvert0");
    updown_run(updown, false, &ike, &child, "culvert0");
    run_all();
    assert_non_null(strstr(heard, "exit status 3 of test"));
}

static void each_pair_of_selectors_of_one_family_gets_a_call(void **state)
{
    char script[] = "echo $PLUTO_MY_CLIENT-$PLUTO_PEER_CLIENT";

    (void)state;
    make_sa(script);
    child.local_ts.n = child.remote_ts.n = 2;
    child.local_ts.ts[1] = ts_of("fd00::1/128");
    child.remote_ts.ts[1] = ts_of("fd01::/64");
    updown_run(updown, true, &ike, &child, "culvert0");
    run_all();
    assert_string_equal(heard, "updown: 10.9.0.5/32-10.1.0.0/16\n"
                               "updown: fd00::1/128-fd01::/64\n");
}

static void no_script_is_no_call(void **state)
{
    (void)state;
    make_sa(NULL);
    updown_run(updown, true, &ike, &child, "culvert0");
    assert_true(updown_idle(updown));
}

/* strongSwan's own default script, when this machine has it, with iptables recorded. */
static void strongswans_stock_script_takes_our_environment(void **state)
{
    char dir[] = "/tmp/culvert-updown-XXXXXX", path[64], command[256];
    FILE *f;

    (void)state;
    if (access("/usr/lib/ipsec/_updown", X_OK) != 0)
        skip();
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/updown", dir);
    f = fopen(path, "w");
    assert_non_null(f);
    /* the script sets PATH itself; functions win over it */
    fprintf(f, "iptables() { echo iptables \"$@\"; }\nlogger() { :; }\n");
    fprintf(f, "set -- iptables\n. /usr/lib/ipsec/_updown\n");
    fclose(f);
    (void)snprintf(command, sizeof(command), "sh %s", path);
    make_sa(command);
    updown_run(updown, true, &ike, &child, "culvert0");
    run_all();
    unlink(path);
    rmdir(dir);
    assert_non_null(strstr(heard, "iptables -I INPUT 1 -i culvert0"));
    assert_non_null(strstr(heard, "-s 10.1.0.0/16 --sport 8883 -d 10.9.0.5/32"));
    assert_null(strstr(heard, "obsolete"));
    assert_null(strstr(heard, "exit status"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_is_what_strongswans_scripts_expect),
        cmocka_unit_test(a_responder_tells_the_address_it_assigned),
        cmocka_unit_test(our_own_address_alone_is_a_host_verb),
        cmocka_unit_test_setup_teardown(scripts_run_in_order_and_their_output_is_logged, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_identity_full_of_shell_characters_stays_a_value,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failing_script_is_told_and_does_not_stop_the_next,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_pair_of_selectors_of_one_family_gets_a_call,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_script_is_no_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strongswans_stock_script_takes_our_environment, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
