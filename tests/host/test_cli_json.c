/* The command's JSON: valid whatever a peer's identity holds, numbers where they are numbers.
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

/* The command is a program, not a library: its file is taken in whole. */
#include "src/kit/json.c"

static char *text;
static size_t text_len;

static struct json begin_json(void)
{
    return (struct json){.out = open_memstream(&text, &text_len), .compact = true};
}

static void assert_json(struct json *j, const char *expected)
{
    fclose(j->out);
    assert_string_equal(text, expected);
    free(text);
}

static void text_is_escaped(void **state)
{
    static const struct {
        const char *value, *json;
    } cases[] = {
        {"plain",              "\"plain\""                       },
        {"\"\\",               "\"\\\"\\\\\""                    },
        {"a\nb\x1b\x7f",       "\"a\\u000ab\\u001b\\u007f\""     },
        {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""          },
        {"\xff\xc3",           "\"\\ufffd\\ufffd\""              },
        {"\xc0\xaf",           "\"\\ufffd\\ufffd\""              },
        {"\xed\xa0\x80",       "\"\\ufffd\\ufffd\\ufffd\""       },
        {"\xf4\x90\x80\x80",   "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
        {"\xf0\x9f\x9a\xb0",   "\"\xf0\x9f\x9a\xb0\""            },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json j = begin_json();

        json_text(&j, NULL, cases[i].value);
        assert_json(&j, cases[i].json);
    }
}

static void octets_behind_a_nul_are_not_lost(void **state)
{
    struct json j = begin_json();

    (void)state;
    json_text_n(&j, NULL, "a\0b", 3);
    assert_json(&j, "\"a\\u0000b\"");
}

static void trees_become_objects_and_arrays(void **state)
{
    struct json j = begin_json();
    struct node *root = tree_new(), *section, *list;

    (void)state;
    section = tree_add_section(root, "s");
    tree_add_value(section, "k", "v");
    tree_add_section(section, "empty");
    list = tree_add_list(root, "l");
    tree_add_item(list, "1");
    tree_add_item(list, "");
    tree_add_list(root, "none");
    json_object(&j, NULL);
    json_members(&j, root);
    json_end_object(&j);
    assert_json(&j, "{\"s\":{\"k\":\"v\",\"empty\":{}},\"l\":[\"1\",\"\"],\"none\":[]}");
    tree_free(root);
}

/* The key decides: an identity that looks like a number is still text. */
static void numbers_and_flags_go_by_their_key(void **state)
{
    struct json j = begin_json();
    struct node *root = tree_new();

    (void)state;
    tree_add_value(root, "uniqueid", "17");
    tree_add_value(root, "local-id", "17");
    tree_add_value(root, "bytes-in", "0");
    tree_add_value(root, "reqid", "007");
    tree_add_value(root, "established", "soon");
    tree_add_value(root, "initiator", "yes");
    tree_add_value(root, "state", "yes");
    tree_add_value(tree_add_section(root, "errors"), "replay", "3");
    json_object(&j, NULL);
    json_members(&j, root);
    json_end_object(&j);
    assert_json(&j, "{\"uniqueid\":17,\"local-id\":\"17\",\"bytes-in\":0,\"reqid\":\"007\","
                    "\"established\":\"soon\",\"initiator\":true,\"state\":\"yes\","
                    "\"errors\":{\"replay\":3}}");
    tree_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(octets_behind_a_nul_are_not_lost),
        cmocka_unit_test(trees_become_objects_and_arrays),
        cmocka_unit_test(numbers_and_flags_go_by_their_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
