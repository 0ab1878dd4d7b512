-- many.lua - as post.lua, but each request goes to another path: the next one of a file that has a path a line.
-- Argument: the file.

local requests, at = {}, 0

function init(args)
    wrk.headers["Content-Type"] = "application/json"
    local body = '{"user":"0f8fad5b-d9cb-469f-a165-70867728950e","action":"order.created",'
        .. '"amount":1299,"currency":"EUR","note":"a bench"}'
    for path in io.lines(args[1]) do
        requests[#requests + 1] = wrk.format("POST", path, nil, body)
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        'RESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"bad_status":%d,"broken":%d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        e.status, e.connect + e.read + e.write + e.timeout))
end
