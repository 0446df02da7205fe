/* A VICI packet: what is accepted keeps the protocol's limits and is written back the same.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/vici_codec.h"
#include "fuzz.h"

static void check_tree(const struct node *root)
{
    const struct node *n = root;
    unsigned depth = 0;

    while (n != NULL) {
        bool in_list = n->parent != NULL && n->parent->kind == NODE_LIST;

        FUZZ_CHECK(depth <= VICI_DEPTH_MAX + 1);
        FUZZ_CHECK((n->name == NULL) == (n == root || in_list));
        FUZZ_CHECK(!in_list || n->kind == NODE_VALUE);
        if (n->first != NULL) {
            n = n->first;
            depth++;
            continue;
        }
        while (n != NULL && n->next == NULL) {
            n = n->parent;
            depth--;
        }
        n = n != NULL ? n->next : NULL;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vici_packet p, again;
    uint8_t *octets;
    struct wr w;
    size_t size;

    if (!vici_decode(&p, span(data, n)))
        return 0;
    if (p.message != NULL)
        check_tree(p.message);
    size = vici_encoded_size(p.type, p.name, p.message);
    FUZZ_CHECK(size == VICI_LENGTH + n);
    octets = malloc(size);
    FUZZ_CHECK(octets != NULL);
    w = wr_init(octets, size);
    FUZZ_CHECK(vici_encode(&w, p.type, p.name, p.message));
    FUZZ_CHECK(memcmp(octets + VICI_LENGTH, data, n) == 0);
    FUZZ_CHECK(vici_decode(&again, span(octets + VICI_LENGTH, n)));
    FUZZ_CHECK(p.message == NULL || tree_equal(p.message, again.message));
    tree_free(p.message);
    tree_free(again.message);
    free(octets);
    return 0;
}
