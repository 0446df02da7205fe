/* VICI's packets and messages.
 *
 * Invariant: a decoded tree obeys the limits in the header, its sections have unique, printable
 * member names, and its lists hold values only; so nobody behind the decoder checks again.
 * The walk over a tree follows its links and needs no stack, however deep the tree.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "vici/vici_codec.h"

#include <string.h>

enum element { SECTION_START = 1, SECTION_END, KEY_VALUE, LIST_START, LIST_ITEM, LIST_END };

static bool has_name(enum vici_type type)
{
    return type == VICI_CMD_REQUEST || type == VICI_EVENT_REGISTER ||
           type == VICI_EVENT_UNREGISTER || type == VICI_EVENT;
}

static bool has_message(enum vici_type type)
{
    return type == VICI_CMD_REQUEST || type == VICI_CMD_RESPONSE || type == VICI_EVENT;
}

/* ---- decoding ------------------------------------------------------------- */

struct decoder {
    struct rd r;
    struct node *at; /* the open section or list */
    unsigned depth;
    unsigned elements;
};

/* A name may be empty (get-counters calls the global section so) but holds no control
 * characters: they would end up on terminals. */
static void read_name(struct rd *r, char name[VICI_NAME_MAX + 1])
{
    struct cv_span s = rd_take(r, rd_u8(r));

    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] == 0x7f)
            rd_fail(r);
    if (!rd_ok(r))
        s.n = 0;
    if (s.n > 0)
        memcpy(name, s.p, s.n);
    name[s.n] = '\0';
}

/* May the open section get a member of that name? */
static bool is_free(const struct decoder *d, const char *name)
{
    return rd_ok(&d->r) && d->at->kind == NODE_SECTION && tree_find(d->at, name) == NULL;
}

static bool read_container(struct decoder *d, enum element kind)
{
    char name[VICI_NAME_MAX + 1];

    read_name(&d->r, name);
    if (!is_free(d, name))
        return false;
    if (kind == SECTION_START && ++d->depth > VICI_DEPTH_MAX)
        return false;
    d->at = kind == SECTION_START ? tree_add_section(d->at, name) : tree_add_list(d->at, name);
    return true;
}

static bool read_key_value(struct decoder *d)
{
    char name[VICI_NAME_MAX + 1];
    struct cv_span value;

    read_name(&d->r, name);
    value = rd_take(&d->r, rd_u16(&d->r));
    if (name[0] == '\0' || !is_free(d, name))
        return false;
    tree_add_bytes(d->at, name, value.p, value.n);
    return true;
}

static bool read_item(struct decoder *d)
{
    struct cv_span value = rd_take(&d->r, rd_u16(&d->r));

    if (!rd_ok(&d->r) || d->at->kind != NODE_LIST)
        return false;
    tree_add_item_bytes(d->at, value.p, value.n);
    return true;
}

static bool read_end(struct decoder *d, enum node_kind kind)
{
    if (d->at->kind != kind || d->at->parent == NULL)
        return false;
    if (kind == NODE_SECTION)
        d->depth--;
    d->at = d->at->parent;
    return true;
}

static bool read_element(struct decoder *d)
{
    enum element e = (enum element)rd_u8(&d->r);

    if (++d->elements > VICI_ELEMENTS_MAX)
        return false;
    switch (e) {
    case SECTION_START:
    case LIST_START:
        return read_container(d, e);
    case SECTION_END:
        return read_end(d, NODE_SECTION);
    case KEY_VALUE:
        return read_key_value(d);
    case LIST_ITEM:
        return read_item(d);
    case LIST_END:
        return read_end(d, NODE_LIST);
    }
    return false;
}

static struct node *read_message(struct cv_span octets)
{
    struct node *root = tree_new();
    struct decoder d = {.r = rd_init(octets), .at = root};
    bool good = true;

    while (good && rd_left(&d.r) > 0)
        good = read_element(&d);
    if (good && rd_done(&d.r) && d.at == root)
        return root;
    tree_free(root);
    return NULL;
}

bool vici_decode(struct vici_packet *out, struct cv_span octets)
{
    struct rd r = rd_init(octets);
    unsigned type = rd_u8(&r);

    *out = (struct vici_packet){.type = (enum vici_type)type};
    if (octets.n > VICI_PACKET_MAX || type > VICI_EVENT)
        return false;
    if (has_name(out->type))
        read_name(&r, out->name);
    if (!has_message(out->type))
        return rd_done(&r);
    if (!rd_ok(&r))
        return false;
    out->message = read_message(rd_rest(&r));
    return out->message != NULL;
}

/* ---- encoding ------------------------------------------------------------- */

/* The node after n in the order of writing, or NULL.  Marks the end of every section and list
 * that is left on the way, when w is given. */
static const struct node *walk(const struct node *root, const struct node *n, struct wr *w)
{
    if (n->first != NULL)
        return n->first;
    for (; n != root; n = n->parent) {
        if (n->kind != NODE_VALUE && w != NULL)
            wr_u8(w, n->kind == NODE_LIST ? LIST_END : SECTION_END);
        if (n->next != NULL)
            return n->next;
    }
    return NULL;
}

static size_t node_size(const struct node *n)
{
    size_t name = n->name != NULL ? 1 + strlen(n->name) : 0;

    return n->kind == NODE_VALUE ? 1 + name + 2 + n->value_len : 1 + name + 1;
}

size_t vici_encoded_size(enum vici_type type, const char *name, const struct node *message)
{
    size_t size = VICI_LENGTH + 1;

    if (has_name(type))
        size += 1 + strlen(name);
    if (!has_message(type) || message == NULL)
        return size;
    for (const struct node *n = walk(message, message, NULL); n != NULL;
         n = walk(message, n, NULL))
        size += node_size(n);
    return size;
}

static void write_name(struct wr *w, const char *name)
{
    size_t n = strlen(name);

    if (n > VICI_NAME_MAX)
        w->bad = true;
    wr_u8(w, (uint8_t)n);
    wr_copy(w, name, n);
}

static void write_node(struct wr *w, const struct node *n)
{
    static const uint8_t marks[] = {
        [NODE_SECTION] = SECTION_START, [NODE_VALUE] = KEY_VALUE, [NODE_LIST] = LIST_START};

    wr_u8(w, n->name != NULL ? marks[n->kind] : LIST_ITEM);
    if (n->name != NULL)
        write_name(w, n->name);
    if (n->kind != NODE_VALUE)
        return;
    if (n->value_len > UINT16_MAX)
        w->bad = true;
    wr_u16(w, (uint16_t)n->value_len);
    wr_copy(w, n->value, n->value_len);
}

bool vici_encode(struct wr *w, enum vici_type type, const char *name,
                 const struct node *message)
{
    size_t size = vici_encoded_size(type, name, message) - VICI_LENGTH;

    if (size > VICI_PACKET_MAX)
        return false;
    wr_u32(w, (uint32_t)size);
    wr_u8(w, (uint8_t)type);
    if (has_name(type))
        write_name(w, name);
    if (!has_message(type) || message == NULL)
        return wr_ok(w);
    for (const struct node *n = walk(message, message, w); n != NULL; n = walk(message, n, w))
        write_node(w, n);
    return wr_ok(w);
}
