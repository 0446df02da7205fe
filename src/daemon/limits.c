/* Owns: the words for what was full.
 * Invariant: at most QUOTA_BURST lines at once and then one a second for each limit, whatever
 * others do; a line says how often it was since the one before.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/limits.h"

#include "daemon/inside.h"
#include "daemon/phrase.h"
#include "kit/clock.h"

/* key: what raises it, where that is another one or none. */
static const struct {
    const char *what, *key;
} words[] = {
    [CV_LIMIT_IKE_SAS] = {"IKE SAs",                         "culvert.ike_sas"        },
    [CV_LIMIT_HANDSHAKES] = {"handshakes under way",            "culvert.handshakes"     },
    [CV_LIMIT_MESSAGES] = {"messages that are kept",          "culvert.messages"       },
    [CV_LIMIT_CHILD_SAS] = {"Child SAs",                       "culvert.child_sas"      },
    [CV_LIMIT_CHILDREN] = {"Child SAs of one IKE SA",         NULL                     },
    [CV_LIMIT_SOURCE] = {"half-open IKE SAs of one source", "culvert.block_threshold"},
};
_Static_assert(sizeof(words) / sizeof(words[0]) == CV_LIMIT_COUNT, "words for each limit");

static void tell(struct daemon *d, enum cv_limit limit, const struct cv_limit_met *met,
                 uint64_t times)
{
    struct phrase p = {0};
    struct cv_ike_info ike;

    phrase_add(&p, "limit %s reached (%u %s): ", cv_limit_name(limit), met->value,
               words[limit].what);
    if (cv_ike_info(d->engine, met->ike, &ike))
        phrase_peer(&p, &ike.remote, &ike.remote_id);
    else
        phrase_peer(&p, &met->remote, NULL);
    phrase_add(&p, " has to wait");
    if (times > 1)
        phrase_add(&p, ", the last of %llu since this was said", (unsigned long long)times);
    if (words[limit].key != NULL)
        phrase_add(&p, "; raise %s if this is a normal day", words[limit].key);
    daemon_log(d, 1, LOG_IKE, met->ike, "%s", p.text);
}

void limits_tell(struct daemon *d)
{
    for (unsigned i = 0; i < CV_LIMIT_COUNT; i++) {
        uint64_t *told = &d->limits.by_limit[i].told;
        struct cv_limit_met met;

        cv_get_limit(d->engine, (enum cv_limit)i, &met);
        if (met.times == *told || !quota_take(&d->limits.by_limit[i].quota, clock_now_ms()))
            continue;
        tell(d, (enum cv_limit)i, &met, met.times - *told);
        *told = met.times;
    }
}
