#ifndef MARTLET_COPENSSL_SSL_SHIM_H
#define MARTLET_COPENSSL_SSL_SHIM_H

// The macros that module TLS needs.
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/tls1.h>
#include <openssl/x509v3.h>

// Contexts

static inline int shim_ctx_set_min_version(SSL_CTX *ctx, int version) {
    return (int)SSL_CTX_set_min_proto_version(ctx, version);
}
static inline int shim_ctx_set_max_version(SSL_CTX *ctx, int version) {
    return (int)SSL_CTX_set_max_proto_version(ctx, version);
}
static inline void shim_ctx_set_release_buffers(SSL_CTX *ctx) {
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}
static inline void shim_ctx_set_read_ahead(SSL_CTX *ctx) { SSL_CTX_set_read_ahead(ctx, 1); }
static inline void shim_ctx_set_safe_options(SSL_CTX *ctx) {
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
}
static inline void shim_ctx_prefer_server_ciphers(SSL_CTX *ctx) {
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
}
static inline void shim_ctx_session_cache_off(SSL_CTX *ctx) {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
}
static inline void shim_ctx_session_cache_by_callback(SSL_CTX *ctx) {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
}
static inline int shim_ctx_set_groups(SSL_CTX *ctx, const char *list) {
    return (int)SSL_CTX_set1_groups_list(ctx, (char *)list);
}
static inline int shim_ctx_add1_chain_certificate(SSL_CTX *ctx, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(ctx, certificate);
}
static inline void shim_ctx_set1_store(SSL_CTX *ctx, X509_STORE *store) { SSL_CTX_set1_cert_store(ctx, store); }
static inline void shim_ctx_set_server_name_callback(SSL_CTX *ctx, int (*callback)(SSL *, int *, void *), void *argument) {
    SSL_CTX_set_tlsext_servername_callback(ctx, callback);
    SSL_CTX_set_tlsext_servername_arg(ctx, argument);
}

// Connections

static inline int shim_ssl_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

// BIOs

static inline void shim_bio_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void shim_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

static inline ptrdiff_t shim_bio_memory(BIO *bio, char **start) { return (ptrdiff_t)BIO_get_mem_data(bio, start); }

// Memory

static inline void shim_free(void *pointer) { OPENSSL_free(pointer); }

// Certificates

/// RFC 4514 with UTF-8 left as it is; control characters are escaped.
static inline int shim_name_print(BIO *bio, const X509_NAME *name) {
    return X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
}
static inline int shim_general_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline const GENERAL_NAME *shim_general_name(const GENERAL_NAMES *names, int index) {
    return sk_GENERAL_NAME_value(names, index);
}
/// The string of a URI, DNS or email name; NULL for the other types.
static inline const ASN1_STRING *shim_general_name_string(const GENERAL_NAME *name) {
    switch (name->type) {
    case GEN_URI: case GEN_DNS: case GEN_EMAIL: return name->d.ia5;
    default: return NULL;
    }
}

// Tickets

static inline int shim_mac_init_sha256(EVP_MAC_CTX *mac, const void *key, size_t count) {
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key, count),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params);
}

// For tests

static inline int shim_test_limit(SSL *ssl, int version) { return (int)SSL_set_max_proto_version(ssl, version); }
static inline uint64_t shim_test_no_renegotiation(void) { return SSL_OP_NO_RENEGOTIATION; }

// Errors

static inline int shim_error_library(unsigned long code) { return ERR_GET_LIB(code); }
static inline int shim_error_reason(unsigned long code) { return ERR_GET_REASON(code); }

#endif
