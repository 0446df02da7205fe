/* Owns the question "could we prove to be that identity?", which is asked when a configuration
 * loads, before a peer asks it: what is wrong is ours then, and is named as ours.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "creds/creds_path.h"
#include "creds/creds_pubkey.h"
#include "creds/creds_sig.h"
#include "ident/id.h"
#include "text/text.h"

/* What is asked of a certificate of ours. */
struct own {
    struct creds *c;
    const struct auth_conf *a;
    const struct cv_id *id; /* CV_ID_ANY: not known yet */
    struct sig_rules rules;
    int64_t now_s;
};

/* "our certificate 'CN=x' (FILE)" */
static const char *title(char out[320], const struct cert *cert)
{
    snprintf(out, 320, "our certificate '%.150s'%s%.150s%s", cert->subject,
             cert->file != NULL ? " (" : "", cert->file != NULL ? cert->file : "",
             cert->file != NULL ? ")" : "");
    return out;
}

static enum cv_err judge_key(const struct own *o, const struct cert *cert, struct problem *why)
{
    const uint16_t all = 1 << CV_HASH_SHA2_256 | 1 << CV_HASH_SHA2_384 | 1 << CV_HASH_SHA2_512;
    EVP_PKEY *public = X509_get0_pubkey(cert->x509);
    struct sig_scheme scheme;
    struct key_info key;
    char name[320], text[96];
    uint8_t method;

    if (public == NULL || !key_describe(&key, public)) {
        problem_set(why,
                    "%s has a key that we do not use: %s; expected RSA of at least 2048 bits, "
                    "ECDSA on P-256, P-384 or P-521, or Ed25519",
                    title(name, cert),
                    public != NULL ? key_text(text, sizeof(text), public) : "unknown");
        return CV_ERR_CERT_KEY;
    }
    if (!sig_choose(&method, &scheme, &key, &o->rules, all, true) &&
        !sig_choose(&method, &scheme, &key, &o->rules, 0, false)) {
        problem_set(why, "'auth' does not go with the key of %s: %s", title(name, cert),
                    key_text(text, sizeof(text), public));
        return CV_ERR_AUTH_METHOD;
    }
    if (creds_key_of(o->c, cert) != NULL)
        return CV_OK;
    problem_set(why, "the private key of %s is not loaded", title(name, cert));
    return CV_ERR_NO_CREDENTIAL;
}

static enum cv_err judge(const struct own *o, const struct cert *cert, struct problem *why)
{
    enum cv_err err;
    char name[320], id[160];

    if (o->id->type != CV_ID_ANY && !cert_names(cert->x509, o->id)) {
        id_format(id, sizeof(id), o->id);
        problem_set(
            why,
            "our identity '%s' is neither the subject nor a subjectAltName of %s; peers "
            "would refuse it",
            id, title(name, cert));
        return CV_ERR_CERT_IDENTITY;
    }
    err = judge_key(o, cert, why);
    if (err != CV_OK)
        return err;
    err = cert_may_sign(cert->x509) ? cert_check_time(cert->x509, o->now_s) : CV_ERR_CERT_USAGE;
    if (err != CV_OK)
        problem_set(why, "%s: %s", title(name, cert), cv_err_text(err));
    return err;
}

/* Those that the connection names. */
static enum cv_err judge_named(const struct own *o, struct problem *why)
{
    enum cv_err first = CV_ERR_NO_CREDENTIAL;
    struct problem other;

    for (unsigned i = 0; i < o->a->n_certs; i++) {
        enum cv_err err = judge(o, o->a->certs[i], i == 0 ? why : &other);

        if (err == CV_OK)
            return CV_OK;
        if (i == 0)
            first = err;
    }
    return first;
}

/* Raw public keys need their private halves and nothing else. */
static enum cv_err judge_pubkeys(const struct own *o, struct problem *why)
{
    for (unsigned i = 0; i < o->a->n_pubkeys; i++)
        if (pubkey_private(o->c, o->a->pubkeys[i]) != NULL)
            return CV_OK;
    problem_set(why, "the private key of our public key %s is not loaded",
                o->a->pubkeys[0]->file != NULL ? o->a->pubkeys[0]->file : "(local.pubkeys)");
    return CV_ERR_NO_CREDENTIAL;
}

/* Any that is loaded; one that names the identity has more to tell than the others. */
static enum cv_err judge_all(const struct own *o, struct problem *why)
{
    const struct cert *last = o->c->spoken;
    enum cv_err best = CV_ERR_NO_CREDENTIAL;
    struct problem one;
    char id[160];

    /* Most connections speak as the one before. */
    if (last != NULL && last->loaded && judge(o, last, &one) == CV_OK)
        return CV_OK;
    id_format(id, sizeof(id), o->id);
    problem_set(why, "no certificate with its private key is loaded for our identity '%s'", id);
    for (const struct cert *cert = o->c->certs; cert != NULL; cert = cert->next) {
        enum cv_err err = cert->loaded ? judge(o, cert, &one) : CV_ERR_CERT_IDENTITY;

        if (err == CV_OK) {
            o->c->spoken = cert;
            return CV_OK;
        }
        if (err == CV_ERR_CERT_IDENTITY || o->id->type == CV_ID_ANY)
            continue;
        best = err;
        *why = one;
    }
    return best;
}

enum cv_err creds_check_own(struct creds *c, const struct auth_conf *a, const struct cv_id *id,
                            int64_t now_s, struct problem *why)
{
    struct own o = {c, a, id, {0}, now_s};
    struct problem ours = {.text = ""};
    enum cv_err err;

    if (!sig_rules_parse(&o.rules, a->scheme))
        return CV_ERR_AUTH_METHOD;
    err = a->n_certs > 0     ? judge_named(&o, &ours)
          : a->n_pubkeys > 0 ? judge_pubkeys(&o, &ours)
                             : judge_all(&o, &ours);
    if (err != CV_OK)
        *why = ours;
    ERR_clear_error();
    return err;
}

static bool is_bare(const struct creds *c, EVP_PKEY *pkey)
{
    const struct pubkey *k = c->pubkeys;

    while (k != NULL && (k->loaded == 0 || EVP_PKEY_eq(k->pkey, pkey) != 1))
        k = k->next;
    return k != NULL;
}

bool creds_next_lone_key(const struct creds *c, unsigned *at, struct problem *why)
{
    unsigned i = 0;

    for (const struct key *k = c->keys; k != NULL; k = k->next, i++) {
        const struct cert *cert = c->certs;

        if (i < *at)
            continue;
        *at = i + 1;
        while (cert != NULL &&
               (!cert->loaded || EVP_PKEY_eq(k->pkey, X509_get0_pubkey(cert->x509)) != 1))
            cert = cert->next;
        if (cert != NULL || is_bare(c, k->pkey))
            continue;
        problem_set(why, "our private key %s belongs to no certificate that is loaded",
                    k->file != NULL ? k->file : k->keyid);
        return true;
    }
    return false;
}

bool creds_has_authority(const struct creds *c)
{
    for (const struct cert *cert = c->certs; cert != NULL; cert = cert->next)
        if (cert->loaded && cert->trusted)
            return true;
    return false;
}
