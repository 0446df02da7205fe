/* What the host sees of messages and keys, if it wants to; culvert/watch.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <culvert/watch.h>

#include <string.h>

#include "ike/exchange.h"

static bool is_watched(const struct ike *k)
{
    return k->core.set.watch != NULL && k->core.set.watch->message != NULL;
}

static void show(const struct ike *k, const struct ike_sa *sa, const struct ike_hdr *h,
                 const struct ike_path *path, bool out, struct cv_span payloads)
{
    const struct cv_watch *w = k->core.set.watch;
    struct cv_watched_message m = {.out = out,
                                   .response = (h->flags & IKE_F_RESPONSE) != 0,
                                   .exchange = h->exchange,
                                   .first = h->next,
                                   .msg_id = h->msg_id,
                                   .local = path->local,
                                   .remote = path->remote,
                                   .payloads = payloads};

    memcpy(m.spi_i, h->spi_i, IKE_SPI_LEN);
    memcpy(m.spi_r, h->spi_r, IKE_SPI_LEN);
    if (sa != NULL) {
        m.ike = sa->peer.id;
        m.conn = sa->peer.conn;
    }
    w->message(w->ctx, &m);
}

void watched_protected(const struct ike *k, const struct ike_sa *sa, const struct ike_hdr *h,
                       uint8_t first, bool out, struct cv_span payloads)
{
    const struct ike_path path = {sa->peer.local, sa->peer.remote, sa->peer.carrier};
    struct ike_hdr inner = *h;

    if (!is_watched(k))
        return;
    inner.next = first;
    show(k, sa, &inner, &path, out, payloads);
}

void watched_datagram(const struct ike *k, const struct ike_sa *sa, const struct ike_path *path,
                      bool out, struct cv_span datagram)
{
    struct ike_hdr h;

    if (is_watched(k) && ike_parse_hdr(&h, datagram) == CV_OK)
        show(k, sa, &h, path, out, span_from(datagram, IKE_HDR_LEN));
}

void watched_sent(const struct ike *k, const struct ike_sa *sa, const struct ike_path *path,
                  uint32_t slot)
{
    struct cv_span datagram;
    uint32_t at = 0;

    if (is_watched(k) && msg_next_part(msg_at(&k->core.msgs, slot), &at, false, &datagram))
        watched_datagram(k, sa, path, true, datagram);
}

void watched_keys(const struct ike *k, const struct ike_sa *sa)
{
    const struct cv_watch *w = k->core.set.watch;
    const struct ike_keys *keys = &sa->keys;
    struct cv_watched_keys shown = {.suite = sa->suite};
    struct ike_algs algs;
    size_t e, a;

    if (w == NULL || w->ike_keys == NULL)
        return;
    algs = sa_algs(k, sa);
    e = algs.aead != NULL ? algs.aead->key_len + algs.aead->salt_len : algs.cipher->key_len;
    a = algs.aead != NULL ? 0 : algs.integ->key_len;
    memcpy(shown.spi_i, sa->peer.spi_i, IKE_SPI_LEN);
    memcpy(shown.spi_r, sa->peer.spi_r, IKE_SPI_LEN);
    shown.ei = span(keys->i.e, e);
    shown.er = span(keys->r.e, e);
    shown.ai = span(keys->i.a, a);
    shown.ar = span(keys->r.a, a);
    w->ike_keys(w->ctx, &shown);
}

void watched_child_keys(const struct ike *k, const struct cv_pair_config *pair)
{
    const struct cv_watch *w = k->core.set.watch;

    if (w != NULL && w->child_keys != NULL)
        w->child_keys(w->ctx, pair);
}
