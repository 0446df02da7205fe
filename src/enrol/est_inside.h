/* What the two files of EST share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ENROL_EST_INSIDE_H
#define ENROL_EST_INSIDE_H

#include "enrol/est.h"
#include "fleet/registry_code.h"
#include "pki/authority.h"

struct est {
    struct authority ca;
    char *inside;
    int64_t lifetime_s;
    struct http_table table;
    struct registry_pool *pool;
};

/* Who asks for a certificate, and by what right. */
struct est_claim {
    struct device device;
    const struct code_try *code; /* or NULL: by the certificate that is to be renewed */
    X509_REQ *req;
    const char *from; /* the peer's address */
    int64_t now_s;
};

/* A handle, or it is answered that the registry is away: NULL. */
struct registry *est_take(struct est *e, struct http_response *res);
void est_give(struct est *e, struct registry *r);
/* Says why the registry refused. */
void est_refuse(const struct registry *r, enum registry_err err, struct http_response *res);

/* Issues what is asked for, has it written down together with the code's use, and answers. */
void est_issue(struct est *e, struct est_claim *claim, struct http_response *res);

#endif
