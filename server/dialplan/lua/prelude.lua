-- Runs first in every state: takes away what could harm the server, makes app and channel.
-- ask(kind, ...) and tick() are Python's: the first waits for the call, the second is asked
-- now and then whether the script may go on. Nothing of Python is visible to the script.
local ask, tick, find_module, log, INTERVAL = ...

local pcall, xpcall, error, type, select = pcall, xpcall, error, type, select
local tostring, getmetatable, setmetatable = tostring, getmetatable, setmetatable
local pairs, ipairs, tonumber, tointeger = pairs, ipairs, tonumber, math.tointeger
local concat, floor, math_type = table.concat, math.floor, math.type
local sethook, traceback, getinfo = debug.sethook, debug.traceback, debug.getinfo
local co_create, co_resume = coroutine.create, coroutine.resume
local load = load

-- ending a script

local ended = nil -- why it has to end, whatever it catches

local function finish(reason)
  ended = reason
  error(reason, 0)
end

local function check(...)
  if ended then error(ended, 0) end
  return ...
end

local function hook()
  if ended then error(ended, 0) end
  local reason = tick()
  if reason then finish(reason) end
end

function _G.pcall(...) return check(pcall(...)) end

function _G.xpcall(...) return check(xpcall(...)) end

function coroutine.create(body)
  local made = co_create(body)
  sethook(made, hook, "", INTERVAL)
  return made
end

function coroutine.resume(...) return check(co_resume(...)) end

local function unwrap(is_ok, ...)
  check()
  if not is_ok then error((...), 0) end
  return ...
end

function coroutine.wrap(body)
  local made = coroutine.create(body)
  return function(...) return unwrap(co_resume(made, ...)) end
end

-- talking to the call

local plain = { string = true, number = true, boolean = true }

local function text(value)
  if value == nil then return "" end
  if math_type(value) == "float" and floor(value) == value and value > -1e15 and value < 1e15 then
    return tostring(floor(value))
  end
  local meta = not plain[type(value)] and getmetatable(value)
  if not plain[type(value)] and not (type(meta) == "table" and meta.__tostring) then
    error("a " .. type(value) .. " can't be given to the server", 0)
  end
  return tostring(value)
end

local function join(...)
  local parts = {}
  for index = 1, select("#", ...) do parts[index] = text((select(index, ...))) end
  return concat(parts, ",")
end

local function request(...)
  check()
  local status, value = ask(...)
  if status == "end" then finish(value) end
  if status == "hangup" then error("hangup", 0) end
  if status == "error" then error(value, 2) end -- those who call this do it as their last step
  return value
end

app = setmetatable({}, {
  __index = function(_, name)
    name = text(name)
    return function(...) return request("app", name, join(...)) end
  end,
  __newindex = function() error("applications can't be defined here", 2) end,
})

local variable_meta = {}

local function variable(name) return setmetatable({ name = name }, variable_meta) end

variable_meta.__index = {
  get = function(self) return request("get", self.name) end,
  set = function(self, value)
    if value == nil then return request("clear", self.name) end
    return request("set", self.name, text(value))
  end,
}

function variable_meta.__call(self, ...) return variable(self.name .. "(" .. join(...) .. ")") end

function variable_meta.__tostring(self) return self:get() or "" end

function variable_meta.__concat(left, right) return tostring(left) .. tostring(right) end

channel = setmetatable({}, {
  __index = function(_, name) return variable(text(name)) end,
  __newindex = function(_, name, value) return variable(text(name)):set(value) end,
})

local is_served = true -- the caller is always served; scripts only want to hear what they said

function autoservice_start() is_served = true end

function autoservice_stop() is_served = false end

function autoservice_status() return is_served end

function check_hangup() return request("hangup?") == "1" end

function print(...)
  local parts = {}
  for index = 1, select("#", ...) do parts[index] = tostring((select(index, ...))) end
  log(concat(parts, "\t"))
end

-- what is taken away: whatever ends or changes the process, runs machine code, or looks inside

os.exit, os.setlocale = nil, nil
debug = { traceback = traceback }
python = nil

function _G.load(chunk, name, _, ...)
  if select("#", ...) > 0 then return load(chunk, name, "t", ...) end
  return load(chunk, name, "t")
end

local loaded = package.loaded
loaded.debug, loaded.package = debug, nil
package = { loaded = loaded, preload = {} }

local function load_file(name)
  local path, source = find_module(name)
  if not path then return nil, source end
  return load(source, "=" .. path, "t")
end

function loadfile(name) return load_file("=" .. tostring(name)) end

function dofile(name)
  local chunk, message = loadfile(name)
  if not chunk then error(message, 2) end
  return chunk()
end

function require(name)
  if loaded[name] ~= nil then return loaded[name] end
  local chunk, message = package.preload[name], nil
  if not chunk then chunk, message = load_file(name) end
  if not chunk then error(message, 2) end
  local value = chunk(name)
  if value ~= nil then loaded[name] = value end
  if loaded[name] == nil then loaded[name] = true end
  return loaded[name]
end

-- what Python calls

local function explain(message)
  if ended then return message end
  return (traceback(tostring(message), 2):gsub("\n\t%[C%]: in upvalue 'xpcall'.*", ""))
end

local function guarded(body, ...)
  ended = nil
  sethook(hook, "", INTERVAL)
  local is_ok, message = xpcall(body, explain, ...)
  sethook()
  if ended then return "ended", ended end
  if not is_ok then return "failed", message end
  return "done", ""
end

local function run_file(source, path)
  local chunk, message = load(source, "=" .. path, "t")
  if not chunk then return "failed", message end
  return guarded(chunk)
end

local function lookup(context, key)
  local found = type(extensions) == "table" and extensions[context]
  if type(found) ~= "table" then return nil end
  if found[key] ~= nil then return found[key] end
  local number = tointeger(tonumber(key))
  return number and found[number]
end

local function run_extension(context, key, ...)
  local body = lookup(context, key)
  if body == nil then return "failed", "no extension " .. key .. " in context " .. context end
  return guarded(body, ...)
end

local function line_of(body)
  local info = type(body) == "function" and getinfo(body, "S")
  return info and info.linedefined or 0
end

local function describe_context(report, name, context)
  report("context", name, "", 0)
  for key, value in pairs(context) do
    if key == "include" and type(value) ~= "function" then
      for _, included in ipairs(type(value) == "table" and value or { value }) do
        report("include", name, text(included), 0)
      end
    else
      report("exten", name, text(key), line_of(value))
    end
  end
end

local function describe(report)
  return guarded(function()
    if type(extensions) ~= "table" then error("there is no table named extensions", 0) end
    for name, context in pairs(extensions) do
      if type(context) == "table" then describe_context(report, text(name), context) end
    end
    if type(hints) ~= "table" then return end
    for name, context in pairs(hints) do
      for key, devices in pairs(context) do
        report("hint", text(name), text(key) .. "," .. text(devices), 0)
      end
    end
  end)
end

return run_file, run_extension, describe
