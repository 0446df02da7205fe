/* Owns the names of numbers: transforms as charon prints them and as configurations write
 * them (IANA's IKEv2 registries; RFC 8221 and RFC 8247 say which are weak), states of SAs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/names_alg.h"

#include <strings.h>

#include "text/text.h"

struct alg_title {
    uint8_t type;
    uint16_t id;
    const char *name;
};

static const struct alg_title titles[] = {
    {CV_ENCR,  CV_ENCR_3DES,                  "3DES_CBC"             },
    {CV_ENCR,  CV_ENCR_NULL,                  "NULL"                 },
    {CV_ENCR,  CV_ENCR_AES_CBC,               "AES_CBC"              },
    {CV_ENCR,  CV_ENCR_AES_CTR,               "AES_CTR"              },
    {CV_ENCR,  CV_ENCR_AES_CCM_8,             "AES_CCM_8"            },
    {CV_ENCR,  CV_ENCR_AES_CCM_12,            "AES_CCM_12"           },
    {CV_ENCR,  CV_ENCR_AES_CCM_16,            "AES_CCM_16"           },
    {CV_ENCR,  CV_ENCR_AES_GCM_8,             "AES_GCM_8"            },
    {CV_ENCR,  CV_ENCR_AES_GCM_12,            "AES_GCM_12"           },
    {CV_ENCR,  CV_ENCR_AES_GCM_16,            "AES_GCM_16"           },
    {CV_ENCR,  CV_ENCR_NULL_GMAC,             "NULL_AES_GMAC"        },
    {CV_ENCR,  CV_ENCR_CHACHA20_POLY1305,     "CHACHA20_POLY1305"    },
    {CV_ENCR,  CV_ENCR_AES_CCM_8_IIV,         "AES_CCM_8_IIV"        },
    {CV_ENCR,  CV_ENCR_AES_GCM_16_IIV,        "AES_GCM_16_IIV"       },
    {CV_ENCR,  CV_ENCR_CHACHA20_POLY1305_IIV, "CHACHA20_POLY1305_IIV"},
    {CV_INTEG, CV_INTEG_NONE,                 "NONE"                 },
    {CV_INTEG, CV_INTEG_HMAC_MD5_96,          "HMAC_MD5_96"          },
    {CV_INTEG, CV_INTEG_HMAC_SHA1_96,         "HMAC_SHA1_96"         },
    {CV_INTEG, CV_INTEG_AES_XCBC_96,          "AES_XCBC_96"          },
    {CV_INTEG, CV_INTEG_AES_CMAC_96,          "AES_CMAC_96"          },
    {CV_INTEG, CV_INTEG_AES_128_GMAC,         "AES_128_GMAC"         },
    {CV_INTEG, CV_INTEG_AES_192_GMAC,         "AES_192_GMAC"         },
    {CV_INTEG, CV_INTEG_AES_256_GMAC,         "AES_256_GMAC"         },
    {CV_INTEG, CV_INTEG_HMAC_SHA2_256_128,    "HMAC_SHA2_256_128"    },
    {CV_INTEG, CV_INTEG_HMAC_SHA2_384_192,    "HMAC_SHA2_384_192"    },
    {CV_INTEG, CV_INTEG_HMAC_SHA2_512_256,    "HMAC_SHA2_512_256"    },
    {CV_PRF,   CV_PRF_HMAC_MD5,               "PRF_HMAC_MD5"         },
    {CV_PRF,   CV_PRF_HMAC_SHA1,              "PRF_HMAC_SHA1"        },
    {CV_PRF,   CV_PRF_AES128_XCBC,            "PRF_AES128_XCBC"      },
    {CV_PRF,   CV_PRF_HMAC_SHA2_256,          "PRF_HMAC_SHA2_256"    },
    {CV_PRF,   CV_PRF_HMAC_SHA2_384,          "PRF_HMAC_SHA2_384"    },
    {CV_PRF,   CV_PRF_HMAC_SHA2_512,          "PRF_HMAC_SHA2_512"    },
    {CV_PRF,   CV_PRF_AES128_CMAC,            "PRF_AES128_CMAC"      },
    {CV_KE,    CV_KE_NONE,                    "MODP_NONE"            },
    {CV_KE,    CV_KE_MODP_1024,               "MODP_1024"            },
    {CV_KE,    CV_KE_MODP_1536,               "MODP_1536"            },
    {CV_KE,    CV_KE_MODP_2048,               "MODP_2048"            },
    {CV_KE,    CV_KE_MODP_3072,               "MODP_3072"            },
    {CV_KE,    CV_KE_MODP_4096,               "MODP_4096"            },
    {CV_KE,    CV_KE_ECP_256,                 "ECP_256"              },
    {CV_KE,    CV_KE_ECP_384,                 "ECP_384"              },
    {CV_KE,    CV_KE_ECP_521,                 "ECP_521"              },
    {CV_KE,    CV_KE_X25519,                  "CURVE_25519"          },
    {CV_KE,    CV_KE_X448,                    "CURVE_448"            },
    {CV_ESN,   CV_ESN_NO,                     "NO_EXT_SEQ"           },
    {CV_ESN,   CV_ESN_YES,                    "EXT_SEQ"              },
};

/* Of several words for one transform the first is the one we write; of several transforms for
 * one word the first is meant, which for AH becomes the other (proposal_parse). */
static const struct alg_word words[] = {
    {"aes128",              CV_ENCR,  CV_ENCR_AES_CBC,               128, false},
    {"aes192",              CV_ENCR,  CV_ENCR_AES_CBC,               192, false},
    {"aes256",              CV_ENCR,  CV_ENCR_AES_CBC,               256, false},
    {"aes",                 CV_ENCR,  CV_ENCR_AES_CBC,               128, false},
    {"aes128ctr",           CV_ENCR,  CV_ENCR_AES_CTR,               128, false},
    {"aes192ctr",           CV_ENCR,  CV_ENCR_AES_CTR,               192, false},
    {"aes256ctr",           CV_ENCR,  CV_ENCR_AES_CTR,               256, false},
    {"aes128ccm8",          CV_ENCR,  CV_ENCR_AES_CCM_8,             128, false},
    {"aes192ccm8",          CV_ENCR,  CV_ENCR_AES_CCM_8,             192, false},
    {"aes256ccm8",          CV_ENCR,  CV_ENCR_AES_CCM_8,             256, false},
    {"aes128ccm64",         CV_ENCR,  CV_ENCR_AES_CCM_8,             128, false},
    {"aes192ccm64",         CV_ENCR,  CV_ENCR_AES_CCM_8,             192, false},
    {"aes256ccm64",         CV_ENCR,  CV_ENCR_AES_CCM_8,             256, false},
    {"aes128ccm12",         CV_ENCR,  CV_ENCR_AES_CCM_12,            128, false},
    {"aes192ccm12",         CV_ENCR,  CV_ENCR_AES_CCM_12,            192, false},
    {"aes256ccm12",         CV_ENCR,  CV_ENCR_AES_CCM_12,            256, false},
    {"aes128ccm96",         CV_ENCR,  CV_ENCR_AES_CCM_12,            128, false},
    {"aes192ccm96",         CV_ENCR,  CV_ENCR_AES_CCM_12,            192, false},
    {"aes256ccm96",         CV_ENCR,  CV_ENCR_AES_CCM_12,            256, false},
    {"aes128ccm16",         CV_ENCR,  CV_ENCR_AES_CCM_16,            128, false},
    {"aes192ccm16",         CV_ENCR,  CV_ENCR_AES_CCM_16,            192, false},
    {"aes256ccm16",         CV_ENCR,  CV_ENCR_AES_CCM_16,            256, false},
    {"aes128ccm128",        CV_ENCR,  CV_ENCR_AES_CCM_16,            128, false},
    {"aes192ccm128",        CV_ENCR,  CV_ENCR_AES_CCM_16,            192, false},
    {"aes256ccm128",        CV_ENCR,  CV_ENCR_AES_CCM_16,            256, false},
    {"aes128ccm",           CV_ENCR,  CV_ENCR_AES_CCM_16,            128, false},
    {"aes192ccm",           CV_ENCR,  CV_ENCR_AES_CCM_16,            192, false},
    {"aes256ccm",           CV_ENCR,  CV_ENCR_AES_CCM_16,            256, false},
    {"aes128gcm8",          CV_ENCR,  CV_ENCR_AES_GCM_8,             128, false},
    {"aes192gcm8",          CV_ENCR,  CV_ENCR_AES_GCM_8,             192, false},
    {"aes256gcm8",          CV_ENCR,  CV_ENCR_AES_GCM_8,             256, false},
    {"aes128gcm64",         CV_ENCR,  CV_ENCR_AES_GCM_8,             128, false},
    {"aes192gcm64",         CV_ENCR,  CV_ENCR_AES_GCM_8,             192, false},
    {"aes256gcm64",         CV_ENCR,  CV_ENCR_AES_GCM_8,             256, false},
    {"aes128gcm12",         CV_ENCR,  CV_ENCR_AES_GCM_12,            128, false},
    {"aes192gcm12",         CV_ENCR,  CV_ENCR_AES_GCM_12,            192, false},
    {"aes256gcm12",         CV_ENCR,  CV_ENCR_AES_GCM_12,            256, false},
    {"aes128gcm96",         CV_ENCR,  CV_ENCR_AES_GCM_12,            128, false},
    {"aes192gcm96",         CV_ENCR,  CV_ENCR_AES_GCM_12,            192, false},
    {"aes256gcm96",         CV_ENCR,  CV_ENCR_AES_GCM_12,            256, false},
    {"aes128gcm16",         CV_ENCR,  CV_ENCR_AES_GCM_16,            128, false},
    {"aes192gcm16",         CV_ENCR,  CV_ENCR_AES_GCM_16,            192, false},
    {"aes256gcm16",         CV_ENCR,  CV_ENCR_AES_GCM_16,            256, false},
    {"aes128gcm128",        CV_ENCR,  CV_ENCR_AES_GCM_16,            128, false},
    {"aes192gcm128",        CV_ENCR,  CV_ENCR_AES_GCM_16,            192, false},
    {"aes256gcm128",        CV_ENCR,  CV_ENCR_AES_GCM_16,            256, false},
    {"aes128gcm",           CV_ENCR,  CV_ENCR_AES_GCM_16,            128, false},
    {"aes192gcm",           CV_ENCR,  CV_ENCR_AES_GCM_16,            192, false},
    {"aes256gcm",           CV_ENCR,  CV_ENCR_AES_GCM_16,            256, false},
    {"aes128gmac",          CV_ENCR,  CV_ENCR_NULL_GMAC,             128, false},
    {"aes192gmac",          CV_ENCR,  CV_ENCR_NULL_GMAC,             192, false},
    {"aes256gmac",          CV_ENCR,  CV_ENCR_NULL_GMAC,             256, false},
    {"aes128gmac",          CV_INTEG, CV_INTEG_AES_128_GMAC,         0,   false},
    {"aes192gmac",          CV_INTEG, CV_INTEG_AES_192_GMAC,         0,   false},
    {"aes256gmac",          CV_INTEG, CV_INTEG_AES_256_GMAC,         0,   false},
    {"chacha20poly1305",    CV_ENCR,  CV_ENCR_CHACHA20_POLY1305,     0,   false},
    {"chacha20poly1305iiv", CV_ENCR,  CV_ENCR_CHACHA20_POLY1305_IIV, 0,   false},
    {"aes128gcm16iiv",      CV_ENCR,  CV_ENCR_AES_GCM_16_IIV,        128, false},
    {"aes192gcm16iiv",      CV_ENCR,  CV_ENCR_AES_GCM_16_IIV,        192, false},
    {"aes256gcm16iiv",      CV_ENCR,  CV_ENCR_AES_GCM_16_IIV,        256, false},
    {"aes128ccm8iiv",       CV_ENCR,  CV_ENCR_AES_CCM_8_IIV,         128, false},
    {"aes192ccm8iiv",       CV_ENCR,  CV_ENCR_AES_CCM_8_IIV,         192, false},
    {"aes256ccm8iiv",       CV_ENCR,  CV_ENCR_AES_CCM_8_IIV,         256, false},
    {"3des",                CV_ENCR,  CV_ENCR_3DES,                  0,   true },
    {"null",                CV_ENCR,  CV_ENCR_NULL,                  0,   true },
    {"sha256",              CV_INTEG, CV_INTEG_HMAC_SHA2_256_128,    0,   false},
    {"sha384",              CV_INTEG, CV_INTEG_HMAC_SHA2_384_192,    0,   false},
    {"sha512",              CV_INTEG, CV_INTEG_HMAC_SHA2_512_256,    0,   false},
    {"sha2_256",            CV_INTEG, CV_INTEG_HMAC_SHA2_256_128,    0,   false},
    {"sha2_384",            CV_INTEG, CV_INTEG_HMAC_SHA2_384_192,    0,   false},
    {"sha2_512",            CV_INTEG, CV_INTEG_HMAC_SHA2_512_256,    0,   false},
    {"aesxcbc",             CV_INTEG, CV_INTEG_AES_XCBC_96,          0,   false},
    {"aescmac",             CV_INTEG, CV_INTEG_AES_CMAC_96,          0,   false},
    {"sha1",                CV_INTEG, CV_INTEG_HMAC_SHA1_96,         0,   true },
    {"sha",                 CV_INTEG, CV_INTEG_HMAC_SHA1_96,         0,   true },
    {"md5",                 CV_INTEG, CV_INTEG_HMAC_MD5_96,          0,   true },
    {"prfsha256",           CV_PRF,   CV_PRF_HMAC_SHA2_256,          0,   false},
    {"prfsha384",           CV_PRF,   CV_PRF_HMAC_SHA2_384,          0,   false},
    {"prfsha512",           CV_PRF,   CV_PRF_HMAC_SHA2_512,          0,   false},
    {"prfaesxcbc",          CV_PRF,   CV_PRF_AES128_XCBC,            0,   false},
    {"prfaescmac",          CV_PRF,   CV_PRF_AES128_CMAC,            0,   false},
    {"prfsha1",             CV_PRF,   CV_PRF_HMAC_SHA1,              0,   true },
    {"prfmd5",              CV_PRF,   CV_PRF_HMAC_MD5,               0,   true },
    {"x25519",              CV_KE,    CV_KE_X25519,                  0,   false},
    {"curve25519",          CV_KE,    CV_KE_X25519,                  0,   false},
    {"x448",                CV_KE,    CV_KE_X448,                    0,   false},
    {"curve448",            CV_KE,    CV_KE_X448,                    0,   false},
    {"ecp256",              CV_KE,    CV_KE_ECP_256,                 0,   false},
    {"ecp384",              CV_KE,    CV_KE_ECP_384,                 0,   false},
    {"ecp521",              CV_KE,    CV_KE_ECP_521,                 0,   false},
    {"modp2048",            CV_KE,    CV_KE_MODP_2048,               0,   false},
    {"modp3072",            CV_KE,    CV_KE_MODP_3072,               0,   false},
    {"modp4096",            CV_KE,    CV_KE_MODP_4096,               0,   false},
    {"modp1536",            CV_KE,    CV_KE_MODP_1536,               0,   true },
    {"modp1024",            CV_KE,    CV_KE_MODP_1024,               0,   true },
    {"modpnone",            CV_KE,    CV_KE_NONE,                    0,   false},
    {"noesn",               CV_ESN,   CV_ESN_NO,                     0,   false},
    {"esn",                 CV_ESN,   CV_ESN_YES,                    0,   false},
};

/* Words of strongSwan's that deserve better than "unknown". */
static const char *const foreign[] = {
    "chacha20poly1305compat",
    "prfcamelliaxcbc",
    "camellia",
    "camellia128",
    "camellia192",
    "camellia256",
    "cast128",
    "blowfish",
    "blowfish128",
    "blowfish192",
    "blowfish256",
    "des",
    "serpent",
    "twofish",
    "sha256_96",
    "sha2_256_96",
    "sha1_160",
    "md5_128",
    "modp768",
    "modp6144",
    "modp8192",
    "modpnull",
    "modp1024s160",
    "modp2048s224",
    "modp2048s256",
    "ecp192",
    "ecp224",
    "ecp224bp",
    "ecp256bp",
    "ecp384bp",
    "ecp512bp",
    "ntru112",
    "ntru128",
    "ntru192",
    "ntru256",
    "newhope128",
    "mlkem512",
    "mlkem768",
    "mlkem1024",
    "ke1_mlkem512",
    "ke1_mlkem768",
    "ke1_mlkem1024",
};

static const struct alg_word foreign_word = {"", 0, 0, 0, false};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const struct alg_word *alg_find(const char *word)
{
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcasecmp(words[i].word, word) == 0)
            return &words[i];
    for (size_t i = 0; i < COUNT(foreign); i++)
        if (strcasecmp(foreign[i], word) == 0)
            return &foreign_word;
    return NULL;
}

const struct alg_word *alg_of(const struct cv_transform *t)
{
    for (size_t i = 0; i < COUNT(words); i++)
        if (words[i].type == t->type && words[i].id == t->id && words[i].key_len == t->key_len)
            return &words[i];
    return NULL;
}

void alg_suggest(struct suggest *s)
{
    for (size_t i = 0; i < COUNT(words); i++)
        suggest_try(s, words[i].word);
}

static const char *title(uint8_t type, uint16_t id)
{
    for (size_t i = 0; i < COUNT(titles); i++)
        if (titles[i].type == type && titles[i].id == id)
            return titles[i].name;
    return "UNKNOWN";
}

const char *alg_name(const struct cv_transform *t)
{
    return title(t->type, t->id);
}

bool alg_is_aead(uint16_t encr)
{
    switch (encr) {
    case CV_ENCR_3DES:
    case CV_ENCR_NULL:
    case CV_ENCR_AES_CBC:
    case CV_ENCR_AES_CTR:
        return false;
    default:
        return true;
    }
}

const char *name_encr(uint16_t id)
{
    return title(CV_ENCR, id);
}

const char *name_integ(uint16_t id)
{
    return title(CV_INTEG, id);
}

const char *name_prf(uint16_t id)
{
    return title(CV_PRF, id);
}

const char *name_ke(uint16_t id)
{
    return title(CV_KE, id);
}

const char *name_ike_state(uint8_t state)
{
    static const char *const names[] = {
        [CV_IKE_CONNECTING] = "CONNECTING", [CV_IKE_ESTABLISHED] = "ESTABLISHED",
        [CV_IKE_REKEYING] = "REKEYING",     [CV_IKE_REKEYED] = "REKEYED",
        [CV_IKE_DELETING] = "DELETING",     [CV_IKE_DEAD] = "DESTROYING",
    };

    return state < COUNT(names) && names[state] != NULL ? names[state] : "UNKNOWN";
}

const char *name_child_state(uint8_t state)
{
    static const char *const names[] = {
        [CV_CHILD_CREATED] = "CREATED",   [CV_CHILD_INSTALLED] = "INSTALLED",
        [CV_CHILD_REKEYING] = "REKEYING", [CV_CHILD_REKEYED] = "REKEYED",
        [CV_CHILD_DELETING] = "DELETING", [CV_CHILD_DEAD] = "DELETED",
    };

    return state < COUNT(names) && names[state] != NULL ? names[state] : "UNKNOWN";
}
