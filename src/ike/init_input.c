/* IKE_SA_INIT on its way in: what comes before the rules; RFC 7296 sections 1.2, 2.6.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ike/init.h"
#include "wire/ip.h"

enum { INIT_MESSAGES = 2 }; /* that an SA keeps: both IKE_SA_INIT */

/* The SA that a response is for, which does not know the responder's SPI yet. */
static struct ike_sa *find_initiator(struct ike *k, const struct ike_in *in)
{
    struct ike_hdr own = *in->h;
    struct ike_sa *sa;

    memset(own.spi_r, 0, IKE_SPI_LEN);
    sa = sa_find(k, &own);
    return sa != NULL && sa->state == ST_I_INIT && in->h->msg_id == 0 &&
                   endpoint_equal(&in->path->remote, &sa->peer.remote)
               ? sa
               : NULL;
}

static enum cv_err parse(struct ike *k, const struct ike_sa *sa, struct ike_msg *m,
                         const struct ike_in *in)
{
    enum cv_err err =
        ike_parse_payloads(m, in->h->next, span_from(in->datagram, IKE_HDR_LEN), IKE_HDR_LEN);

    if (err == CV_OK)
        core_count(&k->core, sa != NULL ? sa->peer.conn : NULL,
                   &(struct counted){EX_SA_INIT, true, in->kind == RESP});
    watched_datagram(k, sa, in->path, false, in->datagram);
    return err;
}

static enum cv_err take_response(struct ike *k, const struct ike_in *in, struct ike_msg *m)
{
    struct ike_sa *sa = find_initiator(k, in);
    enum cv_err err;

    if (sa == NULL)
        return CV_ERR_IKE_SPI;
    err = parse(k, sa, m, in);
    if (err == CV_OK && !msg_make_room(k, INIT_MESSAGES))
        err = CV_ERR_FULL; /* as if it had been lost */
    if (err == CV_OK)
        err = ike_step(k, sa, in);
    if (err == CV_OK && sa->state == ST_DEAD)
        err = sa->peer.reason;
    sa_touch(k, sa);
    return err;
}

static enum cv_err take_request(struct ike *k, struct ike_in *in, struct ike_msg *m)
{
    enum cv_err err = init_form(k, in);

    if (err == CV_OK)
        err = parse(k, NULL, m, in);
    if (err == CV_ERR_CRITICAL)
        init_refuse_critical(k, in, m->critical_type);
    if (err == CV_OK)
        err = init_gate(k, in);
    return err == CV_OK ? ike_step(k, NULL, in) : err;
}

enum cv_err init_input(struct ike *k, const struct ike_hdr *h, struct cv_span datagram,
                       const struct ike_path *path)
{
    struct ike_msg m;
    struct ike_in in = {.kind = h->flags & IKE_F_RESPONSE ? RESP : REQ,
                        .exchange = EX_SA_INIT,
                        .m = &m,
                        .kept = POOL_NONE,
                        .h = h,
                        .datagram = datagram,
                        .path = path};

    /* What cannot be kept for AUTH is not worth looking at. */
    if (datagram.n > k->core.set.limits.message_size)
        return CV_ERR_TOO_BIG;
    return in.kind == RESP ? take_response(k, &in, &m) : take_request(k, &in, &m);
}
