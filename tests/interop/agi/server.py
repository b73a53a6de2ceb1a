"""A FastAGI server with panoramisk; says on which port it listens."""

import asyncio

from panoramisk import fast_agi


async def menu(request):
    say = request.send_command
    await say("ANSWER")
    await say("STREAM FILE hello-world 123")
    digit = await say("WAIT FOR DIGIT 5000")
    key = chr(int(digit["result"][0]))
    where = request.headers["agi_network_script"]
    await say(f'SET VARIABLE GLOBAL(RESULT) "panoramisk {key} {where}"')
    await say("HANGUP")


async def main():
    app = fast_agi.Application(loop=asyncio.get_running_loop())
    app.add_route("menu", menu)
    server = await asyncio.start_server(app.handler, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
