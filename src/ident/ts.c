/* Owns the set arithmetic of traffic selectors.
 *
 * Invariant: octets of lo and hi past the family's length are zero in every selector given
 * and made, so that addresses of all families compare alike; no list made here repeats
 * itself.  RFC 7296 section 2.9, RFC 4301 section 4.4.1.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ident/ts.h"

#include <string.h>

#include "wire/ike.h"

enum { ADDR_LEN = sizeof((struct cv_ts){0}.lo), IPV4_LEN = 4 };

/* RFC 4301 section 4.4.1: OPAQUE says that the field is not there to be looked at. */
static bool ports_opaque(const struct cv_ts *t)
{
    return t->port_lo == UINT16_MAX && t->port_hi == 0;
}

static bool ports_any(const struct cv_ts *t)
{
    return t->port_lo == 0 && t->port_hi == UINT16_MAX;
}

static bool ports_within(const struct cv_ts *a, const struct cv_ts *b)
{
    if (ports_opaque(a)) /* ANY includes OPAQUE */
        return ports_opaque(b) || ports_any(b);
    return a->port_lo <= a->port_hi && a->port_lo >= b->port_lo && a->port_hi <= b->port_hi;
}

/* A range that runs backwards is inside of nothing. */
static bool addrs_within(const struct cv_ts *a, const struct cv_ts *b)
{
    return memcmp(a->lo, a->hi, ADDR_LEN) <= 0 && memcmp(a->lo, b->lo, ADDR_LEN) >= 0 &&
           memcmp(a->hi, b->hi, ADDR_LEN) <= 0;
}

static bool one_within(const struct cv_ts *a, const struct cv_ts *b)
{
    return a->family == b->family && (b->proto == 0 || b->proto == a->proto) &&
           ports_within(a, b) && addrs_within(a, b);
}

static bool within_list(const struct cv_ts *t, const struct cv_ts_list *list)
{
    for (unsigned i = 0; i < list->n; i++) {
        if (one_within(t, &list->ts[i]))
            return true;
    }
    return false;
}

/* Adds t unless the list has it already.  False: no room. */
static bool list_add(struct cv_ts_list *list, const struct cv_ts *t)
{
    if (within_list(t, list))
        return true;
    if (list->n == CV_TS_MAX)
        return false;
    list->ts[list->n++] = *t;
    return true;
}

/* ---- resolving ---- */

static bool add_everywhere(struct cv_ts_list *list, const struct cv_ts *what)
{
    struct cv_ts t = *what;

    memset(t.lo, 0, ADDR_LEN);
    memset(t.hi, 0, ADDR_LEN);
    memset(t.hi, 0xff, IPV4_LEN);
    t.family = CV_IPV4;
    if (!list_add(list, &t))
        return false;
    memset(t.hi, 0xff, ADDR_LEN);
    t.family = CV_IPV6;
    return list_add(list, &t);
}

static bool add_address(struct cv_ts_list *list, const struct cv_ts *what,
                        const struct cv_addr *addr)
{
    struct cv_ts t = *what;

    t.family = addr->family;
    memcpy(t.lo, addr->b, ADDR_LEN);
    memcpy(t.hi, addr->b, ADDR_LEN);
    return list_add(list, &t);
}

static bool add_dynamic(struct cv_ts_list *list, const struct cv_ts *what,
                        const struct cv_addr *dyn, unsigned n_dyn)
{
    bool given = false;

    for (unsigned i = 0; i < n_dyn; i++) {
        if (dyn[i].family == CV_ANY_FAMILY)
            continue;
        given = true;
        if (!add_address(list, what, &dyn[i]))
            return false;
    }
    return given || add_everywhere(list, what);
}

enum cv_err ts_resolve(struct cv_ts_list *out, const struct cv_ts_config *cfg, unsigned n,
                       const struct cv_addr *dyn, unsigned n_dyn)
{
    out->n = 0;
    for (unsigned i = 0; i < n; i++) {
        const struct cv_ts *t = &cfg[i].ts;
        bool ok;

        if (cfg[i].dynamic)
            ok = add_dynamic(out, t, dyn, n_dyn);
        else if (t->family == CV_ANY_FAMILY)
            ok = add_everywhere(out, t);
        else
            ok = list_add(out, t);
        if (!ok)
            return CV_ERR_LIMIT;
    }
    return CV_OK;
}

/* ---- narrowing ---- */

static bool common_ports(struct cv_ts *out, const struct cv_ts *a, const struct cv_ts *b)
{
    if (ports_opaque(a) || ports_opaque(b)) {
        out->port_lo = UINT16_MAX;
        out->port_hi = 0;
        return ports_within(a, b) || ports_within(b, a);
    }
    out->port_lo = a->port_lo > b->port_lo ? a->port_lo : b->port_lo;
    out->port_hi = a->port_hi < b->port_hi ? a->port_hi : b->port_hi;
    return out->port_lo <= out->port_hi;
}

static bool common_part(struct cv_ts *out, const struct cv_ts *a, const struct cv_ts *b)
{
    if (a->family != b->family || (a->proto != b->proto && a->proto != 0 && b->proto != 0))
        return false;
    *out = *a;
    if (a->proto == 0)
        out->proto = b->proto;
    if (memcmp(b->lo, a->lo, ADDR_LEN) > 0)
        memcpy(out->lo, b->lo, ADDR_LEN);
    if (memcmp(b->hi, a->hi, ADDR_LEN) < 0)
        memcpy(out->hi, b->hi, ADDR_LEN);
    return memcmp(out->lo, out->hi, ADDR_LEN) <= 0 && common_ports(out, a, b);
}

enum cv_err ts_narrow(struct cv_ts_list *out, const struct cv_ts_list *ours,
                      const struct cv_ts_list *theirs)
{
    struct cv_ts t;

    out->n = 0;
    for (unsigned i = 0; i < theirs->n; i++) {
        for (unsigned j = 0; j < ours->n; j++) {
            if (common_part(&t, &ours->ts[j], &theirs->ts[i]) && !list_add(out, &t))
                return CV_OK;
        }
    }
    return out->n != 0 ? CV_OK : CV_ERR_TS;
}

enum cv_err ts_narrow_body(struct cv_ts_list *out, const struct cv_ts_list *ours,
                           struct cv_span theirs)
{
    struct rd r = ike_ts_begin(theirs);
    struct cv_ts t, one;

    out->n = 0;
    while (ike_next_ts(&r, &one)) {
        for (unsigned j = 0; j < ours->n; j++) {
            if (common_part(&t, &ours->ts[j], &one) && !list_add(out, &t))
                return CV_OK;
        }
    }
    return out->n != 0 ? CV_OK : CV_ERR_TS;
}

bool ts_within(const struct cv_ts_list *a, const struct cv_ts_list *b)
{
    for (unsigned i = 0; i < a->n; i++) {
        if (!within_list(&a->ts[i], b))
            return false;
    }
    return true;
}

bool ts_equal(const struct cv_ts_list *a, const struct cv_ts_list *b)
{
    return ts_within(a, b) && ts_within(b, a);
}
