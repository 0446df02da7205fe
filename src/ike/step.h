/* The rules of IKEv2 as a table: step.c goes by it, tests/draw_states.c draws it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_STEP_H
#define IKE_STEP_H

#include "ike/exchange.h"

/* In this state, when this comes, in this exchange: the handler, the state afterwards, and
 * another one that the handler may choose (FREE: none).  Whatever a rule says, the SA may
 * end; where next is FREE it does. */
struct ike_rule {
    uint8_t state;    /* ike_state */
    uint8_t kind;     /* ike_kind */
    uint8_t exchange; /* ike_exchange */
    uint8_t next, other;
    ike_handler *handle;
};

/* clang-format off */
#define IKE_RULES(X)                                                                          \
    X(I_INIT,    RESP,             SA_INIT,       init_response,         I_SIGN,   I_INIT)    \
    X(I_SIGN,    ANSWER_PSK,       AUTH,          initiator_proven,      I_AUTH,   FREE)      \
    X(I_SIGN,    ANSWER_SIGNATURE, AUTH,          initiator_proven,      I_AUTH,   FREE)      \
    X(I_SIGN,    NO_ANSWER,        AUTH,          auth_unanswered,       FREE,     FREE)      \
    X(I_AUTH,    RESP,             AUTH,          auth_response,         I_VERIFY, FREE)      \
    X(I_VERIFY,  ANSWER_PSK,       AUTH,          initiator_verdict,     UP,       FREE)      \
    X(I_VERIFY,  ANSWER_VERIFY,    AUTH,          initiator_verdict,     UP,       FREE)      \
    X(I_VERIFY,  NO_ANSWER,        AUTH,          auth_unanswered,       FREE,     FREE)      \
    X(FREE,      REQ,              SA_INIT,       init_request,          R_INIT,   FREE)      \
    X(R_INIT,    REQ,              AUTH,          auth_request,          R_VERIFY, FREE)      \
    X(R_VERIFY,  ANSWER_PSK,       AUTH,          responder_verdict,     R_SIGN,   R_ADDRESS) \
    X(R_VERIFY,  ANSWER_VERIFY,    AUTH,          responder_verdict,     R_SIGN,   R_ADDRESS) \
    X(R_VERIFY,  NO_ANSWER,        AUTH,          auth_unanswered,       FREE,     FREE)      \
    X(R_ADDRESS, ANSWER_ADMISSION, AUTH,          responder_admission,   R_SIGN,   R_ADDRESS) \
    X(R_ADDRESS, ANSWER_ADDRESS,   AUTH,          responder_address,     R_SIGN,   FREE)      \
    X(R_ADDRESS, NO_ANSWER,        AUTH,          auth_unanswered,       FREE,     FREE)      \
    X(R_SIGN,    ANSWER_PSK,       AUTH,          responder_proven,      UP,       FREE)      \
    X(R_SIGN,    ANSWER_SIGNATURE, AUTH,          responder_proven,      UP,       FREE)      \
    X(R_SIGN,    NO_ANSWER,        AUTH,          auth_unanswered,       FREE,     FREE)      \
    X(UP,        REQ,              CREATE_CHILD,  create_child_request,  UP,       REKEYED)   \
    X(UP,        RESP,             CREATE_CHILD,  create_child_response, UP,       REKEYED)   \
    X(UP,        REQ,              INFORMATIONAL, info_request,          UP,       FREE)      \
    X(UP,        RESP,             INFORMATIONAL, info_response,         UP,       FREE)      \
    X(REKEYED,   REQ,              CREATE_CHILD,  refuse_request,        REKEYED,  FREE)      \
    X(REKEYED,   REQ,              INFORMATIONAL, info_request,          REKEYED,  FREE)      \
    X(REKEYED,   RESP,             INFORMATIONAL, info_response,         REKEYED,  FREE)      \
    X(DELETING,  REQ,              CREATE_CHILD,  refuse_request,        DELETING, FREE)      \
    X(DELETING,  REQ,              INFORMATIONAL, info_request,          DELETING, FREE)      \
    X(DELETING,  RESP,             INFORMATIONAL, info_response,         DELETING, FREE)
/* clang-format on */

#endif
