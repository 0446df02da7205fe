/* Owns the connection: resolving, connecting, TLS, who the other side is, asking, reading.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "setup/https.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"
#include "kit/clock.h"
#include "kit/mem.h"
#include "pki/base64.h"
#include "pki/pkey.h"

/* One attempt, and when it ends. */
struct link {
    const struct https_peer *peer;
    uint64_t end_ms;
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
};

static bool late(const struct link *l, struct problem *why)
{
    return problem_set(why, "%s does not answer (tried for %u s)", l->peer->host,
                       l->peer->limit_ms / 1000);
}

static int left_ms(const struct link *l)
{
    const uint64_t now = clock_now_ms();

    return now < l->end_ms ? (int)(l->end_ms - now) : 0;
}

/* ---- TCP --------------------------------------------------------------------------- */

static bool wait_for(const struct link *l, short events)
{
    struct pollfd p = {.fd = l->fd, .events = events};

    return poll(&p, 1, left_ms(l)) == 1;
}

/* The next address has a chance, too, when this one is silent. */
static bool connect_to(struct link *l, const struct addrinfo *a)
{
    socklen_t n = sizeof(int);
    int err = 0;

    l->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return false;
    if (connect(l->fd, a->ai_addr, a->ai_addrlen) == 0)
        return true;
    if (errno == EINPROGRESS && wait_for(l, POLLOUT) &&
        getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &err, &n) == 0 && err == 0)
        return true;
    err = err != 0 ? err : errno == EINPROGRESS ? ETIMEDOUT : errno;
    close(l->fd);
    l->fd = -1;
    errno = err;
    return false;
}

static bool open_tcp(struct link *l, struct problem *why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char port[8];
    int err;

    (void)snprintf(port, sizeof(port), "%u", l->peer->port);
    err = getaddrinfo(l->peer->host, port, &hints, &list);
    if (err != 0)
        return problem_set(why, "%s: %s", l->peer->host, gai_strerror(err));
    errno = 0;
    for (const struct addrinfo *a = list; a != NULL && l->fd < 0; a = a->ai_next)
        (void)connect_to(l, a);
    err = errno;
    freeaddrinfo(list);
    return l->fd >= 0 ||
           problem_set(why, "%s port %u: %s", l->peer->host, l->peer->port, strerror(err));
}

/* ---- TLS --------------------------------------------------------------------------- */

/* What a call on ssl that returned r waits for; false: nothing, it has failed. */
static bool wait_tls(const struct link *l, int r)
{
    const int err = SSL_get_error(l->ssl, r);

    return (err == SSL_ERROR_WANT_READ && wait_for(l, POLLIN)) ||
           (err == SSL_ERROR_WANT_WRITE && wait_for(l, POLLOUT));
}

static bool use_own(struct link *l)
{
    const struct https_peer *p = l->peer;

    return p->cert == NULL || (SSL_use_certificate(l->ssl, p->cert) == 1 &&
                               SSL_use_PrivateKey(l->ssl, p->key) == 1);
}

static bool open_tls(struct link *l, struct problem *why)
{
    int r;

    l->ctx = SSL_CTX_new(TLS_client_method());
    if (l->ctx == NULL || SSL_CTX_set_min_proto_version(l->ctx, TLS1_2_VERSION) != 1)
        return problem_set(why, "TLS is not possible: %s", pki_reason());
    /* Judged below, by the pin, before anything is sent. */
    SSL_CTX_set_verify(l->ctx, SSL_VERIFY_NONE, NULL);
    l->ssl = SSL_new(l->ctx);
    if (l->ssl == NULL || SSL_set_fd(l->ssl, l->fd) != 1 || !use_own(l) ||
        (strchr(l->peer->host, ':') == NULL &&
         SSL_set_tlsext_host_name(l->ssl, l->peer->host) != 1))
        return problem_set(why, "TLS is not possible: %s", pki_reason());
    while ((r = SSL_connect(l->ssl)) != 1)
        if (!wait_tls(l, r))
            return left_ms(l) == 0 ? late(l, why)
                                   : problem_set(why, "%s does not complete TLS: %s",
                                                 l->peer->host, pki_reason());
    return true;
}

/* ---- who it is ------------------------------------------------------------------------ */

static X509 *find_pinned(const struct link *l)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(l->ssl);
    struct pin pin;

    for (int i = 0; i < sk_X509_num(chain); i++) {
        X509 *cert = sk_X509_value(chain, i);

        if (pin_of_cert(cert, &pin) && pin_equal(&pin, l->peer->pin))
            return cert;
    }
    return NULL;
}

/* The chain from its certificate to the pinned authority, for servers, at the peer's now_s. */
static int judge(const struct link *l, X509 *leaf, X509 *authority)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int result = X509_V_ERR_OUT_OF_MEM;

    if (store != NULL && ctx != NULL && X509_STORE_add_cert(store, authority) == 1 &&
        X509_STORE_CTX_init(ctx, store, leaf, SSL_get_peer_cert_chain(l->ssl)) == 1 &&
        X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER) == 1) {
        if (l->peer->now_s == 0)
            X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
        else
            X509_STORE_CTX_set_time(ctx, 0, (time_t)l->peer->now_s);
        result = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return result;
}

/* How the gateway calls itself in IKE: the first name in its certificate. */
static void take_name(X509 *leaf, char out[HTTPS_NAME])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(names) && out[0] == '\0'; i++) {
        int type;
        const ASN1_STRING *value =
            GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        const int n = type == GEN_DNS ? ASN1_STRING_length(value) : 0;

        if (n > 0 && n < HTTPS_NAME)
            (void)snprintf(out, HTTPS_NAME, "%.*s", n,
                           (const char *)ASN1_STRING_get0_data(value));
    }
    GENERAL_NAMES_free(names);
}

static bool check_peer(const struct link *l, struct https_answer *out, struct problem *why)
{
    X509 *leaf = SSL_get0_peer_certificate(l->ssl), *authority = find_pinned(l);
    int result;

    if (leaf == NULL || authority == NULL)
        return problem_set(why,
                           "%s is not the gateway: nothing that it shows has the expected "
                           "fingerprint. Somebody may be in between, or it was set up anew",
                           l->peer->host);
    result = judge(l, leaf, authority);
    if (result != X509_V_OK)
        return problem_set(why, "%s is not accepted as the gateway: %s", l->peer->host,
                           X509_verify_cert_error_string(result));
    X509_up_ref(authority);
    out->authority = authority;
    take_name(leaf, out->gateway);
    return true;
}

/* ---- asking ------------------------------------------------------------------------ */

static bool send_all(const struct link *l, const char *text, size_t n, struct problem *why)
{
    int r;

    while ((r = SSL_write(l->ssl, text, (int)n)) <= 0)
        if (!wait_tls(l, r))
            return left_ms(l) == 0 ? late(l, why)
                                   : problem_set(why, "%s ended the connection", l->peer->host);
    return true;
}

static char *basic(const struct https_request *req)
{
    char plain[512], word[1024] = "", *lines;
    const int n = snprintf(plain, sizeof(plain), "%s:%s", req->user, req->password);
    size_t at = 0;

    if (n < 0 || (size_t)n >= sizeof(plain))
        return mem_text("");
    lines = base64_lines((struct cv_span){(const uint8_t *)plain, (size_t)n});
    for (size_t i = 0; lines[i] != '\0'; i++)
        if (lines[i] != '\n')
            word[at++] = lines[i];
    wipe(plain, sizeof(plain));
    wipe(lines, strlen(lines));
    free(lines);
    return mem_text(word);
}

static bool send_request(const struct link *l, const struct https_request *req,
                         struct problem *why)
{
    char *credential = req->user != NULL ? basic(req) : NULL, *text = NULL;
    const size_t body_n = req->body != NULL ? strlen(req->body) : 0;
    const bool six = strchr(l->peer->host, ':') != NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    bool ok;

    fprintf(f, "%s %s HTTP/1.1\r\nHost: %s%s%s:%u\r\nConnection: close\r\n", req->method,
            req->path, six ? "[" : "", l->peer->host, six ? "]" : "", l->peer->port);
    if (credential != NULL)
        fprintf(f, "Authorization: Basic %s\r\n", credential);
    if (req->type != NULL)
        fprintf(f, "Content-Type: %s\r\nContent-Transfer-Encoding: base64\r\n", req->type);
    if (req->body != NULL)
        fprintf(f, "Content-Length: %zu\r\n", body_n);
    fprintf(f, "\r\n%s", req->body != NULL ? req->body : "");
    fclose(f);
    ok = send_all(l, text, n, why);
    wipe(text, n);
    free(text);
    if (credential != NULL)
        wipe(credential, strlen(credential));
    free(credential);
    return ok;
}

/* Until the gateway ends the connection, as it was asked to. */
static bool read_answer(const struct link *l, struct https_answer *out, struct problem *why)
{
    char *text = mem_new(HTTPS_BODY_MAX + 1, 1);
    size_t n = 0;
    bool ok = true;
    int r = 1;

    while (ok && r > 0 && n < HTTPS_BODY_MAX) {
        r = SSL_read(l->ssl, &text[n], (int)(HTTPS_BODY_MAX - n));
        if (r > 0)
            n += (size_t)r;
        else if (wait_tls(l, r))
            r = 1;
        else if (left_ms(l) == 0)
            ok = late(l, why);
    }
    if (ok && n == HTTPS_BODY_MAX)
        ok = problem_set(why, "the gateway's answer is too long");
    ok = ok && https_parse(text, n, out, why);
    free(text);
    return ok;
}

bool https_ask(const struct https_peer *peer, const struct https_request *req,
               struct https_answer *out, struct problem *why)
{
    struct link l = {.peer = peer, .end_ms = clock_now_ms() + peer->limit_ms, .fd = -1};
    bool ok;

    *out = (struct https_answer){.status = 0};
    ok = open_tcp(&l, why) && open_tls(&l, why) && check_peer(&l, out, why) &&
         send_request(&l, req, why) && read_answer(&l, out, why);
    if (ok)
        (void)SSL_shutdown(l.ssl);
    SSL_free(l.ssl);
    SSL_CTX_free(l.ctx);
    if (l.fd >= 0)
        close(l.fd);
    (void)pki_reason();
    return ok;
}
