/* ESP on one packet in place (RFC 4303): seal and open with one direction's SA.
 *
 * Knows algorithms only through the crypto port's descriptors: an AEAD, or a cipher
 * with a MAC over what it wrote.  Knows no table, window, selector or clock.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_ESP_H
#define IPSEC_ESP_H

#include <culvert/crypto.h>
#include <culvert/engine.h>
#include <culvert/packet.h>

enum {
    ESP_HDR_LEN = 8,     /* SPI, sequence number */
    ESP_TRAILER_LEN = 2, /* pad length, next header */
    ESP_SALT_MAX = 4
};

/* The keys of one direction, expanded: an AEAD's, or those of a cipher and a MAC, or of a MAC
 * alone (AH). */
struct esp_key {
    const struct cv_aead *aead;     /* or NULL, and then */
    const struct cv_cipher *cipher; /* both of these, or for AH the second */
    const struct cv_integ *integ;
    void *key, *integ_key; /* the backend's objects; owned */
    uint8_t salt[ESP_SALT_MAX];
};

/* One direction of one SA: hot data alone. */
struct esp_sa {
    struct esp_key
        *key;     /* NULL: not expanded now, and what seals or opens must not be called */
    uint64_t seq; /* outbound: the last number used; only ever grows */
    uint32_t spi; /* host order */
    uint8_t iv_len, icv_len;
    uint8_t align; /* octets; payload, padding and trailer fill a multiple of it */
    uint8_t block; /* of the cipher; 1 with an AEAD */
    bool esn;
};
_Static_assert(sizeof(struct esp_sa) <= 32, "both directions of a pair in one cache line");

/* Octets of keying material per direction; 0: the backend lacks the suite, or it is one
 * without integrity protection. */
size_t esp_key_len(const struct cv_crypto *crypto, const struct cv_suite *suite);

/* An SA of this suite without expanded keys.  CV_ERR_UNSUPPORTED: there is no such suite. */
CV_MUST_USE enum cv_err esp_sa_open(struct esp_sa *sa, const struct cv_crypto *crypto,
                                    const struct cv_suite *suite, uint32_t spi);

/* Expands keying material: encryption key with salt, then integrity key; of AH when encr is 0.
 * On failure k holds nothing.  CV_ERR_UNSUPPORTED: no such suite; CV_ERR_ARGUMENT: wrong
 * length; CV_ERR_FULL: the backend has no room for another key. */
CV_MUST_USE enum cv_err esp_key_open(struct esp_key *k, const struct cv_crypto *crypto,
                                     const struct cv_suite *suite, struct cv_span keymat);
/* Frees and wipes.  A zeroed or closed k may be closed again. */
void esp_key_close(struct esp_key *k);

/* The next packet's number is above seq, as far as there are numbers.  Never lowers. */
void esp_raise_seq(struct esp_sa *sa, uint64_t seq);

/* The packet at pkt->off becomes the payload of an ESP packet, with next_header named in
 * its trailer.  The number is spent even when the cipher fails.  CV_ERR_NO_ROOM and
 * CV_ERR_SEQ_EXHAUSTED leave everything as it was. */
CV_MUST_USE enum cv_err esp_seal(struct esp_sa *sa, struct cv_packet *pkt, uint8_t next_header);

/* The largest payload whose ESP packet has at most n octets. */
size_t esp_max_payload(const struct esp_sa *sa, size_t n);

/* Sequence numbers still to be had. */
uint64_t esp_seq_left(const struct esp_sa *sa);

/* Reads SPI and the sequence number's low half.  CV_ERR_SHORT. */
CV_MUST_USE enum cv_err esp_read_header(const struct cv_packet *pkt, uint32_t *spi,
                                        uint32_t *seq_low);

/* Could this be a packet of sa at all?  CV_ERR_SHORT, CV_ERR_MALFORMED. */
CV_MUST_USE enum cv_err esp_check_len(const struct esp_sa *sa, size_t len);

/* Authenticates and decrypts a packet that passed esp_check_len.  Leaves payload, padding
 * and trailer at pkt->off.  CV_ERR_ICV: contents are lost, pkt->off and len unchanged. */
CV_MUST_USE enum cv_err esp_open(const struct esp_sa *sa, uint64_t seq, struct cv_packet *pkt);

/* Takes trailer and padding off an opened packet.  CV_ERR_PADDING. */
CV_MUST_USE enum cv_err esp_strip(struct cv_packet *pkt, uint8_t *next_header);

#endif
