/* What is wrong in a configuration is said with file, line, key, and what was expected.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/conf_fixture.h"

#define TEN                                                                                    \
    ",10.0.0.0/9,10.0.0.0/10,10.0.0.0/11,10.0.0.0/12,10.0.0.0/13,10.0.0.0/14,10.0.0.0/"        \
    "15,10.0.0.0/16,10.0.0.0/17,10.0.0.0/18"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct bad {
    const char *text, *problem; /* without the path of the file; line and key first */
};

static struct fixture f;

static void assert_refused(const char *text, const char *problem)
{
    const char *got;
    char start[160];

    if (fixture_load(&f, text))
        fail_msg("accepted: %s", text);
    snprintf(start, sizeof(start), "%s/swanctl.conf:", fixture_dir);
    got = f.why.text;
    if (strncmp(got, start, strlen(start)) == 0)
        got += strlen(start);
    assert_string_equal(got, problem);
    assert_null(f.conf.conns);
    fixture_unload(&f);
}

/* Each begins in line 2 of the file. */
static void wrong_keys_of_a_connection(void **state)
{
    /* clang-format off */
    static const struct bad cases[] = {
        {"remote_adrs = 10.0.0.1",
         "2: connections.c.remote_adrs: unknown key 'remote_adrs', did you mean "
         "'remote_addrs'?"},
        {"colour = red", "2: connections.c.colour: unknown key 'colour'"},
        {"version = 1",
         "2: connections.c.version: IKEv1 is not supported yet; use version = 2"},
        {"version = 3", "2: connections.c.version: expected 0, 1 or 2, not '3'"},
        {"aggressive = perhaps",
         "2: connections.c.aggressive: expected yes or no, not 'perhaps'"},
        {"encap = on", "2: connections.c.encap: expected yes or no, not 'on'"},
        {"unique = replce",
         "2: connections.c.unique: expected no, never, keep or replace, not 'replce', did "
         "you mean 'replace'?"},
        {"childless = force",
         "2: connections.c.childless: an IKE SA that may only come without a Child SA is not "
         "supported; use allow"},
        {"childless = often",
         "2: connections.c.childless: expected allow, never, prefer or force, not 'often'"},
        {"keyingtries = many",
         "2: connections.c.keyingtries: expected a number from 0 to 4294967295, not 'many'"},
        {"keyingtries = 4294967296",
         "2: connections.c.keyingtries: expected a number from 0 to 4294967295, not "
         "'4294967296'"},
        {"keyingtries = -1",
         "2: connections.c.keyingtries: expected a number from 0 to 4294967295, not '-1'"},
        {"dpd_delay = 30 seconds",
         "2: connections.c.dpd_delay: expected a time like 30s, 10m, 4h or 1d, not '30 "
         "seconds'"},
        {"rekey_time = 4x",
         "2: connections.c.rekey_time: expected a time like 30s, 10m, 4h or 1d, not '4x'"},
        {"rekey_time = h",
         "2: connections.c.rekey_time: expected a time like 30s, 10m, 4h or 1d, not 'h'"},
        {"rekey_time = 99999999999999999999d",
         "2: connections.c.rekey_time: expected a time like 30s, 10m, 4h or 1d, not "
         "'99999999999999999999d'"},
        {"remote_port = 0",
         "2: connections.c.remote_port: expected a number from 1 to 65535, not '0'"},
        {"remote_port = 65536",
         "2: connections.c.remote_port: expected a number from 1 to 65535, not '65536'"},
        {"local_port = 501",
         "2: connections.c.local_port: a port for one connection is not supported; "
         "culvert.port is for all"},
        {"remote_addrs = 10.0.0.300",
         "2: connections.c.remote_addrs: expected an address, a subnet, a range, a host name "
         "or %any, not '10.0.0.300'"},
        {"remote_addrs = 10.0.0.1, 10.0.0.0/40",
         "2: connections.c.remote_addrs: expected an address, a subnet, a range, a host name "
         "or %any, not '10.0.0.0/40'"},
        {"local_addrs = 10.0.0",
         "2: connections.c.local_addrs: expected an address, a subnet, a range, a host name "
         "or %any, not '10.0.0'"},
        {"remote_ts = 10.0.0.0/8",
         "2: connections.c.remote_ts: 'remote_ts' belongs into a child: children { NAME { } }"},
        {"start_action = trap",
         "2: connections.c.start_action: 'start_action' belongs into a child: children { NAME "
         "{ } }"},
        {"auth = psk",
         "2: connections.c.auth: 'auth' belongs into one of the sides: local { }, remote { }"},
        {"cacerts = ca.pem",
         "2: connections.c.cacerts: 'cacerts' belongs into the section of the peer: remote { "
         "}"},
        {"proposals = aes128-sha265-modp2048",
         "2: connections.c.proposals: unknown algorithm 'sha265' in proposal 'aes128-sha265-"
         "modp2048', did you mean 'sha256'?"},
        {"proposals = aes128gcm16-prfsha256-x25519, aes128-sha256",
         "2: connections.c.proposals: proposal 'aes128-sha256' needs a key exchange method, "
         "e.g. x25519"},
        {"vips = 10.0.0.0/8",
         "2: connections.c.vips: expected an address, 0.0.0.0 or :: for any, not '10.0.0.0/8'"},
        {"pools = p4", "2: connections.c.pools: there is no pool 'p4', did you mean 'p6'?"},
        {"ppk_id = x", "2: connections.c.ppk_id: key 'ppk_id' of strongSwan is not supported"},
        {"mediated_by = m",
         "2: connections.c.mediated_by: key 'mediated_by' of strongSwan is not supported"},
        {"if_id_in = 7",
         "2: connections.c.if_id_in: key 'if_id_in' of strongSwan is not supported; only the "
         "default '0' is accepted"},
        {"loca { }", "2: connections.c.loca: unknown section 'loca'"},
        {"childrn { }",
         "2: connections.c.childrn: unknown section 'childrn', did you mean 'children'?"},
        {"proposals { }", "2: connections.c.proposals: expected a value: 'proposals = ...'"},
        {"local = x", "2: connections.c.local: expected a section: 'local { }'"},
        {"children { x = 1 }", "2: connections.c.children.x: expected a section: 'x { }'"},
        {"local-1 { }\n local-2 { }",
         "3: connections.c.local-2: a second round of authentication after 'local-1' is not "
         "supported yet"},
    };
    /* clang-format on */
    char text[512];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(text, sizeof(text),
                 "connections { c {\n%s\n} }\npools { p6 { addrs = 10.6.0.0/16 } }\n",
                 cases[i].text);
        assert_refused(text, cases[i].problem);
    }
}

static void wrong_keys_of_a_side(void **state)
{
    /* clang-format off */
    static const struct bad cases[] = {
        {"local { auth = pks }",
         "2: connections.c.local.auth: expected psk, pubkey or a signature scheme like rsa, "
         "ecdsa-sha256 or ed25519, not 'pks'"},
        {"local { auth = rsa-sha257 }",
         "2: connections.c.local.auth: expected psk, pubkey or a signature scheme like rsa, "
         "ecdsa-sha256 or ed25519, not 'rsa-sha257'"},
        {"local { auth = sha256 }",
         "2: connections.c.local.auth: expected psk, pubkey or a signature scheme like rsa, "
         "ecdsa-sha256 or ed25519, not 'sha256'"},
        {"local { auth = any }",
         "2: connections.c.local.auth: expected psk, pubkey or a signature scheme like rsa, "
         "ecdsa-sha256 or ed25519, not 'any'"},
        {"remote { auth = eap-mschapv2 }",
         "2: connections.c.remote.auth: EAP ('eap-mschapv2') is not supported yet"},
        {"remote { auth = xauth }",
         "2: connections.c.remote.auth: XAuth ('xauth') belongs to IKEv1, which is not "
         "supported yet"},
        {"remote { idd = x }",
         "2: connections.c.remote.idd: unknown key 'idd', did you mean 'id'?"},
        {"remote { id = C=CH, X=y }",
         "2: connections.c.remote.id: unknown attribute 'X' in distinguished name 'C=CH, X=y'"},
        {"remote { id = ipv4:gw }", "2: connections.c.remote.id: 'gw' is not an IPv4 address"},
        {"remote { cert_policy = 1.3.6, dev }",
         "2: connections.c.remote.cert_policy: expected object identifiers like "
         "1.3.6.1.4.1.99, not 'dev'"},
        {"local { cacerts = ca.pem }",
         "2: connections.c.local.cacerts: unknown key 'cacerts', did you mean 'certs'?"},
        {"local { cert1 { handle = 00 } }",
         "2: connections.c.local.cert1.handle: key 'handle' of strongSwan is not supported"},
        {"local { cert1 { } }",
         "2: connections.c.local.cert1: needs 'file', the path of a certificate"},
    };
    /* clang-format on */
    char text[512];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(text, sizeof(text), "connections { c {\n%s\n} }\n", cases[i].text);
        assert_refused(text, cases[i].problem);
    }
}

static void missing_and_broken_certificates(void **state)
{
    char expected[512];

    (void)state;
    snprintf(
        expected, sizeof(expected),
        "1: connections.c.local.certs: cannot read certificate '%s/x509/no.pem': No such file "
        "or directory",
        fixture_dir);
    assert_refused("connections { c { local { certs = gw.pem, no.pem } } }", expected);
    fixture_write("x509/junk.pem", "junk");
    assert_false(fixture_load(&f, "connections { c { local { certs = junk.pem } } }"));
    assert_non_null(strstr(f.why.text, "/x509/junk.pem': "));
    fixture_unload(&f);
    fixture_remove("x509/junk.pem");
}

static void wrong_keys_of_a_child(void **state)
{
    /* clang-format off */
    static const struct bad cases[] = {
        {"mode = beet",
         "2: connections.c.children.n.mode: mode 'beet' is not supported; expected tunnel, "
         "transport, pass or drop"},
        {"mode = tunel",
         "2: connections.c.children.n.mode: expected tunnel, transport, transport_proxy, "
         "beet, pass or drop, not 'tunel', did you mean 'tunnel'?"},
        {"ah_proposals = aes128-sha256",
         "2: connections.c.children.n.ah_proposals: proposal 'aes128-sha256' cannot have "
         "a cipher: AH does not encrypt"},
        {"esp_proposals = aes128",
         "2: connections.c.children.n.esp_proposals: proposal 'aes128' needs an integrity "
         "algorithm, e.g. sha256"},
        {"local_ts = 10.0.0.0/8[tpc/80]",
         "2: connections.c.children.n.local_ts: unknown protocol 'tpc': expected a name or 0 "
         "to 255"},
        {"remote_ts = net-b",
         "2: connections.c.children.n.remote_ts: 'net-b' is not a subnet: expected e.g. "
         "10.0.0.0/8, fd00::/64, 10.0.0.1-10.0.0.9 or 'dynamic'"},
        {"remote_ts = 10.0.0.0/8" TEN ",10.1.0.0/16,10.2.0.0/16" TEN TEN,
         "2: connections.c.children.n.remote_ts: 33 traffic selectors; at most 32 are possible"},
        {"start_action = trap|begin",
         "2: connections.c.children.n.start_action: expected none, trap, start, clear, "
         "route or restart, not 'begin'"},
        {"close_action = trap|clear",
         "2: connections.c.children.n.close_action: only trap and start go together, not "
         "'trap|clear'"},
        {"priority = 4294967296",
         "2: connections.c.children.n.priority: expected a number from 0 to 4294967295, not "
         "'4294967296'"},
        {"dpd_action = accept",
         "2: connections.c.children.n.dpd_action: expected clear, trap, restart, none, "
         "start or route, not 'accept'"},
        {"rekey_bytes = 10T",
         "2: connections.c.children.n.rekey_bytes: expected octets like 1000000, 500M or 2G, "
         "not '10T'"},
        {"rekey_packets = 10M",
         "2: connections.c.children.n.rekey_packets: expected a number, not '10M'"},
        {"fragmentation = yes",
         "2: connections.c.children.n.fragmentation: expected before or after, not 'yes'"},
        {"minimal_esp = yes\n ah_proposals = sha256",
         "1: connections.c.children.n: minimal_esp is for ESP, not for ah_proposals"},
        {"tfc_padding = MTU",
         "2: connections.c.children.n.tfc_padding: expected octets, or mtu, not 'MTU'"},
        {"tfc_padding = 100\n ah_proposals = sha256",
         "1: connections.c.children.n: tfc_padding is for ESP, not for ah_proposals"},
        {"minimal_esp = yes\n tfc_padding = mtu",
         "1: connections.c.children.n: minimal_esp and tfc_padding contradict each other: "
         "choose one"},
        {"mark_in = 42",
         "2: connections.c.children.n.mark_in: key 'mark_in' of strongSwan is not supported; "
         "only the default '0' is accepted"},
        {"policies = no",
         "2: connections.c.children.n.policies: key 'policies' of strongSwan is not "
         "supported; only the default 'yes' is accepted"},
        {"remote_tss = 10.0.0.0/8",
         "2: connections.c.children.n.remote_tss: unknown key 'remote_tss', did you mean "
         "'remote_ts'?"},
        {"x { }", "2: connections.c.children.n.x: unknown section 'x'"},
    };
    /* clang-format on */
    char text[512];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(text, sizeof(text), "connections { c { children { n {\n%s\n} } } }\n",
                 cases[i].text);
        assert_refused(text, cases[i].problem);
    }
}

static void wrong_secrets(void **state)
{
    /* clang-format off */
    static const struct bad cases[] = {
        {"secrets { ike-1 { id = x } }", "1: secrets.ike-1: needs 'secret = ...'"},
        {"secrets { ike-1 {\n id = x\n secret = \n } }",
         "1: secrets.ike-1: needs 'secret = ...'"},
        {"secrets { ike-1 { secert = x } }",
         "1: secrets.ike-1.secert: unknown key 'secert', did you mean 'secret'?"},
        {"secrets { ike { secret = 0x123 } }",
         "1: secrets.ike.secret: expected an even number of hexadecimal digits after 0x"},
        {"secrets { ike { secret = 0xzz } }",
         "1: secrets.ike.secret: expected an even number of hexadecimal digits after 0x"},
        {"secrets { ike { secret = 0s!! } }",
         "1: secrets.ike.secret: expected Base64 after 0s"},
        {"secrets { ike { secret = 0sAAAAA } }",
         "1: secrets.ike.secret: expected Base64 after 0s"},
        {"secrets { ike { secret = 0x } }", "1: secrets.ike.secret: the secret is empty"},
        {"secrets { ike { secret = x\n id-1 = CN= } }",
         "2: secrets.ike.id-1: attribute 'CN' in distinguished name 'CN=' is empty"},
        {"secrets { eap { } }", "1: secrets.eap: needs 'secret = ...'"},
        {"secrets { private-x { secret = y } }",
         "1: secrets.private-x: needs 'file', the name of a file in private/"},
        {"secrets { pkcs12-x { secret = y } }",
         "1: secrets.pkcs12-x: needs 'file', the name of a file in pkcs12/"},
        {"secrets { token { } }",
         "1: secrets.token: secrets 'token' of strongSwan are not supported"},
        {"secrets { shared { secret = x } }",
         "1: secrets.shared: the name of a secret begins with its kind: ike, eap, xauth, ntlm, ppk,"
         " private, rsa, ecdsa, pkcs8 or pkcs12; unknown kind 'shared'"},
        {"secrets { ecsda { file = x } }",
         "1: secrets.ecsda: the name of a secret begins with its kind: ike, eap, xauth, ntlm, ppk, "
         "private, rsa, ecdsa, pkcs8 or pkcs12; unknown kind 'ecsda', did you mean 'ecdsa'?"},
        {"secrets { ike = x }", "1: secrets.ike: expected a section: 'ike { }'"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(cases[i].text, cases[i].problem);
}

static void wrong_settings_and_other_sections(void **state)
{
    /* clang-format off */
    static const struct bad cases[] = {
        {"culvert { prot = 500 }", "1: culvert.prot: unknown key 'prot', did you mean 'port'?"},
        {"culvert { port = 4500 }", "1: culvert: port and port_nat_t must differ"},
        {"culvert { max_devices = 0 }",
         "1: culvert.max_devices: expected a number from 1 to 4000000, not '0'"},
        {"culvert { tun_name = a/b }",
         "1: culvert.tun_name: expected a network device name of at most 15 letters, not 'a/"
         "b'"},
        {"culvert { tun_name = a%s }",
         "1: culvert.tun_name: expected a network device name of at most 15 letters, not "
         "'a%s'"},
        {"culvert { cleartext = log }",
         "1: culvert.cleartext: expected drop or pass, not 'log'"},
        {"culvert { log_level = 5 }",
         "1: culvert.log_level: expected a number from 0 to 4, not '5'"},
        {"culvert { log { ike = 5 } }",
         "1: culvert.log.ike: expected a number from 0 to 4, not '5'"},
        {"culvert { log { job = 2 } }",
         "1: culvert.log.job: unknown key 'job'"},
        {"culvert { crypto = fast }",
         "1: culvert.crypto: expected best or openssl, not 'fast'"},
        {"culvert { sign_threads = 65 }",
         "1: culvert.sign_threads: expected a number from 0 to 64, not '65'"},
        {"culvert { sign_queue = 0 }",
         "1: culvert.sign_queue: expected a number from 1 to 1000000, not '0'"},
        {"culvert { retransmit_timeout = soon }",
         "1: culvert.retransmit_timeout: expected seconds like 2 or 0.5, not 'soon'"},
        {"culvert { retransmit_timeout = 0 }",
         "1: culvert: retransmit_timeout, half_open_timeout and answer_timeout must not be 0"},
        {"culvert { answer_timeout = 0 }",
         "1: culvert: retransmit_timeout, half_open_timeout and answer_timeout must not be 0"},
        {"culvert { retransmit_base = 0.5 }",
         "1: culvert.retransmit_base: expected a factor from 1 to 10 like 1.8, not '0.5'"},
        {"connection { }",
         "1: connection: unknown section 'connection', did you mean 'connections'?"},
        {"charon { }", "1: charon: unknown section 'charon'"},
        {"version = 2", "1: version: unknown key 'version'"},
        {"connections { version = 2 }",
         "1: connections.version: expected a section: 'version { }'"},
        {"authorities { a { } }",
         "1: authorities.a: needs 'cacert' or 'file', the CA's certificate"},
        {"pools { p { adrs = 10.0.0.0/8 } }",
         "1: pools.p.adrs: unknown key 'adrs', did you mean 'addrs'?"},
        {"connections {\n", "2: section 'connections' of line 1 is not closed"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(cases[i].text, cases[i].problem);
}

static void a_pool_leases_only_what_a_host_can_have(void **state)
{
    static const struct {
        const char *addrs, *what; /* NULL: good */
    } cases[] = {
        {"224.0.0.0/24",              "multicast, 224.0.0.0/4"              },
        {"223.255.255.0-224.0.0.5",   "multicast, 224.0.0.0/4"              },
        {"127.1.0.0/16",              "loopback, 127.0.0.0/8"               },
        {"126.0.0.1-127.0.0.1",       "loopback, 127.0.0.0/8"               },
        {"0.0.0.0/8",                 "'this network', 0.0.0.0/8"           },
        {"0.0.0.9-1.0.0.1",           "'this network', 0.0.0.0/8"           },
        {"255.255.255.255/32",        "broadcast, 255.255.255.255"          },
        {"240.0.0.1-255.255.255.255", "broadcast, 255.255.255.255"          },
        {"::1-::9",                   "unspecified and loopback, :: and ::1"},
        {"ff02::/64",                 "multicast, ff00::/8"                 },
        {"fec0::-ff00::",             "multicast, ff00::/8"                 },
        {"1.0.0.0/8",                 NULL                                  },
        {"128.0.0.0-223.255.255.255", NULL                                  },
        {"240.0.0.0/4",               NULL                                  },
        {"fd00::/64",                 NULL                                  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[128], want[200];

        snprintf(text, sizeof(text), "pools { p { addrs = %s } }", cases[i].addrs);
        snprintf(want, sizeof(want),
                 "1: pools.p.addrs: '%s' has addresses that no host can have: %s",
                 cases[i].addrs, cases[i].what != NULL ? cases[i].what : "");
        if (cases[i].what != NULL) {
            assert_refused(text, want);
            continue;
        }
        if (!fixture_load(&f, text))
            fail_msg("refused: %s", f.why.text);
        fixture_unload(&f);
    }
}

static void an_error_in_an_inherited_value_names_where_it_was_written(void **state)
{
    (void)state;
    assert_refused("base {\n version = 9\n}\nconnections { c : base { } }\n",
                   "2: connections.c.version: expected 0, 1 or 2, not '9'");
}

/* The lines of what was found: "LEVEL LINE: ..." */
static void assert_found(const char *const *want, size_t n)
{
    char got[600];

    for (size_t i = 0; i < n && i < f.conf.found.n; i++) {
        const struct finding *found = &f.conf.found.v[i];

        snprintf(got, sizeof(got), "%s %s", found->is_error ? "error" : "warning",
                 found->problem.text + found->problem.file_n +
                     (found->problem.text[found->problem.file_n] == ':'));
        assert_string_equal(got, want[i]);
    }
    assert_int_equal(f.conf.found.n, n);
}

static void all_errors_are_found_in_one_go(void **state)
{
    static const char *const want[] = {
        "error 1: colour: unknown key 'colour'",
        "error 14: culvert.prt: unknown key 'prt', did you mean 'port'?",
        "error 13: secrets.ike-1.id2: identity is empty; a value with '#' needs quotes",
        "error 3: connections.c.remote_adrs: unknown key 'remote_adrs', did you mean "
        "'remote_addrs'?",
        "error 4: connections.c.version: expected 0, 1 or 2, not '3'",
        "error 5: connections.c.local.auth: expected psk, pubkey or a signature scheme like "
        "rsa, "
        "ecdsa-sha256 or ed25519, not 'pks'",
        "error 6: connections.c.remote.xauth_id: unknown key 'xauth_id'",
        "error 8: connections.c.children.n.mode: expected tunnel, transport, transport_proxy, "
        "beet, pass or drop, not 'tunel', did you mean 'tunnel'?",
        "error 9: connections.c.children.n.local_ts: '10.0.0' is not a subnet: expected e.g. "
        "10.0.0.0/8, fd00::/64, 10.0.0.1-10.0.0.9 or 'dynamic'",
        "error 11: connections.d.encap: expected yes or no, not 'on'",
    };

    (void)state;
    assert_false(fixture_load(&f, "colour = red\n"
                                  "connections { c {\n"
                                  "  remote_adrs = 10.0.0.1\n"
                                  "  version = 3\n"
                                  "  local { auth = pks }\n"
                                  "  remote { xauth_id = x }\n"
                                  "  children { n {\n"
                                  "    mode = tunel\n"
                                  "    local_ts = 10.0.0\n"
                                  "  } } }\n"
                                  "  d { encap = on }\n"
                                  "}\n"
                                  "secrets { ike-1 { id2 = keyid: } }\n"
                                  "culvert { prt = 500 }\n"));
    assert_found(want, COUNT(want));
    fixture_unload(&f);
}

/* An unsupported key keeps its own connection out, and no other one. */
static void a_connection_with_an_error_is_refused_by_itself(void **state)
{
    static const char text[] = "connections {\n"
                               "  old { version = 1 }\n"
                               "  phone { remote { auth = eap-mschapv2 } }\n"
                               "  good { remote_addrs = 10.0.0.1 }\n"
                               "}\n"
                               "secrets { token-1 { handle = 01 } }\n"
                               "pools { p { addrs = nonsense } }\n"
                               "authorities { a { file = gone.pem } }\n";

    (void)state;
    assert_true(fixture_load(&f, text));
    assert_int_equal(f.conf.found.errors, 5);
    assert_non_null(fixture_conn(&f, "good"));
    assert_null(fixture_conn(&f, "good")->next);
    assert_true(conf_refused(&f.conf, "old"));
    assert_true(conf_refused(&f.conf, "phone"));
    assert_false(conf_refused(&f.conf, "good"));
    fixture_unload(&f);
}

/* What we cannot do is no slip; only with one the file is not for use as it is. */
static void a_slip_keeps_the_whole_file_out_unless_that_is_let_pass(void **state)
{
    static const char foreign[] = "connections {\n"
                                  "  old { version = 1 }\n"
                                  "  phone { remote { auth = eap-mschapv2 } }\n"
                                  "  radius { remote { groups = staff } }\n"
                                  "  quantum { ppk_id = x }\n"
                                  "  two { local-1 { }\n local-2 { } }\n"
                                  "  good { remote_addrs = 10.0.0.1 }\n"
                                  "}\n"
                                  "secrets { token-1 { handle = 01 } }\n";
    static const char slip[] = "connections {\n"
                               "  bad { remote_adrs = 10.0.0.2 }\n"
                               "  good { remote_addrs = 10.0.0.1 }\n"
                               "}\n";

    (void)state;
    f.careful = true;
    assert_true(fixture_load(&f, foreign));
    assert_int_equal(f.conf.found.errors, 6);
    assert_int_equal(f.conf.found.unsupported, 6);
    assert_non_null(fixture_conn(&f, "good"));
    assert_null(fixture_conn(&f, "good")->next);
    fixture_unload(&f);
    assert_false(fixture_load(&f, slip));
    assert_null(f.conf.conns);
    fixture_unload(&f);
    f.careful = false;
    assert_true(fixture_load(&f, slip));
    assert_non_null(fixture_conn(&f, "good"));
    fixture_unload(&f);
}

static void with_strict_a_file_is_loaded_as_a_whole_or_not_at_all(void **state)
{
    (void)state;
    assert_false(fixture_load(&f, "connections { old { version = 1 }\n good { } }\n"
                                  "culvert { strict = yes }\n"));
    assert_null(f.conf.conns);
    fixture_unload(&f);
    assert_true(fixture_load(&f, "connections { good { } }\nculvert { strict = yes }\n"));
    assert_non_null(fixture_conn(&f, "good"));
    fixture_unload(&f);
}

/* Every value that charon takes and that user space has no use for; those that ask for what
 * happens anyway are silent. */
static void what_can_be_left_undone_is_warned_of_once(void **state)
{
    static const char *const want[] = {
        "warning 2: connections.c.pull: 'no' has no effect: it belongs to IKEv1's Mode Config",
        "warning 3: connections.c.childless: 'prefer' is 'allow' here: the first Child SA "
        "comes "
        "with the IKE SA",
        "warning 1: connections.c: rand_time is more than rekey_time or reauth_time, and as "
        "long as that here",
        "warning 6: connections.c.local.aaa_id: 'x' has no effect: it belongs to EAP, which "
        "this side does not use",
        "warning 5: connections.c.local: certificates and public keys have no use with auth = "
        "psk",
        "warning 9: connections.c.children.n.hw_offload: 'yes' has no effect: packets are "
        "sealed in user space",
        "warning 10: connections.c.children.n.copy_dscp: 'no' has no effect: the DSCP is "
        "copied to the outside alone",
        "warning 11: connections.c.children.n.replay_window: 5000 is more than there can be; "
        "it is 4096",
        "warning 12: connections.c.children.n.interface: 'eth0' has no effect: what the "
        "selectors name is protected whatever interface it leaves by",
        "warning 8: connections.c.children.n: life_time is less than rekey_time, which is "
        "3272 here",
        "warning 8: connections.c.children.n: rand_bytes is more than rekey_bytes, and as much "
        "as that here",
    };

    (void)state;
    assert_true(fixture_load(&f, "connections { c { rekey_time = 1h\n pull = no\n"
                                 " childless = prefer\n rand_time = 2h\n"
                                 " local { auth = psk\n aaa_id = x\n certs = gw.pem }\n"
                                 " children { n {\n hw_offload = yes\n copy_dscp = no\n"
                                 " replay_window = 5000\n interface = eth0\n"
                                 " rekey_time = 2h\n life_time = 1h\n copy_ecn = yes\n"
                                 " rekey_bytes = 100\n rand_bytes = 200\n"
                                 " per_cpu_sas = no\n"
                                 " } } remote { auth = psk } } }\n"
                                 "secrets { ike { secret = x } }\n"));
    assert_found(want, COUNT(want));
    fixture_unload(&f);
}

static void what_has_no_effect_is_warned_of(void **state)
{
    static const char *const want[] = {
        "warning 2: connections.c.aggressive: aggressive mode belongs to IKEv1; it has no "
        "effect here",
        "warning 3: connections.c.local_addrs: host name 'gw.example' stands for every address "
        "of this host",
    };

    (void)state;
    assert_true(fixture_load(&f, "connections { c { version = 2\n"
                                 " aggressive = yes\n local_addrs = gw.example, 10.0.0.1\n"
                                 " local { certs = gw.pem } } }\n"));
    assert_found(want, COUNT(want));
    assert_int_equal(fixture_conn(&f, "c")->cv.n_local_addrs, 0);
    fixture_unload(&f);
}

/* What keeps nothing from working is a warning in a file as it is over VICI. */
static void addresses_that_nobody_asks_are_warned_of(void **state)
{
    static const char *const want[] = {
        "warning 2: authorities.a.crl_uris: 'ldap://y/' is not used: expected http://, "
        "https:// "
        "or file://",
    };

    (void)state;
    assert_true(fixture_load(&f, "authorities { a { cacert = ca.pem\n"
                                 " crl_uris = http://x/, ldap://y/\n"
                                 " ocsp_uris = http://x:8080 } }\n"));
    assert_found(want, COUNT(want));
    fixture_unload(&f);
}

static void secrets_never_appear_in_messages(void **state)
{
    static const char *const texts[] = {
        "secrets { ike { secret = 0xhunter2 } }",
        "secrets { ike { secret = 0shunter2! } }",
        "secrets { ike-hunter { secret = \"hunter2\"\n id = CN= } }",
        "secrets { private { file = gone\n secret = hunter2 } }",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_false(fixture_load(&f, texts[i]));
        assert_null(strstr(f.why.text, "hunter2"));
        fixture_unload(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_keys_of_a_connection),
        cmocka_unit_test(wrong_keys_of_a_side),
        cmocka_unit_test(missing_and_broken_certificates),
        cmocka_unit_test(wrong_keys_of_a_child),
        cmocka_unit_test(wrong_secrets),
        cmocka_unit_test(wrong_settings_and_other_sections),
        cmocka_unit_test(a_pool_leases_only_what_a_host_can_have),
        cmocka_unit_test(an_error_in_an_inherited_value_names_where_it_was_written),
        cmocka_unit_test(all_errors_are_found_in_one_go),
        cmocka_unit_test(a_connection_with_an_error_is_refused_by_itself),
        cmocka_unit_test(a_slip_keeps_the_whole_file_out_unless_that_is_let_pass),
        cmocka_unit_test(what_can_be_left_undone_is_warned_of_once),
        cmocka_unit_test(with_strict_a_file_is_loaded_as_a_whole_or_not_at_all),
        cmocka_unit_test(what_has_no_effect_is_warned_of),
        cmocka_unit_test(addresses_that_nobody_asks_are_warned_of),
        cmocka_unit_test(secrets_never_appear_in_messages),
    };

    return cmocka_run_group_tests(tests, fixture_make, fixture_drop);
}
