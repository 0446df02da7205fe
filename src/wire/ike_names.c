/* Names of IKE numbers for people and logs, as the IANA registry spells them.
 *
 * A firmware that prints nothing does not link this file.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"

#define NAMED(id)                                                                              \
    {                                                                                          \
        N_##id, #id                                                                            \
    }

static const struct {
    uint16_t type;
    const char *name;
} notifies[] = {
    NAMED(UNSUPPORTED_CRITICAL_PAYLOAD),
    NAMED(INVALID_IKE_SPI),
    NAMED(INVALID_MAJOR_VERSION),
    NAMED(INVALID_SYNTAX),
    NAMED(INVALID_MESSAGE_ID),
    NAMED(INVALID_SPI),
    NAMED(NO_PROPOSAL_CHOSEN),
    NAMED(INVALID_KE_PAYLOAD),
    NAMED(AUTHENTICATION_FAILED),
    NAMED(SINGLE_PAIR_REQUIRED),
    NAMED(NO_ADDITIONAL_SAS),
    NAMED(INTERNAL_ADDRESS_FAILURE),
    NAMED(FAILED_CP_REQUIRED),
    NAMED(TS_UNACCEPTABLE),
    NAMED(INVALID_SELECTORS),
    NAMED(UNACCEPTABLE_ADDRESSES),
    NAMED(UNEXPECTED_NAT_DETECTED),
    NAMED(TEMPORARY_FAILURE),
    NAMED(CHILD_SA_NOT_FOUND),
    NAMED(INITIAL_CONTACT),
    NAMED(SET_WINDOW_SIZE),
    NAMED(ADDITIONAL_TS_POSSIBLE),
    NAMED(IPCOMP_SUPPORTED),
    NAMED(NAT_DETECTION_SOURCE_IP),
    NAMED(NAT_DETECTION_DESTINATION_IP),
    NAMED(COOKIE),
    NAMED(USE_TRANSPORT_MODE),
    NAMED(HTTP_CERT_LOOKUP_SUPPORTED),
    NAMED(REKEY_SA),
    NAMED(ESP_TFC_PADDING_NOT_SUPPORTED),
    NAMED(NON_FIRST_FRAGMENTS_ALSO),
    NAMED(MOBIKE_SUPPORTED),
    NAMED(ADDITIONAL_IP4_ADDRESS),
    NAMED(ADDITIONAL_IP6_ADDRESS),
    NAMED(NO_ADDITIONAL_ADDRESSES),
    NAMED(UPDATE_SA_ADDRESSES),
    NAMED(COOKIE2),
    NAMED(NO_NATS_ALLOWED),
    NAMED(AUTH_LIFETIME),
    NAMED(REDIRECT_SUPPORTED),
    NAMED(REDIRECT),
    NAMED(REDIRECTED_FROM),
    NAMED(EAP_ONLY_AUTHENTICATION),
    NAMED(CHILDLESS_IKEV2_SUPPORTED),
    NAMED(IKEV2_FRAGMENTATION_SUPPORTED),
    NAMED(SIGNATURE_HASH_ALGORITHMS),
};

const char *ike_notify_name(uint16_t type)
{
    for (size_t i = 0; i < sizeof(notifies) / sizeof(notifies[0]); i++)
        if (notifies[i].type == type)
            return notifies[i].name;
    return NULL;
}

const char *ike_exchange_name(uint8_t type)
{
    switch (type) {
    case EX_SA_INIT:
        return "IKE_SA_INIT";
    case EX_AUTH:
        return "IKE_AUTH";
    case EX_CREATE_CHILD:
        return "CREATE_CHILD_SA";
    case EX_INFORMATIONAL:
        return "INFORMATIONAL";
    default:
        return NULL;
    }
}
