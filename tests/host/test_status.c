/* culvert status against a server with many peers: each a line, however many, in linear time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "tests/support/vici_fixture.h"

enum { PEERS = 10000, HEAD = 4 /* lines above the peers */ };

/* ---- what main.c has ---- */

enum cli_exit cli_fail(const char *fmt, ...)
{
    (void)fmt;
    return CLI_FAILED;
}

struct vici_link *cli_connect(const struct cli *cli, enum cli_exit *code)
{
    struct vici_link *l = vici_open(cli->socket);

    *code = l != NULL ? CLI_OK : CLI_NOT_RUNNING;
    return l;
}

/* ---- a gateway ---- */

static struct conn conns[PEERS];
static char names[PEERS][16];

/* So many devices that are up, and as many connections of which none is. */
static void make_many(void)
{
    one_tunnel();
    d.n_ikes = PEERS;
    for (unsigned i = 0; i < PEERS; i++) {
        char id[32];

        snprintf(id, sizeof(id), "sensor-%u", i);
        d.ike[i] = d.ike[0];
        d.ike[i].id = i + 3;
        d.ike[i].remote_id = id_of(id);
        snprintf(names[i], sizeof(names[i]), "site-%u", i);
        conns[i] = home;
        conns[i].cv.name = names[i];
        conns[i].cv.host = &conns[i];
        conns[i].next = i + 1 < PEERS ? &conns[i + 1] : NULL;
    }
    d.conns = conns;
}

static pid_t serving;

static void serve(void)
{
    make_many();
    serving = fork();
    if (serving == 0) {
        event_reinit(d.base);
        event_base_dispatch(d.base);
        _exit(0);
    }
}

static int stop_serving(void **state)
{
    int ended;

    if (serving > 0) { /* else this is the child, or there is none */
        kill(serving, SIGKILL);
        waitpid(serving, &ended, 0);
    }
    return tear_down(state);
}

/* What `culvert status` prints, and its exit code. */
static char *status(struct cli *cli, enum cli_exit *code)
{
    FILE *before = stdout;
    char *text;
    size_t n;

    snprintf(cli->socket, sizeof(cli->socket), "%s", path);
    stdout = open_memstream(&text, &n);
    *code = cli_status(cli);
    fclose(stdout);
    stdout = before;
    return text;
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static void ten_thousand_peers_are_ten_thousand_lines(void **state)
{
    static const struct {
        struct cli cli;
        unsigned lines, sensors, sites;
    } cases[] = {
        {{.sort = "name"},                                   2 * PEERS + HEAD, PEERS, PEERS},
        {{.sort = "bytes", .peer = "sensor-"},               PEERS + HEAD,     PEERS, 0    },
        {{.sort = "name", .json = true, .json_lines = true}, 2 * PEERS,        PEERS, PEERS},
        {{.sort = "name", .peer = "sensor-77"},              111 + HEAD,       111,   0    },
        {{.sort = "name", .name = "site-9"},                 1 + HEAD,         0,     1    },
    };

    (void)state;
    serve();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cli cli = cases[i].cli;
        enum cli_exit code;
        char *text = status(&cli, &code);

        assert_int_equal(code, CLI_OK);
        assert_int_equal(count(text, "\n"), cases[i].lines);
        assert_int_equal(count(text, "sensor-"), cases[i].sensors);
        assert_int_equal(count(text, "site-"), cases[i].sites);
        free(text);
    }
}

static void the_page_of_many_takes_one_look_at_each(void **state)
{
    struct cli cli = {.sort = "name", .verbose = true};
    clock_t began = clock();
    enum cli_exit code;
    char *text;

    (void)state;
    serve();
    text = status(&cli, &code);
    assert_int_equal(code, CLI_OK);
    assert_int_equal(count(text, "ESTABLISHED"), PEERS);
    assert_int_equal(count(text, "\nsite-"), PEERS);
    assert_true((double)(clock() - began) / CLOCKS_PER_SEC < 60);
    free(text);
}

#define STATUS_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, stop_serving)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STATUS_TEST(ten_thousand_peers_are_ten_thousand_lines),
        STATUS_TEST(the_page_of_many_takes_one_look_at_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
