/* Published values of the algorithms, for tests of a crypto port.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_CRYPTO_VECTORS_H
#define TESTS_SUPPORT_CRYPTO_VECTORS_H

#include <stdint.h>

#include <culvert/crypto.h>

/* ---- AEADs ---- */

/* McGrew, Viega: "The Galois/Counter Mode of Operation", test cases 4, 10 and 16. */
#define GCM_KEY "feffe9928665731c6d6a8f9467308308"
#define GCM_NONCE "cafebabefacedbaddecaf888"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_PLAIN                                                                              \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24" \
    "49a6b525b16aedf5aa0de657ba637b39"

/* Ours, after RFC 3610 section 2: computed with a script that knows AES alone and
 * reproduces RFC 3610's packet vector 1. */
#define CCM_KEY_128 "000102030405060708090a0b0c0d0e0f"
#define CCM_KEY_192 CCM_KEY_128 "1011121314151617"
#define CCM_KEY_256 CCM_KEY_192 "18191a1b1c1d1e1f"
#define CCM_NONCE "a0a1a2a3a4a5a6a7a8a9aa"
#define CCM_AAD "2021222324252627"
#define CCM_PLAIN "404142434445464748494a4b4c4d4e4f50515253545556"
#define CCM_CIPHER_128 "a4fb0635aaeeece194ef21d3a74be1a81520d2b2fe2ec6"
#define CCM_CIPHER_192 "26d8f286e6c2852804b2c0ee26aa54ef6cf2973d8da0d9"
#define CCM_CIPHER_256 "d8e001ccb517b209a0b27fb97aa8faa69a9d0c8acd64c4"

/* RFC 7634 appendix B: an IKEv2 message. */
#define CHACHA_KEY "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
#define CHACHA_NONCE "a0a1a2a31011121314151617"

/* draft-mcgrew-gcm-test-01, test case 15: an ESP packet. */
#define GMAC_PAYLOAD                                                                           \
    "45000030da3a00008001df3bc0a80005c0a800010800c6cd0200070061626364656667"                   \
    "68696a6b6c6d6e6f707172737401020204"

/* icv is the longest one; shorter variants of GCM send its first octets. */
/* clang-format off */
static const struct aead_vector {
    uint16_t ids[4];
    uint16_t bits;
    const char *key, *nonce, *aad, *plain, *cipher, *icv;
} aead_vectors[] = {
    {{CV_ENCR_AES_GCM_16, CV_ENCR_AES_GCM_12, CV_ENCR_AES_GCM_8, CV_ENCR_AES_GCM_16_IIV},
     128, GCM_KEY, GCM_NONCE, GCM_AAD, GCM_PLAIN,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5a"
     "ac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {{CV_ENCR_AES_GCM_16, CV_ENCR_AES_GCM_12, CV_ENCR_AES_GCM_8, CV_ENCR_AES_GCM_16_IIV},
     192, GCM_KEY "feffe9928665731c", GCM_NONCE, GCM_AAD, GCM_PLAIN,
     "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18"
     "c84a3f4718e2448b2fe324d9ccda2710",
     "2519498e80f1478f37ba55bd6d27618c"},
    {{CV_ENCR_AES_GCM_16, CV_ENCR_AES_GCM_12, CV_ENCR_AES_GCM_8, CV_ENCR_AES_GCM_16_IIV},
     256, GCM_KEY GCM_KEY, GCM_NONCE, GCM_AAD, GCM_PLAIN,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10"
     "56828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {{CV_ENCR_AES_CCM_16},
     128, CCM_KEY_128, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_128,
     "440a2b5c8aade6d904151b5ca59ca22e"},
    {{CV_ENCR_AES_CCM_12},
     128, CCM_KEY_128, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_128,
     "02a45c30156a8503d555793f"},
    {{CV_ENCR_AES_CCM_8, CV_ENCR_AES_CCM_8_IIV},
     128, CCM_KEY_128, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_128,
     "082212ac7096ecf6"},
    {{CV_ENCR_AES_CCM_16},
     192, CCM_KEY_192, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_192,
     "f23320c5c2a0724a7ef65cd52f17d975"},
    {{CV_ENCR_AES_CCM_12},
     192, CCM_KEY_192, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_192,
     "dd42c49a5a1840187d7b4c7f"},
    {{CV_ENCR_AES_CCM_8, CV_ENCR_AES_CCM_8_IIV},
     192, CCM_KEY_192, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_192,
     "1ecab96658a9a618"},
    {{CV_ENCR_AES_CCM_16},
     256, CCM_KEY_256, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_256,
     "84026f4f36993114d56807a6fabe08db"},
    {{CV_ENCR_AES_CCM_12},
     256, CCM_KEY_256, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_256,
     "29b6a9508052e26cac163a17"},
    {{CV_ENCR_AES_CCM_8, CV_ENCR_AES_CCM_8_IIV},
     256, CCM_KEY_256, CCM_NONCE, CCM_AAD, CCM_PLAIN, CCM_CIPHER_256,
     "da388246c28f7fd1"},
    {{CV_ENCR_CHACHA20_POLY1305, CV_ENCR_CHACHA20_POLY1305_IIV},
     0, CHACHA_KEY, CHACHA_NONCE,
     "c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029",
     "0000000c000040010000000a00",
     "610394701f8d017f7c12924889",
     "6b71bfe25236efd7cdc67066906315b2"},
    {{CV_ENCR_NULL_GMAC},
     128, "4c80cdefbb5d10da906ac73c3613a634", "22433c640000000000000000", "0000432100000007",
     GMAC_PAYLOAD, GMAC_PAYLOAD,
     "594f4055428d399a9d66c15e77023a98"},
};
/* clang-format on */

/* ---- ciphers ---- */

/* NIST SP 800-38A, appendix F.2: the same IV and plaintext under three keys. */
#define SP_IV "000102030405060708090a0b0c0d0e0f"
#define SP_PLAIN                                                                               \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                         \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

/* RFC 3686 section 6 counts upwards in its plaintexts. */
#define COUNT_32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define COUNT_36 COUNT_32 "20212223"
#define SINGLE_BLOCK "53696e676c6520626c6f636b206d7367"

/* Keys of CTR end with the nonce. */
/* clang-format off */
static const struct cipher_vector {
    uint16_t id, bits;
    const char *key, *iv, *plain, *cipher;
} cipher_vectors[] = {
    /* RFC 3602 section 4, case 1 */
    {CV_ENCR_AES_CBC, 128, "06a9214036b8a15b512e03d534120006",
     "3dafba429d9eb430b422da802c9fac41", SINGLE_BLOCK, "e353779c1079aeb82708942dbe77181a"},
    {CV_ENCR_AES_CBC, 128, "2b7e151628aed2a6abf7158809cf4f3c", SP_IV, SP_PLAIN,
     "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
     "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
    {CV_ENCR_AES_CBC, 192, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", SP_IV, SP_PLAIN,
     "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
     "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd"},
    {CV_ENCR_AES_CBC, 256, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
     SP_IV, SP_PLAIN,
     "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
     "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
    /* RFC 3686 section 6, cases 1 to 9 */
    {CV_ENCR_AES_CTR, 128, "ae6852f8121067cc4bf7a5765577f39e00000030", "0000000000000000",
     SINGLE_BLOCK, "e4095d4fb7a7b3792d6175a3261311b8"},
    {CV_ENCR_AES_CTR, 128, "7e24067817fae0d743d6ce1f32539163006cb6db", "c0543b59da48d90b",
     COUNT_32, "5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28"},
    {CV_ENCR_AES_CTR, 128, "7691be035e5020a8ac6e618529f9a0dc00e0017b", "27777f3f4a1786f0",
     COUNT_36, "c1cf48a89f2ffdd9cf4652e9efdb72d74540a42bde6d7836d59a5ceaaef3105325b2072f"},
    {CV_ENCR_AES_CTR, 192, "16af5b145fc9f579c175f93e3bfb0eed863d06ccfdb7851500000048",
     "36733c147d6d93cb", SINGLE_BLOCK, "4b55384fe259c9c84e7935a003cbe928"},
    {CV_ENCR_AES_CTR, 192, "7c5cb2401b3dc33c19e7340819e0f69c678c3db8e6f6a91a0096b03b",
     "020c6eadc2cb500d", COUNT_32,
     "453243fc609b23327edfaafa7131cd9f8490701c5ad4a79cfc1fe0ff42f4fb00"},
    {CV_ENCR_AES_CTR, 192, "02bf391ee8ecb159b959617b0965279bf59b60a786d3e0fe0007bdfd",
     "5cbd60278dcc0912", COUNT_36,
     "96893fc55e5c722f540b7dd1ddf7e758d288bc95c69165884536c811662f2188abee0935"},
    {CV_ENCR_AES_CTR, 256,
     "776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c10400000060",
     "db5672c97aa8f0b2", SINGLE_BLOCK, "145ad01dbf824ec7560863dc71e3e0c0"},
    {CV_ENCR_AES_CTR, 256,
     "f6d66d6bd52d59bb0796365879eff886c66dd51a5b6a99744b50590c87a2388400faac24",
     "c1585ef15a43d875", COUNT_32,
     "f05e231b3894612c49ee000b804eb2a9b8306b508f839d6a5530831d9344af1c"},
    {CV_ENCR_AES_CTR, 256,
     "ff7a617ce69148e4f1726e2f43581de2aa62d9f805532edff1eed687fb54153d001cc5b7",
     "51a51d70a1c11148", COUNT_36,
     "eb6c52821d0bbbf7ce7594462aca4faab407df866569fd07f48cc0b583d6071f1ec0e6b8"},
    /* strongSwan's vectors des3_cbc1 and 2 */
    {CV_ENCR_3DES, 0, "627f460e08104a1043cd265d5840eaf1313edf97df2a8a8c", "8e29f75ea77e5475",
     "326a494cd33fe756", "b22b8d66de970692"},
    {CV_ENCR_3DES, 0, "37ae5ebf46dff2dc0754b94f31cbb3855e7fd36dc870bfae", "3d1de3cc132e3b65",
     "84401f78fe6c10876d8ea23094ea5309", "7b1f7c7e3b1c948ebd04a75ffba7d2f5"},
    {CV_ENCR_NULL, 0, "", "", COUNT_36, COUNT_36},
};
/* clang-format on */

/* ---- integrity transforms, PRFs, hashes ---- */

#define HI_THERE "4869205468657265"
#define KEY_0B_16 "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
#define COUNT_16 "000102030405060708090a0b0c0d0e0f"
#define COUNT_20 COUNT_16 "10111213"
#define CMAC_KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define CMAC_40                                                                                \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"
#define CMAC_64 CMAC_40 "e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

struct mac_vector {
    uint16_t id;
    const char *key, *data, *out;
};

/* clang-format off */
static const struct mac_vector integ_vectors[] = {
    /* RFC 2202 sections 2 and 3, case 1 */
    {CV_INTEG_HMAC_MD5_96, KEY_0B_16, HI_THERE, "9294727a3638bb1c13f48ef8"},
    {CV_INTEG_HMAC_SHA1_96, KEY_0B_16 "0b0b0b0b", HI_THERE, "b617318655057264e28bc0b6"},
    /* RFC 4868 section 2.7.2, case 1 of each */
    {CV_INTEG_HMAC_SHA2_256_128, KEY_0B_16 KEY_0B_16, HI_THERE,
     "198a607eb44bfbc69903a0f1cf2bbdc5"},
    {CV_INTEG_HMAC_SHA2_384_192, KEY_0B_16 KEY_0B_16 KEY_0B_16, HI_THERE,
     "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee973"},
    {CV_INTEG_HMAC_SHA2_512_256, KEY_0B_16 KEY_0B_16 KEY_0B_16 KEY_0B_16, HI_THERE,
     "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8"},
    /* RFC 3566 section 4.6, cases 1 to 5 */
    {CV_INTEG_AES_XCBC_96, COUNT_16, "", "75f0251d528ac01c4573dfd5"},
    {CV_INTEG_AES_XCBC_96, COUNT_16, "000102", "5b376580ae2f19afe7219cee"},
    {CV_INTEG_AES_XCBC_96, COUNT_16, COUNT_16, "d2a246fa349b68a79998a439"},
    {CV_INTEG_AES_XCBC_96, COUNT_16, COUNT_20, "47f51b4564966215b8985c63"},
    {CV_INTEG_AES_XCBC_96, COUNT_16, COUNT_20 "1415161718191a1b1c1d1e1f",
     "f54f0ec8d2b9f3d36807734b"},
    /* RFC 4494 section 4.1 */
    {CV_INTEG_AES_CMAC_96, CMAC_KEY, "", "bb1d6929e95937287fa37d12"},
    {CV_INTEG_AES_CMAC_96, CMAC_KEY, "6bc1bee22e409f96e93d7e117393172a",
     "070a16b46b4d4144f79bdd9d"},
    {CV_INTEG_AES_CMAC_96, CMAC_KEY, CMAC_40, "dfa66747de9ae63030ca3261"},
    {CV_INTEG_AES_CMAC_96, CMAC_KEY, CMAC_64, "51f0bebf7e3b9d92fc497417"},
    /* NIST's vectors of GCM without plaintext, and Wycheproof's aes_gmac 146, the IV in two: salt
     * behind the key, the rest here in front of the tag */
    {CV_INTEG_AES_128_GMAC, "77be63708971c4e240d1cb79e8d77feb" "e0e00f19",
     "7a43ec1d9c0a5a78a0b16533a6213cab", "fed7ba0136a797f3" "209fcc8d3675ed938e9c7166709dd946"},
    {CV_INTEG_AES_192_GMAC, "6031b3a177b43045ae587ffb0d228b0414ff26b7206c30f5" "8af8ef74",
     "dc89f1dd15f3258b7e921173650eb9ba", "bd2521f6e711950b" "68a1249d6487f46c107bdb8417271e26"},
    {CV_INTEG_AES_256_GMAC, "78dc4e0aaf52d935c3c01eea57428f00ca1fd475f5da86a49c8dd73d68c8e223" "d79cf22d",
     "b96baa8c1c75a671bfb2d08d06be5f36", "504cc793c3fb6c8a" "3e5d486aa2e30b22e040b85723a06e76"},
};
/* clang-format on */

/* clang-format off */
static const struct mac_vector prf_vectors[] = {
    /* RFC 2202: cases 1 and 2 */
    {CV_PRF_HMAC_MD5, KEY_0B_16, HI_THERE, "9294727a3638bb1c13f48ef8158bfc9d"},
    {CV_PRF_HMAC_MD5, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "750c783e6ab0b503eaa86e310a5db738"},
    {CV_PRF_HMAC_SHA1, KEY_0B_16 "0b0b0b0b", HI_THERE,
     "b617318655057264e28bc0b6fb378c8ef146be00"},
    {CV_PRF_HMAC_SHA1, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    /* RFC 4231 section 4.2 */
    {CV_PRF_HMAC_SHA2_256, KEY_0B_16 "0b0b0b0b", HI_THERE,
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {CV_PRF_HMAC_SHA2_384, KEY_0B_16 "0b0b0b0b", HI_THERE,
     "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8"
     "b2fa9cb6"},
    {CV_PRF_HMAC_SHA2_512, KEY_0B_16 "0b0b0b0b", HI_THERE,
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274e"
     "aea3f4e4be9d914eeb61f1702e696c203a126854"},
    /* RFC 4434 section 2: keys of 16, 10 and 18 octets */
    {CV_PRF_AES128_XCBC, COUNT_16, COUNT_20, "47f51b4564966215b8985c63055ed308"},
    {CV_PRF_AES128_XCBC, "00010203040506070809", COUNT_20, "0fa087af7d866e7653434e602fdde835"},
    {CV_PRF_AES128_XCBC, COUNT_16 "edcb", COUNT_20, "8cd3c93ae598a9803006ffb67c40e9e4"},
    /* RFC 4615 section 4: keys of 18, 16 and 10 octets */
    {CV_PRF_AES128_CMAC, COUNT_16 "edcb", COUNT_20, "84a348a4a45d235babfffc0d2b4da09a"},
    {CV_PRF_AES128_CMAC, COUNT_16, COUNT_20, "980ae87b5f4c9c5214f5b6a8455e4c2d"},
    {CV_PRF_AES128_CMAC, "00010203040506070809", COUNT_20, "290d9e112edb09ee141fcf64c0b72f3d"},
};
/* clang-format on */

/* FIPS 180-4 examples: "abc" and the empty message. */
/* clang-format off */
static const struct mac_vector hash_vectors[] = {
    {CV_HASH_SHA1, NULL, "616263", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {CV_HASH_SHA1, NULL, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {CV_HASH_SHA2_256, NULL, "616263",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {CV_HASH_SHA2_384, NULL, "616263",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca1"
     "34c825a7"},
    {CV_HASH_SHA2_512, NULL, "616263",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23"
     "a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};
/* clang-format on */

#endif
