/* Owns: the copying of a question, and wiping the copy.
 *
 * Invariant: every pointer and span of fx but conn points into the object itself, so it may be
 * read for as long as the object lives, by one other thread, too.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ask/asked.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/span.h"
#include "kit/mem.h"

static struct filed *filed_from(struct filed *f, const struct cv_effect *fx, size_t n)
{
    if (f == NULL)
        return NULL;
    f->q.fx = *fx;
    f->n = n;
    f->open = true;
    f->holders = 1;
    return f;
}

static size_t octets_of(const struct cv_effect *fx)
{
    size_t n;

    switch (fx->kind) {
    case CV_NEED_SIGNATURE:
        return fx->u.sign.octets.n + fx->u.sign.certreq.n;
    case CV_NEED_VERIFY:
        n = fx->u.verify.octets.n + fx->u.verify.signature.n;
        for (unsigned i = 0; i < fx->u.verify.n_certs; i++)
            n += fx->u.verify.certs[i].n;
        for (unsigned i = 0; i < fx->u.verify.n_words; i++)
            n += fx->u.verify.words[i].data.n;
        return n;
    default:
        return 0;
    }
}

static void keep_span(struct wr *w, struct cv_span *s)
{
    uint8_t *copy = wr_reserve(w, s->n);

    if (copy != NULL && s->n > 0)
        memcpy(copy, s->p, s->n);
    *s = span(copy, copy != NULL ? s->n : 0);
}

static void keep_id(struct cv_id *copy, const struct cv_id **id)
{
    if (*id == NULL)
        return;
    *copy = **id;
    *id = copy;
}

static void keep_certs(struct filed *f, struct wr *w)
{
    struct cv_effect *fx = &f->q.fx;

    for (unsigned i = 0; i < fx->u.verify.n_certs; i++) {
        f->certs[i] = fx->u.verify.certs[i];
        keep_span(w, &f->certs[i]);
    }
    fx->u.verify.certs = f->certs;
    for (unsigned i = 0; i < fx->u.verify.n_words; i++) {
        f->words[i] = fx->u.verify.words[i];
        keep_span(w, &f->words[i].data);
    }
    fx->u.verify.words = f->words;
}

static void keep(struct filed *f)
{
    struct wr w = wr_init(f->octets, f->n);
    struct cv_effect *fx = &f->q.fx;

    switch (fx->kind) {
    case CV_NEED_PSK:
        keep_id(&f->local, &fx->u.psk.local_id);
        keep_id(&f->remote, &fx->u.psk.remote_id);
        break;
    case CV_NEED_SIGNATURE:
        keep_id(&f->local, &fx->u.sign.local_id);
        keep_id(&f->remote, &fx->u.sign.remote_id);
        keep_span(&w, &fx->u.sign.octets);
        keep_span(&w, &fx->u.sign.certreq);
        break;
    case CV_NEED_VERIFY:
        keep_id(&f->local, &fx->u.verify.local_id);
        keep_id(&f->remote, &fx->u.verify.remote_id);
        keep_span(&w, &fx->u.verify.octets);
        keep_span(&w, &fx->u.verify.signature);
        keep_certs(f, &w);
        break;
    case CV_NEED_ADMISSION:
        keep_id(&f->remote, &fx->u.admission.remote_id);
        break;
    default:
        keep_id(&f->remote, &fx->u.address.remote_id);
        break;
    }
}

struct filed *filed_new(const struct cv_effect *fx)
{
    const size_t n = octets_of(fx);
    struct filed *f = filed_from(calloc(1, sizeof(*f) + n), fx, n);

    if (f != NULL)
        keep(f);
    return f;
}

struct filed *filed_bare(const struct cv_effect *fx)
{
    struct filed *f = filed_from(mem_new(1, sizeof(*f)), fx, 0);

    f->refused = true;
    return f;
}

void filed_free(struct filed *f)
{
    wipe(f, sizeof(*f) + f->n);
    free(f);
}
