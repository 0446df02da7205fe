/* What no handler may do: each case writes something of an SA.  See refused.sh.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/exchange.h"

#ifndef CASE
#define CASE 0
#endif

ike_handler handler;

enum cv_err handler(const struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                    struct ike_out *out, struct ike_change *ch)
{
    (void)k, (void)sa, (void)in, (void)out, (void)ch;
#if CASE == 1 /* the SA itself */
    sa->state = ST_UP;
#endif
#if CASE == 2 /* what it has in common with other versions of IKE */
    sa->peer.has_lease = true;
#endif
#if CASE == 3 /* the scratch of its exchange */
    sa_hs(k, sa)->lease = ch->lease;
#endif
#if CASE == 4 /* the same by another name */
    struct ike_hs *hs = sa_hs(k, sa);

    hs->lease = ch->lease;
#endif
#if CASE == 5 /* the form for commits wants more than a handler has */
    sa_hs_mut(k, sa)->lease = ch->lease;
#endif
#if CASE == 6 /* a Child SA */
    child_at(&k->core, sa->peer.children)->want_delete = true;
#endif
#if CASE == 7
    child_live_mut(&k->core, sa->peer.children)->want_delete = true;
#endif
#if CASE == 8
    child_by_spi_out(&k->core, &sa->peer, CV_PROTO_ESP, 1)->want_delete = true;
#endif
#if CASE == 9 /* another SA */
    sa_by_number(k, 1)->want = WANT_DELETE;
#endif
#if CASE == 10
    sa_first_with_id(k, &sa->peer.remote_id)->want = WANT_DELETE;
#endif
#if CASE == 14
    peer_by_number_mut(&k->core, 1)->has_lease = false;
#endif
#if CASE == 15
    peer_at(&k->core, 0)->has_lease = false;
#endif
#if CASE == 16
    sa_of(&sa->peer)->state = ST_UP;
#endif
#if CASE == 17
    sa_of(peer_next_with_id(&k->core, &sa->peer))->state = ST_UP;
#endif
#if CASE == 11 /* time, events and counters are the engine's */
    k->core.stats.ike_established++;
#endif
#if CASE == 12
    event_put(&k->core, CV_EV_IKE_UP, &sa->peer, CV_OK);
#endif
#if CASE == 13 /* the end of the SA */
    sa_close(k, sa, CV_ERR_LIFETIME, false);
#endif
    return CV_OK;
}
