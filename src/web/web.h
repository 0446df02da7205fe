/* What operators meet: the API, the page, the metrics.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "fleet/registry_pool.h"
#include "http/http.h"

struct web_settings {
    struct registry_pool *pool;
    const char *vici;  /* the daemon's socket; NULL: no live figures */
    bool metrics_open; /* /metrics without a token */
};

struct web;

struct web *web_new(const struct web_settings *s);
/* Its routes, for the server that it is given to then. */
const struct http_table *web_table(struct web *w);
/* The server is gone by now. */
void web_free(struct web *w);

#endif
