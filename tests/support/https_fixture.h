/* An HTTPS server in a thread of its own, and a client that sends octets and takes what comes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_HTTPS_FIXTURE_H
#define TESTS_SUPPORT_HTTPS_FIXTURE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/http.h"
#include "tests/support/pki.h"

struct https {
    char dir[64], certificate[96], key[96], ca[96];
    struct pki authority, own, device, stranger;
    struct event_base *base;
    struct http_server *server;
    struct event *stop;
    pthread_t thread;
    unsigned port;
};

static inline void https_write(const char *path, X509 *cert, EVP_PKEY *key)
{
    FILE *out = fopen(path, "w");

    pki_need(out != NULL, path);
    if (cert != NULL)
        pki_need(PEM_write_X509(out, cert) == 1, "certificate");
    if (key != NULL)
        pki_need(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1, "key");
    fclose(out);
}

static inline struct pki https_pki(const char *name, const struct pki *issuer, bool ca,
                                   int64_t until_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct pki p = pki_make(key, (struct pki_spec){.name = name,
                                                   .issuer = issuer,
                                                   .ca = ca,
                                                   .from_s = -PKI_DAY,
                                                   .until_s = until_s,
                                                   .alt = ca ? NULL : "IP:127.0.0.1"});

    EVP_PKEY_free(key);
    return p;
}

static inline void https_make_files(struct https *f)
{
    const int64_t long_s = (int64_t)20000 * PKI_DAY;

    strcpy(f->dir, "/tmp/culvert-https.XXXXXX");
    pki_need(mkdtemp(f->dir) != NULL, "mkdtemp");
    snprintf(f->certificate, sizeof(f->certificate), "%s/cert.pem", f->dir);
    snprintf(f->key, sizeof(f->key), "%s/key.pem", f->dir);
    snprintf(f->ca, sizeof(f->ca), "%s/ca.pem", f->dir);
    f->authority = https_pki("Fleet CA", NULL, true, long_s);
    f->own = https_pki("gw", &f->authority, false, long_s);
    f->device = https_pki("s-1", &f->authority, false, long_s);
    f->stranger = https_pki("s-2", NULL, false, long_s);
    https_write(f->certificate, f->own.cert, NULL);
    https_write(f->key, NULL, f->own.key);
    https_write(f->ca, f->authority.cert, NULL);
}

static inline void *https_loop(void *ctx)
{
    event_base_dispatch(((struct https *)ctx)->base);
    return NULL;
}

static int https_pipe[2];

static inline void https_on_stop(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(ctx);
}

/* s NULL: the defaults; its files and addresses are the fixture's. */
static inline void https_start(struct https *f, const struct http_settings *s,
                               const struct http_table *const *tables)
{
    static const char *const at[] = {"127.0.0.1:0", NULL};
    struct http_settings set;
    struct problem why;

    memset(f, 0, sizeof(*f));
    https_make_files(f);
    http_settings_default(&set);
    if (s != NULL)
        set = *s;
    set.listen = at;
    set.certificate = f->certificate;
    set.key = f->key;
    set.client_ca = f->ca;
    f->base = event_base_new();
    f->server = http_server_new(f->base, &set, tables, &why);
    pki_need(f->server != NULL && http_server_start(f->server, &why), why.text);
    f->port = http_server_port(f->server, 0);
    pki_need(pipe(https_pipe) == 0, "pipe");
    f->stop = event_new(f->base, https_pipe[0], EV_READ, https_on_stop, f->base);
    event_add(f->stop, NULL);
    pki_need(pthread_create(&f->thread, NULL, https_loop, f) == 0, "thread");
}

/* The loop has ended: figures can be read. */
static inline void https_halt(struct https *f)
{
    pki_need(write(https_pipe[1], "x", 1) == 1, "pipe");
    pthread_join(f->thread, NULL);
}

static inline void https_end(struct https *f)
{
    struct pki *all[] = {&f->authority, &f->own, &f->device, &f->stranger};

    event_free(f->stop);
    http_server_free(f->server);
    event_base_free(f->base);
    close(https_pipe[0]);
    close(https_pipe[1]);
    for (size_t i = 0; i < 4; i++)
        pki_free(all[i]);
    unlink(f->certificate);
    unlink(f->key);
    unlink(f->ca);
    rmdir(f->dir);
}

/* ---- the client ---------------------------------------------------------------------- */

struct https_client {
    SSL_CTX *tls;
    SSL *ssl;
    int fd;
};

static inline bool https_connect(struct https_client *c, const struct https *f,
                                 const struct pki *shows)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->port)};
    struct timeval patience = {5, 0};

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    c->tls = SSL_CTX_new(TLS_client_method());
    if (shows != NULL)
        pki_need(SSL_CTX_use_certificate(c->tls, shows->cert) == 1 &&
                     SSL_CTX_use_PrivateKey(c->tls, shows->key) == 1,
                 "client's certificate");
    c->ssl = SSL_new(c->tls);
    SSL_set_fd(c->ssl, c->fd);
    return connect(c->fd, (struct sockaddr *)&at, sizeof(at)) == 0 && SSL_connect(c->ssl) == 1;
}

static inline void https_close(struct https_client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->tls);
    close(c->fd);
}

static inline bool https_send(struct https_client *c, const char *text)
{
    return SSL_write(c->ssl, text, (int)strlen(text)) == (int)strlen(text);
}

/* Reads until the text is there, or the end; out is what came. */
static inline bool https_until(struct https_client *c, const char *text, char *out, size_t cap)
{
    size_t n = strlen(out);

    while (strstr(out, text) == NULL) {
        const int got = n + 1 < cap ? SSL_read(c->ssl, out + n, (int)(cap - n - 1)) : 0;

        if (got <= 0)
            return false;
        n += (size_t)got;
        out[n] = '\0';
    }
    return true;
}

/* One request over a connection of its own; the status, 0 when nothing came. */
static inline unsigned https_ask(const struct https *f, const struct pki *shows,
                                 const char *request, char *out, size_t cap)
{
    struct https_client c;
    unsigned status = 0;

    out[0] = '\0';
    if (https_connect(&c, f, shows) && https_send(&c, request)) {
        (void)https_until(&c, "\1never\1", out, cap); /* to the end: Connection: close */
        (void)sscanf(out, "HTTP/1.1 %u", &status);
    }
    https_close(&c);
    return status;
}

#endif
