/* Arm's MPS2 board with the AN385 image: Cortex-M3, a LAN9118 for Ethernet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "board/board.h"
#include "board/cortex_m.h"
#include "board/semihosting.h"

#define UART0_DATA REGISTER(0x40004000)
#define UART0_STATE REGISTER(0x40004004)
#define UART0_CTRL REGISTER(0x40004008)
#define UART0_BAUDDIV REGISTER(0x40004010)

#define LAN9118(offset) REGISTER(0x40200000 + (offset))
#define RX_DATA LAN9118(0x00)
#define TX_DATA LAN9118(0x20)
#define RX_STATUS LAN9118(0x40)
#define INT_STS LAN9118(0x58)
#define INT_EN LAN9118(0x5c)
#define TX_CFG LAN9118(0x70)
#define RX_FIFO_INF LAN9118(0x7c)
#define MAC_CSR_CMD LAN9118(0xa4)
#define MAC_CSR_DATA LAN9118(0xa8)

enum {
    CLOCK_HZ = 25000000,
    ETHERNET_IRQ = 13,
    UART_FULL = 1,
    UART_TRANSMIT = 1,
    TX_ON = 1 << 1,
    RSFL = 1 << 3, /* a frame's status is in the FIFO */
    FCS_LEN = 4,
    TX_FIRST = 1 << 13,
    TX_LAST = 1 << 12
};

/* Registers of the MAC itself are reached by a command. */
enum { MAC_CR = 1, MAC_ADDRH = 2, MAC_ADDRL = 3 };
#define CSR_BUSY (UINT32_C(1) << 31)
#define CSR_READ (UINT32_C(1) << 30)

static uint32_t mac_read(unsigned which)
{
    MAC_CSR_CMD = CSR_BUSY | CSR_READ | which;
    while (MAC_CSR_CMD & CSR_BUSY)
        ;
    return MAC_CSR_DATA;
}

static void mac_write(unsigned which, uint32_t value)
{
    MAC_CSR_DATA = value;
    MAC_CSR_CMD = CSR_BUSY | which;
    while (MAC_CSR_CMD & CSR_BUSY)
        ;
}

void board_init(void)
{
    cortex_m_init(CLOCK_HZ);
    cortex_m_wake_by(ETHERNET_IRQ);
    UART0_BAUDDIV = 16;
    UART0_CTRL = UART_TRANSMIT;
    TX_CFG = TX_ON;
    mac_write(MAC_CR, 1 << 2 | 1 << 3); /* receiver, transmitter */
    INT_EN = RSFL;
}

uint64_t board_now(void)
{
    return cortex_m_now();
}

void board_print(const char *text)
{
    for (; *text != '\0'; text++) {
        while (UART0_STATE & UART_FULL)
            ;
        UART0_DATA = (uint8_t)*text;
    }
}

void board_mac(uint8_t mac[6])
{
    uint32_t low = mac_read(MAC_ADDRL), high = mac_read(MAC_ADDRH);

    for (unsigned i = 0; i < 4; i++)
        mac[i] = (uint8_t)(low >> 8 * i);
    mac[4] = (uint8_t)high;
    mac[5] = (uint8_t)(high >> 8);
}

static unsigned frames(void)
{
    return RX_FIFO_INF >> 16 & 0xff;
}

size_t board_receive(uint8_t frame[BOARD_FRAME_MAX])
{
    size_t total, n;
    uint32_t word = 0;

    if (frames() == 0)
        return 0;
    total = RX_STATUS >> 16 & 0x3fff;
    n = total - FCS_LEN;
    for (size_t i = 0; i < total; i++) {
        if (i % 4 == 0)
            word = RX_DATA;
        if (i < n && i < BOARD_FRAME_MAX)
            frame[i] = (uint8_t)(word >> 8 * (i % 4));
    }
    INT_STS = RSFL;
    return n <= BOARD_FRAME_MAX ? n : 0;
}

void board_send(const uint8_t *frame, size_t n)
{
    uint32_t word = 0;

    TX_DATA = TX_FIRST | TX_LAST | (uint32_t)n;
    TX_DATA = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        word |= (uint32_t)frame[i] << 8 * (i % 4);
        if (i % 4 == 3 || i + 1 == n) {
            TX_DATA = word;
            word = 0;
        }
    }
}

void board_entropy(uint8_t *out, size_t n)
{
    if (!semihosting_random(out, n))
        board_exit(98);
}

void board_sleep(uint64_t until)
{
    while (board_now() < until && frames() == 0)
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
