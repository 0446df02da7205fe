/* Owns the tables of what was fetched: bounded, and the oldest gives way.
 *
 * Invariant: everything is touched under the lock, for moments; what was handed out has a
 * reference of its own.  Verdicts and failures are found by a digest, in a set of a few places
 * each, so that neither grows and no search is long.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "creds/creds_status.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/mem.h"

enum { CRLS_MAX = 64, SETS = 1024, WAYS = 8, FAIL_SETS = 64, CERT_SETS = 64 };

struct kept_crl {
    char *uri; /* NULL: a free place */
    X509_CRL *list;
    int64_t until_s;
    uint64_t used; /* when it came, by a count */
};

struct kept_verdict {
    uint8_t key[STATUS_KEY];
    bool there;
    struct verdict v;
    uint8_t *der; /* or NULL */
    size_t n_der;
};

struct kept_cert {
    uint8_t hash[STATUS_HASH];
    X509 *cert;
    uint64_t used;
};

struct kept_failure {
    uint8_t key[STATUS_KEY];
    int64_t until_s; /* 0: a free place */
    char text[STATUS_TEXT];
};

struct status {
    pthread_mutex_t lock;
    uint64_t count;
    struct kept_crl crls[CRLS_MAX];
    struct kept_verdict verdicts[SETS][WAYS];
    struct kept_failure failures[FAIL_SETS][WAYS];
    struct kept_cert certs[CERT_SETS][WAYS];
};

struct status *status_new(void)
{
    struct status *s = mem_new(1, sizeof(*s));

    pthread_mutex_init(&s->lock, NULL);
    return s;
}

static void drop_crl(struct kept_crl *k)
{
    free(k->uri);
    X509_CRL_free(k->list);
    *k = (struct kept_crl){.uri = NULL};
}

static void drop_verdict(struct kept_verdict *k)
{
    free(k->der);
    *k = (struct kept_verdict){.there = false};
}

void status_free(struct status *s)
{
    if (s == NULL)
        return;
    status_flush(s, true, true);
    for (unsigned i = 0; i < CERT_SETS * WAYS; i++)
        X509_free(s->certs[i / WAYS][i % WAYS].cert);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void status_flush(struct status *s, bool crls, bool verdicts)
{
    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; crls && i < CRLS_MAX; i++)
        drop_crl(&s->crls[i]);
    for (unsigned i = 0; verdicts && i < SETS * WAYS; i++)
        drop_verdict(&s->verdicts[i / WAYS][i % WAYS]);
    memset(s->failures, 0, sizeof(s->failures));
    pthread_mutex_unlock(&s->lock);
}

/* ---- revocation lists ---- */

/* That of the URI, a free one, or the one that came longest ago. */
static struct kept_crl *place_of(struct status *s, const char *uri)
{
    struct kept_crl *best = &s->crls[0];

    for (unsigned i = 0; i < CRLS_MAX; i++) {
        struct kept_crl *k = &s->crls[i];

        if (k->uri != NULL && strcmp(k->uri, uri) == 0)
            return k;
        if (best->uri != NULL && (k->uri == NULL || k->used < best->used))
            best = k;
    }
    return best;
}

/* RFC 5280 section 5.2.3: numbers of one authority's lists go up. */
static bool is_older(const X509_CRL *a, const X509_CRL *b)
{
    ASN1_INTEGER *of_a = X509_CRL_get_ext_d2i(a, NID_crl_number, NULL, NULL);
    ASN1_INTEGER *of_b = X509_CRL_get_ext_d2i(b, NID_crl_number, NULL, NULL);
    bool older = of_a != NULL && of_b != NULL &&
                 X509_NAME_cmp(X509_CRL_get_issuer(a), X509_CRL_get_issuer(b)) == 0 &&
                 ASN1_INTEGER_cmp(of_a, of_b) < 0;

    ASN1_INTEGER_free(of_a);
    ASN1_INTEGER_free(of_b);
    return older;
}

bool status_put_crl(struct status *s, const char *uri, X509_CRL *list, int64_t until_s)
{
    struct kept_crl *k;
    bool newer;

    pthread_mutex_lock(&s->lock);
    k = place_of(s, uri);
    newer = k->uri == NULL || strcmp(k->uri, uri) != 0 || !is_older(list, k->list);
    if (newer) {
        drop_crl(k);
        *k = (struct kept_crl){mem_text(uri), list, until_s, ++s->count};
    }
    pthread_mutex_unlock(&s->lock);
    if (!newer)
        X509_CRL_free(list);
    return newer;
}

bool status_crls(struct status *s, STACK_OF(X509_CRL) * out, int64_t now_s)
{
    bool ok = true;

    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < CRLS_MAX && ok; i++) {
        struct kept_crl *k = &s->crls[i];

        if (k->uri == NULL || k->until_s <= now_s)
            continue;
        ok = sk_X509_CRL_push(out, k->list) > 0;
        if (ok)
            X509_CRL_up_ref(k->list);
    }
    pthread_mutex_unlock(&s->lock);
    return ok;
}

bool status_has_crl(struct status *s, const char *uri, int64_t now_s)
{
    const struct kept_crl *k;
    bool has;

    pthread_mutex_lock(&s->lock);
    k = place_of(s, uri);
    has = k->uri != NULL && strcmp(k->uri, uri) == 0 && k->until_s > now_s;
    pthread_mutex_unlock(&s->lock);
    return has;
}

X509_CRL *status_next_crl(struct status *s, unsigned *at)
{
    X509_CRL *list = NULL;

    pthread_mutex_lock(&s->lock);
    while (list == NULL && *at < CRLS_MAX)
        list = s->crls[(*at)++].list;
    if (list != NULL)
        X509_CRL_up_ref(list);
    pthread_mutex_unlock(&s->lock);
    return list;
}

/* ---- verdicts ---- */

static unsigned set_of(const uint8_t *key, unsigned sets)
{
    return (key[0] | (unsigned)key[1] << 8) % sets;
}

/* A peer that sends an old answer of when it was not revoked does not undo a newer one. */
static void fill_verdict(struct kept_verdict *k, const uint8_t key[STATUS_KEY],
                         const struct verdict *v, struct cv_span der)
{
    if (k->there && memcmp(k->key, key, STATUS_KEY) == 0 && k->v.from_s > v->from_s)
        return;
    drop_verdict(k);
    memcpy(k->key, key, STATUS_KEY);
    k->there = true;
    k->v = *v;
    if (der.n == 0)
        return;
    k->der = mem_new(1, der.n);
    memcpy(k->der, der.p, der.n);
    k->n_der = der.n;
}

void status_put_verdict(struct status *s, const uint8_t key[STATUS_KEY],
                        const struct verdict *v, struct cv_span der)
{
    struct kept_verdict *set = s->verdicts[set_of(key, SETS)], *place = &set[0];

    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].there && memcmp(set[i].key, key, STATUS_KEY) == 0) {
            place = &set[i];
            break;
        }
        if (place->there && (!set[i].there || set[i].v.until_s < place->v.until_s))
            place = &set[i];
    }
    fill_verdict(place, key, v, der);
    pthread_mutex_unlock(&s->lock);
}

bool status_answer(struct status *s, const uint8_t key[STATUS_KEY], int64_t now_s,
                   uint8_t **out, size_t *n)
{
    const struct kept_verdict *set = s->verdicts[set_of(key, SETS)];

    *out = NULL;
    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < WAYS && *out == NULL; i++) {
        if (set[i].der == NULL || set[i].v.until_s <= now_s ||
            memcmp(set[i].key, key, STATUS_KEY) != 0)
            continue;
        *out = mem_new(1, set[i].n_der);
        memcpy(*out, set[i].der, set[i].n_der);
        *n = set[i].n_der;
    }
    pthread_mutex_unlock(&s->lock);
    return *out != NULL;
}

bool status_verdict(struct status *s, const uint8_t key[STATUS_KEY], int64_t now_s,
                    struct verdict *out)
{
    const struct kept_verdict *set = s->verdicts[set_of(key, SETS)];
    bool found = false;

    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < WAYS && !found; i++) {
        found = set[i].there && set[i].v.until_s > now_s &&
                memcmp(set[i].key, key, STATUS_KEY) == 0;
        if (found)
            *out = set[i].v;
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

/* ---- certificates ---- */

void status_put_cert(struct status *s, const uint8_t hash[STATUS_HASH], X509 *cert)
{
    struct kept_cert *set = s->certs[set_of(hash, CERT_SETS)], *place = &set[0];

    pthread_mutex_lock(&s->lock);
    for (unsigned i = 1; i < WAYS; i++)
        if (set[i].used < place->used)
            place = &set[i];
    X509_free(place->cert);
    X509_up_ref(cert);
    *place = (struct kept_cert){.cert = cert, .used = ++s->count};
    memcpy(place->hash, hash, STATUS_HASH);
    pthread_mutex_unlock(&s->lock);
}

X509 *status_cert(struct status *s, const uint8_t *hash)
{
    const struct kept_cert *set = s->certs[set_of(hash, CERT_SETS)];
    X509 *found = NULL;

    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < WAYS && found == NULL; i++)
        if (set[i].cert != NULL && memcmp(set[i].hash, hash, STATUS_HASH) == 0)
            found = set[i].cert;
    if (found != NULL)
        X509_up_ref(found);
    pthread_mutex_unlock(&s->lock);
    return found;
}

/* ---- failures ---- */

static void digest_of(const char *text, uint8_t out[STATUS_KEY])
{
    memset(out, 0, STATUS_KEY);
    (void)EVP_Digest(text, strlen(text), out, NULL, EVP_sha256(), NULL);
}

void status_put_failure(struct status *s, const char *key, const char *text, int64_t until_s)
{
    struct kept_failure *set, *place;
    uint8_t digest[STATUS_KEY];

    digest_of(key, digest);
    set = s->failures[set_of(digest, FAIL_SETS)];
    place = &set[0];
    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < WAYS; i++) {
        if (memcmp(set[i].key, digest, STATUS_KEY) == 0) {
            place = &set[i];
            break;
        }
        if (set[i].until_s < place->until_s)
            place = &set[i];
    }
    memcpy(place->key, digest, STATUS_KEY);
    place->until_s = until_s;
    (void)snprintf(place->text, sizeof(place->text), "%s", text);
    pthread_mutex_unlock(&s->lock);
}

bool status_failed(struct status *s, const char *key, int64_t now_s, char text[STATUS_TEXT])
{
    const struct kept_failure *set;
    uint8_t digest[STATUS_KEY];
    bool failed = false;

    digest_of(key, digest);
    set = s->failures[set_of(digest, FAIL_SETS)];
    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < WAYS && !failed; i++) {
        failed = set[i].until_s > now_s && memcmp(set[i].key, digest, STATUS_KEY) == 0;
        if (failed)
            memcpy(text, set[i].text, STATUS_TEXT);
    }
    pthread_mutex_unlock(&s->lock);
    return failed;
}
