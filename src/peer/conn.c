/* Which configured connection a peer belongs to: by addresses for IKE_SA_INIT, by
 * identities and method for IKE_AUTH (the Peer Authorization Database of RFC 4301
 * section 4.4.3).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ident/id.h"
#include "peer/conn.h"
#include "wire/ip.h"

enum { FIT_ANY = 1, FIT_RANGE = 2, FIT_EXACT = 3 };

static int ranges_fit(const struct cv_addr_range *r, unsigned n, const struct cv_addr *a)
{
    int best = n == 0 ? FIT_ANY : 0;

    for (unsigned i = 0; i < n; i++) {
        int fit = r[i].family == CV_ANY_FAMILY ? FIT_ANY : FIT_RANGE;

        if (!range_has(&r[i], a))
            continue;
        if (fit == FIT_RANGE && memcmp(r[i].lo, r[i].hi, sizeof(r[i].lo)) == 0)
            fit = FIT_EXACT;
        if (fit > best)
            best = fit;
    }
    return best;
}

int conn_fits(const struct cv_conn *conn, const struct cv_addr *local,
              const struct cv_addr *remote)
{
    int l = ranges_fit(conn->local_addrs, conn->n_local_addrs, local);
    int r = ranges_fit(conn->remote_addrs, conn->n_remote_addrs, remote);

    return l == 0 || r == 0 ? 0 : r * 4 + l;
}

enum cv_err conn_for_init(const struct core *core, const struct cv_addr *local,
                          const struct cv_addr *remote, struct cv_span sa_body,
                          uint16_t ke_group, const struct cv_conn **conn,
                          struct proposal_choice *choice)
{
    enum cv_err result = CV_ERR_NO_CONN;
    int best = 0;

    for (uint32_t i = 0; i < core->n_conns; i++) {
        const struct cv_conn *c = core->conns[i];
        int fit = conn_fits(c, local, remote);
        struct proposal_choice got;
        enum cv_err err;

        if (fit <= best)
            continue;
        err = proposal_select(&got, core->crypto, c->proposals, c->n_proposals, sa_body, true,
                              ke_group);
        if (err != CV_OK) {
            if (best == 0)
                result = err;
            continue;
        }
        best = fit;
        *conn = c;
        *choice = got;
    }
    return best > 0 ? CV_OK : result;
}

/* Could conn have agreed to the suite that IKE_SA_INIT chose? */
static bool suite_allowed(const struct cv_conn *conn, const struct cv_suite *suite)
{
    struct cv_proposal have;

    proposal_from_suite(&have, CV_PROTO_IKE, suite, true);
    for (unsigned i = 0; i < conn->n_proposals; i++) {
        unsigned ok = 0;

        for (unsigned t = 0; t < have.n; t++) {
            for (unsigned o = 0; o < conn->proposals[i].n; o++) {
                const struct cv_transform *a = &have.t[t], *b = &conn->proposals[i].t[o];

                if (a->type == b->type && a->id == b->id && a->key_len == b->key_len) {
                    ok++;
                    break;
                }
            }
        }
        if (ok == have.n)
            return true;
    }
    return false;
}

static bool method_allowed(const struct cv_conn *conn, uint8_t method)
{
    if (conn->remote.kind == CV_AUTH_ANY)
        return true;
    return (method == CV_METHOD_PSK) == (conn->remote.kind == CV_AUTH_PSK);
}

enum cv_err conn_for_auth(const struct core *core, const struct conn_query *q,
                          const struct cv_conn **conn)
{
    enum cv_err result = CV_ERR_NO_CONN;
    int best = 0;

    for (uint32_t i = 0; i < core->n_conns; i++) {
        const struct cv_conn *c = core->conns[i];
        int fit = conn_fits(c, q->local, q->remote);
        enum id_match theirs = id_matches(&c->remote.id, q->theirs);
        enum id_match ours = ID_MATCH_ANY;

        if (q->ours != NULL && c->local.id.type != CV_ID_ANY)
            ours = id_matches(&c->local.id, q->ours);
        if (fit == 0 || theirs == ID_NO || ours == ID_NO || !suite_allowed(c, q->suite))
            continue;
        if (!method_allowed(c, q->method)) {
            result = CV_ERR_AUTH_METHOD;
            continue;
        }
        fit += (int)theirs * 64 + (int)ours * 16;
        if (fit <= best)
            continue;
        best = fit;
        *conn = c;
    }
    return best > 0 ? CV_OK : result;
}
