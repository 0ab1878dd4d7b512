/*
 * middleware_maintenance - answers 503 with Retry-After for paths that are being worked on.
 *
 *   plugins = { middleware = ( "maintenance" );
 *               maintenance = { paths = ( "/orders" ); retry_after = "10m"; }; };
 *
 * C++17 on the C border: objects, strings and exceptions stay on this side of it. What is called
 * from the gateway is noexcept or catches, since an exception must not cross.
 */
#include <eventgw-sdk/egx.h>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct maintenance_settings {
    struct eg_str_list paths;
    uint64_t retry_after;
    struct eg_str message;
};
EGX_SETTING_LIST(maintenance_settings, paths, "()", "Paths that are closed, with all below them.");
EGX_SETTING_DURATION(maintenance_settings, retry_after, 0, INT64_MAX, "60s",
                     "What clients are told to wait.");
EGX_SETTING_STRING(maintenance_settings, message, "This is being worked on.",
                   "What clients are told.");
static const struct eg_setting *const rows[] = {EGX_ROW(maintenance_settings, paths),
                                                EGX_ROW(maintenance_settings, retry_after),
                                                EGX_ROW(maintenance_settings, message)};

namespace {

std::string_view view(struct eg_str text) noexcept {
    return {text.ptr == nullptr ? "" : text.ptr, text.len};
}

class Maintenance {
  public:
    Maintenance(const struct eg_host *host, const maintenance_settings *settings)
        : host_(host), settings_(settings),
          retry_after_(std::to_string(settings->retry_after / 1000000000u)) {
        for (size_t i = 0; i < settings->paths.count; i++) {
            std::string path(view(settings->paths.items[i]));
            if (path.empty() || path.front() != '/') {
                throw std::invalid_argument("a path begins with /: '" + path + "'");
            }
            while (path.size() > 1 && path.back() == '/') {
                path.pop_back();
            }
            paths_.push_back(path == "/" ? "" : path);
        }
    }

    bool is_closed(std::string_view path) const noexcept {
        for (const std::string &closed : paths_) {
            if (path.substr(0, closed.size()) == closed &&
                (path.size() == closed.size() || path[closed.size()] == '/')) {
                return true;
            }
        }
        return false;
    }

    /* Called on several loops at once: nothing here changes. */
    int32_t on_request(struct eg_exchange *exchange) const noexcept {
        const struct eg_exchange_api *api = host_->exchange;
        if (!is_closed(view(api->path(exchange)))) {
            return EG_NEXT;
        }
        (void)api->reply_header(exchange, EGX_STR("Retry-After"),
                                egx_str_n(retry_after_.data(), retry_after_.size()));
        api->reply_error(exchange, 503, settings_->message);
        return EG_STOP;
    }

  private:
    const struct eg_host *host_;
    const maintenance_settings *settings_; /* borrowed until destroy */
    std::string retry_after_;
    std::vector<std::string> paths_;
};

int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
               struct eg_why *ret_why) {
    try {
        *ret_instance =
            std::make_unique<Maintenance>(host, static_cast<const maintenance_settings *>(settings))
                .release();
        return EG_OK;
    } catch (const std::exception &problem) {
        return egx_why(ret_why, EG_E_INVAL, "%s", problem.what());
    }
}

void destroy(void *instance) {
    delete static_cast<Maintenance *>(instance);
}

int32_t on_request(void *instance, void *, struct eg_exchange *exchange, struct eg_op *) {
    return static_cast<const Maintenance *>(instance)->on_request(exchange);
}

const struct eg_life_ops life = {sizeof life, 0,       create,  nullptr,
                                 nullptr,     nullptr, nullptr, destroy};
const struct eg_middleware_ops ops = {sizeof ops, 0, on_request, nullptr, nullptr, nullptr};

} // namespace

EGX_COMPONENT(maintenance_component, EG_KIND_MIDDLEWARE, "maintenance",
              "Answers 503 for paths that are being worked on.", maintenance_settings, rows, &life,
              &ops);
EGX_PLUGIN("middleware_maintenance", "1.0.0", "Apache-2.0", EG_ABI_MAKE(0, 1),
           &maintenance_component)
