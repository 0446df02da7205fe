/* The devices that are connected, or on their way: found by IKE SA, by number in the registry
 * and by identity, all in constant time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ROSTER_ROLL_H
#define ROSTER_ROLL_H

#include <culvert/engine.h>

#include "fleet/registry_device.h"

#define ROLL_NONE UINT32_MAX

/* An IKE SA of a device. */
struct roll_ike {
    uint32_t ike, device; /* of the engine; index in the table */
    uint32_t next;        /* another one of the same device */
    bool up;
};

struct roll_device {
    int64_t id; /* 0: a free entry, next is the next one */
    char *name, *tenant, *identity;
    char address[48], address6[48]; /* for good */
    char endpoint[64], inside[48];
    uint32_t ikes, n_up; /* the first of its IKE SAs, how many are up */
    uint32_t next;
    bool dirty; /* its presence is to be written */
    int64_t since_s, seen_s;
    uint64_t ended[5], written[5]; /* counters: of Child SAs that ended; as the registry
                                      has them: enum roll_counter */
};

enum roll_counter { ROLL_RX, ROLL_TX, ROLL_RX_PACKETS, ROLL_TX_PACKETS, ROLL_DROPS };

struct roll;

struct roll *roll_new(uint32_t most); /* IKE SAs */
void roll_free(struct roll *l);

/* The device's IKE SA, which is not up yet.  NULL: the table is full. */
struct roll_device *roll_add(struct roll *l, uint32_t ike, const struct device *d,
                             const char *identity);
/* The name and the addresses as they are now. */
void roll_rename(struct roll_device *d, const struct device *now);
void roll_up(struct roll *l, uint32_t ike);
void roll_move(struct roll *l, uint32_t ike_old, uint32_t ike_new);
/* True: it was the device's last one that was up; it is still found by id until roll_drop. */
bool roll_down(struct roll *l, uint32_t ike);
/* The IKE SA is gone, and the device with its last one.  Its number; 0: it had none. */
int64_t roll_drop(struct roll *l, uint32_t ike);

struct roll_device *roll_by_ike(struct roll *l, uint32_t ike);
struct roll_device *roll_by_id(struct roll *l, int64_t id);
struct roll_device *roll_by_identity(struct roll *l, const char *identity);
/* Walks a device's IKE SAs: *at starts as d->ikes. */
const struct roll_ike *roll_next_ike(const struct roll *l, uint32_t *at);
/* Walks all devices, so many entries a call that it has an end: *at starts as 0 and is 0 again
 * behind the last one. */
struct roll_device *roll_next(struct roll *l, uint32_t *at);
uint32_t roll_count(const struct roll *l);

#endif
