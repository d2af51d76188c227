-- For wrk: posts the bodies of a file in turn, waits between requests where told to, prints JSON.
-- Arguments: the file, one JSON body a line; milliseconds to wait on average (0: none).
local bodies, position, pause, refused = {}, 0, 0, 0
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  for line in io.lines(args[1]) do
    table.insert(bodies, line)
  end
  pause = tonumber(args[2])
  math.randomseed(7)
  refused = 0
end

function request()
  position = position % #bodies + 1
  return wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, bodies[position])
end

-- Exponential pauses on each connection make arrivals that know nothing of one another.
function delay()
  return pause == 0 and 0 or math.floor(-pause * math.log(1 - math.random()) + 0.5)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "refused": %d, "broken": %d, "ms": {"p50": %.4f, "p95": %.4f, "p99": %.4f, "most": %.4f}}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
