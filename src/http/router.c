/* Owns which handler answers: routes by method and path, segment by segment.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/span.h"
#include "http/inside.h"

static const struct {
    enum http_method method;
    const char *name;
} methods[] = {
    {HTTP_GET,    "GET"   },
    {HTTP_HEAD,   "HEAD"  },
    {HTTP_POST,   "POST"  },
    {HTTP_PUT,    "PUT"   },
    {HTTP_PATCH,  "PATCH" },
    {HTTP_DELETE, "DELETE"},
};

/* Does the path fit?  Words go into req; one that cannot be decoded fits nothing. */
static bool fits(const char *pattern, const char *path, struct http_request *req)
{
    unsigned n_words = 0;

    while (*pattern == '/' && *path == '/') {
        const size_t want = strcspn(++pattern, "/"), have = strcspn(++path, "/");

        if (want == 2 && strncmp(pattern, "{}", 2) == 0) {
            if (have == 0 || n_words == HTTP_WORDS_MAX ||
                !http_decode(req->words[n_words++], HTTP_WORD_MAX, span(path, have), false))
                return false;
        } else if (want != have || strncmp(pattern, path, want) != 0) {
            return false;
        }
        pattern += want;
        path += have;
    }
    return *pattern == '\0' && *path == '\0';
}

static unsigned answered(const struct http_route *r)
{
    return r->methods & HTTP_GET ? r->methods | HTTP_HEAD : r->methods;
}

static void refuse(unsigned allowed, struct http_response *res)
{
    char list[64] = "";

    if (allowed == 0) {
        http_problem(res, 404, "there is nothing at this path");
        return;
    }
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (allowed & methods[i].method) {
            if (list[0] != '\0')
                strcat(list, ", ");
            strcat(list, methods[i].name);
        }
    http_problem(res, 405, "this path takes %s", list);
    http_add_field(res, "Allow", "%s", list);
}

void http_dispatch(const struct http_table *const *tables, struct http_request *req,
                   struct http_response *res)
{
    unsigned allowed = 0;

    for (; *tables != NULL; tables++)
        for (const struct http_route *r = (*tables)->routes; r->path != NULL; r++) {
            if (!fits(r->path, req->path, req))
                continue;
            if (answered(r) & req->method) {
                req->route = (unsigned)(r - (*tables)->routes);
                r->handle((*tables)->ctx, req, res);
                return;
            }
            allowed |= answered(r);
        }
    refuse(allowed, res);
}
