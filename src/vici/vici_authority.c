/* Certification authorities that clients bring: their certificate is trusted, and where they
 * tell what they revoked is remembered.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "kit/mem.h"
#include "text/text.h"
#include "vici/inside.h"

/* The values of a list or of one value, which stay the section's. */
static unsigned list_of(const struct node *section, const char *name, char ***out)
{
    const struct node *n = tree_find(section, name), *item;
    unsigned count = 0, i = 0;

    if (n == NULL || n->kind == NODE_SECTION)
        return 0;
    for (item = n->kind == NODE_LIST ? n->first : n; item != NULL; item = item->next)
        count++;
    *out = mem_new(count + 1, sizeof(**out));
    if (n->kind == NODE_VALUE) {
        (*out)[0] = n->value;
        return 1;
    }
    for (item = n->first; item != NULL; item = item->next)
        (*out)[i++] = item->value;
    return i;
}

static void set_uris(struct vici *v, const struct node *section, const struct cert *cert)
{
    struct authority_conf a = {.name = section->name,
                               .cert = cert,
                               .cert_uri_base = tree_get(section, "cert_uri_base", NULL)};

    a.n_crl_uris = list_of(section, "crl_uris", &a.crl_uris);
    a.n_ocsp_uris = list_of(section, "ocsp_uris", &a.ocsp_uris);
    creds_set_authority(daemon_creds(v->d), &a);
    free(a.crl_uris);
    free(a.ocsp_uris);
}

static const struct cert *trust(struct vici *v, const struct node *section, struct problem *why)
{
    const struct node *cacert = tree_find(section, "cacert");
    const struct cert *cert;
    struct cv_span data;

    if (cacert == NULL || cacert->kind != NODE_VALUE || cacert->value_len == 0) {
        problem_set(why, "authority '%s' has no cacert", section->name);
        return NULL;
    }
    data = (struct cv_span){(const uint8_t *)cacert->value, cacert->value_len};
    cert = creds_add_cert(daemon_creds(v->d), data, true, why);
    if (cert != NULL)
        set_uris(v, section, cert);
    return cert;
}

void vici_trust_authorities(struct vici *v)
{
    struct problem why = {0};

    for (const struct vici_kept *k = v->authorities; k != NULL; k = k->next)
        if (trust(v, k->section, &why) == NULL)
            daemon_log(v->d, 0, LOG_CFG, 0, "authority '%s': %s", k->name, why.text);
}

static void copy_list(struct node *to, const struct node *from, const char *name)
{
    const struct node *list = tree_find(from, name);
    struct node *copy = tree_add_list(to, name);

    for (const struct node *n = list != NULL ? list->first : NULL; n != NULL; n = n->next)
        tree_add_item(copy, n->value);
}

static bool is_known_key(const char *name)
{
    return strcmp(name, "cacert") == 0 || strcmp(name, "crl_uris") == 0 ||
           strcmp(name, "ocsp_uris") == 0 || strcmp(name, "cert_uri_base") == 0;
}

/* What is kept: the section, and the certificate's subject for those who list it. */
static struct node *with_subject(const struct node *section, const struct cert *cert)
{
    struct node *copy = tree_copy(section);
    struct cv_id subject;
    char text[1024];

    if (cert_subject(cert, &subject)) {
        id_format(text, sizeof(text), &subject);
        tree_add_value(copy, "subject", text);
    }
    return copy;
}

static bool load(struct vici *v, const struct node *section, struct problem *why)
{
    const struct cert *cert;

    if (section->kind != NODE_SECTION)
        return problem_set(why, "'%s' is not a section", section->name);
    for (const struct node *n = section->first; n != NULL; n = n->next)
        if (!is_known_key(n->name))
            return problem_set(why, "authority '%s': %s is not implemented", section->name,
                               n->name);
    cert = trust(v, section, why);
    if (cert == NULL)
        return false;
    vici_keep(&v->authorities, section->name, with_subject(section, cert));
    return true;
}

void vici_cmd_load_authority(struct vici_client *c, const struct node *req)
{
    struct problem why = {0};

    for (const struct node *s = req->first; s != NULL; s = s->next) {
        if (load(c->v, s, &why))
            continue;
        vici_answer_error(c, "%s", why.text);
        return;
    }
    vici_answer_ok(c);
}

/* Connections that name the certificate go on trusting it; others do until clear-creds. */
void vici_cmd_unload_authority(struct vici_client *c, const struct node *req)
{
    const char *name = vici_arg(req, "name");

    if (name == NULL)
        vici_answer_error(c, "unload: missing authority name");
    else if (!vici_unkeep(&c->v->authorities, name))
        vici_answer_error(c, "unload: authority '%s' not found", name);
    else {
        (void)creds_remove_authority(daemon_creds(c->v->d), name);
        vici_answer_ok(c);
    }
}

void vici_cmd_get_authorities(struct vici_client *c, const struct node *req)
{
    (void)req;
    vici_answer_names(c, "authorities", c->v->authorities);
}

static struct vici_kept *authority_at(struct vici_client *c)
{
    struct vici_kept *k = c->v->authorities;

    for (uint32_t i = 0; k != NULL && i < c->work.at; i++)
        k = k->next;
    return k;
}

static bool more_authorities(struct vici_client *c)
{
    const struct vici_kept *k = authority_at(c);
    const char *only = vici_arg(c->req, "name");
    struct node *message, *s;

    if (k == NULL)
        return false;
    c->work.at++;
    if (only != NULL && strcmp(only, k->name) != 0)
        return true;
    message = tree_new();
    s = tree_add_section(message, k->name);
    tree_add_value(s, "cacert", tree_get(k->section, "subject", ""));
    copy_list(s, k->section, "crl_uris");
    copy_list(s, k->section, "ocsp_uris");
    if (tree_find(k->section, "cert_uri_base") != NULL)
        tree_add_value(s, "cert_uri_base", tree_get(k->section, "cert_uri_base", ""));
    vici_tell(c, VICI_EV_LIST_AUTHORITY, message);
    tree_free(message);
    return true;
}

void vici_cmd_list_authorities(struct vici_client *c, const struct node *req)
{
    (void)req;
    vici_stream(c, more_authorities);
}
