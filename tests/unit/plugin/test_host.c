/* The smaller services: log, mem, clock, json, metrics, http. */
#include "base/log.h"
#include "base/metrics.h"
#include "bench_plugin.h"
#include "plugin/host.h"

static struct gw_instance *instance;
static char logged[2048];
static void on_line(void *arg, struct eg_str line) {
    (void)arg;
    (void)snprintf(logged, sizeof logged, "%.*s", GW_FMT(line));
}

static void open_host(void) {
    instance = bench_serve();
    logged[0] = '\0';
    gw_log_capture(on_line, NULL);
}
static void close_host(void) {
    gw_log_capture(NULL, NULL);
    bench_stop();
}

static void log_lines_carry_the_name_of_the_component(void) {
    const struct eg_kv field = {GW_STR("answer"), GW_STR("42")};
    open_host();
    CU_ASSERT_EQUAL(bench_host->log->enabled(bench_host, EG_LOG_WARN), 1);
    CU_ASSERT_EQUAL(bench_host->log->enabled(bench_host, EG_LOG_DEBUG), 0);
    bench_host->log->write(bench_host, EG_LOG_WARN, GW_STR("careful"), &field, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "careful"));
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "bench"));
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "42"));
    logged[0] = '\0';
    bench_host->log->write(bench_host, EG_LOG_DEBUG, GW_STR("quiet"), NULL, 0);
    CU_ASSERT_STRING_EQUAL(logged, "");
    bench_host->log->write(bench_host, 99, GW_STR("loud"), NULL, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "loud"));
    close_host();
}

static void memory_is_zeroed_and_copies_are_given(void) {
    open_host();
    char *ptr = bench_host->mem->alloc(bench_host, 64);
    CU_ASSERT_EQUAL(ptr[0] | ptr[63], 0);
    bench_host->mem->free(bench_host, ptr);
    bench_host->mem->free(bench_host, NULL);
    struct eg_buf copy = bench_host->mem->copy(bench_host, GW_STR("bytes"));
    ASSERT_STR(((struct eg_str){copy.ptr, copy.len}), "bytes");
    gw_buf_release(&copy);
    close_host();
}

static void the_clock_is_the_gateways(void) {
    gw_clock_hold(5, 7);
    open_host();
    CU_ASSERT_EQUAL(bench_host->clock->monotonic_ns(bench_host), 5);
    CU_ASSERT_EQUAL(bench_host->clock->unix_ns(bench_host), 7);
    close_host();
    gw_clock_release();
}

static void json_is_parsed_strictly_and_walked(void) {
    const struct eg_json_api *json = NULL;
    struct eg_json *root = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    struct eg_str name = {0};
    open_host();
    json = bench_host->json;
    CU_ASSERT_TRUE(json->parse(bench_host, GW_STR("{\"a\":1} x"), &root, &why) < 0);
    CU_ASSERT_TRUE(why.len > 0);
    CU_ASSERT_EQUAL_FATAL(
        json->parse(bench_host, GW_STR("{\"a\":[1,\"x\",null],\"b\":true}"), &root, NULL), EG_OK);
    const struct eg_json *list = json->member(root, GW_STR("a"));
    CU_ASSERT_EQUAL(json->kind(list), EG_JSON_ARRAY);
    CU_ASSERT_EQUAL(json->count(list), 3);
    CU_ASSERT_EQUAL(json->integer(json->at(list, 0, NULL)), 1);
    ASSERT_STR(json->string(json->at(list, 1, NULL)), "x");
    CU_ASSERT_EQUAL(json->kind(json->at(list, 9, NULL)), EG_JSON_NULL);
    CU_ASSERT_EQUAL(json->integer(json->at(root, 1, &name)), 1);
    ASSERT_STR(name, "b");
    json->free(bench_host, root);
    close_host();
}

static void metrics_get_the_prefix_and_bad_names_are_harmless(void) {
    const struct eg_metrics_api *metrics = NULL;
    const struct eg_kv label = {GW_STR("kind"), GW_STR("x")};
    struct gw_bytes out;
    open_host();
    metrics = bench_host->metrics;
    struct eg_metric *counter =
        metrics->counter(bench_host, GW_STR("bench_total"), GW_STR("Help."), &label, 1);
    CU_ASSERT_PTR_NOT_NULL(counter);
    CU_ASSERT_PTR_EQUAL(
        counter, metrics->counter(bench_host, GW_STR("bench_total"), GW_STR("Help."), &label, 1));
    metrics->add(counter, 3);
    CU_ASSERT_PTR_NULL(metrics->counter(bench_host, GW_STR("Bench_total"), GW_STR(""), NULL, 0));
    CU_ASSERT_PTR_NULL(metrics->counter(bench_host, GW_STR("bench"), GW_STR(""), NULL, 0));
    CU_ASSERT_PTR_NULL(metrics->gauge(bench_host, GW_STR(""), GW_STR(""), NULL, 0));
    CU_ASSERT_PTR_NULL(metrics->gauge(bench_host, GW_STR("bench_total"), GW_STR(""), NULL, 0));
    metrics->add(NULL, 1);
    metrics->set(NULL, 1);
    gw_bytes_init(&out, 0);
    gw_metrics_write(&out);
    gw_bytes_add_char(&out, '\0');
    CU_ASSERT_PTR_NOT_NULL(strstr(out.ptr, "eventgateway_bench_total{kind=\"x\"} 3\n"));
    gw_bytes_free(&out);
    close_host();
}

static void on_response(void *arg, const struct eg_http_response *response) {
    (void)arg;
    (void)response;
}
static int32_t sent;
static void send_now(void *arg) {
    struct eg_http_call *call = NULL;
    sent = bench_host->http->send(bench_host, loops[1], arg, on_response, NULL, &call);
}

static void http_is_refused_off_its_loop_and_without_a_client(void) {
    struct eg_http_request request = {
        .struct_size = sizeof request, .method = {"GET", 3}, .url = {"http://127.0.0.1/", 17}};
    struct eg_http_call *call = NULL;
    open_host();
    CU_ASSERT_EQUAL(
        bench_host->http->send(bench_host, loops[1], &request, on_response, NULL, &call),
        EG_E_INVAL);
    gw_loop_post_fn(loops[1], send_now, &request);
    turn();
    CU_ASSERT_EQUAL(sent, EG_E_UNAVAILABLE);
    request.struct_size = 8;
    gw_loop_post_fn(loops[1], send_now, &request);
    turn();
    CU_ASSERT_EQUAL(sent, EG_E_INVAL);
    CU_ASSERT_EQUAL(instance->ledger[1].in_flight, 0);
    bench_host->http->cancel(bench_host, NULL);
    close_host();
}

UNIT_MAIN(UNIT(log_lines_carry_the_name_of_the_component),
          UNIT(memory_is_zeroed_and_copies_are_given), UNIT(the_clock_is_the_gateways),
          UNIT(json_is_parsed_strictly_and_walked),
          UNIT(metrics_get_the_prefix_and_bad_names_are_harmless),
          UNIT(http_is_refused_off_its_loop_and_without_a_client))
