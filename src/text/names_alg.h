/* The words for algorithms in configurations.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TEXT_NAMES_ALG_H
#define TEXT_NAMES_ALG_H

#include <culvert/policy.h>

#include "kit/suggest.h"

struct alg_word {
    const char *word;
    uint8_t type;         /* cv_transform_type; 0: strongSwan has it, we do not */
    uint16_t id, key_len; /* as in cv_transform */
    bool weak;            /* accepted when named, never by default, worth a warning */
};

/* NULL when there is no such word.  Case does not matter. */
const struct alg_word *alg_find(const char *word);
/* The word for a transform; NULL when it has none. */
const struct alg_word *alg_of(const struct cv_transform *t);
/* Tries all words. */
void alg_suggest(struct suggest *s);
/* charon's name of a transform, without key length. */
const char *alg_name(const struct cv_transform *t);
/* Is the cipher authenticated by itself (an AEAD)? */
bool alg_is_aead(uint16_t encr);

#endif
