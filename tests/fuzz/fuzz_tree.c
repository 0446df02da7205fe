/* Configuration text: strongswan.conf syntax into a tree.
 *
 * Text with both "include" and a slash is left alone: the reader would go and read
 * files of this machine.  Relative patterns lead nowhere, for the text's own name says
 * that it lies in a directory that does not exist.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "kit/tree.h"
#include "vici/vici_codec.h"

enum { TEXT_MAX = 4096, PACKET_MAX = 128 * 1024 };

static bool reads_files(const char *text, size_t n)
{
    static const char word[] = "include";
    bool found = false;

    for (size_t i = 0; i + sizeof(word) - 1 <= n && !found; i++)
        found = memcmp(text + i, word, sizeof(word) - 1) == 0;
    return found && memchr(text, '/', n) != NULL;
}

/* Names are unique, links lead both ways, values end where they say. */
static void check_section(const struct node *section)
{
    const struct node *last = NULL;

    for (const struct node *n = section->first; n != NULL; n = n->next) {
        FUZZ_CHECK(n->parent == section);
        FUZZ_CHECK(n->name != NULL && tree_find(section, n->name) == n);
        if (n->kind == NODE_VALUE)
            FUZZ_CHECK(n->value[n->value_len] == '\0');
        last = n;
    }
    FUZZ_CHECK(section->last == last);
}

/* Depth first, along the links. */
static void check_tree(const struct node *root)
{
    const struct node *n = root;

    while (n != NULL) {
        if (n->kind == NODE_SECTION)
            check_section(n);
        if (n->first != NULL) {
            n = n->first;
            continue;
        }
        while (n != root && n->next == NULL)
            n = n->parent;
        n = n == root ? NULL : n->next;
    }
}

/* What a tree says survives VICI, as far as VICI can say it. */
static void check_vici(const struct node *root)
{
    static uint8_t octets[PACKET_MAX];
    struct wr w = wr_init(octets, sizeof(octets));
    struct vici_packet packet;

    if (!vici_encode(&w, VICI_CMD_REQUEST, "load-conn", root))
        return;
    FUZZ_CHECK(w.n == vici_encoded_size(VICI_CMD_REQUEST, "load-conn", root));
    if (!vici_decode(&packet, span(octets + VICI_LENGTH, w.n - VICI_LENGTH)))
        return; /* deeper or with odder names than VICI takes */
    FUZZ_CHECK(tree_equal(packet.message, root));
    tree_free(packet.message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct problems found = {0};
    const char *text = (const char *)data;
    struct node *root, *copy;

    if (n > TEXT_MAX || reads_files(text, n))
        return 0;
    root = tree_read_text(text, n, "/nonexistent/fuzz.conf", &found);
    FUZZ_CHECK((root == NULL) == (found.errors > 0));
    problems_free(&found);
    if (root == NULL)
        return 0;
    check_tree(root);
    copy = tree_copy(root);
    check_tree(copy);
    FUZZ_CHECK(tree_equal(copy, root));
    check_vici(root);
    tree_free(copy);
    tree_free(root);
    return 0;
}
