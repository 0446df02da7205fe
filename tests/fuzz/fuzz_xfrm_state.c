/* SAs in the notation of `ip xfrm state`: hostile text is refused with a place, and what is
 * accepted is complete and within its limits.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/packet/xfrm_state.h"
#include "crypto/crypto.h"
#include "fuzz.h"
#include "wire/ip.h"

static void check_sa(const struct xfrm_sa *sa)
{
    FUZZ_CHECK(sa->line > 0 && sa->spi != 0);
    FUZZ_CHECK(sa->src.family == sa->dst.family && addr_len(sa->src.family) > 0);
    FUZZ_CHECK(sa->protocol == CV_PROTO_ESP || sa->protocol == CV_PROTO_AH);
    FUZZ_CHECK(sa->mode == CV_TUNNEL || sa->mode == CV_TRANSPORT);
    FUZZ_CHECK(sa->key_len > 0 && sa->key_len <= sizeof(sa->key));
    FUZZ_CHECK(sa->window <= XFRM_WINDOW_MAX);
    FUZZ_CHECK(sa->suite.esn == CV_ESN_YES || (sa->seq | sa->oseq) <= UINT32_MAX);
    FUZZ_CHECK(sa->suite.integ != 0 || crypto_is_aead(sa->suite.encr));
    FUZZ_CHECK((sa->protocol == CV_PROTO_AH) == (sa->suite.encr == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct problem why = {.text = ""};
    struct xfrm_list list;

    if (!xfrm_read_text(&list, (const char *)data, n, "sa", &why)) {
        FUZZ_CHECK(strncmp(why.text, "sa:", 3) == 0 && list.sa == NULL);
        return 0;
    }
    FUZZ_CHECK(list.n > 0);
    for (size_t i = 0; i < list.n; i++)
        check_sa(&list.sa[i]);
    xfrm_free(&list);
    return 0;
}
