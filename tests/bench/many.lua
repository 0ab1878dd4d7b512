-- many.lua - as request.lua sends its POST, but each request goes to the next path of a file that has a path a line.
-- Arguments: milliseconds that each connection waits before a request (0: none), the file with the body, that with
-- the paths.

local requests, at = {}, 0

function init(args)
    local pause = tonumber(args[1])
    local file = assert(io.open(args[2], "rb"))
    local body = file:read("*a")
    file:close()
    wrk.headers["Content-Type"] = "application/json"
    for path in io.lines(args[3]) do
        requests[#requests + 1] = wrk.format("POST", path, nil, body)
    end
    if pause > 0 then
        delay = function() return pause end
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
