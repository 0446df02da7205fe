/* Owns what is known of authorities beyond their certificates, and what the store does with
 * lists that are fetched from them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "creds/inside.h"

static char **copy_texts(char *const *texts, unsigned n)
{
    char **copy = mem_new(n + 1, sizeof(*copy));

    for (unsigned i = 0; i < n; i++)
        copy[i] = mem_text(texts[i]);
    return copy;
}

static void free_texts(char **texts, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        free(texts[i]);
    free(texts);
}

static void free_authority(struct authority_entry *a)
{
    free_texts(a->crl_uris, a->n_crl_uris);
    free_texts(a->ocsp_uris, a->n_ocsp_uris);
    free(a->cert_uri_base);
    free(a->name);
    free(a);
}

void creds_set_authority(struct creds *c, const struct authority_conf *a)
{
    struct authority_entry *e = mem_new(1, sizeof(*e));
    struct authority_entry **end = &c->authorities;

    (void)creds_remove_authority(c, a->name);
    e->name = mem_text(a->name);
    e->cert = a->cert;
    e->crl_uris = copy_texts(a->crl_uris, a->n_crl_uris);
    e->n_crl_uris = a->n_crl_uris;
    e->ocsp_uris = copy_texts(a->ocsp_uris, a->n_ocsp_uris);
    e->n_ocsp_uris = a->n_ocsp_uris;
    e->cert_uri_base = mem_text(a->cert_uri_base);
    e->origin = c->origin;
    while (*end != NULL)
        end = &(*end)->next;
    *end = e;
    creds_changed(c);
}

bool creds_remove_authority(struct creds *c, const char *name)
{
    for (struct authority_entry **at = &c->authorities; *at != NULL; at = &(*at)->next) {
        struct authority_entry *gone = *at;

        if (gone->origin != c->origin || strcmp(gone->name, name) != 0)
            continue;
        *at = gone->next;
        free_authority(gone);
        creds_changed(c);
        return true;
    }
    return false;
}

void creds_clear_authorities(struct creds *c)
{
    for (struct authority_entry **at = &c->authorities; *at != NULL;) {
        struct authority_entry *a = *at;

        if (a->origin != c->origin) {
            at = &a->next;
            continue;
        }
        *at = a->next;
        free_authority(a);
    }
}

static char **take_texts(struct mem *mem, char *const *texts, unsigned n)
{
    char **copy = mem_take(mem, n + 1, sizeof(*copy));

    for (unsigned i = 0; i < n; i++)
        copy[i] = mem_take_text(mem, texts[i]);
    return copy;
}

void creds_copy_authorities(struct creds *snapshot, const struct creds *c)
{
    struct authority_entry **end = &snapshot->authorities;

    for (const struct authority_entry *a = c->authorities; a != NULL; a = a->next) {
        *end = mem_take(&snapshot->copies, 1, sizeof(**end));
        **end = *a;
        (*end)->next = NULL;
        (*end)->name = NULL;
        (*end)->crl_uris = take_texts(&snapshot->copies, a->crl_uris, a->n_crl_uris);
        (*end)->ocsp_uris = take_texts(&snapshot->copies, a->ocsp_uris, a->n_ocsp_uris);
        if (a->cert_uri_base != NULL)
            (*end)->cert_uri_base = mem_take_text(&snapshot->copies, a->cert_uri_base);
        end = &(*end)->next;
    }
}

/* ---- lists ---- */

void creds_keep_lists(struct creds *c, const char *dir)
{
    free(c->list_dir);
    c->list_dir = mem_text(dir);
    creds_changed(c);
}

void creds_flush(struct creds *c, bool lists, bool answers)
{
    status_flush(c->status, lists, answers);
}

static bool encode(X509_CRL *list, uint8_t **out, size_t *n)
{
    uint8_t *der = NULL;
    int len = i2d_X509_CRL(list, &der);

    if (len <= 0)
        return false;
    *out = mem_new(1, (size_t)len);
    memcpy(*out, der, (size_t)len);
    *n = (size_t)len;
    OPENSSL_free(der);
    return true;
}

/* The loaded ones, then those that were fetched. */
bool creds_next_crl(const struct creds *c, unsigned *at, uint8_t **out, size_t *n)
{
    unsigned loaded = 0, rest;

    for (const struct crl *crl = c->crls; crl != NULL; crl = crl->next, loaded++) {
        if (loaded < *at)
            continue;
        (*at)++;
        return encode(crl->crl, out, n);
    }
    rest = *at > loaded ? *at - loaded : 0;
    for (X509_CRL *list; (list = status_next_crl(c->status, &rest)) != NULL;) {
        bool ok = encode(list, out, n);

        X509_CRL_free(list);
        *at = loaded + rest;
        return ok;
    }
    return false;
}
