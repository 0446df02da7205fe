/* What the data plane alone links: one pair, both ways.  Only compiled and linked, never run;
 * see size.sh.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/ipsec.h"

int main(void);

static uint8_t memory[8192];
static const struct cv_crypto none;

int main(void)
{
    static const struct cv_pair_config cfg;
    static struct cv_packet pkt;
    const uint64_t seed[2] = {0};
    struct arena a = {.p = memory, .cap = sizeof(memory)};
    struct ipsec *p = ipsec_init(&a, 1, 0, &none, seed);
    struct ipsec_way way;

    if (p == NULL || ipsec_install(p, 0, &cfg, 0) != CV_OK)
        return 1;
    ipsec_use_out(p, 0);
    for (uint64_t now = 0; pkt.verdict != CV_DROP; now++) {
        ipsec_in(p, &pkt, now, &way);
        ipsec_out(p, &pkt, now, &way);
    }
    ipsec_remove(p, 0);
    return 0;
}
