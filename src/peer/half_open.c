/* Counting half-open SAs; see half_open.h.
 *
 * Invariant: the sum of by_source, the entries of by_spi and n are equal, and are the SAs that
 * are marked half_open.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "peer/half_open.h"

#include <string.h>

#include "base/span.h"
#include "peer/event.h"
#include "peer/room.h"
#include "wire/ip.h"

enum {
    IP6_SOURCE_LEN = 8, /* octets of a /64 */
    SOURCE_FREE = 4,    /* half-open SAs of one source before it is asked for cookies */
    ANSWERS_PER_HALF_OPEN =
        10,         /* so many answers in two seconds weigh as much as one of them */
    WEAKEST_OF = 16 /* how many of the oldest are looked at */
};

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

/* Where a peer comes from: its IPv4 address or its IPv6 /64. */
static uint64_t source_key(const struct core *core, const struct cv_addr *a)
{
    struct cv_addr source = *a;

    if (a->family == CV_IPV6)
        memset(&source.b[IP6_SOURCE_LEN], 0, sizeof(source.b) - IP6_SOURCE_LEN);
    return core_addr_key(core, &source);
}

struct peer *half_open_find(struct core *core, const uint8_t spi_i[IKE_SPI_LEN],
                            const struct cv_addr *from)
{
    uint32_t i = htab_get(&core->half_open.by_spi, half_open_key(core, spi_i, from));

    return i == HTAB_NONE ? NULL : peer_at_mut(core, i);
}

static unsigned count_of(const struct half_open *h, uint64_t source)
{
    uint32_t n = htab_get(&h->by_source, source);

    return n == HTAB_NONE ? 0 : n;
}

unsigned half_open_from(const struct core *core, const struct cv_addr *from)
{
    return count_of(&core->half_open, source_key(core, from));
}

/* A source that has any has an entry, so there are never more than half-open SAs: it has room.
 */
static void set_count(struct core *core, uint64_t source, unsigned n)
{
    htab_del(&core->half_open.by_source, source);
    if (n > 0 && !htab_put(&core->half_open.by_source, source, n))
        core->stats.errors[CV_ERR_BUG]++;
}

/* ---- load ---- */

/* Answers in this second and the one before. */
static uint32_t recent_answers(struct core *core)
{
    struct half_open *h = &core->half_open;
    uint64_t second = core->now_ms / 1000;

    if (second != h->second) {
        h->answers_before = second == h->second + 1 ? h->answers : 0;
        h->answers = 0;
        h->second = second;
    }
    return h->answers + h->answers_before;
}

/* From the threshold on until half of it is left, so that one half-open SA more or less
 * does not switch to and fro. */
static bool is_load(struct core *core)
{
    const struct half_open *h = &core->half_open;
    uint64_t threshold = core->set.cookie_threshold;

    if (h->is_load)
        threshold = (threshold + 1) / 2;
    return h->n_unproven >= threshold ||
           recent_answers(core) >= threshold * ANSWERS_PER_HALF_OPEN;
}

/* Tells the host when load begins or ends. */
static void note_load(struct core *core)
{
    bool load = is_load(core);
    struct cv_effect *fx;

    if (load == core->half_open.is_load)
        return;
    core->half_open.is_load = load;
    fx = event_put(core, CV_EV_COOKIES, NULL, CV_OK);
    if (fx != NULL)
        fx->u.event.value = load;
}

bool half_open_wants_cookie(struct core *core, const struct cv_addr *from)
{
    note_load(core);
    return core->half_open.is_load || (core->set.cookie_threshold != UINT32_MAX &&
                                       half_open_from(core, from) >= SOURCE_FREE);
}

void half_open_note_answer(struct core *core)
{
    (void)recent_answers(core); /* the second may be a new one */
    core->half_open.answers++;
    note_load(core);
}

/* ---- the table ---- */

bool half_open_add(struct core *core, struct peer *p)
{
    struct half_open *h = &core->half_open;
    uint64_t source = source_key(core, &p->remote.addr);

    if (!htab_put(&h->by_spi, half_open_key(core, p->spi_i, &p->remote.addr),
                  peer_index(core, p)))
        return false;
    set_count(core, source, count_of(h, source) + 1);
    h->n++;
    h->n_unproven += !p->proven;
    p->half_open = true;
    room_offer(core, p, ROOM_UNPROVEN);
    note_load(core);
    return true;
}

void half_open_del(struct core *core, struct peer *p)
{
    struct half_open *h = &core->half_open;
    uint64_t source = source_key(core, &p->remote.addr);

    if (!p->half_open)
        return;
    htab_del(&h->by_spi, half_open_key(core, p->spi_i, &p->remote.addr));
    set_count(core, source, count_of(h, source) - 1);
    h->n--;
    h->n_unproven -= !p->proven;
    p->half_open = false;
    room_keep(core, p);
    note_load(core);
}

bool half_open_move(struct core *core, struct peer *p, const struct cv_endpoint *to)
{
    if (!p->half_open || addr_equal(&p->remote.addr, &to->addr))
        return true;
    if (half_open_find(core, p->spi_i, &to->addr) != NULL)
        return false;
    half_open_del(core, p);
    p->remote = *to;
    return half_open_add(core, p);
}

struct peer *half_open_weakest(struct core *core)
{
    struct peer *p = room_oldest(core, ROOM_UNPROVEN), *weakest = p;
    unsigned most = 0;

    for (unsigned i = 0; p != NULL && i < WEAKEST_OF; i++, p = room_newer(core, p)) {
        unsigned n = half_open_from(core, &p->remote.addr);

        if (n <= most)
            continue;
        most = n;
        weakest = p;
    }
    return weakest;
}
