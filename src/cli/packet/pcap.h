/* Packet captures: IP packets out of a pcap or pcapng file, whatever link they were caught
 * on, and into a pcap file of raw IP.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PACKET_PCAP_H
#define CLI_PACKET_PCAP_H

#include <stdio.h>
#include <sys/time.h>

#include <culvert/types.h>

#include "kit/problem.h"

struct capture; /* pcap.c: a file being read */

struct capture_packet {
    struct timeval time;
    struct cv_span frame; /* as captured */
    struct cv_span ip;    /* the IP packet in it, to the frame's end; empty: there is none */
};

/* Opens name for reading; "-" is stdin.  NULL: why says what is wrong. */
struct capture *capture_open(const char *name, struct problem *why);
/* The same from an open stream, which the capture then owns. */
struct capture *capture_read(FILE *stream, const char *name, struct problem *why);
/* 1: the next packet, valid until the next call.  0: no more.  -1: why says what is wrong. */
int capture_next(struct capture *c, struct capture_packet *out, struct problem *why);
void capture_close(struct capture *c);

struct capture_out; /* a file being written */

struct capture_out *capture_create(const char *name, struct problem *why);
void capture_put(struct capture_out *c, struct timeval time, struct cv_span ip);
/* False: not all could be written.  The file is closed in either case. */
bool capture_finish(struct capture_out *c, struct problem *why);

#endif
