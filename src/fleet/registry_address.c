/* Owns who gets which address for good.
 *
 * A counter goes around the range, so an address that a removed device had comes up last.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "fleet/registry_inside.h"

enum { CANDIDATES = 1000 };

struct giving {
    struct device *d;
    const struct cv_addr_range *range;
    char *text; /* d's member of this family */
};

/* Where the last four octets are; ranges that are larger are used in part. */
static size_t low_at(const struct cv_addr_range *range)
{
    return range->family == CV_IPV4 ? 0 : 12;
}

static uint32_t low_of(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* How many there are; UINT32_MAX: at least. */
static uint32_t size_of(const struct cv_addr_range *range)
{
    const size_t at = low_at(range);
    const uint32_t lo = low_of(range->lo + at), hi = low_of(range->hi + at);

    if (memcmp(range->lo, range->hi, at) != 0)
        return UINT32_MAX - lo;
    return hi - lo == UINT32_MAX ? UINT32_MAX : hi - lo + 1;
}

static void spell(const struct cv_addr_range *range, uint32_t offset, char text[48])
{
    const size_t at = low_at(range);
    const uint32_t low = low_of(range->lo + at) + offset;
    uint8_t octets[16];

    memcpy(octets, range->lo, sizeof(octets));
    for (unsigned i = 0; i < 4; i++)
        octets[at + i] = (uint8_t)(low >> (24 - 8 * i));
    (void)inet_ntop(range->family == CV_IPV4 ? AF_INET : AF_INET6, octets, text, 48);
}

static enum registry_err is_taken(struct registry *r, const char *text, int64_t *n)
{
    const struct sql_value v[] = {SQL_T(text)};

    *n = 0;
    return registry_run(
        r, &(struct sql_call){.text = "SELECT count(*) FROM device WHERE address = $1 OR "
                                      "address6 = $1",
                              .v = v,
                              .n = 1,
                              .each = registry_take_number,
                              .ctx = n});
}

static enum registry_err find(struct registry *r, const struct giving *g, char text[48])
{
    const uint32_t size = size_of(g->range);
    char counter[80];
    enum registry_err err = REGISTRY_OK;
    int64_t at = 0, taken = 1;

    spell(g->range, 0, text);
    snprintf(counter, sizeof(counter), "addresses from %s", text);
    for (uint32_t i = 0; i < CANDIDATES && i < size && err == REGISTRY_OK && taken != 0; i++) {
        err = registry_take_numbers(r, counter, 1, &at);
        spell(g->range, (uint32_t)((at - 1) % size), text);
        if (err == REGISTRY_OK)
            err = is_taken(r, text, &taken);
    }
    if (err == REGISTRY_OK && taken != 0)
        return registry_say(r, REGISTRY_FULL, "no address is free for %s from %s on",
                            g->d->name, counter + strlen("addresses from "));
    return err;
}

static enum registry_err give(struct registry *r, void *ctx)
{
    const struct giving *g = ctx;
    enum registry_err err = registry_change_add(r, "set", g->d->id, g->d->name);
    struct device now;
    char text[48];

    if (err == REGISTRY_OK)
        err = registry_device_by_id(r, g->d->id, &now);
    if (err != REGISTRY_OK)
        return err;
    *g->d = now; /* another gateway may have been quicker */
    if (g->text[0] != '\0')
        return REGISTRY_OK;
    err = find(r, g, text);
    if (err == REGISTRY_OK)
        memcpy(g->text, text, sizeof(text));
    return err == REGISTRY_OK ? registry_device_set(r, g->d, DEVICE_ADDRESS) : err;
}

enum registry_err registry_address_give(struct registry *r, struct device *d,
                                        const struct cv_addr_range *range)
{
    struct giving g = {.d = d, .range = range};

    g.text = range->family == CV_IPV4 ? d->address : d->address6;
    if (g.text[0] != '\0')
        return REGISTRY_OK;
    return registry_together(r, give, &g);
}
