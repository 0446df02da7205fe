/* What culvert status makes of the daemon's SAs: one line a peer, in order, aligned.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/peer_table.h"

static struct peers peers;

/* Files have no lists, VICI has: "NAME-1 = x" stands for a list NAME of one. */
static void make_list(struct node *section, const char *name)
{
    char key[32];

    snprintf(key, sizeof(key), "%s-1", name);
    if (tree_find(section, key) != NULL)
        tree_add_item(tree_add_list(section, name), tree_get(section, key, ""));
}

static struct node *read_text(const char *text)
{
    struct problems found = {0};
    struct node *root = tree_read_text(text, strlen(text), "test", &found);

    if (root == NULL)
        fail_msg("%s", problems_first_error(&found)->text);
    problems_free(&found);
    make_list(root->first, "remote-vips");
    make_list(root->first, "remote_addrs");
    return root;
}

static bool add_sa(const char *text)
{
    struct node *root = read_text(text);
    struct peer p;
    bool is = peer_of_sa(&p, root->first);

    if (is)
        peers_add(&peers, &p);
    tree_free(root);
    return is;
}

static bool add_conn(const char *text)
{
    struct node *root = read_text(text);
    struct peer p;
    bool is = peer_of_conn(&p, root->first);

    if (is)
        peers_add(&peers, &p);
    tree_free(root);
    return is;
}

static void add_device(unsigned i)
{
    char text[512];

    snprintf(text, sizeof(text),
             "fleet { uniqueid = %u\n state = ESTABLISHED\n remote-id = sensor-%u\n"
             "remote-host = 198.51.100.9\n remote-port = %u\n established = %u\n"
             "remote-vips-1 = 10.9.0.%u\n child-sas { net-1 { name = net\n state = INSTALLED\n"
             "bytes-in = %u\n bytes-out = 1500\n use-in = 3\n drops-replay = 2\n"
             "drops-icv = 1 } net-2 { name = net\n state = REKEYED\n bytes-in = 1\n"
             "use-in = 90 } } }",
             i, i, 40000 + i, i, i, 1000 * i);
    assert_true(add_sa(text));
}

static int drop(void **state)
{
    (void)state;
    peers_free(&peers);
    return 0;
}

/* What print prints. */
static char *printed(void (*print)(void))
{
    FILE *before = stdout;
    char *text;
    size_t n;

    stdout = open_memstream(&text, &n);
    print();
    fclose(stdout);
    stdout = before;
    return text;
}

static void print_table(void)
{
    table_print(&peers);
}

static void print_json(void)
{
    peer_print_json(&peers.v[0], 1000000000);
}

static void an_sa_and_its_children_are_one_line(void **state)
{
    char *text;

    (void)state;
    add_device(7);
    text = printed(print_table);
    assert_string_equal(
        text,
        "NAME   IDENTITY  ADDRESS       INNER     STATE  SINCE  SEEN      IN     OUT  DROPS\n"
        "fleet  sensor-7  198.51.100.9  10.9.0.7  up        7s    3s  7.0 kB  1.5 kB      3\n");
    free(text);
    text = printed(print_json);
    assert_string_equal(
        text,
        "{\"name\":\"fleet\",\"identity\":\"sensor-7\",\"address\":\"198.51.100.9\","
        "\"port\":40007,\"inner\":[\"10.9.0.7\"],\"state\":\"up\",\"up\":true,\"id\":7,"
        "\"since\":\"2001-09-09T01:46:33Z\",\"last-seen\":\"2001-09-09T01:46:37Z\","
        "\"bytes-in\":7001,\"bytes-out\":1500,\"drops\":3,\"children\":[\"net\",\"net\"]}\n");
    free(text);
}

static void states_are_those_that_people_ask_about(void **state)
{
    static const struct {
        const char *ike, *child, *shown;
    } cases[] = {
        {"CONNECTING",  "CREATED",   "connecting"},
        {"ESTABLISHED", "CREATED",   "no child"  },
        {"ESTABLISHED", "INSTALLED", "up"        },
        {"REKEYING",    "REKEYING",  "up"        },
        {"ESTABLISHED", "REKEYED",   "no child"  },
        {"DELETING",    "INSTALLED", "closing"   },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];

        snprintf(text, sizeof(text), "a { state = %s\n child-sas { c { state = %s } } }",
                 cases[i].ike, cases[i].child);
        assert_true(add_sa(text));
        assert_string_equal(peers.v[i].state, cases[i].shown);
        assert_int_equal(peers.v[i].up, strcmp(cases[i].shown, "up") == 0);
    }
    assert_false(add_sa("a { state = REKEYED }")); /* its successor is shown */
}

static void a_connection_is_a_peer_when_it_names_one(void **state)
{
    (void)state;
    assert_true(add_conn("home { remote_addrs-1 = gw.example\n remote-1 { } children { } }"));
    assert_string_equal(peers.v[0].state, "down");
    assert_true(add_conn("one { remote_addrs-1 = %any\n remote-1 { id = dev-1.example } }"));
    assert_true(add_conn("home { remote_addrs-1 = gw.example\n children { n { mode = TUNNEL\n"
                         "start_action = trap } } }"));
    assert_string_equal(peers.v[2].state, "trap");
    assert_false(add_conn("all { remote_addrs-1 = %any\n remote-1 { id = *.example } }"));
    assert_false(add_conn("all { remote_addrs-1 = %any\n remote-1 { } }"));
    assert_false(
        add_conn("lan { remote_addrs-1 = 10.0.0.1\n children { n { mode = PASS } } }"));
}

static void people_find_whom_they_ask_for(void **state)
{
    static const struct {
        struct peer_filter filter;
        bool passes;
    } cases[] = {
        {{.name = "fleet"},               true },
        {{.name = "net"},                 true },
        {{.name = "fleet/net"},           true },
        {{.name = "fleet/lan"},           false},
        {{.name = "flee"},                false},
        {{.name = "ne"},                  false},
        {{.match = "SENSOR"},             true },
        {{.match = "sensor-*"},           true },
        {{.match = "ensor-*"},            false},
        {{.match = "198.51"},             true },
        {{.match = "10.9.0.7"},           true },
        {{.match = "nobody"},             false},
        {{.down = true},                  false},
        {{.name = "x", .match = "fleet"}, false},
    };

    (void)state;
    add_device(7);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(peer_passes(&peers.v[0], &cases[i].filter), cases[i].passes);
}

static void numbers_in_names_sort_as_numbers(void **state)
{
    static const struct {
        const char *by;
        unsigned first;
    } cases[] = {
        {"name",     9 },
        {"identity", 9 },
        {"address",  9 },
        {"since",    9 },
        {"bytes",    11},
        {"drops",    9 },
    };

    (void)state;
    for (unsigned i = 11; i >= 9; i--)
        add_device(i);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(peers_sort(&peers, cases[i].by));
        assert_int_equal(peers.v[0].id, cases[i].first);
        assert_int_equal(peers.v[1].id, 10);
    }
    assert_false(peers_sort(&peers, "colour"));
}

static void two_hundred_devices_are_two_hundred_lines(void **state)
{
    unsigned lines = 0;
    char *text;

    (void)state;
    for (unsigned i = 1; i <= 200; i++)
        add_device(i);
    assert_true(peers_sort(&peers, "name"));
    text = printed(print_table);
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 201);
    free(text);
}

#define PEERS_TEST(f) cmocka_unit_test_teardown(f, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PEERS_TEST(an_sa_and_its_children_are_one_line),
        PEERS_TEST(states_are_those_that_people_ask_about),
        PEERS_TEST(a_connection_is_a_peer_when_it_names_one),
        PEERS_TEST(people_find_whom_they_ask_for),
        PEERS_TEST(numbers_in_names_sort_as_numbers),
        PEERS_TEST(two_hundred_devices_are_two_hundred_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
