/* Owns the list of operations, and how each begins: who asks, with which registry.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "kit/mem.h"
#include "web/inside.h"

#define API "/api/v1"

/* clang-format off */
const struct operation operations[] = {
    {HTTP_GET,    "/",                         SCOPE_NONE,                 page_get        },
    {HTTP_GET,    "/login",                    SCOPE_NONE,                 page_get        },
    {HTTP_GET,    "/page/{}",                  SCOPE_NONE,                 page_get        },
    {HTTP_GET,    "/metrics",                  SCOPE_NONE,                 metrics_get     },
    {HTTP_GET,    API "/openapi.json",         SCOPE_NONE,                 page_get        },
    {HTTP_POST,   API "/session",              SCOPE_NONE,                 session_post    },
    {HTTP_GET,    API "/session",              SCOPE_ANY,                  session_get     },
    {HTTP_DELETE, API "/session",              SCOPE_ANY,                  session_delete  },
    {HTTP_GET,    API "/overview",             SCOPE_READ,                 overview_get    },
    {HTTP_GET,    API "/devices",              SCOPE_READ,                 devices_get     },
    {HTTP_POST,   API "/devices",              SCOPE_ENROL,                devices_post    },
    {HTTP_GET,    API "/devices/{}",           SCOPE_READ,                 device_get      },
    {HTTP_PUT,    API "/devices/{}",           SCOPE_MANAGE,               device_put      },
    {HTTP_PATCH,  API "/devices/{}",           SCOPE_MANAGE,               device_patch    },
    {HTTP_DELETE, API "/devices/{}",           SCOPE_MANAGE,               device_delete   },
    {HTTP_POST,   API "/devices/{}/code",      SCOPE_ENROL,                device_code_post},
    {HTTP_GET,    API "/profiles",             SCOPE_READ,                 profiles_get    },
    {HTTP_PUT,    API "/profiles/{}",          SCOPE_MANAGE,               profile_put     },
    {HTTP_DELETE, API "/profiles/{}",          SCOPE_MANAGE,               profile_delete  },
    {HTTP_GET,    API "/tenants",              SCOPE_READ,                 tenants_get     },
    {HTTP_PUT,    API "/tenants/{}",           SCOPE_MANAGE,               tenant_put      },
    {HTTP_DELETE, API "/tenants/{}",           SCOPE_MANAGE,               tenant_delete   },
    {HTTP_GET,    API "/events",               SCOPE_READ,                 events_get      },
    {HTTP_GET,    API "/tokens",               SCOPE_MANAGE,               tokens_get      },
    {HTTP_POST,   API "/tokens",               SCOPE_MANAGE,               tokens_post     },
    {HTTP_DELETE, API "/tokens/{}",            SCOPE_MANAGE,               token_delete    },
    {0,           NULL,                        SCOPE_NONE,                 NULL            },
};
/* clang-format on */

enum { N_OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

static void run(struct call *c, const struct operation *o)
{
    enum registry_err err;
    struct problem why;

    c->r = registry_pool_take(c->w->pool, &err, &why);
    if (c->r == NULL) {
        http_problem(c->res, 503, "%s", why.text);
        http_add_field(c->res, "Retry-After", "2");
        return;
    }
    if (o->scopes == SCOPE_NONE || access_check(c, o->scopes))
        o->run(c);
    registry_pool_give(c->w->pool, c->r);
}

static void serve(void *ctx, const struct http_request *req, struct http_response *res)
{
    const struct operation *o = &operations[req->route];
    struct call c = {.w = ctx, .req = req, .res = res};

    if (o->run == page_get)
        page_get(&c); /* files: no registry */
    else
        run(&c, o);
    wipe(&c.who, sizeof(c.who));
}

struct web *web_new(const struct web_settings *s)
{
    struct web *w = mem_new(1, sizeof(*w));

    w->pool = s->pool;
    w->vici = mem_text(s->vici);
    w->metrics_open = s->metrics_open;
    live_init(&w->live, w->vici);
    census_init(&w->census);
    w->routes = mem_new(N_OPERATIONS, sizeof(w->routes[0]));
    for (unsigned i = 0; i < N_OPERATIONS; i++)
        w->routes[i] = (struct http_route){operations[i].methods, operations[i].path, serve};
    w->table = (struct http_table){w->routes, w};
    return w;
}

const struct http_table *web_table(struct web *w)
{
    return &w->table;
}

void web_free(struct web *w)
{
    if (w == NULL)
        return;
    live_free(&w->live);
    census_free(&w->census);
    free(w->routes);
    free(w->vici);
    free(w);
}
