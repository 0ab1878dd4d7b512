/*
 * domain/document.h - configuration objects as documents of a file: JSON, one value after the
 * other, or YAML. A document is the object as the Configuration API shows it, and `kind` beside its
 * fields: eventtype, function, subscription, cors. Pure; one thread.
 */
#ifndef GW_DOMAIN_DOCUMENT_H
#define GW_DOMAIN_DOCUMENT_H

#include "domain/object.h"
#include "domain/remarks.h"

enum gw_document_format { GW_DOCUMENT_JSON, GW_DOCUMENT_YAML };

struct gw_document {
    size_t line; /* where it begins */
    enum gw_kind kind;
    struct eg_str space; /* GW_DEFAULT_SPACE when it names none */
    struct eg_str id;    /* as given; may be empty */
    struct eg_str json;  /* all of it */
};
#define GW_DEFAULT_SPACE "default"

struct gw_documents {
    struct gw_arena arena; /* of all texts */
    struct gw_document *items;
    size_t count;
    size_t room;
    struct gw_remarks errors;   /* each is one document that is not among the items */
    struct gw_remarks warnings; /* fields that nobody knows */
};

/* Reads the whole text, which is borrowed as long as the documents are used; goes on behind what is
 * wrong as far as it can, up to 1000 errors. An empty text is an error too. */
void gw_documents_read(struct gw_documents *documents, struct eg_str text,
                       enum gw_document_format format);
void gw_documents_free(struct gw_documents *documents);

/* By the ending of the name (may be empty), else by the first byte that counts. */
enum gw_document_format gw_document_guess(struct eg_str name, struct eg_str text);

/* The object of a document, by the rules of the Config API for creates, or for updates if it
 * exists. Of a function the provider is asked by the caller, who then has to gw_object_validate. An
 * identifier that is derived has to be the derived one. take: gw_object_unref. */
int32_t gw_document_object(const struct gw_document *document, bool exists,
                           struct gw_object **ret_object, struct gw_refusal *ret_refusal);

/* One document, with the line break at its end. provider_json as in gw_object_write. */
void gw_document_write(struct gw_bytes *out, const struct gw_object *object,
                       struct eg_str provider_json, enum gw_document_format format);

/* The word in `kind`, or that of the Config API's URL. EG_E_NOTFOUND with a sentence. */
int32_t gw_document_kind(struct eg_str word, enum gw_kind *ret_kind, struct eg_why *ret_why);

#endif
