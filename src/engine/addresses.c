/* What the host says of addresses, its own, the ways to peers and other gateways; RFC 4555,
 * RFC 5685.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"
#include "ike/mobike.h"
#include "ike/redirect.h"

void cv_set_addresses(struct cv_engine *e, const struct cv_addr *addrs, size_t n)
{
    mobike_set_addresses(&e->ike, addrs, n);
}

/* One whose peer speaks MOBIKE; NULL, and why not. */
static struct ike_sa *find_mobile(struct ike *k, uint32_t ike, enum cv_err *err)
{
    struct ike_sa *sa = sa_by_number_mut(k, ike);

    *err = sa == NULL || sa->state != ST_UP || sa_is_secret(sa) ? CV_ERR_NOT_FOUND
           : !sa->mobike                                        ? CV_ERR_UNSUPPORTED
                                                                : CV_OK;
    return *err == CV_OK ? sa : NULL;
}

enum cv_err cv_ways(struct cv_engine *e, uint32_t ike, const struct cv_way *ways, size_t n,
                    uint64_t now_ms)
{
    struct ike *k = &e->ike;
    struct ike_sa *sa;
    enum cv_err err;

    engine_enter(e, now_ms);
    sa = find_mobile(k, ike, &err);
    if (sa == NULL)
        return err;
    mobike_ways(k, sa, ways, n);
    sa_touch(k, sa);
    ike_run_touched(k);
    return CV_OK;
}

size_t cv_peer_addresses(const struct cv_engine *e, uint32_t ike, struct cv_addr *out,
                         size_t max)
{
    const struct ike_sa *sa = sa_by_number(&e->ike, ike);

    return sa == NULL || sa_is_secret(sa) ? 0 : mobike_peer_addresses(&e->ike, sa, out, max);
}

enum cv_err cv_follow(struct cv_engine *e, uint32_t ike, const struct cv_endpoint *local,
                      const struct cv_endpoint *remote, uint64_t now_ms, uint32_t *ike_new)
{
    const struct ike_path path = {*local, *remote,
                                  remote->port == 500 ? CV_UDP_500 : CV_UDP_4500};
    struct ike *k = &e->ike;
    struct ike_sa *sa;
    enum cv_err err;

    engine_enter(e, now_ms);
    sa = sa_by_number_mut(k, ike);
    if (sa == NULL || sa->state > ST_UP || !sa->peer.first_initiator || sa_is_secret(sa))
        return CV_ERR_NOT_FOUND;
    err = redirect_follow(k, sa, &path, ike_new);
    if (err != CV_OK)
        k->core.stats.errors[err]++;
    ike_run_touched(k);
    return err;
}

enum cv_err cv_redirect(struct cv_engine *e, uint32_t ike, const struct cv_id *gateway,
                        uint64_t now_ms)
{
    struct ike *k = &e->ike;
    struct ike_sa *sa;
    enum cv_err err;

    engine_enter(e, now_ms);
    sa = sa_by_number_mut(k, ike);
    if (sa == NULL || sa->state != ST_UP || sa->peer.first_initiator || sa_is_secret(sa))
        return CV_ERR_NOT_FOUND;
    err = redirect_want(k, sa, gateway);
    ike_run_touched(k);
    return err;
}
