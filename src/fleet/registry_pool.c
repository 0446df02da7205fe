/* Owns the idle handles.  Invariant: there are at most as many handles as threads that have
 * taken one at the same time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry_pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "kit/mem.h"

struct registry_pool {
    pthread_mutex_t lock;
    struct registry_config config;
    char *uri, *gateway;
    struct registry **idle;
    size_t n, cap;
};

struct registry_pool *registry_pool_new(const struct registry_config *c)
{
    struct registry_pool *p = mem_new(1, sizeof(*p));

    pthread_mutex_init(&p->lock, NULL);
    p->uri = mem_text(c->uri);
    p->gateway = mem_text(c->gateway);
    p->config = *c;
    p->config.uri = p->uri;
    p->config.gateway = p->gateway;
    return p;
}

struct registry *registry_pool_take(struct registry_pool *p, enum registry_err *err,
                                    struct problem *why)
{
    struct registry *r = NULL;

    pthread_mutex_lock(&p->lock);
    if (p->n > 0)
        r = p->idle[--p->n];
    pthread_mutex_unlock(&p->lock);
    *err = REGISTRY_OK;
    return r != NULL ? r : registry_open(&p->config, err, why);
}

void registry_pool_give(struct registry_pool *p, struct registry *r)
{
    pthread_mutex_lock(&p->lock);
    p->idle = mem_grow(p->idle, &p->cap, p->n + 1, sizeof(struct registry *));
    p->idle[p->n++] = r;
    pthread_mutex_unlock(&p->lock);
}

void registry_pool_free(struct registry_pool *p)
{
    if (p == NULL)
        return;
    while (p->n > 0)
        registry_close(p->idle[--p->n]);
    free(p->idle);
    free(p->uri);
    free(p->gateway);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
