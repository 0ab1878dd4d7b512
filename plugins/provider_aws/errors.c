/*
 * errors.c - classes of error codes. Pure; any thread.
 *
 * By code first, status second: a 400 can be throttling, and a 502 of Lambda can be a broken
 * function package. The generic rows are botocore's standard mode, the others are from the models
 * of the services.
 */
#include "errors.h"

#define THROTTLED EG_CALL_THROTTLED
#define TRANSIENT EG_CALL_TRANSIENT
#define PERMANENT EG_CALL_PERMANENT
#define AUTH EG_CALL_AUTH

struct code_row {
    const char *code;
    uint32_t call_class;
    uint32_t flags; /* AWS_CODE_* */
};

static const struct code_row rows[] = {
    /* generic: throttling */
    {"Throttling", THROTTLED, 0},
    {"ThrottlingException", THROTTLED, 0},
    {"ThrottledException", THROTTLED, 0},
    {"RequestThrottledException", THROTTLED, 0},
    {"TooManyRequestsException", THROTTLED, 0},
    {"ProvisionedThroughputExceededException", THROTTLED, 0},
    {"TransactionInProgressException", THROTTLED, 0},
    {"RequestLimitExceeded", THROTTLED, 0},
    {"BandwidthLimitExceeded", THROTTLED, 0},
    {"LimitExceededException", THROTTLED, 0},
    {"RequestThrottled", THROTTLED, 0},
    {"SlowDown", THROTTLED, 0},
    {"PriorRequestNotComplete", THROTTLED, 0},
    {"EC2ThrottledException", THROTTLED, 0},
    {"KMSThrottlingException", THROTTLED, 0},
    {"KmsThrottled", THROTTLED, 0},
    {"OverLimit", THROTTLED, 0},
    /* generic: transient */
    {"RequestTimeout", TRANSIENT, 0},
    {"RequestTimeoutException", TRANSIENT, 0},
    {"InternalFailure", TRANSIENT, 0},
    {"InternalFailureException", TRANSIENT, 0},
    {"InternalError", TRANSIENT, 0},
    {"ServiceUnavailable", TRANSIENT, 0},
    {"ServiceUnavailableException", TRANSIENT, 0},
    {"IDPCommunicationError", TRANSIENT, 0},
    /* generic: credentials; fetched anew once */
    {"ExpiredToken", AUTH, AWS_CODE_REFRESH},
    {"ExpiredTokenException", AUTH, AWS_CODE_REFRESH},
    {"UnrecognizedClientException", AUTH, AWS_CODE_REFRESH},
    {"InvalidClientTokenId", AUTH, AWS_CODE_REFRESH},
    {"InvalidSignatureException", AUTH, AWS_CODE_REFRESH | AWS_CODE_MAYBE_SKEW},
    {"SignatureDoesNotMatch", AUTH, AWS_CODE_REFRESH | AWS_CODE_MAYBE_SKEW},
    {"RequestTimeTooSkewed", AUTH, AWS_CODE_MAYBE_SKEW},
    /* Lambda: transient */
    {"ServiceException", TRANSIENT, 0},
    {"ResourceNotReadyException", TRANSIENT, 0},
    {"ENINotReadyException", TRANSIENT, 0},
    {"ENILimitReachedException", TRANSIENT, 0},
    {"SubnetIPAddressLimitReachedException", TRANSIENT, 0},
    {"EC2UnexpectedException", TRANSIENT, 0},
    {"SnapStartTimeoutException", TRANSIENT, 0},
    {"EFSMountTimeoutException", TRANSIENT, 0},
    {"EFSMountConnectivityException", TRANSIENT, 0},
    {"ResourceConflictException", TRANSIENT, 0},
    {"SnapStartNotReadyException", TRANSIENT, 0},
    {"SnapStartRegenerationFailureException", TRANSIENT, 0},
    {"EFSIOException", TRANSIENT, 0},
    /* Lambda: permanent although 502 */
    {"InvalidRuntimeException", PERMANENT, 0},
    {"InvalidZipFileException", PERMANENT, 0},
    {"InvalidSubnetIDException", PERMANENT, 0},
    {"InvalidSecurityGroupIDException", PERMANENT, 0},
    {"EC2AccessDeniedException", PERMANENT, 0},
    {"KMSAccessDeniedException", PERMANENT, 0},
    {"KMSDisabledException", PERMANENT, 0},
    {"KMSInvalidStateException", PERMANENT, 0},
    {"KMSNotFoundException", PERMANENT, 0},
    {"KMSOptInRequired", PERMANENT, 0},
};

static const struct code_row *find(struct eg_str code) {
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        if (egx_str_eq(code, egx_str_c(rows[i].code))) {
            return &rows[i];
        }
    }
    return NULL;
}

/* 403 too is permanent: the permission is missing, and other keys of the same owner lack it too. */
static uint32_t class_of_status(uint32_t status) {
    static const uint32_t transient[] = {0, 408, 500, 502, 503, 504};
    for (size_t i = 0; i < EGX_COUNT(transient); i++) {
        if (status == transient[i]) {
            return EG_CALL_TRANSIENT;
        }
    }
    return status == 429 ? EG_CALL_THROTTLED : EG_CALL_PERMANENT;
}

uint32_t aws_error_class(struct eg_str code, uint32_t status) {
    const struct code_row *row = find(code);
    if (row != NULL) {
        return row->call_class;
    }
    /* An entry of a batch has no status: what nobody knows will not get better. */
    return code.len > 0 && status == 0 ? EG_CALL_PERMANENT : class_of_status(status);
}

uint32_t aws_error_flags(struct eg_str code) {
    const struct code_row *row = find(code);
    return row == NULL ? 0 : row->flags;
}

struct eg_str aws_error_code_trim(struct eg_str code) {
    for (size_t i = code.len; i > 0; i--) {
        if (code.ptr[i - 1] == '#') {
            code = egx_str_cut(code, i);
            break;
        }
    }
    const char *colon = code.len == 0 ? NULL : memchr(code.ptr, ':', code.len);
    return colon == NULL ? code : egx_str_n(code.ptr, (size_t)(colon - code.ptr));
}

static struct eg_str first_header(const struct eg_kv *headers, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (egx_str_eq_nocase(headers[i].name, egx_str_c(name))) {
            return headers[i].value;
        }
    }
    return egx_str_n(NULL, 0);
}

static uint64_t number(struct eg_str text) {
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || value > 1000000000u) {
            return 0;
        }
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return value;
}

uint64_t aws_error_retry_after_ns(const struct eg_kv *headers, size_t count) {
    const uint64_t ms = number(first_header(headers, count, "x-amz-retry-after"));
    const uint64_t s = number(first_header(headers, count, "retry-after"));
    const uint64_t wanted_ns = ms > 0 ? ms * 1000000u : s * 1000000000u;
    return wanted_ns < AWS_RETRY_AFTER_MAX_NS ? wanted_ns : AWS_RETRY_AFTER_MAX_NS;
}

struct eg_str aws_error_code_of(const struct eg_host *host, const struct eg_json *body,
                                const struct eg_kv *headers, size_t count) {
    const struct eg_str header = first_header(headers, count, "x-amzn-errortype");
    static const char *const members[] = {"__type", "code", "Code"};
    if (header.len > 0) {
        return aws_error_code_trim(header);
    }
    for (size_t i = 0; i < EGX_COUNT(members) && body != NULL; i++) {
        const struct eg_json *member = host->json->member(body, egx_str_c(members[i]));
        const struct eg_str code = host->json->string(member);
        if (code.len > 0) {
            return aws_error_code_trim(code);
        }
    }
    return egx_str_n(NULL, 0);
}
