/* Owns how the server proves itself and what it takes from clients: TLS 1.2 and 1.3 (RFC 9325).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>

#include "http/inside.h"

static const char *reason(void)
{
    const unsigned long err = ERR_peek_error();
    const char *text = ERR_reason_error_string(err);

    if (ERR_SYSTEM_ERROR(err))
        text = strerror(ERR_GET_REASON(err));
    ERR_clear_error();
    return text != NULL ? text : "no reason is given";
}

/* A certificate that does not hold ends nothing: the handler sees why, and decides. */
static int note_verdict(int good, X509_STORE_CTX *store)
{
    (void)good;
    (void)store;
    return 1;
}

static bool ask_clients(SSL_CTX *ctx, const char *file, struct problem *why)
{
    STACK_OF(X509_NAME) * names;

    if (SSL_CTX_load_verify_locations(ctx, file, NULL) != 1)
        return problem_set(why, "client_ca %s: %s", file, reason());
    names = SSL_load_client_CA_file(file);
    if (names == NULL)
        return problem_set(why, "client_ca %s: %s", file, reason());
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, note_verdict);
    SSL_CTX_set_verify_depth(ctx, 4);
    return true;
}

static bool set_up(SSL_CTX *ctx, const struct http_settings *s, struct problem *why)
{
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        return problem_set(why, "TLS: %s", reason());
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* A resumed session would bring a client's certificate that has ended meanwhile. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(ctx, s->certificate) != 1)
        return problem_set(why, "certificate %s: %s", s->certificate, reason());
    if (SSL_CTX_use_PrivateKey_file(ctx, s->key, SSL_FILETYPE_PEM) != 1)
        return problem_set(why, "key %s: %s", s->key, reason());
    if (SSL_CTX_check_private_key(ctx) != 1)
        return problem_set(why, "key %s does not belong to certificate %s", s->key,
                           s->certificate);
    return s->client_ca == NULL || ask_clients(ctx, s->client_ca, why);
}

SSL_CTX *tls_new(const struct http_settings *s, struct problem *why)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL) {
        problem_set(why, "TLS: %s", reason());
        return NULL;
    }
    if (set_up(ctx, s, why))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}
