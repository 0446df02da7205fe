/* What a client of the fleet's server sends and we read ourselves: JSON bodies, and the parts
 * of a target.  evhttp has read the message by then.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "http/inside.h"
#include "kit/json_read.h"

enum { OCTETS_MAX = 4096 };

/* Depth first: names are unique in their object, texts end where they say. */
static void check_tree(const struct node *root)
{
    unsigned depth = 0;

    for (const struct node *n = root; n != NULL;) {
        FUZZ_CHECK(depth <= JSON_READ_DEPTH);
        if (n->kind == NODE_VALUE)
            FUZZ_CHECK(strlen(n->value) == n->value_len);
        if (n->name != NULL)
            FUZZ_CHECK(tree_find(n->parent, n->name) == n);
        if (n->first != NULL) {
            n = n->first;
            depth++;
            continue;
        }
        while (n != root && n->next == NULL) {
            n = n->parent;
            depth--;
        }
        n = n == root ? NULL : n->next;
    }
}

static void check_body(const uint8_t *data, size_t n)
{
    struct problem why = {.text = ""};
    struct node *root = json_read(span(data, n), &why);

    FUZZ_CHECK((root == NULL) == (why.text[0] != '\0'));
    if (root != NULL)
        check_tree(root);
    tree_free(root);
}

static void on_route(void *ctx, const struct http_request *req, struct http_response *res)
{
    (void)ctx;
    for (unsigned i = 0; i < HTTP_WORDS_MAX; i++)
        FUZZ_CHECK(memchr(req->words[i], '\0', HTTP_WORD_MAX) != NULL);
    res->status = 204;
}

static const struct http_route routes[] = {
    {HTTP_GET, "/a/{}",       on_route},
    {HTTP_GET, "/a/{}/b/{}",  on_route},
    {HTTP_PUT, "/{}/{}/{}/x", on_route},
    {0,        NULL,          NULL    },
};

static void check_target(char *text)
{
    static const struct http_table table = {routes, NULL};
    const struct http_table *const tables[] = {&table, NULL};
    struct http_request req = {.method = HTTP_GET, .path = text, .query = ""};
    struct http_response res = {0};
    char *query = strchr(text, '?'), out[64];

    req.fields[req.n_fields++] = (struct http_field){"Cookie", text};
    if (http_cookie(&req, "a", out, sizeof(out)))
        FUZZ_CHECK(strlen(out) < sizeof(out) && strstr(text, out) != NULL);
    if (query != NULL) {
        *query = '\0';
        req.query = query + 1;
    }
    if (http_parameter(&req, "a", out, sizeof(out)))
        FUZZ_CHECK(strlen(out) < sizeof(out));
    http_dispatch(tables, &req, &res);
    http_response_finish(&res);
    FUZZ_CHECK(res.status == 204 || res.status == 404 || res.status == 405);
    http_response_free(&res);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char text[OCTETS_MAX + 1];

    if (n > OCTETS_MAX)
        return 0;
    check_body(data, n);
    memcpy(text, data, n);
    text[n] = '\0';
    check_target(text);
    return 0;
}
