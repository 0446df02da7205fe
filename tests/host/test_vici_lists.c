/* What the VICI server shows: lists and events, with charon's keys and spellings.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/vici_fixture.h"

static void list_sas_has_charons_keys_and_spellings(void **state)
{
    char expected[2048];
    int fd = client();

    (void)state;
    one_tunnel();
    listen_to(fd, "list-sa");
    command(fd, "list-sas", "");
    snprintf(expected, sizeof(expected), "event list-sa %s", one_tunnel_text);
    assert_received(fd, expected);
    assert_received(fd, "answer");
    close(fd);
}

static void list_sas_filters_by_name_and_number(void **state)
{
    static const struct {
        const char *arguments;
        bool listed;
    } cases[] = {
        {"ike=home",           true },
        {"ike=away",           false},
        {"ike-id=3",           true },
        {"ike-id=4",           false},
        {"child=net",          true },
        {"child=lan",          false},
        {"child-id=7",         true },
        {"child-id=8",         false},
        {"ike=home child=net", true }
    };
    int fd = client();

    (void)state;
    one_tunnel();
    listen_to(fd, "list-sa");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        command(fd, "list-sas", cases[i].arguments);
        if (cases[i].listed)
            assert_int_equal(strncmp(received(fd), "event", 5), 0);
        assert_received(fd, "answer");
    }
    command(fd, "list-sas", "ike-id=x");
    assert_received(fd, "answer success=no errmsg=ike-id and child-id are numbers");
    close(fd);
}

static void without_registration_a_list_is_only_its_end(void **state)
{
    int fd = client();

    (void)state;
    one_tunnel();
    command(fd, "list-sas", "");
    assert_received(fd, "answer");
    close(fd);
}

static void tasks_are_listed_in_charons_words(void **state)
{
    int fd = client();
    const char *text;

    (void)state;
    one_tunnel();
    d.ike[0].active = 1U << CV_TASK_ALERT;
    d.ike[0].queued = (1U << CV_TASK_COUNT) - 1;
    listen_to(fd, "list-sa");
    command(fd, "list-sas", "");
    text = received(fd);
    assert_non_null(strstr(text,
                           "tasks-queued[IKE_INIT IKE_AUTH IKE_REKEY IKE_REAUTH "
                           "IKE_DELETE CHILD_CREATE CHILD_REKEY CHILD_DELETE IKE_DPD "
                           "IKE_ALERT IKE_REDIRECT IKE_MOBIKE ]tasks-active[IKE_ALERT ]"));
    assert_received(fd, "answer");
    close(fd);
}

/* Many more octets than may be buffered: the list waits for its reader. */
static void a_long_list_waits_for_its_reader(void **state)
{
    unsigned n = 0;
    int fd = client();

    (void)state;
    one_tunnel();
    d.n_ikes = SAS_MAX;
    d.n_children = 0;
    for (unsigned i = 1; i < SAS_MAX; i++)
        d.ike[i] = d.ike[0];
    listen_to(fd, "list-sa");
    command(fd, "list-sas", "");
    while (strncmp(received(fd), "event list-sa", 13) == 0)
        n++;
    assert_int_equal(n, SAS_MAX);
    command(fd, "get-conns", "");
    assert_received(fd, "answer conns[home ]");
    close(fd);
}

static void connections_and_traps_are_listed(void **state)
{
    int fd = client();

    (void)state;
    listen_to(fd, "list-conn");
    command(fd, "list-conns", "");
    assert_received(
        fd, "event list-conn home{local_addrs[%any ]remote_addrs[10.77.2.2 ]version=IKEv1/2 "
            "reauth_time=0 rekey_time=14400 unique=UNIQUE_NO local-1{class=pre-shared key "
            "groups[]cert_policy[]certs[]cacerts[]}remote-1{class=public key "
            "groups[]cert_policy[]certs[]cacerts[]}children{net{mode=TUNNEL "
            "rekey_time=3600 rekey_bytes=0 rekey_packets=0 start_action=trap dpd_action=none "
            "close_action=none local-ts[dynamic ]remote-ts[dynamic ]}}}");
    assert_received(fd, "answer");
    listen_to(fd, "list-policy");
    command(fd, "list-policies", "trap=yes");
    assert_received(fd, "event list-policy home/net{child=net ike=home mode=TUNNEL "
                        "local-ts[dynamic ]remote-ts[dynamic ]}");
    assert_received(fd, "answer");
    command(fd, "list-policies", "drop=yes");
    assert_received(fd, "answer");
    close(fd);
}

static void remembered_log_lines_come_with_their_time(void **state)
{
    int fd = client();

    (void)state;
    listen_to(fd, "log");
    command(fd, "get-log", "");
    assert_received(fd, "event log group=IKE level=1 ikesa-name=home ikesa-uniqueid=3 msg=a "
                        "time=7");
    assert_received(fd, "event log group=CFG level=0 msg=b time=9");
    assert_received(fd, "answer");
    close(fd);
}

/* ---- events ---- */

static void updown_events_carry_the_sa(void **state)
{
    char expected[2048];
    int fd = client();

    (void)state;
    one_tunnel();
    listen_to(fd, "child-updown");
    happen(CV_EV_CHILD_UP, CV_OK);
    snprintf(expected, sizeof(expected), "event child-updown up=yes %s", one_tunnel_text);
    assert_received(fd, expected);
    happen(CV_EV_CHILD_DOWN, CV_ERR_DELETED_BY_PEER);
    snprintf(expected, sizeof(expected), "event child-updown %s", one_tunnel_text);
    assert_received(fd, expected);
    send_packet(fd, VICI_EVENT_UNREGISTER, "child-updown", NULL);
    assert_received(fd, "confirmed");
    happen(CV_EV_CHILD_UP, CV_OK);
    assert_received(fd, "(none)");
    close(fd);
}

static void rekey_and_update_events_carry_old_and_new(void **state)
{
    const char *got;
    int fd = client();

    (void)state;
    one_tunnel();
    listen_to(fd, "ike-rekey");
    listen_to(fd, "child-rekey");
    listen_to(fd, "ike-update");
    happen(CV_EV_IKE_REKEYED, CV_OK);
    got = received(fd);
    assert_non_null(strstr(got, "event ike-rekey home{old{uniqueid=3 "));
    assert_non_null(strstr(got, "}new{}}")); /* the engine of this test has no second SA */
    happen(CV_EV_CHILD_REKEYED, CV_OK);
    got = received(fd);
    assert_non_null(strstr(got, "event child-rekey home{uniqueid=3 "));
    assert_non_null(strstr(got, "child-sas{net-7{old{name=net uniqueid=7 "));
    assert_non_null(strstr(got, "}new{name=net uniqueid=0}}}}"));
    happen(CV_EV_IKE_MOVED, CV_OK);
    got = received(fd);
    assert_non_null(strstr(got, "event ike-update local-host="));
    assert_non_null(strstr(got, "remote-port=0 home{uniqueid=3 "));
    close(fd);
}

static void failures_and_attacks_are_alerts(void **state)
{
    int fd = client();

    (void)state;
    listen_to(fd, "alert");
    happen(CV_EV_ALARM, CV_ERR_REPLAY);
    assert_received(fd, "event alert type=DATA_PLANE reason=replay msg=sequence number seen "
                        "before or left of the window child=net ikesa{home{}}");
    happen(CV_EV_TAKEN, CV_ERR_TS_TAKEN);
    assert_received(fd,
                    "event alert type=TS_TAKEN reason=ts_taken msg=another peer already has "
                    "these addresses child=net ikesa{home{}}");
    happen(CV_EV_IKE_DOWN, CV_ERR_DELETED_BY_PEER);
    assert_received(fd, "(none)");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(list_sas_has_charons_keys_and_spellings),
        SERVER_TEST(list_sas_filters_by_name_and_number),
        SERVER_TEST(without_registration_a_list_is_only_its_end),
        SERVER_TEST(tasks_are_listed_in_charons_words),
        SERVER_TEST(a_long_list_waits_for_its_reader),
        SERVER_TEST(connections_and_traps_are_listed),
        SERVER_TEST(remembered_log_lines_come_with_their_time),
        SERVER_TEST(updown_events_carry_the_sa),
        SERVER_TEST(rekey_and_update_events_carry_old_and_new),
        SERVER_TEST(failures_and_attacks_are_alerts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
