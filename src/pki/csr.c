/* Owns certification requests.  What a request asks for beyond a name is not given: the
 * authority decides what a certificate says.  What contradicts that is refused, not overlooked.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pki/csr.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kit/mem.h"
#include "pki/base64.h"
#include "pki/pkey.h"

enum { CSR_MAX = 16384, NAME_MAX_LEN = 256 };

/* ---- made ------------------------------------------------------------------------- */

struct cv_span csr_make(EVP_PKEY *key, const char *common_name, struct problem *why)
{
    X509_REQ *req = X509_REQ_new();
    const EVP_MD *hash = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
    uint8_t *der = NULL;
    int n = -1;

    if (req != NULL && X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 &&
        X509_REQ_set_pubkey(req, key) == 1 &&
        X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(req), NID_commonName,
                                   MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1,
                                   0) == 1 &&
        X509_REQ_sign(req, key, hash) > 0)
        n = i2d_X509_REQ(req, &der);
    X509_REQ_free(req);
    if (n <= 0)
        problem_set(why, "the certification request could not be made: %s", pki_reason());
    return (struct cv_span){der, n > 0 ? (size_t)n : 0};
}

/* ---- read ------------------------------------------------------------------------- */

/* All of it is one request: nothing may follow. */
static X509_REQ *from_der(const uint8_t *p, size_t n)
{
    const uint8_t *at = p;
    X509_REQ *req = d2i_X509_REQ(NULL, &at, (long)n);

    if (req == NULL || (size_t)(at - p) == n)
        return req;
    X509_REQ_free(req);
    return NULL;
}

/* What is between PEM's lines; all of it when there are none. */
static struct cv_span inside_pem(struct cv_span text)
{
    static const char begins[] = "-----BEGIN ", ends[] = "\n-----END ";
    const uint8_t *begin = memmem(text.p, text.n, begins, sizeof(begins) - 1), *end;
    size_t left;

    if (begin == NULL)
        return text;
    left = text.n - (size_t)(begin - text.p);
    begin = memchr(begin, '\n', left);
    if (begin == NULL)
        return text;
    left = text.n - (size_t)(begin - text.p);
    end = memmem(begin, left, ends, sizeof(ends) - 1);
    return (struct cv_span){begin, end != NULL ? (size_t)(end - begin) : left};
}

X509_REQ *csr_read(struct cv_span body, struct problem *why)
{
    const struct cv_span text = inside_pem(body);
    X509_REQ *req = NULL;
    uint8_t *der;
    size_t n;

    if (body.n == 0 || body.n > CSR_MAX) {
        problem_set(why, body.n == 0 ? "the request's body is empty: a PKCS #10 in Base64 is "
                                       "expected"
                                     : "the request's body is too long for a PKCS #10");
        return NULL;
    }
    der = mem_new(body.n, 1);
    if (base64_read((const char *)text.p, text.n, der, body.n, &n))
        req = from_der(der, n);
    free(der);
    if (req == NULL)
        req = from_der(body.p, body.n);
    if (req == NULL)
        problem_set(why, "the request's body is no PKCS #10 in Base64");
    (void)pki_reason();
    return req;
}

/* ---- judged ----------------------------------------------------------------------- */

/* Names of hosts know no case (RFC 4343). */
static bool is_subject(const char *text, const struct csr_subject *subject)
{
    return strcasecmp(text, subject->name) == 0 || strcasecmp(text, subject->identity) == 0;
}

/* A string of the request as text; false when it is none: a NUL inside, too long. */
static bool as_text(const ASN1_STRING *s, char out[NAME_MAX_LEN])
{
    const int n = ASN1_STRING_length(s);

    if (n <= 0 || n >= NAME_MAX_LEN || memchr(ASN1_STRING_get0_data(s), 0, (size_t)n) != NULL)
        return false;
    memcpy(out, ASN1_STRING_get0_data(s), (size_t)n);
    out[n] = '\0';
    for (int i = 0; i < n; i++)
        if ((unsigned char)out[i] < ' ')
            out[i] = '?';
    return true;
}

static bool check_subject(X509_REQ *req, const struct csr_subject *subject, struct problem *why)
{
    const X509_NAME *name = X509_REQ_get_subject_name(req);
    const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    char text[NAME_MAX_LEN];

    if (at < 0)
        return problem_set(why,
                           "the request names nobody: its subject has no common name, "
                           "CN=%s is expected",
                           subject->name);
    if (X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
        return problem_set(why, "the request has several common names");
    if (!as_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)), text))
        return problem_set(why, "the request's common name is no text");
    if (!is_subject(text, subject))
        return problem_set(why, "the request is for CN=%s, but the code is %s's", text,
                           subject->name);
    return true;
}

static bool check_other_name(const GENERAL_NAME *name, const struct csr_subject *subject,
                             struct problem *why)
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    char text[NAME_MAX_LEN];

    if ((type != GEN_DNS && type != GEN_EMAIL) || !as_text(value, text))
        return problem_set(why, "the request's subjectAltName has more than names of hosts");
    if (!is_subject(text, subject))
        return problem_set(why, "the request's subjectAltName is %s, but the code is %s's",
                           text, subject->name);
    return true;
}

static bool check_other_names(STACK_OF(X509_EXTENSION) * asked,
                              const struct csr_subject *subject, struct problem *why)
{
    GENERAL_NAMES *names = X509V3_get_d2i(asked, NID_subject_alt_name, NULL, NULL);
    bool ok = true;

    for (int i = 0; ok && i < sk_GENERAL_NAME_num(names); i++)
        ok = check_other_name(sk_GENERAL_NAME_value(names, i), subject, why);
    GENERAL_NAMES_free(names);
    return ok;
}

static bool check_extensions(X509_REQ *req, const struct csr_subject *subject,
                             struct problem *why)
{
    STACK_OF(X509_EXTENSION) *asked = X509_REQ_get_extensions(req);
    BASIC_CONSTRAINTS *basic = X509V3_get_d2i(asked, NID_basic_constraints, NULL, NULL);
    bool ok = basic == NULL || !basic->ca;

    if (!ok)
        problem_set(why, "the request asks to become an authority");
    ok = ok && check_other_names(asked, subject, why);
    BASIC_CONSTRAINTS_free(basic);
    sk_X509_EXTENSION_pop_free(asked, X509_EXTENSION_free);
    return ok;
}

bool csr_check(X509_REQ *req, const struct csr_subject *subject, struct problem *why)
{
    EVP_PKEY *key = X509_REQ_get0_pubkey(req);

    if (key == NULL) {
        (void)pki_reason();
        return problem_set(why, "the request's public key is of a kind that is not known");
    }
    if (!pkey_is_strong(key, why))
        return false;
    if (X509_REQ_verify(req, key) != 1) {
        (void)pki_reason();
        return problem_set(why, "the request's signature is wrong: whoever sent it does not "
                                "prove to have the key");
    }
    return check_subject(req, subject, why) && check_extensions(req, subject, why);
}
