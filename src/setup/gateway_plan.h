/* What `culvert init` was asked for, and init.conf, which remembers it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SETUP_GATEWAY_PLAN_H
#define SETUP_GATEWAY_PLAN_H

#include <stdint.h>

#include "kit/problem.h"
#include "setup/places.h"

enum { PLAN_LIST = 8, PLAN_TEXT = 256 };

struct gateway_plan {
    char name[PLAN_TEXT];    /* how it is called, in IKE and in certificates */
    char address[PLAN_TEXT]; /* where devices connect to: HOST or HOST:PORT */
    char pool[PLAN_TEXT];    /* 10.99.0.0/16: the first address is the gateway's own */
    char service[PLAN_LIST][PLAN_TEXT]; /* networks that devices reach */
    unsigned n_service;
    char dns[PLAN_LIST][PLAN_TEXT];
    unsigned n_dns;
    char listen[PLAN_LIST]
               [PLAN_TEXT]; /* of culvert-fleetd; the port of the first is the bundles' */
    unsigned n_listen;
    char registry[PLAN_TEXT]; /* a path or postgresql://...; "" : fleet.db in the state
                                 directory */
    int64_t lifetime_s;       /* of devices' certificates */
};

/* Checks all of it and fills in what was left out.  false: why says what is wrong. */
bool gateway_plan_check(struct gateway_plan *plan, const struct places *p, struct problem *why);
/* The gateway's own address in the pool, and the pool from the next one on. */
void gateway_plan_inside(const struct gateway_plan *plan, char own[PLAN_TEXT],
                         char others[PLAN_TEXT]);
/* Is that address in one of the service networks? */
bool gateway_plan_serves(const struct gateway_plan *plan, const char *address);

enum plan_known { PLAN_NEW, PLAN_SAME, PLAN_OTHER, PLAN_BROKEN };
/* Compares with what init.conf remembers.  PLAN_OTHER: why says what differs, a line each. */
enum plan_known gateway_plan_compare(const struct gateway_plan *plan, const struct places *p,
                                     struct problem *why);
bool gateway_plan_write(const struct gateway_plan *plan, const struct places *p,
                        struct problem *why);

#endif
