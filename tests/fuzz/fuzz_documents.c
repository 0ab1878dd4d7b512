/*
 * fuzz_documents.c - files of configuration documents, JSON and YAML: any text.
 *
 * Every document is an object of a known kind, or there is an error that says why not, with a line
 * inside the text. What can be made an object is written in both forms, and read again it is the
 * same object.
 */
#include "base/check.h"
#include "base/jscan.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_lines(struct eg_str text) {
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++) {
        lines += text.ptr[i] == '\n';
    }
    return lines;
}

/* YAML has more ends of lines: CR, U+0085, U+2028, U+2029. */
static void check_remarks(const struct gw_remarks *remarks, struct eg_str text) {
    const size_t most = count_lines(text) + text.len;
    for (size_t i = 0; i < remarks->count; i++) {
        GW_ASSERT(remarks->items[i].text.len > 0 && remarks->items[i].line <= most);
    }
}

static struct eg_buf write(const struct gw_object *object, enum gw_document_format format) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_document_write(&out, object, (struct eg_str){0}, format);
    return gw_bytes_take(&out);
}

static void check_again(const struct gw_object *object, enum gw_document_format format,
                        struct eg_str expected) {
    struct gw_documents documents;
    struct gw_object *again = NULL;
    struct gw_refusal refusal;
    struct eg_buf text = write(object, format);
    gw_documents_read(&documents, gw_str(text.ptr, text.len), format);
    GW_ASSERT(documents.count == 1 && documents.errors.count == 0);
    GW_ASSERT(gw_document_object(&documents.items[0], true, &again, &refusal) == EG_OK);
    struct eg_buf same = write(again, GW_DOCUMENT_JSON);
    GW_ASSERT(gw_str_eq(gw_str(same.ptr, same.len), expected));
    gw_buf_release(&same);
    gw_buf_release(&text);
    gw_object_unref(again);
    gw_documents_free(&documents);
}

static void check_document(const struct gw_document *document) {
    struct gw_object *object = NULL;
    struct gw_refusal refusal;
    struct gw_jval value;
    GW_ASSERT(document->kind < GW_KINDS && document->line > 0);
    GW_ASSERT(gw_json_check(document->json, 0, &value, NULL) == EG_OK && value.type == GW_J_OBJECT);
    if (gw_document_object(document, true, &object, &refusal) < 0) {
        GW_ASSERT(refusal.why.len > 0);
        return;
    }
    struct eg_buf text = write(object, GW_DOCUMENT_JSON);
    check_again(object, GW_DOCUMENT_JSON, gw_str(text.ptr, text.len));
    check_again(object, GW_DOCUMENT_YAML, gw_str(text.ptr, text.len));
    gw_buf_release(&text);
    gw_object_unref(object);
}

static void check_file(struct eg_str text, enum gw_document_format format) {
    struct gw_documents documents;
    gw_documents_read(&documents, text, format);
    GW_ASSERT(documents.count > 0 || documents.errors.count > 0);
    check_remarks(&documents.errors, text);
    check_remarks(&documents.warnings, text);
    for (size_t i = 0; i < documents.count; i++) {
        check_document(&documents.items[i]);
    }
    gw_documents_free(&documents);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct eg_str text = gw_str((const char *)data, size);
    check_file(text, GW_DOCUMENT_JSON);
    check_file(text, GW_DOCUMENT_YAML);
    (void)gw_document_guess((struct eg_str){0}, text);
    return 0;
}
