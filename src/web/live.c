/* Owns what the daemon says of itself over VICI.  Invariant: it is asked at most once a second,
 * however many ask us; what is asked costs it the same at any number of devices.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "kit/clock.h"
#include "vici/vici_client.h"
#include "web/inside.h"

enum { FRESH_MS = 1000 };

static uint64_t number(const struct node *section, const char *name)
{
    return section != NULL ? strtoull(tree_get(section, name, "0"), NULL, 10) : 0;
}

static void read_errors(const struct node *errors, struct live_figures *out)
{
    for (const struct node *n = errors != NULL ? errors->first : NULL; n != NULL; n = n->next) {
        if (out->n_errors == LIVE_ERRORS || n->kind != NODE_VALUE)
            return;
        snprintf(out->errors[out->n_errors].name, sizeof(out->errors[0].name), "%s", n->name);
        out->errors[out->n_errors++].value = strtoull(n->value, NULL, 10);
    }
}

static void read_stats(const struct node *stats, struct live_figures *out)
{
    const struct node *traffic = tree_find(stats, "traffic");
    const struct node *sas = tree_find(stats, "ikesas");

    out->is_there = true;
    out->bytes_in = number(traffic, "bytes-in");
    out->bytes_out = number(traffic, "bytes-out");
    out->packets_in = number(traffic, "packets-in");
    out->packets_out = number(traffic, "packets-out");
    out->ike_sas = number(sas, "total");
    out->half_open = number(sas, "half-open");
    read_errors(tree_find(stats, "errors"), out);
}

static void ask(const char *socket, struct live_figures *out)
{
    struct vici_link *l = vici_open(socket);
    struct node *stats, *version;
    struct problem why;

    if (l == NULL) {
        snprintf(out->why, sizeof(out->why), "culvertd does not answer");
        return;
    }
    stats = vici_call(l, "stats", NULL, NULL, &why);
    version = stats != NULL ? vici_call(l, "version", NULL, NULL, &why) : NULL;
    if (version != NULL) {
        read_stats(stats, out);
        snprintf(out->version, sizeof(out->version), "%s", tree_get(version, "version", ""));
    } else {
        snprintf(out->why, sizeof(out->why), "%.120s", why.text);
    }
    tree_free(version);
    tree_free(stats);
    vici_close(l);
}

void live_init(struct live *l, const char *socket)
{
    pthread_mutex_init(&l->lock, NULL);
    l->socket = socket;
}

void live_free(struct live *l)
{
    pthread_mutex_destroy(&l->lock);
}

void live_get(struct live *l, struct live_figures *out)
{
    const int64_t now_ms = (int64_t)clock_now_ms();

    pthread_mutex_lock(&l->lock);
    if (l->last.at_ms == 0 || now_ms - l->last.at_ms >= FRESH_MS) {
        memset(&l->last, 0, sizeof(l->last));
        if (l->socket != NULL)
            ask(l->socket, &l->last);
        else
            snprintf(l->last.why, sizeof(l->last.why), "fleet.vici = none");
        l->last.at_ms = now_ms;
    }
    *out = l->last;
    pthread_mutex_unlock(&l->lock);
}
