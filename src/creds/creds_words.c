/* Owns URLs and OCSP answers beside certificates, those that come and those that we send.
 *
 * Invariant: a peer has us ask nobody but the servers that our own configuration names
 * (authorities.cert_uri_base), before it has proven anything; what comes from there is the
 * certificate whose hash the peer gave, or nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "creds/creds_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/span.h"
#include "creds/creds_lookup.h"
#include "creds/creds_path.h"
#include "creds/creds_revocation.h"

enum { HASH_LEN = 20, URL_MAX = 512, NAME_MAX_LEN = 128 };

void inquiry_free(struct inquiry *i)
{
    while (i->n_kept > 0)
        free(i->kept[--i->n_kept]);
}

bool creds_has_cert_uris(const struct creds *c)
{
    for (const struct authority_entry *a = c->authorities; a != NULL; a = a->next)
        if (a->cert_uri_base != NULL)
            return true;
    return false;
}

/* ---- URLs that come ---------------------------------------------------------------- */

/* One name below a base of ours, with nothing in it that leads elsewhere. */
static bool is_below(const char *url, const char *base)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    const size_t n = strlen(base);
    const char *name = url + n;

    return strncmp(url, base, n) == 0 && name[0] != '\0' && name[0] != '.' &&
           strspn(name, letters) == strlen(name) && strlen(name) <= NAME_MAX_LEN;
}

static bool is_named_by_us(const struct creds *c, const char *url)
{
    for (const struct authority_entry *a = c->authorities; a != NULL; a = a->next)
        if (a->cert_uri_base != NULL && is_below(url, a->cert_uri_base))
            return true;
    return false;
}

static bool read_url(char out[URL_MAX], struct cv_span data)
{
    if (data.n <= HASH_LEN || data.n - HASH_LEN >= URL_MAX)
        return false;
    for (size_t i = HASH_LEN; i < data.n; i++) {
        if (data.p[i] <= ' ' || data.p[i] > '~')
            return false;
        out[i - HASH_LEN] = (char)data.p[i];
    }
    out[data.n - HASH_LEN] = '\0';
    return true;
}

static enum cv_err want_cert(const struct creds *c, const char *url, const uint8_t *hash,
                             int64_t now_s, struct inquiry *i, struct problem *why)
{
    char text[STATUS_TEXT];

    if (status_failed(c->status, url, now_s, text)) {
        problem_set(why, "the peer's certificate is not to be had: %s %s", url, text);
        return CV_ERR_CERT_CHAIN;
    }
    if (i == NULL || i->closed) {
        problem_set(why, "the peer's certificate is not to be had: %s %s", url,
                    i != NULL && i->why_not != NULL ? i->why_not : "is not asked");
        return CV_ERR_CERT_CHAIN;
    }
    i->want = lookup_new_cert(c, url, hash);
    return CV_ERR_CERT_STATUS;
}

static enum cv_err resolve(const struct creds *c, struct cv_span data, int64_t now_s,
                           struct inquiry *i, X509 **out, struct problem *why)
{
    char url[URL_MAX];

    if (!read_url(url, data)) {
        problem_set(why, "the peer sent a URL of a certificate that is none");
        return CV_ERR_CERT_CHAIN;
    }
    *out = status_cert(c->status, data.p);
    if (*out != NULL)
        return CV_OK;
    if (!is_named_by_us(c, url)) {
        problem_set(why,
                    "the peer's certificate is to be had at %s, which is below no "
                    "cert_uri_base of ours",
                    url);
        return CV_ERR_CERT_CHAIN;
    }
    return want_cert(c, url, data.p, now_s, i, why);
}

enum cv_err words_resolve(const struct creds *c, const struct cv_effect *fx, int64_t now_s,
                          struct inquiry *i, STACK_OF(X509) * certs, struct problem *why)
{
    enum cv_err err = CV_OK;
    int first = 0;

    for (unsigned k = 0; k < fx->u.verify.n_words && err == CV_OK; k++) {
        const struct cv_cert_word *w = &fx->u.verify.words[k];
        X509 *x509 = NULL;

        if (w->encoding != CV_CERT_HASH_URL)
            continue;
        err = resolve(c, w->data, now_s, i, &x509, why);
        if (err == CV_OK && sk_X509_insert(certs, x509, w->first ? first++ : -1) <= 0) {
            X509_free(x509);
            err = CV_ERR_CRYPTO;
        }
    }
    return err;
}

/* ---- what we send ------------------------------------------------------------------ */

static X509 *issuer_of(const struct creds *c, X509 *x509)
{
    for (const struct cert *cert = c->certs; cert != NULL; cert = cert->next)
        if (cert->loaded && X509_check_issued(cert->x509, x509) == X509_V_OK &&
            X509_verify(x509, X509_get0_pubkey(cert->x509)) == 1)
            return cert->x509;
    return NULL;
}

static void add_word(struct cv_signature *out, struct inquiry *i, struct cv_cert_word word)
{
    if (out->n_words == CV_CERT_WORDS_MAX || i->n_kept == CV_CERT_WORDS_MAX) {
        free((void *)(uintptr_t)word.data.p);
        return;
    }
    i->kept[i->n_kept++] = (uint8_t *)(uintptr_t)word.data.p;
    out->words[out->n_words++] = word;
}

/* Our certificate as a URL; those above it go as they are, as they come after it. */
static void add_url(const struct creds *c, const struct issued *about, struct inquiry *i,
                    struct cv_signature *out)
{
    const struct authority_entry *a = c->authorities;
    const struct cv_span der = out->certs[0];
    struct wr w;
    char hex[3];

    while (a != NULL &&
           (a->cert_uri_base == NULL || X509_cmp(a->cert->x509, about->issuer) != 0))
        a = a->next;
    if (a == NULL)
        return;
    w = wr_init(mem_new(URL_MAX, 1), URL_MAX);
    (void)EVP_Digest(der.p, der.n, wr_reserve(&w, HASH_LEN), NULL, EVP_sha1(), NULL);
    wr_copy(&w, a->cert_uri_base, strlen(a->cert_uri_base));
    for (unsigned k = 0; k < HASH_LEN; k++) {
        (void)snprintf(hex, sizeof(hex), "%02x", wr_done(&w).p[k]);
        wr_copy(&w, hex, 2);
    }
    if (!wr_ok(&w)) {
        free(w.p);
        return;
    }
    add_word(out, i, (struct cv_cert_word){CV_CERT_HASH_URL, true, wr_done(&w)});
    memmove(out->certs, out->certs + 1, --out->n_certs * sizeof(out->certs[0]));
}

/* What a responder says about ours.  False: it is being asked. */
static bool add_answer(const struct creds *c, const struct issued *about, int64_t now_s,
                       struct inquiry *i, struct cv_signature *out)
{
    uint8_t key[STATUS_KEY], *der;
    size_t n;

    if (!lookup_ocsp_key(key, about))
        return true;
    if (!status_answer(c->status, key, now_s, &der, &n))
        return !revocation_ask(c, about, now_s, i);
    add_word(out, i,
             (struct cv_cert_word){
                 CV_CERT_OCSP, false, {der, n}
    });
    return true;
}

static enum cv_err add_words(const struct creds *c, const struct cv_effect *fx, int64_t now_s,
                             struct inquiry *i, struct cv_signature *out)
{
    const unsigned char *p = out->certs[0].p;
    X509 *own = d2i_X509(NULL, &p, (long)out->certs[0].n);
    struct issued about = {own, own != NULL ? issuer_of(c, own) : NULL};
    bool there = true;

    if (about.issuer != NULL && fx->u.sign.wants_ocsp)
        there = add_answer(c, &about, now_s, i, out);
    if (about.issuer != NULL && fx->u.sign.takes_urls && there)
        add_url(c, &about, i, out);
    X509_free(own);
    ERR_clear_error();
    return there ? CV_OK : CV_ERR_CERT_STATUS;
}

enum cv_err creds_sign_inquire(const struct creds *c, const struct cv_effect *fx, int64_t now_s,
                               struct inquiry *i, uint8_t room[CREDS_SIGNATURE_MAX],
                               struct cv_signature *out)
{
    enum cv_err err = creds_sign(c, fx, room, out);

    inquiry_free(i);
    if (err != CV_OK || out->n_certs == 0 || !fx->conn->send_cert)
        return err;
    return add_words(c, fx, now_s, i, out);
}
