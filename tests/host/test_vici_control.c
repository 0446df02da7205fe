/* VICI's initiate, terminate and rekey: the answer comes when it is true.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/vici_fixture.h"

/* ---- initiate ---- */

static void initiate_answers_when_the_child_is_up(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    d.n_children = 0;
    command(fd, "initiate", "child=net");
    assert_received(fd, "(none)");
    happen(CV_EV_IKE_UP, CV_OK);
    assert_received(fd, "(none)");
    happen(CV_EV_CHILD_UP, CV_OK);
    assert_received(fd, "answer success=yes");
    happen(CV_EV_CHILD_UP, CV_OK);
    assert_received(fd, "(none)");
    close(fd);
}

static void initiate_answers_why_it_failed(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    d.n_children = 0;
    command(fd, "initiate", "child=net ike=home");
    happen(CV_EV_CHILD_FAILED, CV_ERR_NO_PROPOSAL);
    assert_received(fd, "answer success=no errmsg=establishing CHILD_SA 'net' failed: no "
                        "acceptable proposal");
    command(fd, "initiate", "child=net");
    happen(CV_EV_IKE_DOWN, CV_ERR_PEER_SILENT);
    assert_received(fd,
                    "answer success=no errmsg=establishing CHILD_SA 'net' failed: no answer "
                    "after the last retransmission");
    command(fd, "initiate", "child=lan");
    assert_received(fd, "answer success=no errmsg=CHILD_SA config 'lan' not found");
    command(fd, "initiate", "ike=away");
    assert_received(fd, "answer success=no errmsg=IKE_SA config 'away' not found");
    command(fd, "initiate", "child=net timeout=soon");
    assert_received(fd,
                    "answer success=no errmsg=timeout or loglevel is not a number in range");
    close(fd);
}

static void fail_at_once(void)
{
    happen(CV_EV_IKE_DOWN, CV_ERR_FULL);
}

static void an_event_inside_the_call_is_not_missed(void **state)
{
    int fd = client();

    (void)state;
    d.when_initiated = fail_at_once;
    command(fd, "initiate", "child=net");
    assert_received(fd,
                    "answer success=no errmsg=establishing CHILD_SA 'net' failed: a table is "
                    "full");
    close(fd);
}

static void initiate_waits_while_the_peers_name_is_resolved(void **state)
{
    int fd = client();

    (void)state;
    d.resolves = true;
    command(fd, "initiate", "child=net");
    assert_received(fd, "(none)");
    happen(CV_EV_CHILD_UP, CV_OK);
    assert_received(fd, "answer success=yes");
    close(fd);
}

static void initiate_gives_up_when_time_is_out(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    d.n_children = 0;
    command(fd, "initiate", "child=net timeout=1");
    /* Looked first: on a busy machine the time was out before command() returned. */
    while (recv(fd, (char[1]){0}, 1, MSG_PEEK) < 0)
        assert_int_equal(event_base_loop(d.base, EVLOOP_ONCE), 0);
    assert_received(fd, "answer success=no errmsg=CHILD_SA 'net' not established after 1ms");
    command(fd, "initiate", "child=net timeout=-1");
    assert_received(fd, "answer success=yes");
    close(fd);
}

static void a_child_that_is_up_is_not_started_again(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    command(fd, "initiate", "child=net");
    assert_received(fd, "answer success=yes");
    command(fd, "initiate", "ike=home");
    assert_received(fd, "answer success=yes");
    assert_int_equal(d.initiated, 1); /* the second: the engine knows that it is up */
    close(fd);
}

static void a_connection_for_any_peer_is_not_up_because_one_is(void **state)
{
    struct conn any = home;
    int fd = client();

    (void)state;
    one_tunnel();
    any.n_remote_hosts = 0;
    d.conns = &any;
    command(fd, "initiate", "child=net timeout=-1");
    assert_received(fd, "answer success=yes");
    assert_int_equal(d.initiated, 1);
    close(fd);
    turn();
}

static void log_lines_about_the_sa_come_while_waiting(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    d.n_children = 0;
    listen_to(fd, "control-log");
    command(fd, "initiate", "child=net loglevel=1");
    daemon_log(&d, 1, LOG_IKE, 3, "ours");
    daemon_log(&d, 2, LOG_IKE, 3, "too fine");
    daemon_log(&d, 1, LOG_IKE, 4, "another SA's");
    happen(CV_EV_CHILD_UP, CV_OK);
    daemon_log(&d, 1, LOG_IKE, 3, "too late");
    assert_received(fd, "event control-log group=IKE level=1 ikesa-uniqueid=3 msg=ours");
    assert_received(fd, "answer success=yes");
    assert_received(fd, "(none)");
    close(fd);
}

static void the_next_command_waits_for_the_answer(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    d.n_children = 0;
    command(fd, "initiate", "child=net");
    command(fd, "get-conns", "");
    assert_received(fd, "(none)");
    happen(CV_EV_CHILD_UP, CV_OK);
    assert_received(fd, "answer success=yes");
    assert_received(fd, "answer conns[home ]");
    close(fd);
}

static void a_client_may_leave_while_its_command_waits(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    d.n_children = 0;
    command(fd, "initiate", "child=net");
    close(fd);
    happen(CV_EV_CHILD_UP, CV_OK);
    turn();
    happen(CV_EV_CHILD_UP, CV_OK);
}

/* ---- terminate and rekey ---- */

static void terminate_answers_when_the_sas_are_gone(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    command(fd, "terminate", "ike=home");
    assert_received(fd, "(none)");
    happen(CV_EV_CHILD_DOWN, CV_ERR_DELETED_LOCALLY);
    assert_received(fd, "(none)");
    happen(CV_EV_IKE_DOWN, CV_ERR_DELETED_LOCALLY);
    assert_received(fd, "answer success=yes matches=1 terminated=1");
    assert_int_equal(d.terminated, 1);
    close(fd);
}

static void a_child_is_gone_with_its_ike_sa(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    command(fd, "terminate", "child=net force=yes");
    assert_true(d.forced);
    happen(CV_EV_IKE_DOWN, CV_ERR_PEER_SILENT);
    assert_received(fd, "answer success=yes matches=1 terminated=1");
    close(fd);
}

static void terminate_needs_a_selector_that_matches(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    command(fd, "terminate", "");
    assert_received(fd, "answer success=no errmsg=missing terminate selector");
    command(fd, "terminate", "child-id=8");
    assert_received(fd, "answer success=no matches=0 terminated=0 errmsg=no matching SAs to "
                        "terminate found");
    command(fd, "terminate", "ike=home timeout=-1");
    assert_received(fd, "answer success=yes matches=1 terminated=0");
    close(fd);
}

static void terminate_calls_off_what_waits_for_another_attempt(void **state)
{
    int fd = client();

    (void)state;
    d.waiting = 2;
    command(fd, "terminate", "ike=home");
    assert_received(fd, "answer success=yes matches=0 terminated=0 called-off=2");
    command(fd, "terminate", "ike=home");
    assert_received(fd, "answer success=no matches=0 terminated=0 errmsg=no matching SAs to "
                        "terminate found");
    d.waiting = 1;
    command(fd, "terminate", "ike-id=3"); /* that one alone */
    assert_received(fd, "answer success=no matches=0 terminated=0 errmsg=no matching SAs to "
                        "terminate found");
    close(fd);
}

/* Of the SAs that the peers began, those for which all conditions hold. */
static void redirect_sends_those_that_are_chosen(void **state)
{
    static const struct {
        const char *args;
        unsigned matches;
    } cases[] = {
        {"gateway=192.0.2.9 ike=home",                               1},
        {"gateway=192.0.2.9 ike=away",                               0},
        {"gateway=192.0.2.9 peer-ip=192.0.2.0/24",                   1},
        {"gateway=192.0.2.9 peer-ip=192.0.2.1-192.0.2.3",            1},
        {"gateway=192.0.2.9 peer-ip=198.51.100.0/24",                0},
        {"gateway=192.0.2.9 peer-id=*.example",                      1},
        {"gateway=192.0.2.9 peer-id=*.example peer-ip=198.51.100.1", 0},
        {"gateway=gw2.example ike-id=3",                             1},
    };
    int fd = client();
    char want[100];

    (void)state;
    one_tunnel();
    d.ike[0].began = false;
    d.ike[0].remote.addr = (struct cv_addr){
        CV_IPV4, {192, 0, 2, 2}
    };
    d.ike[0].remote_id = (struct cv_id){CV_ID_FQDN, 11, "dev.example"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        d.redirected = 0;
        command(fd, "redirect", cases[i].args);
        (void)snprintf(want, sizeof(want), "answer success=%s matches=%u%s",
                       cases[i].matches > 0 ? "yes" : "no", cases[i].matches,
                       cases[i].matches > 0 ? "" : " errmsg=no matching SAs to redirect found");
        assert_received(fd, want);
        assert_int_equal(d.redirected, cases[i].matches);
    }
    assert_int_equal(d.gateway.type, CV_ID_FQDN);
    d.ike[0].began = true;
    command(fd, "redirect", "gateway=192.0.2.9 ike=home");
    assert_received(fd, "answer success=no matches=0 errmsg=no matching SAs to redirect found");
    command(fd, "redirect", "ike=home");
    assert_received(fd, "answer success=no errmsg=missing target gateway");
    command(fd, "redirect", "gateway=192.0.2.9");
    assert_received(fd, "answer success=no errmsg=missing redirect selector");
    command(fd, "redirect", "gateway=192.0.2.9 peer-ip=nonsense");
    assert_received(fd, "answer success=no errmsg=peer-ip is neither an address nor a range of "
                        "them");
    close(fd);
}

static void rekey_answers_how_many_it_began(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    command(fd, "rekey", "child=net");
    assert_received(fd, "answer success=yes matches=1");
    command(fd, "rekey", "ike-id=3 reauth=yes");
    assert_received(fd, "answer success=yes matches=1");
    command(fd, "rekey", "ike=away");
    assert_received(fd, "answer success=no matches=0 errmsg=no matching SAs to rekey found");
    assert_int_equal(d.rekeyed, 2);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(initiate_answers_when_the_child_is_up),
        SERVER_TEST(initiate_answers_why_it_failed),
        SERVER_TEST(an_event_inside_the_call_is_not_missed),
        SERVER_TEST(initiate_waits_while_the_peers_name_is_resolved),
        SERVER_TEST(initiate_gives_up_when_time_is_out),
        SERVER_TEST(a_child_that_is_up_is_not_started_again),
        SERVER_TEST(a_connection_for_any_peer_is_not_up_because_one_is),
        SERVER_TEST(log_lines_about_the_sa_come_while_waiting),
        SERVER_TEST(the_next_command_waits_for_the_answer),
        SERVER_TEST(a_client_may_leave_while_its_command_waits),
        SERVER_TEST(terminate_answers_when_the_sas_are_gone),
        SERVER_TEST(a_child_is_gone_with_its_ike_sa),
        SERVER_TEST(terminate_needs_a_selector_that_matches),
        SERVER_TEST(terminate_calls_off_what_waits_for_another_attempt),
        SERVER_TEST(rekey_answers_how_many_it_began),
        SERVER_TEST(redirect_sends_those_that_are_chosen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
