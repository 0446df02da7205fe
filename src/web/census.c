/* Owns how often devices are counted.  A count looks at every device of its group: a blink for
 * thousands, half a second for a million, and pages and scrapes ask all the time.
 *
 * Invariant: one thread at a time counts a group; others are told what is known meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "kit/clock.h"
#include "web/inside.h"

enum { FRESH_MS = 1000, WORTH = 20 };

void census_init(struct census *s)
{
    pthread_mutex_init(&s->lock, NULL);
}

void census_free(struct census *s)
{
    pthread_mutex_destroy(&s->lock);
}

/* NULL: the table is full. */
static struct census_entry *find(struct census *s, const char *tenant, const char *profile)
{
    struct census_entry *e;

    for (unsigned i = 0; i < s->n; i++)
        if (strcmp(s->v[i].tenant, tenant) == 0 && strcmp(s->v[i].profile, profile) == 0)
            return &s->v[i];
    if (s->n == CENSUS_MAX)
        return NULL;
    e = &s->v[s->n++];
    snprintf(e->tenant, sizeof(e->tenant), "%s", tenant);
    snprintf(e->profile, sizeof(e->profile), "%s", profile);
    return e;
}

static bool is_fresh(const struct census_entry *e, int64_t now_ms)
{
    const int64_t worth = e->cost_ms * WORTH;

    return e->at_ms != 0 && now_ms - e->at_ms < (worth > FRESH_MS ? worth : FRESH_MS);
}

/* Is what is known told, instead of counting? */
static bool tell_known(const struct census_entry *e, int64_t now_ms, int64_t patience_ms)
{
    return e->at_ms != 0 && (is_fresh(e, now_ms) || e->busy || patience_ms <= 0);
}

enum registry_err census_count(struct census *s, struct registry *r, const char *tenant,
                               const char *profile, int64_t *patience_ms,
                               struct device_counts *out)
{
    const int64_t from_ms = (int64_t)clock_now_ms();
    struct census_entry *e;
    enum registry_err err;
    bool known;

    pthread_mutex_lock(&s->lock);
    e = find(s, tenant != NULL ? tenant : "", profile != NULL ? profile : "");
    known = e != NULL && tell_known(e, from_ms, *patience_ms);
    if (known)
        *out = e->counts;
    else if (e != NULL)
        e->busy = true;
    pthread_mutex_unlock(&s->lock);
    if (known)
        return REGISTRY_OK;
    err = registry_device_count(r, tenant, profile, out);
    pthread_mutex_lock(&s->lock);
    if (e != NULL) {
        e->busy = false;
        e->cost_ms = (int64_t)clock_now_ms() - from_ms;
        *patience_ms -= e->cost_ms;
        if (err == REGISTRY_OK) {
            e->counts = *out;
            e->at_ms = (int64_t)clock_now_ms();
        }
    }
    pthread_mutex_unlock(&s->lock);
    return err;
}
