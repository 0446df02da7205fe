/* Owns the order in which a certificate's status is looked for: OCSP before lists, what the
 * configuration names before what the certificate does, one after the other.
 *
 * RFC 5280 sections 4.2.1.13, 4.2.1.15, 4.2.2.1 and 5.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "creds/creds_revocation.h"

#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "creds/creds_lookup.h"

enum { SOURCES_MAX = 24, URI_MAX = 1024 };

enum source_kind { SOURCE_OCSP, SOURCE_LIST, SOURCE_DELTA };

struct source {
    enum source_kind kind;
    bool ours;
    const char *uri;
};

/* All that could be asked about one certificate, in order. */
struct sources {
    struct mem mem;
    struct source v[SOURCES_MAX];
    unsigned n;
};

/* One certificate on its way to a verdict. */
struct matter {
    const struct creds *c;
    struct issued about;
    bool by_list; /* a list that is in its time has it as good */
    int64_t now_s;
    unsigned base; /* where this certificate's sources begin, for inquiry.next */
    struct inquiry *i;
    struct problem *why;
    char *trail; /* what was tried, for people */
    size_t trail_n;
};

/* ---- sources --------------------------------------------------------------------- */

static void add(struct sources *s, enum source_kind kind, bool ours, const char *uri)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->v[i].kind == kind && strcmp(s->v[i].uri, uri) == 0)
            return;
    if (s->n < SOURCES_MAX)
        s->v[s->n++] = (struct source){kind, ours, mem_take_text(&s->mem, uri)};
}

/* A URI is a text of visible characters; others lead nowhere. */
static void add_octets(struct sources *s, enum source_kind kind, const ASN1_STRING *octets)
{
    const uint8_t *p = ASN1_STRING_get0_data(octets);
    int n = ASN1_STRING_length(octets);
    char uri[URI_MAX];

    if (n <= 0 || n >= URI_MAX)
        return;
    for (int i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] > '~')
            return;
    memcpy(uri, p, (size_t)n);
    uri[n] = '\0';
    add(s, kind, false, uri);
}

static void add_names(struct sources *s, enum source_kind kind, const GENERAL_NAMES *names)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_URI)
            add_octets(s, kind, name->d.uniformResourceIdentifier);
    }
}

/* Lists that another authority signs (cRLIssuer) are not for us. */
static void add_points(struct sources *s, enum source_kind kind, CRL_DIST_POINTS *points)
{
    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(points, i);

        if (point->CRLissuer == NULL && point->distpoint != NULL && point->distpoint->type == 0)
            add_names(s, kind, point->distpoint->name.fullname);
    }
    CRL_DIST_POINTS_free(points);
}

static void add_ocsp(struct sources *s, const X509 *cert)
{
    AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(cert, NID_info_access, NULL, NULL);

    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); i++) {
        const ACCESS_DESCRIPTION *d = sk_ACCESS_DESCRIPTION_value(access, i);

        if (OBJ_obj2nid(d->method) == NID_ad_OCSP && d->location->type == GEN_URI)
            add_octets(s, SOURCE_OCSP, d->location->d.uniformResourceIdentifier);
    }
    AUTHORITY_INFO_ACCESS_free(access);
}

/* Where a complete list says that what came since is to be had (RFC 5280 section 5.2.6). */
static void add_freshest(struct sources *s, const struct matter *k)
{
    STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();

    add_points(s, SOURCE_DELTA, X509_get_ext_d2i(k->about.cert, NID_freshest_crl, NULL, NULL));
    if (lists != NULL)
        (void)status_crls(k->c->status, lists, k->now_s);
    for (int i = 0; i < sk_X509_CRL_num(lists); i++) {
        X509_CRL *list = sk_X509_CRL_value(lists, i);

        if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_issuer_name(k->about.cert)) == 0)
            add_points(s, SOURCE_DELTA,
                       X509_CRL_get_ext_d2i(list, NID_freshest_crl, NULL, NULL));
    }
    sk_X509_CRL_pop_free(lists, X509_CRL_free);
}

static bool is_of(const struct authority_entry *a, const X509 *issuer)
{
    return X509_cmp(a->cert->x509, issuer) == 0;
}

static void gather(struct sources *s, const struct matter *k)
{
    const struct authority_entry *first = k->c->authorities;

    for (const struct authority_entry *a = first; a != NULL; a = a->next)
        for (unsigned i = 0; is_of(a, k->about.issuer) && i < a->n_ocsp_uris; i++)
            add(s, SOURCE_OCSP, true, a->ocsp_uris[i]);
    add_ocsp(s, k->about.cert);
    for (const struct authority_entry *a = first; a != NULL; a = a->next)
        for (unsigned i = 0; is_of(a, k->about.issuer) && i < a->n_crl_uris; i++)
            add(s, SOURCE_LIST, true, a->crl_uris[i]);
    add_points(s, SOURCE_LIST,
               X509_get_ext_d2i(k->about.cert, NID_crl_distribution_points, NULL, NULL));
    add_freshest(s, k);
}

/* ---- one certificate ------------------------------------------------------------- */

static const char *subject_of(const struct matter *k, char out[200])
{
    return cert_name_text(out, 200, X509_get_subject_name(k->about.cert));
}

static void note(struct matter *k, const char *uri, const char *what)
{
    const size_t used = strlen(k->trail);

    (void)snprintf(k->trail + used, k->trail_n - used, "%s%s %s", used > 0 ? "; " : "", uri,
                   what);
}

/* Is there an answer about the certificate itself?  Whoever signs its status is believed either
 * way. */
static bool by_answer(struct matter *k, enum cv_err *err)
{
    char subject[200], when[96];
    uint8_t key[STATUS_KEY];
    struct verdict v;

    if (!lookup_ocsp_key(key, &k->about) || !status_verdict(k->c->status, key, k->now_s, &v))
        return false;
    *err = v.revoked ? CV_ERR_CERT_REVOKED : CV_OK;
    if (v.revoked)
        problem_set(k->why, "certificate '%s' was revoked on %s (OCSP)", subject_of(k, subject),
                    revoked_text(when, sizeof(when), v.revoked_s, v.reason));
    return true;
}

/* Is that one to be asked now? */
static bool try_source(struct matter *k, const struct source *s, unsigned place)
{
    char text[STATUS_TEXT];
    struct lookup *l;

    if (s->kind != SOURCE_OCSP && status_has_crl(k->c->status, s->uri, k->now_s))
        return false;
    if (status_failed(k->c->status, s->uri, k->now_s, text)) {
        note(k, s->uri, text);
        return false;
    }
    l = lookup_new(k->c, &k->about, s->uri, s->kind == SOURCE_OCSP, s->ours);
    if (l != NULL && status_failed(k->c->status, l->key, k->now_s, text))
        note(k, s->uri, text);
    else if (k->i == NULL || k->i->closed)
        note(k, s->uri, k->i != NULL && k->i->why_not != NULL ? k->i->why_not : "is not asked");
    else if (l != NULL && place >= k->i->next) {
        k->i->next = place + 1;
        k->i->want = l;
        return true;
    }
    lookup_free(l);
    return false;
}

static bool try_kind(struct matter *k, const struct sources *s, enum source_kind kind)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->v[i].kind == kind && try_source(k, &s->v[i], k->base + i))
            return true;
    return false;
}

/* Nobody tells: what the policy makes of that. */
static enum cv_err by_policy(const struct matter *k, bool asked, enum revocation policy)
{
    char subject[200];

    if (!asked && policy != REVOCATION_STRICT)
        return CV_OK;
    problem_set(k->why, "certificate '%s': whether it is revoked is not known: %s",
                subject_of(k, subject),
                k->trail[0] != '\0' ? k->trail : "there is no list and nobody to ask");
    return policy == REVOCATION_RELAXED ? CV_OK : CV_ERR_CERT_STATUS;
}

static enum cv_err judge(struct matter *k, enum revocation policy)
{
    struct sources s = {.n = 0};
    enum cv_err err = CV_OK;

    if (by_answer(k, &err))
        return err;
    gather(&s, k);
    if (try_kind(k, &s, SOURCE_OCSP) || (!k->by_list && try_kind(k, &s, SOURCE_LIST)) ||
        (k->by_list && try_kind(k, &s, SOURCE_DELTA)))
        err = CV_ERR_CERT_STATUS;
    else if (!k->by_list)
        err = by_policy(k, s.n > 0, policy);
    mem_drop(&s.mem);
    return err;
}

/* RFC 4806 section 3.2; of what was not asked for nothing is believed. */
static void hear_stapled(const struct matter *k, const struct cv_effect *fx)
{
    for (unsigned i = 0; fx->conn->ocsp_request && i < fx->u.verify.n_words; i++)
        if (fx->u.verify.words[i].encoding == CV_CERT_OCSP)
            lookup_stapled(k->c, &k->about, fx->u.verify.words[i].data, k->now_s);
}

bool revocation_ask(const struct creds *c, const struct issued *about, int64_t now_s,
                    struct inquiry *i)
{
    char trail[320] = "";
    struct matter k = {.c = c,
                       .about = *about,
                       .now_s = now_s,
                       .i = i,
                       .trail = trail,
                       .trail_n = sizeof(trail)};
    struct sources s = {.n = 0};
    bool wants;

    gather(&s, &k);
    wants = try_kind(&k, &s, SOURCE_OCSP);
    mem_drop(&s.mem);
    if (wants)
        lookup_keep(i->want);
    return wants;
}

enum cv_err revocation_check(const struct creds *c, const struct path *path,
                             const struct cv_effect *fx, int64_t now_s, struct inquiry *i,
                             struct problem *why)
{
    const enum revocation policy = creds_auth_conf(&fx->conn->remote)->revocation;

    for (int at = 0; at + 1 < sk_X509_num(path->chain) && at < PATH_MAX_CERTS; at++) {
        char trail[320] = "";
        struct matter k = {
            .c = c,
            .about = {sk_X509_value(path->chain, at), sk_X509_value(path->chain, at + 1)},
            .by_list = !path->unknown[at],
            .now_s = now_s,
            .base = (unsigned)at * SOURCES_MAX,
            .i = i,
            .why = why,
            .trail = trail,
            .trail_n = sizeof(trail)
        };
        enum cv_err err;

        hear_stapled(&k, fx);
        err = judge(&k, policy);

        if (err != CV_OK)
            return err;
    }
    return CV_OK;
}
