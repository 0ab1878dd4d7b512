/*
 * eventgw/types.h - the few words every other header of the ABI is built from.
 *
 * Ownership words, used in every comment of include/:
 *   borrow  the callee may read the bytes until it returns (or, where said, until the op is done)
 *   give    ownership goes to the callee; the giver must not touch it again
 *   take    ownership comes to the caller, who has to release it
 *
 * Lengths are size_t (pointer-wide, as the platform's C ABI fixes it); every other integer that
 * crosses the border has a fixed width. No enum, bool, bit-field, time_t or long crosses.
 * struct eg_str and struct eg_buf are frozen values: they never grow, so arrays of them may cross.
 * All other structs begin with struct_size and grow only at their end.
 */
#ifndef EVENTGW_TYPES_H
#define EVENTGW_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A slice of bytes somebody else owns. Not NUL-terminated. {NULL, 0} and {"", 0} are both empty. */
struct eg_str {
    const char *ptr;
    size_t len;
};

/*
 * Bytes that change owner. Whoever holds it last calls release(owner) exactly once; release may be
 * NULL for bytes that live for ever. release may be called on any thread.
 */
struct eg_buf {
    const char *ptr;
    size_t len;
    void (*release)(void *owner);
    void *owner;
};

/* A name and a value, for headers, labels and log fields. Frozen like eg_str. */
struct eg_kv {
    struct eg_str name;
    struct eg_str value;
};

/* A host-owned place for one sentence that says why something was refused. text is UTF-8, not
 * NUL-terminated, len <= sizeof text. Fill it with egx_why() of the SDK. */
struct eg_why {
    uint32_t struct_size;
    uint32_t len;
    char text[1016];
};

/*
 * Every function that can fail returns int32_t: 0 or positive = success, negative = one of these.
 * X(name, value, text)
 */
#define EG_ERRORS(X)                                                                               \
    X(EG_E_INVAL, -1, "invalid argument")                                                          \
    X(EG_E_NOTFOUND, -2, "not found")                                                              \
    X(EG_E_EXISTS, -3, "already exists")                                                           \
    X(EG_E_CONFLICT, -4, "changed meanwhile")                                                      \
    X(EG_E_TOOBIG, -5, "too big")                                                                  \
    X(EG_E_TIMEOUT, -6, "timed out")                                                               \
    X(EG_E_CANCELED, -7, "canceled")                                                               \
    X(EG_E_UNAVAILABLE, -8, "unavailable")                                                         \
    X(EG_E_DENIED, -9, "denied")                                                                   \
    X(EG_E_IO, -10, "input/output error")                                                          \
    X(EG_E_PROTO, -11, "protocol error")                                                           \
    X(EG_E_UNSUPPORTED, -12, "not supported")                                                      \
    X(EG_E_BUSY, -13, "busy")                                                                      \
    X(EG_E_INTERNAL, -14, "internal error")                                                        \
    X(EG_E_SYNTAX, -15, "syntax error")

/* Success of a function that can fail. */
#define EG_OK 0
/* The errors as constants. */
enum eg_error_code {
#define EG_ERROR_ENUM(name, value, text) name = value,
    EG_ERRORS(EG_ERROR_ENUM)
#undef EG_ERROR_ENUM
};

/* Does the struct behind p, made by whoever built it, reach to the end of this field? */
#define EG_HAS(p, field)                                                                           \
    ((size_t)(p)->struct_size >= (size_t)((const char *)(&(p)->field + 1) - (const char *)(p)))

#ifdef __cplusplus
}
#endif
#endif
