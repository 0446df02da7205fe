/* The reference device: it gets an address, brings the tunnel up, and does through it what
 * devices do: asks DNS for the broker, publishes readings over MQTT, takes commands, asks a
 * CoAP server.  Then it rekeys, goes to another address, and ends; so one run shows a life.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "device.h"

#include <string.h>

#include "board/board.h"
#include "device_config.h"
#include "lwip/dhcp.h"
#include "lwip/init.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"
#include "net/ethernet.h"
#include "net/tunnel.h"
#include "ports/bearssl/port.h"
#include "services.h"

/* The whole run, and one step of it. */
enum { RUN_MS = 40000, STEP_MS = 8000, SEED_LEN = 48, WAKE_MAX_MS = 500 };

static uint64_t step_since;

/* ---- what lwIP and we ask of the device ----------------------------------------- */

_Noreturn void device_failed(const char *what)
{
    board_print("failed: ");
    board_print(what);
    board_print("\n");
    board_exit(1);
}

uint32_t device_random(void)
{
    uint32_t v;

    if (!bearssl_random((uint8_t *)&v, sizeof(v)))
        device_failed("no randomness");
    return v;
}

/* lwIP's clock. */
u32_t sys_now(void)
{
    return (u32_t)board_now();
}

char *device_decimal(char *to, unsigned long value)
{
    char digits[20];
    size_t n = 0;

    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (n > 0)
        *to++ = digits[--n];
    *to = '\0';
    return to;
}

void device_say(const char *what, unsigned long value)
{
    char number[21];

    device_decimal(number, (unsigned long)board_now());
    board_print(number);
    board_print(" ms: ");
    board_print(what);
    board_print(" ");
    device_decimal(number, value);
    board_print(number);
    board_print("\n");
}

/* ---- the life of a device ------------------------------------------------------- */

static void use_address(const char *address)
{
    ip4_addr_t own, mask, router;

    ip4addr_aton(address, &own);
    ip4addr_aton(DEVICE_NETMASK, &mask);
    ip4addr_aton(DEVICE_ROUTER, &router);
    netif_set_addr(&ethernet, &own, &mask, &router);
}

static void get_address(void)
{
    if (sizeof(DEVICE_ADDRESS) > 1)
        use_address(DEVICE_ADDRESS);
    else if (dhcp_start(&ethernet) != ERR_OK)
        device_failed("dhcp");
}

static bool has_address(void)
{
    return !ip4_addr_isany(netif_ip4_addr(&ethernet));
}

static bool is_up(void)
{
    return tunnel_state() == TUNNEL_UP;
}

static void rekey_child(void)
{
    if (tunnel_rekey_child() != CV_OK)
        device_failed("rekey of the Child SA");
}

static bool child_rekeyed(void)
{
    return tunnel_counts()->child_rekeys == 1;
}

static void rekey_ike(void)
{
    if (tunnel_rekey_ike() != CV_OK)
        device_failed("rekey of the IKE SA");
}

static bool ike_rekeyed(void)
{
    return tunnel_counts()->ike_rekeys == 1;
}

static void move(void)
{
    if (sizeof(DEVICE_SECOND_ADDRESS) > 1) {
        use_address(DEVICE_SECOND_ADDRESS);
        tunnel_moved();
    }
}

static bool is_down(void)
{
    return tunnel_state() == TUNNEL_DOWN;
}

static void nothing(void) {}

/* What is begun, and what must come of it. */
static const struct {
    const char *what;
    void (*begin)(void);
    bool (*done)(void);
} steps[] = {
    {"address",            get_address,       has_address           },
    {"tunnel",             nothing,           is_up                 },
    {"name of the broker", services_find,     services_found        },
    {"broker",             services_connect,  services_connected    },
    {"readings",           services_publish,  services_published    },
    {"Child SA rekeyed",   rekey_child,       child_rekeyed         },
    {"readings",           services_publish,  services_published    },
    {"IKE SA rekeyed",     rekey_ike,         ike_rekeyed           },
    {"readings",           services_publish,  services_published    },
    {"CoAP answer",        services_ask_coap, services_coap_answered},
    {"command",            nothing,           services_commanded    },
    {"other address",      move,              has_address           },
    {"readings",           services_publish,  services_published    },
    {"end",                tunnel_close,      is_down               },
};
enum { N_STEPS = sizeof(steps) / sizeof(steps[0]) };

static _Noreturn void end(void)
{
    const struct tunnel_counts *counts = tunnel_counts();

    device_say("readings published:", services_readings());
    device_say("octets sent outside:", (unsigned long)counts->wire_out);
    device_say("octets received outside:", (unsigned long)counts->wire_in);
    device_say("refused packets:", counts->refused);
    device_say("deepest stack:", (unsigned long)board_stack_used());
    board_print("all steps done\n");
    board_exit(0);
}

static void advance(uint64_t now)
{
    static size_t step;
    static bool begun;

    if (!begun) {
        begun = true;
        step_since = now;
        steps[step].begin();
    }
    if (!steps[step].done()) {
        if (now - step_since > STEP_MS)
            device_failed(steps[step].what);
        return;
    }
    device_say(steps[step].what, (unsigned long)(board_now() - step_since));
    begun = false;
    if (++step == N_STEPS)
        end();
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int main(void)
{
    uint8_t seed[SEED_LEN];

    board_init();
    board_entropy(seed, sizeof(seed));
    bearssl_seed(seed, sizeof(seed));
    lwip_init();
    ethernet_init();
    tunnel_init();
    for (;;) {
        uint64_t now = board_now(), deadline;

        if (now > RUN_MS)
            device_failed("time");
        ethernet_poll();
        sys_check_timeouts();
        deadline = tunnel_poll(now);
        advance(now);
        deadline = earlier(deadline, now + earlier(sys_timeouts_sleeptime(), WAKE_MAX_MS));
        board_sleep(deadline);
    }
}
