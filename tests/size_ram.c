/* Prints what each table entry costs on this target, from cv_engine_size; see size.sh.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <culvert/engine.h>

int main(void)
{
    const struct cv_limits one = {.ike_sas = 1,
                                  .child_sas = 2,
                                  .conns = 1,
                                  .handshakes = 1,
                                  .messages = 4,
                                  .message_size = 1280,
                                  .effects = 16};
    struct cv_limits many = one;
    size_t base = cv_engine_size(&one);

    many.ike_sas += 64;
    many.child_sas += 64;
    printf("RAM per tunnel (IKE SA, Child SA, ESP pair, all tables): %zu octets\n",
           (cv_engine_size(&many) - base) / 64);
    many = one;
    many.handshakes += 64;
    printf("RAM per exchange in progress: %zu octets, and its message buffers\n",
           (cv_engine_size(&many) - base) / 64);
    printf("RAM of a device with one tunnel that can be rekeyed, messages of 1,280 octets: %zu "
           "octets\n",
           base);
    return 0;
}
