-- many.lua - as request.lua sends a POST and reports, but each request goes to the next path of a file that has a path a line.
-- Arguments: milliseconds that each connection waits before a request (0: none), the file with the body, that with
-- the paths.

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "request.lua")   -- its done() is ours
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
