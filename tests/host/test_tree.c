/* The configuration tree and the syntax of its files.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kit/suggest.h"
#include "kit/tree.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct problem why;

/* why: the first error. */
static struct node *keep_first(struct node *root, struct problems *found)
{
    why = (struct problem){.text = ""};
    if (found->errors > 0)
        why = *problems_first_error(found);
    problems_free(found);
    return root;
}

static struct node *read_octets(const char *text, size_t n)
{
    struct problems found = {0};

    return keep_first(tree_read_text(text, n, "t.conf", &found), &found);
}

static struct node *read_text(const char *text)
{
    return read_octets(text, strlen(text));
}

/* A tree as one line, for comparing. */
static void show(char *out, size_t n, const struct node *section)
{
    for (const struct node *m = section->first; m != NULL; m = m->next) {
        size_t used = strlen(out);

        if (m->kind == NODE_VALUE) {
            snprintf(out + used, n - used, "%s=%s;", m->name, m->value);
            continue;
        }
        snprintf(out + used, n - used, "%s{", m->name);
        show(out, n, m);
        used = strlen(out);
        snprintf(out + used, n - used, "}");
    }
}

static void assert_reads(const char *text, const char *expected)
{
    char got[1024] = "";
    struct node *root = read_text(text);

    if (root == NULL)
        fail_msg("%s: %s", text, why.text);
    show(got, sizeof(got), root);
    assert_string_equal(got, expected);
    tree_free(root);
}

static void values_sections_and_comments_are_read(void **state)
{
    static const struct {
        const char *text, *tree;
    } cases[] = {
        {"",                                ""                     },
        {"# nothing\n",                     ""                     },
        {"a = b",                           "a=b;"                 },
        {"a=b\n",                           "a=b;"                 },
        {"a = b c   d # e\n",               "a=b c d;"             },
        {"a =\nb = 1\n",                    "a=;b=1;"              },
        {"a = \"b  c\"\n",                  "a=b  c;"              },
        {"a = \"b#}\" c\n",                 "a=b#} c;"             },
        {"a = \"x\\ty\\\"z\\\\\\n\"\n",     "a=x\ty\"z\\\n;"       },
        {"a = \"b\\\n  c\"\n",              "a=b  c;"              },
        {"a = \"b\nc\"\n",                  "a=b\nc;"              },
        {"s { }",                           "s{}"                  },
        {"s { a = b }\n",                   "s{a=b;}"              },
        {"s\n{\n a = b\n}\n",               "s{a=b;}"              },
        {"s # why\n{ a = b }",              "s{a=b;}"              },
        {"s {a=b\n t{c=d}\n}u{}",           "s{a=b;t{c=d;}}u{}"    },
        {"a = b\r\ns {\r\n c = d\r\n}\r\n", "a=b;s{c=d;}"          },
        {"vpn.example.com { a = 1 }",       "vpn.example.com{a=1;}"},
        {"dn = C=CH, O=x, CN=*\n",          "dn=C=CH, O=x, CN=*;"  },
        {"include = 1\n",                   "include=1;"           },
        {"include { a = 1 }",               "include{a=1;}"        },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_reads(cases[i].text, cases[i].tree);
}

static void a_repeated_section_is_extended_and_a_repeated_key_replaced(void **state)
{
    (void)state;
    assert_reads("s { a = 1\n b = 2 }\ns { b = 3\n c = 4 }", "s{a=1;b=3;c=4;}");
}

static void a_section_inherits_what_it_lacks_from_its_bases(void **state)
{
    /* clang-format off */
    static const struct {
        const char *text, *tree;
    } cases[] = {
        {"b { x = 1\n y = 2 }\na : b { x = 3 }", "b{x=1;y=2;}a{x=3;y=2;}"},
        {"a : b { x = 3 }\nb { x = 1\n y = 2 }", "a{x=3;y=2;}b{x=1;y=2;}"},
        {"b { s { x = 1 } }\na : b { s { y = 2 } }", "b{s{x=1;}}a{s{y=2;x=1;}}"},
        {"a : b, c {}\nb : d {}\nc { x = 2 }\nd { x = 1 }",
         "a{x=1;}b{x=1;}c{x=2;}d{x=1;}"},
        {"a : k.s {}\nk : c { s { } }\nc { s { x = 1 } }", "a{x=1;}k{s{x=1;}}c{s{x=1;}}"},
        {"a : b, c { }\nb { x = 1 }\nc { x = 2\n y = 3 }", "a{x=1;y=3;}b{x=1;}c{x=2;y=3;}"},
        {"a : b {}\nb : c {}\nc { x = 1 }", "a{x=1;}b{x=1;}c{x=1;}"},
        {"k { a { x = 1 }\n b : k.a { } }", "k{a{x=1;}b{x=1;}}"},
        {"a : b { x = \n }\nb { x = 1 }", "a{x=;}b{x=1;}"},
        {"k { v.w { x = 1 } }\na : k.v.w {}", "k{v.w{x=1;}}a{x=1;}"},
        {"a : b { s : c { } }\nb { s { x = 1 } }\nc { x = 2 }", "a{s{x=2;}}b{s{x=1;}}c{x=2;}"},
        {"a : b { }\nb { s : c { } }\nc { x = 2 }", "a{s{x=2;}}b{s{x=2;}}c{x=2;}"},
        {"a : b.s { }\nb : c { }\nc { s { x = 1 } }", "a{x=1;}b{s{x=1;}}c{s{x=1;}}"},
        {"a : b {}\na : c {}\nb { x=1\n }\nc { x=2\n y=3\n }", "a{x=1;y=3;}b{x=1;}c{x=2;y=3;}"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_reads(cases[i].text, cases[i].tree);
}

static void an_inherited_node_knows_where_it_was_written(void **state)
{
    struct node *root = read_text("base {\n x = 1\n}\n\na : base {\n}\n");
    struct node *x = tree_find(tree_find(root, "a"), "x");

    (void)state;
    assert_int_equal(x->line, 2);
    assert_string_equal(x->file, "t.conf");
    assert_true(tree_find(root, "base")->base);
    assert_false(tree_find(root, "a")->base);
    problem_at(&why, x, "no %s", "good");
    assert_string_equal(why.text, "t.conf:2: a.x: no good");
    tree_free(root);
}

static void wrong_syntax_is_refused_with_file_and_line(void **state)
{
    /* clang-format off */
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"a", "t.conf:1: expected '=' or '{' after 'a'"},
        {"\n\na b = c\n", "t.conf:3: expected '=' or '{' after 'a'"},
        {"a = b\n}\n", "t.conf:2: '}' closes no section"},
        {"a {\n b = c\n", "t.conf:3: section 'a' of line 1 is not closed"},
        {"a {\n b {\n }\n", "t.conf:4: section 'a' of line 1 is not closed"},
        {"a = \"b\n\n", "t.conf:1: string is not closed with '\"'"},
        {"a = \"b\\", "t.conf:1: string is not closed with '\"'"},
        {"= b\n", "t.conf:1: expected a name, not '='"},
        {"{ }\n", "t.conf:1: expected a name, not '{'"},
        {"\"a\" = b\n", "t.conf:1: expected a name, not '\"'"},
        {"a { }\na = 1\n", "t.conf:2: 'a' is a section in line 1 already, not a key"},
        {"a = 1\na { }\n", "t.conf:2: 'a' is a key in line 1 already, not a section"},
        {"a : { }\n", "t.conf:1: expected the name of a section that 'a' is based on"},
        {"a : b, { }\n", "t.conf:1: expected the name of a section that 'a' is based on"},
        {"a : b = 1\n", "t.conf:1: expected '{' to begin section 'a'"},
        {"\na : b { }\n", "t.conf:2: section 'a' is based on 'b', which does not exist"},
        {"a : a { }\n", "t.conf:1: section 'a' is based on 'a', which is based on it in turn"},
        {"a : b {}\nb : a {}\n",
         "t.conf:1: section 'a' is based on 'b', which is based on it in turn"},
        {"a { b : a { } }\n",
         "t.conf:1: section 'b' is based on 'a', which is based on it in turn"},
        {"a : a.b { b { } }\n",
         "t.conf:1: section 'a' is based on 'a.b', which is based on it in turn"},
        {"include \n", "t.conf:1: expected a file name after 'include'"},
        {"include /no/such/f\n", "t.conf:1: cannot include '/no/such/f': no such file"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_null(read_text(cases[i].text));
        assert_string_equal(why.text, cases[i].problem);
    }
    assert_null(read_octets("a\0b", 3));
    assert_string_equal(why.text, "t.conf:1: not a text file");
}

/* Real files took up to six starts when each showed one error. */
static void all_errors_of_a_file_are_found_at_once(void **state)
{
    static const char text[] = "a {\n"
                               "  b 10.0.0.1\n"
                               "  = 2\n"
                               "  include /no/such/f\n"
                               "  c = 1\n"
                               "  c { d = 2 }\n"
                               "}\n"
                               "}\n"
                               "e = \"open\n";
    static const char *const want[] = {
        "t.conf:2: expected '=' or '{' after 'b'",
        "t.conf:3: expected a name, not '='",
        "t.conf:4: cannot include '/no/such/f': no such file",
        "t.conf:6: 'c' is a key in line 5 already, not a section",
        "t.conf:8: '}' closes no section",
        "t.conf:9: string is not closed with '\"'",
    };
    struct problems found = {0};

    (void)state;
    assert_null(tree_read_text(text, sizeof(text) - 1, "t.conf", &found));
    assert_int_equal(found.n, COUNT(want));
    for (size_t i = 0; i < COUNT(want); i++) {
        assert_true(found.v[i].is_error);
        assert_string_equal(found.v[i].problem.text, want[i]);
        assert_int_equal(found.v[i].problem.line, want[i][7] - '0');
        assert_int_equal(found.v[i].problem.file_n, 6);
    }
    problems_free(&found);
}

static void bases_that_do_not_exist_are_all_named(void **state)
{
    static const char text[] = "a : x { }\nb : y, a { }\n";
    struct problems found = {0};

    (void)state;
    assert_null(tree_read_text(text, sizeof(text) - 1, "t.conf", &found));
    assert_int_equal(found.n, 2);
    assert_string_equal(found.v[0].problem.text,
                        "t.conf:1: section 'a' is based on 'x', which does not exist");
    assert_string_equal(found.v[1].problem.text,
                        "t.conf:2: section 'b' is based on 'y', which does not exist");
    problems_free(&found);
}

static void a_byte_order_mark_is_no_part_of_the_first_name(void **state)
{
    (void)state;
    assert_reads("\xef\xbb\xbf"
                 "a = 1",
                 "a=1;");
}

static void sections_may_not_be_nested_without_end(void **state)
{
    char text[100 * 4] = "";

    (void)state;
    for (int i = 0; i < 99; i++)
        strcat(text, "a{");
    assert_null(read_text(text));
    assert_string_equal(why.text, "t.conf:1: more than 16 sections inside each other");
}

static void references_may_not_make_a_tree_of_any_size(void **state)
{
    char text[4096] = "s0 { a = 1\n b = 2\n c = 3\n d = 4\n }\n";

    (void)state;
    for (int i = 1; i < 15; i++) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof(text) - used,
                 "s%d { a : s%d {}\n b : s%d {}\n c : s%d {}\n d : s%d {}\n }\n", i, i - 1,
                 i - 1, i - 1, i - 1);
    }
    assert_null(read_text(text));
    assert_non_null(strstr(why.text, "references make more than"));
}

/* ---- files ---- */

static char dir[] = "/tmp/culvert-tree-XXXXXX";

static void put_file(const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static struct node *read_file(const char *name)
{
    struct problems found = {0};
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return keep_first(tree_read_file(path, &found), &found);
}

static int make_dir(void **state)
{
    char path[256];

    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/d", dir);
    return mkdir(path, 0700);
}

static int drop_dir(void **state)
{
    char cmd[256];

    (void)state;
    snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
    return system(cmd);
}

static void includes_are_relative_to_the_file_and_read_into_the_section(void **state)
{
    char got[512] = "";
    struct node *root;

    (void)state;
    put_file("main.conf", "s {\n x = 1\n include d/*.conf\n}\ninclude \"d/b.conf\"\ny = 2 \n");
    put_file("d/a.conf", "x = 2\nt { include more }\n");
    put_file("d/b.conf", "z = 3\n");
    put_file("d/more", "w = 4");
    root = read_file("main.conf");
    assert_non_null(root);
    show(got, sizeof(got), root);
    assert_string_equal(got, "s{x=2;t{w=4;}z=3;}z=3;y=2;");
    assert_non_null(strstr(tree_find(tree_find(root, "s"), "z")->file, "/d/b.conf"));
    tree_free(root);
}

static void an_include_pattern_that_matches_nothing_is_no_error(void **state)
{
    struct node *root;

    (void)state;
    put_file("main.conf", "include nothing/*.conf\n");
    root = read_file("main.conf");
    assert_non_null(root);
    assert_null(root->first);
    tree_free(root);
}

static void an_error_in_an_included_file_names_that_file(void **state)
{
    (void)state;
    put_file("main.conf", "s {\n include d/bad\n}\n");
    put_file("d/bad", "x = 1\n}\n");
    assert_null(read_file("main.conf"));
    assert_non_null(strstr(why.text, "/d/bad:2: '}' closes no section"));
    put_file("d/bad", "x {\n");
    assert_null(read_file("main.conf"));
    assert_non_null(strstr(why.text, "/d/bad:2: section 'x' of line 1 is not closed"));
}

static void a_file_that_includes_itself_is_refused(void **state)
{
    (void)state;
    put_file("main.conf", "include main.conf\n");
    assert_null(read_file("main.conf"));
    assert_non_null(strstr(why.text, "files include each other more than 10 levels deep"));
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    assert_null(read_file("absent.conf"));
    assert_non_null(strstr(why.text, "/absent.conf: cannot read: No such file or directory"));
    assert_null(read_file("d"));
    assert_non_null(strstr(why.text, "cannot read: Is a directory"));
}

/* ---- trees ---- */

static void every_prefix_of_a_file_is_read_or_refused_cleanly(void **state)
{
    const char *text = "a = \"b\\n\"\ns : t, u {\n x = y # c\n}\nt { include /no*\n}\nu {}\n";

    (void)state;
    for (size_t n = 0; n <= strlen(text); n++)
        tree_free(read_octets(text, n));
}

static void a_copy_is_equal_and_lives_on_its_own(void **state)
{
    struct node *root = read_text("s { a = 1\n t { b = 2 }\n u { }\n c = 3 }");
    struct node *s = tree_find(root, "s"), *copy;

    (void)state;
    tree_add_item(tree_add_list(s, "l"), "one");
    tree_add_item_bytes(tree_find(s, "l"), "t\0o", 3);
    copy = tree_copy(s);
    assert_true(tree_equal(s, copy));
    tree_set_value(tree_find(tree_find(s, "t"), "b"), "9", 1);
    assert_false(tree_equal(s, copy));
    tree_free(root);
    assert_string_equal(copy->name, "s");
    assert_string_equal(copy->first->file, "t.conf");
    assert_int_equal(tree_find(copy, "l")->last->value_len, 3);
    tree_free(copy);
}

static void trees_that_differ_anywhere_are_not_equal(void **state)
{
    static const char *const texts[] = {
        "s { a = 1\n t { b = 2 } }",
        "s { a = 1\n t { b = 3 } }",
        "s { a = 1\n t { c = 2 } }",
        "s { a = 1\n t { b = 2\n c = 3 } }",
        "s { a = 1\n t { } }",
        "s { t { b = 2 }\n a = 1 }",
        "s { a = 1\n t { b = 2 }\n d = 4 }",
        "s { }",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct node *a = read_text(texts[i]);

        for (size_t j = 0; j < COUNT(texts); j++) {
            struct node *b = read_text(texts[j]);

            assert_int_equal(tree_equal(a->first, b->first), i == j);
            tree_free(b);
        }
        tree_free(a);
    }
}

static void a_member_is_found_among_a_hundred_thousand(void **state)
{
    struct node *root = tree_new();
    char name[32];

    (void)state;
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof(name), "site-%d", i);
        tree_add_valuef(root, name, "%d", i);
    }
    for (int i = 0; i < 100000; i += 7) {
        snprintf(name, sizeof(name), "site-%d", i);
        assert_int_equal(atoi(tree_get(root, name, "-1")), i);
    }
    assert_null(tree_find(root, "site-100000"));
    tree_add_value(root, "site-7", "the second");
    assert_string_equal(tree_get(root, "site-7", ""), "7");
    tree_free(root);
}

static void the_nearest_word_is_suggested_and_a_far_one_is_not(void **state)
{
    static const char *const known[] = {"remote_addrs", "local_addrs", "version", "vips",
                                        "dpd_delay"};
    static const struct {
        const char *word, *best;
    } cases[] = {
        {"remote_adrs", "remote_addrs"},
        {"local_addr",  "local_addrs" },
        {"vesrion",     "version"     },
        {"vip",         "vips"        },
        {"dpddelay",    "dpd_delay"   },
        {"banana",      NULL          },
        {"",            NULL          },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct suggest s = suggest_init(cases[i].word);

        for (size_t k = 0; k < COUNT(known); k++)
            suggest_try(&s, known[k]);
        if (cases[i].best == NULL)
            assert_null(s.best);
        else
            assert_string_equal(s.best, cases[i].best);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_sections_and_comments_are_read),
        cmocka_unit_test(a_repeated_section_is_extended_and_a_repeated_key_replaced),
        cmocka_unit_test(a_section_inherits_what_it_lacks_from_its_bases),
        cmocka_unit_test(an_inherited_node_knows_where_it_was_written),
        cmocka_unit_test(wrong_syntax_is_refused_with_file_and_line),
        cmocka_unit_test(all_errors_of_a_file_are_found_at_once),
        cmocka_unit_test(bases_that_do_not_exist_are_all_named),
        cmocka_unit_test(a_byte_order_mark_is_no_part_of_the_first_name),
        cmocka_unit_test(sections_may_not_be_nested_without_end),
        cmocka_unit_test(references_may_not_make_a_tree_of_any_size),
        cmocka_unit_test(includes_are_relative_to_the_file_and_read_into_the_section),
        cmocka_unit_test(an_include_pattern_that_matches_nothing_is_no_error),
        cmocka_unit_test(an_error_in_an_included_file_names_that_file),
        cmocka_unit_test(a_file_that_includes_itself_is_refused),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(every_prefix_of_a_file_is_read_or_refused_cleanly),
        cmocka_unit_test(a_copy_is_equal_and_lives_on_its_own),
        cmocka_unit_test(trees_that_differ_anywhere_are_not_equal),
        cmocka_unit_test(a_member_is_found_among_a_hundred_thousand),
        cmocka_unit_test(the_nearest_word_is_suggested_and_a_far_one_is_not),
    };

    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
