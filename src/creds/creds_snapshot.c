/* Owns the snapshots: what the store holds at one moment, for other threads.
 *
 * Invariant: a snapshot never changes.  Its keys and lists are referenced, its certificates
 * stay in memory as long as the store; only the store's thread makes one or frees it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "creds/inside.h"

static void copy_certs(struct creds *s, const struct creds *c)
{
    struct cert **end = &s->certs;

    for (const struct cert *cert = c->certs; cert != NULL; cert = cert->next) {
        if (!cert->loaded)
            continue;
        *end = mem_take(&s->copies, 1, sizeof(**end));
        **end = *cert;
        (*end)->next = NULL;
        end = &(*end)->next;
    }
}

static void copy_crls(struct creds *s, const struct creds *c)
{
    struct crl **end = &s->crls;

    for (const struct crl *crl = c->crls; crl != NULL; crl = crl->next) {
        *end = mem_take(&s->copies, 1, sizeof(**end));
        **end = *crl;
        (*end)->next = NULL;
        X509_CRL_up_ref(crl->crl);
        end = &(*end)->next;
    }
}

static void copy_keys(struct creds *s, const struct creds *c)
{
    struct key **end = &s->keys;

    for (const struct key *k = c->keys; k != NULL; k = k->next) {
        *end = mem_take(&s->copies, 1, sizeof(**end));
        **end = *k;
        (*end)->next = NULL;
        EVP_PKEY_up_ref(k->pkey);
        end = &(*end)->next;
    }
}

struct creds *creds_snapshot(struct creds *c)
{
    if (c->snapshot == NULL) {
        c->snapshot = mem_new(1, sizeof(*c->snapshot));
        c->snapshot->holders = 1; /* the store, until it changes */
        copy_certs(c->snapshot, c);
        copy_crls(c->snapshot, c);
        copy_keys(c->snapshot, c);
        creds_copy_authorities(c->snapshot, c);
        c->snapshot->status = c->status;
        c->snapshot->list_dir = c->list_dir;
    }
    c->snapshot->holders++;
    return c->snapshot;
}

void creds_release(struct creds *snapshot)
{
    if (snapshot == NULL || --snapshot->holders > 0)
        return;
    for (struct crl *crl = snapshot->crls; crl != NULL; crl = crl->next)
        X509_CRL_free(crl->crl);
    for (struct key *k = snapshot->keys; k != NULL; k = k->next)
        EVP_PKEY_free(k->pkey); /* the last one wipes */
    mem_drop(&snapshot->copies);
    free(snapshot);
}

void creds_changed(struct creds *c)
{
    creds_release(c->snapshot);
    c->snapshot = NULL;
}
