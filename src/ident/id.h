/* Identities and the patterns that policies write for them.
 *
 * Patterns: CV_ID_ANY matches everything.  FQDN and RFC822 compare case-insensitively; those
 * that start with '*' match any name with the rest as its end ("*.fleet.example",
 * "*@example.com"), where '*' stands for one octet or more.  DER_DN patterns match RDN by RDN
 * in order, a value of "*" matching any value of that attribute type; values of string types
 * compare case-insensitively, whichever string types they are.  Ranges match the addresses in
 * them.  Everything else is equal octets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IDENT_ID_H
#define IDENT_ID_H

#include <culvert/types.h>

enum id_match { ID_NO = 0, ID_MATCH_ANY = 1, ID_MATCH_WILDCARD = 2, ID_MATCH_EXACT = 3 };

enum id_match id_matches(const struct cv_id *pattern, const struct cv_id *id);
/* The one form of all identities that are equal: text in lower case, string types of a name
 * made one.  What is told apart by octets (hashes, tables) is told apart by this form's. */
void id_canonical(struct cv_id *out, const struct cv_id *id);
bool id_equal(const struct cv_id *a, const struct cv_id *b);
bool id_has_wildcard(const struct cv_id *pattern);

#endif
