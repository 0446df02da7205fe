/* Certificates, keys and shared secrets that clients bring.  The request's values are cleared
 * by the server when the command ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "text/text.h"
#include "vici/inside.h"

enum { OWNERS_MAX = 32 };

static struct cv_span data_of(const struct node *req)
{
    const struct node *n = tree_find(req, "data");

    if (n == NULL || n->kind != NODE_VALUE)
        return (struct cv_span){NULL, 0};
    return (struct cv_span){(const uint8_t *)n->value, n->value_len};
}

static bool load_x509(struct vici *v, const char *flag, struct cv_span data,
                      struct problem *why)
{
    bool ca = flag != NULL && strcasecmp(flag, "CA") == 0;

    if (!ca && flag != NULL && strcasecmp(flag, "NONE") != 0)
        return problem_set(why, "certificate flag '%s' is not implemented", flag);
    return creds_add_cert(daemon_creds(v->d), data, ca, why) != NULL;
}

void vici_cmd_load_cert(struct vici_client *c, const struct node *req)
{
    const char *type = vici_arg(req, "type");
    struct cv_span data = data_of(req);
    struct problem why = {0};
    bool good;

    if (type == NULL)
        good = problem_set(&why, "certificate type missing");
    else if (data.n == 0)
        good = problem_set(&why, "certificate data missing");
    else if (strcasecmp(type, "X509") == 0)
        good = load_x509(c->v, vici_arg(req, "flag"), data, &why);
    else if (strcasecmp(type, "X509_CRL") == 0)
        good = creds_add_crl(daemon_creds(c->v->d), data, &why);
    else if (strcasecmp(type, "PUBKEY") == 0)
        good = creds_add_pubkey(daemon_creds(c->v->d), data, &why) != NULL;
    else
        good = problem_set(&why, "certificates of type '%s' are not implemented", type);
    if (good)
        vici_answer_ok(c);
    else
        vici_answer_error(c, "%s", why.text);
}

/* ---- private keys ---------------------------------------------------------------- */

static bool is_one_of(const char *const *words, const char *word)
{
    while (*words != NULL && strcasecmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

/* The type is charon's to name; what the key is its octets say. */
static const char *const key_types[] = {"any",     "rsa",   "ecdsa", "bliss",
                                        "ed25519", "ed448", NULL};

void vici_cmd_load_key(struct vici_client *c, const struct node *req)
{
    const char *type = vici_arg(req, "type");
    struct cv_span data = data_of(req);
    struct problem why = {0};
    struct node *message;
    char keyid[41];

    if (type == NULL || !is_one_of(key_types, type)) {
        vici_answer_error(c, type == NULL ? "private key type missing" : "invalid key type: %s",
                          type);
        return;
    }
    if (data.n == 0) {
        vici_answer_error(c, "key data missing");
        return;
    }
    if (!creds_add_key(daemon_creds(c->v->d), data, NULL, keyid, &why)) {
        vici_answer_error(c, "%s", why.text);
        return;
    }
    vici_keep(&c->v->keys, keyid, NULL);
    message = tree_new();
    tree_add_value(message, "success", "yes");
    tree_add_value(message, "id", keyid);
    vici_answer(c, message);
}

void vici_cmd_unload_key(struct vici_client *c, const struct node *req)
{
    const char *id = vici_arg(req, "id");

    if (id == NULL) {
        vici_answer_error(c, "key id missing");
    } else if (!creds_remove_key(daemon_creds(c->v->d), id)) {
        vici_answer_error(c, "key not found");
    } else {
        vici_unkeep(&c->v->keys, id);
        vici_answer_ok(c);
    }
}

void vici_cmd_get_keys(struct vici_client *c, const struct node *req)
{
    (void)req;
    vici_answer_names(c, "keys", c->v->keys);
}

/* ---- shared secrets --------------------------------------------------------------- */

static bool read_kind(const char *type, enum shared_kind *out)
{
    static const struct {
        const char *name;
        enum shared_kind kind;
    } kinds[] = {
        {"ike",   SHARED_IKE  },
        {"eap",   SHARED_EAP  },
        {"xauth", SHARED_XAUTH},
        {"ppk",   SHARED_PPK  },
        {"ntlm",  SHARED_NTLM }
    };

    for (size_t i = 0; type != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcasecmp(type, kinds[i].name) == 0) {
            *out = kinds[i].kind;
            return true;
        }
    return false;
}

static bool read_owners(const struct node *req, struct cv_id *out, unsigned *n,
                        struct problem *why)
{
    const struct node *owners = tree_find(req, "owners");

    *n = 0;
    if (owners == NULL || owners->kind != NODE_LIST)
        return true;
    for (const struct node *o = owners->first; o != NULL; o = o->next) {
        if (*n == OWNERS_MAX)
            return problem_set(why, "more than %d owners", OWNERS_MAX);
        if (!id_parse(&out[(*n)++], o->value, why))
            return false;
    }
    return true;
}

static bool load_shared(struct vici *v, const struct node *req, struct problem *why)
{
    struct cv_id owners[OWNERS_MAX];
    struct cv_span data = data_of(req);
    const char *type = vici_arg(req, "type"), *id = vici_arg(req, "id");
    enum shared_kind kind;
    unsigned n;

    if (!read_kind(type, &kind))
        return problem_set(why, "shared keys of type '%s' are not implemented",
                           type != NULL ? type : "");
    if (data.n == 0)
        return problem_set(why, "shared key data missing");
    if (!read_owners(req, owners, &n, why) ||
        !creds_add_shared(daemon_creds(v->d), kind, id, owners, n, data, why))
        return false;
    if (id != NULL)
        vici_keep(&v->shared, id, NULL);
    return true;
}

void vici_cmd_load_shared(struct vici_client *c, const struct node *req)
{
    struct problem why = {0};

    if (load_shared(c->v, req, &why))
        vici_answer_ok(c);
    else
        vici_answer_error(c, "%s", why.text);
}

void vici_cmd_unload_shared(struct vici_client *c, const struct node *req)
{
    const char *id = vici_arg(req, "id");

    if (id == NULL) {
        vici_answer_error(c, "unique identifier missing");
    } else if (!creds_remove_shared(daemon_creds(c->v->d), id)) {
        vici_answer_error(c, "no shared key with unique identifier '%s'", id);
    } else {
        vici_unkeep(&c->v->shared, id);
        vici_answer_ok(c);
    }
}

void vici_cmd_get_shared(struct vici_client *c, const struct node *req)
{
    (void)req;
    vici_answer_names(c, "keys", c->v->shared);
}

/* ---- all of them -------------------------------------------------------------------- */

static const char *const cert_types[] = {
    "ANY",    "X509",           "X509_AC",        "X509_CRL", "OCSP_REQUEST", "OCSP_RESPONSE",
    "PUBKEY", "TRUSTED_PUBKEY", "PKCS10_REQUEST", "PGP",      "PLUTO_CERT",   NULL};

/* What was fetched; what was loaded stays. */
void vici_cmd_flush_certs(struct vici_client *c, const struct node *req)
{
    const char *type = vici_arg(req, "type");
    const bool all = type == NULL || strcasecmp(type, "ANY") == 0;

    if (type != NULL && !is_one_of(cert_types, type)) {
        vici_answer_error(c, "invalid certificate type '%s'", type);
        return;
    }
    creds_flush(daemon_creds(c->v->d), all || strcasecmp(type, "X509_CRL") == 0,
                all || strcasecmp(type, "OCSP_RESPONSE") == 0);
    vici_answer_ok(c);
}

void vici_cmd_clear_creds(struct vici_client *c, const struct node *req)
{
    (void)req;
    creds_clear(daemon_creds(c->v->d));
    vici_unkeep_all(&c->v->keys);
    vici_unkeep_all(&c->v->shared);
    vici_trust_authorities(c->v);
    vici_answer_ok(c);
}
