/* Configurations as they are written in the field, and what they mean.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/conf_loaded.h"

static void site_to_site_with_a_shared_secret(void **state)
{
    const struct conn *c;
    const struct cv_child_config *net;

    (void)state;
    load("connections {\n"
         "  site-b {\n"
         "    version = 2\n"
         "    local_addrs  = 192.0.2.1\n"
         "    remote_addrs = 198.51.100.7\n"
         "    proposals = aes256-sha256-modp2048, aes128gcm16-prfsha256-ecp256\n"
         "    dpd_delay = 30s\n"
         "    rekey_time = 8h\n"
         "    local {\n"
         "      auth = psk\n"
         "      id = gw-a.example\n"
         "    }\n"
         "    remote {\n"
         "      auth = psk\n"
         "      id = 198.51.100.7\n"
         "    }\n"
         "    children {\n"
         "      net-net {\n"
         "        local_ts  = 10.1.0.0/16\n"
         "        remote_ts = 10.2.0.0/16, 10.3.0.0/16[tcp/8443]\n"
         "        esp_proposals = aes256-sha256-modp2048\n"
         "        start_action = start\n"
         "        dpd_action = restart\n"
         "        close_action = trap\n"
         "        life_time = 2h\n"
         "      }\n"
         "    }\n"
         "  }\n"
         "}\n"
         "secrets {\n"
         "  ike-site-b {\n"
         "    id-a = gw-a.example\n"
         "    id-b = 198.51.100.7\n"
         "    secret = \"correct horse battery\"\n"
         "  }\n"
         "}\n");
    c = conn("site-b");
    assert_int_equal(c->cv.n_local_addrs, 1);
    assert_int_equal(c->cv.n_remote_addrs, 1);
    assert_int_equal(c->cv.remote_addrs[0].family, CV_IPV4);
    assert_int_equal(c->n_remote_hosts, 1);
    assert_string_equal(c->remote_hosts[0], "198.51.100.7");
    assert_int_equal(c->cv.n_proposals, 2);
    assert_proposal(&c->cv.proposals[1], "AES_GCM_16-128/PRF_HMAC_SHA2_256/ECP_256");
    assert_int_equal(c->cv.local.kind, CV_AUTH_PSK);
    assert_int_equal(c->cv.remote.kind, CV_AUTH_PSK);
    assert_id(&c->cv.local.id, "gw-a.example");
    assert_int_equal(c->cv.remote.id.type, CV_ID_IPV4);
    assert_int_equal(c->cv.dpd_delay_s, 30);
    assert_int_equal(c->cv.rekey_s, 8 * HOUR);
    assert_int_equal(c->cv.over_s, 48 * 60);
    assert_int_equal(c->cv.rand_s, 48 * 60);
    assert_int_equal(c->cv.certreq.n, 0);
    assert_ptr_equal(c->cv.host, c);
    net = child(c, "net-net");
    assert_int_equal(net->n_remote_ts, 2);
    assert_ts(&net->local_ts[0], "10.1.0.0/16");
    assert_ts(&net->remote_ts[1], "10.3.0.0/16[tcp/8443]");
    assert_int_equal(net->start_action, CV_ACTION_START);
    assert_int_equal(net->dpd_action, CV_ACTION_START);
    assert_int_equal(net->close_action, CV_ACTION_TRAP);
    assert_int_equal(net->life.hard_s, 2 * HOUR);
    assert_int_equal(net->life.rekey_s, 2 * HOUR * 10 / 11);
    assert_psk("gw-a.example", "198.51.100.7", "correct horse battery");
    assert_psk("gw-a.example", "203.0.113.1", NULL);
    fixture_unload(&f);
}

static void roadwarriors_with_pools_and_a_certificate(void **state)
{
    static const char *const pool_names[] = {"rw4", "rw6"};
    const struct conn *c;
    const struct auth_conf *local, *remote;

    (void)state;
    load(
        "connections {\n"
        "  rw {\n"
        "    pools = rw4, rw6\n"
        "    unique = replace\n"
        "    send_cert = always\n"
        "    encap = yes\n"
        "    mobike = no\n"
        "    local-1 { certs = gw.pem }\n"
        "    remote-1 { auth = ecdsa-256-sha256\n cacerts = ca.pem\n id = *.fleet.example\n }\n"
        "    children { all { local_ts = 0.0.0.0/0, ::/0\n } }\n"
        "  }\n"
        "}\n"
        "pools {\n"
        "  rw4 { addrs = 10.100.0.0/16\n dns = 10.0.0.53\n }\n"
        "  rw6 { addrs = fd00:100::/64 }\n"
        "}\n");
    c = conn("rw");
    assert_true(c->cv.has_pool);
    assert_int_equal(c->n_pools, 2);
    for (unsigned i = 0; i < 2; i++)
        assert_string_equal(c->pools[i], pool_names[i]);
    assert_true(pools_has(f.pools, "rw6"));
    assert_int_equal(c->cv.unique, CV_UNIQUE_REPLACE);
    assert_true(c->cv.send_cert);
    assert_true(c->cv.encap);
    assert_false(c->cv.mobike);
    assert_int_equal(c->cv.local.kind, CV_AUTH_PUBKEY);
    assert_id(&c->cv.local.id, "C=CH, O=Fleet, CN=gw.fleet.example");
    assert_id(&c->cv.remote.id, "*.fleet.example");
    local = c->cv.local.host;
    remote = c->cv.remote.host;
    assert_int_equal(local->n_certs, 1);
    assert_string_equal(local->scheme, "pubkey");
    assert_int_equal(remote->n_cacerts, 1);
    assert_string_equal(remote->scheme, "ecdsa-256-sha256");
    assert_int_equal(c->cv.certreq.n, 20);
    assert_int_equal(child(c, "all")->n_local_ts, 2);
    assert_true(child(c, "all")->remote_ts[0].dynamic);
    fixture_unload(&f);
}

static void a_device_that_calls_home(void **state)
{
    const struct conn *c;

    (void)state;
    load("connections {\n"
         "  home {\n"
         "    remote_addrs = gw.fleet.example, 192.0.2.9\n"
         "    vips = 0.0.0.0, ::\n"
         "    keyingtries = %forever\n"
         "    fragmentation = no\n"
         "    reauth_time = 1d\n"
         "    local { auth = psk\n id = \"keyid:#00112233\"\n }\n"
         "    remote { auth = psk }\n"
         "    children { home { remote_ts = 10.0.0.0/8\n start_action = trap\n\n"
         "      rekey_bytes = 500M\n inactivity = 90 \n replay_window = 0\n"
         "      fragmentation = after\n minimal_esp = yes\n updown = /bin/up\n\n"
         "      rekey_packets = 1000000\n life_packets = 2000000\n } }\n"
         "  }\n"
         "}\n"
         "secrets { ike { secret = 0x00112233445566778899aabbccddeeff } }\n");
    c = conn("home");
    assert_int_equal(c->cv.n_remote_addrs, 0); /* a name: any address may answer */
    assert_int_equal(c->n_remote_hosts, 2);
    assert_string_equal(c->remote_hosts[0], "gw.fleet.example");
    assert_int_equal(c->cv.n_vips, 2);
    assert_int_equal(c->cv.vips[1].family, CV_IPV6);
    assert_int_equal(c->cv.keyingtries, 0);
    assert_false(c->cv.fragmentation);
    assert_int_equal(c->cv.reauth_s, 24 * HOUR);
    assert_int_equal(c->cv.rekey_s, 0);
    assert_int_equal(c->cv.over_s, 24 * HOUR / 10);
    assert_int_equal(c->cv.local.id.type, CV_ID_KEY_ID);
    assert_int_equal(c->cv.remote.id.type, CV_ID_ANY);
    assert_int_equal(child(c, "home")->start_action, CV_ACTION_TRAP);
    assert_int_equal(child(c, "home")->life.rekey_bytes, 500u << 20);
    assert_int_equal(child(c, "home")->life.hard_bytes, (500u << 20) / 10 * 11);
    assert_int_equal(child(c, "home")->life.rand_bytes, (500u << 20) / 10);
    assert_int_equal(child(c, "home")->life.rand_packets, 100000);
    assert_int_equal(child(c, "home")->inactivity_s, 90);
    assert_int_equal(child(c, "home")->replay_window, 0);
    assert_true(child(c, "home")->fragment_after && child(c, "home")->minimal_esp);
    assert_string_equal(((const struct child_conf *)child(c, "home")->host)->updown, "/bin/up");
    fixture_unload(&f);
}

static void defaults_are_those_of_strongswan_but_for_two(void **state)
{
    const struct conn *c;
    const struct cv_child_config *n;
    const struct cv_proposal *defaults;

    (void)state;
    load("connections { c { children { n { } } } }");
    c = conn("c");
    assert_int_equal(c->cv.n_local_addrs + c->cv.n_remote_addrs, 0);
    assert_int_equal(c->cv.n_proposals, proposal_defaults(&defaults, CV_PROTO_IKE));
    assert_int_equal(c->cv.local.kind, CV_AUTH_PUBKEY);
    assert_int_equal(c->cv.remote.kind, CV_AUTH_PUBKEY);
    assert_int_equal(c->cv.remote.id.type, CV_ID_ANY);
    assert_int_equal(c->cv.rekey_s, 4 * HOUR);
    assert_int_equal(c->cv.reauth_s, 0);
    assert_int_equal(c->cv.over_s, 24 * 60);
    assert_int_equal(c->cv.rand_s, 24 * 60);
    assert_int_equal(c->cv.dpd_delay_s, 0);
    assert_int_equal(c->cv.keyingtries, 0);
    assert_int_equal(c->cv.unique, CV_UNIQUE_NO);
    assert_true(c->cv.fragmentation && c->cv.mobike && c->cv.send_certreq && c->cv.send_cert);
    assert_false(c->cv.encap);
    assert_false(c->cv.has_pool);
    assert_int_equal(c->cv.local_port, 0);
    assert_int_equal(c->cv.remote_port, 0);
    n = child(c, "n");
    assert_int_equal(n->n_proposals, proposal_defaults(&defaults, CV_PROTO_ESP));
    assert_true(n->local_ts[0].dynamic && n->remote_ts[0].dynamic);
    assert_int_equal(n->local_ts[0].ts.port_hi, 65535);
    assert_int_equal(n->mode, CV_TUNNEL);
    assert_int_equal(n->start_action, CV_ACTION_NONE);
    assert_int_equal(n->close_action, CV_ACTION_NONE);
    assert_int_equal(n->dpd_action, CV_ACTION_CLEAR);
    assert_int_equal(n->life.rekey_s, HOUR);
    assert_int_equal(n->life.hard_s, HOUR + 360);
    assert_int_equal(n->life.rand_s, 360);
    assert_int_equal(n->life.rekey_bytes + n->life.hard_bytes + n->life.rand_bytes, 0);
    assert_int_equal(n->life.rekey_packets + n->life.hard_packets, 0);
    assert_int_equal(n->replay_window, 1024);
    assert_false(n->fragment_after || n->minimal_esp);
    fixture_unload(&f);
}

/* What starts by itself comes back by itself, unless the file says otherwise. */
static void a_child_that_starts_comes_back_by_default(void **state)
{
    const struct cv_child_config *n;

    (void)state;
    load("connections {\n"
         "  a { children { n { start_action = trap|start\n } } }\n"
         "  b { dpd_delay = 0\n keyingtries = 3\n children { n { start_action = start\n"
         "      dpd_action = clear\n close_action = none\n } } }\n"
         "  c { children { n { start_action = trap\n } } }\n"
         "}\n");
    n = child(conn("a"), "n");
    assert_int_equal(conn("a")->cv.dpd_delay_s, 30);
    assert_int_equal(n->dpd_action, CV_ACTION_START);
    assert_int_equal(n->close_action, CV_ACTION_START);
    n = child(conn("b"), "n");
    assert_int_equal(conn("b")->cv.dpd_delay_s, 0);
    assert_int_equal(conn("b")->cv.keyingtries, 3);
    assert_int_equal(n->dpd_action, CV_ACTION_CLEAR);
    assert_int_equal(n->close_action, CV_ACTION_NONE);
    n = child(conn("c"), "n");
    assert_int_equal(conn("c")->cv.dpd_delay_s, 0);
    assert_int_equal(n->dpd_action, CV_ACTION_CLEAR);
    assert_int_equal(n->close_action, CV_ACTION_NONE);
    fixture_unload(&f);
}

static void connections_share_what_they_have_in_common(void **state)
{
    (void)state;
    fixture_write("conf.d/b.conf", "connections { b : common { remote_addrs = 192.0.2.2 } }\n");
    load("common {\n"
         "  proposals = aes128-sha256-modp3072\n"
         "  local { auth = psk\n id = hub\n }\n"
         "  remote { auth = psk }\n"
         "  children { net { local_ts = 10.0.0.0/8\n } }\n"
         "}\n"
         "connections {\n"
         "  a : common { remote_addrs = 192.0.2.1\n remote { id = a }\n }\n"
         "}\n"
         "include conf.d/*.conf\n"
         "secrets { ike-a { secret = 0sAQIDBA==\n id = a\n } }\n");
    assert_id(&conn("a")->cv.remote.id, "a");
    assert_int_equal(conn("a")->cv.remote.kind, CV_AUTH_PSK);
    assert_id(&conn("b")->cv.local.id, "hub");
    assert_ts(&child(conn("b"), "net")->local_ts[0], "10.0.0.0/8");
    assert_psk("hub", "a", "\1\2\3\4");
    assert_psk("hub", "b", NULL);
    fixture_unload(&f);
    fixture_remove("conf.d/b.conf");
}

static void strongswans_other_keys_are_accepted_with_their_defaults(void **state)
{
    (void)state;
    load("connections { c {\n version = 0\n aggressive = no\n pull = yes\n dscp = 000000\n"
         " if_id_in = 0\n mediation = no\n ppk_required = no\n dpd_timeout = 150s\n"
         " local_port = 500\n remote_port = 500\n childless = allow\n fragmentation = force\n"
         " local { round = 0 }\n"
         " children { n {\n mode = tunnel\n policies = yes\n policies_fwd_out = no\n"
         "  ipcomp = no\n mark_in = 0/0x00000000\n mark_out = 0\n set_mark_in = 0\n"
         "  if_id_out = 0\n tfc_padding = 0\n hw_offload = auto\n copy_df = yes\n"
         "  copy_ecn = yes\n copy_dscp = out\n label_mode = system\n sha256_96 = no\n"
         "  hostaccess = yes\n priority = 7\n reqid = 5\n interface =\n } } } }");
    assert_int_equal(child(conn("c"), "n")->reqid, 5);
    assert_int_equal(((const struct child_conf *)child(conn("c"), "n")->host)->priority, 7);
    assert_int_equal(conn("c")->cv.remote_port, 0);
    fixture_unload(&f);
}

static void settings_have_defaults_and_can_be_set(void **state)
{
    const struct daemon_settings *s = &f.conf.settings;

    (void)state;
    load("");
    assert_int_equal(s->port, 500);
    assert_int_equal(s->port_nat_t, 4500);
    assert_string_equal(s->tun_name, "culvert%d");
    assert_int_equal(s->tun_mtu, 1400);
    assert_int_equal(s->log_levels[LOG_IKE], 1);
    assert_null(s->save_keys);
    assert_true(s->install_routes && s->install_virtual_ip);
    assert_true(s->drop_cleartext);
    assert_false(s->openssl_alone);
    assert_null(s->user);
    assert_int_equal(s->sign_threads, 1);
    assert_int_equal(s->sign_queue, 1024);
    assert_true(s->limits.ike_sas > 1000 && s->limits.child_sas > 2000);
    assert_int_equal(s->engine.retransmit_ms, 2000);
    assert_int_equal(s->engine.keepalive_ms, 20000);
    assert_int_equal(s->engine.answer_ms, 30000);
    fixture_unload(&f);
    load("culvert {\n max_devices = 100000\n handshakes = 64\n message_size = 4096\n port = "
         "1500\n"
         " port_nat_t = 4501\n tun_name = vpn0\n tun_mtu = 1280\n log_level = 2\n"
         " install_routes = no\n cleartext = pass\n user = culvert\n retransmit_timeout = 0.5\n"
         " retransmit_base = 1.5\n answer_timeout = 2.5\n keep_alive = 0\n"
         " cookie_threshold = 0\n crypto = openssl\n sign_threads = 0\n sign_queue = 7\n}\n");
    assert_true(s->openssl_alone);
    assert_int_equal(s->log_levels[LOG_NET], 2);
    assert_int_equal(s->sign_threads, 0);
    assert_int_equal(s->sign_queue, 7);
    assert_int_equal(s->port, 1500);
    assert_string_equal(s->tun_name, "vpn0");
    assert_string_equal(s->user, "culvert");
    assert_false(s->install_routes);
    assert_false(s->drop_cleartext);
    assert_true(s->limits.ike_sas > 100000);
    assert_int_equal(s->limits.handshakes, 64);
    assert_int_equal(s->limits.message_size, 4096);
    assert_int_equal(s->engine.limits.handshakes, 64);
    assert_int_equal(s->engine.retransmit_ms, 500);
    assert_int_equal(s->engine.retransmit_base_pct, 150);
    assert_int_equal(s->engine.keepalive_ms, UINT32_MAX);
    assert_int_equal(s->engine.answer_ms, 2500);
    assert_int_equal(s->engine.cookie_threshold, UINT32_MAX);
    fixture_unload(&f);
}

/* So many connections with two networks each, and what stands before them. */
static const struct cv_limits *limits_of_many(unsigned n, const char *settings)
{
    char *text = calloc(n + 1, 200), *at = text;

    assert_non_null(text);
    at += sprintf(at, "%s\nconnections {\n", settings);
    for (unsigned i = 0; i < n; i++)
        at += sprintf(at,
                      " c%u {\n remote_addrs = 10.1.%u.%u\n local {\n auth = psk\n }\n"
                      " remote {\n auth = psk\n }\n children {\n net {\n"
                      " remote_ts = 10.2.%u.0/24, 10.3.%u.%u\n }\n }\n }\n",
                      i, i / 250, i % 250, i % 250, i / 250, i % 250);
    at += sprintf(at, "}\nsecrets {\n ike {\n secret = x\n }\n}\n");
    load(text);
    free(text);
    return &f.conf.settings.limits;
}

static void tables_have_room_for_what_is_in_the_file(void **state)
{
    const struct cv_limits *l = limits_of_many(2500, "");

    (void)state;
    assert_true(l->conns >= 2500 && l->ike_sas >= 2500 && l->child_sas >= 2500);
    assert_true(l->policies >= 2 * 2500 + 1024);
    assert_memory_equal(l, &f.conf.settings.engine.limits, sizeof(*l));
    fixture_unload(&f);
    l = limits_of_many(300, "culvert {\n max_devices = 100\n}"); /* of devices, as it says */
    assert_int_equal(l->ike_sas, 100 + 100 / 8 + 16);
    assert_true(l->conns >= 300);
    fixture_unload(&f);
    l = limits_of_many(300, "culvert {\n connections = 7\n}"); /* who names one knows why */
    assert_int_equal(l->conns, 7);
    fixture_unload(&f);
    l = limits_of_many(1, "");
    assert_int_equal(l->ike_sas, 1000 + 1000 / 8 + 16);
    fixture_unload(&f);
}

static void log_levels_differ_by_what_a_line_is_about(void **state)
{
    const struct daemon_settings *s = &f.conf.settings;

    (void)state;
    load(
        "culvert {\n save_keys = /run/keys\n log {\n default = 0\n ike = 4\n chd = 3\n }\n}\n");
    assert_int_equal(s->log_levels[LOG_DMN], 0);
    assert_int_equal(s->log_levels[LOG_IKE], 4);
    assert_int_equal(s->log_levels[LOG_CHD], 3);
    assert_string_equal(s->save_keys, "/run/keys");
    fixture_unload(&f);
}

static void nothing_is_left_of_a_configuration_that_fails(void **state)
{
    (void)state;
    assert_false(fixture_load(&f, "connections { a { }\n b { } }\nculvert { port = x }\n"));
    assert_null(f.conf.conns);
    fixture_unload(&f);
}

static void every_prefix_of_a_configuration_is_loaded_or_refused_cleanly(void **state)
{
    const char *text =
        "b { local { auth = psk } }\nconnections { c : b { proposals = default\n"
        " remote { auth = psk\n id = \"x\" }\n children { n { local_ts = dynamic\n"
        " } } } }\nsecrets { ike { secret = 0x01 } }\npools { p { addrs = 10.0.0.0/24 "
        "} }\n";
    char prefix[512];

    (void)state;
    for (size_t n = 0; n <= strlen(text); n++) {
        memcpy(prefix, text, n);
        prefix[n] = '\0';
        if (!fixture_load(&f, prefix))
            assert_true(strlen(f.why.text) > 0);
        fixture_unload(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(site_to_site_with_a_shared_secret),
        cmocka_unit_test(roadwarriors_with_pools_and_a_certificate),
        cmocka_unit_test(a_device_that_calls_home),
        cmocka_unit_test(defaults_are_those_of_strongswan_but_for_two),
        cmocka_unit_test(a_child_that_starts_comes_back_by_default),
        cmocka_unit_test(connections_share_what_they_have_in_common),
        cmocka_unit_test(strongswans_other_keys_are_accepted_with_their_defaults),
        cmocka_unit_test(settings_have_defaults_and_can_be_set),
        cmocka_unit_test(log_levels_differ_by_what_a_line_is_about),
        cmocka_unit_test(tables_have_room_for_what_is_in_the_file),
        cmocka_unit_test(nothing_is_left_of_a_configuration_that_fails),
        cmocka_unit_test(every_prefix_of_a_configuration_is_loaded_or_refused_cleanly),
    };

    return cmocka_run_group_tests(tests, fixture_make, fixture_drop);
}
