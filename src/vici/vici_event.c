/* Engine events as VICI events.  Trees are built only when somebody listens.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "text/text.h"
#include "vici/inside.h"

/* The IKE SA's section, or an empty one of its connection's name when it is gone already. */
static struct node *put_ike(struct vici *v, struct node *parent, const char *name, uint32_t ike)
{
    struct cv_ike_info info;

    if (cv_ike_info(daemon_engine(v->d), ike, &info))
        return vici_put_ike(parent, name, &info, daemon_now_ms(v->d));
    return tree_add_section(parent, name);
}

static void put_child_as(struct vici *v, struct node *parent, const char *name,
                         const struct cv_effect *fx, uint32_t child)
{
    struct cv_child_info info;
    struct node *s;

    if (cv_child_info(daemon_engine(v->d), child, &info) && info.cfg != NULL) {
        vici_put_child(parent, name, &info, daemon_now_ms(v->d));
        return;
    }
    s = tree_add_section(parent, name);
    if (fx->u.event.child_cfg != NULL)
        tree_add_value(s, "name", fx->u.event.child_cfg->name);
    tree_add_valuef(s, "uniqueid", "%" PRIu32, child);
}

static void child_title(char *out, size_t n, const struct cv_effect *fx)
{
    const struct cv_child_config *cfg = fx->u.event.child_cfg;

    snprintf(out, n, "%s-%" PRIu32, cfg != NULL ? cfg->name : "child", fx->u.event.child);
}

static void tell_ike_updown(struct vici *v, const struct cv_effect *fx, struct node *message)
{
    if (fx->u.event.kind == CV_EV_IKE_UP)
        tree_add_value(message, "up", "yes");
    put_ike(v, message, vici_ike_name(fx->conn), fx->ike);
}

static void tell_ike_rekey(struct vici *v, const struct cv_effect *fx, struct node *message)
{
    struct node *s = tree_add_section(message, vici_ike_name(fx->conn));

    put_ike(v, s, "old", fx->ike);
    put_ike(v, s, "new", fx->u.event.ike_new);
}

/* The section holds the endpoints of now; charon's still holds the former ones. */
static void tell_ike_update(struct vici *v, const struct cv_effect *fx, struct node *message)
{
    const struct cv_endpoint *local = &fx->u.event.local, *remote = &fx->u.event.remote;
    char addr[64];

    addr_format(addr, sizeof(addr), &local->addr);
    tree_add_value(message, "local-host", addr);
    tree_add_valuef(message, "local-port", "%u", local->port);
    addr_format(addr, sizeof(addr), &remote->addr);
    tree_add_value(message, "remote-host", addr);
    tree_add_valuef(message, "remote-port", "%u", remote->port);
    put_ike(v, message, vici_ike_name(fx->conn), fx->ike);
}

static void tell_child_updown(struct vici *v, const struct cv_effect *fx, struct node *message)
{
    struct node *s;
    char title[320];

    if (fx->u.event.kind == CV_EV_CHILD_UP)
        tree_add_value(message, "up", "yes");
    s = put_ike(v, message, vici_ike_name(fx->conn), fx->ike);
    s = tree_add_section(s, "child-sas");
    child_title(title, sizeof(title), fx);
    put_child_as(v, s, title, fx, fx->u.event.child);
}

static void tell_child_rekey(struct vici *v, const struct cv_effect *fx, struct node *message)
{
    struct node *s = put_ike(v, message, vici_ike_name(fx->conn), fx->ike);
    char title[320];

    s = tree_add_section(s, "child-sas");
    child_title(title, sizeof(title), fx);
    s = tree_add_section(s, title);
    put_child_as(v, s, "old", fx, fx->u.event.child);
    put_child_as(v, s, "new", fx, fx->u.event.child_new);
}

/* What went wrong, in charon's word where it has one. */
static const char *alert_type(const struct cv_effect *fx)
{
    switch (fx->u.event.kind) {
    case CV_EV_AUTH_FAILED:
        return fx->u.event.err == CV_ERR_NO_CREDENTIAL || fx->u.event.err == CV_ERR_NO_ANSWER ||
                       fx->u.event.err == CV_ERR_REGISTRY
                   ? "LOCAL_AUTH_FAILED"
                   : "PEER_AUTH_FAILED";
    case CV_EV_RETRANSMIT:
        return "RETRANSMIT_SEND";
    case CV_EV_IKE_DOWN:
        return fx->u.event.err == CV_ERR_PEER_SILENT ? "RETRANSMIT_SEND_TIMEOUT" : NULL;
    case CV_EV_CHILD_FAILED:
        if (fx->u.event.err == CV_ERR_NO_PROPOSAL)
            return "PROPOSAL_MISMATCH_CHILD";
        return fx->u.event.err == CV_ERR_TS ? "TS_MISMATCH" : "INSTALL_CHILD_SA_FAILED";
    case CV_EV_COOKIES:
        return fx->u.event.value != 0 ? "COOKIES_ON" : "COOKIES_OFF";
    case CV_EV_TAKEN:
        return "TS_TAKEN";
    case CV_EV_PEER_ALARM:
        return "PEER_DATA_PLANE";
    case CV_EV_ALARM:
        return "DATA_PLANE";
    default:
        return NULL;
    }
}

/* The SA whose traffic somebody else asked for. */
static void put_owner(struct vici *v, struct node *message, uint32_t ike)
{
    struct cv_ike_info info;

    if (cv_ike_info(daemon_engine(v->d), ike, &info))
        put_ike(v, tree_add_section(message, "owner"), vici_ike_name(info.conn), ike);
}

static void tell_alert(struct vici *v, const struct cv_effect *fx)
{
    const char *type = alert_type(fx);
    struct node *message;

    if (type == NULL || !vici_anybody_listens(v, VICI_EV_ALERT))
        return;
    message = tree_new();
    tree_add_value(message, "type", type);
    tree_add_value(message, "reason", cv_err_name(fx->u.event.err));
    tree_add_value(message, "msg", cv_err_text(fx->u.event.err));
    if (fx->u.event.value != 0)
        tree_add_valuef(message, "count", "%" PRIu32, fx->u.event.value);
    if (fx->u.event.child_cfg != NULL)
        tree_add_value(message, "child", fx->u.event.child_cfg->name);
    if (fx->ike != 0)
        put_ike(v, tree_add_section(message, "ikesa"), vici_ike_name(fx->conn), fx->ike);
    if (fx->u.event.kind == CV_EV_TAKEN)
        put_owner(v, message, fx->u.event.ike_new);
    vici_tell_all(v, VICI_EV_ALERT, message);
    tree_free(message);
}

static const struct {
    enum cv_event_kind kind;
    enum vici_event event;
    void (*fill)(struct vici *v, const struct cv_effect *fx, struct node *message);
} reports[] = {
    {CV_EV_IKE_UP,        VICI_EV_IKE_UPDOWN,   tell_ike_updown  },
    {CV_EV_IKE_DOWN,      VICI_EV_IKE_UPDOWN,   tell_ike_updown  },
    {CV_EV_IKE_REKEYED,   VICI_EV_IKE_REKEY,    tell_ike_rekey   },
    {CV_EV_IKE_MOVED,     VICI_EV_IKE_UPDATE,   tell_ike_update  },
    {CV_EV_CHILD_UP,      VICI_EV_CHILD_UPDOWN, tell_child_updown},
    {CV_EV_CHILD_DOWN,    VICI_EV_CHILD_UPDOWN, tell_child_updown},
    {CV_EV_CHILD_REKEYED, VICI_EV_CHILD_REKEY,  tell_child_rekey },
};

void vici_report(struct vici *v, const struct cv_effect *fx)
{
    struct node *message;

    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
        if (fx->u.event.kind != reports[i].kind || !vici_anybody_listens(v, reports[i].event))
            continue;
        message = tree_new();
        reports[i].fill(v, fx, message);
        vici_tell_all(v, reports[i].event, message);
        tree_free(message);
    }
    tell_alert(v, fx);
}

/* What happened in the fleet, as the registry has it. */
void vici_fleet_event(void *ctx, const struct fleet_event *e)
{
    struct vici *v = ctx;
    struct node *message;

    if (!vici_anybody_listens(v, VICI_EV_FLEET))
        return;
    message = tree_new();
    tree_add_valuef(message, "time", "%" PRId64, e->at_ms / 1000);
    tree_add_value(message, "severity", event_severity_name(e->severity));
    tree_add_value(message, "kind", e->kind);
    tree_add_value(message, "device", e->name);
    tree_add_value(message, "tenant", e->tenant);
    tree_add_value(message, "peer", e->peer);
    tree_add_value(message, "text", e->text);
    vici_tell_all(v, VICI_EV_FLEET, message);
    tree_free(message);
}
