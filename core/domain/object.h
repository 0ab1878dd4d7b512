/*
 * domain/object.h - one configuration object: event type, function, subscription or CORS. Immutable
 * once made, shared by catalog and snapshots of all threads through an atomic count of references;
 * owns an arena with all its text.
 *
 * Reading is lenient as the Config API promises (chapter 3.2): names in any case, unknown fields
 * dropped, the last of repeated fields wins, null = unset, text after the value ignored.
 */
#ifndef GW_DOMAIN_OBJECT_H
#define GW_DOMAIN_OBJECT_H

#include "base/arena.h"
#include "domain/kinds.h"

struct gw_eventtype {
    bool has_authorizer; /* "authorizerId" was given, even as "" */
    struct eg_str authorizer_id;
    struct eg_str schema; /* compact JSON Schema of the events' data; empty = none */
    uint64_t schema_mark; /* of that text, in this process: equal marks, equal texts */
};
/* With it an event type is kept by every store: Consul's values end at 512 KiB. */
#define GW_SCHEMA_MAX_BYTES ((size_t)256 * 1024)
struct gw_function {
    struct eg_str type;          /* provider type; empty = not given */
    struct eg_str provider_json; /* compact text of `provider`; empty = absent or null */
};
struct gw_subscription {
    bool is_sync;
    struct eg_str type; /* "async" or "sync" (or what was sent, before validation) */
    struct eg_str event_type;
    struct eg_str function_id;
    struct eg_str path;   /* normalised: begins with '/' */
    struct eg_str method; /* normalised: upper case */
};
struct gw_str_array {
    const struct eg_str *items;
    size_t count;
};
struct gw_cors {
    struct eg_str method;
    struct eg_str path;
    struct gw_str_array allowed_origins;
    struct gw_str_array allowed_methods;
    struct gw_str_array allowed_headers;
    bool allow_credentials;
};

struct gw_object {
    uint32_t magic;
    enum gw_kind kind;
    struct eg_str space;
    struct eg_str id;             /* name, functionId, subscriptionId or corsId */
    uint64_t revision;            /* of the store; 0 = not stored yet. Set once, by the catalog */
    const struct eg_kv *metadata; /* sorted by key */
    size_t metadata_count;
    union {
        struct gw_eventtype eventtype;
        struct gw_function function;
        struct gw_subscription subscription;
        struct gw_cors cors;
    } as;
    struct gw_arena arena;
    uint32_t refs; /* atomic */
};

/*
 * Reads a body sent by a client. space comes from the path. id: of the path for updates, empty for
 * creates (then it is taken from the body or computed). Checks JSON, types and the validation table
 * of chapter 3.4 of the kind, but not the provider's configuration: for functions, envelope errors
 * and then `type` missing are told by gw_object_read, unknown providers by the caller, and
 * functionId/space afterwards by gw_object_validate (order of chapter 4.2).
 * EG_E_SYNTAX when the body is no JSON of the right shape, else EG_E_INVAL. take: gw_object_unref.
 */
int32_t gw_object_read(enum gw_kind kind, struct eg_str space, struct eg_str id, struct eg_str body,
                       struct gw_object **ret_object, struct gw_refusal *ret_refusal);
int32_t gw_object_validate(const struct gw_object *object, struct gw_refusal *ret_refusal);
/* Longer identifiers could be stored but never be addressed: a request target has its limit. */
#define GW_OBJECT_MAX_ID_BYTES 4096u
int32_t gw_object_check_id_length(const struct gw_object *object, struct gw_refusal *ret_refusal);
/* Reads a stored value: no validation but that it parses to the right shape. ret_why names the
 * reason. key parts are authoritative for space and id. */
int32_t gw_object_load(enum gw_kind kind, struct eg_str space, struct eg_str id, uint64_t revision,
                       struct eg_str value, struct gw_object **ret_object, struct eg_why *ret_why);
/* A copy of a function with another provider text: normalised, or with kept secrets filled in.
 * take. */
struct gw_object *gw_object_with_provider(const struct gw_object *object,
                                          struct eg_str provider_json);
/* Gives an object that nobody else has seen yet the metadata of another one. */
void gw_object_copy_metadata(struct gw_object *object, const struct gw_object *from);

/* Compact JSON in field order of chapter 4, without newline. For functions provider_json may
 * replace the stored text (masked form); empty = as stored. */
void gw_object_write(struct gw_bytes *out, const struct gw_object *object,
                     struct eg_str provider_json);

/* A mark of a stored value, the same on every node. Half a hash: with a revision it is enough to
 * tell two values apart, and it helps little to guess the secrets in one that is shown masked. */
uint32_t gw_value_mark(struct eg_str value);
/* Of the value that the object is written as. */
uint32_t gw_object_mark(const struct gw_object *object);

struct gw_object *gw_object_ref(struct gw_object *object);
void gw_object_unref(struct gw_object *object); /* NULL is fine; any thread */

/* The `metadata.<key>=<value>` of a raw query (chapter 3.5), the first of repeated ones; other
 * parameters and undecodable ones are left out. Text lives in the arena. */
struct gw_filter {
    const struct eg_kv *items;
    size_t count;
};
void gw_filter_parse(struct gw_arena *arena, struct eg_str raw_query, struct gw_filter *ret_filter);
/* Does the object carry every one of them? */
bool gw_object_matches(const struct gw_object *object, const struct gw_filter *filter);
/* Both in one, for a single object. */
bool gw_object_matches_query(const struct gw_object *object, struct eg_str raw_query);

/* subscriptionId and corsId of chapter 4.3 and 4.4. */
struct eg_str gw_subscription_id(struct gw_arena *arena,
                                 const struct gw_subscription *subscription);
struct eg_str gw_cors_id(struct gw_arena *arena, struct eg_str method, struct eg_str path);
/* The corsId meant by the undecoded rest of a URL after `/cors/` (Q9): `GET%2Fhello`, its
 * lower-case and doubly escaped forms, and `GET/hello` all give `GET%2Fhello`. What holds no path
 * is returned decoded. */
struct eg_str gw_cors_id_from_url(struct gw_arena *arena, struct eg_str raw);

/* Immutable fields on update: subscriptions Type, EventType, FunctionID, Path, Method; CORS Method,
 * Path. 0 or a refusal (400). */
int32_t gw_object_check_update(const struct gw_object *stored, const struct gw_object *wanted,
                               struct gw_refusal *ret_refusal);

#endif
