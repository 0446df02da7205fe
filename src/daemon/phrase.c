/* Owns: how the log spells endpoints, identities, selectors and proposals.
 * Invariant: whatever a peer sent, a phrase is bounded, and says where it was cut.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/phrase.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text/text.h"
#include "wire/ike.h"

enum { WORD = 256 };

void phrase_add(struct phrase *p, const char *fmt, ...)
{
    static const char dots[] = " ...";
    const size_t room = sizeof(p->text) - sizeof(dots);
    va_list ap;
    int n;

    if (p->full)
        return;
    va_start(ap, fmt);
    n = vsnprintf(p->text + p->n, room - p->n, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < room - p->n) {
        p->n += (size_t)n;
        return;
    }
    p->full = true;
    p->n = strlen(p->text);
    memcpy(p->text + p->n, dots, sizeof(dots));
}

void phrase_endpoint(struct phrase *p, const struct cv_endpoint *ep)
{
    char addr[64];

    addr_format(addr, sizeof(addr), &ep->addr);
    phrase_add(p, "%s", addr);
    if (ep->port != 0)
        phrase_add(p, "[%u]", ep->port);
}

void phrase_id(struct phrase *p, const struct cv_id *id)
{
    char who[WORD];

    id_format(who, sizeof(who), id);
    phrase_add(p, "%s", who);
}

void phrase_id_body(struct phrase *p, struct cv_span body)
{
    struct cv_id id;

    if (ike_parse_id(&id, body) == CV_OK)
        phrase_id(p, &id);
    else
        phrase_add(p, "(unreadable)");
}

void phrase_peer(struct phrase *p, const struct cv_endpoint *ep, const struct cv_id *id)
{
    phrase_endpoint(p, ep);
    if (id == NULL || id->type == CV_ID_ANY)
        return;
    phrase_add(p, " (");
    phrase_id(p, id);
    phrase_add(p, ")");
}

void phrase_notify(struct phrase *p, uint16_t type)
{
    const char *name = ike_notify_name(type);

    if (name != NULL)
        phrase_add(p, "%s", name);
    else
        phrase_add(p, "notify %u", type);
}

/* ---- selectors ---- */

static void add_ts(struct phrase *p, const struct cv_ts *ts, bool first)
{
    char one[128];

    ts_format(one, sizeof(one), ts);
    phrase_add(p, "%s%s", first ? "" : " ", one);
}

void phrase_ts(struct phrase *p, const struct cv_ts_list *list)
{
    for (unsigned i = 0; i < list->n; i++)
        add_ts(p, &list->ts[i], i == 0);
}

void phrase_ts_configs(struct phrase *p, const struct cv_ts_config *ts, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct cv_ts one = ts[i].ts;

        if (ts[i].dynamic)
            one.family = CV_ANY_FAMILY;
        add_ts(p, &one, i == 0);
    }
}

void phrase_ts_body(struct phrase *p, struct cv_span body)
{
    struct cv_ts ts;
    unsigned n;
    struct rd r;

    if (ike_check_ts(body, &n) != CV_OK) {
        phrase_add(p, "(unreadable)");
        return;
    }
    r = ike_ts_begin(body);
    for (bool first = true; ike_next_ts(&r, &ts); first = false)
        add_ts(p, &ts, first);
}

/* ---- proposals ---- */

static void add_proposal(struct phrase *p, const struct cv_proposal *one, bool first)
{
    char text[2 * WORD];

    proposal_words(text, sizeof(text), one);
    phrase_add(p, "%s%s", first ? "" : ", ", text);
}

void phrase_proposals(struct phrase *p, const struct cv_proposal *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        add_proposal(p, &list[i], i == 0);
}

/* One of the peer's, as far as a proposal of ours holds it. */
static void add_offered(struct phrase *p, const struct ike_proposal *theirs, bool first)
{
    struct cv_proposal one = {.protocol = theirs->protocol};
    struct rd r = rd_init(theirs->transforms);
    struct cv_transform t;
    bool unknown, more = false;

    while (ike_next_transform(&r, &t, &unknown)) {
        if (one.n < CV_TRANSFORMS_MAX)
            one.t[one.n++] = t;
        else
            more = true;
    }
    add_proposal(p, &one, first);
    if (more)
        phrase_add(p, "-...");
}

void phrase_sa_body(struct phrase *p, struct cv_span body)
{
    struct rd r = rd_init(body);
    struct ike_proposal theirs;

    if (ike_check_sa(body) != CV_OK) {
        phrase_add(p, "(unreadable)");
        return;
    }
    for (bool first = true; !p->full && ike_next_proposal(&r, &theirs); first = false)
        add_offered(p, &theirs, first);
}

void phrase_suite(struct phrase *p, const struct cv_suite *s)
{
    phrase_add(p, "%s", s->encr == 0 ? "AH" : name_encr(s->encr));
    if (s->encr_bits != 0)
        phrase_add(p, "-%u", s->encr_bits);
    if (s->integ != CV_INTEG_NONE)
        phrase_add(p, "/%s", name_integ(s->integ));
    if (s->prf != 0)
        phrase_add(p, "/%s", name_prf(s->prf));
    if (s->ke != CV_KE_NONE)
        phrase_add(p, "/%s", name_ke(s->ke));
}
