/* Owns the shared secrets and the choice among them.
 *
 * Invariant: a secret lies in one heap block of its own, which is wiped before it is freed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/span.h"
#include "creds/inside.h"
#include "ident/id.h"
#include "kit/mem.h"

enum { SECRET_MAX = 4096, NO_MATCH = -1 };

static void free_shared(struct shared *s)
{
    OPENSSL_cleanse(s->secret, s->n_secret);
    free(s->secret);
    free(s->ids);
    free(s->name);
    free(s);
}

void creds_clear_shared(struct creds *c)
{
    for (struct shared **at = &c->secrets; *at != NULL;) {
        struct shared *s = *at;

        if (s->origin != c->origin) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        free_shared(s);
    }
    c->found = NULL;
}

bool creds_remove_shared(struct creds *c, const char *name)
{
    for (struct shared **at = &c->secrets; *at != NULL; at = &(*at)->next) {
        struct shared *s = *at;

        if (s->origin != c->origin || s->name == NULL || strcmp(s->name, name) != 0)
            continue;
        *at = s->next;
        free_shared(s);
        c->found = NULL;
        return true;
    }
    return false;
}

bool creds_add_shared(struct creds *c, enum shared_kind kind, const char *name,
                      const struct cv_id *ids, unsigned n_ids, struct cv_span secret,
                      struct problem *why)
{
    struct shared **end = &c->secrets;
    struct shared *s;

    if (secret.n == 0 || secret.n > SECRET_MAX)
        return problem_set(why, "shared secret: %s", secret.n == 0 ? "empty" : "too long");
    if (name != NULL)
        creds_remove_shared(c, name);
    s = mem_new(1, sizeof(*s));
    s->kind = kind;
    s->origin = c->origin;
    s->name = mem_text(name);
    s->ids = mem_new(n_ids, sizeof(*ids));
    s->n_ids = n_ids;
    if (n_ids > 0)
        memcpy(s->ids, ids, n_ids * sizeof(*ids));
    s->secret = mem_new(secret.n, 1);
    s->n_secret = secret.n;
    memcpy(s->secret, secret.p, secret.n);
    while (*end != NULL)
        end = &(*end)->next;
    *end = s;
    return true;
}

bool creds_next_shared(const struct creds *c, unsigned *at, const char **name)
{
    unsigned i = 0;

    for (const struct shared *s = c->secrets; s != NULL; s = s->next, i++) {
        if (i < *at || s->name == NULL)
            continue;
        *name = s->name;
        *at = i + 1;
        return true;
    }
    return false;
}

/* ---- choosing ---- */

struct naming {
    enum id_match best; /* ID_NO: none of the owners is who */
    unsigned n;         /* how many are */
};

/* An initiator may not know yet who will answer (who is "anybody"): then everyone fits.
 * besides: an identity whose own entry does not count, or NULL. */
static struct naming names(const struct shared *s, const struct cv_id *who,
                           const struct cv_id *besides)
{
    struct naming result = {ID_NO, 0};

    for (unsigned i = 0; i < s->n_ids; i++) {
        enum id_match m = who->type == CV_ID_ANY ? ID_MATCH_ANY : id_matches(&s->ids[i], who);

        if (m == ID_NO || (besides != NULL && id_equal(&s->ids[i], besides)))
            continue;
        result.n++;
        if (m > result.best)
            result.best = m;
    }
    return result;
}

/* How well a secret fits, NO_MATCH when not at all.  A secret that names us and others, but
 * not this peer, belongs to those others: it must not let one of them pass for this one, nor
 * for us. */
static int score(const struct shared *s, const struct cv_id *local, const struct cv_id *remote)
{
    struct naming us = names(s, local, NULL), them = names(s, remote, local);

    if (s->kind != SHARED_IKE)
        return NO_MATCH;
    if (s->n_ids == 0)
        return 0;
    if (them.n == 0 && us.n < s->n_ids)
        return NO_MATCH;
    return (us.n > 0 && them.n > 0 ? 16 : 0) + 4 * (int)them.best + (int)us.best;
}

enum cv_err creds_psk(struct creds *c, const struct cv_id *local, const struct cv_id *remote,
                      struct cv_span *out)
{
    const struct shared *best = NULL;
    int best_score = NO_MATCH;

    for (const struct shared *s = c->secrets; s != NULL; s = s->next) {
        int n = score(s, local, remote);

        if (n > best_score) {
            best = s;
            best_score = n;
        }
    }
    *out = best != NULL ? span(best->secret, best->n_secret) : span(NULL, 0);
    return best != NULL ? CV_OK : CV_ERR_NO_CREDENTIAL;
}

/* ---- before anybody asks ---- */

static bool may_name(const struct shared *s, const struct cv_id *who)
{
    for (unsigned i = 0; i < s->n_ids; i++)
        if (id_matches(&s->ids[i], who) != ID_NO || id_matches(who, &s->ids[i]) != ID_NO)
            return true;
    return false;
}

/* A connection's remote identity may be a pattern of many, so each secret of one of them is one
 * for the connection. */
static bool may_fit(const struct shared *s, const struct cv_id *local,
                    const struct cv_id *remote)
{
    return s->kind == SHARED_IKE &&
           (s->n_ids == 0 || may_name(s, remote) || score(s, local, remote) != NO_MATCH);
}

/* Files have their secrets in the order of their connections, so the search begins behind the
 * one that was found last: thousands of both cost one look each. */
bool creds_has_psk(struct creds *c, const struct cv_id *local, const struct cv_id *remote)
{
    const struct shared *last = c->found, *s = last != NULL ? last->next : c->secrets;

    for (; s != NULL; s = s->next)
        if (may_fit(s, local, remote)) {
            c->found = s;
            return true;
        }
    if (last == NULL)
        return false;
    for (s = c->secrets; s != last->next; s = s->next)
        if (may_fit(s, local, remote)) {
            c->found = s;
            return true;
        }
    return false;
}
