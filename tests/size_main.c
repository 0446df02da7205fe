/* What a PSK device links: the whole life of one initiator.  Only compiled and linked,
 * never run; see size.sh.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <culvert/engine.h>

int main(void);

static uint8_t memory[32768];
static const struct cv_crypto none;
static const struct cv_conn conn = {.name = "platform"};

int main(void)
{
    static struct cv_packet pkt;
    static const struct cv_endpoint local, remote;
    struct cv_settings set = {.crypto = &none};
    struct cv_engine *e;
    struct cv_effect fx;

    if (cv_engine_init(&e, memory, sizeof(memory), &set, 0) != CV_OK ||
        cv_conn_add(e, &conn) != CV_OK ||
        cv_initiate(e, &conn, NULL, &local, &remote, 0, NULL) != CV_OK)
        return 1;
    for (uint64_t now = 0;; now = cv_next_deadline(e)) {
        cv_input(e, &pkt, 1, now);
        cv_output(e, &pkt, 1, now);
        cv_tick(e, now);
        while (cv_next_effect(e, &fx)) {
            if (fx.kind == CV_NEED_PSK &&
                cv_answer_psk(e, fx.question, CV_OK, (struct cv_span){memory, 1}, now) != CV_OK)
                return 1;
        }
    }
}
