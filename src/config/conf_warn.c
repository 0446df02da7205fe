/* Owns: what is said of a connection that loads: what in it is weak or has no effect.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "config/config.h"
#include "text/text.h"

struct warner {
    const char *conn;
    void (*say)(void *ctx, const char *text);
    void *ctx;
};

/* child: its name, or NULL. */
static void warn(const struct warner *w, const char *child, const char *what)
{
    char text[256];

    snprintf(text, sizeof(text), "connection %s%s%s: %s", w->conn,
             child != NULL ? ", child " : "", child != NULL ? child : "", what);
    w->say(w->ctx, text);
}

static void warn_proposals(const struct warner *w, const char *child,
                           const struct cv_proposal *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned at = 0;
        const char *word;

        while ((word = proposal_next_weak(&p[i], &at)) != NULL) {
            char text[128];

            snprintf(text, sizeof(text),
                     "'%s' is weak; use it only for peers that have nothing better", word);
            warn(w, child, text);
        }
    }
}

/* A nested child and another of a different protocol: AH and ESP on the same packets. */
static bool combines_ah_and_esp(const struct cv_conn *c)
{
    for (unsigned i = 0; i < c->n_children; i++)
        for (unsigned k = 0; k < c->n_children; k++)
            if (c->children[i]->nested &&
                c->children[i]->proposals->protocol != c->children[k]->proposals->protocol)
                return true;
    return false;
}

void conn_warnings(const struct conn *c, void (*say)(void *ctx, const char *text), void *ctx)
{
    const struct warner w = {c->cv.name, say, ctx};

    warn_proposals(&w, NULL, c->cv.proposals, c->cv.n_proposals);
    if (combines_ah_and_esp(&c->cv))
        warn(&w, NULL,
             "AH and ESP together are not recommended (RFC 8221 section 4); ESP alone protects "
             "as well");
    for (unsigned i = 0; i < c->cv.n_children; i++) {
        const struct cv_child_config *child = c->cv.children[i];
        const struct child_conf *host = child->host;

        warn_proposals(&w, child->name, child->proposals, child->n_proposals);
        if (child->replay_window == 0)
            warn(&w, child->name, "replay protection is off");
        if (host->priority != 0)
            warn(&w, child->name, "priority is for pass and drop; a tunnel has none");
    }
}
