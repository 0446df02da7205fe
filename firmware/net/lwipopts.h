/* lwIP as the firmware uses it: no operating system, IPv4, little memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_LWIPOPTS_H
#define FIRMWARE_LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0

#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ARP 1
#define LWIP_ICMP 1
#define LWIP_RAW 1
#define LWIP_UDP 1
#define LWIP_TCP 1
#define LWIP_DHCP 1
#define LWIP_DNS 1
#define IP_FORWARD 0
#define IP_FRAG 0
#define IP_REASSEMBLY 0
#define LWIP_ALTCP 0
#define LWIP_STATS 0
#define ARP_TABLE_SIZE 4
#define DHCP_DOES_ARP_CHECK 0
#define LWIP_DHCP_GET_NTP_SRV 0
#define DNS_TABLE_SIZE 2
#define DNS_MAX_NAME_LENGTH 48
#define LWIP_DNS_SECURE 7 /* random transaction, source port, no two at once */

/* Where it takes its memory: a heap for what it sends, a pool for what comes. */
#define MEM_ALIGNMENT 4
#define MEM_SIZE 4096
#define PBUF_POOL_SIZE 4
#define PBUF_POOL_BUFSIZE 1536
#define MEMP_NUM_PBUF 8
#define MEMP_NUM_SYS_TIMEOUT (LWIP_NUM_SYS_TIMEOUT_INTERNAL + 1) /* MQTT has one of its own */
#define MEMP_NUM_UDP_PCB 6
#define MEMP_NUM_RAW_PCB 2
#define MEMP_NUM_TCP_PCB 3
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_TCP_SEG 8
#define TCP_MSS 1220
#define TCP_WND (2 * TCP_MSS)
#define TCP_SND_BUF (2 * TCP_MSS)
#define TCP_SND_QUEUELEN 6
#define TCP_QUEUE_OOSEQ 0

#define MQTT_OUTPUT_RINGBUF_SIZE 256
#define MQTT_VAR_HEADER_BUFFER_LEN 160
#define MQTT_REQ_MAX_IN_FLIGHT 4

/* Hears of every IPv4 packet that comes in; see tunnel.c. */
#define LWIP_HOOK_FILENAME "net/hooks.h"
#define LWIP_HOOK_IP4_INPUT(packet, netif) tunnel_guard(packet, netif)

#endif
