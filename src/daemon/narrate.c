/* Owns: what the log says about engine events.
 * Rule: a sentence says what happened, with whom, and for a failure what was expected; only
 * our side of a failed authentication is explained here, the peer learns nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "daemon/inside.h"
#include "text/text.h"
#include "wire/ike.h"

enum { TEXT = 320 };

static const char *endpoint_text(char out[TEXT], const struct cv_endpoint *ep)
{
    char addr[64];

    addr_format(addr, sizeof(addr), &ep->addr);
    if (ep->port != 0)
        (void)snprintf(out, TEXT, "%s[%u]", addr, ep->port);
    else
        (void)snprintf(out, TEXT, "%s", addr);
    return out;
}

/* "10.0.0.2[500] (gw.example.com)" */
static const char *peer_text(char out[TEXT], const struct cv_endpoint *ep,
                             const struct cv_id *id)
{
    char where[TEXT], who[TEXT / 2];

    endpoint_text(where, ep);
    id_format(who, sizeof(who), id);
    if (id->type == CV_ID_ANY)
        (void)snprintf(out, TEXT, "%.100s", where);
    else
        (void)snprintf(out, TEXT, "%.100s (%s)", where, who);
    return out;
}

static const char *notify_text(char out[64], uint16_t type)
{
    const char *name = ike_notify_name(type);

    if (name != NULL)
        (void)snprintf(out, 64, "%s", name);
    else
        (void)snprintf(out, 64, "notify %u", type);
    return out;
}

static void list_ts(char *out, size_t n, const struct cv_ts_list *list)
{
    size_t used = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < list->n && used < n; i++) {
        char one[80];
        ts_format(one, sizeof(one), &list->ts[i]);
        used += (size_t)snprintf(out + used, n - used, "%s%s", i == 0 ? "" : " ", one);
    }
}

static void list_proposals(char *out, size_t n, const struct cv_proposal *p, unsigned count)
{
    size_t used = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < count && used < n; i++) {
        char one[200];
        proposal_format(one, sizeof(one), &p[i]);
        used += (size_t)snprintf(out + used, n - used, "%s%s", i == 0 ? "" : ", ", one);
    }
}

static void suite_text(char *out, size_t n, const struct cv_suite *s)
{
    bool ah = s->encr == 0;
    size_t used = (size_t)snprintf(out, n, "%s", ah ? "AH" : name_encr(s->encr));

    if (s->encr_bits != 0 && used < n)
        used += (size_t)snprintf(out + used, n - used, "-%u", s->encr_bits);
    if (s->integ != CV_INTEG_NONE && used < n)
        used += (size_t)snprintf(out + used, n - used, "/%s", name_integ(s->integ));
    if (s->prf != 0 && used < n)
        used += (size_t)snprintf(out + used, n - used, "/%s", name_prf(s->prf));
    if (s->ke != CV_KE_NONE && used < n)
        (void)snprintf(out + used, n - used, "/%s", name_ke(s->ke));
}

static void ike_up(struct daemon *d, const struct cv_effect *fx)
{
    struct cv_ike_info ike;
    char us[TEXT], peer[TEXT], suite[128];
    const char *nat = "";

    if (!cv_ike_info(d->engine, fx->ike, &ike))
        return;
    suite_text(suite, sizeof(suite), &ike.suite);
    if (ike.nat_local || ike.nat_remote)
        nat = ike.nat_local && ike.nat_remote ? ", both behind a NAT"
              : ike.nat_local                 ? ", we are behind a NAT"
                                              : ", the peer is behind a NAT";
    daemon_log(d, 1, LOG_IKE, fx->ike, "IKE SA established: %s with %s, %s%s",
               peer_text(us, &ike.local, &ike.local_id),
               peer_text(peer, &ike.remote, &ike.remote_id), suite, nat);
}

static void ike_down(struct daemon *d, const struct cv_effect *fx)
{
    struct cv_ike_info ike;
    char peer[TEXT];

    if (cv_ike_info(d->engine, fx->ike, &ike))
        peer_text(peer, &ike.remote, &ike.remote_id);
    else
        endpoint_text(peer, &fx->u.event.remote);
    daemon_log(d, 1, LOG_IKE, fx->ike, "IKE SA with %s ended: %s", peer,
               cv_err_text(fx->u.event.err));
}

static void child_up(struct daemon *d, const struct cv_effect *fx, uint32_t child,
                     const char *what)
{
    struct cv_child_info c;
    char suite[96], local[100], remote[100];

    if (!cv_child_info(d->engine, child, &c))
        return;
    suite_text(suite, sizeof(suite), &c.suite);
    list_ts(local, sizeof(local), &c.local_ts);
    list_ts(remote, sizeof(remote), &c.remote_ts);
    daemon_log(d, 1, LOG_CHD, fx->ike, "Child SA %s %s: %s%s, SPIs %08x_i %08x_o, %s === %s",
               c.cfg->name, what, suite, c.encap ? " in UDP" : "", c.spi_in, c.spi_out, local,
               remote);
}

static const char *child_name(const struct cv_effect *fx)
{
    return fx->u.event.child_cfg != NULL ? fx->u.event.child_cfg->name : "(none)";
}

static void child_down(struct daemon *d, const struct cv_effect *fx)
{
    struct cv_child_info c;

    if (!cv_child_info(d->engine, fx->u.event.child, &c))
        memset(&c, 0, sizeof(c));
    daemon_log(d, 1, LOG_CHD, fx->ike,
               "Child SA %s closed: %s (%llu octets in, %llu octets out)", child_name(fx),
               cv_err_text(fx->u.event.err), (unsigned long long)c.bytes_in,
               (unsigned long long)c.bytes_out);
}

/* What we offered or expected, where that is what people compare next. */
static void expected_text(char *out, size_t n, const struct cv_effect *fx)
{
    const struct cv_child_config *child = fx->u.event.child_cfg;
    uint16_t notify = fx->u.event.notify;
    char list[TEXT];

    out[0] = '\0';
    if (notify != N_NO_PROPOSAL_CHOSEN && fx->u.event.err != CV_ERR_NO_PROPOSAL)
        return;
    if (child != NULL)
        list_proposals(list, sizeof(list), child->proposals, child->n_proposals);
    else if (fx->conn != NULL)
        list_proposals(list, sizeof(list), fx->conn->proposals, fx->conn->n_proposals);
    else
        return;
    (void)snprintf(out, n, "; our side has %s", list);
}

static void child_failed(struct daemon *d, const struct cv_effect *fx)
{
    char peer[TEXT], expected[TEXT + 32], notify[64];

    endpoint_text(peer, &fx->u.event.remote);
    expected_text(expected, sizeof(expected), fx);
    if (fx->u.event.notify != 0)
        daemon_log(d, 1, LOG_CHD, fx->ike, "no Child SA %s: %s answered %s%s", child_name(fx),
                   peer, notify_text(notify, fx->u.event.notify), expected);
    else
        daemon_log(d, 1, LOG_CHD, fx->ike, "no Child SA %s with %s: %s%s", child_name(fx), peer,
                   cv_err_text(fx->u.event.err), expected);
}

static void auth_failed(struct daemon *d, const struct cv_effect *fx)
{
    struct cv_ike_info ike;
    char peer[TEXT], wanted[TEXT / 2] = "";

    if (cv_ike_info(d->engine, fx->ike, &ike))
        peer_text(peer, &ike.remote, &ike.remote_id);
    else
        endpoint_text(peer, &fx->u.event.remote);
    if (fx->conn != NULL && fx->u.event.err == CV_ERR_ID_MISMATCH) {
        (void)snprintf(wanted, sizeof(wanted), "; configured is ");
        id_format(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted),
                  &fx->conn->remote.id);
    }
    daemon_log(d, 0, LOG_IKE, fx->ike, "authentication of %s failed: %s%s", peer,
               cv_err_text(fx->u.event.err), wanted);
}

static void rejected(struct daemon *d, const struct cv_effect *fx)
{
    char peer[TEXT], notify[64], expected[TEXT + 32];

    expected_text(expected, sizeof(expected), fx);
    daemon_log(d, 1, LOG_IKE, fx->ike, "refused a request of %s with %s: %s%s",
               endpoint_text(peer, &fx->u.event.remote),
               notify_text(notify, fx->u.event.notify), cv_err_text(fx->u.event.err), expected);
}

static void peer_notify(struct daemon *d, const struct cv_effect *fx)
{
    char peer[TEXT], notify[64], expected[TEXT + 32];
    const char *what = "sent an error";

    if (fx->u.event.notify == N_NO_PROPOSAL_CHOSEN)
        what = "rejected our proposals";
    else if (fx->u.event.notify == N_AUTHENTICATION_FAILED)
        what = "did not accept who we are";
    else if (fx->u.event.notify == N_TS_UNACCEPTABLE)
        what = "rejected our traffic selectors";
    expected_text(expected, sizeof(expected), fx);
    daemon_log(d, 1, LOG_IKE, fx->ike, "peer %s %s: %s%s",
               endpoint_text(peer, &fx->u.event.remote), what,
               notify_text(notify, fx->u.event.notify), expected);
}

static void address(struct daemon *d, const struct cv_effect *fx)
{
    const struct cv_lease *l = &fx->u.event.lease;
    char addr[64], text[TEXT] = "";
    size_t used = 0;

    if (l->v4.family != 0) {
        addr_format(addr, sizeof(addr), &l->v4);
        used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", addr);
    }
    if (l->v6.family != 0) {
        addr_format(addr, sizeof(addr), &l->v6);
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, " %s/%u", addr, l->v6_prefix);
    }
    for (unsigned i = 0; i < l->n_dns && used < sizeof(text); i++) {
        addr_format(addr, sizeof(addr), &l->dns[i]);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s",
                                 i == 0 ? ", DNS" : "", addr);
    }
    daemon_log(d, 1, LOG_IKE, fx->ike, "peer assigned%s", text);
}

static void moved(struct daemon *d, const struct cv_effect *fx)
{
    char us[TEXT], peer[TEXT];

    daemon_log(d, 1, LOG_NET, fx->ike, "path changed: now %s to %s",
               endpoint_text(us, &fx->u.event.local), endpoint_text(peer, &fx->u.event.remote));
}

static void ike_rekeyed(struct daemon *d, const struct cv_effect *fx)
{
    daemon_log(d, 1, LOG_IKE, fx->ike, "IKE SA rekeyed: %u goes on as %u", fx->ike,
               fx->u.event.ike_new);
}

static void child_is_up(struct daemon *d, const struct cv_effect *fx)
{
    child_up(d, fx, fx->u.event.child, "established");
}

static void child_rekeyed(struct daemon *d, const struct cv_effect *fx)
{
    child_up(d, fx, fx->u.event.child_new, "rekeyed");
}

static void retransmit(struct daemon *d, const struct cv_effect *fx)
{
    char peer[TEXT];

    daemon_log(d, 1, LOG_NET, fx->ike, "no answer from %s, sent again (%u)",
               endpoint_text(peer, &fx->u.event.remote), fx->u.event.value);
}

static void cookies(struct daemon *d, const struct cv_effect *fx)
{
    daemon_log(d, 1, LOG_NET, 0, "%s",
               fx->u.event.value != 0 ? "many half-open IKE SAs: asking new peers for cookies"
                                      : "half-open IKE SAs are few again: no cookies needed");
}

static void alarm_raised(struct daemon *d, const struct cv_effect *fx)
{
    char peer[TEXT];

    daemon_log(d, 0, LOG_ESP, fx->ike, "data plane alarm, %u times with %s: %s; Child SA %s",
               fx->u.event.value, endpoint_text(peer, &fx->u.event.remote),
               cv_err_text(fx->u.event.err), child_name(fx));
}

static void peer_alarm(struct daemon *d, const struct cv_effect *fx)
{
    char peer[TEXT];

    daemon_log(d, 0, LOG_ESP, fx->ike, "%s reports tampering on the way to it, %u times: %s",
               endpoint_text(peer, &fx->u.event.remote), fx->u.event.value,
               cv_err_text(fx->u.event.err));
}

static void (*const tellers[])(struct daemon *d, const struct cv_effect *fx) = {
    [CV_EV_IKE_UP] = ike_up,
    [CV_EV_IKE_DOWN] = ike_down,
    [CV_EV_IKE_REKEYED] = ike_rekeyed,
    [CV_EV_IKE_MOVED] = moved,
    [CV_EV_CHILD_UP] = child_is_up,
    [CV_EV_CHILD_DOWN] = child_down,
    [CV_EV_CHILD_REKEYED] = child_rekeyed,
    [CV_EV_CHILD_FAILED] = child_failed,
    [CV_EV_RETRANSMIT] = retransmit,
    [CV_EV_ADDRESS] = address,
    [CV_EV_AUTH_FAILED] = auth_failed,
    [CV_EV_REJECTED] = rejected,
    [CV_EV_PEER_NOTIFY] = peer_notify,
    [CV_EV_COOKIES] = cookies,
    [CV_EV_PEER_ALARM] = peer_alarm,
    [CV_EV_ALARM] = alarm_raised,
};

void narrate(struct daemon *d, const struct cv_effect *fx)
{
    uint8_t kind = fx->u.event.kind;

    if (kind < sizeof(tellers) / sizeof(tellers[0]) && tellers[kind] != NULL)
        tellers[kind](d, fx);
}
