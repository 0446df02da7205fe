/* Owns what EST issues: a certificate for a device, which the registry knows before anybody has
 * it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "enrol/est_inside.h"
#include "fleet/registry_event.h"
#include "pki/certs_only.h"

enum { SHA256_LEN = 32 };

/* ---- the certificate ------------------------------------------------------------------- */

static X509 *make(struct est *e, const struct est_claim *claim, struct problem *why)
{
    const struct device *d = &claim->device;
    const bool is_mail = strchr(d->identity, '@') != NULL;
    const struct leaf leaf = {.use = LEAF_DEVICE,
                              .common_name = d->name,
                              .dns = {d->identity},
                              .n_dns = !is_mail,
                              .email = is_mail ? d->identity : NULL,
                              .from_s = claim->now_s,
                              .lifetime_s = e->lifetime_s};

    if (strpbrk(d->identity, " =,*/") != NULL) {
        problem_set(why,
                    "the identity '%s' is no name of a host and no address of mail: no "
                    "certificate can say it",
                    d->identity);
        return NULL;
    }
    return authority_issue(&e->ca, &leaf, X509_REQ_get0_pubkey(claim->req), why);
}

/* How the registry knows it. */
static bool describe(X509 *cert, const struct device *d, struct certificate *out)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    char serial[SERIAL_TEXT];
    unsigned n = 0;

    *out = (struct certificate){
        .device = d->id, .issued_s = cert_from_s(cert), .ends_s = cert_until_s(cert)};
    snprintf(out->serial, sizeof(out->serial), "%s", serial_text(serial, cert));
    if (X509_digest(cert, EVP_sha256(), hash, &n) != 1 || n != SHA256_LEN)
        return false;
    for (unsigned i = 0; i < n; i++)
        snprintf(&out->fingerprint[2 * i], 3, "%02x", hash[i]);
    return true;
}

/* ---- written down ---------------------------------------------------------------------- */

struct record {
    const struct est_claim *claim;
    struct certificate cert;
};

static void describe_event(const struct record *r, struct fleet_event *out)
{
    *out = (struct fleet_event){.severity = EVENT_NOTICE, .device = r->claim->device.id};
    snprintf(out->kind, sizeof(out->kind), "%s",
             r->claim->code != NULL ? "enrolled" : "renewed");
    snprintf(out->peer, sizeof(out->peer), "%s", r->claim->from);
    snprintf(out->text, sizeof(out->text), "certificate %s was issued", r->cert.serial);
}

/* One transaction: the code is used and the certificate known, or neither. */
static enum registry_err write_down(struct registry *reg, void *ctx)
{
    struct record *r = ctx;
    struct device d = r->claim->device;
    enum registry_err err = REGISTRY_OK;
    struct fleet_event event;

    if (r->claim->code != NULL)
        err = registry_code_use(reg, r->claim->code, &d);
    if (err == REGISTRY_OK)
        err = registry_certificate_add(reg, &r->cert);
    snprintf(d.credential, sizeof(d.credential), "cert:%s", r->cert.fingerprint);
    d.credential_end_s = r->cert.ends_s;
    if (err == REGISTRY_OK)
        err = registry_device_set(reg, &d, DEVICE_CREDENTIAL);
    describe_event(r, &event);
    return err == REGISTRY_OK ? registry_event_add(reg, &event, 1) : err;
}

static bool is_written_down(struct est *e, struct record *r, struct http_response *res)
{
    struct registry *reg = est_take(e, res);
    enum registry_err err;

    if (reg == NULL)
        return false;
    err = registry_together(reg, write_down, r);
    if (err != REGISTRY_OK)
        est_refuse(reg, err, res);
    est_give(e, reg);
    return err == REGISTRY_OK;
}

/* ---- the answer ------------------------------------------------------------------------ */

/* RFC 7030 section 4.2.3: the certificate and nothing else.  Where to renew it later goes
 * beside it (RFC 8288), for clients that have come through a tunnel by then. */
static void answer(const struct est *e, X509 *cert, struct http_response *res)
{
    struct problem why = {.text = ""};
    char *text = certs_only_text(&cert, 1, &why);

    if (text == NULL) {
        http_problem(res, 500, "%s", why.text);
        return;
    }
    res->status = 200;
    res->type = "application/pkcs7-mime; smime-type=certs-only";
    http_add_field(res, "Content-Transfer-Encoding", "base64");
    if (e->inside != NULL)
        http_add_field(res, "Link", "<%s/.well-known/est>; rel=\"edit\"", e->inside);
    fputs(text, http_body(res));
    free(text);
}

void est_issue(struct est *e, struct est_claim *claim, struct http_response *res)
{
    struct record record = {.claim = claim};
    struct problem why = {.text = ""};
    X509 *cert = make(e, claim, &why);

    if (cert == NULL || !describe(cert, &claim->device, &record.cert))
        http_problem(res, 500, "%s", why.text);
    else if (is_written_down(e, &record, res))
        answer(e, cert, res);
    X509_free(cert);
}
