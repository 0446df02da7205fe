/* Owns EST's requests: who asks, whether they may, what the refusal says.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "enrol/est.h"

#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "enrol/est_inside.h"
#include "fleet/registry_event.h"
#include "kit/mem.h"
#include "pki/base64.h"
#include "pki/certs_only.h"
#include "pki/csr.h"
#include "pki/pin.h"

/* RFC 7030 section 4.5.2, as RFC 8951 section 3.2 encodes it: an EC key on P-256 (RFC 5480),
 * and a signature by ECDSA with SHA-256 (RFC 5758). */
static const uint8_t csr_attributes[] = {
    0x30, 0x21, /* SEQUENCE of what follows */
    0x30, 0x15, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,       /* id-ecPublicKey */
    0x31, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, /* on secp256r1 */
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, /* ecdsa-with-SHA256 */
};

enum { CREDENTIAL_MAX = 512 };

/* ---- the registry -------------------------------------------------------------------- */

void est_refuse(const struct registry *r, enum registry_err err, struct http_response *res)
{
    const char *why = registry_why(r);

    switch (err) {
    case REGISTRY_WRONG:
        http_add_field(res, "WWW-Authenticate", "Basic realm=\"the device's name and code\"");
        http_problem(res, 401, "%s", why);
        return;
    case REGISTRY_SLOW:
        http_add_field(res, "Retry-After", "%lld", (long long)registry_code_wait_s(r));
        http_problem(res, 429, "%s", why);
        return;
    case REGISTRY_USED:
    case REGISTRY_EXPIRED:
    case REGISTRY_OTHER:
    case REGISTRY_NONE:
    case REGISTRY_BAD:
    case REGISTRY_EXISTS:
        http_problem(res, 403, "%s", why);
        return;
    default:
        http_add_field(res, "Retry-After", "10");
        http_problem(res, 503, "%s", why);
    }
}

struct registry *est_take(struct est *e, struct http_response *res)
{
    struct problem why = {.text = ""};
    enum registry_err err;
    struct registry *r = registry_pool_take(e->pool, &err, &why);

    if (r == NULL) {
        http_add_field(res, "Retry-After", "10");
        http_problem(res, 503, "%s", why.text);
    }
    return r;
}

void est_give(struct est *e, struct registry *r)
{
    registry_pool_give(e->pool, r);
}

/* ---- what anybody may ask ------------------------------------------------------------ */

static void answer_base64(struct http_response *res, const char *type, const char *text)
{
    res->status = 200;
    res->type = type;
    http_add_field(res, "Content-Transfer-Encoding", "base64");
    fputs(text, http_body(res));
}

static void cacerts(void *ctx, const struct http_request *req, struct http_response *res)
{
    const struct est *e = ctx;
    struct problem why = {.text = ""};
    char *text = certs_only_text(&e->ca.cert, 1, &why);

    (void)req;
    if (text != NULL)
        answer_base64(res, "application/pkcs7-mime", text);
    else
        http_problem(res, 500, "%s", why.text);
    free(text);
}

static void csrattrs(void *ctx, const struct http_request *req, struct http_response *res)
{
    char *text = base64_lines((struct cv_span){csr_attributes, sizeof(csr_attributes)});

    (void)ctx;
    (void)req;
    answer_base64(res, "application/csrattrs", text);
    free(text);
}

/* ---- requests ------------------------------------------------------------------------ */

/* RFC 7617: "Basic " and Base64 of name:code, into text, which both then point into. */
static bool read_basic(const char *field, char text[CREDENTIAL_MAX], const char **name,
                       const char **code)
{
    char *colon;
    size_t n;

    if (field == NULL || strncasecmp(field, "Basic ", 6) != 0 ||
        !base64_read(&field[6], strlen(&field[6]), (uint8_t *)text, CREDENTIAL_MAX - 1, &n))
        return false;
    text[n] = '\0';
    colon = strchr(text, ':');
    if (colon == NULL || strlen(text) != n)
        return false;
    *colon = '\0';
    *name = text;
    *code = &colon[1];
    return true;
}

/* The request in the body and the fingerprint of its key; NULL: it has been answered. */
static X509_REQ *read_request(const struct http_request *req, char key[PIN_TEXT],
                              struct http_response *res)
{
    struct problem why = {.text = ""};
    X509_REQ *csr = csr_read(req->body, &why);
    EVP_PKEY *pkey = csr == NULL ? NULL : X509_REQ_get0_pubkey(csr);
    struct pin pin;

    key[0] = '\0';
    if (pkey != NULL && pin_of_key(pkey, &pin))
        pin_text(key, &pin);
    if (csr == NULL)
        http_problem(res, 400, "%s", why.text);
    return csr;
}

/* Whoever has a code or a certificate and is refused is told of here, too: the operator sees
 * what the device was told.  Guesses are counted elsewhere. */
static void tell_refused(struct registry *r, const struct est_claim *claim, const char *why)
{
    struct fleet_event event = {.severity = EVENT_WARNING, .device = claim->device.id};

    snprintf(event.kind, sizeof(event.kind), "enrol-refused");
    snprintf(event.peer, sizeof(event.peer), "%s", claim->from);
    snprintf(event.text, sizeof(event.text), "no certificate: %.480s", why);
    (void)registry_event_add(r, &event, 1); /* one that is away cannot hear it */
}

/* Is the device one that may have a certificate, and does the request ask for its own? */
static bool may_have(struct registry *r, const struct est_claim *claim,
                     struct http_response *res)
{
    const struct device *d = &claim->device;
    const struct csr_subject subject = {d->name, d->identity};
    struct problem why = {.text = ""};
    unsigned status = 400;

    if (d->state != DEVICE_ACTIVE) {
        problem_set(&why, "%s is %s", d->name, device_state_name(d->state));
        status = 403;
    } else if (csr_check(claim->req, &subject, &why)) {
        return true;
    }
    http_problem(res, status, "%s", why.text);
    tell_refused(r, claim, why.text);
    return false;
}

/* Is the code good, and for this request? */
static bool may_enroll(struct registry *r, struct est_claim *claim, struct http_response *res)
{
    const enum registry_err err = registry_code_look(r, claim->code, &claim->device);
    struct problem why;

    if (err == REGISTRY_OK)
        return may_have(r, claim, res);
    est_refuse(r, err, res);
    problem_set(&why, "%s", registry_why(r));
    if (err == REGISTRY_USED || err == REGISTRY_EXPIRED || err == REGISTRY_OTHER)
        tell_refused(r, claim, why.text);
    return false;
}

static void enroll_by(struct est *e, const struct code_try *code, X509_REQ *csr,
                      const struct http_request *req, struct http_response *res)
{
    struct est_claim claim = {
        .code = code, .req = csr, .from = req->source, .now_s = req->now_s};
    struct registry *r = est_take(e, res);
    bool may;

    if (r == NULL)
        return;
    may = may_enroll(r, &claim, res);
    est_give(e, r);
    if (may)
        est_issue(e, &claim, res);
}

static void simpleenroll(void *ctx, const struct http_request *req, struct http_response *res)
{
    char text[CREDENTIAL_MAX], key[PIN_TEXT];
    struct code_try code = {.from = req->source, .key = key};
    X509_REQ *csr;

    if (!read_basic(http_field(req, "Authorization"), text, &code.device, &code.code)) {
        http_add_field(res, "WWW-Authenticate", "Basic realm=\"the device's name and code\"");
        http_problem(res, 401,
                     "HTTP basic authentication is expected: the device's name and "
                     "its one-time code");
        return;
    }
    csr = read_request(req, key, res);
    if (csr != NULL)
        enroll_by(ctx, &code, csr, req, res);
    X509_REQ_free(csr);
    wipe(text, sizeof(text));
}

/* Whose is the certificate of this connection, and may it be renewed? */
static bool may_reenroll(struct registry *r, X509 *cert, struct est_claim *claim,
                         struct http_response *res)
{
    struct certificate known;
    char serial[SERIAL_TEXT];
    enum registry_err err = registry_certificate_get(r, serial_text(serial, cert), &known);

    if (err == REGISTRY_OK)
        err = registry_device_by_id(r, known.device, &claim->device);
    if (err != REGISTRY_OK) {
        est_refuse(r, err, res);
        return false;
    }
    if (known.revoked_s == 0)
        return may_have(r, claim, res);
    http_problem(res, 403, "the certificate has been revoked");
    tell_refused(r, claim, "the one to be renewed has been revoked");
    return false;
}

static void reenroll_by(struct est *e, X509 *cert, const struct http_request *req,
                        struct http_response *res)
{
    struct est_claim claim = {.from = req->source, .now_s = req->now_s};
    char key[PIN_TEXT];
    struct registry *r;
    bool may;

    claim.req = read_request(req, key, res);
    r = claim.req == NULL ? NULL : est_take(e, res);
    if (r == NULL) {
        X509_REQ_free(claim.req);
        return;
    }
    may = may_reenroll(r, cert, &claim, res);
    est_give(e, r);
    if (may)
        est_issue(e, &claim, res);
    X509_REQ_free(claim.req);
}

/* RFC 7030 section 3.3.2: the certificate that is to be renewed authenticates the client. */
static void simplereenroll(void *ctx, const struct http_request *req, struct http_response *res)
{
    const uint8_t *p = req->client_cert.p;
    X509 *cert = req->client_cert.n == 0 ? NULL : d2i_X509(NULL, &p, (long)req->client_cert.n);

    if (cert == NULL)
        http_problem(res, 401,
                     "the certificate that is to be renewed is expected as the TLS "
                     "client's: %s",
                     req->client_error != NULL ? req->client_error : "there was none");
    else
        reenroll_by(ctx, cert, req, res);
    X509_free(cert);
}

/* ---- life ------------------------------------------------------------------------------ */

static const struct http_route routes[] = {
    {HTTP_GET,  "/.well-known/est/cacerts",        cacerts       },
    {HTTP_GET,  "/.well-known/est/csrattrs",       csrattrs      },
    {HTTP_POST, "/.well-known/est/simpleenroll",   simpleenroll  },
    {HTTP_POST, "/.well-known/est/simplereenroll", simplereenroll},
    {0,         NULL,                              NULL          },
};

struct est *est_new(const struct est_config *c, struct problem *why)
{
    struct est *e = mem_new(1, sizeof(*e));

    if (!authority_load(&e->ca, c->ca_certificate, c->ca_key, why)) {
        free(e);
        return NULL;
    }
    e->pool = c->pool;
    e->inside = mem_text(c->inside);
    e->lifetime_s = c->lifetime_s;
    e->table = (struct http_table){routes, e};
    return e;
}

void est_free(struct est *e)
{
    if (e == NULL)
        return;
    authority_free(&e->ca);
    free(e->inside);
    free(e);
}

const struct http_table *est_table(const struct est *e)
{
    return &e->table;
}
