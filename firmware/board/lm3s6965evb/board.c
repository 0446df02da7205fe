/* TI's Stellaris LM3S6965 evaluation board: Cortex-M3, 256 kB of flash, 64 kB of RAM, Ethernet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "board/board.h"
#include "board/cortex_m.h"
#include "board/semihosting.h"

#define UART0_DATA REGISTER(0x4000c000)
#define MAC_RCTL REGISTER(0x40048008)
#define MAC_TCTL REGISTER(0x4004800c)
#define MAC_DATA REGISTER(0x40048010)
#define MAC_IA0 REGISTER(0x40048014)
#define MAC_IA1 REGISTER(0x40048018)
#define MAC_IM REGISTER(0x40048004)
#define MAC_RIS REGISTER(0x40048000)
#define MAC_NP REGISTER(0x40048034)
#define MAC_TR REGISTER(0x40048038)

enum {
    CLOCK_HZ = 12500000,
    ETHERNET_IRQ = 42,
    RCTL_ENABLE = 1,
    TCTL_ENABLE_PAD_CRC = 7,
    INTERRUPT_RECEIVED = 1,
    FCS_LEN = 4,
    LENGTH_LEN = 2,
    HEADER_LEN = 14
};

void board_init(void)
{
    cortex_m_init(CLOCK_HZ);
    cortex_m_wake_by(ETHERNET_IRQ);
    MAC_IM = INTERRUPT_RECEIVED;
    MAC_TCTL = TCTL_ENABLE_PAD_CRC;
    MAC_RCTL = RCTL_ENABLE;
}

uint64_t board_now(void)
{
    return cortex_m_now();
}

void board_print(const char *text)
{
    while (*text != '\0')
        UART0_DATA = (uint8_t)*text++;
}

void board_mac(uint8_t mac[6])
{
    uint32_t low = MAC_IA0, high = MAC_IA1;

    for (unsigned i = 0; i < 4; i++)
        mac[i] = (uint8_t)(low >> 8 * i);
    mac[4] = (uint8_t)high;
    mac[5] = (uint8_t)(high >> 8);
}

/* The FIFO gives words: two octets of length, which counts itself and the checksum, then the
 * frame. */
size_t board_receive(uint8_t frame[BOARD_FRAME_MAX])
{
    uint32_t word;
    size_t n, total;

    if ((MAC_NP & 0x3f) == 0)
        return 0;
    word = MAC_DATA;
    total = word & 0xffff;
    n = total - LENGTH_LEN - FCS_LEN;
    for (size_t i = 0, at = LENGTH_LEN; at < total; at++, i++) {
        if (at % 4 == 0)
            word = MAC_DATA;
        if (i < n && i < BOARD_FRAME_MAX)
            frame[i] = (uint8_t)(word >> 8 * (at % 4));
    }
    MAC_RIS = INTERRUPT_RECEIVED;
    return n <= BOARD_FRAME_MAX ? n : 0;
}

/* The other way the length is that of the payload, without the header. */
void board_send(const uint8_t *frame, size_t n)
{
    uint32_t word = (uint32_t)(n - HEADER_LEN);

    for (size_t i = 0; i < n; i++) {
        size_t at = i + LENGTH_LEN;

        if (at % 4 == 0)
            word = 0;
        word |= (uint32_t)frame[i] << 8 * (at % 4);
        if (at % 4 == 3 || i + 1 == n)
            MAC_DATA = word;
    }
    MAC_TR = 1;
    while (MAC_TR & 1)
        ;
}

void board_entropy(uint8_t *out, size_t n)
{
    if (!semihosting_random(out, n))
        board_exit(98);
}

void board_sleep(uint64_t until)
{
    while (board_now() < until && (MAC_NP & 0x3f) == 0)
        cortex_m_wait();
}

_Noreturn void board_exit(int status)
{
    semihosting_exit(status);
}

size_t board_stack_used(void)
{
    return cortex_m_stack_used();
}
