/* TUN device, routes, rules and addresses, in a network namespace of the test's own.
 * Needs root; skipped otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/kernel/routes.h"
#include "linux/net/bypass.h"
#include "linux/net/tun.h"
#include "linux/net/udpsock.h"
#include "plane/netconf.h"
#include "tests/support/ipsec_fixture.h"
#include "wire/ip.h"

static struct tun tun;
static struct netconf net;
static struct batch batch;
static char noted[256];

static void note(void *ctx, const char *text)
{
    (void)ctx;
    (void)snprintf(noted, sizeof(noted), "%s", text);
}

static struct cv_ts_list one_net(struct cv_addr base, unsigned len)
{
    struct cv_ts_list l = {.n = 1};

    l.ts[0] = (struct cv_ts){.family = CV_IPV4, .port_hi = UINT16_MAX};
    memcpy(l.ts[0].lo, base.b, 4);
    memcpy(l.ts[0].hi, base.b, 4);
    for (unsigned i = len; i < 32; i++)
        l.ts[0].hi[i / 8] |= (uint8_t)(0x80 >> i % 8);
    return l;
}

static void lease(uint32_t ike, struct cv_addr addr)
{
    struct cv_lease l = {.v4 = addr, .n_dns = 1, .dns = {{CV_IPV4, {10, 0, 0, 53}}}};

    netconf_add_lease(&net, ike, &l);
}

static int set_up(void **state)
{
    struct problem why;

    (void)state;
    memset(&net, 0, sizeof(net));
    noted[0] = '\0';
    net.install_routes = net.install_addresses = true;
    net.note = note;
    if (!batch_init(&batch) || !tun_open(&tun, "cvtest%d", false))
        return -1;
    return netconf_open(&net, tun.index, 1400, true, 4, &why) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    netconf_close(&net);
    tun_close(&tun);
    batch_free(&batch);
    return 0;
}

/* Where a packet without our mark would go: "" when nowhere. */
static const char *device_to(struct cv_addr to)
{
    static char name[64];
    char addr[INET_ADDRSTRLEN], command[128], line[256] = "";
    const char *at;
    FILE *f;

    inet_ntop(AF_INET, to.b, addr, sizeof(addr));
    (void)snprintf(command, sizeof(command), "ip -4 route get %s 2>/dev/null", addr);
    f = popen(command, "r");
    assert_non_null(f);
    if (fgets(line, sizeof(line), f) == NULL)
        line[0] = '\0';
    pclose(f);
    at = strstr(line, " dev ");
    name[0] = '\0';
    if (at != NULL)
        (void)sscanf(at, " dev %63s", name);
    return name;
}

static void the_device_is_up_with_its_mtu_and_silent(void **state)
{
    char path[128], text[64] = "";
    struct ifaddrs *all;
    FILE *f;

    (void)state;
    (void)snprintf(path, sizeof(path), "/sys/class/net/%s/mtu", tun.name);
    f = fopen(path, "r");
    if (f != NULL) { /* sysfs may show another namespace */
        if (fgets(text, sizeof(text), f) != NULL && text[0] != '\0')
            assert_string_equal(text, "1400\n");
        fclose(f);
    }
    assert_int_equal(getifaddrs(&all), 0);
    for (struct ifaddrs *i = all; i != NULL; i = i->ifa_next)
        if (strcmp(i->ifa_name, tun.name) == 0 && i->ifa_addr != NULL)
            assert_int_not_equal(i->ifa_addr->sa_family, AF_INET6);
    freeifaddrs(all);
    usleep(100000);
    assert_int_equal(tun_recv(&tun, &batch), 0);
}

static void a_route_leads_into_the_tunnel_but_not_for_marked_packets(void **state)
{
    struct cv_ts_list remote = one_net(ip4(10, 9, 0, 0), 16);
    struct cv_ts_list local = {0};
    struct cv_addr vip = ip4(10, 8, 0, 1), to = ip4(10, 9, 1, 1), src;

    (void)state;
    lease(7, vip);
    local = one_net(vip, 32);
    netconf_add_routes(&net, 1, &local, &remote, CV_TUNNEL);
    assert_string_equal(noted, "");
    assert_string_equal(device_to(to), tun.name);
    assert_int_equal(route_source(&net.nl, &to, 0, &src, NULL), 0);
    assert_memory_equal(&src, &vip, sizeof(vip));
    assert_int_not_equal(route_source(&net.nl, &to, ROUTE_MARK, &src, NULL), 0);
    netconf_drop_routes(&net, 1);
    assert_string_equal(device_to(to), "");
}

static void a_route_stays_while_one_sa_needs_it(void **state)
{
    struct cv_ts_list remote = one_net(ip4(10, 9, 0, 0), 16), local = {0};
    struct cv_addr to = ip4(10, 9, 1, 1);

    (void)state;
    netconf_add_routes(&net, 1, &local, &remote, CV_TUNNEL);
    netconf_add_routes(&net, 2, &local, &remote, CV_TUNNEL);
    netconf_drop_routes(&net, 1);
    assert_string_equal(device_to(to), tun.name);
    netconf_drop_routes(&net, 2);
    assert_string_equal(device_to(to), "");
    assert_string_equal(noted, "");
}

static void many_sas_have_their_own_routes(void **state)
{
    struct cv_ts_list local = {0};

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        struct cv_ts_list remote = one_net(ip4(10, 9, (uint8_t)i, 0), 24);
        netconf_add_routes(&net, i, &local, &remote, CV_TUNNEL);
    }
    for (unsigned i = 0; i < 200; i += 2)
        netconf_drop_routes(&net, i);
    for (unsigned i = 0; i < 200; i += 33)
        assert_string_equal(device_to(ip4(10, 9, (uint8_t)i, 1)), i % 2 == 0 ? "" : tun.name);
    assert_string_equal(noted, "");
}

static void the_source_turns_to_the_remaining_sas(void **state)
{
    struct cv_ts_list remote = one_net(ip4(10, 9, 0, 0), 16);
    struct cv_addr a = ip4(10, 8, 0, 1), b = ip4(10, 8, 0, 2), to = ip4(10, 9, 1, 1), src;
    struct cv_ts_list local_a = one_net(a, 32), local_b = one_net(b, 32);

    (void)state;
    lease(1, a);
    lease(2, b);
    netconf_add_routes(&net, 1, &local_a, &remote, CV_TUNNEL);
    netconf_add_routes(&net, 2, &local_b, &remote, CV_TUNNEL);
    assert_int_equal(route_source(&net.nl, &to, 0, &src, NULL), 0);
    assert_memory_equal(&src, &b, sizeof(b));
    netconf_drop_routes(&net, 2);
    assert_int_equal(route_source(&net.nl, &to, 0, &src, NULL), 0);
    assert_memory_equal(&src, &a, sizeof(a));
    assert_string_equal(noted, "");
}

static void an_address_stays_while_one_ike_sa_has_it(void **state)
{
    struct cv_addr vip = ip4(10, 8, 0, 1), found;
    struct prefix within = {ip4(10, 8, 0, 0), 16};

    (void)state;
    lease(1, vip);
    lease(2, vip);
    netconf_rename_lease(&net, 2, 3);
    netconf_drop_lease(&net, 1);
    assert_true(route_local_addr(&within, &found));
    netconf_drop_lease(&net, 2);
    assert_true(route_local_addr(&within, &found));
    assert_null(netconf_lease(&net, 2));
    assert_non_null(netconf_lease(&net, 3));
    assert_int_equal(netconf_lease(&net, 3)->dns[0].b[3], 53);
    netconf_drop_lease(&net, 3);
    assert_false(route_local_addr(&within, &found));
    assert_string_equal(noted, "");
}

static void closing_takes_everything_back(void **state)
{
    struct cv_ts_list remote = one_net(ip4(10, 9, 0, 0), 16), local = {0};
    char line[256];
    FILE *f;

    (void)state;
    netconf_add_routes(&net, 1, &local, &remote, CV_TUNNEL);
    netconf_close(&net);
    tun_close(&tun);
    f = popen("ip rule show; ip -6 rule show; ip route show table 220 2>/dev/null", "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL)
        assert_null(strstr(line, "220"));
    pclose(f);
}

static void packets_pass_through_the_device_both_ways(void **state)
{
    struct cv_ts_list remote = one_net(ip4(10, 9, 0, 0), 16);
    struct cv_addr vip = ip4(10, 8, 0, 1), peer = ip4(10, 9, 0, 5);
    struct cv_ts_list local = one_net(vip, 32);
    struct cv_endpoint any = {0}, to = {peer, 4000};
    struct pollfd p = {.fd = tun.fd, .events = POLLIN};
    struct udp_sock s;
    struct ip_flow flow;
    uint8_t *ip;

    (void)state;
    lease(1, vip);
    netconf_add_routes(&net, 1, &local, &remote, CV_TUNNEL);
    assert_true(udp_open(&s, CV_IPV4, 4001, CV_UDP_500, 0));
    assert_true(udp_send_one(&s, &any, &to, 0, (struct cv_span){(const uint8_t *)"ping", 4}));
    assert_int_equal(poll(&p, 1, 1000), 1);
    assert_int_equal(tun_recv(&tun, &batch), 1);
    ip = cv_packet_data(&batch.pkts[0]);
    assert_int_equal(batch.pkts[0].len, 32);
    assert_int_equal(ip_parse(&flow, (struct cv_span){ip, 32}), CV_OK);
    assert_memory_equal(&flow.src, &vip, sizeof(vip));
    assert_int_equal(flow.dport, 4000);

    /* back: swap addresses and ports; both checksums stay right */
    memcpy(ip + 12, peer.b, 4);
    memcpy(ip + 16, vip.b, 4);
    ip[20] = 4000 >> 8, ip[21] = 4000 & 0xff;
    ip[22] = 4001 >> 8, ip[23] = 4001 & 0xff;
    ip[26] = ip[27] = 0; /* no UDP checksum: the first one may be left to hardware */
    assert_true(tun_send(&tun, &batch.pkts[0]));
    p.fd = s.fd;
    assert_int_equal(poll(&p, 1, 1000), 1);
    assert_int_equal(udp_recv(&s, &batch), 1);
    assert_memory_equal(cv_packet_data(&batch.pkts[0]), "ping", 4);
    assert_memory_equal(&batch.pkts[0].remote.addr, &peer, sizeof(peer));
    assert_memory_equal(&batch.pkts[0].local.addr, &vip, sizeof(vip));
    udp_close(&s);
}

/* ---- packets that go around the device ---- */

static struct tun outside;
static struct bypass around;

/* Where 10.50.0.0/16 and 2001:db8:50::/48 are; for packets without our mark all is in the
 * device. */
static void open_outside(void)
{
    struct cv_ts_list everything =
                          {
                              2, {ts_any(CV_IPV4), ts_any(CV_IPV6)}
    },
                      local = {0};

    netconf_add_routes(&net, 1, &local, &everything, CV_TUNNEL);
    assert_true(tun_open(&outside, "outside", false));
    assert_int_equal(route_link_up(&net.nl, outside.index, 1280), 0);
    assert_int_equal(system("ip route add 10.50.0.0/16 dev outside && "
                            "ip -6 route add 2001:db8:50::/48 dev outside"),
                     0);
    assert_true(bypass_open(&around));
}

static void close_outside(void)
{
    bypass_close(&around);
    tun_close(&outside);
}

static void the_rule_stays_while_another_daemons_routes_need_it(void **state)
{
    struct netconf other = {.install_routes = true, .note = note};
    struct cv_ts_list remote = one_net(ip4(10, 20, 0, 0), 16), local = {0};
    struct problem why;
    struct tun second;

    (void)state;
    assert_true(tun_open(&second, "cvother", false));
    assert_true(netconf_open(&other, second.index, 1400, true, 4, &why));
    netconf_add_routes(&net, 1, &local, &remote, CV_TUNNEL);
    netconf_close(&other);
    tun_close(&second);
    assert_int_equal(system("ip rule | grep -q '^220:'"), 0);
    assert_int_not_equal(system("ip -6 rule | grep -q '^220:'"), 0); /* no routes, no need */
    remote.ts[0] = ts_any(CV_IPV6);
    netconf_add_routes(&net, 2, &local, &remote, CV_TUNNEL);
    assert_int_equal(system("ip -6 rule | grep -q '^220:'"), 0);
}

/* UDP from a host behind this one, with n octets of payload. */
static struct cv_packet *packet_of(struct cv_addr src, struct cv_addr dst, size_t n)
{
    struct cv_packet *p = &batch.pkts[BATCH_MAX - 1];

    batch_reset(&batch, BATCH_MAX - 1);
    p->len = make_udp(cv_packet_data(p), src, dst, 1000, 2000, n);
    return p;
}

/* What has arrived there, in the batch. */
static unsigned arrivals(void)
{
    struct pollfd p = {.fd = outside.fd, .events = POLLIN};

    assert_int_equal(poll(&p, 1, 1000), 1);
    return tun_recv(&outside, &batch);
}

static void a_bypassed_packet_leaves_as_it_was(void **state)
{
    const struct cv_addr ends[2][2] = {
        {ip4(10,  66, 0, 1), ip4(10, 50, 0, 1)},
        {ip6(0x66, 1), {CV_IPV6, {0x20, 0x01, 0x0d, 0xb8, 0, 0x50, 0, 7}}},
    };
    uint8_t sent[200];

    (void)state;
    open_outside();
    for (unsigned i = 0; i < 2; i++) {
        struct cv_packet *p = packet_of(ends[i][0], ends[i][1], 100);
        const size_t n = p->len;

        memcpy(sent, cv_packet_data(p), n);
        assert_true(bypass_send(&around, &net.nl, tun.index, p, 0));
        assert_int_equal(arrivals(), 1);
        assert_int_equal(batch.pkts[0].len, n);
        assert_memory_equal(cv_packet_data(&batch.pkts[0]), sent, n);
    }
    close_outside();
}

/* No identification and DF, as Linux sends it. */
static void forbid_fragments(uint8_t *ip)
{
    struct wr w = wr_init(ip, 20);

    w.n = 20;
    wr_patch_u16(&w, 4, 0);
    wr_patch_u16(&w, 6, IP4_DF);
    wr_patch_u16(&w, 10, 0);
    wr_patch_u16(&w, 10, ip_checksum(span(ip, 20)));
}

static void a_bypassed_packet_that_is_too_long_is_fragmented(void **state)
{
    struct cv_packet *p;
    size_t got = 0;
    unsigned id = 0;

    (void)state;
    open_outside();
    p = packet_of(ip4(10, 66, 0, 1), ip4(10, 50, 0, 1), 1900);
    forbid_fragments(cv_packet_data(p));
    assert_true(bypass_send(&around, &net.nl, tun.index, p, 0));
    assert_int_equal(arrivals(), 2);
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *ip = cv_packet_data(&batch.pkts[i]);
        struct ip_flow flow;

        assert_int_equal(ip_parse(&flow, span(ip, batch.pkts[i].len)), CV_OK);
        assert_true(flow.total_len <= 1280 && flow.fragment && !flow.df);
        assert_int_equal((ip[6] & 0x1f) << 8 | ip[7], got / 8);
        assert_true(i == 0 || id == (unsigned)(ip[4] << 8 | ip[5]));
        id = (unsigned)(ip[4] << 8 | ip[5]);
        got += flow.total_len - 20;
    }
    assert_int_not_equal(id, 0);
    assert_int_equal(got, 8 + 1900);
    close_outside();
}

static void a_bypassed_packet_of_ipv6_that_is_too_long_is_fragmented(void **state)
{
    const struct cv_addr there = {
        CV_IPV6, {0x20, 0x01, 0x0d, 0xb8, 0, 0x50, 0, 7}
    };
    struct cv_packet *p;
    uint8_t sent[8 + 1900];
    size_t got = 0;

    (void)state;
    open_outside();
    assert_int_equal(system("ip -6 addr add 2001:db8:50::1/128 dev outside nodad"), 0);
    p = packet_of(ip6(0x66, 1), there, 1900);
    memcpy(sent, cv_packet_data(p) + 40, sizeof(sent));
    assert_true(bypass_send(&around, &net.nl, tun.index, p, 0));
    assert_int_equal(arrivals(), 2);
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *ip = cv_packet_data(&batch.pkts[i]);
        struct ip_flow flow;

        assert_int_equal(ip_parse(&flow, span(ip, batch.pkts[i].len)), CV_OK);
        assert_true(flow.total_len <= 1280 && flow.fragment);
        assert_int_equal(flow.proto, IPPROTO_NUM_UDP);
        assert_int_equal(ip[42] << 8 | ip[43], got | (i == 0));
        assert_memory_equal(ip + 44, cv_packet_data(&batch.pkts[0]) + 44, 4);
        assert_memory_equal(ip + 48, sent + got, flow.total_len - 48);
        got += flow.total_len - 48;
    }
    assert_int_equal(got, sizeof(sent));
    close_outside();
}

static void a_bypassed_packet_never_comes_back_into_the_device(void **state)
{
    char command[128];

    (void)state;
    open_outside();
    (void)snprintf(command, sizeof(command), "ip route add 10.51.0.0/16 dev %s", tun.name);
    assert_int_equal(system(command), 0);
    errno = 0;
    assert_false(bypass_send(&around, &net.nl, tun.index,
                             packet_of(ip4(10, 66, 0, 1), ip4(10, 51, 0, 1), 100), 0));
    assert_int_equal(errno, ELOOP);
    close_outside();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_device_is_up_with_its_mtu_and_silent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_route_leads_into_the_tunnel_but_not_for_marked_packets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_route_stays_while_one_sa_needs_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_sas_have_their_own_routes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_source_turns_to_the_remaining_sas, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_address_stays_while_one_ike_sa_has_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(closing_takes_everything_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(packets_pass_through_the_device_both_ways, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_rule_stays_while_another_daemons_routes_need_it,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bypassed_packet_leaves_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bypassed_packet_that_is_too_long_is_fragmented,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_bypassed_packet_of_ipv6_that_is_too_long_is_fragmented, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bypassed_packet_never_comes_back_into_the_device,
                                        set_up, tear_down),
    };

    if (unshare(CLONE_NEWNET) != 0 || access("/dev/net/tun", R_OK | W_OK) != 0) {
        fprintf(stderr, "skipped: needs root and /dev/net/tun\n");
        return 77;
    }
    if (system("ip link set lo up") != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
