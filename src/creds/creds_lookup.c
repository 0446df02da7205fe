/* Owns questions about the status of certificates, and the judgement of what comes back.
 *
 * Invariant: what is kept was signed by the certificate's issuer, or by a signer of answers
 * that the issuer has named (RFC 6960 section 4.2.2.2), is in its time, and is no older than
 * what is kept already.  Parsing is OpenSSL's.  RFC 5280 section 5, RFC 6960, RFC 8954.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "creds/creds_lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/span.h"
#include "text/text.h"

enum {
    SKEW_S = 300,   /* two clocks may differ by so much */
    UNDATED_S = 60, /* an answer that does not say when the next one comes */
    UNDATED_LIST_S = 3600,
    AGAIN_S = 30,    /* after a failure */
    KEPT_MAX = 4096, /* octets of an answer that goes into IKE messages */
    NONCE = 32,      /* RFC 8954 section 2.1 */
    SECURITY_LEVEL = 2
};

/* A lookup and what judges its answer. */
struct asking {
    struct lookup l;
    struct status *status;
    char *uri, *key, *dir;
    X509 *issuer;
    OCSP_REQUEST *req;
    OCSP_CERTID *id; /* the request's */
    uint8_t *der;
    uint8_t status_key[STATUS_KEY];
    bool keep;    /* the answer itself */
    bool unasked; /* no nonce to compare */
    uint8_t hash[STATUS_HASH];
};

int64_t asn1_unix_s(const ASN1_TIME *t)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;

    (void)ASN1_TIME_diff(&days, &seconds, epoch, t);
    ASN1_TIME_free(epoch);
    return (int64_t)days * 86400 + seconds;
}

const char *revoked_text(char *out, size_t n, int64_t when_s, int reason)
{
    const time_t when = (time_t)when_s;
    struct tm tm = {0};
    char day[40];

    (void)gmtime_r(&when, &tm);
    (void)strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S UTC", &tm);
    (void)snprintf(out, n, "%s%s%s", day, reason >= 0 ? ", " : "",
                   reason >= 0 ? OCSP_crl_reason_str(reason) : "");
    return out;
}

/* ---- making ---------------------------------------------------------------------- */

static OCSP_CERTID *id_of(const struct issued *about)
{
    return OCSP_cert_to_id(EVP_sha1(), about->cert, about->issuer);
}

bool lookup_ocsp_key(uint8_t out[STATUS_KEY], const struct issued *about)
{
    OCSP_CERTID *id = id_of(about);
    uint8_t *der = NULL;
    int n = id != NULL ? i2d_OCSP_CERTID(id, &der) : 0;
    bool ok = n > 0 && EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(), NULL) == 1;

    OPENSSL_free(der);
    OCSP_CERTID_free(id);
    return ok;
}

static bool make_request(struct asking *a, const struct issued *about)
{
    OCSP_CERTID *id = id_of(about);
    int n;

    a->req = OCSP_REQUEST_new();
    if (id == NULL || a->req == NULL || OCSP_request_add0_id(a->req, id) == NULL) {
        OCSP_CERTID_free(id);
        return false;
    }
    a->id = id;
    if (OCSP_request_add1_nonce(a->req, NULL, NONCE) != 1 ||
        !lookup_ocsp_key(a->status_key, about))
        return false;
    n = i2d_OCSP_REQUEST(a->req, &a->der);
    if (n <= 0)
        return false;
    a->l.request = span(a->der, (size_t)n);
    return true;
}

/* A list is the same for all certificates of its issuer, an answer is about one. */
static char *key_of(const struct asking *a)
{
    size_t n = strlen(a->uri) + 2 * STATUS_KEY + 2, at;
    char *key = mem_new(n, 1);

    at = (size_t)snprintf(key, n, "%s", a->uri);
    for (unsigned i = 0; a->l.ocsp && i < STATUS_KEY; i++)
        at += (size_t)snprintf(key + at, n - at, "%s%02x", i == 0 ? " " : "", a->status_key[i]);
    return key;
}

struct lookup *lookup_new(const struct creds *c, const struct issued *about, const char *uri,
                          bool ocsp, bool ours)
{
    struct asking *a = mem_new(1, sizeof(*a));

    a->l.ocsp = ocsp;
    a->l.ours = ours;
    a->status = c->status;
    a->dir = mem_text(c->list_dir);
    a->uri = mem_text(uri);
    a->issuer = about->issuer;
    X509_up_ref(a->issuer);
    if (ocsp && !make_request(a, about)) {
        lookup_free(&a->l);
        return NULL;
    }
    a->key = key_of(a);
    a->l.uri = a->uri;
    a->l.key = a->key;
    return &a->l;
}

struct lookup *lookup_new_cert(const struct creds *c, const char *url, const uint8_t *hash)
{
    struct asking *a = mem_new(1, sizeof(*a));

    a->l.cert = true;
    a->status = c->status;
    a->uri = mem_text(url);
    a->key = mem_text(url);
    a->l.uri = a->uri;
    a->l.key = a->key;
    memcpy(a->hash, hash, STATUS_HASH);
    return &a->l;
}

void lookup_keep(struct lookup *l)
{
    ((struct asking *)l)->keep = true;
}

void lookup_free(struct lookup *l)
{
    struct asking *a = (struct asking *)l;

    if (a == NULL)
        return;
    OCSP_REQUEST_free(a->req);
    OPENSSL_free(a->der);
    X509_free(a->issuer);
    free(a->uri);
    free(a->key);
    free(a->dir);
    free(a);
}

/* ---- OCSP answers ---------------------------------------------------------------- */

/* What signs certificates no more may not speak of them either. */
static bool is_weakly_signed(const OCSP_BASICRESP *basic)
{
    const ASN1_OBJECT *oid;
    int md = NID_undef;

    X509_ALGOR_get0(&oid, NULL, NULL, OCSP_resp_get0_tbs_sigalg(basic));
    return OBJ_find_sigid_algs(OBJ_obj2nid(oid), &md, NULL) == 1 &&
           (md == NID_sha1 || md == NID_md5);
}

/* The issuer vouches for the signer, and nobody else does. */
static bool is_signed(const struct asking *a, OCSP_BASICRESP *basic, int64_t now_s)
{
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *helpers = sk_X509_new_null();
    bool ok = store != NULL && helpers != NULL && X509_STORE_add_cert(store, a->issuer) == 1 &&
              sk_X509_push(helpers, a->issuer) > 0;

    if (ok) {
        X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);

        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
        X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
        ok = OCSP_basic_verify(basic, helpers, store, 0) == 1;
    }
    sk_X509_free(helpers);
    X509_STORE_free(store);
    return ok;
}

/* RFC 6960 section 3.2: the certificate, the signer, the times. */
static bool judge_status(const struct asking *a, OCSP_BASICRESP *basic, struct cv_span der,
                         int64_t now_s, struct problem *why)
{
    ASN1_GENERALIZEDTIME *revoked = NULL, *from = NULL, *next = NULL;
    struct verdict v = {.reason = -1};
    int status;

    if (OCSP_resp_find_status(basic, a->id, &status, &v.reason, &revoked, &from, &next) != 1)
        return problem_set(why, "answers about other certificates");
    if (asn1_unix_s(from) > now_s + SKEW_S)
        return problem_set(why, "has an answer from the future");
    if (next != NULL && asn1_unix_s(next) + SKEW_S < now_s)
        return problem_set(why, "has an answer that is too old");
    if (status == V_OCSP_CERTSTATUS_UNKNOWN)
        return problem_set(why, "does not know the certificate");
    v.revoked = status == V_OCSP_CERTSTATUS_REVOKED;
    v.from_s = asn1_unix_s(from);
    v.revoked_s = revoked != NULL ? asn1_unix_s(revoked) : 0;
    v.until_s = next != NULL ? asn1_unix_s(next) + SKEW_S : v.from_s + UNDATED_S;
    if (v.until_s < now_s)
        return problem_set(why, "has an answer that is too old");
    status_put_verdict(a->status, a->status_key, &v,
                       a->keep && der.n <= KEPT_MAX ? der : span(NULL, 0));
    return true;
}

static bool take_basic(const struct asking *a, OCSP_BASICRESP *basic, struct cv_span der,
                       int64_t now_s, struct problem *why)
{
    if (basic == NULL)
        return problem_set(why, "has no basic answer");
    if (!a->unasked && OCSP_check_nonce(a->req, basic) == 0)
        return problem_set(why, "answers another question (nonce)");
    if (is_weakly_signed(basic))
        return problem_set(why, "signs its answers with SHA-1 or MD5");
    if (!is_signed(a, basic, now_s))
        return problem_set(why, "has an answer that the issuer does not vouch for: %s",
                           creds_openssl_reason());
    return judge_status(a, basic, der, now_s, why);
}

static bool take_ocsp(const struct asking *a, struct cv_span body, int64_t now_s,
                      struct problem *why)
{
    const unsigned char *p = body.p;
    OCSP_RESPONSE *answer = d2i_OCSP_RESPONSE(NULL, &p, (long)body.n);
    OCSP_BASICRESP *basic;
    bool ok;

    if (answer == NULL || p != body.p + body.n) {
        OCSP_RESPONSE_free(answer);
        return problem_set(why, "answers with what is no OCSP answer");
    }
    if (OCSP_response_status(answer) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        problem_set(why, "refuses: %s", OCSP_response_status_str(OCSP_response_status(answer)));
        OCSP_RESPONSE_free(answer);
        return false;
    }
    basic = OCSP_response_get1_basic(answer);
    ok = take_basic(a, basic, body, now_s, why);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(answer);
    return ok;
}

/* ---- revocation lists ------------------------------------------------------------ */

/* The file's name is the issuer's key, as charon has it. */
static void name_file(char *out, size_t n, const struct asking *a, const X509_CRL *list)
{
    ASN1_OCTET_STRING *id = X509_get_ext_d2i(a->issuer, NID_subject_key_identifier, NULL, NULL);
    int at = snprintf(out, n, "%s/", a->dir);

    for (int i = 0; id != NULL && i < ASN1_STRING_length(id) && at > 0 && (size_t)at < n; i++)
        at += snprintf(out + at, n - (size_t)at, "%02x", ASN1_STRING_get0_data(id)[i]);
    if (at > 0 && (size_t)at < n)
        (void)snprintf(out + at, n - (size_t)at, "%s.crl",
                       X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) >= 0 ? "_delta" : "");
    ASN1_OCTET_STRING_free(id);
}

/* Whole or not at all.  That it cannot be written costs a fetch after the next start. */
static void write_file(const struct asking *a, const X509_CRL *list, struct cv_span der)
{
    char path[512], fresh[520];
    FILE *out;
    bool ok;

    name_file(path, sizeof(path), a, list);
    (void)snprintf(fresh, sizeof(fresh), "%s.new", path);
    out = fopen(fresh, "wbe");
    if (out == NULL)
        return;
    ok = fwrite(der.p, 1, der.n, out) == der.n;
    ok = fclose(out) == 0 && ok;
    if (!ok || rename(fresh, path) != 0)
        (void)unlink(fresh);
}

static bool judge_list(const struct asking *a, X509_CRL *list, int64_t now_s,
                       struct problem *why)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);

    if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(a->issuer)) != 0)
        return problem_set(why, "has the list of another authority");
    if (X509_CRL_verify(list, X509_get0_pubkey(a->issuer)) != 1)
        return problem_set(why, "has a list that is not signed by the certificate's issuer");
    if (asn1_unix_s(X509_CRL_get0_lastUpdate(list)) > now_s + SKEW_S)
        return problem_set(why, "has a list from the future");
    if (next != NULL && asn1_unix_s(next) <= now_s)
        return problem_set(why, "has a list that ended on %s",
                           revoked_text((char[64]){0}, 64, asn1_unix_s(next), -1));
    return true;
}

static X509_CRL *read_list(struct cv_span body)
{
    const unsigned char *p = body.p;
    X509_CRL *list = d2i_X509_CRL(NULL, &p, (long)body.n);
    BIO *bio;

    if (list != NULL && p != body.p + body.n) {
        X509_CRL_free(list);
        return NULL;
    }
    if (list == NULL && (bio = BIO_new_mem_buf(body.p, (int)body.n)) != NULL) {
        list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
        BIO_free(bio);
    }
    return list;
}

static bool take_list(const struct asking *a, struct cv_span body, int64_t now_s,
                      struct problem *why)
{
    X509_CRL *list = read_list(body);
    const ASN1_TIME *next;

    if (list == NULL)
        return problem_set(why, "answers with what is no revocation list");
    if (!judge_list(a, list, now_s, why)) {
        X509_CRL_free(list);
        return false;
    }
    next = X509_CRL_get0_nextUpdate(list);
    X509_CRL_up_ref(list);
    if (status_put_crl(a->status, a->uri, list,
                       next != NULL ? asn1_unix_s(next) : now_s + UNDATED_LIST_S)) {
        if (a->dir != NULL)
            write_file(a, list, body);
        X509_CRL_free(list);
        return true;
    }
    X509_CRL_free(list);
    return problem_set(why, "has an older list than it had before");
}

/* ---- certificates, RFC 7296 section 3.6 --------------------------------------------- */

static bool take_cert(const struct asking *a, struct cv_span body, struct problem *why)
{
    const unsigned char *p = body.p;
    uint8_t hash[EVP_MAX_MD_SIZE];
    X509 *x509;

    if (EVP_Digest(body.p, body.n, hash, NULL, EVP_sha1(), NULL) != 1 ||
        memcmp(hash, a->hash, STATUS_HASH) != 0)
        return problem_set(why, "has something else than the certificate of that hash");
    x509 = d2i_X509(NULL, &p, (long)body.n);
    if (x509 != NULL && p == body.p + body.n)
        status_put_cert(a->status, a->hash, x509);
    X509_free(x509);
    return x509 != NULL || problem_set(why, "has what is no certificate");
}

void lookup_stapled(const struct creds *c, const struct issued *about, struct cv_span der,
                    int64_t now_s)
{
    struct lookup *l = lookup_new(c, about, "", true, false);
    struct problem why;

    if (l == NULL)
        return;
    ((struct asking *)l)->unasked = true;
    (void)take_ocsp((const struct asking *)l, der, now_s, &why);
    lookup_free(l);
    ERR_clear_error();
}

/* ---- all ------------------------------------------------------------------------ */

bool lookup_take(const struct lookup *l, struct cv_span body, int64_t now_s,
                 struct problem *why)
{
    const struct asking *a = (const struct asking *)l;
    bool ok;

    ERR_clear_error();
    ok = l->ocsp   ? take_ocsp(a, body, now_s, why)
         : l->cert ? take_cert(a, body, why)
                   : take_list(a, body, now_s, why);
    if (!ok)
        status_put_failure(a->status, a->key, why->text, now_s + AGAIN_S);
    ERR_clear_error();
    return ok;
}

/* Nobody there: whatever was asked. */
void lookup_failed(const struct lookup *l, const char *reason, int64_t now_s)
{
    const struct asking *a = (const struct asking *)l;

    status_put_failure(a->status, a->uri, reason, now_s + AGAIN_S);
}
