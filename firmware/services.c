/* SPDX-License-Identifier: Apache-2.0 */
#include "services.h"

#include <string.h>

#include "device.h"
#include "device_config.h"
#include "lwip/apps/mqtt.h"
#include "lwip/dns.h"
#include "lwip/udp.h"
#include "net/tunnel.h"

/* ---- DNS ------------------------------------------------------------------------ */

static ip_addr_t broker, coap_server;

static void on_name(const char *name, const ip_addr_t *address, void *out)
{
    (void)name;
    if (address != NULL)
        *(ip_addr_t *)out = *address;
}

static void find(const char *name, ip_addr_t *out)
{
    err_t err = dns_gethostbyname(name, out, on_name, out);

    if (err != ERR_OK && err != ERR_INPROGRESS)
        device_failed("DNS");
}

void services_find(void)
{
    struct cv_addr dns = tunnel_dns();
    ip_addr_t server;

    if (dns.family != CV_IPV4)
        device_failed("the gateway named no DNS server");
    memcpy(&server.addr, dns.b, sizeof(server.addr));
    dns_setserver(0, &server);
    find(DEVICE_BROKER, &broker);
    find(DEVICE_COAP_SERVER, &coap_server);
}

bool services_found(void)
{
    return !ip_addr_isany(&broker) && !ip_addr_isany(&coap_server);
}

/* ---- MQTT ----------------------------------------------------------------------- */

static mqtt_client_t *client;
static bool subscribed, commanded, waiting;
static unsigned acknowledged, wanted;

static void on_subscribed(void *arg, err_t err)
{
    (void)arg;
    subscribed = err == ERR_OK;
}

static void on_topic(void *arg, const char *topic, u32_t n)
{
    (void)arg;
    (void)topic;
    (void)n;
}

static void on_command(void *arg, const u8_t *data, u16_t n, u8_t flags)
{
    (void)arg;
    (void)data;
    (void)n;
    commanded = commanded || (flags & MQTT_DATA_FLAG_LAST) != 0;
}

static void on_connected(mqtt_client_t *c, void *arg, mqtt_connection_status_t status)
{
    (void)arg;
    if (status != MQTT_CONNECT_ACCEPTED)
        device_failed("the broker's connection");
    mqtt_set_inpub_callback(c, on_topic, on_command, NULL);
    if (mqtt_subscribe(c, "commands/" CULVERT_DEVICE_NAME, 1, on_subscribed, NULL) != ERR_OK)
        device_failed("subscription");
}

void services_connect(void)
{
    static const struct mqtt_connect_client_info_t who = {.client_id = CULVERT_DEVICE_NAME,
                                                          .keep_alive = 60};

    client = mqtt_client_new();
    if (client == NULL || mqtt_client_connect(client, &broker, DEVICE_BROKER_PORT, on_connected,
                                              NULL, &who) != ERR_OK)
        device_failed("MQTT");
}

bool services_connected(void)
{
    return subscribed;
}

static void on_acknowledged(void *arg, err_t err)
{
    (void)arg;
    waiting = false;
    if (err == ERR_OK)
        acknowledged++;
}

void services_publish(void)
{
    wanted = acknowledged + DEVICE_READINGS;
}

static size_t write_reading(char *to)
{
    static const char before[] = "{\"reading\":", after[] = ",\"celsius\":21.5}";
    char *end = to + sizeof(before) - 1;

    memcpy(to, before, sizeof(before) - 1);
    end = device_decimal(end, acknowledged);
    memcpy(end, after, sizeof(after));
    return (size_t)(end - to) + sizeof(after) - 1;
}

/* One reading at a time, as a sensor has them. */
bool services_published(void)
{
    char reading[64];

    if (acknowledged == wanted)
        return true;
    if (!waiting) {
        size_t n = write_reading(reading);

        waiting = mqtt_publish(client, "readings/" CULVERT_DEVICE_NAME, reading, (u16_t)n, 1, 0,
                               on_acknowledged, NULL) == ERR_OK;
    }
    return false;
}

unsigned services_readings(void)
{
    return acknowledged;
}

bool services_commanded(void)
{
    return commanded;
}

/* ---- CoAP ----------------------------------------------------------------------- */

enum { COAP_PORT = 5683, COAP_ACK_CONTENT = 0x45, MESSAGE_ID = 0x1701 };

static bool coap_answered;

static void on_coap(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                    u16_t port)
{
    uint8_t head[4];

    (void)arg;
    (void)pcb;
    (void)from;
    (void)port;
    coap_answered = pbuf_copy_partial(p, head, sizeof(head), 0) == sizeof(head) &&
                    head[1] == COAP_ACK_CONTENT && head[2] == MESSAGE_ID >> 8 &&
                    head[3] == (MESSAGE_ID & 0xff);
    pbuf_free(p);
}

/* Version 1, confirmable, no token; GET; message ID; option Uri-Path "time". */
void services_ask_coap(void)
{
    static const uint8_t get[] = {
        0x40, 0x01, MESSAGE_ID >> 8, MESSAGE_ID & 0xff, 0xb4, 't', 'i', 'm', 'e'};
    struct udp_pcb *pcb = udp_new();
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, sizeof(get), PBUF_RAM);

    if (pcb == NULL || p == NULL)
        device_failed("memory for CoAP");
    udp_recv(pcb, on_coap, NULL);
    pbuf_take(p, get, sizeof(get));
    if (udp_sendto(pcb, p, &coap_server, COAP_PORT) != ERR_OK)
        device_failed("CoAP");
    pbuf_free(p);
}

bool services_coap_answered(void)
{
    return coap_answered;
}
