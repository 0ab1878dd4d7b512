-- post.lua - what wrk sends (a POST with 120 bytes of JSON) and what it reports: one line of JSON.
-- Arguments: milliseconds that each connection waits before a request (0 = none), then more headers, each as
-- "name: value".

function init(args)
    local pause = tonumber(args[1] or "0")
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.body = '{"user":"0f8fad5b-d9cb-469f-a165-70867728950e","action":"order.created",'
        .. '"amount":1299,"currency":"EUR","note":"a bench"}'
    for i = 2, #args do
        local name, value = args[i]:match("^([^:]+): (.*)$")
        wrk.headers[name] = value
    end
    if pause > 0 then
        delay = function() return pause end
    end
end

function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        'RESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"bad_status":%d,"broken":%d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        e.status, e.connect + e.read + e.write + e.timeout))
end
