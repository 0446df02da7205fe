/* The commands that list what there is, one event for each item.
 *
 * Lists go on as the client reads: between two calls SAs and connections may come and go, so a
 * list keeps a place in a table, never a pointer.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "vici/inside.h"

enum { CONNS_A_TURN = 64 };

static bool wanted(const char *filter, const char *name)
{
    return filter == NULL || strcmp(filter, name) == 0;
}

static bool wanted_number(const struct node *req, const char *arg, uint32_t id)
{
    int64_t n = id;

    return vici_arg_number(req, arg, 0, UINT32_MAX, &n) && n == id;
}

/* ---- list-sas --------------------------------------------------------------- */

static bool has_filter(const struct node *req)
{
    return vici_arg(req, "child") != NULL || vici_arg(req, "child-id") != NULL;
}

/* Returns how many children pass the filters. */
static unsigned put_children(struct vici_client *c, struct node *s, uint32_t ike)
{
    const struct cv_engine *e = daemon_engine(c->v->d);
    struct node *children = tree_add_section(s, "child-sas");
    struct cv_child_info info;
    unsigned n = 0;
    char title[320];

    for (uint32_t at = 0; cv_child_next(e, ike, &at, &info);) {
        /* One that is only asked for yet is among the tasks, as charon's. */
        if (info.state == CV_CHILD_CREATED ||
            !wanted(vici_arg(c->req, "child"), info.cfg->name) ||
            !wanted_number(c->req, "child-id", info.id))
            continue;
        vici_child_title(title, sizeof(title), &info);
        vici_put_child(children, title, &info, daemon_now_ms(c->v->d));
        n++;
    }
    return n;
}

static bool more_sas(struct vici_client *c)
{
    struct cv_ike_info info;
    struct node *message, *s;
    const char *name;

    if (!cv_ike_next(daemon_engine(c->v->d), &c->work.at, &info))
        return false;
    name = vici_ike_name(info.conn);
    if (!wanted(vici_arg(c->req, "ike"), name) || !wanted_number(c->req, "ike-id", info.id))
        return true;
    message = tree_new();
    s = vici_put_ike(message, name, &info, daemon_now_ms(c->v->d));
    if (put_children(c, s, info.id) > 0 || !has_filter(c->req))
        vici_tell(c, VICI_EV_LIST_SA, message);
    tree_free(message);
    return true;
}

void vici_cmd_list_sas(struct vici_client *c, const struct node *req)
{
    int64_t ignored;

    if (!vici_arg_number(req, "ike-id", 0, UINT32_MAX, &ignored) ||
        !vici_arg_number(req, "child-id", 0, UINT32_MAX, &ignored))
        vici_answer_error(c, "ike-id and child-id are numbers");
    else
        vici_stream(c, more_sas);
}

/* ---- connections ------------------------------------------------------------ */

static struct conn *conn_at(struct vici_client *c)
{
    struct conn *conn = daemon_first_conn(c->v->d);

    for (uint32_t i = 0; conn != NULL && i < c->work.at; i++)
        conn = conn->next;
    return conn;
}

static void tell_conn(struct vici_client *c, const struct conn *conn)
{
    struct node *message;

    if (!wanted(vici_arg(c->req, "ike"), conn->cv.name))
        return;
    message = tree_new();
    vici_put_conn(message, conn);
    vici_tell(c, VICI_EV_LIST_CONN, message);
    tree_free(message);
}

/* Many at a time, since finding the place again takes a walk there. */
static bool more_conns(struct vici_client *c)
{
    struct conn *conn = conn_at(c);

    for (unsigned i = 0; i < CONNS_A_TURN && conn != NULL; i++, conn = conn->next) {
        c->work.at++;
        tell_conn(c, conn);
    }
    return conn != NULL;
}

void vici_cmd_list_conns(struct vici_client *c, const struct node *req)
{
    (void)req;
    vici_stream(c, more_conns);
}

/* Clients unload what is listed here and not in their files, so connections of the daemon's
 * own file are left out. */
void vici_cmd_get_conns(struct vici_client *c, const struct node *req)
{
    struct node *message = tree_new();
    struct node *names = tree_add_list(message, "conns");

    (void)req;
    for (const struct conn *conn = daemon_first_conn(c->v->d); conn != NULL; conn = conn->next)
        if (conn->source == NULL || conn->source->file == NULL)
            tree_add_item(names, conn->cv.name);
    vici_answer(c, message);
}

static bool asked_for(const struct node *req, const struct cv_child_config *child)
{
    switch (child_shunt(child)) {
    case SHUNT_PASS:
        return vici_arg_yes(req, "pass");
    case SHUNT_DROP:
        return vici_arg_yes(req, "drop");
    default:
        return vici_arg_yes(req, "trap");
    }
}

/* Traps and shunts, as far as they are installed. */
static void tell_policy(struct vici_client *c, const struct conn *conn,
                        const struct cv_child_config *child)
{
    struct node *message, *s;
    char title[640];

    if (!asked_for(c->req, child) || !wanted(vici_arg(c->req, "child"), child->name) ||
        !daemon_is_installed(c->v->d, conn, child))
        return;
    snprintf(title, sizeof(title), "%s/%s", conn->cv.name, child->name);
    message = tree_new();
    s = tree_add_section(message, title);
    tree_add_value(s, "child", child->name);
    tree_add_value(s, "ike", conn->cv.name);
    tree_add_value(s, "mode", vici_mode_name(child));
    vici_put_ts_config(s, "local-ts", child->local_ts, child->n_local_ts);
    vici_put_ts_config(s, "remote-ts", child->remote_ts, child->n_remote_ts);
    vici_tell(c, VICI_EV_LIST_POLICY, message);
    tree_free(message);
}

static void tell_policies(struct vici_client *c, const struct conn *conn)
{
    if (!wanted(vici_arg(c->req, "ike"), conn->cv.name))
        return;
    for (unsigned i = 0; i < conn->cv.n_children; i++)
        tell_policy(c, conn, conn->cv.children[i]);
    for (unsigned i = 0; i < conn->n_shunts; i++)
        tell_policy(c, conn, conn->shunts[i]);
}

static bool more_policies(struct vici_client *c)
{
    const struct conn *conn = conn_at(c);

    for (unsigned i = 0; i < CONNS_A_TURN && conn != NULL; i++, conn = conn->next) {
        c->work.at++;
        tell_policies(c, conn);
    }
    return conn != NULL;
}

void vici_cmd_list_policies(struct vici_client *c, const struct node *req)
{
    (void)req;
    vici_stream(c, more_policies);
}

/* ---- certificates ------------------------------------------------------------ */

static bool wanted_or_any(const char *filter, const char *name)
{
    return filter == NULL || strcasecmp(filter, name) == 0 || strcasecmp(filter, "ANY") == 0;
}

static bool more_certs(struct vici_client *c)
{
    struct cert_view cert;
    struct node *message;
    const char *flag;

    if (!creds_next_cert(daemon_creds(c->v->d), &c->work.at, &cert))
        return false;
    flag = cert.ca ? "CA" : "NONE";
    if (!wanted_or_any(vici_arg(c->req, "type"), "X509") ||
        !wanted_or_any(vici_arg(c->req, "flag"), flag) ||
        !wanted(vici_arg(c->req, "subject"), cert.subject))
        return true;
    message = tree_new();
    tree_add_value(message, "type", "X509");
    tree_add_value(message, "flag", flag);
    if (cert.has_key)
        tree_add_value(message, "has_privkey", "yes");
    tree_add_bytes(message, "data", cert.der.p, cert.der.n);
    vici_tell(c, VICI_EV_LIST_CERT, message);
    tree_free(message);
    return true;
}

/* After the certificates, whose places end there. */
static bool more_lists(struct vici_client *c)
{
    struct node *message;
    uint8_t *der;
    size_t n;

    if (!wanted_or_any(vici_arg(c->req, "type"), "X509_CRL") ||
        vici_arg(c->req, "subject") != NULL ||
        !creds_next_crl(daemon_creds(c->v->d), &c->work.second, &der, &n))
        return false;
    message = tree_new();
    tree_add_value(message, "type", "X509_CRL");
    tree_add_bytes(message, "data", der, n);
    vici_tell(c, VICI_EV_LIST_CERT, message);
    tree_free(message);
    free(der);
    return true;
}

static bool more_pubkeys(struct vici_client *c)
{
    struct pubkey_view key;
    struct node *message;

    if (!wanted_or_any(vici_arg(c->req, "type"), "PUBKEY") ||
        vici_arg(c->req, "subject") != NULL ||
        !creds_next_pubkey(daemon_creds(c->v->d), &c->work.third, &key))
        return false;
    message = tree_new();
    tree_add_value(message, "type", "PUBKEY");
    if (key.has_key)
        tree_add_value(message, "has_privkey", "yes");
    tree_add_bytes(message, "data", key.der.p, key.der.n);
    vici_tell(c, VICI_EV_LIST_CERT, message);
    tree_free(message);
    return true;
}

static bool more_certs_and_lists(struct vici_client *c)
{
    return more_certs(c) || more_lists(c) || more_pubkeys(c);
}

void vici_cmd_list_certs(struct vici_client *c, const struct node *req)
{
    (void)req;
    vici_stream(c, more_certs_and_lists);
}
