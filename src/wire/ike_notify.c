/* Error notifies (RFC 7296 section 3.10.1) and the errors of ours that they stand for.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"

static const struct {
    enum cv_err err;
    uint16_t notify;
} notifies[] = {
    {CV_ERR_CRITICAL,        N_UNSUPPORTED_CRITICAL_PAYLOAD},
    {CV_ERR_SYNTAX,          N_INVALID_SYNTAX              },
    {CV_ERR_NO_PROPOSAL,     N_NO_PROPOSAL_CHOSEN          },
    {CV_ERR_KE_GROUP,        N_INVALID_KE_PAYLOAD          },
    {CV_ERR_KE_VALUE,        N_INVALID_SYNTAX              },
    {CV_ERR_AUTH,            N_AUTHENTICATION_FAILED       },
    {CV_ERR_SINGLE_PAIR,     N_SINGLE_PAIR_REQUIRED        },
    {CV_ERR_NO_ADDITIONAL,   N_NO_ADDITIONAL_SAS           },
    {CV_ERR_ADDRESS,         N_INTERNAL_ADDRESS_FAILURE    },
    {CV_ERR_CP_REQUIRED,     N_FAILED_CP_REQUIRED          },
    {CV_ERR_TS,              N_TS_UNACCEPTABLE             },
    {CV_ERR_TS_TAKEN,        N_TS_UNACCEPTABLE             },
    {CV_ERR_TEMPORARY,       N_TEMPORARY_FAILURE           },
    {CV_ERR_PATH,            N_UNACCEPTABLE_ADDRESSES      },
    {CV_ERR_NAT,             N_UNEXPECTED_NAT_DETECTED     },
    {CV_ERR_CHILD_NOT_FOUND, N_CHILD_SA_NOT_FOUND          },
    {CV_ERR_FULL,            N_NO_ADDITIONAL_SAS           },
};

uint16_t notify_of_err(enum cv_err err)
{
    for (size_t i = 0; i < sizeof(notifies) / sizeof(notifies[0]); i++) {
        if (notifies[i].err == err)
            return notifies[i].notify;
    }
    return N_NO_PROPOSAL_CHOSEN; /* the catch-all of RFC 7296 section 3.10.1 */
}

enum cv_err err_of_notify(uint16_t type)
{
    if (type == N_AUTHENTICATION_FAILED) /* it is we who are not believed */
        return CV_ERR_AUTH_REFUSED;
    for (size_t i = 0; i < sizeof(notifies) / sizeof(notifies[0]); i++) {
        if (notifies[i].notify == type)
            return notifies[i].err;
    }
    return CV_ERR_PEER_REJECTED;
}
