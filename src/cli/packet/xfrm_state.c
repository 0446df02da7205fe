/* Reads the notation of `ip xfrm state`, one SA after the other.
 *
 * A line is keywords and their values in any order.  "src" outside a selector begins an SA.
 * Invariant: an SA is in the list only when it is complete.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "cli/packet/xfrm_read.h"
#include "wire/ip.h"

enum { FILE_MAX = 256 * 1024 * 1024 };

/* ---- the end of an SA ------------------------------------------------------------- */

static bool grow(struct xfrm_list *list)
{
    size_t cap = list->cap == 0 ? 4 : list->cap * 2;
    struct xfrm_sa *sa = calloc(cap, sizeof(*sa));

    if (sa == NULL)
        return false;
    if (list->n > 0)
        memcpy(sa, list->sa, list->n * sizeof(*sa));
    if (list->sa != NULL)
        wipe(list->sa, list->n * sizeof(*sa));
    free(list->sa);
    list->sa = sa;
    list->cap = cap;
    return true;
}

static bool is_whole(const struct cv_ts *ts)
{
    size_t n = addr_len(ts->family);

    for (size_t i = 0; i < n; i++)
        if (ts->lo[i] != 0x00 || ts->hi[i] != 0xff)
            return false;
    return true;
}

/* The kernel's two bitmaps: without ESN bit i is number seq - i; with it number n is bit
 * (n - 1) modulo the window. */
static void settle_bitmap(struct draft *d)
{
    for (uint32_t i = 0; i < d->sa.window && i < d->n_bitmap * 32u && i < d->sa.seq; i++) {
        uint32_t at = i;

        if (d->window_esn > 0)
            at = (uint32_t)((d->sa.seq - i - 1) % d->window_esn);
        if (at / 32 < d->n_bitmap && (d->bitmap[at / 32] >> (at % 32) & 1))
            d->sa.seen[i / 32] |= UINT32_C(1) << (i % 32);
    }
}

static bool settle_algorithms(struct reader *r, struct draft *d)
{
    struct xfrm_sa *sa = &d->sa;

    if (sa->protocol == CV_PROTO_AH && (d->has_encr || d->has_aead || !d->has_integ))
        return reader_fail(r, "AH takes auth-trunc and no encryption");
    if (sa->protocol == CV_PROTO_AH && sa->encap)
        return reader_fail(r, "AH does not go through UDP; expected proto esp with encap");
    if (sa->protocol == CV_PROTO_ESP && d->has_aead && (d->has_encr || d->has_integ))
        return reader_fail(r, "aead stands alone; expected no enc and no auth");
    /* RFC 8221 section 4: encryption without integrity MUST NOT be used */
    if (sa->protocol == CV_PROTO_ESP && !d->has_aead && !(d->has_encr && d->has_integ))
        return reader_fail(r, "ESP takes aead, or enc with auth-trunc");
    sa->suite.encr = d->encr.id;
    sa->suite.encr_bits = d->encr.bits;
    sa->suite.integ = d->integ.id;
    sa->key_len = d->encr_len + d->integ_len;
    if (sa->key_len > sizeof(sa->key))
        return reader_fail(r, "key is too long");
    memcpy(sa->key, d->encr_key, d->encr_len);
    memcpy(sa->key + d->encr_len, d->integ_key, d->integ_len);
    return true;
}

bool reader_end_sa(struct reader *r)
{
    struct draft *d = &r->d;
    struct xfrm_sa *sa = &d->sa;
    unsigned line = r->line;

    if (!d->begun)
        return true;
    r->line = sa->line;
    if (!d->has_dst)
        return reader_fail(r, "SA without destination; expected dst ADDRESS");
    if (sa->src.family != sa->dst.family)
        return reader_fail(r, "src and dst are of different families");
    if (sa->protocol == 0)
        return reader_fail(r, "SA without protocol; expected proto esp or proto ah");
    if (!d->has_spi)
        return reader_fail(r, "SA without SPI; expected spi NUMBER");
    if (!settle_algorithms(r, d))
        return false;
    if (d->window_esn > 0)
        sa->window = d->window_esn;
    if (sa->window > XFRM_WINDOW_MAX)
        return reader_fail(r, "replay window of %u packets; expected at most %d", sa->window,
                           XFRM_WINDOW_MAX);
    if (sa->suite.esn == CV_ESN_NO && (sa->seq > UINT32_MAX || sa->oseq > UINT32_MAX))
        return reader_fail(r, "seq-hi and oseq-hi need flag esn");
    settle_bitmap(d);
    if (is_whole(&sa->from) && is_whole(&sa->to))
        sa->from.family = sa->to.family = CV_ANY_FAMILY;
    if (r->list->n == r->list->cap && !grow(r->list))
        return reader_fail(r, "out of memory");
    r->list->sa[r->list->n++] = *sa;
    wipe(d, sizeof(*d));
    r->line = line;
    return true;
}

/* ---- lines ------------------------------------------------------------------------ */

static bool read_line(struct reader *r)
{
    const char *start = r->p;

    while (!reader_at_end(r) && reader_is_blank(*r->p))
        r->p++;
    r->indent = (int)(r->p - start < 1000 ? r->p - start : 1000);
    if (reader_at_end(r))
        return true;
    r->in_sel = false;
    if (r->in_replay && r->indent <= r->replay_below)
        r->in_replay = false;
    if (r->skip_below != NO_INDENT && r->indent > r->skip_below) {
        reader_skip_line(r);
        return true;
    }
    r->skip_below = NO_INDENT;
    if (r->d.bitmap_left > 0 && r->d.begun && !reader_bitmap(r))
        return false;
    while (reader_word(r))
        if (!reader_field(r))
            return false;
    return true;
}

bool xfrm_read_text(struct xfrm_list *out, const char *text, size_t n, const char *name,
                    struct problem *why)
{
    struct reader r = {.p = text,
                       .end = text + n,
                       .name = name,
                       .skip_below = NO_INDENT,
                       .list = out,
                       .why = why};
    bool good = true;

    *out = (struct xfrm_list){0};
    while (good && r.p < r.end) {
        r.line++;
        good = read_line(&r);
        if (good && r.p < r.end)
            r.p++;
    }
    good = good && reader_end_sa(&r);
    if (good && out->n == 0)
        good = reader_fail(&r, "no SA; expected the output of `ip xfrm state`");
    wipe(&r, sizeof(r));
    if (!good)
        xfrm_free(out);
    return good;
}

/* ---- files ------------------------------------------------------------------------ */

/* All of f, in *text, which the caller wipes and frees; false with errno. */
static bool read_all(FILE *f, char **text, size_t *n)
{
    size_t cap = 0;

    *text = NULL;
    *n = 0;
    while (!feof(f)) {
        if (*n == cap) {
            char *larger = malloc(cap = cap == 0 ? 65536 : cap * 2);

            if (larger == NULL || cap > FILE_MAX) {
                free(larger);
                errno = larger == NULL ? ENOMEM : EFBIG;
                return false;
            }
            if (*n > 0) {
                memcpy(larger, *text, *n);
                wipe(*text, *n);
            }
            free(*text);
            *text = larger;
        }
        *n += fread(*text + *n, 1, cap - *n, f);
        if (ferror(f))
            return false;
    }
    return true;
}

bool xfrm_read_file(struct xfrm_list *out, const char *name, struct problem *why)
{
    FILE *f = fopen(name, "r");
    char *text = NULL;
    size_t n = 0;
    bool good;

    *out = (struct xfrm_list){0};
    if (f == NULL)
        return problem_set(why, "%s: %s", name, strerror(errno));
    setvbuf(f, NULL, _IONBF, 0); /* keys stay in our buffer alone, which is wiped */
    good = read_all(f, &text, &n);
    if (!good)
        problem_set(why, "%s: %s", name, strerror(errno));
    fclose(f);
    good = good && xfrm_read_text(out, text, n, name, why);
    if (text != NULL)
        wipe(text, n);
    free(text);
    return good;
}

void xfrm_free(struct xfrm_list *list)
{
    if (list->sa != NULL)
        wipe(list->sa, list->n * sizeof(*list->sa));
    free(list->sa);
    *list = (struct xfrm_list){0};
}
