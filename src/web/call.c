/* Owns what calls have in common: bodies, parameters, errors of the registry as statuses.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kit/json_read.h"
#include "web/inside.h"

static unsigned status_of(enum registry_err err)
{
    switch (err) {
    case REGISTRY_NONE:
        return 404;
    case REGISTRY_EXISTS:
        return 409;
    case REGISTRY_BAD:
        return 422;
    case REGISTRY_AWAY:
    case REGISTRY_FULL:
        return 503;
    case REGISTRY_WRONG:
    case REGISTRY_USED:
    case REGISTRY_EXPIRED:
    case REGISTRY_OTHER:
        return 403;
    case REGISTRY_SLOW:
        return 429;
    default:
        return 500;
    }
}

bool call_ok(struct call *c, enum registry_err err)
{
    const unsigned status = status_of(err);

    if (err == REGISTRY_OK)
        return true;
    http_problem(c->res, status, "%s", registry_why(c->r));
    if (status == 503)
        http_add_field(c->res, "Retry-After", "2");
    return false;
}

bool call_done(struct call *c, enum registry_err err)
{
    return call_ok(c, err == REGISTRY_NONE ? REGISTRY_BAD : err);
}

struct json call_json(struct call *c, unsigned status)
{
    return (struct json){.out = http_json(c->res, status), .compact = true};
}

struct node *call_body(struct call *c)
{
    const char *type = http_field(c->req, "Content-Type");
    struct problem why;
    struct node *body;

    if (type == NULL || strncmp(type, "application/json", 16) != 0) {
        http_problem(c->res, 415, "the body is to be application/json");
        return NULL;
    }
    body = json_read(c->req->body, &why);
    if (body == NULL)
        http_problem(c->res, 400, "%s", why.text);
    return body;
}

static const struct body_key *find(const struct body_key *keys, const char *name)
{
    for (; keys->name != NULL; keys++)
        if (strcmp(keys->name, name) == 0)
            return keys;
    return NULL;
}

/* Words of a list with a space between, or the value. */
static bool copy_text(const struct node *n, char *out, size_t size)
{
    size_t used = 0;

    if (n->kind == NODE_VALUE)
        return (size_t)snprintf(out, size, "%s", n->value) < size;
    out[0] = '\0';
    for (const struct node *item = n->first; item != NULL; item = item->next) {
        const int more =
            snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "", item->value);

        used += (size_t)more;
        if (used >= size)
            return false;
    }
    return true;
}

bool call_read(struct call *c, const struct node *body, const struct body_key *keys, void *out,
               unsigned *given)
{
    *given = 0;
    for (const struct node *n = body->first; n != NULL; n = n->next) {
        const struct body_key *key = find(keys, n->name);

        if (key == NULL) {
            http_problem(c->res, 422, "there is no member '%.64s' here", n->name);
            return false;
        }
        if (n->kind == NODE_SECTION || !copy_text(n, (char *)out + key->at, key->size)) {
            http_problem(c->res, 422, "'%s' is too long, or an object", key->name);
            return false;
        }
        *given |= key->bit;
    }
    return true;
}

bool call_text(struct call *c, const char *name, char *out, size_t n)
{
    out[0] = '\0';
    if (http_parameter(c->req, name, out, n))
        return true;
    out[0] = '\0';
    /* Not there is fine; there and not readable is not. */
    for (const char *at = c->req->query; at != NULL; at = strchr(at, '&')) {
        at += *at == '&';
        if (strncmp(at, name, strlen(name)) == 0 && at[strlen(name)] == '=') {
            http_problem(c->res, 400, "the parameter '%s' is too long or no text", name);
            return false;
        }
    }
    return true;
}

bool call_number(struct call *c, const char *name, int64_t least, int64_t most, int64_t *out)
{
    char text[24], *end;
    long long v;

    if (!call_text(c, name, text, sizeof(text)))
        return false;
    if (text[0] == '\0')
        return true;
    errno = 0;
    v = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || v < least || v > most) {
        http_problem(c->res, 400, "the parameter '%s' is to be a number from %lld to %lld",
                     name, (long long)least, (long long)most);
        return false;
    }
    *out = v;
    return true;
}

bool call_device(struct call *c, const char *name, struct device *out)
{
    if (!call_ok(c, registry_device_get(c->r, name, out)))
        return false;
    if (c->who.tenant[0] == '\0' || strcmp(c->who.tenant, out->tenant) == 0)
        return true;
    http_problem(c->res, 404, "there is no device '%s'", name);
    return false;
}
