/* WebSocket frames (RFC 6455 section 5.2). Pure. */
#ifndef MP_WS_H
#define MP_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MP_WS_HEADER_MAX  14  /* bytes */
#define MP_WS_CONTROL_MAX 125 /* bytes of a ping's, pong's or close's payload */

enum mp_ws_opcode {
	MP_WS_CONTINUATION = 0,
	MP_WS_TEXT = 1,
	MP_WS_BINARY = 2,
	MP_WS_CLOSE = 8,
	MP_WS_PING = 9,
	MP_WS_PONG = 10
};

/* RFC 6455 section 7.4.1 */
enum mp_ws_status {
	MP_WS_NORMAL = 1000,
	MP_WS_GOING_AWAY = 1001,
	MP_WS_PROTOCOL_ERROR = 1002,
	MP_WS_UNSUPPORTED = 1003,
	MP_WS_INVALID_TEXT = 1007
};

struct mp_ws_header {
	bool fin, masked;
	uint8_t opcode;
	uint8_t mask[4];
	uint64_t len; /* of the payload */
};

/*
 * Read the header at the beginning of `buf`; *used is its length.
 * Returns 0, EAGAIN (more bytes are needed), EBADMSG (a reserved bit, a control frame that is long or in
 * fragments, a length of more than 63 bits), ENOTSUP (a reserved opcode).
 */
int mp_ws_header_parse(struct mp_ws_header *h, size_t *used, const uint8_t *buf, size_t len);

/* Write a header at `buf` (MP_WS_HEADER_MAX bytes). Returns its length. */
size_t mp_ws_header_write(uint8_t *buf, const struct mp_ws_header *h);

/* Mask or unmask in place; `offset`: of data[0] in the payload. */
void mp_ws_mask(uint8_t *data, size_t len, const uint8_t mask[4], uint64_t offset);

/* Whether bytes are UTF-8 (RFC 3629). */
bool mp_utf8_is_valid(const uint8_t *text, size_t len);

#endif
