/* Owns who may ask what: tokens for programs, a session for the page.
 *
 * A program shows its token with each request (RFC 6750).  The page has a cookie, which a
 * browser would also send for a foreign page, were it not SameSite=Strict; whatever changes
 * something needs the session's second token besides, which only our own page can read.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <string.h>

#include "base/secret.h"
#include "web/inside.h"

/* __Host-: only over TLS, only this host, set by no neighbour of a parent domain. */
#define COOKIE "__Host-culvert"

enum { WRONG_COST = 20 };

static const struct {
    const char *word;
    unsigned scopes;
} words[] = {
    {"read",   SCOPE_READ },
    {"enrol",  SCOPE_ENROL},
    {"manage", SCOPE_ANY  },
};

bool access_scopes_of(const char *text, unsigned *out)
{
    *out = SCOPE_NONE;
    while (*text != '\0') {
        const size_t n = strcspn(text, " ");
        bool found = n == 0;

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
            if (strlen(words[i].word) == n && strncmp(words[i].word, text, n) == 0) {
                *out |= words[i].scopes;
                found = true;
            }
        if (!found)
            return false;
        text += n + (text[n] == ' ');
    }
    return true;
}

static void make_csrf(char out[ACCESS_CSRF], const char *secret)
{
    static const char purpose[] = "culvert page token";
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};
    unsigned n = 0;

    if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1 ||
        EVP_DigestUpdate(md, purpose, sizeof(purpose)) != 1 ||
        EVP_DigestUpdate(md, secret, strlen(secret)) != 1 ||
        EVP_DigestFinal_ex(md, digest, &n) != 1)
        n = 0;
    EVP_MD_CTX_free(md);
    out[0] = '\0';
    for (unsigned i = 0; n > 0 && i < (ACCESS_CSRF - 1) / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    wipe(digest, sizeof(digest));
}

static bool take_over(struct call *c, enum token_kind kind, const char *secret)
{
    struct token t;
    const enum registry_err err = registry_token_check(c->r, kind, secret, &t);

    if (err == REGISTRY_WRONG || err == REGISTRY_EXPIRED || err == REGISTRY_NONE ||
        err == REGISTRY_USED || err == REGISTRY_BAD) {
        c->res->cost = WRONG_COST;
        http_problem(c->res, 401,
                     kind == TOKEN_SESSION ? "this session has ended; log in by a new link"
                                           : "this token is unknown, revoked or has ended");
        return false;
    }
    if (!call_ok(c, err))
        return false;
    (void)access_scopes_of(t.scopes, &c->who.scopes);
    memcpy(c->who.tenant, t.tenant, sizeof(c->who.tenant));
    memcpy(c->who.name, t.name, sizeof(c->who.name));
    c->who.token = t.id;
    c->who.ends_s = t.ends_s;
    return true;
}

/* The page's second token, with whatever changes something. */
static bool csrf_is_shown(const struct call *c)
{
    const char *shown = http_field(c->req, "X-Culvert-Token");

    return shown != NULL && c->who.csrf[0] != '\0' && strlen(shown) == strlen(c->who.csrf) &&
           ct_equal(shown, c->who.csrf, strlen(shown));
}

static bool identify(struct call *c)
{
    const char *shown = http_field(c->req, "Authorization");
    char secret[TOKEN_TEXT];
    bool good;

    if (shown != NULL && strncmp(shown, "Bearer ", 7) == 0)
        return take_over(c, TOKEN_API, shown + 7);
    if (!http_cookie(c->req, COOKIE, secret, sizeof(secret))) {
        http_problem(c->res, 401,
                     "a token is needed: Authorization: Bearer TOKEN (culvert api "
                     "token add), or a session (culvert web link)");
        return false;
    }
    c->who.by_session = true;
    good = take_over(c, TOKEN_SESSION, secret);
    if (good)
        make_csrf(c->who.csrf, secret);
    wipe(secret, sizeof(secret));
    return good;
}

bool access_check(struct call *c, unsigned scopes)
{
    if (!identify(c)) {
        if (c->res->status == 401)
            http_add_field(c->res, "WWW-Authenticate", "Bearer realm=\"culvert\"");
        return false;
    }
    if (c->who.by_session && !(c->req->method & (HTTP_GET | HTTP_HEAD)) && !csrf_is_shown(c)) {
        http_problem(c->res, 403, "the page's token is missing (X-Culvert-Token)");
        return false;
    }
    if ((c->who.scopes & scopes) != 0)
        return true;
    http_problem(c->res, 403, "this token may not do that: it lacks the scope for it");
    return false;
}

/* ---- sessions -------------------------------------------------------------------------- */

static void write_session(struct call *c, unsigned status)
{
    struct json j = call_json(c, status);

    json_object(&j, NULL);
    json_text(&j, "name", c->who.name);
    json_text(&j, "tenant", c->who.tenant);
    json_array(&j, "scopes");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if ((c->who.scopes & words[i].scopes) == words[i].scopes)
            json_text(&j, NULL, words[i].word);
    json_end_array(&j);
    json_number(&j, "ends", (uint64_t)c->who.ends_s);
    json_text(&j, "token", c->who.csrf);
    json_end_object(&j);
    json_finish(&j);
}

void session_get(struct call *c)
{
    write_session(c, 200);
}

static const struct body_key login_keys[] = {
    {"link", 1, 0, TOKEN_TEXT},
    {NULL,   0, 0, 0         },
};

/* The link's scopes become the session's. */
static void begin_session(struct call *c, const struct token *link)
{
    struct token t = {.kind = TOKEN_SESSION, .ends_s = c->req->now_s + ACCESS_SESSION_S};
    char secret[TOKEN_TEXT];

    memcpy(t.name, link->name, sizeof(t.name));
    memcpy(t.scopes, link->scopes, sizeof(t.scopes));
    memcpy(t.tenant, link->tenant, sizeof(t.tenant));
    if (!call_ok(c, registry_token_make(c->r, &t, secret)))
        return;
    (void)access_scopes_of(t.scopes, &c->who.scopes);
    memcpy(c->who.name, t.name, sizeof(c->who.name));
    memcpy(c->who.tenant, t.tenant, sizeof(c->who.tenant));
    c->who.ends_s = t.ends_s;
    make_csrf(c->who.csrf, secret);
    http_add_field(c->res, "Set-Cookie",
                   COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=%d", secret,
                   ACCESS_SESSION_S);
    wipe(secret, sizeof(secret));
    write_session(c, 201);
}

/* Open to all: the link is what is shown. */
void session_post(struct call *c)
{
    struct node *body = call_body(c);
    char link[TOKEN_TEXT] = "";
    struct token t;
    enum registry_err err;
    unsigned given;

    if (body == NULL || !call_read(c, body, login_keys, link, &given)) {
        tree_free(body);
        return;
    }
    tree_free(body);
    err = registry_token_check(c->r, TOKEN_LINK, link, &t);
    wipe(link, sizeof(link));
    if (err == REGISTRY_OK) {
        begin_session(c, &t);
        return;
    }
    if (err == REGISTRY_AWAY || err == REGISTRY_FULL) {
        (void)call_ok(c, err);
        return;
    }
    c->res->cost = WRONG_COST;
    http_problem(c->res, 403,
                 err == REGISTRY_USED
                     ? "this link has been used; ask for a new one: culvert web link"
                     : "this link is unknown or has ended; ask for a new one: "
                       "culvert web link");
}

void session_delete(struct call *c)
{
    if (!c->who.by_session) {
        http_problem(c->res, 409, "this is no session");
        return;
    }
    if (!call_ok(c, registry_token_remove(c->r, c->who.token)))
        return;
    http_add_field(c->res, "Set-Cookie", COOKIE "=; Path=/; Secure; HttpOnly; Max-Age=0");
    c->res->status = 204;
}
