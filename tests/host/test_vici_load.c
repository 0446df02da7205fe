/* What clients load over VICI, and what they cannot.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/vici_fixture.h"

static void secrets_are_loaded_listed_and_unloaded(void **state)
{
    struct node *message = tree_new(), *owners;
    struct cv_id a = id_of("a"), b = id_of("b");
    struct cv_span secret;
    int fd = client();

    (void)state;
    tree_add_value(message, "id", "ike-1");
    tree_add_value(message, "type", "ike");
    tree_add_bytes(message, "data", "\0x", 2);
    owners = tree_add_list(message, "owners");
    tree_add_item(owners, "a");
    tree_add_item(owners, "b");
    send_packet(fd, VICI_CMD_REQUEST, "load-shared", message);
    assert_received(fd, "answer success=yes");
    assert_int_equal(creds_psk(d.creds, &a, &b, &secret), CV_OK);
    assert_int_equal(secret.n, 2);
    command(fd, "get-shared", "");
    assert_received(fd, "answer keys[ike-1 ]");
    command(fd, "unload-shared", "id=ike-1");
    assert_received(fd, "answer success=yes");
    assert_int_equal(creds_psk(d.creds, &a, &b, &secret), CV_ERR_NO_CREDENTIAL);
    command(fd, "unload-shared", "id=ike-1");
    assert_received(fd,
                    "answer success=no errmsg=no shared key with unique identifier 'ike-1'");
    command(fd, "load-shared", "type=ntlm data=x");
    assert_received(fd, "answer success=yes");
    command(fd, "load-shared", "type=bliss data=x");
    assert_received(fd,
                    "answer success=no errmsg=shared keys of type 'bliss' are not implemented");
    close(fd);
}

/* A reload of the daemon's file clears and loads what is the file's. */
static void a_client_clears_only_what_clients_have_loaded(void **state)
{
    struct cv_id file = id_of("file"), any = id_of("other"), here = id_of("here");
    struct cv_span secret;
    struct problem why;
    int fd = client();

    (void)state;
    assert_true(creds_add_shared(d.creds, SHARED_IKE, "s", &file, 1, span("f", 1), &why));
    command(fd, "load-shared", "id=s type=IKE data=client");
    assert_received(fd, "answer success=yes");
    assert_int_equal(creds_psk(d.creds, &here, &file, &secret), CV_OK);
    assert_int_equal(secret.n, 1);
    assert_int_equal(creds_psk(d.creds, &here, &any, &secret), CV_OK);
    assert_int_equal(secret.n, 6);
    creds_clear(d.creds);
    assert_int_equal(creds_psk(d.creds, &here, &any, &secret), CV_OK);
    assert_true(creds_add_shared(d.creds, SHARED_IKE, "s", &file, 1, span("f", 1), &why));
    command(fd, "clear-creds", "");
    assert_received(fd, "answer success=yes");
    assert_int_equal(creds_psk(d.creds, &here, &file, &secret), CV_OK);
    assert_int_equal(creds_psk(d.creds, &here, &any, &secret), CV_ERR_NO_CREDENTIAL);
    close(fd);
}

/* The same reader as that of files: all errors, in the answer as in the log. */
static void a_connections_errors_are_all_answered(void **state)
{
    struct node *message = tree_new(), *c = tree_add_section(message, "c");
    int fd = client();

    (void)state;
    tree_add_value(c, "remote_adrs", "10.0.0.1");
    tree_add_value(c, "version", "3");
    tree_add_value(tree_add_section(c, "local"), "auth", "pks");
    send_packet(fd, VICI_CMD_REQUEST, "load-conn", message);
    assert_received(fd,
                    "answer success=no errmsg=c.remote_adrs: unknown key 'remote_adrs', did "
                    "you mean 'remote_addrs'?; c.version: expected 0, 1 or 2, not '3'; "
                    "c.local.auth: expected psk, pubkey or a signature scheme like rsa, "
                    "ecdsa-sha256 or ed25519, not 'pks'");
    close(fd);
}

/* As charon, whose clients know which keys have lists. */
static void what_charon_refuses_is_refused(void **state)
{
    static const char *const commands[][2] = {
        {"load-key",     "data=x"             },
        {"load-key",     "type=quantum data=x"},
        {"flush-certs",  "type=PAPER"         },
        {"install",      ""                   },
        {"install",      "child=nobody"       },
        {"uninstall",    "child=nobody"       },
        {"get-counters", "name=nobody"        },
    };
    struct node *message, *c;
    int fd = client();

    (void)state;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        command(fd, commands[i][0], commands[i][1]);
        assert_non_null(strstr(received(fd), "success=no"));
    }
    message = tree_new();
    c = tree_add_section(message, "c");
    tree_add_item(tree_add_list(c, "version"), "2");
    tree_add_value(c, "remote_addrs", "10.0.0.1");
    tree_add_item(tree_add_list(c, "proposals"), "");
    send_packet(fd, VICI_CMD_REQUEST, "load-conn", message);
    assert_received(fd, "answer success=no errmsg=c.version: expected one value, not a list; "
                        "c.remote_addrs: expected a list, not one value; c.proposals: expected "
                        "a proposal");
    command(fd, "flush-certs", "type=x509_crl");
    assert_received(fd, "answer success=yes");
    command(fd, "install", "child=net");
    assert_received(fd, "answer success=yes");
    close(fd);
}

static void what_is_not_implemented_says_so(void **state)
{
    int fd = client();

    (void)state;
    command(fd, "load-cert", "type=X509_AC data=x");
    assert_received(fd, "answer success=no errmsg=certificates of type 'X509_AC' are not "
                        "implemented");
    command(fd, "load-token", "handle=01");
    assert_received(fd, "answer success=no errmsg=keys on tokens are not implemented");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(secrets_are_loaded_listed_and_unloaded),
        SERVER_TEST(a_client_clears_only_what_clients_have_loaded),
        SERVER_TEST(a_connections_errors_are_all_answered),
        SERVER_TEST(what_charon_refuses_is_refused),
        SERVER_TEST(what_is_not_implemented_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
