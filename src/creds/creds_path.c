/* Owns the judgement of certificates.
 *
 * Invariant: only authorities of ours end a path; what a peer sends is a building block and
 * nothing more.  The common name is never an identity, and a '*' in a certificate is just a
 * character.  RFC 5280 section 6, RFC 4945 section 5.1, RFC 6125 section 6.4.4.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "creds/creds_path.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/span.h"
#include "creds/creds_lookup.h"
#include "ident/id.h"

enum { SECURITY_LEVEL = 2 }; /* OpenSSL's: 112 bits; no SHA-1, no RSA below 2048 */

bool creds_oid_known(const char *text)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(text, 1);

    ASN1_OBJECT_free(oid);
    ERR_clear_error();
    return oid != NULL;
}

/* ---- identity ---- */

/* The subjectAltName as an identity of the same kind as id; false when it is another. */
static bool name_to_id(struct cv_id *out, const GENERAL_NAME *name, uint8_t type)
{
    const ASN1_STRING *s;
    struct wr w = wr_init(out->b, CV_ID_MAX);

    if (name->type == GEN_DNS && type == CV_ID_FQDN)
        s = name->d.dNSName;
    else if (name->type == GEN_EMAIL && type == CV_ID_RFC822)
        s = name->d.rfc822Name;
    else if (name->type == GEN_IPADD && (type == CV_ID_IPV4 || type == CV_ID_IPV6))
        s = name->d.iPAddress;
    else
        return false;
    wr_copy(&w, ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
    out->type = type;
    out->n = (uint8_t)w.n;
    return wr_ok(&w);
}

bool cert_names(const X509 *x509, const struct cv_id *id)
{
    GENERAL_NAMES *names;
    struct cv_id subject;
    bool found = false;

    if (id->type == CV_ID_DER_DN)
        return cert_subject_id(x509, &subject) && id_equal(&subject, id);
    if (id_has_wildcard(id)) /* a name nobody has, whatever the certificate says */
        return false;
    names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
        struct cv_id alt;

        found =
            name_to_id(&alt, sk_GENERAL_NAME_value(names, i), id->type) && id_equal(&alt, id);
    }
    GENERAL_NAMES_free(names);
    return found;
}

/* ---- usage ---- */

/* iKEIntermediate, 1.3.6.1.5.5.8.2.2: of a draft that never became an RFC, and still what
 * firewalls' own authorities write. */
static bool is_ike_intermediate(const ASN1_OBJECT *purpose)
{
    static const uint8_t oid[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x08, 0x02, 0x02};

    return span_equal(span(OBJ_get0_data(purpose), OBJ_length(purpose)),
                      span(oid, sizeof(oid)));
}

/* Besides id-kp-ipsecIKE those that TLS and the IPsec of before RFC 4945 have. */
static bool is_ike_purpose(const ASN1_OBJECT *purpose)
{
    switch (OBJ_obj2nid(purpose)) {
    case NID_server_auth:
    case NID_client_auth:
    case NID_ipsec_IKE:
    case NID_ipsecEndSystem:
    case NID_ipsecTunnel:
    case NID_ipsecUser:
    case NID_anyExtendedKeyUsage:
        return true;
    default:
        return is_ike_intermediate(purpose);
    }
}

/* RFC 4945 section 5.1.3.12: absent, or one of those that fit. */
static bool purpose_fits(const X509 *x509)
{
    int critical; /* -1: absent */
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x509, NID_ext_key_usage, &critical, NULL);
    bool fits = eku == NULL && critical == -1;

    for (int i = 0; i < sk_ASN1_OBJECT_num(eku) && !fits; i++)
        fits = is_ike_purpose(sk_ASN1_OBJECT_value(eku, i));
    EXTENDED_KEY_USAGE_free(eku);
    return fits;
}

bool cert_may_sign(X509 *x509)
{
    /* All bits are set when the extension is absent. */
    uint32_t usage = X509_get_key_usage(x509);

    return (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0 && purpose_fits(x509);
}

enum cv_err cert_check_time(const X509 *x509, int64_t now_s)
{
    time_t now = (time_t)now_s;

    if (X509_cmp_time(X509_get0_notBefore(x509), &now) >= 0)
        return CV_ERR_CERT_NOT_YET;
    return X509_cmp_time(X509_get0_notAfter(x509), &now) > 0 ? CV_OK : CV_ERR_CERT_EXPIRED;
}

/* ---- path ---- */

static enum cv_err path_error(int err)
{
    switch (err) {
    case X509_V_OK:
        return CV_OK;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
        return CV_ERR_CERT_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
        return CV_ERR_CERT_NOT_YET;
    case X509_V_ERR_CERT_REVOKED:
        return CV_ERR_CERT_REVOKED;
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
    case X509_V_ERR_SUBTREE_MINMAX:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
    case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
        return CV_ERR_CERT_NAMES;
    case X509_V_ERR_CA_MD_TOO_WEAK:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_EE_KEY_TOO_SMALL:
        return CV_ERR_CERT_WEAK;
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
        return CV_ERR_CERT_EXTENSION;
    case X509_V_ERR_EC_KEY_EXPLICIT_PARAMS:
        return CV_ERR_CERT_KEY;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return CV_ERR_CERT_SIGNATURE;
    default:
        return CV_ERR_CERT_CHAIN;
    }
}

/* Which of OpenSSL's strict findings may pass: those that RFC 5280 demands of who issues, and
 * its section 6.1 not of who verifies.  What the verifier needs is asked elsewhere: keyUsage
 * that is there and lacks keyCertSign makes no authority (6.1.4(n)), nor does a missing
 * basicConstraints (6.1.4(k)). */
static bool is_forgivable(int err, const X509 *x509)
{
    switch (err) {
    case X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER:
    case X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER:
    case X509_V_ERR_AUTHORITY_KEY_IDENTIFIER_CRITICAL:
    case X509_V_ERR_SUBJECT_KEY_IDENTIFIER_CRITICAL:
    case X509_V_ERR_EMPTY_SUBJECT_SAN_NOT_CRITICAL:
    case X509_V_ERR_CA_CERT_MISSING_KEY_USAGE:
    case X509_V_ERR_CA_BCONS_NOT_CRITICAL:
        return true;
    case X509_V_ERR_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN:
        return X509_get_ext_by_NID(x509, NID_key_usage, -1) < 0;
    default:
        return false;
    }
}

/* A list that is missing, late or not to be used is no reason to refuse here: whether somebody
 * else can tell is asked later.  One that names the certificate is, however old. */
static bool is_unknown_status(int err)
{
    switch (err) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
        return true;
    default:
        return false;
    }
}

/* When and why, as the list that OpenSSL stands at has it. */
static void explain_revoked(X509_STORE_CTX *ctx, struct problem *why)
{
    X509 *x509 = X509_STORE_CTX_get_current_cert(ctx);
    X509_CRL *list = X509_STORE_CTX_get0_current_crl(ctx);
    ASN1_ENUMERATED *given;
    X509_REVOKED *entry = NULL;
    char subject[200], when[96];
    int reason = -1;

    cert_name_text(subject, sizeof(subject), X509_get_subject_name(x509));
    if (list == NULL || X509_CRL_get0_by_cert(list, &entry, x509) <= 0) {
        problem_set(why, "certificate '%s' is revoked", subject);
        return;
    }
    given = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    if (given != NULL)
        reason = (int)ASN1_ENUMERATED_get(given);
    ASN1_ENUMERATED_free(given);
    problem_set(why, "certificate '%s' was revoked on %s (revocation list)", subject,
                revoked_text(when, sizeof(when),
                             asn1_unix_s(X509_REVOKED_get0_revocationDate(entry)), reason));
}

/* What OpenSSL's findings become. */
struct findings {
    struct path *path;
    struct problem *why;
};

static int judge(int ok, X509_STORE_CTX *ctx)
{
    struct findings *f = X509_STORE_CTX_get_app_data(ctx);
    int err = X509_STORE_CTX_get_error(ctx);
    int depth = X509_STORE_CTX_get_error_depth(ctx);

    if (!ok && is_forgivable(err, X509_STORE_CTX_get_current_cert(ctx))) {
        ok = 1;
    } else if (!ok && is_unknown_status(err) && depth >= 0 && depth < PATH_MAX_CERTS) {
        f->path->unknown[depth] = true;
        ok = 1;
    } else if (err == X509_V_ERR_CERT_REVOKED) {
        explain_revoked(ctx, f->why); /* the list is known now and not later */
    }
    if (ok)
        X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return ok;
}

/* What a path is made of.  The stacks own none of the certificates. */
struct material {
    STACK_OF(X509) * anchors;  /* may end it */
    STACK_OF(X509) * helpers;  /* may be on it */
    STACK_OF(X509_CRL) * crls; /* each with a reference */
};

static bool is_anchor(const struct auth_conf *a, const struct cert *cert)
{
    return cert->loaded && cert->trusted && a->n_cacerts == 0;
}

/* A delta that has ended would make the complete list look old. */
static bool is_stale_delta(const X509_CRL *crl, int64_t now_s)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);

    return X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0 && next != NULL &&
           asn1_unix_s(next) <= now_s;
}

static bool gather_crls(struct material *m, const struct creds *c, int64_t now_s)
{
    for (const struct crl *crl = c->crls; crl != NULL; crl = crl->next) {
        if (is_stale_delta(crl->crl, now_s))
            continue;
        if (sk_X509_CRL_push(m->crls, crl->crl) <= 0)
            return false;
        X509_CRL_up_ref(crl->crl);
    }
    return status_crls(c->status, m->crls, now_s);
}

static bool gather_anchors(struct material *m, const struct creds *c, const struct auth_conf *a)
{
    bool ok = true;

    for (unsigned i = 0; i < a->n_cacerts; i++)
        ok = ok && sk_X509_push(m->anchors, a->cacerts[i]->x509) > 0;
    for (const struct cert *cert = c->certs; cert != NULL; cert = cert->next) {
        if (is_anchor(a, cert))
            ok = ok && sk_X509_push(m->anchors, cert->x509) > 0;
    }
    return ok;
}

/* OpenSSL takes the first issuer that fits and does not come back to try another, so those
 * that an anchor issued go to the front: of a cross-signed authority's certificates that is
 * the one which leads somewhere. */
static bool add_helper(struct material *m, X509 *x509)
{
    for (int i = 0; i < sk_X509_num(m->anchors); i++) {
        if (X509_check_issued(sk_X509_value(m->anchors, i), x509) == X509_V_OK)
            return sk_X509_unshift(m->helpers, x509) > 0;
    }
    return sk_X509_push(m->helpers, x509) > 0;
}

static bool gather_helpers(struct material *m, const struct creds *c, const struct auth_conf *a,
                           STACK_OF(X509) * others)
{
    bool ok = true;

    for (int i = 0; i < sk_X509_num(others); i++)
        ok = ok && add_helper(m, sk_X509_value(others, i));
    for (const struct cert *cert = c->certs; cert != NULL; cert = cert->next) {
        if (cert->loaded && !is_anchor(a, cert))
            ok = ok && add_helper(m, cert->x509);
    }
    return ok;
}

/* The path has to be good for at least one of them, or OpenSSL finds no policy at all. */
static bool want_policies(X509_VERIFY_PARAM *param, const struct auth_conf *a)
{
    bool ok = true;

    for (unsigned i = 0; i < a->n_policies && ok; i++) {
        ASN1_OBJECT *oid = OBJ_txt2obj(a->policies[i], 1);

        ok = oid != NULL && X509_VERIFY_PARAM_add0_policy(param, oid) == 1;
        if (!ok)
            ASN1_OBJECT_free(oid);
    }
    if (a->n_policies > 0)
        X509_VERIFY_PARAM_set_flags(param,
                                    X509_V_FLAG_POLICY_CHECK | X509_V_FLAG_EXPLICIT_POLICY);
    return ok;
}

static bool has_policy(STACK_OF(X509_POLICY_NODE) * nodes, const ASN1_OBJECT *oid)
{
    for (int i = 0; i < sk_X509_POLICY_NODE_num(nodes); i++)
        if (OBJ_cmp(X509_policy_node_get0_policy(sk_X509_POLICY_NODE_value(nodes, i)), oid) ==
            0)
            return true;
    return false;
}

/* RFC 5280 section 6.1: those that every certificate of the path allows. */
static enum cv_err check_policies(X509_STORE_CTX *ctx, const struct auth_conf *a,
                                  struct problem *why)
{
    X509_POLICY_TREE *tree = X509_STORE_CTX_get0_policy_tree(ctx);
    STACK_OF(X509_POLICY_NODE) *nodes =
        tree != NULL ? X509_policy_tree_get0_user_policies(tree) : NULL;
    char subject[200];

    for (unsigned i = 0; i < a->n_policies; i++) {
        ASN1_OBJECT *oid = OBJ_txt2obj(a->policies[i], 1);
        bool has = oid != NULL && has_policy(nodes, oid);

        ASN1_OBJECT_free(oid);
        if (has)
            continue;
        problem_set(why,
                    "certificate '%s': its path is not good for the policy %s "
                    "(remote.cert_policy)",
                    cert_name_text(subject, sizeof(subject),
                                   X509_get_subject_name(X509_STORE_CTX_get0_cert(ctx))),
                    a->policies[i]);
        return CV_ERR_CERT_CHAIN;
    }
    return CV_OK;
}

static enum cv_err check_ca_id(const struct path *path, const struct auth_conf *a,
                               struct problem *why)
{
    char subject[200];

    if (a->ca_id.type == CV_ID_ANY)
        return CV_OK;
    for (int i = 1; i < sk_X509_num(path->chain); i++)
        if (cert_names(sk_X509_value(path->chain, i), &a->ca_id))
            return CV_OK;
    problem_set(why,
                "certificate '%s': no authority of its path has the name that the "
                "connection asks for (remote.ca_id)",
                cert_name_text(subject, sizeof(subject),
                               X509_get_subject_name(sk_X509_value(path->chain, 0))));
    return CV_ERR_CERT_CHAIN;
}

static void set_params(X509_VERIFY_PARAM *param, int64_t now_s)
{
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN |
                                           X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL |
                                           X509_V_FLAG_USE_DELTAS);
    X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
    X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
}

/* Says which certificate of the path it is, and what is wrong with it; returns the class. */
static enum cv_err explain(const X509_STORE_CTX *ctx, struct problem *why)
{
    int err = X509_STORE_CTX_get_error(ctx);
    const X509 *x509 = X509_STORE_CTX_get_current_cert(ctx);
    char subject[200], issuer[200];

    if (err == X509_V_ERR_CERT_REVOKED)
        return CV_ERR_CERT_REVOKED;
    if (x509 == NULL)
        problem_set(why, "certificate: %s", X509_verify_cert_error_string(err));
    else if (path_error(err) == CV_ERR_CERT_CHAIN &&
             (err == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
              err == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE))
        problem_set(why, "certificate '%s': its issuer '%s' is none of our authorities",
                    cert_name_text(subject, sizeof(subject), X509_get_subject_name(x509)),
                    cert_name_text(issuer, sizeof(issuer), X509_get_issuer_name(x509)));
    else
        problem_set(why, "certificate '%s': %s",
                    cert_name_text(subject, sizeof(subject), X509_get_subject_name(x509)),
                    X509_verify_cert_error_string(err));
    return path_error(err);
}

/* One path's question: from which leaf, for whom, when. */
struct errand {
    X509 *leaf;
    const struct auth_conf *a;
    int64_t now_s;
};

static bool prepare(X509_STORE_CTX *ctx, const struct material *m, const struct errand *e)
{
    if (ctx == NULL || X509_STORE_CTX_init(ctx, NULL, e->leaf, m->helpers) != 1)
        return false;
    X509_STORE_CTX_set0_trusted_stack(ctx, m->anchors);
    X509_STORE_CTX_set0_crls(ctx, m->crls);
    X509_STORE_CTX_set_verify_cb(ctx, judge);
    set_params(X509_STORE_CTX_get0_param(ctx), e->now_s);
    return want_policies(X509_STORE_CTX_get0_param(ctx), e->a);
}

static enum cv_err run_check(const struct material *m, const struct errand *e, struct path *out,
                             struct problem *why)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    struct findings f = {out, why};
    enum cv_err err = CV_ERR_CRYPTO;

    if (prepare(ctx, m, e)) {
        X509_STORE_CTX_set_app_data(ctx, &f);
        err = X509_verify_cert(ctx) == 1 ? check_policies(ctx, e->a, why) : explain(ctx, why);
        if (err == CV_OK) {
            out->chain = X509_STORE_CTX_get1_chain(ctx);
            err = check_ca_id(out, e->a, why);
        }
    }
    X509_STORE_CTX_free(ctx);
    return err;
}

enum cv_err cert_check_path(const struct creds *c, X509 *leaf, STACK_OF(X509) * others,
                            const struct auth_conf *a, int64_t now_s, struct path *out,
                            struct problem *why)
{
    struct material m = {sk_X509_new_null(), sk_X509_new_null(), sk_X509_CRL_new_null()};
    enum cv_err err = CV_ERR_CRYPTO;

    if (m.anchors != NULL && m.helpers != NULL && m.crls != NULL && gather_anchors(&m, c, a) &&
        gather_helpers(&m, c, a, others) && gather_crls(&m, c, now_s))
        err = run_check(&m, &(struct errand){leaf, a, now_s}, out, why);
    sk_X509_free(m.anchors);
    sk_X509_free(m.helpers);
    sk_X509_CRL_pop_free(m.crls, X509_CRL_free);
    ERR_clear_error();
    return err;
}

void path_free(struct path *p)
{
    sk_X509_pop_free(p->chain, X509_free);
    p->chain = NULL;
}
