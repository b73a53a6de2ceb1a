/*
 * WebSocket headers and control texts. Invariants: a header that parses lies inside the bytes, and written
 * again and parsed is the same; masking twice is none; a command that parses points into its text, and any
 * text gives a command or one of the documented errors.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond)            \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static void check_header(const uint8_t *data, size_t size)
{
	struct mp_ws_header h, again;
	uint8_t buf[MP_WS_HEADER_MAX];
	size_t used = 0, len;
	const int err = mp_ws_header_parse(&h, &used, data, size);

	REQUIRE(err == 0 || err == EAGAIN || err == EBADMSG || err == ENOTSUP);
	if (err)
		return;
	REQUIRE(used >= 2 && used <= size && used <= MP_WS_HEADER_MAX);
	REQUIRE(h.opcode < MP_WS_CLOSE || (h.fin && h.len <= MP_WS_CONTROL_MAX));
	len = mp_ws_header_write(buf, &h);
	REQUIRE(len <= sizeof(buf) && mp_ws_header_parse(&again, &used, buf, len) == 0 && used == len);
	REQUIRE(again.fin == h.fin && again.masked == h.masked && again.opcode == h.opcode);
	REQUIRE(again.len == h.len && (!h.masked || !memcmp(again.mask, h.mask, sizeof(h.mask))));
}

static void check_mask(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (size < 5)
		return;
	copy = malloc(size);
	REQUIRE(copy);
	memcpy(copy, data, size);
	mp_ws_mask(copy, size, data, data[4]);
	mp_ws_mask(copy, size / 2, data, data[4]);
	mp_ws_mask(copy + size / 2, size - size / 2, data, data[4] + size / 2);
	REQUIRE(!memcmp(copy, data, size));
	free(copy);
}

static void check_control(const uint8_t *data, size_t size, bool is_json)
{
	const char *text = (const char *)data;
	struct mp_control c;
	int err;

	memset(&c, 0, sizeof(c));
	err = mp_control_parse(&c, text, size, is_json);
	REQUIRE(err == 0 || err == EBADMSG || err == ENOENT || err == EINVAL);
	if (err)
		return;
	REQUIRE(c.name < MP_CONTROL_COUNT && mp_control_word(c.name));
	REQUIRE(!c.id_len || (c.id >= text && c.id + c.id_len <= text + size));
	REQUIRE(!c.direction_len || (c.direction >= text && c.direction + c.direction_len <= text + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_header(data, size);
	check_mask(data, size);
	(void)mp_utf8_is_valid(data, size);
	check_control(data, size, false);
	check_control(data, size, true);
	return 0;
}
