/* Prints what a tunnel and an exchange in progress cost on this target: the structs, and from
 * cv_engine_size all that the tables add to them; see size.sh.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <culvert/engine.h>

#include "ike/sa.h"
#include "ipsec/plane.h"

enum { MORE = 64 };

static size_t each(struct cv_limits few, struct cv_limits many)
{
    return (cv_engine_size(&many) - cv_engine_size(&few)) / MORE;
}

int main(void)
{
    const struct cv_limits one = {.ike_sas = 1,
                                  .child_sas = 2,
                                  .conns = 1,
                                  .handshakes = 1,
                                  .messages = 4,
                                  .message_size = 1280,
                                  .effects = 16,
                                  .hot_keys = 2};
    struct cv_limits many = one;

    many.ike_sas += MORE;
    many.child_sas += MORE;
    printf("  one established tunnel, all tables:  %5zu octets\n", each(one, many));
    printf("    IKE SA %zu, Child SA %zu, pair of SAs %zu, their raw keys %zu\n",
           sizeof(struct ike_sa), sizeof(struct child_sa), sizeof(struct ipsec_pair),
           sizeof(struct raw_keys));
    printf("  each expanded key, without what the crypto backend takes: %zu octets\n",
           sizeof(struct hot_slot));
    many = one;
    many.handshakes += MORE;
    printf("  an exchange in progress:             %5zu octets, and its messages\n",
           each(one, many));
    printf("  a device with one tunnel that can be rekeyed, messages of 1,280 octets: %zu "
           "octets\n",
           cv_engine_size(&one));
    return 0;
}
