/* Counting half-open SAs; see half_open.h.
 *
 * Invariant: the sum of by_addr, the entries of by_spi and n are equal, and are the SAs that
 * are marked half_open.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "peer/half_open.h"

#include "base/span.h"
#include "peer/event.h"
#include "wire/ip.h"

static uint64_t half_open_key(const struct core *core, const uint8_t spi_i[IKE_SPI_LEN],
                              const struct cv_addr *from)
{
    uint8_t b[IKE_SPI_LEN + 1 + 16];
    struct wr w = wr_init(b, sizeof(b));

    wr_copy(&w, spi_i, IKE_SPI_LEN);
    wr_u8(&w, from->family);
    wr_copy(&w, from->b, 16);
    return siphash24(core->seed, b, sizeof(b));
}

struct peer *half_open_find(struct core *core, const uint8_t spi_i[IKE_SPI_LEN],
                            const struct cv_addr *from)
{
    uint32_t i = htab_get(&core->half_open.by_spi, half_open_key(core, spi_i, from));

    return i == HTAB_NONE ? NULL : peer_at_mut(core, i);
}

unsigned half_open_from(const struct core *core, const struct cv_addr *from)
{
    uint32_t n = htab_get(&core->half_open.by_addr, core_addr_key(core, from));

    return n == HTAB_NONE ? 0 : n;
}

bool half_open_add(struct core *core, struct peer *p)
{
    struct half_open *h = &core->half_open;
    uint64_t key = half_open_key(core, p->spi_i, &p->remote.addr);
    uint64_t akey = core_addr_key(core, &p->remote.addr);
    unsigned n = half_open_from(core, &p->remote.addr);

    if (!htab_put(&h->by_spi, key, peer_index(core, p)))
        return false;
    htab_del(&h->by_addr, akey);
    if (!htab_put(&h->by_addr, akey, n + 1)) {
        htab_del(&h->by_spi, key);
        return false;
    }
    h->n++;
    p->half_open = true;
    return true;
}

void half_open_del(struct core *core, struct peer *p)
{
    struct half_open *h = &core->half_open;
    uint64_t akey = core_addr_key(core, &p->remote.addr);
    unsigned n = half_open_from(core, &p->remote.addr);

    if (!p->half_open)
        return;
    htab_del(&h->by_spi, half_open_key(core, p->spi_i, &p->remote.addr));
    htab_del(&h->by_addr, akey);
    if (n > 1 && !htab_put(&h->by_addr, akey, n - 1))
        core->stats.errors[CV_ERR_BUG]++;
    h->n--;
    p->half_open = false;
    half_open_note_load(core);
}

bool half_open_move(struct core *core, struct peer *p, const struct cv_endpoint *to)
{
    if (!p->half_open || addr_equal(&p->remote.addr, &to->addr))
        return true;
    if (half_open_find(core, p->spi_i, &to->addr) != NULL)
        return false;
    half_open_del(core, p);
    p->remote = *to;
    peer_link_way(core, p);
    return half_open_add(core, p);
}

/* From the threshold on until half of it is left, so that one half-open SA more or less
 * does not switch to and fro. */
void half_open_note_load(struct core *core)
{
    struct half_open *h = &core->half_open;
    uint32_t least =
        h->is_load ? (core->set.cookie_threshold + 1) / 2 : core->set.cookie_threshold;
    bool load = h->n >= least;
    struct cv_effect *fx;

    if (load == h->is_load)
        return;
    h->is_load = load;
    fx = event_put(core, CV_EV_COOKIES, NULL, CV_OK);
    if (fx != NULL)
        fx->u.event.value = load;
}
