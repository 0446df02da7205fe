/* Tamper alerts: when packets of a Child SA are forged, changed or replayed on their way,
 * both parties shall know.  Who sees it tells the other in an INFORMATIONAL exchange with a
 * private-use notify (RFC 7296 section 3.10.1), which only peers get that have announced in
 * IKE_AUTH that they understand it.
 *
 * Notify data: kind (1 replay, 2 integrity, 3 selector, 4 malformed, 5 in the clear), the SPI
 * we receive on, how often by now, the last two in 4 octets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/exchange.h"

enum {
    ALERT_THRESHOLD = 4, /* a single damaged packet is no attack */
    ALERT_PAUSE_MS = 5000,
    ALERT_LEN = 9
};

/* kind on the wire, what it means */
static const struct {
    uint8_t kind;
    enum cv_err err;
} kinds[] = {
    {1, CV_ERR_REPLAY   },
    {2, CV_ERR_ICV      },
    {3, CV_ERR_SELECTOR },
    {4, CV_ERR_MALFORMED},
    {5, CV_ERR_CLEARTEXT},
};

static uint8_t kind_of(enum cv_err err)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].err == err)
            return kinds[i].kind;
    }
    return 4;
}

void alert_announce(struct ike_out *o)
{
    ike_put_notify(&o->chain, 0, span(NULL, 0), N_CULVERT_ALERTS_SUPPORTED, span(NULL, 0));
}

void alert_want(struct ike *k, struct ike_sa *sa, const struct child_sa *c, enum cv_err err,
                uint64_t count)
{
    if (!sa->peer_alerts || count < ALERT_THRESHOLD)
        return;
    sa->alert_kind = kind_of(err);
    sa->alert_spi = c->spi_in;
    sa->alert_count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
    sa->want |= WANT_ALERT;
    sa_touch(k, sa);
}

enum cv_err alert_start(struct ike *k, struct ike_sa *sa)
{
    uint8_t data[ALERT_LEN];
    struct wr w = wr_init(data, sizeof(data));
    struct ike_out o;
    enum cv_err err;

    wr_u8(&w, sa->alert_kind);
    wr_u32(&w, sa->alert_spi);
    wr_u32(&w, sa->alert_count);
    out_begin(k, &o);
    ike_put_notify(&o.chain, 0, span(NULL, 0), N_CULVERT_ALERT, wr_done(&w));
    err = send_request(k, sa, EX_INFORMATIONAL, DO_ALERT, &o);
    if (err != CV_OK)
        return err;
    sa->want &= (uint16_t)~WANT_ALERT;
    sa->alert_ms = k->core.now_ms + ALERT_PAUSE_MS;
    return CV_OK;
}

void alert_read(const struct ike_sa *sa, const struct ike_msg *m, struct ike_change *ch)
{
    const struct ike_notify *n = ike_find_notify(m, N_CULVERT_ALERT);
    struct rd r;
    uint8_t kind;

    if (n == NULL || !sa->peer_alerts)
        return;
    r = rd_init(n->data);
    kind = rd_u8(&r);
    ch->alert_spi = rd_u32(&r);
    ch->alert_count = rd_u32(&r);
    for (size_t i = 0; rd_done(&r) && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].kind == kind)
            ch->alert = kinds[i].err;
    }
}

void alert_commit(struct ike *k, const struct ike_sa *sa, const struct ike_change *ch)
{
    struct cv_effect *fx;

    if (ch->alert == CV_OK)
        return;
    fx = event_put(&k->core, CV_EV_PEER_ALARM, &sa->peer, ch->alert);
    if (fx == NULL)
        return;
    fx->u.event.value = ch->alert_count;
    for (uint32_t i = sa->peer.children; i != POOL_NONE; i = child_at(&k->core, i)->next) {
        if (child_at(&k->core, i)->spi_out != ch->alert_spi)
            continue;
        fx->u.event.child = child_at(&k->core, i)->id;
        fx->u.event.child_cfg = child_at(&k->core, i)->cfg;
    }
}
