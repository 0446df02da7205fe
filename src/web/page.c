/* Owns the page's files, which the build has put into the program (page_files.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <string.h>

#include "base/span.h"
#include "web/inside.h"
#include "web/page_files.h"

static const struct page_file *find(const char *name)
{
    for (const struct page_file *f = page_files; f->name != NULL; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

static const char *type_of(const char *name)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"      },
        {".css",  "text/css; charset=utf-8"       },
        {".js",   "text/javascript; charset=utf-8"},
        {".svg",  "image/svg+xml"                 },
        {".json", "application/json"              },
    };
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot != NULL && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].end, dot) == 0)
            return types[i].type;
    return "application/octet-stream";
}

/* The same octets have the same one, whichever build they are from (RFC 9110 section 8.8.3). */
static void make_etag(char out[24], const struct page_file *f)
{
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};
    unsigned n = 0;

    (void)EVP_Digest(f->octets, f->n, digest, &n, EVP_sha256(), NULL);
    out[0] = '"';
    for (unsigned i = 0; i < 8; i++)
        snprintf(out + 1 + 2 * i, 3, "%02x", digest[i]);
    strcat(out, "\"");
}

void page_get(struct call *c)
{
    const char *const known = http_field(c->req, "If-None-Match");
    const char *path = c->req->path, *name = "index.html";
    const struct page_file *f;
    char etag[24];

    if (strncmp(path, "/page/", 6) == 0)
        name = c->req->words[0];
    else if (strcmp(path, "/api/v1/openapi.json") == 0)
        name = "openapi.json";
    f = find(name);
    if (f == NULL) {
        http_problem(c->res, 404, "there is nothing at this path");
        return;
    }
    make_etag(etag, f);
    http_add_field(c->res, "ETag", "%s", etag);
    http_add_field(c->res, "Cache-Control", "no-cache");
    if (known != NULL && strstr(known, etag) != NULL) {
        c->res->status = 304;
        return;
    }
    c->res->type = type_of(name);
    c->res->fixed = span(f->octets, f->n);
}
