/*
 * crypto.c - see crypto.h. OpenSSL 3 through EVP only. A key carries its kind, and verifying asks
 * whether kind and algorithm belong together: a public RSA key is never the secret of an HMAC.
 *
 * Any thread. OpenSSL's error queue is per thread and left empty.
 */
#include "crypto.h"

#include <stdatomic.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define RSA_BITS_MIN 2048 /* RFC 7518 3.3 */
#define RSA_BITS_MAX 4096 /* 60 us to verify; 8192 bits would take 200 */
#define SECRET_MAX 4096u
#define COORDINATE_MAX 66u
#define PEM_MAX 65536u

/* ---- algorithms ---- */

static const struct auth_algorithm algorithms[] = {
    {"HS256", AUTH_KEY_SECRET, "SHA256", NULL, 32, 0, 0},
    {"HS384", AUTH_KEY_SECRET, "SHA384", NULL, 48, 0, 0},
    {"HS512", AUTH_KEY_SECRET, "SHA512", NULL, 64, 0, 0},
    {"RS256", AUTH_KEY_RSA, "SHA256", NULL, 32, 0, 0},
    {"RS384", AUTH_KEY_RSA, "SHA384", NULL, 48, 0, 0},
    {"RS512", AUTH_KEY_RSA, "SHA512", NULL, 64, 0, 0},
    {"PS256", AUTH_KEY_RSA, "SHA256", NULL, 32, 1, 0},
    {"PS384", AUTH_KEY_RSA, "SHA384", NULL, 48, 1, 0},
    {"PS512", AUTH_KEY_RSA, "SHA512", NULL, 64, 1, 0},
    {"ES256", AUTH_KEY_EC, "SHA256", "P-256", 32, 0, 0},
    {"ES384", AUTH_KEY_EC, "SHA384", "P-384", 48, 0, 1},
    {"ES512", AUTH_KEY_EC, "SHA512", "P-521", 66, 0, 1},
    {"EdDSA", AUTH_KEY_ED, NULL, NULL, 0, 0, 0},
};

const struct auth_algorithm *auth_algorithm_find(struct eg_str name) {
    for (size_t i = 0; i < EGX_COUNT(algorithms); i++) {
        if (egx_str_eq(name, egx_str_c(algorithms[i].name))) {
            return &algorithms[i];
        }
    }
    return NULL;
}

uint32_t auth_algorithm_index(const struct auth_algorithm *algorithm) {
    return (uint32_t)(algorithm - algorithms);
}

/* ---- hashes ---- */

struct auth_hasher {
    const struct eg_host *host;
    EVP_MD *sha256;
};

struct auth_hasher *auth_hasher_new(const struct eg_host *host) {
    struct auth_hasher *hasher = host->mem->alloc(host, sizeof *hasher);
    hasher->host = host;
    hasher->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    return hasher;
}

void auth_hasher_free(struct auth_hasher *hasher) {
    if (hasher != NULL) {
        EVP_MD_free(hasher->sha256);
        hasher->host->mem->free(hasher->host, hasher);
    }
}

int auth_hash(const struct auth_hasher *hasher, const struct eg_str *pieces, size_t count,
              struct auth_digest *ret_digest) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int is_good = context != NULL && hasher->sha256 != NULL &&
                  EVP_DigestInit_ex2(context, hasher->sha256, NULL) == 1;
    for (size_t i = 0; is_good && i < count; i++) {
        is_good =
            pieces[i].len == 0 || EVP_DigestUpdate(context, pieces[i].ptr, pieces[i].len) == 1;
    }
    is_good = is_good && EVP_DigestFinal_ex(context, ret_digest->bytes, NULL) == 1;
    EVP_MD_CTX_free(context);
    return is_good;
}

int auth_random(unsigned char *out, size_t len) {
    return RAND_bytes(out, (int)len) == 1;
}

int auth_digest_eq(const struct auth_digest *a, const struct auth_digest *b) {
    return CRYPTO_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* ---- keys ---- */

struct auth_key {
    const struct eg_host *host;
    atomic_uint refs;
    enum auth_key_kind kind;
    const char *curve; /* of kind EC and ED */
    EVP_PKEY *evp;     /* of all but secrets */
    size_t secret_len;
    unsigned char secret[];
};

static struct auth_key *new_key(const struct eg_host *host, enum auth_key_kind kind,
                                size_t secret_len) {
    struct auth_key *key = host->mem->alloc(host, sizeof *key + secret_len);
    key->host = host;
    key->kind = kind;
    key->secret_len = secret_len;
    atomic_init(&key->refs, 1);
    return key;
}

struct auth_key *auth_key_ref(struct auth_key *key) {
    (void)atomic_fetch_add(&key->refs, 1);
    return key;
}

void auth_key_unref(struct auth_key *key) {
    if (key != NULL && atomic_fetch_sub(&key->refs, 1) == 1) {
        EVP_PKEY_free(key->evp);
        OPENSSL_cleanse(key->secret, key->secret_len);
        key->host->mem->free(key->host, key);
    }
}

struct auth_key *auth_key_secret(const struct eg_host *host, struct eg_str bytes,
                                 struct eg_why *ret_why) {
    if (bytes.len < 32 || bytes.len > SECRET_MAX) { /* HS256's own length, RFC 7518 3.2 */
        (void)egx_why(ret_why, EG_E_INVAL, "a secret has to have 32 to %u bytes", SECRET_MAX);
        return NULL;
    }
    struct auth_key *key = new_key(host, AUTH_KEY_SECRET, bytes.len);
    memcpy(key->secret, bytes.ptr, bytes.len);
    return key;
}

struct curve_row {
    const char *jwk;   /* RFC 7518 6.2.1.1, RFC 8037 2 */
    const char *group; /* OpenSSL's */
    size_t size;
    enum auth_key_kind kind;
};
static const struct curve_row curves[] = {
    {"P-256", "prime256v1", 32, AUTH_KEY_EC}, {"P-384", "secp384r1", 48, AUTH_KEY_EC},
    {"P-521", "secp521r1", 66, AUTH_KEY_EC},  {"Ed25519", "ED25519", 32, AUTH_KEY_ED},
    {"Ed448", "ED448", 57, AUTH_KEY_ED},
};

static const struct curve_row *find_curve(struct eg_str name, enum auth_key_kind kind) {
    for (size_t i = 0; i < EGX_COUNT(curves); i++) {
        if (curves[i].kind == kind && egx_str_eq(name, egx_str_c(curves[i].jwk))) {
            return &curves[i];
        }
    }
    return NULL;
}

/* The curve of an OpenSSL key; NULL = none that JOSE knows. */
static const struct curve_row *curve_of(EVP_PKEY *evp) {
    char group[64] = "";
    size_t len = 0;
    if (EVP_PKEY_is_a(evp, "EC") && EVP_PKEY_get_group_name(evp, group, sizeof group, &len) != 1) {
        return NULL;
    }
    for (size_t i = 0; i < EGX_COUNT(curves); i++) {
        const int is_it = curves[i].kind == AUTH_KEY_EC ? strcmp(group, curves[i].group) == 0
                                                        : EVP_PKEY_is_a(evp, curves[i].group);
        if (is_it) {
            return &curves[i];
        }
    }
    return NULL;
}

/* give evp (NULL is fine). Kind and curve are OpenSSL's word, not the sender's. */
static struct auth_key *wrap(const struct eg_host *host, EVP_PKEY *evp, struct eg_why *ret_why) {
    struct auth_key *key = NULL;
    const struct curve_row *curve = evp == NULL ? NULL : curve_of(evp);
    const int bits = evp == NULL ? 0 : EVP_PKEY_get_bits(evp);
    if (evp == NULL) {
        (void)egx_why(ret_why, EG_E_INVAL, "it is no public key that can be used");
    } else if (EVP_PKEY_is_a(evp, "RSA") && (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)) {
        (void)egx_why(ret_why, EG_E_INVAL, "RSA keys have to have %d to %d bits, not %d",
                      RSA_BITS_MIN, RSA_BITS_MAX, bits);
    } else if (EVP_PKEY_is_a(evp, "RSA")) {
        key = new_key(host, AUTH_KEY_RSA, 0);
    } else if (curve != NULL) {
        key = new_key(host, curve->kind, 0);
        key->curve = curve->jwk;
    } else {
        (void)egx_why(ret_why, EG_E_INVAL, "no algorithm uses keys of this type or curve");
    }
    if (key != NULL) {
        key->evp = evp;
    } else {
        EVP_PKEY_free(evp);
    }
    ERR_clear_error();
    return key;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build) {
    EVP_PKEY *evp = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &evp, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        evp = NULL;
    }
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return evp;
}

static BIGNUM *number_of(struct eg_str bytes) {
    return bytes.len == 0 || bytes.len > RSA_BITS_MAX / 8 + 1
               ? NULL
               : BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len, NULL);
}

struct auth_key *auth_key_rsa(const struct eg_host *host, struct eg_str modulus,
                              struct eg_str exponent, struct eg_why *ret_why) {
    EVP_PKEY *evp = NULL;
    BIGNUM *n = number_of(modulus);
    BIGNUM *e = number_of(exponent);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    /* A huge exponent would make verifying slow, an even one is none. */
    if (n != NULL && e != NULL && build != NULL && BN_num_bits(e) <= 64 && BN_is_odd(e) &&
        !BN_is_one(e) && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
        evp = from_params("RSA", build);
    }
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return wrap(host, evp, ret_why);
}

struct auth_key *auth_key_ec(const struct eg_host *host, struct eg_str curve_name, struct eg_str x,
                             struct eg_str y, struct eg_why *ret_why) {
    const struct curve_row *curve = find_curve(curve_name, AUTH_KEY_EC);
    unsigned char point[1 + 2 * COORDINATE_MAX] = {4}; /* uncompressed, SEC 1 2.3.3 */
    EVP_PKEY *evp = NULL;
    if (curve == NULL || x.len != curve->size || y.len != curve->size) {
        return wrap(host, NULL, ret_why);
    }
    memcpy(point + 1, x.ptr, x.len);
    memcpy(point + 1 + x.len, y.ptr, y.len);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
                                         1 + x.len + y.len) == 1) {
        evp = from_params("EC", build); /* a point that is not on the curve is refused here */
    }
    OSSL_PARAM_BLD_free(build);
    return wrap(host, evp, ret_why);
}

struct auth_key *auth_key_ed(const struct eg_host *host, struct eg_str curve_name, struct eg_str x,
                             struct eg_why *ret_why) {
    const struct curve_row *curve = find_curve(curve_name, AUTH_KEY_ED);
    if (curve == NULL || x.len != curve->size) {
        return wrap(host, NULL, ret_why);
    }
    return wrap(host,
                EVP_PKEY_new_raw_public_key_ex(NULL, curve->group, NULL,
                                               (const unsigned char *)x.ptr, x.len),
                ret_why);
}

/* The passphrase of encrypted PEM, which no public key needs: without one OpenSSL asks for it on
 * the terminal (pem_password_cb(3)), and waits. */
static char no_passphrase[] = "";

static EVP_PKEY *key_of_certificate(BIO *bio) {
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, no_passphrase);
    EVP_PKEY *evp = certificate == NULL ? NULL : X509_get_pubkey(certificate);
    X509_free(certificate);
    return evp;
}

struct auth_key *auth_key_pem(const struct eg_host *host, struct eg_str pem,
                              struct eg_why *ret_why) {
    if (pem.len == 0 || pem.len > PEM_MAX) {
        return wrap(host, NULL, ret_why);
    }
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *evp = bio == NULL ? NULL : PEM_read_bio_PUBKEY(bio, NULL, NULL, no_passphrase);
    if (bio != NULL && evp == NULL) {
        (void)BIO_reset(bio);
        evp = key_of_certificate(bio);
    }
    (void)BIO_free(bio);
    return wrap(host, evp, ret_why);
}

/* ---- signatures ---- */

int auth_key_fits(const struct auth_key *key, const struct auth_algorithm *algorithm) {
    if (key->kind != algorithm->kind) {
        return 0;
    }
    if (key->kind == AUTH_KEY_SECRET) { /* RFC 7518 3.2: at least as long as the hash */
        return key->secret_len >= algorithm->size;
    }
    return algorithm->curve == NULL || strcmp(key->curve, algorithm->curve) == 0;
}

static int verify_hmac(const struct auth_key *key, const struct auth_algorithm *algorithm,
                       struct eg_str text, struct eg_str signature) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t len = 0;
    const int is_made =
        EVP_Q_mac(NULL, "HMAC", NULL, algorithm->hash, NULL, key->secret, key->secret_len,
                  (const unsigned char *)text.ptr, text.len, mac, sizeof mac, &len) != NULL;
    return is_made && len == algorithm->size && signature.len == len &&
           CRYPTO_memcmp(mac, signature.ptr, len) == 0;
}

/* JOSE has R and S one after the other (RFC 7518 3.4), OpenSSL wants them in DER. */
static int to_der(const struct auth_algorithm *algorithm, struct eg_str signature,
                  unsigned char **ret_der) {
    const unsigned char *bytes = (const unsigned char *)signature.ptr;
    const int size = (int)algorithm->size;
    if (signature.len != 2 * algorithm->size) {
        return 0;
    }
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes, size, NULL);
    BIGNUM *s = BN_bin2bn(bytes + size, size, NULL);
    int len = 0;
    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL;
        len = i2d_ECDSA_SIG(sig, ret_der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return len;
}

static int verify_public(const struct auth_key *key, const struct auth_algorithm *algorithm,
                         struct eg_str text, struct eg_str signature) {
    EVP_PKEY_CTX *parameters = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int is_good = context != NULL && EVP_DigestVerifyInit_ex(context, &parameters, algorithm->hash,
                                                             NULL, NULL, key->evp, NULL) == 1;
    if (is_good && algorithm->is_pss) { /* RFC 7518 3.5: the salt is as long as the hash */
        is_good = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                  EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1;
    }
    is_good =
        is_good && EVP_DigestVerify(context, (const unsigned char *)signature.ptr, signature.len,
                                    (const unsigned char *)text.ptr, text.len) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return is_good;
}

int auth_verify(const struct auth_key *key, const struct auth_algorithm *algorithm,
                struct eg_str text, struct eg_str signature) {
    unsigned char *der = NULL;
    if (!auth_key_fits(key, algorithm) || signature.len == 0) {
        return 0;
    }
    if (key->kind == AUTH_KEY_SECRET) {
        return verify_hmac(key, algorithm, text, signature);
    }
    if (key->kind != AUTH_KEY_EC) {
        return verify_public(key, algorithm, text, signature);
    }
    const int len = to_der(algorithm, signature, &der);
    const int is_good =
        len > 0 && verify_public(key, algorithm, text, egx_str_n((const char *)der, (size_t)len));
    OPENSSL_free(der);
    return is_good;
}
