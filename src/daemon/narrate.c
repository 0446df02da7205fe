/* Owns: what the log says about engine events.
 * Rule: a sentence says what happened, with whom, and for a failure what was expected; only
 * our side of a failed authentication is explained here, the peer learns nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "daemon/inside.h"
#include "daemon/phrase.h"

static void ike_up(struct daemon *d, const struct cv_effect *fx)
{
    struct cv_ike_info ike;
    struct phrase p = {0};

    if (!cv_ike_info(d->engine, fx->ike, &ike))
        return;
    phrase_add(&p, "IKE SA established: ");
    phrase_peer(&p, &ike.local, &ike.local_id);
    phrase_add(&p, " with ");
    phrase_peer(&p, &ike.remote, &ike.remote_id);
    phrase_add(&p, ", ");
    phrase_suite(&p, &ike.suite);
    if (ike.nat_local || ike.nat_remote)
        phrase_add(&p, "%s",
                   ike.nat_local && ike.nat_remote ? ", both behind a NAT"
                   : ike.nat_local                 ? ", we are behind a NAT"
                                                   : ", the peer is behind a NAT");
    daemon_log(d, 1, LOG_IKE, fx->ike, "%s", p.text);
}

static void ike_down(struct daemon *d, const struct cv_effect *fx)
{
    struct phrase p = {0};

    phrase_peer(&p, &fx->u.event.remote, fx->u.event.remote_id);
    daemon_log(d, 1, LOG_IKE, fx->ike, "IKE SA with %s ended: %s", p.text,
               cv_err_text(fx->u.event.err));
}

static void child_up(struct daemon *d, const struct cv_effect *fx, uint32_t child,
                     const char *what)
{
    struct cv_child_info c;
    struct phrase p = {0};

    if (!cv_child_info(d->engine, child, &c))
        return;
    phrase_add(&p, "Child SA %s %s: ", c.cfg->name, what);
    phrase_suite(&p, &c.suite);
    phrase_add(&p, "%s, SPIs %08x_i %08x_o, ", c.encap ? " in UDP" : "", c.spi_in, c.spi_out);
    phrase_ts(&p, &c.local_ts);
    phrase_add(&p, " === ");
    phrase_ts(&p, &c.remote_ts);
    daemon_log(d, 1, LOG_CHD, fx->ike, "%s", p.text);
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

static void address(struct daemon *d, const struct cv_effect *fx)
{
    const struct cv_lease *l = &fx->u.event.lease;
    struct phrase p = {0};

    if (l->v4.family != 0) {
        phrase_add(&p, " ");
        phrase_endpoint(&p, &(struct cv_endpoint){.addr = l->v4});
    }
    if (l->v6.family != 0) {
        phrase_add(&p, " ");
        phrase_endpoint(&p, &(struct cv_endpoint){.addr = l->v6});
        phrase_add(&p, "/%u", l->v6_prefix);
    }
    for (unsigned i = 0; i < l->n_dns; i++) {
        phrase_add(&p, "%s ", i == 0 ? ", DNS" : "");
        phrase_endpoint(&p, &(struct cv_endpoint){.addr = l->dns[i]});
    }
    daemon_log(d, 1, LOG_IKE, fx->ike, "peer assigned%s", p.text);
}

static void moved(struct daemon *d, const struct cv_effect *fx)
{
    struct phrase p = {0};

    phrase_endpoint(&p, &fx->u.event.local);
    phrase_add(&p, " to ");
    phrase_endpoint(&p, &fx->u.event.remote);
    daemon_log(d, 1, LOG_NET, fx->ike, "path changed: now %s", p.text);
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
    struct phrase p = {0};

    phrase_endpoint(&p, &fx->u.event.remote);
    daemon_log(d, 1, LOG_NET, fx->ike, "no answer from %s, sent again (%u)", p.text,
               fx->u.event.value);
}

static void cookies(struct daemon *d, const struct cv_effect *fx)
{
    daemon_log(d, 1, LOG_NET, 0, "%s",
               fx->u.event.value != 0 ? "many half-open IKE SAs: asking new peers for cookies"
                                      : "half-open IKE SAs are few again: no cookies needed");
}

static void alarm_raised(struct daemon *d, const struct cv_effect *fx)
{
    struct phrase p = {0};

    phrase_endpoint(&p, &fx->u.event.remote);
    daemon_log(d, 0, LOG_ESP, fx->ike, "data plane alarm, %u times with %s: %s; Child SA %s",
               fx->u.event.value, p.text, cv_err_text(fx->u.event.err), child_name(fx));
}

static void peer_alarm(struct daemon *d, const struct cv_effect *fx)
{
    struct phrase p = {0};

    phrase_endpoint(&p, &fx->u.event.remote);
    daemon_log(d, 0, LOG_ESP, fx->ike, "%s reports tampering on the way to it, %u times: %s",
               p.text, fx->u.event.value, cv_err_text(fx->u.event.err));
}

static void (*const tellers[])(struct daemon *d, const struct cv_effect *fx) = {
    [CV_EV_IKE_UP] = ike_up,
    [CV_EV_IKE_DOWN] = ike_down,
    [CV_EV_IKE_REKEYED] = ike_rekeyed,
    [CV_EV_IKE_MOVED] = moved,
    [CV_EV_CHILD_UP] = child_is_up,
    [CV_EV_CHILD_DOWN] = child_down,
    [CV_EV_CHILD_REKEYED] = child_rekeyed,
    [CV_EV_CHILD_FAILED] = refusals_child_failed,
    [CV_EV_RETRANSMIT] = retransmit,
    [CV_EV_ADDRESS] = address,
    [CV_EV_AUTH_FAILED] = refusals_auth_failed,
    [CV_EV_REJECTED] = refusals_rejected,
    [CV_EV_PEER_NOTIFY] = refusals_by_peer,
    [CV_EV_TAKEN] = refusals_taken,
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
