/* Owns what is said of a connection that could be built: what of ours can never prove anything,
 * what is missing, what is weak or has no effect.  A peer would only see that it fails.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "config/inside.h"
#include "kit/clock.h"
#include "text/text.h"

struct checker {
    const struct conn *conn;
    const struct node *section;
    struct problems *found;
};

static void warn(const struct checker *k, const struct node *n, const char *what)
{
    struct problem why;

    problem_at(&why, n, "%s", what);
    problems_warning(k->found, &why);
}

/* The section of a child, or that of the connection. */
static const struct node *place_of(const struct checker *k, const char *child)
{
    const struct node *children = tree_find(k->section, "children");
    const struct node *n = children != NULL ? tree_find(children, child) : NULL;

    return n != NULL ? n : k->section;
}

/* local, remote-1, ...: there is one of each at most. */
static const struct node *side_of(const struct checker *k, const char *pattern)
{
    for (const struct node *n = k->section->first; n != NULL; n = n->next)
        if (n->kind == NODE_SECTION && conf_fits(pattern, n->name))
            return n;
    return k->section;
}

/* ---- what is weak ----------------------------------------------------------- */

static void warn_proposals(const struct checker *k, const struct node *place,
                           const struct cv_proposal *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned at = 0;
        const char *word;

        while ((word = proposal_next_weak(&p[i], &at)) != NULL) {
            char text[128];

            snprintf(text, sizeof(text),
                     "'%s' is weak; use it only for peers that have nothing better", word);
            warn(k, place, text);
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

static void warn_child(const struct checker *k, const struct cv_child_config *child)
{
    const struct node *place = place_of(k, child->name);
    const struct child_conf *host = child->host;

    warn_proposals(k, place, child->proposals, child->n_proposals);
    if (child->replay_window == 0)
        warn(k, place, "replay protection is off");
    if (host->priority != 0)
        warn(k, place, "priority is for pass and drop; a tunnel has none");
}

static void warn_scheme(const struct checker *k, const char *pattern,
                        const struct cv_auth *auth)
{
    const struct auth_conf *host = auth->host;

    if (auth->kind == CV_AUTH_PUBKEY && host->scheme != NULL &&
        strstr(host->scheme, "sha1") != NULL)
        warn(k, side_of(k, pattern),
             "'sha1' is weak; use it only for peers that have nothing better");
}

/* ---- what proves who we are ------------------------------------------------- */

/* What a client may still load is a warning; what is there and can never do is an error. */
static bool check_own_certs(const struct checker *k, struct creds *creds)
{
    const struct cv_auth *local = &k->conn->cv.local;
    const struct auth_conf *host = local->host;
    struct problem ours = {.text = ""}, why;
    enum cv_err err = creds_check_own(creds, host, &local->id, clock_unix_s(), &ours);
    bool never = host->n_certs > 0 && (err == CV_ERR_CERT_KEY || err == CV_ERR_CERT_IDENTITY ||
                                       err == CV_ERR_AUTH_METHOD);

    if (err == CV_OK)
        return true;
    problem_at(&why, side_of(k, "local*"), "%s", ours.text);
    if (never)
        return problems_error(k->found, &why);
    problems_warning(k->found, &why);
    return true;
}

static void check_secret(const struct checker *k, struct creds *creds)
{
    const struct cv_conn *cv = &k->conn->cv;
    char ours[160], theirs[160], text[400];

    if (creds_has_psk(creds, &cv->local.id, &cv->remote.id))
        return;
    id_format(ours, sizeof(ours), &cv->local.id);
    id_format(theirs, sizeof(theirs), &cv->remote.id);
    snprintf(
        text, sizeof(text),
        "no secret is loaded for our identity '%s' and the peer's '%s' (secrets { ike... })",
        ours, theirs);
    warn(k, side_of(k, cv->local.kind == CV_AUTH_PSK ? "local*" : "remote*"), text);
}

static void check_authority(const struct checker *k, struct creds *creds)
{
    const struct auth_conf *host = k->conn->cv.remote.host;

    if (k->conn->cv.remote.kind != CV_AUTH_PUBKEY ||
        host->n_certs + host->n_cacerts + host->n_pubkeys > 0 || creds_has_authority(creds))
        return;
    warn(k, side_of(k, "remote*"),
         "no authority's certificate is loaded (x509ca/, cacerts), so no peer can be verified");
}

bool conn_check(const struct conn *c, const struct node *section, struct creds *creds,
                struct problems *found)
{
    const struct checker k = {c, section, found};
    const struct cv_conn *cv = &c->cv;
    bool ok = true;

    /* A connection of pass and drop alone negotiates nothing. */
    if (cv->n_children > 0 || c->n_shunts == 0) {
        if (cv->local.kind == CV_AUTH_PUBKEY)
            ok = check_own_certs(&k, creds);
        if (cv->local.kind == CV_AUTH_PSK || cv->remote.kind == CV_AUTH_PSK)
            check_secret(&k, creds);
        check_authority(&k, creds);
    }
    warn_scheme(&k, "local*", &cv->local);
    warn_scheme(&k, "remote*", &cv->remote);
    warn_proposals(&k, section, cv->proposals, cv->n_proposals);
    if (combines_ah_and_esp(cv))
        warn(&k, section,
             "AH and ESP together are not recommended (RFC 8221 section 4); ESP alone protects "
             "as well");
    for (unsigned i = 0; i < cv->n_children; i++)
        warn_child(&k, cv->children[i]);
    return ok;
}
