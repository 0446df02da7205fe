/* What opens the API: tokens, one-time links for logging in, sessions.  Only hashes are kept.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_REGISTRY_TOKEN_H
#define FLEET_REGISTRY_TOKEN_H

#include "fleet/registry.h"

enum token_kind { TOKEN_API, TOKEN_LINK, TOKEN_SESSION, TOKEN_KINDS };
enum { TOKEN_TEXT = 53 }; /* 256 bits in base32, and a NUL */

struct token {
    int64_t id;
    enum token_kind kind;
    char name[64];    /* what it is for; of an API token: unique, as devices' names are */
    char scopes[256]; /* words with a space between: the business of those who check them */
    char tenant[64];  /* "": all */
    int64_t created_s, ends_s; /* ends_s 0: never */
    int64_t used_s;            /* last time, to the minute; 0: never */
};

/* Makes one as t says, fills in its id and created_s; out is the only copy of the secret. */
enum registry_err registry_token_make(struct registry *r, struct token *t,
                                      char out[TOKEN_TEXT]);
/* Whose is it?  A link can be used once: the second time it is REGISTRY_USED. */
enum registry_err registry_token_check(struct registry *r, enum token_kind kind,
                                       const char *secret, struct token *out);
enum registry_err registry_token_remove(struct registry *r, int64_t id);
typedef void token_each(void *ctx, const struct token *t);
/* Those that have not ended, by number. */
enum registry_err registry_token_list(struct registry *r, enum token_kind kind,
                                      token_each *each, void *ctx);

#endif
