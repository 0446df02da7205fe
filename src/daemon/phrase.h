/* A sentence for the log, put together of the field's things.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_PHRASE_H
#define DAEMON_PHRASE_H

#include <culvert/engine.h>

#include "kit/log.h"

/* Text that ends with "..." where it was cut; zeroed: empty. */
struct phrase {
    size_t n;
    bool full;
    char text[LOG_TEXT];
};

void phrase_add(struct phrase *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void phrase_endpoint(struct phrase *p, const struct cv_endpoint *ep); /* "10.0.0.2[500]" */
void phrase_id(struct phrase *p, const struct cv_id *id);
void phrase_id_body(struct phrase *p, struct cv_span body); /* of an ID payload */
/* "10.0.0.2[500] (gw.example.com)"; id may be NULL or CV_ID_ANY */
void phrase_peer(struct phrase *p, const struct cv_endpoint *ep, const struct cv_id *id);
void phrase_notify(struct phrase *p, uint16_t type); /* "NO_PROPOSAL_CHOSEN" */
/* As swanctl.conf has them: "10.1.0.0/16 dynamic", "aes128gcm16-x25519, aes256-sha256". */
void phrase_ts(struct phrase *p, const struct cv_ts_list *list);
void phrase_ts_configs(struct phrase *p, const struct cv_ts_config *ts, unsigned n);
void phrase_ts_body(struct phrase *p, struct cv_span body); /* of a TS payload */
void phrase_proposals(struct phrase *p, const struct cv_proposal *list, unsigned n);
void phrase_sa_body(struct phrase *p, struct cv_span body); /* of an SA payload */
void phrase_suite(struct phrase *p, const struct cv_suite *s);

#endif
