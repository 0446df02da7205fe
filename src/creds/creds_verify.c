/* Owns the answer to "did this identity sign that".
 *
 * Invariant: CV_OK means that a certificate which is valid now, may sign, names the identity,
 * and is either pinned by the connection or vouched for by an authority of ours, has a key
 * that made the signature.  RFC 7296 section 2.15, RFC 4945 section 3.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <openssl/err.h>

#include "base/span.h"
#include "creds/creds_path.h"
#include "creds/creds_pubkey.h"
#include "creds/creds_revocation.h"
#include "creds/creds_sig.h"
#include "creds/creds_words.h"
#include "text/text.h"

/* What a certificate has to satisfy. */
struct question {
    const struct creds *c;
    const struct cv_effect *fx;
    const struct auth_conf *a;
    struct sig_rules rules;
    int64_t now_s;
    struct inquiry *inquiry; /* NULL: nobody can be asked */
    struct problem *why;
};

/* Says what is wrong with the certificate; err itself when there is more to say, and its usual
 * sentence when there is not. */
static enum cv_err refuse(const struct question *q, const X509 *x509, enum cv_err err,
                          const char *detail)
{
    char subject[256];

    problem_set(q->why, "certificate '%s': %s",
                cert_name_text(subject, sizeof(subject), X509_get_subject_name(x509)),
                detail != NULL ? detail : cv_err_text(err));
    return err;
}

static bool is_pinned(const struct auth_conf *a, const X509 *x509)
{
    for (unsigned i = 0; i < a->n_certs; i++) {
        if (X509_cmp(a->certs[i]->x509, x509) == 0)
            return true;
    }
    return false;
}

/* A connection that names the peer's certificates trusts these and no others; the authorities
 * that it may name besides are asked all the same. */
static enum cv_err check_trust(const struct question *q, X509 *leaf, STACK_OF(X509) * others,
                               struct path *path)
{
    enum cv_err err;

    if (q->a->n_certs > 0 && !is_pinned(q->a, leaf))
        return refuse(q, leaf, CV_ERR_CERT_CHAIN,
                      "is not the one that the connection names (remote.certs)");
    if (q->a->n_certs == 0 || q->a->n_cacerts > 0)
        return cert_check_path(q->c, leaf, others, q->a, q->now_s, path, q->why);
    err = cert_check_time(leaf, q->now_s);
    return err == CV_OK ? CV_OK : refuse(q, leaf, err, NULL);
}

static enum cv_err check_identity(const struct question *q, const X509 *leaf)
{
    const struct cv_id *id = q->fx->u.verify.remote_id;
    char name[256], detail[320];

    if (cert_names(leaf, id))
        return CV_OK;
    id_format(name, sizeof(name), id);
    snprintf(detail, sizeof(detail), "neither subject nor subjectAltName is '%s'", name);
    return refuse(q, leaf, CV_ERR_CERT_IDENTITY, detail);
}

static enum cv_err check_signature(const struct question *q, const X509 *leaf)
{
    enum cv_err err =
        sig_check(X509_get0_pubkey(leaf), q->fx->u.verify.method, q->fx->u.verify.signature,
                  q->fx->u.verify.octets, &q->rules, q->why);
    char detail[sizeof(q->why->text)];

    if (err == CV_OK)
        return CV_OK;
    snprintf(detail, sizeof(detail), "%s", q->why->text);
    return refuse(q, leaf, err, detail[0] != '\0' ? detail : NULL);
}

/* Only who has the key of a certificate that leads to our authorities makes us ask around. */
static enum cv_err check_proof(const struct question *q, X509 *leaf, STACK_OF(X509) * others)
{
    struct path path = {.chain = NULL};
    enum cv_err err = check_trust(q, leaf, others, &path);

    if (err == CV_OK)
        err = check_signature(q, leaf);
    if (err == CV_OK)
        err = revocation_check(q->c, &path, q->fx, q->now_s, q->inquiry, q->why);
    path_free(&path);
    return err;
}

static enum cv_err check_leaf(const struct question *q, X509 *leaf, STACK_OF(X509) * others)
{
    enum cv_err err = check_identity(q, leaf);

    if (err != CV_OK)
        return err;
    if (X509_get0_pubkey(leaf) == NULL)
        return refuse(q, leaf, CV_ERR_CERT_KEY, NULL);
    if (!cert_may_sign(leaf))
        return refuse(q, leaf, CV_ERR_CERT_USAGE,
                      "keyUsage or extendedKeyUsage does not allow it to sign for IKE");
    return check_proof(q, leaf, others);
}

static bool is_answered(const struct question *q, enum cv_err err)
{
    return err == CV_OK || (q->inquiry != NULL && q->inquiry->want != NULL);
}

static void try_own(enum cv_err *err, const struct question *q, const struct cert *cert)
{
    if (!is_answered(q, *err) && cert_names(cert->x509, q->fx->u.verify.remote_id))
        *err = check_leaf(q, cert->x509, NULL);
}

/* The peer sent no certificate, so it counts on our having it. */
static enum cv_err check_own_copy(const struct question *q)
{
    enum cv_err err = CV_ERR_NO_CREDENTIAL;

    for (unsigned i = 0; i < q->a->n_certs; i++)
        try_own(&err, q, q->a->certs[i]);
    if (q->a->n_certs > 0)
        return err;
    for (const struct cert *cert = q->c->certs; cert != NULL; cert = cert->next) {
        if (cert->loaded)
            try_own(&err, q, cert);
    }
    return err;
}

/* Reads what the peer sent; false when it is not DER from the first to the last octet. */
static bool read_certs(STACK_OF(X509) * out, const struct cv_span *certs, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const unsigned char *p = certs[i].p;
        X509 *x509 = d2i_X509(NULL, &p, (long)certs[i].n);

        if (x509 == NULL || p != certs[i].p + certs[i].n || sk_X509_push(out, x509) <= 0) {
            X509_free(x509);
            return false;
        }
    }
    return true;
}

/* Those that came, and those that came as URLs. */
static enum cv_err read_all(const struct question *q, STACK_OF(X509) * certs)
{
    if (!read_certs(certs, q->fx->u.verify.certs, q->fx->u.verify.n_certs)) {
        problem_set(q->why, "the peer sent a certificate that is not one");
        return CV_ERR_CERT_CHAIN;
    }
    return words_resolve(q->c, q->fx, q->now_s, q->inquiry, certs, q->why);
}

enum cv_err creds_verify(const struct creds *c, const struct cv_effect *fx, int64_t now_s,
                         struct problem *why)
{
    return creds_inquire(c, fx, now_s, NULL, why);
}

enum cv_err creds_inquire(const struct creds *c, const struct cv_effect *fx, int64_t now_s,
                          struct inquiry *i, struct problem *why)
{
    struct question q = {c, fx, creds_auth_conf(&fx->conn->remote), {0}, now_s, i, why};
    enum cv_err err = CV_ERR_CERT_CHAIN;
    STACK_OF(X509) * certs;

    why->text[0] = '\0';
    if (!sig_rules_parse(&q.rules, q.a->scheme))
        return CV_ERR_AUTH_METHOD;
    if (q.a->n_pubkeys > 0) {
        err = pubkey_verify(q.a, fx, &q.rules, why);
        if (err == CV_OK || q.a->n_certs + q.a->n_cacerts == 0)
            return err;
    }
    certs = sk_X509_new_null();
    err = read_all(&q, certs);
    if (err == CV_OK && sk_X509_num(certs) == 0)
        err = check_own_copy(&q);
    else if (err == CV_OK)
        err = check_leaf(&q, sk_X509_value(certs, 0), certs);
    sk_X509_pop_free(certs, X509_free);
    ERR_clear_error();
    return err;
}
