/* kit/json_read.c: JSON that others send, and config/fleet_conf.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/span.h"
#include "config/fleet_conf.h"
#include "kit/json_read.h"

static const char whole[] =
    "{\"a\" : \"x\\n\\u00e9\\ud83d\\ude00\\\"\", \"b\":[1, -2.5e3,\"y\"],\n"
    "\"c\":{\"d\":true,\"e\":{}}, \"f\":null,\"g\":[]}";

static void an_object_becomes_a_tree(void **state)
{
    struct problem why;
    struct node *j = json_read(span(whole, strlen(whole)), &why);
    const struct node *b;

    (void)state;
    assert_non_null(j);
    assert_string_equal(tree_get(j, "a", ""), "x\n\xc3\xa9\xf0\x9f\x98\x80\"");
    b = tree_find(j, "b");
    assert_int_equal(b->kind, NODE_LIST);
    assert_string_equal(b->first->value, "1");
    assert_string_equal(b->first->next->value, "-2.5e3");
    assert_string_equal(b->last->value, "y");
    assert_string_equal(tree_get(tree_find(j, "c"), "d", ""), "true");
    assert_int_equal(tree_find(tree_find(j, "c"), "e")->kind, NODE_SECTION);
    assert_string_equal(tree_get(j, "f", "?"), "");
    assert_null(tree_find(j, "g")->first);
    tree_free(j);
}

static void every_prefix_is_refused_and_so_is_what_follows(void **state)
{
    char longer[sizeof(whole) + 1];
    struct problem why;

    (void)state;
    for (size_t n = 0; n < strlen(whole); n++)
        assert_null(json_read(span(whole, n), &why));
    snprintf(longer, sizeof(longer), "%sx", whole);
    assert_null(json_read(span(longer, strlen(longer)), &why));
    assert_non_null(strstr(why.text, "something follows"));
}

static void what_is_no_json_is_refused_with_a_reason(void **state)
{
    static const char *const bad[][2] = {
        {"[1]",                                                                "expected an object" },
        {"{\"a\":1,}",                                                         "expected a name"    },
        {"{,\"a\":1}",                                                         "expected a name"    },
        {"{\"a\":1 \"b\":2}",                                                  "expected ','"       },
        {"{\"a\":[1,,2]}",                                                     "expected a value"   },
        {"{\"a\":[1,]}",                                                       "expected a value"   },
        {"{\"a\":[{}]}",                                                       "a list holds values"},
        {"{\"a\":[[1]]}",                                                      "a list holds values"},
        {"{\"a\":1,\"a\":2}",                                                  "occurs twice"       },
        {"{\"a\":\"\\u0000\"}",                                                "no such character"  },
        {"{\"a\":\"\\ud800\"}",                                                "surrogate"          },
        {"{\"a\":\"\\udc00\"}",                                                "no such character"  },
        {"{\"a\":\"\\x\"}",                                                    "no such escape"     },
        {"{\"a\":\"x\ny\"}",                                                   "control character"  },
        {"{\"a\":nul}",                                                        "expected a value"   },
        {"{\"a\":+1}",                                                         "expected a value"   },
        {"{a:1}",                                                              "expected a name"    },
        {"{\"a\":1]",                                                          "expected ','"       },
        {"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}",
         "too many objects"                                                                         },
    };
    struct problem why;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct node *j = json_read(span(bad[i][0], strlen(bad[i][0])), &why);

        if (j != NULL || strstr(why.text, bad[i][1]) == NULL)
            fail_msg("%s: %s", bad[i][0], j != NULL ? "is read" : why.text);
    }
}

static void there_is_a_limit_to_everything(void **state)
{
    static char text[5 * JSON_READ_VALUES + 16], many[] = "1,";
    size_t n = (size_t)sprintf(text, "{\"a\":[");
    struct problem why;

    (void)state;
    for (unsigned i = 0; i < JSON_READ_VALUES; i++)
        n += (size_t)sprintf(text + n, "%s", many);
    n += (size_t)sprintf(text + n, "1]}");
    assert_null(json_read(span(text, n), &why));
    assert_non_null(strstr(why.text, "too many values"));
    n = (size_t)sprintf(text, "{\"a\":\"");
    memset(text + n, 'x', 10000);
    n += 10000;
    n += (size_t)sprintf(text + n, "\"}");
    assert_null(json_read(span(text, n), &why));
    assert_non_null(strstr(why.text, "too long"));
}

/* ---- fleet.conf ---- */

static bool load(struct fleet_conf *c, const char *text, char reason[512])
{
    static char file[] = "/tmp/culvert-fleet-conf.XXXXXX";
    struct problems found = {0};
    int fd;
    bool good;

    strcpy(file + strlen(file) - 6, "XXXXXX");
    fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    good = fleet_conf_load(c, file, &found);
    unlink(file);
    snprintf(reason, 512, "%s", found.n > 0 ? found.v[0].problem.text : "");
    problems_free(&found);
    return good;
}

static void a_configuration_is_read_or_refused_with_its_place(void **state)
{
    struct fleet_conf c;
    char reason[512];

    (void)state;
    assert_true(
        load(&c,
             "fleet { certificate = a.pem\n key = /b.pem\n listen = [::1]:1, 127.0.0.1:2\n"
             "vici = none\n registry = postgresql://db/fleet\n metrics = open }",
             reason));
    assert_string_equal(c.listen[0], "[::1]:1");
    assert_string_equal(c.listen[1], "127.0.0.1:2");
    assert_null(c.listen[2]);
    assert_string_equal(c.certificate, "/tmp/a.pem");
    assert_string_equal(c.key, "/b.pem");
    assert_string_equal(c.registry, "postgresql://db/fleet");
    assert_null(c.vici);
    assert_true(c.metrics_open);
    assert_int_equal(c.threads, 4);
    fleet_conf_free(&c);
    assert_false(load(&c, "fleet { certificate = a.pem }", reason));
    assert_non_null(strstr(reason, "certificate and key must be given"));
    fleet_conf_free(&c);
    assert_false(load(&c, "fleet { certificate = a\n key = b\n therads = 5 }", reason));
    assert_non_null(strstr(reason, "threads"));
    fleet_conf_free(&c);
    assert_false(load(&c, "fleet { certificate = a\n key = b\n threads = 0 }", reason));
    fleet_conf_free(&c);
    assert_false(load(&c, "culvert { }", reason));
    fleet_conf_free(&c);
    assert_false(load(&c, "", reason));
    assert_non_null(strstr(reason, "no section fleet"));
    fleet_conf_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_becomes_a_tree),
        cmocka_unit_test(every_prefix_is_refused_and_so_is_what_follows),
        cmocka_unit_test(what_is_no_json_is_refused_with_a_reason),
        cmocka_unit_test(there_is_a_limit_to_everything),
        cmocka_unit_test(a_configuration_is_read_or_refused_with_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
