-- In the manner of the sample file: globals, functions of one's own, contexts as tables.
CONSOLE = "PJSIP/bob"
TRUNKMSD = 1

local function outgoing_local(c, e)
    app.verbose("outgoing to " .. e)
    app.log("NOTICE", "dialling " .. e:sub(TRUNKMSD + 1) .. " for " .. channel.CALLERID("num"):get())
    app.dial("Local/" .. e:sub(TRUNKMSD + 1) .. "@carrier/n", 2)
    app.hangup(channel.HANGUPCAUSE:get())
end

function demo_instruct()
    app.background("vm-intro")
    app.waitexten(1)
end

function demo_congrats()
    app.playback("hello-world")
    demo_instruct()
end

function demo_start(context, exten)
    app.answer()
    app.wait(0.1)
    channel.TIMEOUT("digit"):set(1)
    channel.TIMEOUT("response"):set(1)
    channel["LANGUAGE"] = "en"
    demo_congrats()
end

function demo_hangup()
    app.playback("vm-goodbye")
    app.hangup()
end

function standard(device)
    return function(context, extension)
        app.dial(device, 2, "t")
        local status = channel.DIALSTATUS:get()
        if status == "BUSY" then
            return app.busy(1)
        end
        app.log("NOTICE", extension .. " came out as " .. status)
        app.playback("vm-nobodyavail")
        app.hangup()
    end
end

extensions = {
    demo = {
        s = demo_start,
        ["2"] = function() app.saydigits("42"); demo_instruct() end,
        ["#"] = demo_hangup,
        t = demo_hangup,
        i = function() app.playback("pbx-invalid"); demo_hangup() end,
        h = function() app.log("NOTICE", "lua demo left, cause " .. channel.HANGUPCAUSE:get()) end,
    },
    carrier = {
        ["_NXXXXXX"] = function(context, extension)
            for digit in extension:sub(-3):gmatch("%d") do
                if digit == "9" then return app.congestion(1) end
            end
            app.answer()
            local count = tonumber(channel["DB(calls/" .. extension .. ")"]:get()) or 0
            channel.DB("calls/" .. extension):set(count + 1)
            app.saynumber(count + 1)
            app.hangup()
        end,
    },
    phones = {
        ["500"] = function() app["goto"]("demo", "s", 1) end,
        ["_9X."] = outgoing_local,
        ["101"] = standard("PJSIP/alice"),
        ["102"] = standard(CONSOLE),
        include = { "demo" },
    },
}

hints = {
    phones = { ["101"] = "PJSIP/alice", ["102"] = "PJSIP/bob" },
}
