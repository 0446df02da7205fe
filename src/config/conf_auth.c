/* Owns local and remote sections: who each side is and how it proves that.
 *
 * One round of authentication for each side; EAP, XAuth and several rounds (RFC 4739) are
 * refused by name.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "config/inside.h"
#include "text/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct auth_draft {
    const char *auth;
    struct cv_id id;
    bool has_id;
    const struct node *auth_node, *certs, *cacerts, *pubkeys;
    struct conf_texts policies;
    struct cv_id ca_id;
    uint8_t revocation;
    uint32_t round;
};

/* ---- auth = ... ------------------------------------------------------------- */

/* The kind that auth asks for; the text of a public-key scheme goes to *scheme. */
static bool read_kind(struct conf_reader *r, const struct auth_draft *d, bool local,
                      uint8_t *kind, const char **scheme)
{
    const char *auth = d->auth;

    *scheme = NULL;
    if (strcmp(auth, "psk") == 0) {
        *kind = CV_AUTH_PSK;
        return true;
    }
    if (strcmp(auth, "any") == 0 && !local) {
        *kind = CV_AUTH_ANY;
        return true;
    }
    if (strncmp(auth, "eap", 3) == 0)
        return problem_unsupported(r->why, d->auth_node, "EAP ('%s') is not supported yet",
                                   auth);
    if (strncmp(auth, "xauth", 5) == 0)
        return problem_unsupported(r->why, d->auth_node,
                                   "XAuth ('%s') belongs to IKEv1, which is not supported yet",
                                   auth);
    if (!creds_scheme_known(auth))
        return problem_at(
            r->why, d->auth_node,
            "expected psk, pubkey or a signature scheme like rsa, ecdsa-sha256 or "
            "ed25519, not '%s'",
            auth);
    *kind = CV_AUTH_PUBKEY;
    *scheme = auth;
    return true;
}

/* ---- certificates ----------------------------------------------------------- */

struct certs {
    const struct cert **v;
    size_t n;
};

static size_t count_members(const struct node *n)
{
    size_t count = 0;

    for (const struct node *m = n != NULL ? n->first : NULL; m != NULL; m = m->next)
        count++;
    return count;
}

static bool add_cert(struct certs *c, const struct cert *cert)
{
    if (cert != NULL)
        c->v[c->n++] = cert;
    return cert != NULL;
}

/* VICI: the certificates themselves. */
static bool add_octets(struct conf_reader *r, const struct node *n, bool ca, struct certs *c)
{
    struct cv_span data = {(const uint8_t *)n->value, n->value_len};
    const struct cert *cert;
    struct problem why;

    if (n->kind == NODE_SECTION)
        return problem_at(r->why, n, "expected a certificate, not a section");
    cert = creds_add_cert(r->creds, data, ca, &why);
    if (cert == NULL)
        return problem_at(r->why, n, "%s", why.text);
    return add_cert(c, cert);
}

static bool add_blobs(struct conf_reader *r, const struct node *n, bool ca, struct certs *c)
{
    if (n->kind == NODE_VALUE)
        return add_octets(r, n, ca, c);
    for (const struct node *item = n->first; item != NULL; item = item->next)
        if (!add_octets(r, item, ca, c))
            return false;
    return true;
}

static bool add_files(struct conf_reader *r, const struct node *n,
                      const struct conf_texts *names, bool ca, struct certs *c)
{
    bool ok = true;

    for (unsigned i = 0; i < names->n; i++)
        ok = (add_cert(c, conf_load_cert(r, n, ca ? "x509ca" : "x509", names->v[i], ca)) ||
              conf_error(r)) &&
             ok;
    return ok;
}

/* A section cert* or cacert* with `file`. */
static bool add_section(struct conf_reader *r, const struct node *n, bool ca, struct certs *c)
{
    static const struct conf_key keys[] = {
        {"file",   take_text,    0, NULL},
        {"handle", take_foreign, 0, NULL},
        {"slot",   take_foreign, 0, NULL},
        {"module", take_foreign, 0, NULL},
    };
    static const struct conf_table table = {.keys = keys, .n_keys = COUNT(keys)};
    const char *file = NULL;

    if (!conf_read(r, n, &table, &file))
        return false;
    if (file == NULL)
        return problem_at(r->why, n, "needs 'file', the path of a certificate");
    return add_cert(c, conf_load_cert(r, n, ca ? "x509ca" : "x509", file, ca));
}

/* ---- raw public keys -------------------------------------------------------- */

struct pubkeys {
    const struct pubkey **v;
    size_t n;
};

static bool add_pubkey(struct conf_reader *r, const struct node *n, struct cv_span data,
                       struct pubkeys *k)
{
    struct problem why = {.text = ""};

    k->v[k->n] = creds_add_pubkey(r->creds, data, &why);
    if (k->v[k->n] == NULL)
        return problem_at(r->why, n, "%s", why.text);
    k->n++;
    return true;
}

static bool add_pubkey_file(struct conf_reader *r, const struct node *n, const char *name,
                            struct pubkeys *k)
{
    const char *path = conf_path(r, n, "pubkey", name), *reason;
    struct conf_file f;
    bool ok;

    if (path == NULL)
        return false;
    if (!conf_file_read(&f, path, &reason))
        return problem_at(r->why, n, "cannot read public key '%s': %s", path, reason);
    creds_set_file(r->creds, path);
    ok = add_pubkey(r, n, (struct cv_span){f.p, f.n}, k);
    creds_set_file(r->creds, NULL);
    conf_file_free(&f);
    return ok;
}

/* Names of files, or over VICI the keys themselves. */
static bool read_pubkeys(struct conf_reader *r, const struct node *list, struct pubkeys *k)
{
    struct conf_texts names = {0};
    bool ok = true;

    if (list == NULL)
        return true;
    if (r->dir != NULL && !take_texts(r, list, &names, NULL))
        return false;
    k->v = mem_take(r->mem, names.n + count_members(list) + 1, sizeof(*k->v));
    for (unsigned i = 0; i < names.n; i++)
        ok = (add_pubkey_file(r, list, names.v[i], k) || conf_error(r)) && ok;
    if (r->dir != NULL)
        return ok;
    if (list->kind == NODE_VALUE)
        return add_pubkey(r, list,
                          (struct cv_span){(const uint8_t *)list->value, list->value_len}, k);
    for (const struct node *i = list->first; i != NULL && ok; i = i->next)
        ok = add_pubkey(r, i, (struct cv_span){(const uint8_t *)i->value, i->value_len}, k);
    return ok;
}

/* list: the value of certs or cacerts, or NULL; sections of that prefix come after it. */
static bool read_certs(struct conf_reader *r, const struct node *section,
                       const struct node *list, bool ca, struct certs *c)
{
    struct conf_texts names = {0};
    bool ok = true;

    if (list != NULL && r->dir != NULL && !take_texts(r, list, &names, NULL))
        return false;
    c->v = mem_take(r->mem, names.n + count_members(list) + 1 + count_members(section),
                    sizeof(*c->v));
    if (list != NULL && r->dir != NULL)
        ok = add_files(r, list, &names, ca, c);
    if (list != NULL && r->dir == NULL)
        ok = add_blobs(r, list, ca, c);
    for (const struct node *n = section->first; n != NULL; n = n->next)
        if (n->kind == NODE_SECTION && conf_fits(ca ? "cacert*" : "cert*", n->name))
            ok = (add_section(r, n, ca, c) || conf_error(r)) && ok;
    return ok;
}

/* ---- sections --------------------------------------------------------------- */

bool take_id(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    const char *text = conf_text(r, n);
    struct problem why;

    (void)arg;
    if (text == NULL)
        return false;
    if (!id_parse(field, text, &why))
        return problem_at(r->why, n, "%s", why.text);
    return true;
}

static bool take_own_id(struct conf_reader *r, const struct node *n, void *field,
                        const void *arg)
{
    struct auth_draft *d = field;

    d->has_id = true;
    return take_id(r, n, &d->id, arg);
}

static bool take_local_id(struct conf_reader *r, const struct node *n, void *field,
                          const void *arg)
{
    const struct auth_draft *d = field;

    if (!take_own_id(r, n, field, arg))
        return false;
    if (d->id.type == CV_ID_IPV4_RANGE || d->id.type == CV_ID_IPV6_RANGE)
        return problem_at(r->why, n, "our own identity is one address, not a pattern of many");
    return true;
}

static bool take_auth(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    struct auth_draft *d = field;

    d->auth_node = n;
    return take_text(r, n, &d->auth, arg);
}

static bool take_oids(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    const struct conf_texts *t = field;

    if (!take_texts(r, n, field, arg))
        return false;
    for (unsigned i = 0; i < t->n; i++)
        if (!creds_oid_known(t->v[i]))
            return problem_at(r->why, n,
                              "expected object identifiers like 1.3.6.1.4.1.99, not '%s'",
                              t->v[i]);
    return true;
}

static const struct conf_choice revocations[] = {
    {"strict",  REVOCATION_STRICT },
    {"ifuri",   REVOCATION_IFURI  },
    {"relaxed", REVOCATION_RELAXED},
    {NULL,      0                 },
};

/* With auth = eap the section is refused for that. */
static const struct conf_idle of_eap = {NULL,
                                        "it belongs to EAP, which this side does not use"};
static const struct conf_idle of_xauth = {NULL, "it belongs to IKEv1's XAuth"};

/* clang-format off */
#define FIELD(name) offsetof(struct auth_draft, name)
static const struct conf_key local_keys[] = {
    {"auth",     take_auth,    0,              NULL},
    {"id",       take_local_id, 0,             NULL},
    {"certs",    take_node,    FIELD(certs),   NULL},
    {"round",    take_number,  FIELD(round),   NULL},
    {"pubkeys",  take_node,    FIELD(pubkeys), NULL},
    {"eap_id",   take_idle,    0,              &of_eap},
    {"aaa_id",   take_idle,    0,              &of_eap},
    {"xauth_id", take_idle,    0,              &of_xauth},
};
static const struct conf_key remote_keys[] = {
    {"auth",        take_auth,       0,              NULL},
    {"id",          take_own_id,     0,              NULL},
    {"certs",       take_node,       FIELD(certs),   NULL},
    {"cacerts",     take_node,       FIELD(cacerts), NULL},
    {"revocation",  take_choice,     FIELD(revocation), revocations},
    {"round",       take_number,     FIELD(round),   NULL},
    {"pubkeys",     take_node,       FIELD(pubkeys), NULL},
    {"eap_id",      take_idle,       0,              &of_eap},
    {"groups",      take_foreign,    0,              NULL},
    {"cert_policy", take_oids,       FIELD(policies), NULL},
    {"ca_id",       take_id,         FIELD(ca_id),   NULL},
};
/* clang-format on */

static const char *const local_sections[] = {"cert*", NULL};
static const char *const remote_sections[] = {"cert*", "cacert*", NULL};

const struct conf_table conf_side_tables[2] = {
    {remote_keys, COUNT(remote_keys), remote_sections, NULL},
    {local_keys,  COUNT(local_keys),  local_sections,  NULL},
};

/* Our identity is what our certificate says, unless it is given.  Without either it stays
 * "any", and the address is used when it is known. */
static bool default_id(struct conf_reader *r, const struct node *section,
                       const struct auth_draft *d, const struct certs *certs,
                       struct cv_auth *out)
{
    out->id = d->id;
    if (d->has_id || certs->n == 0 || cert_subject(certs->v[0], &out->id))
        return true;
    return problem_at(r->why, section,
                      "the subject of our certificate is longer than the %d octets of an "
                      "identity: give 'id', one of its subjectAltNames",
                      CV_ID_MAX);
}

bool conf_read_auth(struct conf_reader *r, const struct node *section, bool local,
                    struct cv_auth *out)
{
    struct auth_conf *host = mem_take(r->mem, 1, sizeof(*host));
    struct auth_draft d = {.auth = "pubkey"};
    struct certs certs = {0}, cacerts = {0};
    struct pubkeys pubkeys = {0};
    bool ok;

    *out = (struct cv_auth){.kind = CV_AUTH_PUBKEY, .host = host};
    host->scheme = "pubkey";
    if (section == NULL)
        return true;
    ok = conf_read(r, section, &conf_side_tables[local], &d);
    ok = (read_kind(r, &d, local, &out->kind, &host->scheme) || conf_error(r)) && ok;
    ok = (read_certs(r, section, d.certs, false, &certs) || conf_error(r)) && ok;
    ok = (read_certs(r, section, d.cacerts, true, &cacerts) || conf_error(r)) && ok;
    ok = (read_pubkeys(r, d.pubkeys, &pubkeys) || conf_error(r)) && ok;
    if (!ok)
        return false;
    if (out->kind == CV_AUTH_PSK && certs.n + cacerts.n + pubkeys.n > 0) {
        problem_at(r->why, section, "certificates and public keys have no use with auth = psk");
        conf_warning(r);
        certs.n = cacerts.n = pubkeys.n = 0;
    }
    if (local && !default_id(r, section, &d, &certs, out))
        return false;
    if (!local)
        out->id = d.id;
    host->certs = certs.v;
    host->n_certs = (unsigned)certs.n;
    host->cacerts = cacerts.v;
    host->n_cacerts = (unsigned)cacerts.n;
    host->pubkeys = pubkeys.v;
    host->n_pubkeys = (unsigned)pubkeys.n;
    host->policies = d.policies.v;
    host->n_policies = d.policies.n;
    host->ca_id = d.ca_id;
    host->revocation = d.revocation;
    return true;
}
