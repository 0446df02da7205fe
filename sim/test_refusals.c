/* A refusal is told at both ends: who refuses whom and why, who they are, and what was asked
 * for.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ident/id.h"
#include "ident/proposal.h"
#include "ident/ts.h"
#include "sim/check.h"
#include "sim/duo.h"
#include "wire/ike.h"

static bool is_id(const struct cv_id *got, const char *name)
{
    struct cv_id want;

    recipe_id(&want, name);
    return id_equal(got, &want);
}

static bool is_id_body(struct cv_span body, const struct cv_id *want)
{
    struct cv_id got;

    return ike_parse_id(&got, body) == CV_OK && id_equal(&got, want);
}

/* Does the SA body offer this transform? */
static bool offers(struct cv_span sa, const struct cv_transform *want)
{
    struct rd r = rd_init(sa);
    struct ike_proposal p;

    if (ike_check_sa(sa) != CV_OK)
        return false;
    while (ike_next_proposal(&r, &p)) {
        struct rd tr = rd_init(p.transforms);
        struct cv_transform t;
        bool unknown;

        while (ike_next_transform(&tr, &t, &unknown)) {
            if (t.type == want->type && t.id == want->id && t.key_len == want->key_len)
                return true;
        }
    }
    return false;
}

static bool is_ts_body(struct cv_span body, const struct cv_ts *want)
{
    struct cv_ts_list got;

    return ike_parse_ts(&got, body) == CV_OK && got.n == 1 &&
           memcmp(got.ts[0].lo, want->lo, sizeof(want->lo)) == 0 &&
           memcmp(got.ts[0].hi, want->hi, sizeof(want->hi)) == 0;
}

/* Somewhere else. */
static void move_away(struct cv_ts *ts)
{
    ts->lo[0]++;
    ts->hi[0]++;
}

static void connect_in_vain(struct duo *d)
{
    duo_start(d);
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 10000);
}

static void an_ike_proposal_is_refused_with_what_was_offered(void **state)
{
    static const uint16_t theirs[] = {CV_KE_ECP_384};
    const struct cv_transform ours = {CV_KE, CV_KE_X25519, 0};
    struct duo *d = *state;
    const struct host_refusal *r = &d->gw->refusal;

    recipe_ike_kes(&d->gw_conn, theirs, 1);
    connect_in_vain(d);
    assert_int_equal(r->what.kind, CV_EV_REJECTED);
    assert_int_equal(r->by, CV_BY_US);
    assert_int_equal(r->what.err, CV_ERR_NO_PROPOSAL);
    assert_int_equal(r->what.notify, N_NO_PROPOSAL_CHOSEN);
    assert_memory_equal(&r->what.remote.addr, &d->dev->v4, sizeof(d->dev->v4));
    assert_true(offers(r->asked.sa, &ours));
    r = &d->dev->refusal;
    assert_int_equal(d->dev->saw[CV_EV_PEER_NOTIFY], 1);
    assert_int_equal(host_last(d->dev, CV_EV_PEER_NOTIFY)->notify, N_NO_PROPOSAL_CHOSEN);
}

/* Both sides know both identities by then. */
static void check_child_refused(struct duo *d, enum cv_err err, uint16_t notify)
{
    const struct host_refusal *gw = &d->gw->refusal, *dev = &d->dev->refusal;

    assert_int_equal(gw->what.kind, CV_EV_REJECTED);
    assert_int_equal(gw->by, CV_BY_US);
    assert_int_equal(gw->what.err, err);
    assert_int_equal(gw->what.notify, notify);
    assert_true(is_id(&gw->local_id, "gateway.example") &&
                is_id(&gw->remote_id, "device.example"));
    assert_int_equal(dev->what.kind, CV_EV_CHILD_FAILED);
    assert_int_equal(dev->by, CV_BY_PEER);
    assert_int_equal(dev->what.notify, notify);
    assert_ptr_equal(dev->what.child_cfg, d->dev_conn.conn.children[0]);
    assert_true(is_id(&dev->local_id, "device.example") &&
                is_id(&dev->remote_id, "gateway.example"));
}

static void an_esp_proposal_is_refused_with_what_was_offered(void **state)
{
    struct duo *d = *state;
    struct cv_transform ours = d->dev_conn.esp[0].t[0];

    d->gw_conn.esp[0].t[0].key_len = 256;
    connect_in_vain(d);
    check_child_refused(d, CV_ERR_NO_PROPOSAL, N_NO_PROPOSAL_CHOSEN);
    assert_true(offers(d->gw->refusal.asked.sa, &ours));
}

static void selectors_are_refused_with_what_was_asked_for(void **state)
{
    struct duo *d = *state;
    struct cv_ts local = d->dev_conn.child[0].local_ts[0].ts;
    struct cv_ts remote = d->dev_conn.child[0].remote_ts[0].ts;

    d->dev_conn.child[0].n_local_ts = d->dev_conn.child[0].n_remote_ts = 1;
    d->gw_conn.child[0].n_local_ts = d->gw_conn.child[0].n_remote_ts = 1;
    move_away(&d->gw_conn.local_ts[0][0].ts);
    connect_in_vain(d);
    check_child_refused(d, CV_ERR_TS, N_TS_UNACCEPTABLE);
    assert_true(is_ts_body(d->gw->refusal.asked.tsi, &local));
    assert_true(is_ts_body(d->gw->refusal.asked.tsr, &remote));
}

/* The same in CREATE_CHILD_SA, of which nothing is kept but for this. */
static void a_later_child_is_refused_with_what_was_asked_for(void **state)
{
    struct duo *d = *state;
    struct cv_ts local;

    assert_true(duo_connect(d));
    duo_add_child(d);
    local = d->dev_conn.child[1].local_ts[0].ts;
    move_away(&d->gw_conn.local_ts[1][0].ts);
    host_initiate(d->dev, &d->dev_conn, 1, d->gw);
    world_run(d->w, 10000);
    assert_int_equal(d->gw->refusal.what.kind, CV_EV_REJECTED);
    assert_true(is_ts_body(d->gw->refusal.asked.tsi, &local));
}

static void a_stranger_is_refused_with_both_identities(void **state)
{
    struct duo *d = *state;
    struct cv_id stranger;

    recipe_id(&stranger, "stranger.example");
    d->dev_conn.conn.local.id = stranger;
    connect_in_vain(d);
    assert_int_equal(d->gw->refusal.what.kind, CV_EV_AUTH_FAILED);
    assert_int_equal(d->gw->refusal.by, CV_BY_US);
    assert_int_equal(d->gw->refusal.what.err, CV_ERR_NO_CONN);
    assert_true(is_id_body(d->gw->refusal.asked.idi, &stranger));
    assert_true(is_id_body(d->gw->refusal.asked.idr, &d->dev_conn.conn.remote.id));
    assert_int_equal(host_last(d->dev, CV_EV_PEER_NOTIFY)->notify, N_AUTHENTICATION_FAILED);
}

/* Who is not believed must not read that the peer could not be authenticated. */
static void who_is_not_believed_is_told_so(void **state)
{
    struct duo *d = *state;

    d->dev->psk = "not the secret";
    connect_in_vain(d);
    assert_int_equal(host_last(d->dev, CV_EV_PEER_NOTIFY)->err, CV_ERR_AUTH_REFUSED);
    assert_int_equal(host_last(d->dev, CV_EV_IKE_DOWN)->err, CV_ERR_AUTH_REFUSED);
    assert_int_equal(host_last(d->dev, CV_EV_CHILD_FAILED)->err, CV_ERR_AUTH_REFUSED);
    assert_int_equal(d->gw->refusal.by, CV_BY_US);
    assert_true(is_id(&d->gw->refusal.remote_id, "device.example"));
}

/* The responder, too: the initiator says so in a message of its own. */
static void a_responder_who_is_not_believed_is_told_so(void **state)
{
    struct duo *d = *state;

    duo_use_certs(d, 0, 0);
    d->dev->trusts_nobody = true;
    connect_in_vain(d);
    assert_int_equal(d->dev->refusal.by, CV_BY_US);
    assert_int_equal(host_last(d->gw, CV_EV_PEER_NOTIFY)->notify, N_AUTHENTICATION_FAILED);
    assert_int_equal(host_last(d->gw, CV_EV_IKE_DOWN)->err, CV_ERR_AUTH_REFUSED);
    assert_int_equal(d->gw->saw[CV_EV_REJECTED], 0);
}

static void a_missing_credential_is_nobodys_refusal(void **state)
{
    struct duo *d = *state;

    duo_use_certs(d, 1, 800);
    d->dev->sign_err = CV_ERR_NO_CREDENTIAL;
    connect_in_vain(d);
    assert_int_equal(host_last(d->dev, CV_EV_AUTH_FAILED)->err, CV_ERR_NO_CREDENTIAL);
    assert_int_equal(d->dev->refusal.by, CV_BY_NOBODY);
}

static void an_empty_pool_is_told_at_both_ends(void **state)
{
    struct duo *d = *state;

    duo_use_virtual_ip(d);
    d->gw->pool_empty = true;
    connect_in_vain(d);
    check_child_refused(d, CV_ERR_ADDRESS, N_INTERNAL_ADDRESS_FAILURE);
}

/* An answer that we do not take is our refusal, not the peer's. */
static void an_answer_that_does_not_fit_is_our_refusal(void **state)
{
    struct duo *d = *state;

    d->dev_conn.child[0].mode = d->gw_conn.child[0].mode = CV_TUNNEL;
    d->dev_conn.child[0].require_transport = true;
    connect_in_vain(d);
    assert_int_equal(d->dev->refusal.what.kind, CV_EV_CHILD_FAILED);
    assert_int_equal(d->dev->refusal.by, CV_BY_US);
    assert_int_equal(d->dev->refusal.what.notify, 0);
    assert_int_equal(d->dev->refusal.what.err, CV_ERR_TS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(an_ike_proposal_is_refused_with_what_was_offered),
        DUO(an_esp_proposal_is_refused_with_what_was_offered),
        DUO(selectors_are_refused_with_what_was_asked_for),
        DUO(a_later_child_is_refused_with_what_was_asked_for),
        DUO(a_stranger_is_refused_with_both_identities),
        DUO(who_is_not_believed_is_told_so),
        DUO(a_responder_who_is_not_believed_is_told_so),
        DUO(a_missing_credential_is_nobodys_refusal),
        DUO(an_empty_pool_is_told_at_both_ends),
        DUO(an_answer_that_does_not_fit_is_our_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
