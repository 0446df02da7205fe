/* VICI's packets and messages: known octets, refusals, round trips.
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

#include "vici/vici_codec.h"

#define OCTETS(a) span(a, sizeof(a))

/* A request of every element kind. */
static const uint8_t request[] = {
    0, 4, 'p', 'i', 'n', 'g',                                             /* CMD_REQUEST */
    3, 4, 'k', 'e', 'y', '1', 0,   6,   'v', 'a', 'l', 'u', 'e', '1',     /* key1 = value1 */
    1, 8, 's', 'e', 'c', 't', 'i', 'o', 'n', '1',                         /* section1 { */
    1, 3, 's', 'u', 'b', 3,   4,   'k', 'e', 'y', '2', 0,   1,   0xff, 2, /* sub { key2 } */
    4, 5, 'l', 'i', 's', 't', '1', 5,   0,   2,   'i', '1', 5,   0,    0,
    6, /* list1 [ i1, "" ] */
    2, /* } */
};

static struct node *request_tree(void)
{
    struct node *root = tree_new(), *section, *list;

    tree_add_value(root, "key1", "value1");
    section = tree_add_section(root, "section1");
    tree_add_bytes(tree_add_section(section, "sub"), "key2", "\xff", 1);
    list = tree_add_list(section, "list1");
    tree_add_item(list, "i1");
    tree_add_item(list, "");
    return root;
}

static void a_request_is_written_as_the_protocol_says(void **state)
{
    struct node *root = request_tree();
    uint8_t out[sizeof(request) + VICI_LENGTH];
    struct wr w = wr_init(out, sizeof(out));

    (void)state;
    assert_int_equal(vici_encoded_size(VICI_CMD_REQUEST, "ping", root), sizeof(out));
    assert_true(vici_encode(&w, VICI_CMD_REQUEST, "ping", root));
    assert_memory_equal(out, ((uint8_t[]){0, 0, 0, sizeof(request)}), VICI_LENGTH);
    assert_memory_equal(out + VICI_LENGTH, request, sizeof(request));
    tree_free(root);
}

static void a_request_is_read_into_the_tree_it_means(void **state)
{
    struct node *expected = request_tree();
    struct vici_packet p;

    (void)state;
    assert_true(vici_decode(&p, OCTETS(request)));
    assert_int_equal(p.type, VICI_CMD_REQUEST);
    assert_string_equal(p.name, "ping");
    assert_true(tree_equal(p.message, expected));
    tree_free(p.message);
    tree_free(expected);
}

/* A message may end between two elements of its root, and nowhere else. */
static void every_prefix_that_cuts_an_element_or_leaves_one_open_is_refused(void **state)
{
    struct vici_packet p;

    (void)state;
    for (size_t n = 0; n < sizeof(request); n++) {
        uint8_t *copy = malloc(n + 1); /* its own block: reading past it would be seen */
        bool whole = n == 6 || n == 20;

        memcpy(copy, request, n);
        assert_int_equal(vici_decode(&p, span(copy, n)), whole);
        if (whole)
            tree_free(p.message);
        free(copy);
    }
}

static void packets_without_message_are_five_octets_or_carry_a_name(void **state)
{
    static const uint8_t confirm[] = {0, 0, 0, 1, 5}, reg[] = {0, 0, 0, 5, 3, 3, 'l', 'o', 'g'};
    uint8_t out[16];
    struct wr w = wr_init(out, sizeof(out));
    struct vici_packet p;

    (void)state;
    assert_true(vici_encode(&w, VICI_EVENT_CONFIRM, NULL, NULL));
    assert_int_equal(w.n, sizeof(confirm));
    assert_memory_equal(out, confirm, sizeof(confirm));
    w = wr_init(out, sizeof(out));
    assert_true(vici_encode(&w, VICI_EVENT_REGISTER, "log", NULL));
    assert_memory_equal(out, reg, sizeof(reg));
    assert_true(vici_decode(&p, span(reg + VICI_LENGTH, sizeof(reg) - VICI_LENGTH)));
    assert_int_equal(p.type, VICI_EVENT_REGISTER);
    assert_string_equal(p.name, "log");
    assert_null(p.message);
}

static const struct {
    const char *what;
    struct cv_span octets;
} malformed[] = {
#define BAD(what, ...)                                                                         \
    {                                                                                          \
        what,                                                                                  \
        {                                                                                      \
            (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})                   \
        }                                                                                      \
    }
    BAD("a type beyond the last", 8),
    BAD("a registration with octets behind its name", 3, 1, 'x', 0),
    BAD("a confirmation with a message", 5, 3, 1, 'k', 0, 0),
    BAD("an element of kind 0", 1, 0),
    BAD("an element of kind 7", 1, 7),
    BAD("a section's end without its start", 1, 2),
    BAD("a list's end without its start", 1, 6),
    BAD("a section ended as a list", 1, 1, 1, 's', 6),
    BAD("a list ended as a section", 1, 4, 1, 'l', 2),
    BAD("an item outside a list", 1, 5, 0, 1, 'x'),
    BAD("a value inside a list", 1, 4, 1, 'l', 3, 1, 'k', 0, 0, 6),
    BAD("a section inside a list", 1, 4, 1, 'l', 1, 1, 's', 2, 6),
    BAD("a list inside a list", 1, 4, 1, 'l', 4, 1, 'm', 6, 6),
    BAD("a key without a name", 1, 3, 0, 0, 1, 'x'),
    BAD("a name with a NUL", 1, 3, 2, 'a', 0, 0, 0),
    BAD("a name with a control character", 1, 1, 1, 27, 2),
    BAD("two values of one name", 1, 3, 1, 'k', 0, 0, 3, 1, 'k', 0, 0),
    BAD("a value and a section of one name", 1, 3, 1, 'k', 0, 0, 1, 1, 'k', 2),
#undef BAD
};

static void malformed_packets_are_refused(void **state)
{
    struct vici_packet p;

    (void)state;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        if (vici_decode(&p, malformed[i].octets))
            fail_msg("accepted %s", malformed[i].what);
}

static void a_section_may_have_an_empty_name(void **state)
{
    static const uint8_t octets[] = {1, 1, 0, 2};
    struct vici_packet p;

    (void)state;
    assert_true(vici_decode(&p, OCTETS(octets)));
    assert_non_null(tree_find(p.message, ""));
    tree_free(p.message);
}

/* depth sections inside each other */
static bool nests(unsigned depth)
{
    uint8_t octets[1 + 4 * (VICI_DEPTH_MAX + 1)] = {VICI_CMD_RESPONSE};
    struct vici_packet p;

    for (unsigned i = 0; i < depth; i++) {
        memcpy(octets + 1 + 3 * i, (uint8_t[]){1, 1, 's'}, 3);
        octets[1 + 3 * depth + i] = 2;
    }
    if (!vici_decode(&p, span(octets, 1 + 4 * depth)))
        return false;
    tree_free(p.message);
    return true;
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    assert_true(nests(1));
    assert_true(nests(VICI_DEPTH_MAX));
    assert_false(nests(VICI_DEPTH_MAX + 1));
}

static void the_number_of_elements_is_bounded(void **state)
{
    size_t n = 4 + 3 * (size_t)VICI_ELEMENTS_MAX;
    uint8_t *octets = calloc(1, n + 1);
    struct vici_packet p;

    (void)state;
    memcpy(octets, (uint8_t[]){VICI_CMD_RESPONSE, 4, 1, 'l'}, 4);
    for (size_t i = 4; i < n; i += 3)
        octets[i] = 5;
    octets[n] = 6;
    assert_false(vici_decode(&p, span(octets, n + 1)));
    free(octets);
}

static void what_does_not_fit_its_length_field_is_not_written(void **state)
{
    char *big = calloc(1, 70000);
    struct node *root = tree_new();
    uint8_t *out = malloc(80000);
    struct wr w = wr_init(out, 80000);

    (void)state;
    tree_add_bytes(root, "k", big, 65535);
    assert_true(vici_encode(&w, VICI_CMD_RESPONSE, NULL, root));
    tree_free(root);
    root = tree_new();
    tree_add_bytes(root, "k", big, 65536);
    w = wr_init(out, 80000);
    assert_false(vici_encode(&w, VICI_CMD_RESPONSE, NULL, root));
    tree_free(root);
    root = tree_new();
    memset(big, 'n', 256);
    tree_add_value(root, big, "");
    w = wr_init(out, 80000);
    assert_false(vici_encode(&w, VICI_CMD_RESPONSE, NULL, root));
    tree_free(root);
    free(big);
    free(out);
}

/* ---- round trips -------------------------------------------------------------- */

static uint64_t seed;

static unsigned pick(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static void random_bytes(struct node *at, const char *name)
{
    uint8_t value[40];
    size_t n = pick(sizeof(value) + 1);

    for (size_t i = 0; i < n; i++)
        value[i] = (uint8_t)pick(256);
    if (name != NULL)
        tree_add_bytes(at, name, value, n);
    else
        tree_add_item_bytes(at, value, n);
}

static struct node *random_tree(void)
{
    struct node *root = tree_new(), *at = root;
    unsigned depth = 0;
    char name[32];

    for (unsigned i = 0, n = pick(60); i < n; i++) {
        snprintf(name, sizeof(name), "%c%u", 'a' + (int)pick(26), i);
        switch (pick(4)) {
        case 0:
            if (depth < VICI_DEPTH_MAX) {
                at = tree_add_section(at, name);
                depth++;
            }
            break;
        case 1:
            if (at->parent != NULL) {
                at = at->parent;
                depth--;
            }
            break;
        case 2:
            random_bytes(at, name);
            break;
        default: {
            struct node *list = tree_add_list(at, name);

            for (unsigned k = pick(5); k > 0; k--)
                random_bytes(list, NULL);
        }
        }
    }
    return root;
}

static void what_is_written_reads_back_the_same(void **state)
{
    (void)state;
    for (seed = 1; seed < 300; seed++) {
        uint64_t start = seed;
        struct node *root = random_tree();
        size_t n = vici_encoded_size(VICI_EVENT, "list-sa", root);
        uint8_t *out = malloc(n);
        struct wr w = wr_init(out, n);
        struct vici_packet p;

        if (!vici_encode(&w, VICI_EVENT, "list-sa", root) || w.n != n ||
            !vici_decode(&p, span(out + VICI_LENGTH, n - VICI_LENGTH)) ||
            strcmp(p.name, "list-sa") != 0 || !tree_equal(root, p.message))
            fail_msg("seed %lu", (unsigned long)start);
        tree_free(p.message);
        tree_free(root);
        free(out);
        seed = start;
    }
}

/* Any octet may be anything: decoding ends, and what is accepted can be written again. */
static void changed_octets_do_no_harm(void **state)
{
    (void)state;
    seed = 7;
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t copy[sizeof(request)];
        struct vici_packet p;

        memcpy(copy, request, sizeof(copy));
        for (unsigned k = 1 + pick(3); k > 0; k--)
            copy[pick(sizeof(copy))] = (uint8_t)pick(256);
        if (!vici_decode(&p, OCTETS(copy)))
            continue;
        assert_in_range(vici_encoded_size(p.type, p.name, p.message), VICI_LENGTH + 1,
                        VICI_LENGTH + sizeof(copy));
        tree_free(p.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_written_as_the_protocol_says),
        cmocka_unit_test(a_request_is_read_into_the_tree_it_means),
        cmocka_unit_test(every_prefix_that_cuts_an_element_or_leaves_one_open_is_refused),
        cmocka_unit_test(packets_without_message_are_five_octets_or_carry_a_name),
        cmocka_unit_test(malformed_packets_are_refused),
        cmocka_unit_test(a_section_may_have_an_empty_name),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(the_number_of_elements_is_bounded),
        cmocka_unit_test(what_does_not_fit_its_length_field_is_not_written),
        cmocka_unit_test(what_is_written_reads_back_the_same),
        cmocka_unit_test(changed_octets_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
