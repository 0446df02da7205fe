/* What the device does through the tunnel: DNS, MQTT, CoAP.  Each begins and says when it is
 * done.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_SERVICES_H
#define FIRMWARE_SERVICES_H

#include <stdbool.h>

/* The broker's address, by the gateway's DNS server. */
void services_find(void);
bool services_found(void);

/* A session with the broker, and a subscription to the device's commands. */
void services_connect(void);
bool services_connected(void);

/* DEVICE_READINGS readings, each acknowledged by the broker (QoS 1). */
void services_publish(void);
bool services_published(void);
unsigned services_readings(void);

/* Has a command come?  The broker's side sends them. */
bool services_commanded(void);

/* CoAP: GET /time, a confirmable request (RFC 7252). */
void services_ask_coap(void);
bool services_coap_answered(void);

#endif
